"""Ratios of counts and values before and after a date."""

from math import exp, inf, isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import test_poisson_2indep as poisson_test

from kursk_claims.analysis import rates

PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)
BREAK = pd.Timestamp("2024-08-06")
COUNT = st.integers(0, 60)
EXPOSURE = st.floats(0.5, 12)
DAYS = st.lists(st.integers(-400, 400), max_size=40).map(
    lambda numbers: BREAK + pd.to_timedelta(pd.Series(numbers, dtype="int64"), unit="D")
)
VALUES = st.lists(st.floats(0.1, 50), min_size=2, max_size=8)


def after_break(*days: int) -> pd.Series:
    return BREAK + pd.to_timedelta(pd.Series(days), unit="D")


# -- months around a day -------------------------------------------------------------------------


def test_months_by_hand():
    days = pd.to_datetime(["2024-06-05", "2024-06-06", "2024-07-05", "2024-07-06", "2024-08-05"])
    later = pd.to_datetime(["2024-08-06", "2024-09-05", "2024-09-06", "2024-10-05", "2024-10-06"])
    before, after = rates.per_month(days.append(later), BREAK, 2)
    assert list(before) == [2, 2]  # the first day is outside, 6 July opens the second month
    assert list(after) == [2, 2]  # the break opens the first month, 6 October is outside


def test_months_can_be_weighted():
    before, after = rates.per_month(after_break(-1, 0, 1, 40), BREAK, 2, values=[5, 1, 2, 7])
    assert (list(before), list(after)) == ([0, 5], [3, 7])


def test_months_without_anything():
    before, after = rates.per_month(pd.Series([], dtype="datetime64[ns]"), BREAK, 3)
    assert (list(before), list(after)) == ([0, 0, 0], [0, 0, 0])
    assert rates.per_month([], BREAK, 1)[1].tolist() == [0]


@PROPERTY
@given(DAYS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_months_hold_every_day_of_the_window_once_in_any_order(days, months, random):
    first, last = (BREAK + pd.DateOffset(months=k) for k in (-months, months))
    before, after = rates.per_month(days, BREAK, months)
    assert before.sum() == ((days >= first) & (days < BREAK)).sum()
    assert after.sum() == ((days >= BREAK) & (days < last)).sum()
    mixed = days.sample(frac=1, random_state=random.randrange(2**32))
    for side, again in zip((before, after), rates.per_month(mixed, BREAK, months), strict=True):
        assert list(side) == list(again)


@pytest.mark.parametrize(
    ("break_on", "first"),
    [
        ("2024-08-06", 8), ("2024-08-21", 9), ("2024-08-16", 8), ("2024-08-17", 9),
        ("2024-06-16", 6), ("2024-06-17", 7), ("2024-03-01", 3),
    ],
)  # fmt: skip
def test_the_month_of_the_break_goes_where_most_of_its_days_lie(break_on, first):
    index = pd.period_range("2024-01", "2024-12", freq="M")
    monthly = pd.Series(index.month.astype("float64"), index)
    before, after = rates.months_around(monthly, pd.Timestamp(break_on), 2)
    assert (list(before), list(after)) == ([first - 2, first - 1], [first, first + 1])


def test_a_short_february_is_halved_as_well():
    monthly = pd.Series(1.0, pd.period_range("2023-01", "2023-04", freq="M")).cumsum()
    for day, first in (("2023-02-15", 2), ("2023-02-16", 3)):
        assert rates.months_around(monthly, pd.Timestamp(day), 1)[1] == [first]


def test_a_month_without_a_value_is_not_known():
    monthly = pd.Series([1.0], pd.PeriodIndex(["2024-09"], freq="M"))
    before, after = rates.months_around(monthly, BREAK, 2)
    assert np.isnan(before).all() and isnan(after[0]) and after[1] == 1


# -- counts --------------------------------------------------------------------------------------


def test_poisson_ratio_by_hand():
    # 0 of 5 after: Clopper-Pearson reaches to p = 1 - 0.025 ** (1 / 5), the ratio to p / (1 - p)
    p = 1 - 0.025 ** (1 / 5)
    found = rates.poisson_ratio(5, 0)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(p / (1 - p))
    p = 1 - 0.05 ** (1 / 5)
    assert rates.poisson_ratio(5, 0, level=0.9).high == pytest.approx(p / (1 - p))


def test_poisson_ratio_without_counts():
    assert isnan(rates.poisson_ratio(0, 0).value)
    found = rates.poisson_ratio(0, 5)
    assert (found.value, found.high) == (inf, inf)
    assert found.low == pytest.approx(0.025 ** (1 / 5) / (1 - 0.025 ** (1 / 5)))


@PROPERTY
@given(COUNT, COUNT, EXPOSURE, EXPOSURE)
def test_the_ends_of_the_poisson_ratio_are_where_statsmodels_rejects(before, after, e0, e1):
    assume(before and after)
    found = rates.poisson_ratio(before, after, e0, e1)
    assert found.value == pytest.approx((after / e1) / (before / e0))
    for end, side in ((found.low, "larger"), (found.high, "smaller")):
        test = poisson_test(
            after, e1, before, e0, value=end, method="exact-cond", compare="ratio", alternative=side
        )
        assert test.pvalue == pytest.approx(0.025, abs=1e-6)


@PROPERTY
@given(COUNT, COUNT, EXPOSURE, EXPOSURE)
def test_turning_time_round_turns_the_poisson_ratio_over(before, after, e0, e1):
    assume(before and after)
    there, back = (
        rates.poisson_ratio(before, after, e0, e1),
        rates.poisson_ratio(after, before, e1, e0),
    )
    ends = (1 / back.value, 1 / back.high, 1 / back.low)
    assert (there.value, there.low, there.high) == pytest.approx(ends)


def test_dispersion_by_hand():
    # means 10, squares 81 + 81 a side; 324 / (10 + 100 a) = 2 degrees of freedom: a = 1.52
    assert rates.dispersion([1, 19], [1, 19]) == pytest.approx(1.52)
    # one count after: no spread of its own; 162 / (10 + 100 a) = 1 degree of freedom
    assert rates.dispersion([1, 19], [10]) == pytest.approx(1.52)
    # squares 49 + 49 a side: 196 / (10 + 100 a) = 2
    assert rates.dispersion([3, 17], [3, 17]) == pytest.approx(0.88)


def test_dispersion_of_rare_counts_by_hand():
    # means 0.6, squares 9 * 0.36 + 29.16 = 32.4 a side; 64.8 / (0.6 + 0.36 a) = 18: a = 25 / 3
    rare = [0] * 9 + [6]
    assert rates.dispersion(rare, rare) == pytest.approx(25 / 3)


def test_dispersion_of_even_counts_of_small_spread_and_of_nothing_is_none():
    assert rates.dispersion([4, 4, 4], [2, 2, 2]) == 0
    assert rates.dispersion([3, 5, 4], [1, 3, 2]) == 0  # within chance
    assert rates.dispersion([1, 19], [0, 0]) == 0
    assert rates.dispersion([1], [19]) == 0


def test_even_counts_get_the_exact_poisson_ratio():
    found = rates.count_ratio([2, 3, 3], [1, 2, 1])
    assert found == rates.poisson_ratio(8, 4)
    assert rates.count_ratio([2, 3, 3], [1, 2]) == rates.poisson_ratio(8, 3, 3, 2)


def test_the_level_holds_for_the_interval_and_for_the_test_of_dispersion():
    assert rates.count_ratio([2, 3, 3], [1, 2, 1], 0.9) == rates.poisson_ratio(8, 4, level=0.9)
    # squares 72 and 8 about means of 10: chi-squared 8 with 4 degrees of freedom, p = 0.092
    sides = ([4, 10, 16], [8, 10, 12])
    assert rates.count_ratio(*sides).method == "exact Poisson"
    assert rates.count_ratio(*sides, 0.9).method == "negative binomial"


@pytest.mark.parametrize(
    ("before", "after"), [([1, 19, 4], [1, 30, 2]), ([0, 25, 3, 9], [12, 0, 0, 40])]
)
def test_uneven_counts_get_the_negative_binomial_of_statsmodels(before, after):
    found = rates.count_ratio(before, after)
    family = sm.families.NegativeBinomial(alpha=rates.dispersion(before, after))
    x = sm.add_constant(np.repeat([0.0, 1.0], [len(before), len(after)]))
    fit = sm.GLM([*before, *after], x, family=family).fit(tol=1e-12)
    low, high = np.exp(fit.conf_int()[1])
    ends = (exp(fit.params[1]), low, high)
    assert (found.value, found.low, found.high) == pytest.approx(ends, rel=1e-6)
    assert fit.pearson_chi2 == pytest.approx(fit.df_resid, rel=1e-6)
    assert found.method == "negative binomial"
    exact = rates.poisson_ratio(sum(before), sum(after), len(before), len(after))
    assert found.low < exact.low and found.high > exact.high


# -- values --------------------------------------------------------------------------------------


def test_mean_ratio_by_hand():
    # means 2 and 1, variances 2 and 0.5, two values each: both parts are 1/4, so Welch gives 2
    found = rates.mean_ratio([1, 3], [0.5, 1.5])
    factor = exp(stats.t.ppf(0.975, 2) * sqrt(0.5))
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 / factor, 0.5 * factor))
    assert found.method == "log ratio of means"


def test_mean_ratio_agrees_with_welch_on_close_values():
    # where values spread little, the log of the ratio is the difference over the mean
    before, after = np.array([100.0, 101, 102, 100]), np.array([101.0, 102, 104])
    found = rates.mean_ratio(before, after)
    welch = stats.ttest_ind(after, before, equal_var=False).confidence_interval()
    ends = (1 + welch.low / before.mean(), 1 + welch.high / before.mean())
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-3)


def test_mean_ratio_where_an_end_is_missing():
    assert isnan(rates.mean_ratio([], [1, 2]).value)
    assert isnan(rates.mean_ratio([0, 0], [1, 2]).value)
    for before, after in (([1, nan], [1, 2]), ([1, 2], [nan, 1]), ([1, 2], [])):
        assert rates.mean_ratio(before, after) == rates.UNKNOWN
    single = rates.mean_ratio([2], [1])
    assert (single.value, single.method) == (0.5, "log ratio of means")
    assert isnan(single.low) and isnan(single.high)
    nothing = rates.mean_ratio([1, 2], [0, 0])
    assert nothing.value == 0 and isnan(nothing.high)
    assert rates.mean_ratio([2, 2], [1, 1]) == rates.Ratio(0.5, 0.5, 0.5, "log ratio of means")


@PROPERTY
@given(VALUES, VALUES, st.floats(0.01, 100))
def test_mean_ratio_knows_no_unit_and_turns_over(before, after, unit):
    assume(np.std(before) > 1e-3 and np.std(after) > 1e-3)
    found = rates.mean_ratio(before, after)
    scaled = rates.mean_ratio([unit * v for v in before], [unit * v for v in after])
    back = rates.mean_ratio(after, before)
    ends = (found.value, found.low, found.high)
    assert ends == pytest.approx((scaled.value, scaled.low, scaled.high))
    assert ends == pytest.approx((1 / back.value, 1 / back.high, 1 / back.low))
    assert found.low < found.value < found.high


# -- what a ratio says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "fell"),
    [
        (0.3, 0.9, 1.0), (0.3, 1.0, nan), (0.3, 1.4, nan), (0.8, 1.4, nan), (0.81, 1.4, 0.0),
        (1.2, inf, 0.0), (0.85, 0.95, 1.0), (nan, nan, nan),
    ],
)  # fmt: skip
def test_an_interval_decides_only_when_it_is_clear(low, high, fell):
    found = rates.Ratio(0.9, low, high).fell("interval", 0.8)
    assert found == fell or (isnan(found) and isnan(fell))


@pytest.mark.parametrize(("value", "fell"), [(0.99, 1.0), (1.0, 0.0), (inf, 0.0), (0.0, 1.0)])
def test_a_point_always_decides(value, fell):
    assert rates.Ratio(value, nan, nan).fell("point", 0.8) == fell
    assert isnan(rates.UNKNOWN.fell("point", 0.8))


def test_of_what_is_not_known_no_number_is_known():
    assert np.isnan([rates.UNKNOWN.value, rates.UNKNOWN.low, rates.UNKNOWN.high]).all()
    assert rates.UNKNOWN.method == ""


# -- other dates ---------------------------------------------------------------------------------


def test_other_dates_by_hand():
    # months back: 1 holds -20 and -10 after, -40 before; 2 would need to know what was before -40
    days = after_break(-40, -20, -10, 10, 20)
    none = rates.placebo_ratios(days, BREAK, 1)
    assert none.empty and none.dtype == "float64"
    found = rates.placebo_ratios(after_break(-100, -40, -20, -10, 10), BREAK, 1)
    assert list(found) == [2.0, inf]
    assert list(found.index) == [BREAK - pd.DateOffset(months=k) for k in (1, 2)]
    assert rates.placebo_ratios(days[:0], BREAK, 1).empty
    on_the_edge = pd.Series([BREAK - pd.DateOffset(months=2), BREAK - pd.Timedelta(days=10)])
    assert list(rates.placebo_ratios(on_the_edge, BREAK, 1)) == [1.0]


@PROPERTY
@given(DAYS, st.integers(1, 4))
def test_other_dates_do_not_look_beyond_the_break(days, months):
    found = rates.placebo_ratios(days, BREAK, months)
    pd.testing.assert_series_equal(found, rates.placebo_ratios(days[days < BREAK], BREAK, months))
    for day, ratio in found.items():
        before, after = rates.per_month(days, day, months)
        assert ratio == pytest.approx(after.sum() / before.sum() if before.sum() else inf)


# -- so far --------------------------------------------------------------------------------------


def test_a_window_that_has_passed_is_compared_month_by_month():
    days, today = after_break(-40, -20, -10, 10, 40), BREAK + pd.DateOffset(months=2)
    found = rates.count_ratio_at(days, BREAK, 2, today)
    assert found == rates.count_ratio([1, 2], [1, 1])


def test_a_window_that_has_not_passed_is_compared_by_its_time_so_far():
    days, month = after_break(-40, -20, -10, 10), 365.25 / 12
    found = rates.count_ratio_at(days, BREAK, 2, BREAK + pd.Timedelta(days=15))
    assert found == rates.poisson_ratio(3, 1, 2, 15 / month)
    assert found.value == pytest.approx((1 / (15 / month)) / (3 / 2))
    for today in (BREAK, BREAK - pd.Timedelta(days=9)):
        assert rates.count_ratio_at(days[:3], BREAK, 2, today) == rates.UNKNOWN


def test_break_date_p_by_hand():
    assert rates.break_date_p(0.5, [0.4, 0.5, 0.6, inf]) == 3 / 5
    assert rates.break_date_p(0.1, [0.4, 0.5]) == 1 / 3
    assert isnan(rates.break_date_p(0.1, [])) and isnan(rates.break_date_p(nan, [0.4]))


@PROPERTY
@given(st.lists(st.floats(0, 9), min_size=1), st.floats(0, 9), st.floats(0, 9))
def test_a_deeper_fall_is_never_less_rare(placebo, one, other):
    low, high = sorted((one, other))
    assert 0 < rates.break_date_p(low, placebo) <= rates.break_date_p(high, placebo) <= 1
