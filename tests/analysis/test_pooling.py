"""Pooling of intervals, against hand-worked, published and other people's computations."""

from fractions import Fraction
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kursk_claims.analysis import pooling

PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)
POOLINGS = sorted(pooling.POOLINGS)
INTERVALS = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(st.integers(0, 15), st.just(inf))).map(
        lambda pair: (float(pair[0]), float(pair[0] + pair[1]))
    ),
    min_size=1,
    max_size=9,
)
WINDOW = st.tuples(st.integers(0, 30), st.integers(0, 20)).map(lambda p: (p[0], p[0] + p[1]))

# Months to breast retraction after radiotherapy, 46 patients (Beadle et al. 1984; Finkelstein and
# Wolfe 1985; Klein and Moeschberger, "Survival Analysis", section 1.18; R package KMsurv, bcdeter).
# An interval "after a, by b" in whole months is [a + 1, b] closed.
RETRACTION = (
    (0, 5), (0, 7), (0, 8), (4, 11), (5, 11), (5, 12), (6, 10), (7, 14), (7, 16), (11, 15),
    (11, 18), (17, 25), (17, 25), (18, 26), (19, 35), (25, 37), (26, 40), (27, 34), (36, 44),
    (36, 48), (37, 44), (15, inf), (17, inf), (18, inf), (22, inf), (24, inf), (24, inf), (32, inf),
    (33, inf), (34, inf), (36, inf), (36, inf), (37, inf), (37, inf), (37, inf), (38, inf),
    (40, inf), (45, inf), *[(46, inf)] * 8,
)  # fmt: skip


def ends(intervals) -> tuple[np.ndarray, np.ndarray]:
    low, high = zip(*intervals, strict=True) if intervals else ((), ())
    return np.array(low, dtype="float64"), np.array(high, dtype="float64")


def log_likelihood(pooled: pooling.Pooled, low, high) -> float:
    held = (low[:, None] <= pooled.low) & (pooled.high <= high[:, None])
    return float(np.log(held @ pooled.mass).sum())


# -- innermost intervals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intervals", "found"),
    [
        ([], []),
        ([(1, 3)], [(1, 3)]),
        ([(1, 4), (2, 6)], [(2, 4)]),
        ([(1, 4), (2, 6), (8, 9)], [(2, 4), (8, 9)]),
        ([(1, 3), (3, 5)], [(3, 3)]),  # closed: they meet in a point
        ([(1, 1), (0, 5)], [(1, 1)]),
        ([(0, 10), (2, 3), (6, 7)], [(2, 3), (6, 7)]),
        ([(5, inf), (1, 3)], [(1, 3), (5, inf)]),
        ([(5, inf), (8, inf)], [(8, inf)]),
        ([(0, 300), (1000, inf), (250, 1200)], [(250, 300), (1000, 1200)]),
    ],
)
def test_innermost_intervals_by_hand(intervals, found):
    assert list(zip(*pooling.innermost(*ends(intervals)), strict=True)) == found


# -- the maximum likelihood ----------------------------------------------------------------------


def test_disjoint_intervals_share_the_mass_evenly():
    pooled = pooling.npmle([0, 10, 20, 20], [5, 15, 25, 25])
    assert pooled.mass == pytest.approx([0.25, 0.25, 0.5])


def test_a_chain_by_hand():
    # [1, 4], [2, 6], [5, 8]: innermost [2, 4] and [5, 6]. Likelihood p * (p + q) * q with q = 1 - p
    # is largest at one half.
    pooled = pooling.npmle([1, 2, 5], [4, 6, 8])
    assert (pooled.low.tolist(), pooled.high.tolist()) == ([2, 5], [4, 6])
    assert pooled.mass == pytest.approx([0.5, 0.5])


def test_a_bare_lower_bound_goes_where_the_others_are():
    # 1, 2 and 3 seen, and one known to be at least 2: its share is split between 2 and 3 in the
    # way they already have it. 1 keeps 1/4, the others get 3/8 each.
    pooled = pooling.npmle([1, 2, 3, 1.5], [1, 2, 3, inf])
    assert pooled.mass == pytest.approx([1 / 4, 3 / 8, 3 / 8])


def test_one_sided_bounds_that_all_can_agree_leave_their_common_part():
    pooled = pooling.npmle([0, 300, 0], [5000, inf, 1000])
    assert (pooled.low.tolist(), pooled.high.tolist()) == ([300], [1000])
    assert pooled.mass.tolist() == [1.0]


def test_the_breast_cosmesis_data_as_lifelines_has_them():
    """Reference: lifelines 0.30.3, fitters.npmle.npmle(tol=1e-12), run once, elsewhere."""
    low, high = ends(RETRACTION)
    pooled = pooling.npmle(low + 1, high)
    found = {(a, b): m for a, b, m in zip(pooled.low, pooled.high, pooled.mass, strict=True)}
    lifelines = {
        (5, 5): 0.046347, (7, 7): 0.033363, (8, 8): 0.088667, (12, 12): 0.070753, (16, 16): 0.0,
        (18, 18): 0.0, (25, 25): 0.092646, (26, 26): 0.0, (34, 34): 0.081786, (35, 35): 0.0,
        (37, 37): 0.0, (39, 40): 0.12088, (41, 44): 0.0, (47, 48): 0.465558,
    }  # fmt: skip
    assert found == pytest.approx(lifelines, abs=1e-6)


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=12,
                unique_by=lambda pair: pair[0]))  # fmt: skip
def test_right_censored_values_give_kaplan_meier(rows):
    """Against scipy.stats.ecdf; no ties, as conventions differ there."""
    seen = [float(value) for value, is_seen in rows if is_seen]
    more_than = [float(value) for value, is_seen in rows if not is_seen]
    if not seen:
        return
    pooled = pooling.npmle(seen + more_than, seen + [inf] * len(more_than))
    theirs = stats.ecdf(stats.CensoredData(uncensored=seen, right=more_than)).cdf
    assert pooled.cdf(np.sort(seen)) == pytest.approx(theirs.evaluate(np.sort(seen)), abs=1e-6)


def test_a_mass_that_ends_at_nought_is_nought_and_not_only_nearly():
    """By hand: [1, 1] holds 1/2, [3, 3] and [4, 4] 1/4 each, and [2, 2] nothing.

    The condition d = 1 holds at [2, 2] as well, which makes self-consistency alone very slow.
    """
    low, high = [4.0, 0.0, 1.0, 3.0, 0.0, 2.0], [4.0, 2.0, 1.0, 3.0, 2.0, inf]
    pooled = pooling.npmle(low, high)
    assert pooled.low.tolist() == [1, 2, 3, 4]
    assert pooled.mass == pytest.approx([0.5, 0.0, 0.25, 0.25], abs=1e-9)
    cover = (np.array(low)[:, None] <= pooled.low) & (pooled.high <= np.array(high)[:, None])
    near = pooling.self_consistent(cover, np.ones((1, 6)))[0]
    assert near == pytest.approx(pooled.mass, abs=2e-3)
    assert near[1] > 1e-5


@PROPERTY
@given(INTERVALS, st.data())
def test_several_weightings_at_once_are_each_for_itself(intervals, data):
    low, high = ends(intervals)
    left, right = pooling.innermost(low, high)
    cover = (low[:, None] <= left) & (right <= high[:, None])
    row = st.lists(st.integers(1, 9), min_size=len(low), max_size=len(low))
    weights = np.array(data.draw(st.lists(row, min_size=2, max_size=4)), dtype="float64")
    together = pooling.self_consistent(cover, weights)
    alone = [pooling.self_consistent(cover, each[None])[0] for each in weights]
    assert together == pytest.approx(np.array(alone), abs=1e-9)


@PROPERTY
@given(INTERVALS)
def test_no_other_distribution_on_the_line_is_more_likely(intervals):
    """The condition of Gentleman and Geyer, at every end and between all of them."""
    low, high = ends(intervals)
    pooled = pooling.npmle(low, high)
    assert pooled.mass.sum() == pytest.approx(1)
    held = (low[:, None] <= pooled.low) & (pooled.high <= high[:, None])
    assert held.any(axis=1).all()  # each source keeps a place where it can be right
    probability = held @ pooled.mass
    marks = np.unique([*low, *high[np.isfinite(high)], 1e9])
    everywhere = np.concatenate([marks, (marks[1:] + marks[:-1]) / 2])
    at = (low[:, None] <= everywhere) & (everywhere <= high[:, None])
    gradient = (at / probability[:, None]).sum(axis=0)
    assert gradient.max() <= len(low) * (1 + 1e-9)


@PROPERTY
@given(INTERVALS, st.randoms(use_true_random=False), st.sampled_from([0.001, 3.0, 1000.0]))
def test_the_order_of_sources_and_the_unit_do_not_matter(intervals, random, unit):
    shuffled = random.sample(intervals, len(intervals))
    once, again = pooling.npmle(*ends(intervals)), pooling.npmle(*ends(shuffled))
    assert again.mass == pytest.approx(once.mass, abs=1e-9)
    low, high = ends(intervals)
    scaled = pooling.npmle(low * unit, high * unit)
    assert scaled.low == pytest.approx(once.low * unit)
    assert scaled.mass == pytest.approx(once.mass, abs=1e-9)


@PROPERTY
@given(INTERVALS, st.data())
def test_a_weight_is_as_many_copies(intervals, data):
    low, high = ends(intervals)
    times = np.array([data.draw(st.integers(1, 3)) for _ in intervals])
    copied = pooling.npmle(np.repeat(low, times), np.repeat(high, times))
    weighted = pooling.npmle(low, high, times)
    assert weighted.mass == pytest.approx(copied.mass, abs=1e-5)


@PROPERTY
@given(INTERVALS, st.data())
def test_a_resample_is_as_likely_on_the_intervals_of_the_whole(intervals, data):
    """Zero weights do not need innermost intervals of their own to be as likely."""
    low, high = ends(intervals)
    picked = np.array([data.draw(st.integers(0, 2)) for _ in intervals])
    if not picked.any():
        return
    on_the_whole = pooling.npmle(low, high, picked)
    rows = np.repeat(np.arange(len(low)), picked)
    alone = pooling.npmle(low[rows], high[rows])
    expected = log_likelihood(alone, low[rows], high[rows])
    assert log_likelihood(on_the_whole, low[rows], high[rows]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("pool", pooling.POOLINGS.values())
@pytest.mark.parametrize(("low", "high"), [([2.0], [1.0]), ([nan], [1.0]), ([1.0], [nan])])
def test_an_interval_that_cannot_be_is_an_error(pool, low, high):
    with pytest.raises(
        ValueError, match=r"^an interval ends before it begins, or an end is not a number$"
    ):
        pool(low, high)


# -- a window ------------------------------------------------------------------------------------


def test_mass_within_a_window_by_hand():
    pooled = pooling.Pooled(*map(np.array, ([0.0, 10.0, 20.0], [10.0, 10.0, inf], [0.5, 0.2, 0.3])))
    assert pooled.within(0, 10) == pytest.approx(0.7)
    assert pooled.within(5, 8) == pytest.approx(0.15)  # three tenths of one half
    assert pooled.within(10, 1e9) == pytest.approx(0.2)  # unbounded: outside every window
    assert pooled.bounds(5, 8) == (0.0, 0.5)
    assert pooled.bounds(0, 19) == pytest.approx((0.7, 0.7))
    assert pooled.bounds(0, 10) == pytest.approx((0.7, 0.7))  # an interval may end with the window
    assert pooled.bounds(5, 30) == pytest.approx((0.2, 1.0))
    # closed at three times its lower end, [20, 60]: a quarter of it up to 30
    assert pooled.closed(3.0).within(10, 30) == pytest.approx(0.2 + 0.3 / 4)
    assert pooled.cdf([0, 5, 10, 10**9]).tolist() == pytest.approx([0, 0.25, 0.7, 0.7])


def test_quantiles_by_hand():
    # half evenly on [0, 10], a fifth at 20, three tenths evenly on [30, 60]
    pooled = pooling.Pooled(
        *map(np.array, ([0.0, 20.0, 30.0], [10.0, 20.0, 60.0], [0.5, 0.2, 0.3]))
    )
    found = [pooled.quantile(share) for share in (0.0, 0.25, 0.6, 0.69, 0.8, 1.0)]
    assert found == pytest.approx([0, 5, 20, 20, 40, 60])
    assert pooled.mean == pytest.approx(0.5 * 5 + 0.2 * 20 + 0.3 * 45)
    with pytest.raises(ValueError, match=r"^a quantile needs closed intervals$"):
        pooling.npmle([1.0], [inf]).quantile(0.5)


@PROPERTY
@given(INTERVALS, st.sampled_from(POOLINGS), st.floats(0.01, 0.99))
def test_as_much_as_asked_for_lies_below_a_quantile(intervals, pool, share):
    pooled = pooling.POOLINGS[pool](*ends(intervals)).closed(3.0)
    value = pooled.quantile(share)
    assert pooled.cdf([value])[0] >= share - 1e-6
    assert pooled.within(value + 1e-3, 1e9) <= 1 - share + 1e-6


def test_the_mixture_by_hand():
    # [0, 10] has a fifth of itself in [8, 12], [9, 9] all, [10, 30] a tenth: (0.2 + 1 + 0.1) / 3
    found = pooling.probability([0, 9, 10], [10, 9, inf], (8, 12), "mixture", 3.0)
    assert found == pytest.approx(1.3 / 3, abs=1e-6)


def test_a_probability_has_six_decimals():
    assert pooling.probability([1, 2, 9], [1, 2, 9], (8, 12), "mixture", 3.0) == 0.333333


def test_shares_are_exact_at_the_thresholds_of_a_rule():
    """One source of five in the window is 0.2, not a hair less."""
    values = [1.0, 2.0, 3.0, 4.0, 10.0]
    for pool in POOLINGS:
        assert pooling.probability(values, values, (8, 12), pool, 3.0) == 0.2


@pytest.mark.parametrize("pool", POOLINGS)
def test_nothing_known_is_not_zero(pool):
    assert isnan(pooling.probability([], [], (8, 12), pool, 3.0))
    nothing = pooling.POOLINGS[pool]([], [])
    assert isnan(nothing.quantile(0.5))
    assert isnan(nothing.mean)
    assert isnan(nothing.cdf([1.0])[0])
    assert all(isnan(end) for end in pooling.POOLINGS[pool]([], []).bounds(8, 12))
    assert all(isnan(end) for end in pooling.bootstrap([], [], (8, 12), pool, 3.0))
    assert pooling.leave_one_out([], [], (8, 12), pool, 3.0).shape == (0,)
    assert isnan(pooling.leave_one_out([1], [2], (8, 12), pool, 3.0)[0])


@PROPERTY
@given(INTERVALS, WINDOW, st.sampled_from(POOLINGS))
def test_the_probability_lies_within_its_bounds_and_grows_with_the_window(intervals, window, pool):
    low, high = ends(intervals)
    pooled = pooling.POOLINGS[pool](low, high).closed(3.0)
    least, most = pooled.bounds(*window)
    found = pooled.within(*window)
    assert -1e-9 <= least <= found + 1e-9
    assert found <= most + 1e-9 <= 1 + 1e-8
    assert pooled.within(window[0] - 1, window[1] + 1) >= found - 1e-9


# -- other sources -------------------------------------------------------------------------------


def test_leave_one_out_by_hand():
    # without the point 9 nothing lies in [8, 12]; without one of the others 1 of 2 does
    found = pooling.leave_one_out([1, 9, 20], [1, 9, 20], (8, 12), "npmle", 3.0)
    assert found.tolist() == [0.5, 0.0, 0.5]


def test_the_bootstrap_of_points_is_that_of_a_share():
    """Against the binomial distribution that the share of ten points in a window follows."""
    values = [9.0] * 3 + [1.0] * 7
    for pool in POOLINGS:
        low, high = pooling.bootstrap(values, values, (8, 12), pool, 3.0, draws=4000)
        assert (low, high) == (stats.binom.ppf(0.025, 10, 0.3) / 10, 0.6)
        narrow = pooling.bootstrap(values, values, (8, 12), pool, 3.0, draws=4000, level=0.6)
        assert narrow == tuple(stats.binom.ppf([0.2, 0.8], 10, 0.3) / 10)
    assert stats.binom.ppf(0.975, 10, 0.3) / 10 == float(Fraction(6, 10))


def test_the_bootstrap_pools_each_resample_anew_by_hand():
    """Of [0, 20] and [8, 12] the window [8, 12] holds all, of the second alone too.

    The first alone is spread over [0, 20] and holds a fifth: that is a quarter of the resamples.
    On the innermost interval of both, [8, 12], it would hold all of it.
    """
    found = pooling.bootstrap([0, 8], [20, 12], (8, 12), "npmle", 3.0)
    assert found == (0.2, 1.0)


@pytest.mark.parametrize(("pool", "both"), [("npmle", 1.0), ("mixture", 0.6)])
def test_the_bootstrap_pools_as_told_by_hand(pool, both):
    """The same: half of the resamples have both, and the mixture counts each for itself."""
    found = pooling.bootstrap([0, 8], [20, 12], (8, 12), pool, 3.0, level=0.4)
    assert found == pytest.approx((both, both))


def test_the_bootstrap_draws_a_thousand_times_from_the_day_of_the_incursion():
    low = np.array([8, 6, 2.4, 1.9, 10, 4.4, 1.9, 6.5])
    known = (low, low + 6, (4, 7), "mixture", 3.0)
    told = pooling.bootstrap(*known, draws=1000, level=0.95, seed=20240806)
    assert pooling.bootstrap(*known) == told
    for other in ({"draws": 1001}, {"level": 0.9}, {"seed": 1}):
        assert pooling.bootstrap(*known, **other) != told


@settings(PROPERTY, max_examples=15)
@given(INTERVALS.filter(lambda rows: len(rows) <= 4), WINDOW, st.sampled_from(POOLINGS))
def test_the_bootstrap_is_that_of_pooling_each_resample_for_itself(intervals, window, pool):
    low, high = ends(intervals)
    count = len(low)
    drawn = np.random.default_rng(7).multinomial(count, np.full(count, 1 / count), size=40)
    each = [
        pooling.probability(np.repeat(low, row), np.repeat(high, row), window, pool, 3.0)
        for row in drawn
    ]
    found = pooling.bootstrap(low, high, window, pool, 3.0, draws=40, seed=7)
    assert found == pytest.approx(np.quantile(each, [0.025, 0.975]), abs=2e-3)


@PROPERTY
@given(INTERVALS, WINDOW, st.sampled_from(POOLINGS))
def test_the_bootstrap_is_repeatable_and_in_order(intervals, window, pool):
    low, high = ends(intervals)
    first = pooling.bootstrap(low, high, window, pool, 3.0, draws=50)
    assert first == pooling.bootstrap(low, high, window, pool, 3.0, draws=50)
    assert -1e-9 <= first[0] <= first[1] <= 1 + 1e-9
    if len(intervals) == 1:
        alone = round(pooling.probability(low, high, window, pool, 3.0), 3)
        assert first[0] == first[1] == pytest.approx(alone, abs=1e-9)
