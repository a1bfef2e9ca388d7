"""Changes at events, at placebo months, and how often chance does as well."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from kursk_claims.analysis.events import (
    BASELINES,
    Event,
    changes,
    month_name,
    month_number,
    permutation_p,
    placebo_changes,
    without_overlap,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)
WINDOWS = (0, 1, 3, 6)
AUGUST = month_number("2024-08")
COLUMNS = ["name", "start", "month_after", "before", "after", "change"]
SERIES = st.dictionaries(st.integers(0, 40), st.floats(0, 100), max_size=41)


@st.composite
def event_lists(draw) -> list[Event]:
    starts = draw(st.lists(st.integers(-3, 44), max_size=8))
    lags = draw(st.lists(st.integers(0, 3), min_size=len(starts), max_size=len(starts)))
    return [Event(f"e{i}", s, s + lag) for i, (s, lag) in enumerate(zip(starts, lags, strict=True))]


def series_from(first: str, *values: float) -> dict[int, float]:
    """Consecutive months; NaN stands for a month without a wave."""
    start = month_number(first)
    return {start + i: v for i, v in enumerate(values) if not isnan(v)}


# -- months --------------------------------------------------------------------------------------


def test_months_follow_one_another_across_the_year():
    assert month_number("2000-01") - month_number("1999-12") == 1
    assert month_number("2024-08") == 2024 * 12 + 7
    assert month_name(2024 * 12 + 11) == "2024-12"


@PROPERTY
@given(st.integers(1000, 9999), st.integers(1, 12))
def test_a_month_has_one_number_and_one_name(year, month):
    name = f"{year}-{month:02d}"
    assert month_name(month_number(name)) == name


@pytest.mark.parametrize(("window", "month"), [(0, 12), (1, 11), (3, 13), (6, 16)])
def test_the_month_compared(window, month):
    assert Event("x", start=10, first_after=12).month_after(window) == month


# -- changes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baseline", "window", "before", "after"),
    [
        # Waves from February 2024: 60 62 64 66 68 70, August 71, then 75 80 90.
        ("month_before", 0, 70, 75),  # first wave after it: September
        ("month_before", 3, 70, 90),  # November
        ("mean_of_three", 1, (66 + 68 + 70) / 3, 75),
        ("trend", 0, 60 + 2 * 7, 75),  # carried on to September, too
        ("trend", 1, 60 + 2 * 7, 75),  # two points a month: 72 in August, 74 in September
        ("trend", 3, 60 + 2 * 9, 90),
    ],
)
def test_change_by_hand(baseline, window, before, after):
    series = series_from("2024-02", 60, 62, 64, 66, 68, 70, 71, 75, 80, 90)
    found = changes(series, [Event("x", AUGUST, AUGUST + 1)], window, baseline)
    assert list(found.columns) == COLUMNS
    row = found.iloc[0]
    assert (row["before"], row["after"]) == pytest.approx((before, after))
    assert row["change"] == pytest.approx(after - before)
    assert row["month_after"] == (AUGUST + 1 if window == 0 else AUGUST + window)


@pytest.mark.parametrize(
    ("baseline", "waves", "before"),
    [  # six months before August, oldest first
        ("month_before", (nan, nan, nan, nan, 50, nan), 50),  # the last of two months
        ("month_before", (nan, nan, nan, 50, nan, nan), None),  # three months ago is too long ago
        ("mean_of_three", (nan, nan, nan, 40, nan, 60), 50),  # two of three are enough
        ("mean_of_three", (90, 90, 90, nan, nan, 60), None),  # one is not
        ("trend", (50, nan, 50, nan, 50, 50), 50),  # four of six are enough
        ("trend", (50, nan, 50, nan, nan, 50), None),
    ],
)
def test_how_many_waves_a_baseline_needs(baseline, waves, before):
    series = {**series_from("2024-02", *waves), AUGUST + 1: 70.0}
    found = changes(series, [Event("x", AUGUST, AUGUST + 1)], 1, baseline)
    assert found["before"].tolist() == pytest.approx([] if before is None else [before])


@pytest.mark.parametrize(("baseline", "months"), [("mean_of_three", 3), ("trend", 6)])
def test_what_was_before_a_baseline_has_no_say(baseline, months):
    flat = {AUGUST - back: 50.0 for back in range(1, months + 1)}
    earlier = {AUGUST - months - 1: 99.0, AUGUST - months - 9: 1.0}
    found = changes({**earlier, **flat, AUGUST + 1: 70.0}, [Event("x", AUGUST, 0)], 1, baseline)
    assert found["before"].tolist() == pytest.approx([50])


def test_an_event_without_a_value_on_either_side_is_left_out():
    series = series_from("2024-06", 60, 61, 62, 63)  # to September
    late, early = Event("late", AUGUST + 1, AUGUST + 2), Event("early", AUGUST - 2, AUGUST - 1)
    good = Event("good", AUGUST, AUGUST + 1)
    assert changes(series, [late, early, good], 1, "month_before")["name"].tolist() == ["good"]


def test_nothing_to_compare_is_an_empty_table_with_its_columns():
    for series, events in (({}, [Event("x", 5, 6)]), ({1: 2.0}, []), ({}, [])):
        found = changes(series, events, 1, "month_before")
        assert found.empty
        assert list(found.columns) == COLUMNS


def test_a_wave_that_is_not_a_number_gives_no_change():
    for bad in (nan, inf):
        assert changes({4: 50.0, 6: bad}, [Event("x", 5, 6)], 1, "month_before").empty


@PROPERTY
@given(SERIES, event_lists(), st.sampled_from(WINDOWS), st.sampled_from(list(BASELINES)), st.data())
def test_changes_do_not_depend_on_the_order_of_events(series, events, window, baseline, data):
    found = changes(series, events, window, baseline)
    mixed = changes(series, data.draw(st.permutations(events)), window, baseline)
    by_name = mixed.set_index("name").loc[found["name"]].reset_index()
    assert by_name.to_dict("records") == found.to_dict("records")


@PROPERTY
@given(SERIES, event_lists(), st.sampled_from(WINDOWS), st.sampled_from(list(BASELINES)))
def test_a_shift_of_all_values_changes_no_change(series, events, window, baseline):
    found = changes(series, events, window, baseline)["change"]
    shifted = {month: value + 10 for month, value in series.items()}
    moved = changes(shifted, events, window, baseline)["change"]
    assert moved.tolist() == pytest.approx(found.tolist(), abs=1e-6)


# -- overlap -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "window", "kept"),
    [
        (0, 1, ""),  # the same month
        (1, 1, ""),  # the second one's month before is the first one's start
        (2, 1, "ab"),
        (2, 3, "b"),  # the first one's window holds the second; not the other way round
        (3, 3, "b"),
        (4, 3, "ab"),
        (2, 0, "ab"),  # the first wave after comes one month later
    ],
)
def test_overlap_by_hand(gap, window, kept):
    events = [Event("a", 10, 11), Event("b", 10 + gap, 11 + gap)]
    assert "".join(event.name for event in without_overlap(events, window)) == kept


def test_a_late_first_wave_reaches_further():
    events = [Event("a", 10, 13), Event("b", 12, 13)]
    assert [event.name for event in without_overlap(events, 0)] == ["b"]


@pytest.mark.parametrize("window", WINDOWS)
def test_no_event_and_one_event_do_not_overlap(window):
    assert without_overlap([], window) == []
    assert without_overlap([Event("a", 10, 11)], window) == [Event("a", 10, 11)]


@PROPERTY
@given(event_lists(), st.sampled_from(WINDOWS))
def test_without_overlap_is_a_subset_in_order_and_idempotent(events, window):
    kept = without_overlap(events, window)
    assert kept == [event for event in events if event in kept]
    assert without_overlap(kept, window) == kept
    for event in kept:
        months = range(event.start - 1, max(event.month_after(window), event.start) + 1)
        assert [other.name for other in events if other.start in months] == [event.name]


# -- placebo -------------------------------------------------------------------------------------


def test_placebo_months_by_hand():
    # Waves in months 0 to 9, an event in month 5, window 1: a month is free when 5 is not among
    # the month before it, itself and the one after it: not 4, 5, 6. Month 0 has nothing before,
    # month 9 nothing after.
    series = {month: float(month) for month in range(10)}
    found = placebo_changes(series, [Event("x", 5, 6)], 1, "month_before")
    assert found["start"].tolist() == [1, 2, 3, 7, 8]
    assert found["change"].tolist() == [2.0] * 5
    assert found["name"].tolist()[0] == month_name(1)


def test_the_first_wave_after_a_placebo_month_is_that_of_the_next_month():
    series = {month: float(month**2) for month in range(10)}
    first, next_month = (placebo_changes(series, [], window, "month_before") for window in (0, 1))
    assert first["start"].tolist() == list(range(1, 9))
    assert first.equals(next_month)


def test_no_series_has_no_placebo_months():
    assert placebo_changes({}, [Event("x", 5, 6)], 1, "month_before").empty


@PROPERTY
@given(SERIES, event_lists(), st.sampled_from(WINDOWS), st.sampled_from(list(BASELINES)))
def test_placebo_months_are_all_those_that_no_event_touches(series, events, window, baseline):
    found = placebo_changes(series, events, window, baseline)
    starts = {event.start for event in events}
    for row in found.itertuples():
        assert row.month_after == row.start + max(window, 1)
        assert not starts & set(range(row.start - 1, row.month_after + 1))
    everywhere = placebo_changes(series, [], window, baseline)
    touched = set(everywhere["start"]) - set(found["start"])
    assert set(found["start"]) <= set(everywhere["start"])
    for month in touched:
        assert any(month - 1 <= start <= month + max(window, 1) for start in starts)


# -- permutation ---------------------------------------------------------------------------------


def test_chance_by_hand():
    falls = np.array([-1.0] * 10)
    assert permutation_p(0.5, falls, 4, draws=99) == 1 / 100  # no draw does as well
    assert permutation_p(0.0, falls, 4, draws=99) == 1.0  # every draw does
    assert permutation_p(0.5, -falls, 4, draws=99) == 1.0
    assert permutation_p(1.0, np.zeros(10), 4, draws=99) == 1 / 100  # no change is no rise


@pytest.mark.parametrize(("placebo", "size"), [([1.0, 2.0], 3), ([1.0], 0), ([], 0), ([], 1)])
def test_chance_is_not_known_with_too_few_placebo_months_or_no_event(placebo, size):
    assert isnan(permutation_p(0.5, np.array(placebo), size))


def test_as_many_events_as_placebo_months_leave_one_draw():
    placebo = np.array([1.0, -1.0])
    assert permutation_p(0.5, placebo, 2, draws=99) == 1.0
    assert permutation_p(0.6, placebo, 2, draws=99) == 1 / 100


@pytest.mark.parametrize(("rises", "size"), [(5, 10), (7, 10), (9, 10), (1, 1), (2, 2)])
def test_chance_agrees_with_the_hypergeometric_tail(rises, size):
    placebo = np.array([1.0] * 60 + [-1.0] * 60)
    exact = hypergeom.sf(rises - 1, 120, 60, size)
    found = permutation_p(rises / size, placebo, size, draws=20_000)
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4)


def test_chance_is_seeded():
    placebo = np.random.default_rng(1).normal(size=200)
    assert permutation_p(0.6, placebo, 14) == permutation_p(0.6, placebo, 14)
    several = {permutation_p(0.6, placebo, 14, seed=seed) for seed in range(4)}
    assert len(several) > 1


def test_chance_is_drawn_five_thousand_times_from_the_day_of_the_incursion():
    placebo = np.random.default_rng(1).normal(size=200)
    told = permutation_p(0.6, placebo, 14, draws=5000, seed=20240806)
    assert permutation_p(0.6, placebo, 14) == told
    assert permutation_p(1.0, np.zeros(10), 4) == 1 / 5001


@PROPERTY
@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=40), st.integers(1, 40), st.integers(0, 99)
)
def test_chance_is_a_probability_and_falls_with_what_was_observed(placebo, size, seed):
    observed = [k / size for k in range(size + 1)]
    found = [permutation_p(x, np.array(placebo), size, draws=50, seed=seed) for x in observed]
    if size > len(placebo):
        assert all(isnan(p) for p in found)
        return
    assert found[0] == 1.0
    assert all(0 < p <= 1 for p in found)
    assert found == sorted(found, reverse=True)
