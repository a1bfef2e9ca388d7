"""Delays within bounds: which of two is the longer, and what rank an episode can have."""

from math import inf, isnan, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata

from kursk_claims.analysis import latencies
from kursk_claims.analysis.selection import share_bounds

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
HOURS = st.integers(0, 20)
DELAY = st.tuples(HOURS, HOURS).map(lambda pair: (float(min(pair)), float(max(pair))))
OPEN = HOURS.map(lambda hours: (float(hours), inf))


def table(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Rows of episode, step, low, high."""
    frame = pd.DataFrame(list(rows), columns=["episode", "step", "low_h", "high_h"])
    return frame.astype({"episode": "str", "step": "str", "low_h": float, "high_h": float})


def one_step(*delays: tuple[float, float]) -> pd.DataFrame:
    """The first delay is ours, the others are of other episodes."""
    return table(*((f"e{i}", "word", low, high) for i, (low, high) in enumerate(delays)))


# -- two delays ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ((5, 6), (1, 2), 1.0),
        ((1, 2), (5, 6), 0.0),
        ((1, 5), (4, 6), nan),
        ((4, 6), (1, 5), nan),
        ((3, 3), (3, 3), 0.0),  # as fast is not slower
        ((2, 4), (4, 6), 0.0),  # at worst as slow as the other
        ((4, 6), (2, 4), nan),  # at best as fast as the other
        ((10, inf), (1, 9), 1.0),  # watched for longer than the other took
        ((10, inf), (1, 10), nan),
        ((10, inf), (20, 30), nan),  # too early to say
        ((1, 9), (10, inf), 0.0),
        ((10, inf), (20, inf), nan),
    ],
)
def test_slower_by_hand(ours, theirs, expected):
    found = latencies.slower(ours, theirs)
    assert found == expected or (isnan(found) and isnan(expected))


@PROPERTY
@given(DELAY, DELAY, st.floats(0, 1), st.floats(0, 1))
def test_what_is_said_holds_wherever_in_their_bounds_the_delays_are(ours, theirs, here, there):
    said = latencies.slower(ours, theirs)
    own = ours[0] + here * (ours[1] - ours[0])
    other = theirs[0] + there * (theirs[1] - theirs[0])
    assert isnan(said) or said == (own > other)


@PROPERTY
@given(DELAY, DELAY)
def test_nothing_is_left_open_that_the_bounds_decide(ours, theirs):
    # open means that both answers can come true
    possible = {ours[0] > theirs[1], ours[1] > theirs[0]}
    assert isnan(latencies.slower(ours, theirs)) == (len(possible) == 2)


# -- steps that have not come --------------------------------------------------------------------


def test_a_step_that_has_not_come_is_open_from_the_time_watched():
    delays = table(("kursk", "word", 3, 4), ("other", "deed", 30, 40))
    found = latencies.with_open(delays, "kursk", ["word", "deed", "visit"], 100)
    added = found.iloc[2:].to_numpy().tolist()
    assert added == [["kursk", "deed", 100.0, inf], ["kursk", "visit", 100.0, inf]]
    assert found.dtypes.equals(delays.dtypes)
    pd.testing.assert_frame_equal(found.head(2), delays)


def test_within_the_first_hour_a_step_can_be_missing():
    found = latencies.with_open(table(), "kursk", ["deed"], 0.5)
    assert found.to_numpy().tolist() == [["kursk", "deed", 0.5, inf]]


def test_rows_are_numbered_anew_when_some_are_added():
    delays = table(("kursk", "word", 3, 4)).set_axis([7])
    assert latencies.with_open(delays, "kursk", ["word"], 100).equals(delays)
    assert latencies.with_open(delays, "kursk", ["deed"], 100).index.tolist() == [0, 1]


@pytest.mark.parametrize("watched", [0, -50])
def test_before_it_starts_no_step_is_missing(watched):
    delays = table(("other", "deed", 30, 40))
    assert latencies.with_open(delays, "kursk", ["deed"], watched).equals(delays)


def test_into_an_empty_table():
    found = latencies.with_open(table(), "kursk", ["deed"], 5)
    assert found.to_numpy().tolist() == [["kursk", "deed", 5.0, inf]]


@PROPERTY
@given(DELAY, st.lists(st.integers(1, 60), min_size=2, max_size=6, unique=True))
def test_a_watched_step_can_only_turn_from_open_to_slower(theirs, hours):
    watched = sorted(hours)
    said = [latencies.slower((float(h), inf), theirs) for h in watched]
    assert [h for h, s in zip(watched, said, strict=True) if s == 1.0] == [
        h for h in watched if h > theirs[1]
    ]
    assert 0.0 not in said


# -- points --------------------------------------------------------------------------------------


def test_the_middle_of_bounds_and_an_open_delay_kept():
    found = latencies.middles(table(("a", "x", 2, 5), ("a", "y", 7, 7), ("b", "x", 9, inf)))
    assert found["low_h"].tolist() == [3.5, 7.0, 9.0]
    assert found["high_h"].tolist() == [3.5, 7.0, inf]


# -- comparisons ---------------------------------------------------------------------------------


def test_comparisons_by_hand():
    delays = table(
        ("kursk", "word", 5, 6),
        ("first", "word", 1, 2),
        ("second", "word", 5, 9),
        ("kursk", "deed", 10, inf),
        ("second", "deed", 3, 4),
        ("kursk", "visit", 1, 1),  # nobody else's
        ("first", "decree", 1, 1),  # not ours
    )
    found = latencies.comparisons(delays, "kursk")
    assert found[["step", "episode"]].to_numpy().tolist() == [
        ["word", "first"], ["word", "second"], ["deed", "second"],
    ]  # fmt: skip
    assert found["slower"].tolist() == pytest.approx([1.0, nan, 1.0], nan_ok=True)
    assert found["ours_low_h"].tolist() == [5, 5, 10]
    assert found["high_h"].tolist() == [2, 9, 4]


def test_no_delays_give_no_comparisons():
    found = latencies.comparisons(table(), "kursk")
    assert found.empty
    assert found["slower"].dtype == "float64"


def test_a_step_twice_or_back_to_front_is_an_error():
    with pytest.raises(ValueError, match=r"^an episode has the same step twice$"):
        latencies.comparisons(table(("a", "x", 1, 2), ("a", "x", 3, 4)), "a")
    with pytest.raises(ValueError, match=r"^a delay ends before it begins$"):
        latencies.comparisons(table(("a", "x", 2, 1)), "a")


@PROPERTY
@given(st.lists(DELAY | OPEN, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(delays, random):
    rows = one_step(*delays)
    order = list(range(len(rows)))
    random.shuffle(order)
    bounds = [
        share_bounds(latencies.comparisons(frame, "e0")["slower"])
        for frame in (rows, rows.iloc[order])
    ]
    assert bounds[0] == bounds[1]


@PROPERTY
@given(st.lists(st.integers(0, 100), min_size=2, max_size=8, unique=True))
def test_for_points_the_share_is_that_of_mann_and_whitney(hours):
    ours, *others = hours
    rows = one_step(*((float(h), float(h)) for h in hours))
    low, high = share_bounds(latencies.comparisons(rows, "e0")["slower"])
    u = mannwhitneyu([ours], others, method="asymptotic", alternative="greater").statistic
    assert low == high == pytest.approx(u / len(others))


@PROPERTY
@given(st.lists(DELAY, min_size=2, max_size=6), st.integers(0, 5), st.integers(0, 5))
def test_wider_bounds_of_delays_give_wider_bounds_of_the_share(delays, before, after):
    wider = [(max(low - before, 0.0), high + after) for low, high in delays]
    found = [
        share_bounds(latencies.comparisons(one_step(*rows), "e0")["slower"])
        for rows in (delays, wider)
    ]
    assert found[1][0] <= found[0][0] <= found[0][1] <= found[1][1]


def test_only_what_was_open_and_then_came_is_decided_since():
    delays = table(
        *(("kursk", step, low, high) for step, low, high in
          [("early", 5, 6), ("late", 50, 60), ("never", 90, inf), ("unclear", 50, 60)]),
        *(("other", step, low, high) for step, low, high in
          [("early", 40, 41), ("late", 40, 41), ("never", 40, 41), ("unclear", 55, 58)]),
        ("short", "late", 1, 2),  # slower than this one by the 30th hour already
    )  # fmt: skip
    pairs = latencies.comparisons(delays, "kursk")
    found = latencies.decided_since(pairs, 30.0)
    assert found[["step", "episode"]].to_numpy().tolist() == [["late", "other"]]
    assert latencies.decided_since(pairs, 51.0).empty


@PROPERTY
@given(st.lists(DELAY, min_size=2, max_size=6), HOURS)
def test_decided_since_is_what_was_open_by_the_time_watched_and_is_not_any_more(delays, watched):
    pairs = latencies.comparisons(one_step(*delays), "e0")
    found = latencies.decided_since(pairs, watched)
    came_later = delays[0][0] >= watched
    expected = [
        f"e{i}"
        for i, other in enumerate(delays)
        if i and came_later and isnan(latencies.slower((watched, inf), other))
        if not isnan(latencies.slower(delays[0], other))
    ]
    assert found["episode"].tolist() == expected


# -- ranks ---------------------------------------------------------------------------------------


def test_rank_bounds_by_hand():
    rows = one_step((1, 2), (2, 5), (4, 9), (8, inf))
    found = latencies.rank_bounds(pd.concat([rows, table(("e0", "deed", 3, 3))]))
    assert found["best"].tolist() == [1, 1, 2, 3, 1]
    assert found["worst"].tolist() == [2, 3, 4, 4, 1]
    assert found["ranked"].tolist() == [4, 4, 4, 4, 1]


def test_no_delays_have_no_ranks():
    assert latencies.rank_bounds(table()).empty


@PROPERTY
@given(st.lists(st.integers(0, 8), min_size=1, max_size=8))
def test_for_points_ranks_are_those_of_scipy(hours):
    found = latencies.rank_bounds(one_step(*((float(h), float(h)) for h in hours)))
    assert found["best"].tolist() == rankdata(hours, method="min").tolist()
    assert found["worst"].tolist() == rankdata(hours, method="max").tolist()


@PROPERTY
@given(st.lists(DELAY, min_size=1, max_size=6), st.data())
def test_ranks_within_the_bounds_are_ranks_of_delays_within_theirs(delays, data):
    found = latencies.rank_bounds(one_step(*delays))
    drawn = np.array([data.draw(st.floats(low, high)) for low, high in delays])
    assert (found["best"].to_numpy() <= rankdata(drawn, method="min")).all()
    assert (found["worst"].to_numpy() >= rankdata(drawn, method="max")).all()
    for place, (low, high) in enumerate(delays):  # the bounds are reached
        fastest = [end for _, end in delays]
        fastest[place] = low
        slowest = [start for start, _ in delays]
        slowest[place] = high
        assert rankdata(fastest, method="min")[place] == found["best"].iloc[place]
        assert rankdata(slowest, method="max")[place] == found["worst"].iloc[place]
