"""The timeline: what each claim's verdict would have been, week by week, as a table and a picture.

Importing this module is quick; the picture's libraries are imported when it is drawn.
"""

import csv
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display import prose
from kursk_claims.display.style import FAINT, INK, MUTED, VERDICTS
from kursk_claims.errors import ReportError
from kursk_claims.evidence.results import COLUMNS
from kursk_claims.evidence.whole import write_whole

if TYPE_CHECKING:  # these read through IPython and pandas, which a list of weeks has no use for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from kursk_claims.display.record import Record
    from kursk_claims.evidence.registry import Registry

FIRST, LAST = date(2024, 8, 6), date(2025, 8, 3)
WEEK = timedelta(days=7)
WEEKS: tuple[str, ...] = (
    *((FIRST + n * WEEK).isoformat() for n in range((LAST - FIRST) // WEEK + 1)),
    LAST.isoformat(),
)
"""Every seventh day from the day the incursion began, and the last day."""

HEADER = COLUMNS
HATCH = "//////"


@dataclass(frozen=True)
class Span:
    """Neighbouring cells with one verdict; where each begins and ends, in ordinals of days."""

    verdict: str
    cells: tuple[tuple[int, int], ...]


def rows(records: Iterable["Record"], registry: "Registry") -> list[dict[str, Any]]:
    """Return one row a record, by claim as registered, then by day; ready for a CSV file.

    Raises
    ------
    RegistryError
        If a record's claim is not registered.
    ReportError
        If a claim has two records of one day.
    """
    from kursk_claims.report.machine import counts, inert

    found = []
    for record in _ordered(records, registry):
        headline = record["headline"]
        values = (
            record["claim"], registry[record["claim"]].title, record["as_of"], record["verdict"],
            record["robustness"]["agree"], headline["finding"], headline["value"],
            headline["low"], headline["high"], headline["unit"], counts(record)["rows"],
            record["rule"]["hash"], record["sentence"],
        )  # fmt: skip
        found.append(dict(zip(HEADER, map(inert, values), strict=True)))
    return found


def write(records: Iterable["Record"], registry: "Registry", folder: Path) -> list[Path]:
    """Write ``timeline.csv`` and ``timeline.png``, each whole or not at all.

    Parameters
    ----------
    records : iterable of Record
        At most one a claim and day; weeks that are missing stay blank in the picture.
    folder : Path
        Where the files go; made when it is not there.

    Raises
    ------
    RegistryError
        If a record's claim is not registered.
    ReportError
        If there is no record, or two of one claim and day.
    """
    records = _ordered(records, registry)
    if not records:
        raise ReportError("no run was given, so there is no timeline; nothing was written")
    contents = {
        folder / "timeline.csv": as_csv(rows(records, registry)).encode(),
        folder / "timeline.png": _as_png(records, registry),
    }
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)


def headline(records: Iterable["Record"], registry: "Registry") -> str:
    """Return the finding that heads the picture: how many had a verdict, and the last change."""
    by_claim = _verdicts(_ordered(records, registry))
    told = _told_by_the_article(by_claim, registry.article["appeared_on"])
    changed = [day for verdicts in by_claim.values() for day in _changes(verdicts)]
    last = f"the last change shows on {prose.day(max(changed))}" if changed else "none changed"
    return f"Of {prose.count(len(by_claim), 'claim')}, {told}; {last}"


# -- the records -------------------------------------------------------------------------------


def _ordered(records: Iterable["Record"], registry: "Registry") -> list["Record"]:
    """Return the records by claim as registered, then by day."""
    place = {entry.id: n for n, entry in enumerate(registry.claims)}
    found: dict[tuple[int, str], Record] = {}
    for record in records:
        claim, day = registry[record["claim"]].id, date.fromisoformat(record["as_of"])
        key = (place[claim], day.isoformat())
        if key in found:
            raise ReportError(f"{claim} as of {day} was given twice")
        found[key] = record
    return [found[key] for key in sorted(found)]


def _verdicts(records: Iterable["Record"]) -> dict[str, dict[str, str]]:
    """Return the verdict of each claim by day, both in the order given."""
    by_claim: dict[str, dict[str, str]] = {}
    for record in records:
        by_claim.setdefault(record["claim"], {})[record["as_of"]] = record["verdict"]
    return by_claim


def _changes(verdicts: Mapping[str, str]) -> list[str]:
    """Return the days whose verdict is another than on the day before them."""
    return [day for before, day in pairwise(verdicts) if verdicts[day] != verdicts[before]]


def _told_by_the_article(by_claim: Mapping[str, Mapping[str, str]], article: str) -> str:
    """Say how many claims had a verdict at the last look by the article's day."""
    looks = {
        claim: max((day for day in verdicts if day <= article), default="")
        for claim, verdicts in by_claim.items()
    }
    last = max(looks.values())
    if not last:
        return "none was looked at by the article's day"
    found = [by_claim[claim][look] for claim, look in looks.items() if look]
    had = sum(verdict != Verdict.UNRESOLVED for verdict in found)
    when = "" if last == article else f" (last look before it: {prose.day(last)})"
    return f"{prose.word(had) if had else 'none'} had a verdict by the article's day{when}"


# -- the files ---------------------------------------------------------------------------------


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as CSV text."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return buffer.getvalue()


# -- the picture -------------------------------------------------------------------------------


def _as_png(records: Sequence["Record"], registry: "Registry") -> bytes:
    """Return the picture: claims down, weeks across, verdicts by colour and mark."""
    from kursk_claims.display.figures import canvas

    by_claim = _verdicts(records)
    figure, axes = canvas(10.4, 1.9 + 0.32 * len(by_claim))
    edges = _edges(records)
    for row, verdicts in enumerate(by_claim.values()):
        for span in _spans(verdicts, edges):
            _draw_span(axes, row, span)
    _label_rows(axes, by_claim, registry)
    _label_days(axes, edges)
    _mark_article(axes, registry)
    blank = any(len(verdicts) < len(edges) for verdicts in by_claim.values())
    axes.legend(
        handles=_key(blank), loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=3, ncols=4
    )
    _frame(figure, records, registry)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _edges(records: Iterable["Record"]) -> dict[str, tuple[int, int]]:
    """Return where the cell of each day begins and ends: at the next day, or after a week."""
    days = sorted({*WEEKS, *(record["as_of"] for record in records)})
    starts = [date.fromisoformat(day).toordinal() for day in days]
    nexts = [*starts[1:], starts[-1] + WEEK.days]
    ends = [min(start + WEEK.days, after) for start, after in zip(starts, nexts, strict=True)]
    return dict(zip(days, zip(starts, ends, strict=True), strict=True))


def _spans(verdicts: Mapping[str, str], edges: Mapping[str, tuple[int, int]]) -> list[Span]:
    """Return the stretches of one verdict; a day that is missing ends one."""
    spans: list[Span] = []
    for day, verdict in verdicts.items():
        last = spans[-1] if spans else None
        if last and last.verdict == verdict and last.cells[-1][1] == edges[day][0]:
            spans[-1] = Span(verdict, (*last.cells, edges[day]))
        else:
            spans.append(Span(verdict, (edges[day],)))
    return spans


def _draw_span(axes: "Axes", row: int, span: Span) -> None:
    """Draw a cell a day, an edge around the stretch, and its mark in its first cell."""
    from kursk_claims.report.look import ink_on

    look, unresolved = VERDICTS[span.verdict], span.verdict == Verdict.UNRESOLVED
    starts = [start for start, _ in span.cells]
    widths = [end - start for start, end in span.cells]
    axes.barh(
        [row] * len(widths), widths, left=starts, height=0.8, color=look.colour,
        edgecolor=FAINT if unresolved else "white", linewidth=0.5,
        hatch=HATCH if unresolved else None,
    )  # fmt: skip
    axes.barh(
        row, sum(widths), left=starts[0], height=0.8, fill=False, edgecolor=INK, linewidth=0.7
    )
    paper = {"facecolor": "white", "edgecolor": "none", "boxstyle": "square,pad=0.05"}
    axes.text(
        starts[0] + widths[0] / 2, row, look.mark, ha="center", va="center_baseline", fontsize=9,
        color=ink_on(look.colour), bbox=paper if unresolved else None,
    )  # fmt: skip


def _label_rows(axes: "Axes", by_claim: Iterable[str], registry: "Registry") -> None:
    labels = [f"{claim} {registry[claim].slug.replace('_', ' ')}" for claim in by_claim]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _label_days(axes: "Axes", edges: Mapping[str, tuple[int, int]]) -> None:
    """Put a tick on the first of a month, in digits: names would depend on the locale."""
    last = max(end for _, end in edges.values())
    months = [date.fromisoformat(min(edges)).replace(day=1)]
    while (month := (months[-1] + timedelta(days=31)).replace(day=1)).toordinal() < last:
        months.append(month)
    shown = months[:: -(-len(months) // 14)]
    axes.set_xticks([day.toordinal() for day in shown], [f"{day:%Y-%m}" for day in shown])
    axes.set_xlim(months[0].toordinal(), last)


def _mark_article(axes: "Axes", registry: "Registry") -> None:
    from kursk_claims.display.figures import mark

    day = registry.article["appeared_on"]
    mark(axes, date.fromisoformat(day).toordinal(), f"the article, {day}", INK)


def _frame(figure: "Figure", records: Sequence["Record"], registry: "Registry") -> None:
    """Put the finding above, and below whose verdicts these are."""
    width = figure.get_size_inches()[0]
    title = textwrap.fill(headline(records, registry), int(width * 10))
    figure.suptitle(title, x=0.008, ha="left", fontsize=12, fontweight="bold")
    credit = (
        f"Verdicts of {prose.count(len(records), 'run')} under rules that were frozen beforehand; "
        "each cell is what was known on its first day. "
        f"The article: {registry.article['publisher']}, {registry.article['appeared_on']}."
    )
    credit = textwrap.fill(credit, int(width * 17))
    figure.supxlabel(credit, x=0.008, ha="left", fontsize=7.5, color=MUTED)


def _key(blank: bool) -> list["Patch"]:
    """Return the legend: every verdict with its mark and word, and what a blank means."""
    from matplotlib.patches import Patch

    key = [
        Patch(
            facecolor=look.colour, edgecolor=MUTED, linewidth=0.5,
            hatch=HATCH if verdict == Verdict.UNRESOLVED else None,
            label=f"{look.mark}  {look.label}",
        )
        for verdict, look in VERDICTS.items()
    ]  # fmt: skip
    gap = Patch(facecolor="none", edgecolor="none", label="(blank)  was not run")
    return [*key, gap] if blank else key
