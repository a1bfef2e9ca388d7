"""Build the report: a scoreboard, a page a run, and the same verdicts for machines.

It reads executed notebooks and the registry, and runs nothing. A new report is written aside and
takes the place of the old one only when it is complete.
"""

import base64
import hashlib
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from kursk_claims import __version__
from kursk_claims.display import prose, record
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import ReportError
from kursk_claims.report import look, machine
from kursk_claims.report.cells import blocks
from kursk_claims.report.clean import is_web

if TYPE_CHECKING:  # the registry reads through pandas, which a report has no use for
    from kursk_claims.evidence.registry import ClaimEntry, Registry

INDEX = "index.html"
MARKER = "verdicts.json"


@dataclass(frozen=True)
class Run:
    """An executed notebook: which claim it tests, and as of which day (``YYYY-MM-DD``)."""

    claim: str
    as_of: str
    notebook: Path

    @property
    def page(self) -> str:
        """Where its page stands, relative to the index."""
        return f"claims/{self.claim}_{self.as_of}.html"

    def __str__(self) -> str:
        return f"{self.claim} as of {self.as_of} ({self.notebook.name})"


@dataclass(frozen=True)
class Finished:
    """A run that was read: its registered claim, its notebook, its record."""

    run: Run
    entry: "ClaimEntry"
    notebook: Mapping[str, Any]
    record: record.Record


def build(runs: Sequence[Run], registry: "Registry", out: Path) -> Path:
    """Write the report and put it in the place of the old one, whole.

    Parameters
    ----------
    runs : sequence of Run
        At most one a claim and day; in any order.
    registry : Registry
        All claims; those without a run are listed as what they are.
    out : Path
        The folder of the report. What it held before is replaced; a folder that holds something
        other than a report is refused.

    Returns
    -------
    Path
        ``out/index.html``.

    Raises
    ------
    ReportError
        If a notebook cannot be read, has no valid record, has the record of another run or of
        another rule, or holds a figure without alt text. The old report is untouched.
    """
    out = out.resolve()
    _check_place(out, runs)
    finished = _read_all(runs, registry)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as aside:
        new = Path(aside, "new")
        _write(new, finished, registry)
        _swap(new, out, Path(aside, "old"))
    return out / INDEX


def _check_place(out: Path, runs: Sequence[Run]) -> None:
    held = [run for run in runs if run.notebook.resolve().is_relative_to(out)]
    if held:
        raise ReportError(f"{held[0]}: the notebook lies in {out.name}/, which will be replaced")
    ours = not out.exists() or (
        out.is_dir() and (Path(out, MARKER).is_file() or not any(out.iterdir()))
    )
    if not ours:
        raise ReportError(f"{out.name} holds something other than a report; choose another folder")


def _swap(new: Path, out: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise


# -- reading -------------------------------------------------------------------------------------


def _read_all(runs: Sequence[Run], registry: "Registry") -> list[Finished]:
    twice = [pair for pair, n in Counter((run.claim, run.as_of) for run in runs).items() if n > 1]
    if twice:
        raise ReportError(f"{twice[0][0]} as of {twice[0][1]} was given twice")
    order = {entry.id: place for place, entry in enumerate(registry.claims)}
    finished = [_read(run, registry[run.claim]) for run in runs]
    return sorted(finished, key=lambda f: (order[f.run.claim], f.run.as_of))


def _read(run: Run, entry: "ClaimEntry") -> Finished:
    import nbformat

    try:
        notebook = nbformat.read(run.notebook, as_version=4)
        found = record.find(notebook)
        if found is None:
            raise ReportError(f"{run}: no record in the notebook; did it run to its end?")
        record.validate(found)
        date.fromisoformat(found["as_of"])
    except (OSError, UnicodeDecodeError, nbformat.reader.NotJSONError) as error:
        raise ReportError(f"{run}: the notebook cannot be read ({_line(error)})") from None
    except (nbformat.ValidationError, ValueError) as error:
        raise ReportError(f"{run}: the record or the notebook is broken ({_line(error)})") from None
    if (found["claim"], found["as_of"]) != (run.claim, run.as_of):
        other = f"{found['claim']} as of {found['as_of']}"
        raise ReportError(f"{run}: the notebook holds the record of {other}")
    if entry.frozen is None or found["rule"]["hash"] != entry.rule_hash:
        raise ReportError(
            f"{run}: decided by rule {found['rule']['hash']}, but the registry has "
            f"{entry.rule_hash}.\nRun the notebook again."
        )
    return Finished(run, entry, notebook, found)


def _line(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:200]


# -- writing -------------------------------------------------------------------------------------


def _write(folder: Path, finished: Sequence[Finished], registry: "Registry") -> None:
    (folder / "claims").mkdir(parents=True)
    environment = _environment()
    environment.globals.update(article=registry.article, total=len(registry.claims))
    for one in finished:
        _put(folder / one.run.page, _claim_page(environment, one, finished))
    records = {one.run.page: one.record for one in finished}
    _put(folder / INDEX, _index(environment, registry, finished))
    _put(folder / MARKER, machine.as_json(registry, records))
    _put(folder / "verdicts.csv", machine.as_csv(registry, records))


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kursk_claims.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        day=prose.day, percent=prose.percent, number=prose.number, listed=prose.listed,
        spread=look.spread, commonest=look.commonest, css_class=look.css_class,
        fill_of=look.fill_of, counts=machine.counts,
    )  # fmt: skip
    environment.tests["web"] = is_web
    css = _css()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    environment.globals.update(
        css=Markup(css), css_hash=digest, verdicts=VERDICTS, meanings=look.MEANINGS,
        version=__version__, count=prose.count,
    )  # fmt: skip
    return environment


def _css() -> str:
    sheet = files(__package__).joinpath("templates", "style.css")
    return sheet.read_text("utf-8") + look.verdict_css()


def _index(
    environment: jinja2.Environment, registry: "Registry", finished: Sequence[Finished]
) -> str:
    by_run = {(one.run.claim, one.run.as_of): one for one in finished}
    days = {"then": registry.article["appeared_on"], "now": registry.article["hindsight_on"]}
    rows = [
        {"entry": entry, **{name: by_run.get((entry.id, day)) for name, day in days.items()}}
        for entry in registry.claims
    ]
    return environment.get_template("index.html").render(
        rows=rows,
        tested=len({one.run.claim for one in finished}),
        untestable=registry.untestable,
        coverage=registry.coverage,
    )


def _claim_page(
    environment: jinja2.Environment, one: Finished, finished: Sequence[Finished]
) -> str:
    try:
        pieces = list(blocks(one.notebook))
    except ReportError as error:
        raise ReportError(f"{one.run}: {error}") from None
    return environment.get_template("claim.html").render(
        one=one,
        siblings=[other for other in finished if other.run.claim == one.run.claim],
        parameters=_parameters(one),
        blocks=pieces,
    )


def _parameters(one: Finished) -> list[dict[str, Any]]:
    """Return the parameters of a run: value, default, meaning, and whether the value was changed.

    The day is left out of what was changed: it is what the page is about.
    """
    from kursk_claims.evidence.registry import COMMON

    known = {p.name: p for p in (*COMMON, *one.entry.parameters)}
    return [
        {
            "name": name,
            "value": value,
            "default": known[name].default if name in known else None,
            "help": known[name].help if name in known else "",
            "changed": name != "as_of" and name in known and value != known[name].default,
        }
        for name, value in one.record["parameters"].items()
    ]
