"""The command ``kursk``: list claims, run them, build the report and the timeline.

Exit codes: 0 all went well; 1 a run failed; 2 something was asked for that cannot be done.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kursk_claims.display import prose
from kursk_claims.engine import cache
from kursk_claims.engine import jobs as planning
from kursk_claims.engine.inputs import inputs
from kursk_claims.engine.jobs import KERNEL
from kursk_claims.engine.outcome import Outcome
from kursk_claims.engine.progress import make_progress
from kursk_claims.engine.runner import default_workers
from kursk_claims.engine.runner import run as run_jobs
from kursk_claims.errors import KurskError, ParameterError, RegistryError, ReportError
from kursk_claims.evidence.documents import DocumentError, read_json
from kursk_claims.evidence.notebook import notebook_of
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import COMMON, ClaimEntry, Registry, load_registry
from kursk_claims.evidence.whole import write_whole

if TYPE_CHECKING:  # brings IPython, which most commands have no use for
    from kursk_claims.display.record import Record

VERDICTS = """{"type": "object", "required": ["claims"], "properties": {"claims": {"type": "array",
"items": {"type": "object", "required": ["runs"], "properties": {"runs": {"type": "array", "items":
{"type": "object", "required": ["record"], "properties": {"record": {"type": "object", "required":
["claim", "as_of", "verdict"], "additionalProperties": {}, "properties": {"claim": {"type":
"string"}, "as_of": {"type": "string"}, "verdict": {"type": "string"}}}}}}}}}}}"""
"""What is looked at in the verdicts of a report, as a JSON Schema."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kursk-claims")
def cli() -> None:
    """Test one article's claims on the Kursk incursion, at any date."""


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the claims that have a notebook to the shell."""
    return [entry.id for entry in load_registry().ready if entry.id.startswith(incomplete)]


CLAIMS_ARGUMENT = click.argument("claims", nargs=-1, shell_complete=_complete)


@cli.command("list")
@CLAIMS_ARGUMENT
def list_claims(claims: tuple[str, ...]) -> None:
    """List the claims with their verdicts; for named CLAIMS, their choices as well, [default].

    The first verdict is of the article's day, from the stored notebooks; the second is hindsight,
    from the last report.
    """
    registry = load_registry()
    hindsight = _reported(registry.article["hindsight_on"])
    for entry in [registry[claim] for claim in claims] or registry.claims:
        then, now = _stored(entry), hindsight.get(entry.id, "no report yet")
        click.echo(f"{entry.id}  {f'{then} -> {now}' if then else entry.status:<40} {entry.title}")
        for parameter in entry.parameters if claims else ():
            default = f"[{parameter.default}]"
            allowed = [default if v == parameter.default else str(v) for v in parameter.allowed]
            values = " | ".join(allowed or [default])
            click.echo(f"     {parameter.name} = {values}  ({parameter.help})")


def _stored(entry: ClaimEntry) -> str:
    """Return the verdict inside a claim's stored notebook, empty without one."""
    path = root() / entry.notebook
    if entry.status != "ready" or not path.is_file():
        return ""
    from kursk_claims.display.record import find, validate

    try:
        record = find(notebook_of(path.read_bytes()))
        if record is None:
            return ""
        validate(record)
    except DocumentError as error:
        raise RegistryError(f"{path.name}: not a notebook with a record ({error})") from None
    return str(record["verdict"])


def _reported(day: str) -> dict[str, str]:
    """Return the verdicts of a day in the last report, by claim; empty without a report."""
    path = root() / "reports" / "verdicts.json"
    if not path.exists():
        return {}
    try:
        claims = read_json(path.read_bytes(), VERDICTS)["claims"]
    except (OSError, DocumentError) as error:
        raise ReportError(f"reports/{path.name}: {error}; make it anew: kursk report") from None
    records = [run["record"] for claim in claims for run in claim["runs"]]
    return {r["claim"]: r["verdict"] for r in records if r["as_of"] == day}


KERNEL_OPTION = click.option("--kernel", default=KERNEL, help="Kernelspec; python3 for cold ones.")
JOBS_OPTION = click.option("--jobs", "workers", type=click.IntRange(1), help="Notebooks at a time.")
CLUSTER_OPTION = click.option(
    "--cluster", default=None, help="Send the runs to a Dask scheduler, tcp://host:port."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@cli.command()
@CLAIMS_ARGUMENT
@click.option("--as-of", "dates", default=None, help="Days, YYYY-MM-DD, with commas between.")
@click.option(
    "-p", "--parameter", "pairs", multiple=True, help="name=value or name=v1,v2; may be repeated."
)
@JOBS_OPTION
@KERNEL_OPTION
@JSON_OPTION
@CLUSTER_OPTION
@click.option("--anew", is_flag=True, help="Run all, whatever the cache holds.")
@click.option("--update", is_flag=True, help="Re-execute the committed notebooks in place.")
@click.option("--dry-run", is_flag=True, help="Say what would run and why; run nothing.")
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the table of several runs goes; .cache/sweep.csv when not given.",
)
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
    dry_run: bool,
    table: Path | None,
) -> None:
    """Run CLAIMS (all that have a notebook, when none is named).

    Several days or values run the whole grid, and their verdicts become a table:
    kursk run c14 -p window=1,3,6 --as-of 2024-08-21,2024-10-01
    """
    registry = load_registry()
    chosen = claims or tuple(entry.id for entry in registry.ready)
    days = dates.split(",") if dates else [registry.article["appeared_on"]]
    if update:
        jobs = [planning.committed(registry[claim]) for claim in chosen]
    else:
        jobs = [
            job
            for claim in chosen
            for values in _grid(_parameters(registry, claim, pairs))
            for job in planning.plan(registry, [claim], days, values)
        ]
    if dry_run:
        _tell_stale(jobs, registry)
        return
    options: dict[str, Any] = {"kernel": kernel, "anew": anew, "cluster": cluster}
    outcomes = _run(jobs, registry, workers, as_json, **options)
    if update:
        _rewrite(outcomes)
    elif not as_json:
        _tell_cached(outcomes)
        if len(outcomes) == 1:
            _tell_answer(outcomes[0])
    if not update and (table or len(days) > 1 or any("," in pair for pair in pairs)):
        _tabulate(outcomes, table or root() / ".cache" / "sweep.csv", as_json)
    _fail_if_any(outcomes)


@cli.command()
@click.argument("title")
@click.option("--on", "day", required=True, help="Day its rule is frozen, YYYY-MM-DD: today.")
def new(title: str, day: str) -> None:
    """Begin a claim: registry entry, notebook and table; it runs at once, as unresolved."""
    from kursk_claims.engine import scaffold

    made = scaffold.make(title, day, load_registry())
    for line in scaffold.next_steps(made, load_registry()[made.claim]):
        click.echo(line)


@cli.command()
@CLAIMS_ARGUMENT
def lint(claims: tuple[str, ...]) -> None:
    """Check the stored notebooks of CLAIMS (all, when none is named) without a kernel."""
    from kursk_claims.engine.lint import lint as faults_of

    registry = load_registry()
    entries = [registry[claim] for claim in claims] or registry.ready
    faults = [fault for entry in entries for fault in faults_of(entry, root() / entry.notebook)]
    for fault in faults:
        click.echo(str(fault), err=True)
    click.echo(f"{prose.count(len(entries), 'notebook')}, {prose.count(len(faults), 'fault')}")
    if faults:
        sys.exit(1)


@cli.command()
def status() -> None:
    """Say which runs of the report are stale, and why."""
    registry = load_registry()
    _tell_stale(_report_jobs(registry), registry)


@cli.command()
@JOBS_OPTION
@KERNEL_OPTION
@JSON_OPTION
@CLUSTER_OPTION
@click.option("--anew", is_flag=True, help="Run all, whatever the cache holds.")
@click.option("--pdf", is_flag=True, help="Print it as reports/report.pdf too; needs Chromium.")
def report(
    workers: int | None, kernel: str, as_json: bool, cluster: str | None, anew: bool, pdf: bool
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
        wait = partial(click.echo, "Another report is being written; waiting for it.", err=True)
        build(runs, registry, page.parent, keep=root() / ".cache" / "report", on_wait=wait)
        write_whole(_built_from(outcomes), _fingerprint(outcomes))
    click.echo(f"Report: {page.relative_to(root())}", err=as_json)
    if pdf:
        from kursk_claims.report.printed import as_pdf

        click.echo(f"PDF: {as_pdf(page.parent).relative_to(root())}", err=as_json)


@cli.command()
@JOBS_OPTION
@JSON_OPTION
@CLUSTER_OPTION
@click.option("--update", is_flag=True, help="Store the verdicts in data/ and in the start page.")
def timeline(workers: int | None, as_json: bool, cluster: str | None, update: bool) -> None:
    """Run every claim at every week, 6 August 2024 to 3 August 2025; write timeline.csv and .png.

    Runs that were made before are taken from the cache, so an interrupted timeline goes on.
    """
    from kursk_claims.report.timeline import WEEKS, write

    registry = load_registry()
    jobs = planning.plan(registry, [entry.id for entry in registry.ready], WEEKS)
    jobs += _report_jobs(registry) if update else []
    options: dict[str, Any] = {"keep_notebooks": False, "cluster": cluster}
    outcomes = _run(jobs, registry, workers, as_json, **options)
    _fail_if_any(outcomes, "The timeline was not written. What ran is kept: run it again.")
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    weekly = [record for record in records if record["as_of"] in WEEKS]
    for path in write(weekly, registry, root() / ".cache"):
        click.echo(f"Timeline: {path.relative_to(root())}", err=as_json)
    if update:
        _store(records, registry)


def _store(records: "Sequence[Record]", registry: Registry) -> None:
    """Write the verdicts of all days to data/, and run the start page, which reads them."""
    from kursk_claims.engine.execute import execute
    from kursk_claims.evidence.results import FILE
    from kursk_claims.report.timeline import as_csv, rows

    path = root() / "data" / FILE
    write_whole(path, as_csv(rows(records, registry)))
    click.echo(f"Results: {path.relative_to(root())}")
    outcome = execute(planning.start_page(), wants_record=False)
    _rewrite([outcome])
    _fail_if_any([outcome])


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
    paths = [p for p in package.rglob("*") if p.suffix in {".py", ".html", ".css", ".js", ".json"}]
    paths += [p for p in (root() / "data").rglob("*") if p.is_file()]
    paths += [root() / name for name in ("CITATION.cff", "LICENSE-data.md", "requirements.lock")]
    parts = [path.read_bytes() for path in sorted(paths)]
    parts += [o.job.output.read_bytes() for o in outcomes]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parameters(registry: Registry, claim: str, pairs: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``name=value`` or ``name=v1,v2`` pairs by the types that the registry gives."""
    known = {p.name: p for p in (*COMMON, *registry[claim].parameters) if p.name != "as_of"}
    values = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise ParameterError(f"-p {pair}: write name=value")
        if name not in known:
            raise ParameterError(f"{claim} has no parameter '{name}'; it has: {', '.join(known)}")
        values[name] = [known[name].parse(part) for part in text.split(",")]
    return values


def _grid(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values, the last name varying fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def _tell_stale(jobs: Sequence[planning.Job], registry: Registry) -> None:
    """Name each run, and why it would run again."""
    for job in jobs:
        given = "".join(f" {k}={v}" for k, v in job.parameters.items() if k != "as_of")
        reasons = cache.stale_because(job, inputs(job, registry))
        label = f"{job.claim} {job.as_of or 'committed'}{given}"
        click.echo(f"{label}  {'; '.join(reasons) or 'fresh'}")


def _tabulate(outcomes: Sequence[Outcome], path: Path, as_json: bool) -> None:
    """Print the verdicts of several runs as a table, and save it as CSV."""
    from kursk_claims.report import sweep

    rows = sweep.rows([outcome.record for outcome in outcomes if outcome.record is not None])
    if not as_json:
        click.echo(sweep.as_text(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sweep.as_csv(rows), encoding="utf-8", newline="\n")
    click.echo(f"Table: {path}", err=as_json)


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
            write_whole(path, outcome.job.output.read_bytes())
            cells_changed = f"cells changed: {', '.join(changed) or 'none'}"
            click.echo(f"{outcome.job.claim}: rewritten; {cells_changed}{verdict}")
        else:
            click.echo(f"{outcome.job.claim}: unchanged")


def _tell_cached(outcomes: Sequence[Outcome]) -> None:
    """Name the verdicts that came from the cache: the display only counts them."""
    for outcome in outcomes:
        if outcome.cached and outcome.record is not None:
            click.echo(f"{outcome.job.label}  {outcome.record['verdict']}  (from the cache)")


def _tell_answer(outcome: Outcome) -> None:
    """Say what a single run found, and where its notebook is."""
    if outcome.record is not None and outcome.failure is None:
        click.echo(outcome.record["sentence"])
        click.echo(f"Notebook: {outcome.job.output.relative_to(root())}")


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
    except (KurskError, OSError) as error:  # such as a disk that is full, a folder for a file
        click.echo(f"kursk: {error}", err=True)
        sys.exit(2)
