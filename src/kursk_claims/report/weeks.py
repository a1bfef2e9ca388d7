"""The verdicts week by week, from the stored table to a strip of each claim."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import EvidenceError, ReportError
from kursk_claims.evidence.results import FILE, read_results
from kursk_claims.report import timeline
from kursk_claims.report.machine import active

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import Registry

Row = Mapping[str, str]


@dataclass(frozen=True)
class Stretch:
    """Neighbouring weeks with one verdict; an empty verdict: these were not run."""

    verdict: str
    weeks: int
    first: str
    last: str


@dataclass(frozen=True)
class Weeks:
    """What the page shows of the timeline.

    ``article`` is where the article's day falls, as a share of the width; ``left_out`` counts, by
    claim, weeks that were decided under another rule than the registered one.
    """

    headline: str
    days: list[str]
    months: list[tuple[str, int]]
    strips: dict[str, list[Stretch]]
    left_out: dict[str, int]
    article: float
    data: str

    @property
    def css(self) -> str:
        """Where the article's day falls, as a style rule."""
        return f".strips{{--article:{self.article:.4f}}}\n"


def read(folder: Path, registry: "Registry") -> Weeks | None:
    """Return the weeks in the table of stored verdicts; None if there is none, or none of use.

    Raises
    ------
    ReportError
        If the table has other columns, or holds a verdict or a day that does not exist.
    """
    if not (folder / FILE).exists():
        return None
    try:
        rows = [row for row in read_results(folder) if row["as_of"] in timeline.WEEKS]
    except EvidenceError as error:
        raise ReportError(str(error)) from None
    hashes = {entry.id: entry.rule_hash for entry in registry.claims}
    current = [row for row in rows if hashes.get(row["claim"]) == row["rule_hash"]]
    left_out = Counter(row["claim"] for row in rows if row not in current)
    if not current:
        return None
    days = list(timeline.WEEKS)
    by_claim = {
        entry.id: {row["as_of"]: row for row in current if row["claim"] == entry.id}
        for entry in registry.claims
    }
    by_claim = {claim: found for claim, found in by_claim.items() if found}
    flat = [row for found in by_claim.values() for row in found.values()]
    return Weeks(
        headline=timeline.headline(map(dict, flat), registry),
        days=days,
        months=[(_month(m), len(list(group))) for m, group in groupby(day[:7] for day in days)],
        strips={claim: _strip(found, days) for claim, found in by_claim.items()},
        left_out=dict(sorted(left_out.items())),
        article=_place(registry.article["appeared_on"], days),
        data=_data(by_claim, days),
    )


def _strip(found: Mapping[str, Row], days: Sequence[str]) -> list[Stretch]:
    verdicts = [(found[day]["verdict"] if day in found else "", day) for day in days]
    stretches = []
    for verdict, group in groupby(verdicts, key=lambda pair: pair[0]):
        own = [day for _, day in group]
        stretches.append(Stretch(verdict, len(own), own[0], own[-1]))
    return stretches


def _month(month: str) -> str:
    """Return ``2024-08`` as ``Aug``, and January with its year."""
    _, name, year = prose.day(f"{month}-01").split()
    return f"{name[:3]} {year}" if name == "January" else name[:3]


def _place(day: str, days: Sequence[str]) -> float:
    """Return where a day falls on a strip of equal weeks, as a share of its width."""
    when = date.fromisoformat(day)
    starts = [date.fromisoformat(d) for d in days]
    before = sum(start <= when for start in starts) - 1
    if before < 0:
        return 0.0
    within = min((when - starts[before]).days / timeline.WEEK.days, 1)
    return (before + within) / len(days)


def _data(by_claim: Mapping[str, Mapping[str, Row]], days: Sequence[str]) -> str:
    """Return for the script: the days, and for each claim what changed at which of them."""
    order = list(VERDICTS)
    claims = {}
    for claim, found in by_claim.items():
        changes: list[list[object]] = []
        for place, day in enumerate(days):
            row = found.get(day)
            said = (
                [order.index(row["verdict"]), prose.percent(float(row["robustness_agree"])),
                 active(row["sentence"])] if row else [-1, "", ""]
            )  # fmt: skip
            if not changes or changes[-1][1:] != said:
                changes.append([place, *said])
        claims[claim] = changes
    words = [prose.day(day) for day in days]
    return json.dumps({"days": words, "verdicts": order, "claims": claims}, ensure_ascii=False)
