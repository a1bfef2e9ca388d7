"""How series grow, when a state ends for good, and what can be said when it has not ended."""

from math import isnan, nan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.analysis.series import (
    Duration,
    below_after_peak,
    duration,
    first_lasting_day,
    growth_bounds,
    growth_pct_a_day,
    monthly_change_a_day,
    monthly_totals,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
START = pd.Timestamp("2024-08-06")


def by_day(values, dtype=None) -> pd.Series:
    return pd.Series(list(values), index=pd.date_range(START, periods=len(values)), dtype=dtype)


def day(number: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=number)


# -- lasting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holds", "days", "found"),
    [
        ("0110111", 1, 1),
        ("0110111", 2, 1),
        ("0110111", 3, 4),  # the run at the end is just long enough
        ("0110111", 4, None),
        ("1111", 4, 0),
        ("1111", 5, None),  # longer than the series
        ("0000", 1, None),
        ("", 1, None),
        ("1", 1, 0),
    ],
)
def test_first_lasting_day_by_hand(holds, days, found):
    series = by_day([sign == "1" for sign in holds], dtype="bool")
    assert first_lasting_day(series, days) == (None if found is None else day(found))


@PROPERTY
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 15))
def test_first_lasting_day_as_by_search(holds, days):
    starts = (i for i in range(len(holds) - days + 1) if all(holds[i : i + days]))
    first = next(starts, None)
    expected = None if first is None else day(first)
    assert first_lasting_day(by_day(holds, dtype="bool"), days) == expected


# -- below after the peak ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "threshold", "days", "found"),
    [
        ([0, 5, 10, 8, 4, 3], 5, 1, 4),  # the low days before the peak do not count
        ([0, 5, 10, 8, 4, 3], 5, 2, 4),
        ([0, 5, 10, 8, 4, 3], 5, 3, None),
        ([0, 10, 1, 10, 2], 5, 1, 4),  # two peaks: after the last day of them
        ([0, 10, 5, 5], 5, 1, None),  # the fall must be strict
        ([10, 4, 6, 4, 4], 5, 2, 3),  # it must stay below
        ([1, 2, 3], 5, 1, None),  # the peak is the last day, below the limit as it is
        ([7, 7], 9, 1, None),
        ([10, nan, 4], 5, 1, 2),  # a day that is not known is not below
        ([3], 5, 1, None),
        ([], 5, 1, None),
    ],
)
def test_below_after_peak_by_hand(values, threshold, days, found):
    series = by_day(values, dtype="float64")
    expected = None if found is None else day(found)
    assert below_after_peak(series, threshold, days) == expected


@PROPERTY
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 9), st.integers(1, 5))
def test_below_after_peak_is_after_it_stays_below_and_comes_later_for_a_lower_limit(
    values, threshold, days
):
    series = by_day(values, dtype="float64")
    found = below_after_peak(series, threshold, days)
    lower = below_after_peak(series, threshold - 1, days)
    if found is None:
        assert lower is None
        return
    assert found > series[series == series.max()].index[-1]
    stretch = series[found : found + pd.Timedelta(days=days - 1)]
    assert len(stretch) == days
    assert (stretch < threshold).all()
    assert lower is None or lower >= found


# -- durations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "watched", "expected"),
    [
        (10, 50, Duration(10, True)),
        (None, 50, Duration(50, False)),
        (0, 50, Duration(0, True)),
        (None, 0, Duration(0, False)),
        (None, -5, Duration(0, False)),  # watched before it began
        (-5, 50, Duration(0, True)),
    ],
)
def test_duration_by_hand(end, watched, expected):
    assert duration(START, None if end is None else day(end), day(watched)) == expected


@pytest.mark.parametrize(
    ("days", "ended", "met"),
    [(121, True, 0.0), (122, True, 1.0), (121, False, nan), (122, False, 1.0), (0, False, nan)],
)
def test_four_months_are_met_missed_or_too_early_to_tell(days, ended, met):
    # 4 * 365.25 / 12 = 121.75 days
    found = Duration(days, ended).at_least(4 * 365.25 / 12)
    assert found == met or (isnan(found) and isnan(met))


def test_a_limit_reached_on_the_day_counts():
    assert Duration(100, True).at_least(100) == 1.0


@PROPERTY
@given(st.integers(0, 900), st.integers(0, 900), st.floats(0, 900))
def test_what_is_known_of_an_open_end_stays_true_when_the_end_comes(watched, more, limit):
    now = duration(START, None, day(watched)).at_least(limit)
    later = duration(START, day(watched + more), day(watched + more)).at_least(limit)
    assert later in (0.0, 1.0)
    assert isnan(now) or now == later


# -- growth --------------------------------------------------------------------------------------

LEVEL = st.floats(0.1, 1e4)


@pytest.mark.parametrize(
    ("start", "end", "days", "growth"),
    [
        (80.0, 100.0, 10, 2.0),
        (0.0, 827.0, 10, 10.0),  # from nothing, whatever the end
        (0.0, 1.0, 10, 10.0),
        (100.0, 50.0, 10, -10.0),
        (50.0, 50.0, 7, 0.0),
    ],
)
def test_growth_by_hand(start, end, days, growth):
    assert growth_pct_a_day(start, end, days) == pytest.approx(growth)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.0), (10.0, 0.0), (nan, 5.0), (5.0, nan)])
def test_growth_is_not_known_of_nothing_or_of_what_is_not_known(start, end):
    assert isnan(growth_pct_a_day(start, end, 7))


@PROPERTY
@given(LEVEL, LEVEL, st.integers(1, 30), st.floats(0.01, 100))
def test_growth_has_a_ceiling_and_no_unit(start, end, days, factor):
    growth = growth_pct_a_day(start, end, days)
    assert growth <= 100 / days
    assert growth_pct_a_day(factor * start, factor * end, days) == pytest.approx(growth)


@PROPERTY
@given(
    st.lists(LEVEL, min_size=2, max_size=2).map(sorted),
    st.lists(LEVEL, min_size=2, max_size=2).map(sorted),
    st.floats(0, 1), st.floats(0, 1), st.integers(1, 30),
)  # fmt: skip
def test_growth_lies_within_its_bounds_and_reaches_them(start, end, first, last, days):
    low, high = growth_bounds(tuple(start), tuple(end), days)
    inside = (
        start[0] + first * (start[1] - start[0]),
        end[0] + last * (end[1] - end[0]),
    )
    assert low - 1e-6 <= growth_pct_a_day(*inside, days) <= high + 1e-6
    corners = [growth_pct_a_day(a, b, days) for a in start for b in end]
    assert (low, high) == (min(corners), max(corners))


# -- months --------------------------------------------------------------------------------------


def test_monthly_change_by_hand():
    levels = pd.Series(
        [100.0, 131.0, 145.0, 145.0, 300.0],
        index=pd.to_datetime(
            ["2023-12-31", "2024-01-31", "2024-02-28", "2024-03-01", "2024-03-30"]
        ),
    )
    change = monthly_change_a_day(levels)  # 29 February keeps the level of the 28th; March is open
    assert change.index.strftime("%Y-%m-%d").tolist() == ["2024-01-31", "2024-02-29"]
    assert change.tolist() == pytest.approx([1.0, 14 / 29])


def test_a_month_needs_the_last_day_of_the_month_before():
    levels = pd.Series(range(61), index=pd.date_range("2024-01-01", periods=61), dtype="float64")
    assert monthly_change_a_day(levels).index.tolist() == [pd.Timestamp("2024-02-29")]


@PROPERTY
@given(st.floats(-5, 5), st.integers(60, 400), st.integers(0, 40))
def test_a_steady_change_is_the_same_in_every_month(rate, days, shift):
    index = pd.date_range(pd.Timestamp("2024-01-01") + pd.Timedelta(days=shift), periods=days)
    change = monthly_change_a_day(pd.Series([rate * n for n in range(days)], index=index))
    assert change.to_numpy() == pytest.approx(rate, abs=1e-9)


def test_weeks_are_spread_over_their_days():
    sundays = pd.to_datetime(["2024-02-04", "2024-02-18", "2024-03-03", "2024-03-10"])
    months = monthly_totals(pd.Series([14, 7, 70, 7], index=sundays))  # none from the 5th to 11th
    # Four days of the first week lie in February, and four of that from 26 February to 3 March.
    assert months.index.tolist() == [pd.Timestamp("2024-02-29")]
    assert months.tolist() == pytest.approx([4 * 14 / 7 + 7 + 4 * 70 / 7])
    assert monthly_totals(pd.Series(1, sundays, name="people")).name == "people"


@PROPERTY
@given(st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_whole_months_of_weeks_never_hold_more_than_all_weeks(weekly):
    index = pd.date_range("2024-01-07", periods=len(weekly), freq="7D")
    months = monthly_totals(pd.Series(weekly, index=index))
    assert months.sum() <= sum(weekly) + 1e-6
    steady = monthly_totals(pd.Series([7] * len(weekly), index=index))
    assert steady.to_numpy() == pytest.approx(steady.index.days_in_month)


@pytest.mark.parametrize("function", [monthly_change_a_day, monthly_totals])
def test_months_of_nothing_are_none(function):
    assert function(pd.Series(dtype="float64", index=pd.DatetimeIndex([]))).empty
    assert function(pd.Series(dtype="float64")).empty  # no days, so none of their type either
