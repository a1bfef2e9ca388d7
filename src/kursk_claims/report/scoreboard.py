"""The scoreboard: one line a claim, and the tally of verdicts on both days."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS
from kursk_claims.report.machine import counts
from kursk_claims.report.runs import Tested
from kursk_claims.report.weeks import Weeks

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import ClaimEntry, Registry


@dataclass(frozen=True)
class Line:
    """One claim: its entry, and its runs if it was tested."""

    entry: "ClaimEntry"
    tested: Tested | None

    @property
    def keys(self) -> dict[str, str]:
        """What the line is sorted and filtered by; verdicts by their place on the scale."""
        then, now = (one.record if one else None for one in self._days)
        latest = now or then
        return {
            "claimant": self.entry.claimant,
            "kind": " ".join(self.entry.kind),
            "then": _rank(then),
            "now": _rank(now),
            "agree": str(latest["robustness"]["agree"]) if latest else "",
            "rows": str(counts(latest)["rows"]) if latest else "",
        }

    @property
    def changed(self) -> bool:
        """Whether hindsight changed the verdict."""
        then, now = self._days
        return bool(then and now and then.record["verdict"] != now.record["verdict"])

    @property
    def _days(self) -> tuple[Any, Any]:
        return (self.tested.then, self.tested.now) if self.tested else (None, None)


@dataclass(frozen=True)
class Group:
    """Claims with one verdict on one day; an empty verdict: not tested on it."""

    verdict: str
    claims: list[str]


def context(registry: "Registry", tested: Sequence[Tested], weeks: Weeks | None) -> dict[str, Any]:
    """Return all that the template of the index needs."""
    by_claim = {one.entry.id: one for one in tested}
    lines = [Line(entry, by_claim.get(entry.id)) for entry in registry.claims]
    kinds = [kind for entry in registry.claims for kind in entry.kind]
    return {
        "lines": lines,
        "tested": len(tested),
        "claimants": sorted({entry.claimant for entry in registry.claims}, key=str.casefold),
        "kinds": sorted(set(kinds)),
        "tally": {day: tally(lines, day) for day in ("then", "now")},
        "told": told(lines),
        "weeks": weeks,
        "untestable": registry.untestable,
        "coverage": registry.coverage,
    }


def tally(lines: Sequence[Line], day: str) -> list[Group]:
    """Return the claims by verdict on one day, in the order of the scale."""
    found: Mapping[str, list[str]] = {verdict: [] for verdict in ("", *VERDICTS)}
    for line in lines:
        run = getattr(line.tested, day) if line.tested else None
        found[run.record["verdict"] if run else ""].append(line.entry.id)
    return [Group(verdict, found[verdict]) for verdict in (*VERDICTS, "") if found[verdict]]


def told(lines: Sequence[Line]) -> str:
    """Say in a sentence how many claims had a verdict on either day, and how many changed."""
    both = [line for line in lines if line.tested and line.tested.then and line.tested.now]
    if not both:
        return ""
    then, now = (_word(_decided(both, day)) for day in ("then", "now"))
    changed = _word(sum(line.changed for line in both))
    return (
        f"Of {prose.count(len(both), 'claim')}, {then} could be decided when the article appeared "
        f"and {now} in hindsight; hindsight changed {changed} of the verdicts."
    )


def _word(n: int) -> str:
    return prose.word(n) if n else "none"


def _decided(lines: Sequence[Line], day: str) -> int:
    verdicts = Counter(g.verdict for g in tally(lines, day) for _ in g.claims)
    return sum(n for verdict, n in verdicts.items() if verdict not in ("", Verdict.UNRESOLVED))


def _rank(record: Mapping[str, Any] | None) -> str:
    return str(Verdict(record["verdict"]).rank) if record else ""
