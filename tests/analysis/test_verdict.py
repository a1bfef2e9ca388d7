"""The ladder, and what each of the three registered rules can and cannot say."""

from itertools import product
from math import inf, nan, nextafter
from typing import Any

import pytest

from kursk_claims.analysis.verdict import Verdict, decide, describe
from kursk_claims.evidence.registry import load_registry

TOY = {
    "findings": {"share": "a share", "falls": "a number"},
    "ladder": [
        {"verdict": "supported", "when": {"share": ">= 0.9", "falls": "== 0"}},
        {"verdict": "mixed", "when": {"share": ">= 0.5"}},
        {"verdict": "mostly contradicted", "when": {"share": ">= 0.9"}},  # never reached
    ],
    "otherwise": "contradicted",
}
Point = tuple[dict[str, float], Verdict]


def rule_of(claim_id: str) -> dict[str, Any]:
    rule = load_registry()[claim_id].rule
    assert rule is not None
    return rule


def words(rule: dict[str, Any]) -> set[str]:
    return {verdict for verdict, _ in describe(rule)}


# -- every outcome that can happen, rule by rule -------------------------------------------------


def c03() -> list[dict[str, float]]:
    """So many of so many checks passed; no share of no check."""
    return [
        {"checks_made": made, "checks_passed_share": passed / made if made else nan}
        for made in range(6)
        for passed in range(made + 1)
    ]


def c07(ends: int = 6) -> list[dict[str, float]]:
    """So many ends late, open, early."""
    return [
        {
            "met_share_low": late / ends,
            "met_share_high": (late + still_open) / ends,
            "open_share": still_open / ends,
        }
        for late in range(ends + 1)
        for still_open in range(ends + 1 - late)
    ]


def c14() -> list[dict[str, float]]:
    """So many crises, rises among them, clear falls among the rest."""
    return [
        {"crises": n, "rise_share": rises / n if n else nan, "clear_falls": falls}
        for n in range(16)
        for rises in range(n + 1)
        for falls in range(n - rises + 1)
    ]


OUTCOMES = {"c03": c03, "c07": c07, "c14": c14}
BETTER = {  # which way is good for the claim
    "c03": {"checks_passed_share": 1},
    "c07": {"met_share_low": 1, "met_share_high": 1},
    "c14": {"rise_share": 1, "clear_falls": -1},
}


# -- the scale and the ladder --------------------------------------------------------------------


def test_the_scale_runs_from_supported_to_contradicted_and_unresolved_stands_last():
    assert [word.rank for word in Verdict] == [0, 1, 2, 3, 4, 5]
    assert Verdict.SUPPORTED.rank == 0
    assert Verdict.CONTRADICTED.rank == 4
    assert Verdict.UNRESOLVED.rank == 5


@pytest.mark.parametrize(
    ("share", "falls", "verdict"),
    [
        (0.95, 0, Verdict.SUPPORTED),  # all three steps would hold: the first one counts
        (0.95, 1, Verdict.MIXED),  # one condition of the first step fails
        (0.5, 0, Verdict.MIXED),
        (0.49, 0, Verdict.CONTRADICTED),  # none holds
        (inf, 0, Verdict.SUPPORTED),
        (-inf, 0, Verdict.CONTRADICTED),
    ],
)
def test_the_first_step_that_holds_decides(share, falls, verdict):
    assert decide(TOY, {"share": share, "falls": falls}) is verdict


@pytest.mark.parametrize("findings", [{"share": nan, "falls": 0}, {"share": 1.0, "falls": nan}])
def test_a_missing_finding_leaves_it_unresolved_whatever_the_others(findings):
    assert decide(TOY, findings) is Verdict.UNRESOLVED


def test_a_finding_that_the_rule_does_not_name_has_no_say():
    assert decide(TOY, {"share": 1.0, "falls": 0, "more": nan}) is Verdict.SUPPORTED


def test_a_finding_that_is_not_given_at_all_is_an_error():
    with pytest.raises(KeyError):
        decide(TOY, {"share": 1.0})


def test_an_empty_ladder_gives_the_otherwise():
    rule = {"findings": {}, "ladder": [], "otherwise": "mixed"}
    assert decide(rule, {}) is Verdict.MIXED


@pytest.mark.parametrize(
    ("sign", "below", "at", "above"),
    [
        (">=", False, True, True),
        (">", False, False, True),
        ("<=", True, True, False),
        ("<", True, False, False),
        ("==", False, True, False),
    ],
)
def test_each_comparison_at_its_threshold_and_one_float_beside_it(sign, below, at, above):
    rule = {
        "findings": {"x": ""},
        "ladder": [{"verdict": "supported", "when": {"x": f"{sign} 0.3"}}],
        "otherwise": "contradicted",
    }
    values = (nextafter(0.3, 0), 0.3, nextafter(0.3, 1))
    assert [decide(rule, {"x": x}) is Verdict.SUPPORTED for x in values] == [below, at, above]


def test_describe_tells_every_step_in_order_and_the_rest():
    assert describe(TOY) == [
        ("supported", "share >= 0.9 and falls == 0"),
        ("mixed", "share >= 0.5"),
        ("mostly contradicted", "share >= 0.9"),
        ("contradicted", "otherwise"),
    ]


# -- the registered rules ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim_id", "findings", "verdict"),
    [
        ("c03", (3, 1.0), "unresolved"),  # three checks are too few, however good
        ("c03", (4, 1.0), "supported"),
        ("c03", (5, 4 / 5), "mostly supported"),
        ("c03", (4, 3 / 4), "mostly supported"),
        ("c03", (5, 3 / 5), "mixed"),
        ("c03", (5, 2 / 5), "mostly contradicted"),
        ("c03", (5, 1 / 5), "contradicted"),
        ("c07", (5 / 6, 1.0, 1 / 6), "mostly supported"),
        ("c07", (0.0, 1.0, 1.0), "unresolved"),  # all open
        ("c07", (0.0, 2 / 6, 2 / 6), "mostly contradicted"),
        ("c07", (3 / 6, 4 / 6, 1 / 6), "unresolved"),  # one open end still matters
        ("c07", (3 / 6, 3 / 6, 0.0), "mixed"),
        ("c07", (0.0, 0.0, 0.0), "contradicted"),
        ("c14", (7, 1.0, 0), "unresolved"),
        ("c14", (10, 9 / 10, 0), "supported"),
        ("c14", (10, 9 / 10, 1), "mixed"),  # one clear fall is enough against "always"
        ("c14", (12, 8 / 12, 0), "mixed"),  # two in three is just less than 0.67
        ("c14", (10, 7 / 10, 0), "mostly supported"),
        ("c14", (10, 1 / 10, 0), "mixed"),  # without a clear fall never worse
        ("c14", (10, 5 / 10, 1), "mostly contradicted"),
        ("c14", (10, 4 / 10, 1), "contradicted"),
    ],
)
def test_registered_rule_by_hand(claim_id, findings, verdict):
    rule = rule_of(claim_id)
    assert decide(rule, dict(zip(rule["findings"], findings, strict=True))) == verdict


@pytest.mark.parametrize("claim_id", OUTCOMES)
def test_every_word_of_the_ladder_is_reached_by_an_outcome_that_can_happen(claim_id):
    rule = rule_of(claim_id)
    reached = {decide(rule, findings).value for findings in OUTCOMES[claim_id]()}
    assert reached == words(rule) == {word.value for word in Verdict}


def never_better_when_worse(points: list[Point], better: dict[str, int], fixed: list[str]) -> None:
    """Of two resolved outcomes, the one that is nowhere better has no better verdict."""
    resolved = [point for point in points if point[1] is not Verdict.UNRESOLVED]
    assert len(resolved) > 5
    groups: dict[tuple[float, ...], list[tuple[tuple[float, ...], int]]] = {}
    for findings, verdict in resolved:
        signed = tuple(sign * findings[name] for name, sign in better.items())
        groups.setdefault(tuple(findings[k] for k in fixed), []).append((signed, verdict.rank))
    for group in groups.values():
        for (good, rank), (bad, worse_rank) in product(group, group):
            if all(b <= g for b, g in zip(bad, good, strict=True)):
                assert worse_rank >= rank, (good, rank, bad, worse_rank)


@pytest.mark.parametrize(
    ("claim_id", "fixed"), [("c03", ["checks_made"]), ("c07", []), ("c14", ["crises"])]
)
def test_a_worse_finding_never_gives_a_better_verdict(claim_id, fixed):
    rule = rule_of(claim_id)
    points = [(findings, decide(rule, findings)) for findings in OUTCOMES[claim_id]()]
    never_better_when_worse(points, BETTER[claim_id], fixed)


def test_c03_and_c14_never_improve_across_sample_sizes_either():
    for claim_id in ("c03", "c14"):
        rule = rule_of(claim_id)
        points = [(findings, decide(rule, findings)) for findings in OUTCOMES[claim_id]()]
        never_better_when_worse(points, BETTER[claim_id], [])


def test_c07_is_monotone_on_a_fine_grid_of_shares_too():
    rule = rule_of("c07")
    points = [(findings, decide(rule, findings)) for findings in c07(ends=30)]
    never_better_when_worse(points, BETTER["c07"], [])


@pytest.mark.parametrize(
    ("claim_id", "name", "least"), [("c03", "checks_made", 4), ("c14", "crises", 8)]
)
def test_too_little_evidence_and_only_that_is_unresolved(claim_id, name, least):
    rule = rule_of(claim_id)
    for findings in OUTCOMES[claim_id]():
        unresolved = decide(rule, findings) is Verdict.UNRESOLVED
        assert unresolved == (findings[name] < least)


def test_c07_a_verdict_given_early_is_never_on_the_other_side_once_all_ends_have_come():
    rule = rule_of("c07")
    for now in c07():
        verdict = decide(rule, now)
        late, still_open = round(now["met_share_low"] * 6), round(now["open_share"] * 6)
        for more in range(still_open + 1):
            share = (late + more) / 6
            final = decide(
                rule, {"met_share_low": share, "met_share_high": share, "open_share": 0.0}
            )
            assert final is not Verdict.UNRESOLVED
            if verdict.rank < Verdict.MIXED.rank:
                assert final.rank < Verdict.MIXED.rank
            if Verdict.MIXED.rank < verdict.rank < Verdict.UNRESOLVED.rank:
                assert final.rank > Verdict.MIXED.rank
