"""Definitions of an event and which case is the first to meet them."""

from itertools import product
from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.analysis import definitions

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
LEVELS = {"foreign": (0, 1), "days": (0, 2, 7)}
EVENTS = pd.DataFrame(
    {"foreign": [1.0, 0.0, 1.0], "days": [1.0, 30.0, 16.0]}, index=["shots", "revolt", "case"]
)
EARLIER = ["shots", "revolt"]
VALUES = st.one_of(st.just(nan), st.integers(0, 3).map(float))
WORLDS = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=6)
THREE = {"a": (0, 1), "b": (0, 1, 3), "c": (0, 2)}


def world(rows) -> pd.DataFrame:
    """Events e0, e1, ...; the last one is the case and meets everything."""
    table = pd.DataFrame([*rows, (3.0, 3.0, 3.0)], columns=list(THREE))
    return table.set_axis([*(f"e{i}" for i in range(len(rows))), "case"])


def first_in(rows) -> tuple[pd.DataFrame, pd.Series, list[str]]:
    events, grid = world(rows), definitions.lattice(THREE)
    earlier = [name for name in events.index if name != "case"]
    met = definitions.met_by(grid, events, THREE)
    return met, definitions.first_case(met, "case", earlier), earlier


def test_the_lattice_by_hand():
    grid = definitions.lattice(LEVELS)
    assert grid.to_numpy().tolist() == [[0, 0], [0, 2], [0, 7], [1, 0], [1, 2], [1, 7]]
    assert list(grid.columns) == ["foreign", "days"]
    assert set(grid.dtypes) == {np.dtype("float64")}


def test_definitions_keep_their_names():
    grid = definitions.lattice(LEVELS).set_axis(list("abcdef"))
    met = definitions.met_by(grid, EVENTS, LEVELS)
    assert met.index.tolist() == list("abcdef")
    assert met.loc["f"].tolist() == [False, False, True]


def test_a_small_history_by_hand():
    """Foreign shots of a day and a domestic revolt of a month go before a foreign case of 16 days.

    Neither "foreign" nor "long" makes the case the first; "foreign and two days" does.
    """
    grid = definitions.lattice(LEVELS)
    met = definitions.met_by(grid, EVENTS, LEVELS)
    assert met["shots"].tolist() == [True, False, False, True, False, False]
    assert met["revolt"].tolist() == [True, True, True, False, False, False]
    assert met["case"].all()
    first = definitions.first_case(met, "case", EARLIER)
    assert first.tolist() == [False, False, False, False, True, True]
    weakest = definitions.minimal(grid, first, LEVELS)
    assert weakest.to_dict("records") == [{"foreign": 1, "days": 2}]


def test_without_attributes_one_definition_is_left_and_all_meet_it():
    grid = definitions.lattice({})
    met = definitions.met_by(grid, EVENTS, {})
    assert met.to_numpy().tolist() == [[True, True, True]]
    first = definitions.first_case(met, "case", [])
    assert len(definitions.minimal(grid, first, {})) == 1


def test_the_earlier_events_that_meet_a_definition_by_name():
    met = definitions.met_by(definitions.lattice(LEVELS), EVENTS, LEVELS)
    found = definitions.also_met(met, [*EARLIER, "unheard of"])
    assert found == {
        "0": ["shots", "revolt"], "1": ["revolt"], "2": ["revolt"],
        "3": ["shots"], "4": [], "5": [],
    }  # fmt: skip


def test_only_definitions_that_the_case_meets_count():
    met = definitions.met_by(definitions.lattice(LEVELS), EVENTS, LEVELS)
    first = definitions.first_case(met, "shots", [])
    assert first.index.tolist() == [0, 3]
    assert first.all()


def test_what_is_not_known_meets_no_condition_but_the_empty_one():
    events = pd.DataFrame({"foreign": [nan], "days": [nan]}, index=["dark"])
    met = definitions.met_by(definitions.lattice(LEVELS), events, LEVELS)
    assert met["dark"].tolist() == [True, False, False, False, False, False]
    whole = definitions.met_by(definitions.lattice(LEVELS), events.astype("Int64"), LEVELS)
    pd.testing.assert_frame_equal(whole, met)  # as a table has it


@pytest.mark.parametrize("events", [EVENTS, EVENTS.iloc[:0]])
def test_a_case_that_is_not_there(events):
    grid = definitions.lattice(LEVELS)
    met = definitions.met_by(grid, events, LEVELS)
    assert definitions.also_met(met[[]], EARLIER) == {str(i): [] for i in range(len(grid))}
    earlier = list(events.index)
    first = definitions.first_case(met, "nothing", earlier)
    assert first.empty and first.dtype == "bool"
    assert definitions.minimal(grid, first, LEVELS).empty


@PROPERTY
@given(WORLDS)
def test_first_agrees_with_a_plain_loop(rows):
    met, first, _ = first_in(rows)
    for number, asked in enumerate(product(*THREE.values())):
        met_before = [
            all(level == 0 or value >= level for value, level in zip(row, asked, strict=True))
            for row in rows
        ]
        assert first[number] == (not any(met_before))
        assert met.loc[number].tolist() == [*met_before, True]


@PROPERTY
@given(WORLDS)
def test_a_stronger_definition_stays_first(rows):
    _, first, _ = first_in(rows)
    grid = definitions.lattice(THREE).to_numpy()
    for weak, strong in product(range(len(grid)), repeat=2):
        if first[weak] and (grid[strong] >= grid[weak]).all():
            assert first[strong]


@PROPERTY
@given(WORLDS)
def test_the_minimal_ones_generate_all_and_none_is_above_another(rows):
    _, first, _ = first_in(rows)
    grid = definitions.lattice(THREE)
    weakest = definitions.minimal(grid, first, THREE).to_numpy()
    above = [bool((row >= weakest).all(axis=1).any()) for row in grid.to_numpy()]
    assert above == first.tolist()
    for one, other in product(weakest, repeat=2):
        assert (one == other).all() or not (one >= other).all()


@PROPERTY
@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter_and_more_history_breaks_more(rows, random):
    _, first, _ = first_in(rows)
    _, shuffled, _ = first_in(random.sample(rows, len(rows)))
    assert shuffled.tolist() == first.tolist()
    _, shorter, _ = first_in(rows[:-1])
    assert np.all(shorter >= first)
