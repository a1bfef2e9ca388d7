"""Stock and flow: does a count at one date, with what moved since, reach the count at a later date?"""

from collections.abc import Iterable

import pandas as pd

from kursk_claims.analysis.intervals import Interval, stated


def as_interval(value: float, bound: str, reading: str) -> Interval:
    """Return a stated number as a point or as an interval.

    Parameters
    ----------
    reading : str
        ``point`` takes the number as it stands; ``interval`` what its bound says
        (see `kursk_claims.analysis.intervals.stated`).
    """
    return (value, value) if reading == "point" else stated(value, bound)


def add(intervals: Iterable[Interval]) -> Interval:
    """Return the sum of intervals: lows with lows, highs with highs; (0, 0) for none."""
    pairs = list(intervals)
    return (sum(low for low, _ in pairs), sum(high for _, high in pairs))


def largest_per_day(flows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Keep one flow a day, the largest: reports of one day tell the same departures twice.

    It is the reading kindest to a large later stock. Ties keep the first row.
    """
    order = flows.sort_values([value, "row_id"], ascending=[False, True], kind="stable")
    return order.drop_duplicates("observed_on").sort_values("observed_on")


def gap(stock_before: Interval, flow: Interval, stock_after: Interval) -> Interval:
    """Return the interval of ``after - (before + flow)``; it holds 0 when the counts can agree.

    Positive: the later stock has people that no reported departure explains.
    """
    low = stock_after[0] - stock_before[1] - flow[1]
    high = stock_after[1] - stock_before[0] - flow[0]
    return (low, high)


def contains(interval: Interval, value: float) -> bool:
    """Return whether a value lies in a closed interval."""
    return interval[0] <= value <= interval[1]
