"""Every combination of choices, and what can be said of them together."""

from itertools import product
from math import nan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.analysis import multiverse
from kursk_claims.analysis.verdict import Verdict

PROPERTY = settings(derandomize=True, deadline=None, max_examples=25)
AXES = {"window": (0, 1, 3), "outcome": ("approve", "net"), "tolerance": (0.05, 0.1)}
RULE = {
    "findings": {"share": "a share"},
    "ladder": [{"verdict": "supported", "when": {"share": ">= 0.5"}}],
    "otherwise": "contradicted",
}
WORDS = [word.value for word in Verdict]


def results_of(verdicts: list[str], axes=AXES) -> pd.DataFrame:
    table = pd.DataFrame(multiverse.grid(axes))
    return table.assign(share=[float(i) for i in range(len(table))], verdict=verdicts)


def verdicts(axes=AXES) -> st.SearchStrategy[list[str]]:
    size = len(multiverse.grid(axes))
    return st.lists(st.sampled_from(WORDS), min_size=size, max_size=size)


# -- once per choice -----------------------------------------------------------------------------


def test_once_per_computes_each_combination_of_the_named_choices_once():
    asked = []

    @multiverse.once_per("window", "outcome")
    def estimate(s: multiverse.Specification) -> str:
        """What is estimated."""
        asked.append(s)
        return f"{s['outcome']} after {s['window']}"

    found = [estimate(s) for s in multiverse.grid(AXES)]
    assert found == [f"{s['outcome']} after {s['window']}" for s in multiverse.grid(AXES)]
    assert asked == multiverse.grid({name: AXES[name] for name in ("window", "outcome")})
    assert estimate.__doc__ == "What is estimated."


def test_once_per_hides_the_choices_that_are_not_named():
    @multiverse.once_per("window")
    def estimate(s: multiverse.Specification) -> float:
        return s["tolerance"]

    with pytest.raises(KeyError, match="tolerance"):
        estimate(multiverse.grid(AXES)[0])


# -- grid and run --------------------------------------------------------------------------------


def test_grid_has_every_combination_once_the_last_axis_fastest():
    found = multiverse.grid({"a": (1, 2), "b": ("x", "y")})
    assert found == [
        {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
    ]  # fmt: skip
    assert len(multiverse.grid(AXES)) == 3 * 2 * 2


@pytest.mark.parametrize(("axes", "grid"), [({}, [{}]), ({"a": ()}, []), ({"a": (1,)}, [{"a": 1}])])
def test_grid_of_nothing_and_of_one(axes, grid):
    assert multiverse.grid(axes) == grid


def test_run_has_choices_findings_and_verdict_in_every_row():
    def estimate(s):
        return {"share": nan if s["window"] == 3 else s["window"], "other": 7.0}

    found = multiverse.run(AXES, estimate, RULE)
    assert list(found.columns) == [*AXES, "share", "other", "verdict"]
    assert len(found) == 12
    by_window = found.groupby("window")["verdict"].unique().map(list).to_dict()
    assert by_window == {0: ["contradicted"], 1: ["supported"], 3: ["unresolved"]}
    assert (found["other"] == 7).all()


def test_a_finding_with_the_name_of_a_choice_decides_but_leaves_the_choice_alone():
    axes = {"share": ("half", "whole"), "n": (1, 2)}
    found = multiverse.run(axes, lambda s: {"share": {"half": 0.4, "whole": 1.0}[s["share"]]}, RULE)
    assert list(found.columns) == ["share", "n", "verdict"]
    assert found["share"].tolist() == ["half", "half", "whole", "whole"]
    assert found["verdict"].tolist() == ["contradicted"] * 2 + ["supported"] * 2


def test_run_asks_once_for_each_specification():
    asked = []
    multiverse.run(AXES, lambda s: asked.append(s) or {"share": 1.0}, RULE)
    assert asked == multiverse.grid(AXES)


def test_run_stops_when_the_estimate_forgets_a_finding():
    with pytest.raises(KeyError):
        multiverse.run(AXES, lambda s: {"other": 1.0}, RULE)


# -- shares --------------------------------------------------------------------------------------


def test_shares_by_hand_in_the_order_of_the_scale():
    found = multiverse.shares(results_of(["contradicted"] * 6 + ["unresolved"] * 3 + ["mixed"] * 3))
    assert list(found.items()) == [("mixed", 0.25), ("contradicted", 0.5), ("unresolved", 0.25)]


@PROPERTY
@given(verdicts())
def test_shares_sum_to_one_and_keep_the_order_of_the_scale(given_verdicts):
    found = multiverse.shares(results_of(given_verdicts))
    assert found.sum() == pytest.approx(1)
    assert list(found.index) == [word for word in WORDS if word in given_verdicts]
    assert (found * 12).to_dict() == pytest.approx(
        {word: given_verdicts.count(word) for word in found.index}
    )


def test_shares_by_a_choice_come_in_the_order_of_its_values():
    rows = [(3, "mixed"), (0, "supported"), (3, "supported"), (0, "supported")]
    found = multiverse.shares_by(pd.DataFrame(rows, columns=["window", "verdict"]), "window")
    assert found.index.tolist() == [0, 3]
    assert found.to_dict("list") == {"mixed": [0.0, 0.5], "supported": [1.0, 0.5]}


# -- flips ---------------------------------------------------------------------------------------


def test_flips_by_hand():
    # supported only for window 1 or 3 with approve: from (1, approve) the window 0 and net flip
    def estimate(s):
        return {"share": float(s["window"] > 0 and s["outcome"] == "approve")}

    found = multiverse.flips(
        multiverse.run(AXES, estimate, RULE), AXES,
        {"window": 1, "outcome": "approve", "tolerance": 0.1},
    )  # fmt: skip
    assert found.to_dict("records") == [
        {"choice": "window", "value": 0, "verdict": "contradicted"},
        {"choice": "outcome", "value": "net", "verdict": "contradicted"},
    ]


def test_no_flips_is_an_empty_table_with_its_columns():
    everywhere = results_of(["mixed"] * 12)
    found = multiverse.flips(everywhere, AXES, {"window": 0, "outcome": "net", "tolerance": 0.05})
    assert found.empty
    assert list(found.columns) == ["choice", "value", "verdict"]


def test_flips_of_a_single_axis():
    axes = {"a": (1, 2, 3)}
    found = multiverse.flips(results_of(["mixed", "mixed", "supported"], axes), axes, {"a": 1})
    assert found.to_dict("records") == [{"choice": "a", "value": 3, "verdict": "supported"}]


@PROPERTY
@given(verdicts(), st.sampled_from(multiverse.grid(AXES)))
def test_flips_are_exactly_the_neighbours_with_another_verdict(given_verdicts, main):
    words = dict(zip(product(*AXES.values()), given_verdicts, strict=True))
    start = words[tuple(main.values())]
    expected = [
        (name, value, words[tuple({**main, name: value}.values())])
        for name, values in AXES.items()
        for value in values
        if words[tuple({**main, name: value}.values())] != start
    ]
    found = multiverse.flips(results_of(given_verdicts), AXES, main)
    assert list(found.itertuples(index=False, name=None)) == expected


# -- influence -----------------------------------------------------------------------------------


def test_influence_by_hand():
    # Supported when approve and window 0. Shares of supported by outcome: 1/3 against 0; by window:
    # 1/2, 0 and 0; by tolerance: 1/6 against 1/6.
    def estimate(s):
        return {"share": float(s["outcome"] == "approve" and s["window"] == 0)}

    found = multiverse.influence(multiverse.run(AXES, estimate, RULE), AXES)
    assert list(found.index) == ["window", "outcome", "tolerance"]
    assert found.tolist() == pytest.approx([1 / 2, 1 / 3, 0])


@pytest.mark.parametrize("axis", AXES)
def test_a_choice_that_alone_decides_has_influence_one_and_the_others_none(axis):
    first = AXES[axis][0]
    found = multiverse.influence(
        multiverse.run(AXES, lambda s: {"share": float(s[axis] == first)}, RULE), AXES
    )
    assert found.to_dict() == pytest.approx({name: float(name == axis) for name in AXES})


@PROPERTY
@given(verdicts({"a": (1, 2, 3), "b": ("x", "y")}))
def test_influence_lies_between_zero_and_one_and_ignores_an_irrelevant_choice(given_verdicts):
    axes = {"a": (1, 2, 3), "b": ("x", "y"), "idle": (False, True)}
    doubled = [verdict for verdict in given_verdicts for _ in axes["idle"]]
    found = multiverse.influence(results_of(doubled, axes), axes)
    assert found.between(0, 1 + 1e-12).all()
    assert found["idle"] == 0
    assert found.is_monotonic_decreasing


def test_without_choices_nothing_has_influence():
    found = multiverse.influence(results_of(["mixed"], {}), {})
    assert found.empty and found.dtype == "float64"


# -- distinct ------------------------------------------------------------------------------------


def test_distinct_leaves_out_the_choice_that_changes_nothing():
    axes = {"a": ("x", "y"), "idle": (1, 2, 3), "b": (0, 1)}
    table = pd.DataFrame(multiverse.grid(axes))
    table = table.assign(share=(table["a"] == "x") + 2.0 * table["b"], verdict="mixed")
    found = multiverse.distinct(table, axes)
    assert list(found.columns) == ["a", "b", "share", "verdict"]
    assert found["share"].tolist() == [1, 3, 0, 2]


def test_distinct_keeps_a_choice_that_moves_one_finding_once_and_merges_unknown_ones():
    axes = {"a": ("x", "y"), "b": (0, 1)}
    table = pd.DataFrame(multiverse.grid(axes)).assign(share=nan, verdict="unresolved")
    assert len(multiverse.distinct(table, axes)) == 1
    table.loc[3, "share"] = 1.0
    assert len(multiverse.distinct(table, axes)) == 4


def test_distinct_specifications_are_numbered_anew():
    table = results_of(["mixed"] * 12).assign(share=[0.0] * 4 + [1.0] * 4 + [2.0] * 4)
    assert list(multiverse.distinct(table, AXES).index) == [0, 1, 2]


@PROPERTY
@given(verdicts())
def test_distinct_specifications_are_as_many_with_an_irrelevant_choice(given_verdicts):
    axes = {**AXES, "idle": (False, True)}
    doubled = [verdict for verdict in given_verdicts for _ in axes["idle"]]
    table = results_of(doubled, axes).assign(share=1.0)
    found = multiverse.distinct(table, axes)
    assert "idle" not in found
    assert len(found) == len(multiverse.distinct(table[~table["idle"]].drop(columns="idle"), AXES))


# -- encode --------------------------------------------------------------------------------------


def test_encode_by_hand():
    axes = {"a": ("x", "y"), "b": (0.1, 0.2)}
    table = results_of(["mixed", "supported", "mixed", "contradicted"], axes)
    found = multiverse.encode(table.assign(share=[3.0, nan, 1.0, 1.0]), axes, "share")
    # by estimate 1 (y, 0.1), 1 (y, 0.2), 3 (x, 0.1), not known (x, 0.2)
    assert found["choices"].tolist() == ["10", "11", "00", "01"]
    assert found["verdict"].tolist() == ["mixed", "contradicted", "mixed", "supported"]
    assert found["estimate"].tolist()[:3] == [1, 1, 3]
    assert found["estimate"].isna().tolist() == [False, False, False, True]
    assert list(found.index) == [0, 1, 2, 3]
    assert list(found.columns) == ["estimate", "verdict", "choices"]


def test_equal_estimates_keep_the_order_of_the_specifications():
    axes = {"a": range(9), "b": range(9)}
    table = results_of(["mixed"] * 81, axes)
    found = multiverse.encode(table.assign(share=table["a"] % 2.0), axes, "share")
    in_order = [f"{a}{b}" for a in (0, 2, 4, 6, 8, 1, 3, 5, 7) for b in range(9)]
    assert found["choices"].tolist() == in_order


@PROPERTY
@given(st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_encode_decodes_back_to_every_specification(estimates):
    table = results_of(WORDS * 2).assign(share=[float(x) for x in estimates])
    found = multiverse.encode(table, AXES, "share")
    assert found["estimate"].is_monotonic_increasing
    decoded = {
        tuple(values[int(digit)] for values, digit in zip(AXES.values(), row.choices, strict=True)):
        (row.estimate, row.verdict)
        for row in found.itertuples()
    }  # fmt: skip
    original = {
        tuple(row[name] for name in AXES): (row["share"], row["verdict"])
        for row in table.to_dict("records")
    }
    assert decoded == original
