"""Poll waves: hand-worked cases, what must not matter, and what statsmodels and numpy say."""

from math import hypot, isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import tost_proportions_2indep

from kursk_claims.analysis.intervals import wave_difference_margin
from kursk_claims.analysis.waves import (
    UNKNOWN,
    Estimate,
    Wave,
    after,
    before,
    change,
    equivalent,
    mean_day,
    mean_of_questions,
    mean_of_waves,
    series,
    sides,
    trend,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
BREAK = pd.Timestamp("2024-08-06")
Z = 1.959963984540054
SHARE = st.floats(1, 99)
ESTIMATE = st.builds(Estimate, st.floats(-50, 50), st.floats(0.1, 10))


def wave(day: str, share: float, n: float = 1600, start: str = "") -> Wave:
    """A wave; its name is its day."""
    return Wave(day, pd.Timestamp(start or day), pd.Timestamp(day), share, n)


def monthly(*shares: float, n: float = 1600) -> list[Wave]:
    """One wave every thirty days from 1 January 2024."""
    days = pd.date_range("2024-01-01", periods=len(shares), freq="30D").strftime("%Y-%m-%d")
    return [wave(day, share, n) for day, share in zip(days, shares, strict=True)]


def names(found: tuple[list[Wave], list[Wave]]) -> tuple[list[str], list[str]]:
    first, second = found
    return [w.row_id for w in first], [w.row_id for w in second]


LISTS = st.lists(SHARE, min_size=3, max_size=9).map(lambda shares: monthly(*shares))


# -- estimates -----------------------------------------------------------------------------------


def test_a_difference_by_hand():
    # errors 3 and 4 make 5; 95% reaches 1.96 * 5 = 9.8 either way
    change = Estimate(50, 3) - Estimate(40, 4)
    assert (change.value, change.error) == (10, 5)
    assert change.interval() == pytest.approx((10 - 9.8, 10 + 9.8), abs=1e-3)
    assert -change == Estimate(-10, 5)


@PROPERTY
@given(SHARE, SHARE, st.integers(100, 5000), st.sampled_from([1.0, 1.5, 2.0]))
def test_a_difference_of_two_waves_has_the_published_margin(first, second, n, deff):
    then, now = (mean_of_waves([wave("2024-01-01", s, n)], deff) for s in (first, second))
    low, high = (now - then).interval()
    margin = wave_difference_margin(first, second, n=n, design_effect=deff, z=Z)
    assert (high - low) / 2 == pytest.approx(float(margin))
    assert (high + low) / 2 == pytest.approx(second - first, abs=1e-9)


def test_waves_of_different_size_by_hand():
    # 50 * 50 / 2500 = 1 and 80 * 20 / 400 = 4: together sqrt(5)
    then, now = mean_of_waves(monthly(50, n=2500), 1.0), mean_of_waves(monthly(80, n=400), 1.0)
    assert (now - then).error == pytest.approx(sqrt(5))


@PROPERTY
@given(ESTIMATE, st.floats(0.5, 0.98))
def test_more_certainty_takes_a_wider_interval(estimate, level):
    low, high = estimate.interval(level)
    wide_low, wide_high = estimate.interval(level + 0.01)
    assert wide_low < low < estimate.value < high < wide_high


# -- from a table --------------------------------------------------------------------------------


def table(**columns) -> pd.DataFrame:
    """Reports of one question; each column may be given, days as text."""
    size = len(next(iter(columns.values())))
    usual = {
        "row_id": [f"r{i}" for i in range(size)],
        "fieldwork_start": [None] * size,
        "observed_on": ["2024-07-31"] * size,
        "published_on": ["2024-08-02"] * size,
        "reading": [1] * size,
        "value_pct": [50.0] * size,
        "n_respondents": [None] * size,
    }
    frame = pd.DataFrame({**usual, **columns})
    days = ["fieldwork_start", "observed_on", "published_on"]
    frame = frame.assign(**{day: pd.to_datetime(frame[day]) for day in days})
    return frame.astype({"n_respondents": "Int64"})


def test_waves_of_a_table_in_the_order_of_days():
    rows = table(
        observed_on=["2024-08-28", "2024-07-31"],
        value_pct=[60.0, 50.0],
        n_respondents=[1619, None],
        fieldwork_start=["2024-08-22", None],
    )  # fmt: skip
    old, new = series(rows, respondents=1600)
    assert (old.row_id, old.share_pct, old.n) == ("r1", 50.0, 1600)
    assert old.start == old.day == pd.Timestamp("2024-07-31")  # start unknown: the last day
    assert (new.start, new.n) == (pd.Timestamp("2024-08-22"), 1619)


def test_of_several_readings_of_a_wave_one_counts():
    def chosen(**columns) -> str:
        (one,) = series(table(**columns), respondents=1600)
        return one.row_id

    assert chosen(reading=[2, 1], published_on=["2024-08-02", "2024-09-02"]) == "r1"
    assert chosen(published_on=["2024-09-02", "2024-08-02"]) == "r1"
    assert chosen(row_id=["b", "a"]) == "a"


def test_no_rows_are_no_waves():
    assert series(table(value_pct=[1.0]).iloc[:0], respondents=1600) == []


@PROPERTY
@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order):
    rows = table(
        observed_on=["2024-05-31", "2024-05-31", "2024-06-30", "2024-06-30", "2024-07-31"],
        reading=[2, 1, 1, 1, 2], value_pct=[1.0, 2.0, 3.0, 4.0, 5.0],
    )  # fmt: skip
    found = series(rows.iloc[list(order)], respondents=1600)
    assert [w.row_id for w in found] == ["r1", "r2", "r4"]


# -- sides of a day ------------------------------------------------------------------------------


def test_sides_by_hand():
    waves = [
        wave("2023-08-05", 1), wave("2023-08-06", 2), wave("2024-07-31", 3),
        wave("2024-08-11", 4, start="2024-08-05"), wave("2024-08-28", 5, start="2024-08-06"),
        wave("2025-08-05", 6), wave("2025-08-06", 7),
    ]  # fmt: skip
    assert names(sides(waves, BREAK)) == (["2024-07-31"], ["2024-08-28"])
    year = (["2023-08-06", "2024-07-31"], ["2024-08-28", "2025-08-05"])
    assert names(sides(waves, BREAK, months=12)) == year


def test_a_wave_on_the_day_is_after_it_and_a_side_may_be_empty():
    assert names(sides([wave("2024-08-06", 1)], BREAK)) == ([], ["2024-08-06"])
    assert names(sides([], BREAK, months=12)) == ([], [])


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 20)), max_size=12))
def test_no_wave_stands_on_both_sides(spans):
    first = pd.Timestamp("2023-06-01")
    waves = [
        Wave(str(i), first + pd.Timedelta(days=d), first + pd.Timedelta(days=d + length), 50, 1600)
        for i, (d, length) in enumerate(sorted(spans))
    ]
    waves.sort(key=lambda w: w.day)
    early, late = before(waves, BREAK), after(waves, BREAK)
    assert not {w.row_id for w in early} & {w.row_id for w in late}
    across = [w for w in waves if w.start < BREAK <= w.day]
    assert len(early) + len(late) + len(across) == len(waves)
    near, span = sides(waves, BREAK), sides(waves, BREAK, months=12)
    for one, several, all_of in zip(near, span, (early, late), strict=True):
        assert {w.row_id for w in several} <= {w.row_id for w in all_of}
        assert len(one) == min(len(all_of), 1)
        if several:
            assert one[0] in several


# -- mean of waves -------------------------------------------------------------------------------


def test_mean_of_waves_by_hand():
    # variances 2 * 2500 / 1600 = 3.125 each: sqrt(6.25) / 2 = 1.25
    found = mean_of_waves(monthly(50, 50), 2.0)
    assert found.value == 50
    assert found.error == pytest.approx(1.25)
    assert mean_of_waves(monthly(40, 60), 1.0).value == 50


def test_nothing_is_not_known():
    for found in (mean_of_waves([], 1.0), mean_of_questions([]), UNKNOWN):
        assert isnan(found.value)
        assert isnan(found.error)
    assert isnan(mean_day([]))


@PROPERTY
@given(LISTS, st.floats(1, 4))
def test_a_mean_lies_among_its_waves_and_its_error_grows_with_the_design(waves, deff):
    shares = [w.share_pct for w in waves]
    plain, designed = mean_of_waves(waves, 1.0), mean_of_waves(waves, deff)
    assert min(shares) - 1e-9 <= plain.value <= max(shares) + 1e-9
    assert designed.error == pytest.approx(sqrt(deff) * plain.error)
    twice = mean_of_waves([*waves, *waves], 1.0)
    assert twice.error == pytest.approx(plain.error / sqrt(2))


# -- trend ---------------------------------------------------------------------------------------


def test_a_straight_series_is_carried_on():
    waves = monthly(40, 43, 46, 49)  # three points every thirty days
    for steps in (3, 4, 10):
        day = waves[0].day.toordinal() + 30 * steps
        assert trend(waves, day, 1.5).value == pytest.approx(40 + 3 * steps)


def test_trend_of_three_equal_waves_by_hand():
    # Variance 1 each at -30, 0, 30 days: line at day d has 1 / 3 + d^2 / 1800.
    waves = monthly(50, 50, 50, n=2500)
    middle = waves[1].day.toordinal()
    for d in (0, 30, 300):
        found = trend(waves, middle + d, 1.0)
        assert found.value == pytest.approx(50)
        assert found.error == pytest.approx(sqrt(1 / 3 + d**2 / 1800))


def test_scatter_beyond_sampling_widens_the_trend():
    # 50, 62, 50 about their line (54): -4, 8, -4; variances near 1, so chi2 / 1 is near 96.
    calm, wild = monthly(54, 54, 54, n=2500), monthly(50, 62, 50, n=2500)
    day = calm[1].day.toordinal()
    assert trend(wild, day, 1.0).value == pytest.approx(54, abs=0.2)
    assert trend(wild, day, 1.0).error > 10 * trend(calm, day, 1.0).error


@pytest.mark.parametrize("waves", [[], monthly(50), monthly(50, 60), monthly(50, 60, 100)])
def test_too_little_for_a_trend(waves):
    """Two waves always lie on a line; a share of 100 would weigh without end."""
    assert isnan(trend(waves, 738_000, 1.0).value)
    assert isnan(trend(waves, 738_000, 1.0).error)


@PROPERTY
@given(LISTS, st.integers(0, 400), st.sampled_from([1.0, 2.0]))
def test_trend_agrees_with_statsmodels(waves, ahead, deff):
    day = waves[-1].day.toordinal() + ahead
    found = trend(waves, day, deff)
    variance = np.array([deff * w.share_pct * (100 - w.share_pct) / w.n for w in waves])
    x = sm.add_constant(np.array([float(w.day.toordinal() - day) for w in waves]))
    fit = sm.WLS([w.share_pct for w in waves], x, weights=1 / variance).fit()
    assert found.value == pytest.approx(fit.params[0], abs=1e-6)
    scale = max(fit.scale, 1.0)  # statsmodels scales down too; Birge's ratio does not
    line = scale * fit.normalized_cov_params[0, 0]
    further = scale * variance.mean()  # its sampling error is added by the difference, not here
    assert found.error**2 + variance.mean() == pytest.approx(line + further)


@PROPERTY
@given(LISTS, st.data())
def test_trend_does_not_depend_on_the_order_of_waves(waves, data):
    day = waves[-1].day.toordinal() + 60
    mixed = trend(data.draw(st.permutations(waves)), day, 1.5)
    assert mixed.value == pytest.approx(trend(waves, day, 1.5).value)
    assert mixed.error == pytest.approx(trend(waves, day, 1.5).error)


@PROPERTY
@given(LISTS, st.integers(1, 300), st.integers(1, 300))
def test_the_farther_the_less_sure(waves, near, more):
    last = waves[-1].day.toordinal()
    assert trend(waves, last + near, 1.0).error < trend(waves, last + near + more, 1.0).error


# -- change at a day ------------------------------------------------------------------------------


def test_change_by_hand():
    waves = [
        wave("2024-01-01", 40), wave("2024-03-31", 43), wave("2024-06-29", 46),
        wave("2024-09-27", 52), wave("2024-12-26", 56),
    ]  # fmt: skip
    deff = {"design_effect": 1.5}
    assert change(waves, BREAK, **deff).value == 52 - 46
    assert change(waves, BREAK, months=12, **deff).value == pytest.approx(54 - 43)
    # three points every ninety days: the line says 49 and 52, on average 50.5
    assert change(waves, BREAK, linear=True, **deff).value == pytest.approx(52 - 49)
    assert change(waves, BREAK, months=12, linear=True, **deff).value == pytest.approx(54 - 50.5)


@pytest.mark.parametrize("linear", [False, True])
def test_a_change_needs_a_wave_on_both_sides(linear):
    waves = [*monthly(50, 50, 50), wave("2026-01-01", 60)]
    for some, months in ((waves[:3], None), (waves[3:], None), (waves, 12), ([], None)):
        assert isnan(change(some, BREAK, months=months, linear=linear, design_effect=1.0).value)
    assert change(waves, BREAK, linear=linear, design_effect=1.0).value == pytest.approx(10)


def test_a_line_that_cannot_be_drawn_is_not_replaced_by_the_wave_before():
    waves = [*monthly(50, 50), wave("2024-09-01", 60)]
    assert isnan(change(waves, BREAK, linear=True, design_effect=1.0).value)


@PROPERTY
@given(SHARE, st.integers(3, 9), st.sampled_from([1.0, 2.0]))
def test_a_line_carried_on_is_less_sure_than_the_mean_of_its_waves(share, size, deff):
    waves = [*monthly(*[share] * size), wave("2025-06-01", share)]
    waves = [w for w in waves if w.day < BREAK or w.day.year == 2025]
    lined = change(waves, BREAK, linear=True, design_effect=deff)
    pooled = change(waves, BREAK, months=24, design_effect=deff)
    assert lined.error > pooled.error
    assert lined.value == pytest.approx(pooled.value, abs=1e-6)


# -- mean of questions ---------------------------------------------------------------------------


def test_mean_of_questions_by_hand():
    assert mean_of_questions([Estimate(4, 1), Estimate(-2, 3)]) == Estimate(1, 2)
    assert mean_of_questions([Estimate(4, 1)]) == Estimate(4, 1)


@PROPERTY
@given(st.lists(ESTIMATE, min_size=1, max_size=8), st.data())
def test_the_error_of_a_mean_is_the_largest_that_any_correlation_allows(changes, data):
    found = mean_of_questions(changes)
    errors = np.array([c.error for c in changes])
    pairs = data.draw(st.floats(0, 1))  # one correlation between all
    correlation = np.full((len(errors), len(errors)), pairs)
    np.fill_diagonal(correlation, 1.0)
    error = sqrt(errors @ correlation @ errors) / len(errors)
    assert error <= found.error + 1e-9
    assert hypot(*errors) / len(errors) <= found.error + 1e-9
    mixed = mean_of_questions(data.draw(st.permutations(changes)))
    assert (mixed.value, mixed.error) == pytest.approx((found.value, found.error))


# -- equivalence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "error", "margin", "none"),
    [
        (0.0, 1.0, 1.645, True),  # the 90% interval is 1.6449 either way
        (0.0, 1.0, 1.644, False),
        (1.0, 1.0, 2.6, False),
        (1.0, 1.0, 2.7, True),
        (-1.0, 1.0, 2.7, True),
        (4.0, 0.1, 3.0, False),  # surely more than the margin
        (3.0, 0.0, 3.0, False),  # the margin itself is not smaller than the margin
        (-3.0, 0.0, 3.0, False),
        (nan, nan, 3.0, False),  # not known is not none
    ],
)
def test_equivalence_by_hand(value, error, margin, none):
    assert equivalent(Estimate(value, error), margin) is none


@PROPERTY
@given(ESTIMATE, st.floats(0.1, 20), st.floats(0.1, 5))
def test_equivalence_is_kept_by_a_wider_margin_and_does_not_know_directions(change, margin, more):
    found = equivalent(change, margin)
    assert equivalent(-change, margin) is found
    assert equivalent(change, margin + more) or not found
    assert not found or abs(change.value) < margin


@PROPERTY
@given(st.integers(200, 800), st.integers(-100, 100), st.sampled_from([2.0, 3.0, 5.0]))
def test_equivalence_agrees_with_statsmodels(count, shift, margin):
    n = 1000
    then, now = wave("2024-07-31", count / 10, n), wave("2024-08-28", (count + shift) / 10, n)
    change = mean_of_waves([now], 1.0) - mean_of_waves([then], 1.0)
    counts, bounds = (count + shift, n, count, n), (-margin / 100, margin / 100)
    p = tost_proportions_2indep(*counts, *bounds, method="wald").pvalue
    if abs(p - 0.05) > 1e-6:
        assert equivalent(change, margin) is bool(p < 0.05)
