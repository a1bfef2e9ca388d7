"""What the page of a claim says: both days, what hindsight changed, the rows behind each number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kursk_claims.display import prose
from kursk_claims.display.record import Record
from kursk_claims.errors import ReportError
from kursk_claims.report import cells, curve, pictures
from kursk_claims.report.days import joined, lead
from kursk_claims.report.machine import counts
from kursk_claims.report.pages import plain_number, words
from kursk_claims.report.pictures import Picture
from kursk_claims.report.rows import Evidence, Place
from kursk_claims.report.runs import Finished, Tested


@dataclass(frozen=True)
class Line:
    """One line of a comparison of the two days."""

    label: str
    then: str
    now: str

    @property
    def changed(self) -> bool:
        """Whether the two days differ; a day that was not run differs from nothing."""
        return bool(self.then and self.now) and self.then != self.now


@dataclass(frozen=True)
class Cited:
    """Rows from one source of one table, in the order of their days."""

    table: str
    source: str
    places: list[Place]


@dataclass(frozen=True)
class Behind:
    """The rows behind some findings: ``lost`` are ids that no table holds any more."""

    anchor: str
    findings: list[str]
    total: int
    only_then: int
    only_now: int
    groups: list[Cited]
    lost: list[str]


@dataclass(frozen=True)
class Finding:
    """A number of the record on both days, what it means, and where its rows are listed."""

    name: str
    meaning: str
    then: str
    now: str
    anchor: str


def figures_of(tested: Tested) -> list[Picture]:
    """Return every figure of the runs of a claim.

    Raises
    ------
    ReportError
        If a figure has no alt text, or is not a PNG.
    """
    return [picture for one in tested.runs for picture in _pictures(one)]


def images_of(tested: Tested) -> list[Picture]:
    """Return the figures that the page shows as images: all but those it draws itself."""
    return [
        picture
        for one in tested.runs
        for picture in _pictures(one)
        if not curve.can_draw(picture, one.entry)
    ]


def context(tested: Tested, evidence: Evidence) -> dict[str, Any]:
    """Return all that the template of a claim's page needs."""
    pieces = joined(*(cells.read(one.notebook) if one else [] for one in (tested.then, tested.now)))
    behind = rows_behind(tested, evidence)
    return {
        "tested": tested,
        "entry": tested.entry,
        "changes": changes(tested),
        "parameters": _parameters(tested),
        "pieces": pieces,
        "lead": lead(pieces),
        "curves": {
            (shown.figure, day): _curve(_run_of(tested, day), block.picture)
            for piece in pieces for shown in piece.shown for day, block in shown.blocks
            if block.picture
        },
        "findings": _findings(tested, behind),
        "behind": behind,
        "corrected": _corrected(tested),
    }  # fmt: skip


def changes(tested: Tested) -> list[Line]:
    """Return what hindsight changed, from the records of the two days."""
    then, now = (_told(one.record) if one else {} for one in (tested.then, tested.now))
    return [Line(label, then.get(label, ""), now.get(label, "")) for label in now or then]


def _told(record: Record) -> dict[str, str]:
    held = counts(record)
    return {
        "Headline number": headline(record["headline"]),
        "Specifications that agree": _agreeing(record["robustness"]),
        "Rows of evidence": prose.number(held["rows"]),
        "Sources, added up over tables": prose.number(held["sources"]),
        "Rows cited": prose.number(held["cited"]),
    }


def headline(number: Mapping[str, Any]) -> str:
    """Return a headline number with its interval: ``0.48 (0.29 to 0.67)``."""
    value = plain_number(number["value"])
    ends = [number["low"], number["high"]]
    if all(end in (None, number["value"]) for end in ends):
        return value
    low, high = ("open" if end is None else plain_number(end) for end in ends)
    return f"{value} ({low} to {high})"


def rows_behind(tested: Tested, evidence: Evidence) -> list[Behind]:
    """Return the rows behind the findings; findings with the same rows share one list."""
    then, now = (one.record["cited"] if one else {} for one in (tested.then, tested.now))
    sets: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for name in dict.fromkeys([*now, *then]):
        key = (frozenset(then.get(name, ())), frozenset(now.get(name, ())))
        sets.setdefault(key, []).append(name)
    return [
        _behind(f"rows-{number}", names, *key, tested, evidence)
        for number, (key, names) in enumerate(sets.items(), start=1)
    ]


def _behind(
    anchor: str,
    names: list[str],
    then: frozenset[str],
    now: frozenset[str],
    tested: Tested,
    evidence: Evidence,
) -> Behind:
    tables = [table["table"] for table in tested.latest.record["evidence"]]
    ids = sorted(then | now)
    places = [place for row in ids if (place := evidence.find(row, tables))]
    lost = [row for row in ids if evidence.find(row, tables) is None]
    both = bool(tested.then and tested.now)
    only_then, only_now = (len(then - now), len(now - then)) if both else (0, 0)
    return Behind(anchor, names, len(ids), only_then, only_now, _grouped(places), lost)


def _grouped(places: Sequence[Place]) -> list[Cited]:
    ordered = sorted(places, key=lambda p: (p.table, p.source, p.day, p.row_id))
    return [
        Cited(table, source, list(group))
        for (table, source), group in groupby(ordered, key=lambda p: (p.table, p.source))
    ]


def _findings(tested: Tested, behind: Sequence[Behind]) -> list[Finding]:
    then, now = (one.record["findings"] if one else {} for one in (tested.then, tested.now))
    anchors = {name: group.anchor for group in behind for name in group.findings}
    meanings = (tested.entry.rule or {}).get("findings", {})
    rest = behind[0].anchor if len(behind) == 1 else "rows"
    return [
        Finding(
            words(name),
            meanings.get(name, ""),
            plain_number(then[name]) if name in then else "",
            plain_number(now[name]) if name in now else "",
            anchors.get(name, rest if behind else ""),
        )
        for name in dict.fromkeys([*now, *then])
    ]


def _agreeing(robust: Mapping[str, Any]) -> str:
    return f"{prose.percent(robust['agree'])} of {prose.number(robust['specifications'])}"


def _corrected(tested: Tested) -> list[tuple[str, list[str]]]:
    """Return the tables of which corrected rows were read, with the corrections."""
    tables = tested.latest.record["evidence"]
    return [(table["table"], table["corrections"]) for table in tables if table["corrections"]]


def _pictures(one: Finished) -> list[Picture]:
    try:
        return pictures.all_in(one.notebook)
    except ReportError as error:
        raise ReportError(f"{one.run}: {error}") from None


def _run_of(tested: Tested, day: str) -> Finished:
    found = {"then": tested.then, "now": tested.now}.get(day) or tested.latest
    return found


def _curve(one: Finished, picture: Picture) -> curve.Curve | None:
    drawn = curve.can_draw(picture, one.entry)
    return curve.draw(picture, one.entry, one.record) if drawn else None


def _parameters(tested: Tested) -> list[dict[str, Any]]:
    """Return each parameter: its value on both days, its default, and what it means.

    The day is left out: it is what the page is about.
    """
    from kursk_claims.evidence.registry import COMMON

    known = {p.name: p for p in (*COMMON, *tested.entry.parameters)}
    given: list[Record] = [one.record["parameters"] for one in tested.runs]
    return [
        {
            "name": name,
            "values": list(dict.fromkeys(str(values.get(name, "")) for values in given)),
            "help": known[name].help if name in known else "",
            "changed": name in known
            and any(values.get(name) != known[name].default for values in given),
        }
        for name in given[-1]
        if name != "as_of"
    ]
