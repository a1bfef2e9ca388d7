"""Intervals: what a stated number with its bound says, and how sure a share or a wave is."""

from math import floor, log10

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Interval = tuple[float, float]


def last_digit_unit(value: float) -> float:
    """Return the unit of the last significant digit of a whole number: 1000 for 121000."""
    whole = abs(round(value))
    unit = 1.0
    while whole and whole % (unit * 10) == 0:
        unit *= 10
    return unit


def stated(value: float, bound: str) -> Interval:
    """Return the interval [low, high] that a stated number is taken to mean.

    ``exact`` is the number itself. The others reach as far as the unit u of its last significant
    digit: ``at_least`` ("more than 121,000") is [v, v + u]; ``at_most`` ("almost") is [v - u, v];
    ``about`` is [v - u/2, v + u/2]. A speaker who knew more would have said the next round number.

    Raises
    ------
    ValueError
        If the bound is not one of the four, or the number is NaN.
    """
    unit = last_digit_unit(value)
    spans = {
        "exact": (value, value),
        "at_least": (value, value + unit),
        "at_most": (value - unit, value),
        "about": (value - unit / 2, value + unit / 2),
    }
    if bound not in spans:
        raise ValueError(f"unknown bound: {bound!r}")
    return spans[bound]


def is_more(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """1.0 if the first number is more than the second, 0.0 if it is not, NaN if that is open.

    Parameters
    ----------
    first, second : float or tuple
        A number, or low and high of one that is not known exactly; what holds for all numbers
        within holds. NaN leaves it open.
    """
    ours, theirs = np.atleast_1d(first), np.atleast_1d(second)
    if ours.min() > theirs.max():
        return 1.0
    return 0.0 if ours.max() <= theirs.min() else float("nan")


def to_outrun(values: npt.ArrayLike, share: float) -> float:
    """Return the value that must be exceeded to exceed at least this share of some values.

    The quantile as the inverse of the distribution function, type 1 of Hyndman and Fan (1996),
    "Sample quantiles in statistical packages", The American Statistician 50: one of the values.

    Parameters
    ----------
    values : array_like
        NaN when there are none.
    share : float
        Above 0, up to 1 for all of them.
    """
    known = np.asarray(values, dtype="float64")
    return float(np.quantile(known, share, method="inverted_cdf")) if known.size else float("nan")


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a share.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22.

    Parameters
    ----------
    successes, trials : int
        Whole numbers.
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    tuple
        Low and high, 0 to 1; (nan, nan) for no trials.

    Raises
    ------
    ValueError
        If there are more successes than trials, or fewer than none.
    """
    if trials == 0:
        return (float("nan"), float("nan"))
    interval = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return (float(interval.low), float(interval.high))


def wave_variance(
    share: npt.ArrayLike, *, n: npt.ArrayLike, design_effect: float, net: bool = False
) -> npt.NDArray[np.float64]:
    """Return the sampling variance of a wave, ``deff * p (100 - p) / n``, in squared points.

    Parameters
    ----------
    share : array_like
        Share in per cent; with `net`, a share less its opposite, -100 to 100, taken as 2p - 100.
        A trend carried on beyond 0 or 100 has no spread.
    n : array_like
        Respondents.
    design_effect : float
        Of Kish (1965), "Survey Sampling".

    Returns
    -------
    ndarray
        Percentage points squared, in the shape of the shares.
    """
    wave = np.asarray(share, dtype="float64")
    p = np.clip((wave + 100) / 2 if net else wave, 0, 100)
    return np.asarray((4 if net else 1) * design_effect * p * (100 - p) / np.asarray(n))


def wave_difference_margin(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    n: npt.ArrayLike,
    design_effect: float,
    z: float,
    net: bool = False,
) -> npt.NDArray[np.float64]:
    """Return the half width, in percentage points, of the difference of two independent waves.

    ``z * sqrt(deff * (p1 (100 - p1) + p2 (100 - p2)) / n)`` with shares in per cent and the same n
    respondents in each wave (see `wave_variance`).

    Parameters
    ----------
    before, after : array_like
        Shares in per cent; with `net`, shares less their opposites, -100 to 100.
    n : array_like
        Respondents of each wave.
    design_effect : float
        Of both waves.
    z : float
        Normal quantile, such as 1.96 for 95 per cent on both sides.
    net : bool
        As for `wave_variance`.

    Returns
    -------
    ndarray
        Percentage points, in the shape of the shares.
    """
    first, second = (
        wave_variance(wave, n=n, design_effect=design_effect, net=net) for wave in (before, after)
    )
    return np.asarray(z * np.sqrt(first + second))


def familywise_z(comparisons: int, level: float = 0.95) -> float:
    """Return the one-sided normal quantile that keeps the error over several comparisons.

    Sidak (1967): each comparison is made at ``level ** (1 / comparisons)``.
    """
    return float(special.ndtri(level ** (1 / max(comparisons, 1))))


def round_sig(value: float, digits: int = 6) -> float:
    """Return the number at so many significant digits; NaN and infinity as they are."""
    if value == 0 or not np.isfinite(value):
        return float(value)
    return round(float(value), digits - 1 - floor(log10(abs(value))))
