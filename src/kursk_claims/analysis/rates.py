"""Before and after a date: ratios of counts and of monthly values, each with its interval."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """After over before, with an interval; NaN where it cannot be computed."""

    value: float
    low: float
    high: float
    method: str = ""

    def fell(self, reading: str, tolerated: float) -> float:
        """1.0 if it fell, 0.0 if it did not, NaN if that is open.

        Parameters
        ----------
        reading : str
            ``interval``: it fell when the whole interval lies below 1, and did not when the whole
            interval lies above `tolerated`; where both hold, it fell. ``point``: it fell when the
            value lies below 1, and did not otherwise.
        tolerated : float
            The ratio down to which a decrease still counts as none, such as 0.8.
        """
        if reading == "point":
            return float("nan") if np.isnan(self.value) else float(self.value < 1)
        if self.high < 1:
            return 1.0
        return 0.0 if self.low > tolerated else float("nan")


UNKNOWN = Ratio(float("nan"), float("nan"), float("nan"))


@lru_cache(maxsize=256)
def _edges(break_on: pd.Timestamp, months: int) -> npt.NDArray[np.datetime64]:
    """Return the first day of each month around a day, and the day after the last."""
    steps = range(-months, months + 1)
    return np.array([break_on + pd.DateOffset(months=k) for k in steps], dtype="datetime64[ns]")


def per_month(
    days: npt.ArrayLike,
    break_on: pd.Timestamp,
    months: int,
    values: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Return how much falls into each month before and after a day.

    The months are counted from that day on, both ways; the day itself belongs to the first month
    after.

    Parameters
    ----------
    days : array_like of datetime64
        One a thing counted.
    months : int
        How many on each side.
    values : array_like, optional
        What each thing adds; 1 by default.

    Returns
    -------
    tuple of ndarray
        Before and after, in the order of time, each of shape ``(months,)``.
    """
    edges = _edges(break_on, months)
    place = edges.searchsorted(np.asarray(days, dtype="datetime64[ns]"), side="right") - 1
    inside = (place >= 0) & (place < 2 * months)
    weights = None if values is None else np.asarray(values, dtype="float64")[inside]
    sums = np.bincount(place[inside], weights=weights, minlength=2 * months).astype("float64")
    return sums[:months], sums[months:]


def months_around(monthly: pd.Series, break_on: pd.Timestamp, months: int) -> tuple[Floats, Floats]:
    """Return the values of the calendar months before and after a day.

    The month in which the day falls belongs to the side on which most of its days lie, in a tie to
    the side after.

    Parameters
    ----------
    monthly : Series of float
        Indexed by month (a ``PeriodIndex``).
    months : int
        How many on each side.

    Returns
    -------
    tuple of ndarray
        Before and after, in the order of time, each of shape ``(months,)``; NaN for a month
        without a value.
    """
    month = break_on.to_period("M")
    first = month + int(2 * (break_on.day - 1) > month.days_in_month)
    span = pd.period_range(first - months, first + months - 1, freq="M")
    values = monthly.reindex(span).to_numpy(dtype="float64", na_value=np.nan)
    return values[:months], values[months:]


def poisson_ratio(
    before: float,
    after: float,
    exposure_before: float = 1.0,
    exposure_after: float = 1.0,
    level: float = 0.95,
) -> Ratio:
    """Return the ratio of two Poisson rates with its exact conditional interval.

    Given the sum n of both counts, the count after is binomial with the share
    ``p = R e1 / (R e1 + e0)``, R the ratio and e0, e1 the exposures (Przyborowski and Wilenski
    1940, Biometrika 31); the ends of the Clopper-Pearson interval of p are turned into ratios.

    Parameters
    ----------
    before, after : float
        Counts, whole numbers.
    exposure_before, exposure_after : float
        How long was counted, in one unit; above 0.

    Returns
    -------
    Ratio
        No upper end (infinity) without a count before; unknown without any count.
    """
    first, second = int(before), int(after)
    if first + second == 0:
        return UNKNOWN
    share = stats.binomtest(second, first + second).proportion_ci(level, method="exact")
    unit = exposure_before / exposure_after

    def ratio(p: float) -> float:
        return float("inf") if p == 1 else unit * p / (1 - p)

    value = unit * second / first if first else float("inf")
    return Ratio(value, ratio(float(share.low)), ratio(float(share.high)), "exact Poisson")


def _pearson(groups: list[Floats], dispersion: float) -> float:
    """Return Pearson's chi-squared of counts about the means of their groups."""
    parts = [(g - g.mean()) ** 2 / (g.mean() + dispersion * g.mean() ** 2) for g in groups]
    return float(np.concatenate(parts).sum())


def dispersion(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> float:
    """Return by how much counts spread more than Poisson: a in ``var = m + a m**2``.

    The moment estimate: Pearson's chi-squared about the two means equals its degrees of freedom
    (Breslow 1984, Applied Statistics 33). It is 0 unless the spread is beyond chance by the
    chi-squared test of dispersion at the given level, and 0 when one side has no counts.

    Parameters
    ----------
    before, after : array_like
        Counts of equally long periods.
    """
    groups = [np.asarray(side, dtype="float64") for side in (before, after)]
    degrees = sum(len(group) - 1 for group in groups)
    if degrees < 1 or any(group.sum() == 0 for group in groups):
        return 0.0
    if stats.chi2.sf(_pearson(groups, 0.0), degrees) >= 1 - level:
        return 0.0
    most = float(sum(((g / g.mean() - 1) ** 2).sum() for g in groups)) / degrees
    return float(optimize.brentq(lambda a: _pearson(groups, a) - degrees, 0.0, most))


def count_ratio(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> Ratio:
    """Return the ratio of the mean counts of equally long periods, after over before.

    Poisson and exact, unless the counts are overdispersed (`dispersion`): then negative binomial,
    with the log of the ratio normal and its variance ``sum over sides of (1 / m + a) / n``, m the
    mean of n counts (Lawless 1987, Canadian Journal of Statistics 15).

    Parameters
    ----------
    before, after : array_like
        Counts of equally long periods, at least one each.
    """
    groups = [np.asarray(side, dtype="float64") for side in (before, after)]
    extra = dispersion(before, after, level)
    if extra == 0:
        (first, second), (n0, n1) = (g.sum() for g in groups), (len(g) for g in groups)
        return poisson_ratio(float(first), float(second), n0, n1, level)
    spread = np.sqrt(sum((1 / g.mean() + extra) / len(g) for g in groups))
    factor = float(np.exp(stats.norm.ppf((1 + level) / 2) * spread))
    value = float(groups[1].mean() / groups[0].mean())
    return Ratio(value, value / factor, value * factor, "negative binomial")


def mean_ratio(before: npt.ArrayLike, after: npt.ArrayLike, level: float = 0.95) -> Ratio:
    """Return the ratio of two means, after over before, with an interval made on the log scale.

    The log response ratio of Hedges, Gurevitch and Curtis (1999), Ecology 80:
    ``ln(m1 / m0) -+ t sqrt(s1**2 / (n1 m1**2) + s0**2 / (n0 m0**2))``, here with the t of Welch's
    degrees of freedom, as the groups are small. Single values may be 0; the values of one side are
    taken as independent.

    Parameters
    ----------
    before, after : array_like
        Values of equally long periods, not negative.

    Returns
    -------
    Ratio
        The interval is unknown with fewer than two values a side or nothing after; all is unknown
        with nothing before, or with a NaN.
    """
    groups = [np.asarray(side, dtype="float64") for side in (before, after)]
    if any(not len(g) or np.isnan(g).any() for g in groups) or groups[0].sum() == 0:
        return UNKNOWN
    means = [float(group.mean()) for group in groups]
    value = means[1] / means[0]
    if any(len(group) < 2 for group in groups) or value == 0:
        return Ratio(value, float("nan"), float("nan"), "log ratio of means")
    parts = [float(g.var(ddof=1)) / len(g) / m**2 for g, m in zip(groups, means, strict=True)]
    if sum(parts) == 0:
        return Ratio(value, value, value, "log ratio of means")
    squares = sum(v**2 / (len(g) - 1) for v, g in zip(parts, groups, strict=True))
    quantile = stats.t.ppf((1 + level) / 2, sum(parts) ** 2 / squares)
    factor = float(np.exp(quantile * np.sqrt(sum(parts))))
    return Ratio(value, value / factor, value * factor, "log ratio of means")


def count_ratio_at(
    days: npt.ArrayLike, break_on: pd.Timestamp, months: int, today: pd.Timestamp
) -> Ratio:
    """Return the ratio of the numbers of things a month, after a day over before it.

    While the months after have not passed, what happened so far is set against the time so far, as
    a Poisson rate.

    Parameters
    ----------
    days : array_like of datetime64
        One a thing counted; none after `today`.
    months : int
        Compared on each side.
    today : Timestamp
        The last day that was watched.

    Returns
    -------
    Ratio
        See `count_ratio`; unknown when no day after the break has been watched.
    """
    before, after = per_month(days, break_on, months)
    if today >= break_on + pd.DateOffset(months=months):
        return count_ratio(before, after)
    so_far = (today - break_on).days / (365.25 / 12)
    if so_far <= 0:
        return UNKNOWN
    return poisson_ratio(float(before.sum()), float(after.sum()), months, so_far)


def placebo_ratios(days: npt.ArrayLike, break_on: pd.Timestamp, months: int) -> pd.Series:
    """Return the ratio of counts, after over before, at the same day of every earlier month.

    Only days whose months before are watched (they follow the first thing counted) and whose months
    after have ended at the break.

    Parameters
    ----------
    days : array_like of datetime64
        One a thing counted.
    months : int
        Compared on each side of each day.

    Returns
    -------
    Series
        Indexed by day; infinity with nothing before, days with nothing at all left out.
    """
    first = pd.DatetimeIndex(np.asarray(days, dtype="datetime64[ns]")).min()
    found, back = {}, months
    while (day := break_on - pd.DateOffset(months=back)) - pd.DateOffset(months=months) >= first:
        before, after = (float(side.sum()) for side in per_month(days, day, months))
        if before + after:
            found[day] = after / before if before else float("inf")
        back += 1
    return pd.Series(found, dtype="float64")


def break_date_p(observed: float, placebo: npt.ArrayLike) -> float:
    """Return how often a date taken at random shows a ratio as low as the observed one.

    The date of the break is permuted over days on which nothing is claimed to have happened; the
    observed one is counted among them (Phipson and Smyth 2010), so that the result is never 0.

    Returns
    -------
    float
        One-sided, ``(1 + number of placebo ratios <= observed) / (1 + number of placebo ratios)``;
        NaN without a placebo or an observed ratio.
    """
    ratios = np.asarray(placebo, dtype="float64")
    if not len(ratios) or np.isnan(observed):
        return float("nan")
    return float((1 + (ratios <= observed).sum()) / (1 + len(ratios)))
