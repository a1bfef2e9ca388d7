"""Stated numbers, shares and waves as intervals."""

from itertools import pairwise
from math import inf, isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from kursk_claims.analysis.intervals import (
    familywise_z,
    is_more,
    last_digit_unit,
    round_sig,
    stated,
    to_outrun,
    wave_difference_margin,
    wave_variance,
    wilson,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)
BOUNDS = ("exact", "at_least", "at_most", "about")
PEOPLE = st.integers(0, 10**9)
SHARE = st.floats(0, 100)


# -- stated numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit"),
    [(121_000, 1000), (7015, 1), (120_000, 10_000), (10, 10), (9, 1), (0, 1), (-500, 100)],
)
def test_unit_of_the_last_significant_digit(value, unit):
    assert last_digit_unit(value) == unit


@pytest.mark.parametrize(
    ("bound", "interval"),
    [
        ("exact", (121_000, 121_000)),
        ("at_least", (121_000, 122_000)),
        ("at_most", (120_000, 121_000)),
        ("about", (120_500, 121_500)),
    ],
)
def test_121000_by_its_bound(bound, interval):
    assert stated(121_000, bound) == interval


def test_an_unknown_bound_is_an_error():
    with pytest.raises(ValueError, match="unknown bound: 'nearly'"):
        stated(121_000, "nearly")


@PROPERTY
@given(PEOPLE, st.sampled_from(BOUNDS))
def test_a_stated_interval_holds_the_number(value, bound):
    low, high = stated(value, bound)
    assert low <= value <= high
    assert high - low == (0 if bound == "exact" else last_digit_unit(value))


@PROPERTY
@given(st.integers(1, 99_999), st.sampled_from(BOUNDS[1:]), st.integers(1, 4))
def test_the_rounder_the_number_the_wider_its_interval(digits, bound, zeros):
    """The same leading digits, followed by more zeros."""
    low, high = stated(digits, bound)
    wide_low, wide_high = stated(digits * 10**zeros, bound)
    assert wide_high - wide_low == (high - low) * 10**zeros


# -- more ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "more"),
    [
        (59, 58, 1.0),
        (58, 58, 0.0),  # as many is not more
        ((315, 594), (19, 430), nan),
        ((315, 594), (19, 300), 1.0),
        ((315, 594), (594, inf), 0.0),
        ((315, inf), (19, inf), nan),
        (nan, 58, nan),
        ((nan, nan), (19, 430), nan),
        ((315, 594), 600, 0.0),
    ],
)
def test_is_more_by_hand(first, second, more):
    assert is_more(first, second) == more or (isnan(more) and isnan(is_more(first, second)))


NUMBERS = st.tuples(st.integers(-50, 50), st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1]))


@PROPERTY
@given(NUMBERS, NUMBERS, st.integers(0, 100), st.integers(0, 100))
def test_what_is_said_of_intervals_holds_for_every_number_within(first, second, one, other):
    a = first[0] + one * (first[1] - first[0]) / 100
    b = second[0] + other * (second[1] - second[0]) / 100
    said = is_more(first, second)
    assert isnan(said) or bool(said) == (a > b)
    assert said != 1 or is_more(second, first) == 0


VALUES = st.lists(st.integers(-20, 20), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("share", "value"), [(0.25, 10), (0.26, 20), (0.5, 20), (0.75, 30), (0.9, 40), (1.0, 40)]
)
def test_to_outrun_by_hand(share, value):
    assert to_outrun([40, 10, 30, 20], share) == value


@PROPERTY
@given(VALUES, st.floats(0.01, 1), st.integers(-25, 25))
def test_only_what_exceeds_it_outruns_the_share(values, share, mine):
    outrun = sum(value < mine for value in values) / len(values)
    assert (mine > to_outrun(values, share)) == (outrun >= share)


def test_nothing_cannot_be_outrun():
    assert isnan(to_outrun([], 0.9))


# -- a share -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_is_not_known():
    assert all(isnan(end) for end in wilson(0, 0))


@PROPERTY
@given(st.integers(1, 60), st.data())
def test_wilson_holds_the_share_and_mirrors_and_rises_with_it(trials, data):
    k = data.draw(st.integers(0, trials))
    low, high = wilson(k, trials)
    assert 0 <= low <= k / trials <= high <= 1
    assert wilson(trials - k, trials) == pytest.approx((1 - high, 1 - low))
    if k < trials:
        more_low, more_high = wilson(k + 1, trials)
        assert more_low > low
        assert more_high > high
    tight_low, tight_high = wilson(10 * k, 10 * trials)
    assert tight_high - tight_low < high - low
    wide_low, wide_high = wilson(k, trials, 0.99)
    assert wide_high - wide_low > high - low


# -- two waves -----------------------------------------------------------------------------------


def test_variance_of_a_wave_by_hand():
    # 2 * 50 * 50 / 1600 = 3.125 and 1 * 80 * 20 / 400 = 4 squared percentage points
    assert wave_variance(50.0, n=1600, design_effect=2.0) == 3.125
    found = wave_variance([80.0, 0.0, 130.0], n=[400, 400, 400], design_effect=1.0)
    assert found.tolist() == [4.0, 0.0, 0.0]
    # net 60 is 80 against 20: the difference of both shares moves twice as far as one
    assert wave_variance(60.0, n=400, design_effect=1.0, net=True) == 4 * 4.0


def test_margin_by_hand():
    # 2 * sqrt(2 * (50 * 50 + 50 * 50) / 1600) = 2 * sqrt(6.25) = 5 percentage points
    assert wave_difference_margin(50.0, 50.0, n=1600, design_effect=2.0, z=2.0) == 5.0
    # 1 * sqrt(1 * (80 * 20 + 90 * 10) / 2500) = sqrt(1) = 1
    assert wave_difference_margin(80.0, 90.0, n=2500, design_effect=1.0, z=1.0) == 1.0
    # net 60 is 80 against 20, net 80 is 90 against 10: the same spread, counted twice
    net = wave_difference_margin(60.0, 80.0, n=2500, design_effect=1.0, z=1.0, net=True)
    assert net == 2.0


def test_margin_at_the_edges():
    sample = {"n": 1600, "design_effect": 2.0, "z": 2.0}
    assert wave_difference_margin(0.0, 100.0, **sample) == 0
    assert wave_difference_margin(-5.0, 130.0, **sample) == 0  # a trend carried on too far
    assert wave_difference_margin(-100.0, 100.0, **sample, net=True) == 0
    assert isnan(wave_difference_margin(nan, 50.0, **sample))


def test_margin_of_whole_columns_row_by_row():
    before, after = pd.Series([50.0, 80.0, nan]), pd.Series([50.0, 90.0, 1.0])
    found = wave_difference_margin(before, after, n=2500, design_effect=1.0, z=1.0)
    assert found.tolist()[:2] == [sqrt(2), 1.0]
    assert isnan(found[2])
    none = pd.Series(dtype="float64")
    assert len(wave_difference_margin(none, none, n=1600, design_effect=2.0, z=2.0)) == 0


@PROPERTY
@given(SHARE, SHARE, st.floats(1, 9), st.integers(100, 5000), st.booleans())
def test_margin_is_symmetric_and_scales(first, second, deff, n, net):
    def margin(a, b, deff=deff, n=n, z=1.96):
        return wave_difference_margin(a, b, n=n, design_effect=deff, z=z, net=net)

    found = margin(first, second)
    assert found >= 0
    assert margin(second, first) == pytest.approx(found)
    assert margin(first, second, deff=4 * deff) == pytest.approx(2 * found)  # sqrt of the deff
    assert margin(first, second, n=4 * n) == pytest.approx(found / 2)
    assert margin(first, second, z=2 * 1.96) == pytest.approx(2 * found)


@PROPERTY
@given(SHARE, SHARE)
def test_net_doubles_the_margin_of_the_share_behind_it(first, second):
    sample = {"n": 1600, "design_effect": 2.0, "z": 1.96}
    plain = wave_difference_margin(first, second, **sample)
    net = wave_difference_margin(2 * first - 100, 2 * second - 100, **sample, net=True)
    assert net == pytest.approx(2 * plain, abs=1e-6)


# -- several comparisons -------------------------------------------------------------------------


def test_familywise_z_by_hand():
    assert familywise_z(1) == pytest.approx(1.6449, abs=5e-5)  # one-sided five per cent
    # 0.95 ** 0.1 = 0.99488, a little below 0.995, whose quantile is 2.5758
    assert familywise_z(10) == pytest.approx(2.5679, abs=5e-5)
    assert familywise_z(0) == familywise_z(1)
    assert familywise_z(1, level=0.975) == pytest.approx(1.95996, abs=5e-6)


def test_familywise_z_grows_with_the_comparisons_and_keeps_the_error():
    values = [familywise_z(k) for k in range(1, 200)]
    assert all(b > a for a, b in pairwise(values))
    assert [norm.cdf(z) ** k for k, z in enumerate(values, 1)] == pytest.approx([0.95] * 199)


# -- rounding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        (1234567, 6, 1234570), (0.00012345678, 6, 0.000123457), (-98765.4321, 3, -98800),
        (0, 6, 0), (999_999.9, 6, 1_000_000), (0.1 + 0.2, 6, 0.3), (inf, 6, inf), (-inf, 6, -inf),
    ],
)  # fmt: skip
def test_round_sig_by_hand(value, digits, rounded):
    assert round_sig(value, digits) == rounded


def test_round_sig_keeps_six_digits_unless_told():
    assert round_sig(1234567) == 1234570


def test_round_sig_keeps_nan_and_gives_plain_floats():
    assert isnan(round_sig(nan))
    assert type(round_sig(np.float64(1.5))) is float
    assert type(round_sig(0)) is float


@PROPERTY
@given(st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-15), st.integers(1, 12))
def test_round_sig_is_near_and_idempotent_and_odd(value, digits):
    rounded = round_sig(value, digits)
    assert rounded == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
    assert round_sig(rounded, digits) == rounded
    assert round_sig(-value, digits) == -rounded
