"""Daily series: how they grow, when a state ends, what can be said when it has not ended yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kursk_claims.analysis.intervals import Interval
from kursk_claims.analysis.selection import share_bounds as share_bounds  # noqa: PLC0414


def first_lasting_day(holds: pd.Series, days: int) -> pd.Timestamp | None:
    """Return the first day from which a condition holds on so many days running.

    A run that reaches the end of the series counts only once it is that long.

    Parameters
    ----------
    holds : Series of bool
        Indexed by consecutive days.
    days : int
        At least 1.
    """
    if len(holds) < days:
        return None
    runs = np.convolve(holds.to_numpy(dtype="int64"), np.ones(days, dtype="int64"), "valid") == days
    return pd.Timestamp(holds.index[int(np.argmax(runs))]) if runs.any() else None


def below_after_peak(series: pd.Series, threshold: float, days: int) -> pd.Timestamp | None:
    """Return the first day after the last day of the peak on which a series is below a threshold.

    Parameters
    ----------
    series : Series of float
        Indexed by consecutive days.
    threshold : float
        Same unit as the series; the fall must be strict.
    days : int
        How long the series must stay below.
    """
    if series.isna().all():  # an empty series as well
        return None
    peak = series[series == series.max()].index[-1]
    return first_lasting_day(series[series.index > peak] < threshold, days)


@dataclass(frozen=True)
class Duration:
    """Days from a start to an end, or to the last day that was watched when there is no end yet."""

    days: int
    ended: bool

    def at_least(self, limit_days: float) -> float:
        """1.0 if it lasted so long, 0.0 if it ended before, NaN if it is too early to say."""
        if self.days >= limit_days:
            return 1.0
        return 0.0 if self.ended else float("nan")


def duration(start: pd.Timestamp, end: pd.Timestamp | None, watched_to: pd.Timestamp) -> Duration:
    """Return the days from `start` to `end`, or, censored, to `watched_to` when there is no end.

    Parameters
    ----------
    start : Timestamp
        The first day.
    end : Timestamp, optional
        None while it has not ended.
    watched_to : Timestamp
        The last day that was watched; of no account when there is an end.

    Returns
    -------
    Duration
        Whole days; 0 when the last day lies before the start.
    """
    last = watched_to if end is None else end
    return Duration(max((last - start).days, 0), end is not None)


def growth_pct_a_day(start: float, end: float, days: int) -> float:
    """Return the growth of a level, in per cent of its end value a day.

    ``100 (end - start) / end / days``. It cannot exceed ``100 / days``, which growth from nothing
    reaches whatever the end value is.

    Parameters
    ----------
    start, end : float
        Levels, not negative, in one unit.
    days : int
        Between them, above 0.

    Returns
    -------
    float
        NaN when the end value is 0 or a level is not known.
    """
    return float("nan") if end == 0 else 100 * (end - start) / end / days


def growth_bounds(start: Interval, end: Interval, days: int) -> Interval:
    """Return the least and the most growth when both levels are known as intervals only.

    `growth_pct_a_day` falls with the start and rises with the end, so the corners are the bounds.

    Parameters
    ----------
    start, end : tuple
        Low and high of each level, not negative, in one unit.
    days : int
        Between them, above 0.

    Returns
    -------
    tuple
        Low and high in per cent of the end value a day; NaN where that is 0 or a level is
        not known.
    """
    return (
        growth_pct_a_day(start[1], end[0], days),
        growth_pct_a_day(start[0], end[1], days),
    )


def monthly_change_a_day(levels: pd.Series) -> pd.Series:
    """Return the mean change a day of a level over each whole calendar month.

    Parameters
    ----------
    levels : Series of float
        Indexed by day, in order, at most one a day; a missing day keeps the level before.

    Returns
    -------
    Series of float
        Unit of the level a day, indexed by the last day of the month; months that the series does
        not cover from the last day of the month before to their own last day are left out.
    """
    daily = levels.asfreq("D").ffill() if len(levels) else levels
    ends = daily[pd.DatetimeIndex(daily.index).is_month_end]
    return (ends.diff() / pd.DatetimeIndex(ends.index).days_in_month).dropna()


def monthly_totals(weekly: pd.Series) -> pd.Series:
    """Return totals of calendar months from totals of weeks, each spread evenly over its days.

    Parameters
    ----------
    weekly : Series of float
        Indexed by the last day of each week, in order; a week that is absent had none.

    Returns
    -------
    Series of float
        Indexed by the last day of the month; months that the weeks do not cover are left out.
    """
    if weekly.empty:
        return weekly.astype("float64")
    weeks = weekly.asfreq("7D", fill_value=0).astype("float64") / 7
    first = weeks.index[0] - pd.Timedelta(days=6)
    days = pd.date_range(first, weeks.index[-1])
    daily = pd.Series(np.repeat(weeks.to_numpy(), 7), index=days)
    sums = daily.resample("ME").agg(["sum", "size"])
    whole = sums["size"].to_numpy() == pd.DatetimeIndex(sums.index).days_in_month
    return pd.Series(sums["sum"][whole], name=weekly.name)
