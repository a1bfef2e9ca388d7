"""The command ``kursk``: list claims, run them, build the report and the timeline.

Exit codes: 0 all went well; 1 a run failed; 2 something was asked for that cannot be done.
"""

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kursk_claims.engine import cache
from kursk_claims.engine import jobs as planning
from kursk_claims.engine.inputs import inputs
from kursk_claims.engine.jobs import KERNEL
from kursk_claims.engine.outcome import Outcome
from kursk_claims.engine.progress import make_progress
from kursk_claims.engine.runner import default_workers
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


KERNEL_OPTION = click.option("--kernel", default=KERNEL, help="Kernelspec; python3 for cold ones.")
JOBS_OPTION = click.option("--jobs", "workers", type=click.IntRange(1), help="Notebooks at a time.")
CLUSTER_OPTION = click.option(
    "--cluster", default=None, help="Send the runs to a Dask scheduler, tcp://host:port."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@cli.command()
@click.argument("claims", nargs=-1)
@click.option("--as-of", "dates", default=None, help="Days, YYYY-MM-DD, with commas between.")
@click.option("-p", "--parameter", "pairs", multiple=True, help="name=value; may be repeated.")
@JOBS_OPTION
@KERNEL_OPTION
@JSON_OPTION
@CLUSTER_OPTION
@click.option("--anew", is_flag=True, help="Run all, whatever the cache holds.")
@click.option("--update", is_flag=True, help="Re-execute the committed notebooks in place.")
def run(
    claims: tuple[str, ...],
    dates: str | None,
    pairs: tuple[str, ...],
    workers: int | None,
    kernel: str,
    as_json: bool,
    cluster: str | None,
    anew: bool,
    update: bool,
) -> None:
    """Run CLAIMS (all that have a notebook, when none is named)."""
    registry = load_registry()
    chosen = claims or tuple(entry.id for entry in registry.ready)
    days = dates.split(",") if dates else [registry.article["appeared_on"]]
    if update:
        jobs = [planning.committed(registry[claim]) for claim in chosen]
    else:
        jobs = [
            job
            for claim in chosen
            for job in planning.plan(registry, [claim], days, _parameters(registry, claim, pairs))
        ]
    options: dict[str, Any] = {"kernel": kernel, "anew": anew, "cluster": cluster}
    outcomes = _run(jobs, registry, workers, as_json, **options)
    if update:
        _rewrite(outcomes)
    elif not as_json:
        _tell_cached(outcomes)
    _fail_if_any(outcomes)


@cli.command()
def status() -> None:
    """Say which runs of the report are stale, and why."""
    registry = load_registry()
    for job in _report_jobs(registry):
        reasons = cache.stale_because(job, inputs(job, registry))
        click.echo(f"{job.claim} {job.as_of}  {'; '.join(reasons) or 'fresh'}")


@cli.command()
@JOBS_OPTION
@KERNEL_OPTION
@JSON_OPTION
@CLUSTER_OPTION
@click.option("--anew", is_flag=True, help="Run all, whatever the cache holds.")
def report(
    workers: int | None, kernel: str, as_json: bool, cluster: str | None, anew: bool
) -> None:
    """Run what is stale for the article's day and hindsight, then build reports/index.html."""
    registry = load_registry()
    options: dict[str, Any] = {"kernel": kernel, "anew": anew, "cluster": cluster}
    outcomes = _run(_report_jobs(registry), registry, workers, as_json, **options)
    _fail_if_any(outcomes, "The report was not built; the one before, if any, is untouched.")
    page = root() / "reports" / "index.html"
    if not all(outcome.cached for outcome in outcomes) or not _report_is_current(outcomes):
        from kursk_claims.report.build import Run, build

        runs = [Run(o.job.claim, o.job.as_of, o.job.output) for o in outcomes]
        build(runs, registry, page.parent)
        _built_from(outcomes).write_text(_fingerprint(outcomes), encoding="utf-8")
    click.echo(f"Report: {page.relative_to(root())}", err=as_json)


@cli.command()
@JOBS_OPTION
@JSON_OPTION
@CLUSTER_OPTION
def timeline(workers: int | None, as_json: bool, cluster: str | None) -> None:
    """Run every claim at every week, 6 August 2024 to 3 August 2025; write timeline.csv and .png.

    Runs that were made before are taken from the cache, so an interrupted timeline goes on.
    """
    from kursk_claims.report.timeline import WEEKS, write

    registry = load_registry()
    jobs = planning.plan(registry, [entry.id for entry in registry.ready], WEEKS)
    options: dict[str, Any] = {"keep_notebooks": False, "cluster": cluster}
    outcomes = _run(jobs, registry, workers, as_json, **options)
    _fail_if_any(outcomes, "The timeline was not written. What ran is kept: run it again.")
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    for path in write(records, registry, root() / ".cache"):
        click.echo(f"Timeline: {path.relative_to(root())}", err=as_json)


def _report_jobs(registry: Registry) -> list[planning.Job]:
    days = [registry.article["appeared_on"], registry.article["hindsight_on"]]
    return planning.plan(registry, [entry.id for entry in registry.ready], days)


def _run(
    jobs: Sequence[planning.Job],
    registry: Registry,
    workers: int | None,
    as_json: bool,
    **options: Any,
) -> list[Outcome]:
    """Run jobs under the display that fits."""
    workers = workers or default_workers()
    stream = sys.stdout
    with make_progress("json" if as_json else "auto", stream, workers) as progress:
        return run_jobs(jobs, registry, workers=workers, progress=progress, **options)


def _report_is_current(outcomes: Sequence[Outcome]) -> bool:
    """Return whether the report on disk was built from these very runs and this code."""
    try:
        return _built_from(outcomes).read_text(encoding="utf-8") == _fingerprint(outcomes)
    except OSError:
        return False


def _built_from(outcomes: Sequence[Outcome]) -> Path:
    return root() / "reports" / ".built-from"


def _fingerprint(outcomes: Sequence[Outcome]) -> str:
    """Return a hash over the runs and over the code and data that make pages of them."""
    import kursk_claims

    package = Path(kursk_claims.__file__).parent
    parts = [path.read_bytes() for path in sorted(package.rglob("*")) if path.is_file()
             and path.suffix in {".py", ".html", ".css", ".json"}]  # fmt: skip
    parts += [o.job.output.read_bytes() for o in outcomes]
    parts.append((root() / "data" / "claims.yaml").read_bytes())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


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


def _rewrite(outcomes: Sequence[Outcome]) -> None:
    """Put executed notebooks in the place of the committed ones; say what changed in them."""
    import nbformat

    from kursk_claims.display.record import find

    for outcome in outcomes:
        if outcome.failure is not None:
            continue
        path = outcome.job.notebook
        before, after = (nbformat.read(p, as_version=4) for p in (path, outcome.job.output))
        said = [(find(notebook) or {}).get("verdict") for notebook in (before, after)]
        cells = {cell.id: cell for cell in before.cells}
        changed = [c.id for c in after.cells if cells.get(c.id) != c]
        verdict = f"; verdict {said[0]} is now {said[1]}" if said[0] != said[1] else ""
        if changed or path.read_bytes() != outcome.job.output.read_bytes():
            shutil.copyfile(outcome.job.output, path)
            cells_changed = f"cells changed: {', '.join(changed) or 'none'}"
            click.echo(f"{outcome.job.claim}: rewritten; {cells_changed}{verdict}")
        else:
            click.echo(f"{outcome.job.claim}: unchanged")


def _tell_cached(outcomes: Sequence[Outcome]) -> None:
    """Name the verdicts that came from the cache: the display only counts them."""
    for outcome in outcomes:
        if outcome.cached and outcome.record is not None:
            label = f"{outcome.job.claim} {outcome.job.as_of}"
            click.echo(f"{label}  {outcome.record['verdict']}  (from the cache)")


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
