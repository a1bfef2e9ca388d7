"""The command ``kursk``: list claims, run them, build the report.

Exit codes: 0 all went well; 1 a run failed; 2 something was asked for that cannot be done.
"""

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import nbformat

from kursk_claims.engine import jobs as planning
from kursk_claims.engine.execute import Outcome
from kursk_claims.engine.runner import run as run_jobs
from kursk_claims.errors import KurskError, ParameterError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import COMMON, Registry, load_registry


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kursk-claims")
def cli() -> None:
    """Test one article's claims on the Kursk incursion, at any date."""


@cli.command("list")
def list_claims() -> None:
    """List the claims and, for those with a notebook, their choices."""
    for entry in load_registry().claims:
        click.echo(f"{entry.id}  {entry.status:<8} {entry.title}")
        for name, values in entry.axes.items():
            click.echo(f"     {name} = {' | '.join(str(value) for value in values)}")


@cli.command()
@click.argument("claims", nargs=-1)
@click.option("--as-of", "dates", default=None, help="Days, YYYY-MM-DD, with commas between.")
@click.option("-p", "--parameter", "pairs", multiple=True, help="name=value; may be repeated.")
@click.option("--jobs", "workers", type=click.IntRange(1), help="Notebooks at a time.")
@click.option("--update", is_flag=True, help="Re-execute the committed notebooks in place.")
def run(
    claims: tuple[str, ...],
    dates: str | None,
    pairs: tuple[str, ...],
    workers: int | None,
    update: bool,
) -> None:
    """Run CLAIMS (all that have a notebook, when none is named)."""
    registry = load_registry()
    chosen = claims or tuple(entry.id for entry in registry.ready)
    if update:
        _update(registry, chosen, workers)
        return
    days = dates.split(",") if dates else [registry.article["appeared_on"]]
    jobs = [
        job
        for claim in chosen
        for job in planning.plan(registry, [claim], days, _parameters(registry, claim, pairs))
    ]
    _fail_if_any(run_jobs(jobs, workers, on_done=_tell))


@cli.command()
@click.option("--jobs", "workers", type=click.IntRange(1), help="Notebooks at a time.")
def report(workers: int | None) -> None:
    """Run every claim on the article's day and in hindsight, then build reports/index.html."""
    from kursk_claims.report.build import Run, build

    registry = load_registry()
    days = [registry.article["appeared_on"], registry.article["hindsight_on"]]
    ready = [entry.id for entry in registry.ready]
    outcomes = run_jobs(planning.plan(registry, ready, days), workers, on_done=_tell)
    _fail_if_any(outcomes, "The report was not built; the one before, if any, is untouched.")
    runs = [Run(o.job.claim, o.job.as_of, o.job.output) for o in outcomes]
    page = build(runs, registry, root() / "reports")
    click.echo(f"Report: {page.relative_to(root())}")


def _parameters(registry: Registry, claim: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs by the types that the registry gives."""
    known = {p.name: p for p in (*COMMON, *registry[claim].parameters) if p.name != "as_of"}
    values = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise ParameterError(f"-p {pair}: write name=value")
        if name not in known:
            raise ParameterError(f"{claim} has no parameter '{name}'; it has: {', '.join(known)}")
        values[name] = known[name].parse(text)
    return values


def _update(registry: Registry, claims: Sequence[str], workers: int | None) -> None:
    """Re-execute committed notebooks, and say which ones changed."""
    jobs = [planning.committed(registry[claim]) for claim in claims]
    outcomes = run_jobs(jobs, workers, on_done=_tell)
    for outcome in outcomes:
        if outcome.failure is None:
            before = nbformat.read(outcome.job.notebook, as_version=4)
            after = nbformat.read(outcome.job.output, as_version=4)
            shutil.copyfile(outcome.job.output, outcome.job.notebook)
            click.echo(f"{outcome.job.claim}: {'unchanged' if before == after else 'rewritten'}")
    _fail_if_any(outcomes)


def _tell(outcome: Outcome) -> None:
    label = f"{outcome.job.claim} {outcome.job.as_of or 'committed'}"
    if outcome.record is not None and outcome.failure is None:
        click.echo(f"{label}  {outcome.record['verdict']}  ({outcome.seconds:.1f} s)")
    else:
        click.echo(f"{label}  FAILED", err=True)


def _fail_if_any(outcomes: Sequence[Outcome], last: str = "") -> None:
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if failed:
        for outcome in failed:
            click.echo(outcome.report, err=True)
        click.echo(last, err=True, nl=bool(last))
        sys.exit(1)


def main() -> None:
    """Run the command; a user's mistake is one or two lines, never a traceback."""
    try:
        cli()
    except KurskError as error:
        click.echo(f"kursk: {error}", err=True)
        sys.exit(2)
