"""Pooling of interval estimates: what several sources, each of them vague, say together.

A source gives an interval: a bare lower bound reaches to infinity, an exact number is a point. Two
ways to pool them: the nonparametric maximum likelihood for interval-censored data (Turnbull 1976),
which puts the mass where the sources agree, and a mixture of uniform distributions, which takes
each source for itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from kursk_claims.analysis.intervals import Interval

Floats = npt.NDArray[np.float64]

NAN = float("nan")
NEAR, MOST_STEPS = 1e-6, 20_000
EXACT, NEWTON_STEPS = 1e-12, 100


@dataclass(frozen=True)
class Pooled:
    """A distribution of which only the mass in each of some closed intervals is known.

    Parameters
    ----------
    low, high : ndarray, shape (k,)
        Ends of the intervals; ``high`` may be infinite.
    mass : ndarray, shape (k,)
        Probability of each; sums to 1 (no interval at all: nothing is known).
    """

    low: Floats
    high: Floats
    mass: Floats

    def closed(self, reach: float) -> "Pooled":
        """Return the same with every open upper end at so many times its lower end."""
        return Pooled(self.low, closed(self.low, self.high, reach), self.mass)

    @property
    def mean(self) -> float:
        """The mean, the mass of each interval in its middle; NaN if none is known."""
        return float(self.mass @ (self.low + self.high) / 2) if len(self.mass) else NAN

    def within(self, low: float, high: float) -> float:
        """Return the probability of a window, the mass of each interval spread evenly.

        NaN when nothing is known. An interval without an upper end lies outside every window.
        """
        return float(self.mass @ _shares(self.low, self.high, low, high)) if len(self.mass) else NAN

    def bounds(self, low: float, high: float) -> Interval:
        """Return the least and the largest probability of a window, wherever the mass lies.

        The least counts the intervals wholly inside, the largest those that touch it.
        """
        if not len(self.mass):
            return (NAN, NAN)
        inside = (low <= self.low) & (self.high <= high)
        touching = (self.low <= high) & (low <= self.high)
        return (float(self.mass[inside].sum()), float(self.mass[touching].sum()))

    def cdf(self, values: npt.ArrayLike) -> Floats:
        """Return the probability of at most each value, the mass of each interval spread evenly."""
        floor = np.min(self.low, initial=0.0)
        return np.array([self.within(floor, float(value)) for value in np.asarray(values)])

    def quantile(self, share: float) -> float:
        """Return the value that a share of the probability lies at or below; NaN if none is known.

        Raises
        ------
        ValueError
            If an interval has no upper end (see `closed`).
        """
        if np.isinf(self.high).any():
            raise ValueError("a quantile needs closed intervals")
        if not len(self.mass):
            return NAN
        ends = np.unique(np.concatenate([self.low, self.high]))
        point = self.mass * (self.low == self.high)
        at = self.cdf(ends)
        below = at - (point * (self.low == ends[:, None])).sum(axis=1)  # a point is a step
        return float(np.interp(share, np.ravel([below, at], "F"), np.repeat(ends, 2)))


def closed(low: npt.ArrayLike, high: npt.ArrayLike, reach: float) -> Floats:
    """Return the upper ends, an infinite one set to `reach` times its lower end.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        Ends of closed intervals, in one unit; ``high`` may be infinite.
    reach : float
        At least 1.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    return np.where(np.isinf(highs), reach * lows, highs)


def innermost(low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the innermost intervals: no maximum of the likelihood has mass outside them.

    They run from a lower end to the next upper end with no other end between (Turnbull 1976,
    "The empirical distribution function with arbitrarily grouped, censored and truncated data",
    Journal of the Royal Statistical Society B 38). The given intervals are closed, so one that ends
    where another begins meets it in a point.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        As for `npmle`.

    Returns
    -------
    tuple of ndarray, shape (k,)
        Lower and upper ends, in rising order.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    ends = np.concatenate([lows, highs])
    is_high = np.repeat([False, True], len(lows))
    order = np.lexsort((is_high, ends))  # at one value, lower ends come first
    ends, is_high = ends[order], is_high[order]
    starts = np.flatnonzero(~is_high[:-1] & is_high[1:])
    return ends[starts], ends[starts + 1]


def npmle(low: npt.ArrayLike, high: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Pooled:
    """Return the nonparametric maximum likelihood estimate from interval-censored values.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        Each value is known to lie in a closed interval; an infinite ``high`` is a bare lower bound.
    weights : array_like, shape (n,), optional
        How often each interval counts; once by default.

    Returns
    -------
    Pooled
        The innermost intervals with their mass. Where in an interval its mass lies stays open.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    left, right = innermost(lows, highs)
    counts = np.ones(len(lows)) if weights is None else np.asarray(weights, dtype="float64")
    cover = _cover(lows, highs, left, right)
    start = self_consistent(cover, counts[None], near=0.01)[0]
    return Pooled(left, right, exact(cover, counts, start))


def mixture(low: npt.ArrayLike, high: npt.ArrayLike) -> Pooled:
    """Return the equal mixture of the intervals: one source, one share (linear opinion pool).

    After Stone (1961), "The opinion pool", Annals of Mathematical Statistics 32.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        As for `npmle`.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    return Pooled(lows, highs, np.full(len(lows), 1 / max(len(lows), 1)))


def self_consistent(cover: npt.NDArray[np.bool_], weights: Floats, near: float = NEAR) -> Floats:
    """Approach the largest likelihood by self-consistency (EM), for several weightings at once.

    From an even start each step is ``p_j <- p_j d_j`` with
    ``d_j = sum_i w_i a_ij / (sum_k a_ik p_k) / sum_i w_i`` (Turnbull 1976). At the maximum no d
    exceeds 1, and before it the logarithm of the likelihood is short of it by at most
    ``sum_i w_i max_j (d_j - 1)`` (Gentleman and Geyer 1994, Biometrika 81). The steps end when that
    is at most `near` per unit of weight. A mass that ends at nought may still be felt in the fourth
    digit then: see `exact`.

    Parameters
    ----------
    cover : ndarray of bool, shape (n, k)
        Whether a given interval holds an innermost one.
    weights : ndarray, shape (b, n)
        One weighting a row; none sums to 0.
    near : float
        See above.

    Returns
    -------
    ndarray, shape (b, k)
        Masses, one row a weighting.
    """
    mass = np.full((len(weights), cover.shape[1]), 1 / max(cover.shape[1], 1))
    if not cover.size:
        return mass
    hold = cover.astype("float64")
    share = weights / weights.sum(axis=1, keepdims=True)
    going = np.arange(len(weights))
    for _ in range(MOST_STEPS):
        known = np.maximum(mass[going] @ hold.T, np.finfo(float).tiny)
        rise = (share[going] / known) @ hold
        mass[going] *= rise
        going = going[rise.max(axis=1) - 1 > near]
        if not len(going):
            break
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def exact(cover: npt.NDArray[np.bool_], weights: Floats, start: Floats) -> Floats:
    """Go from near the maximum of the likelihood to the maximum itself.

    Constrained Newton method: the second-order expansion of the logarithm of the likelihood at p is
    maximised over all distributions, which is a least-squares problem with non-negative unknowns
    (Wang 2007, "On fast computation of the non-parametric maximum likelihood estimate of a mixing
    distribution", Journal of the Royal Statistical Society B 69; the sum of 1 after Dax 1990).
    Unlike EM it is quick where a mass ends at nought.

    Parameters
    ----------
    cover : ndarray of bool, shape (n, k)
    weights : ndarray, shape (n,)
    start : ndarray, shape (k,)
        Masses to start from, each source with a part of them.

    Returns
    -------
    ndarray, shape (k,)
    """
    used = weights > 0
    hold, share, mass = cover[used].astype("float64"), weights[used] / weights.sum(), start
    for _ in range(NEWTON_STEPS if hold.size else 0):
        ratio = hold / (hold @ mass)[:, None]
        if (share @ ratio).max() - 1 <= EXACT:
            break
        rows = np.vstack([np.sqrt(share)[:, None] * (ratio - 2), np.ones(hold.shape[1])])
        target = nnls(rows, np.append(np.zeros(len(share)), 1.0))[0]
        step = target / target.sum() - mass
        while step.any() and not _gains(hold, share, mass, step):
            step = np.where(np.abs(step) > np.finfo(float).eps, step / 2, 0.0)
        mass = mass + step
    return np.asarray(mass)


def _gains(hold: Floats, share: Floats, mass: Floats, step: Floats) -> bool:
    """Say whether a step leaves the likelihood at least as large."""
    before, after = hold @ mass, hold @ (mass + step)
    return bool((after > 0).all() and share @ np.log(after / before) >= 0)


def leave_one_out(
    low: npt.ArrayLike, high: npt.ArrayLike, window: Interval, pooling: str, reach: float
) -> Floats:
    """Return the probability of a window without each of the sources in turn.

    Parameters
    ----------
    low, high, window, pooling, reach
        As for `probability`.

    Returns
    -------
    ndarray, shape (n,)
        0 to 1, in the order of the sources; NaN when the only source is left out.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    rest = [np.arange(len(lows)) != i for i in range(len(lows))]
    return np.array([probability(lows[r], highs[r], window, pooling, reach) for r in rest])


def probability(
    low: npt.ArrayLike, high: npt.ArrayLike, window: Interval, pooling: str, reach: float
) -> float:
    """Return the pooled probability of a window to six decimals, NaN without sources.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        One interval a source, in the unit of the window.
    window : tuple
        Low and high.
    pooling : {"npmle", "mixture"}
        See `npmle` and `mixture`.
    reach : float
        Where an interval without an upper end is spread up to, as a multiple of its lower end: for
        the mixture every such source, for the maximum likelihood only what is left unbounded when
        all sources have been put together.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    # A share of 1/5 must not read as less for the last bit of a floating-point number.
    return round(POOLINGS[pooling](low, high).closed(reach).within(*window), 6)


def bootstrap(
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    window: Interval,
    pooling: str,
    reach: float,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 20240806,
) -> Interval:
    """Return the percentile interval of `probability` over resamples of the sources (Efron 1979).

    To three decimals, as near as `self_consistent` comes. Each resample is pooled anew: without
    some of the sources the innermost intervals are other, often wider ones, and where in them the
    mass lies decides how much of it is in the window.

    Parameters
    ----------
    low, high, window, pooling, reach
        As for `probability`.
    draws : int
        Resamples.
    level : float
        Of the interval, between 0 and 1.
    seed : int
        Of the random generator.

    Returns
    -------
    tuple
        Low and high, 0 to 1; (nan, nan) without sources.

    Raises
    ------
    ValueError
        If an interval ends before it begins or an end is not a number.
    """
    lows, highs = _pair(low, high)
    count = len(lows)
    if not count:
        return (NAN, NAN)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    kinds, times = np.unique(drawn, axis=0, return_counts=True)
    found = np.empty(len(kinds))
    sets, of_set = np.unique(kinds > 0, axis=0, return_inverse=True)
    for number, used in enumerate(sets):  # resamples of the same sources differ in weights only
        same = of_set == number
        weights = kinds[same][:, used].astype("float64")
        pooled = _each(lows[used], highs[used], weights, pooling)
        shares = _shares(pooled.low, closed(pooled.low, pooled.high, reach), *window)
        found[same] = pooled.mass @ shares
    ends = np.quantile(np.repeat(found, times).round(3), [(1 - level) / 2, (1 + level) / 2])
    return (float(ends[0]), float(ends[1]))


def _each(low: Floats, high: Floats, weights: Floats, pooling: str) -> Pooled:
    """Pool the same sources under several weightings at once; the masses have a row a weighting."""
    if pooling == "mixture":
        return Pooled(low, high, weights / weights.sum(axis=1, keepdims=True))
    left, right = innermost(low, high)
    return Pooled(left, right, self_consistent(_cover(low, high, left, right), weights))


POOLINGS = {"npmle": npmle, "mixture": mixture}


def _pair(low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[Floats, Floats]:
    lows, highs = (np.asarray(ends, dtype="float64") for ends in (low, high))
    if not (lows <= highs).all():
        raise ValueError("an interval ends before it begins, or an end is not a number")
    return lows, highs


def _cover(low: Floats, high: Floats, left: Floats, right: Floats) -> npt.NDArray[np.bool_]:
    return (low[:, None] <= left) & (right <= high[:, None])


def _shares(low: Floats, high: Floats, first: float, last: float) -> Floats:
    """Return the part of each interval that lies in a window; a point lies in it or not."""
    length = high - low
    common = np.clip(np.minimum(high, last) - np.maximum(low, first), 0.0, None)
    at = (first <= low) & (low <= last)
    with np.errstate(invalid="ignore"):
        return np.where(length > 0, common / length, at.astype("float64"))
