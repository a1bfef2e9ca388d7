"""Daily series: when a state ends for good, and what can be said when it has not ended yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


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
    """Return the days from `start` to `end`, or, censored, to `watched_to` when there is no end."""
    last = watched_to if end is None else end
    return Duration(max((last - start).days, 0), end is not None)


def share_bounds(outcomes: pd.Series) -> tuple[float, float]:
    """Return the lowest and highest share of ones when NaN outcomes are still open.

    Manski's worst-case bounds: every open outcome counted as 0, then as 1. (nan, nan) when empty.
    """
    if outcomes.empty:
        return (float("nan"), float("nan"))
    return (float(outcomes.fillna(0.0).mean()), float(outcomes.fillna(1.0).mean()))
