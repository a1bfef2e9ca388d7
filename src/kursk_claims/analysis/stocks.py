"""Stock and flow: does a count, with the departures since, reach a later count?"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from kursk_claims.analysis.intervals import Interval, stated


def as_interval(value: float, bound: str, reading: str) -> Interval:
    """Return a stated number as a point or as an interval.

    Parameters
    ----------
    value : float
        In any unit.
    bound : {"exact", "at_least", "at_most", "about"}
        Read under ``interval`` only.
    reading : str
        ``point`` takes the number as it stands; ``interval`` what its bound says
        (see `kursk_claims.analysis.intervals.stated`).

    Raises
    ------
    ValueError
        If the bound is read and is not one of the four.
    """
    return (value, value) if reading == "point" else stated(value, bound)


def add(intervals: Iterable[Interval]) -> Interval:
    """Return the sum of intervals: lows with lows, highs with highs; (0, 0) for none."""
    pairs = list(intervals)
    return (sum(low for low, _ in pairs), sum(high for _, high in pairs))


def at_day(counts: pd.DataFrame, value: str, day: pd.Timestamp, reading: str) -> Interval:
    """Return what a series of counts says of one day: interpolated, or the nearest count.

    Parameters
    ----------
    counts : DataFrame
        Columns ``observed_on`` (datetime64), `value` and ``bound``, in the order of days, one count
        a day.
    day : Timestamp
        Before the first count or after the last, the nearest one is taken.
    reading : str
        See `as_interval`.

    Returns
    -------
    tuple
        Low and high in the unit of `value`; (nan, nan) without counts.
    """
    if counts.empty:
        return (float("nan"), float("nan"))
    days = (counts["observed_on"] - day).dt.days
    pairs = zip(counts[value], counts["bound"], strict=True)
    low, high = zip(*(as_interval(float(v), bound, reading) for v, bound in pairs), strict=True)
    return (float(np.interp(0, days, low)), float(np.interp(0, days, high)))


def departures(
    flows: pd.DataFrame, value: str, after: pd.Timestamp, until: pd.Timestamp, reading: str
) -> Interval:
    """Return how many left between two days, with room for days on which nobody reported.

    Parameters
    ----------
    flows : DataFrame
        Columns ``observed_on`` (datetime64), `value` and ``bound``; one flow a day (see
        `largest_per_day`).
    after, until : Timestamp
        The first day is left out, the last one counted.
    reading : str
        See `as_interval`. With ``interval``, a day without a report may have had as many departures
        as the largest day of the span.

    Returns
    -------
    tuple
        Low and high in the unit of `value`; (0, 0) without a flow in the span.
    """
    span = flows[(flows["observed_on"] > after) & (flows["observed_on"] <= until)]
    pairs = zip(span[value], span["bound"], strict=True)
    each = [as_interval(float(v), bound, reading) for v, bound in pairs]
    low, high = add(each)
    silent = (until - after).days - len(span)
    if reading == "interval" and each:
        high += max(silent, 0) * max(most for _, most in each)
    return (low, high)


def unexplained(
    first: pd.DataFrame,
    flows: pd.DataFrame,
    later: Interval,
    value: str,
    day: pd.Timestamp,
    reading: str,
) -> Interval:
    """Return how much of a later count neither a first count nor the departures since explain.

    Parameters
    ----------
    first : DataFrame
        One row: ``observed_on`` (datetime64), `value`, ``bound``; none gives (nan, nan).
    flows : DataFrame
        Columns ``observed_on``, `value` and ``bound``, one flow a day, as for `departures`.
    later : tuple
        The later count on `day`, low and high.
    value : str
        Column of the numbers; all are in its unit.
    day : Timestamp
        Of the later count.
    reading : str
        See `as_interval`.

    Returns
    -------
    tuple
        Low and high in the unit of `value`, as from `gap`.
    """
    if first.empty:
        return (float("nan"), float("nan"))
    flow = departures(flows, value, first["observed_on"].iloc[0], day, reading)
    return gap(at_day(first, value, day, reading), flow, later)


def inhabitants(figures: pd.DataFrame, names: Sequence[str], vintage: str) -> float:
    """Return the population of some units, one published figure each.

    Parameters
    ----------
    figures : DataFrame
        Columns ``name``, ``observed_on``, ``population_people``; several vintages a unit.
    vintage : str
        ``newest``, ``oldest`` or ``largest``.

    Returns
    -------
    float
        People; NaN when a unit has no figure, or no unit is named.
    """
    key = "population_people" if vintage == "largest" else "observed_on"
    known = figures[figures["name"].isin(names) & figures["population_people"].notna()]
    rows = known.sort_values(key, kind="stable")
    each = rows.groupby("name")["population_people"]
    chosen = each.first() if vintage == "oldest" else each.last()
    complete = len(chosen) == len(set(names)) > 0
    return float(chosen.sum()) if complete else float("nan")


def largest_per_day(flows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Keep one flow a day, the largest: reports of one day tell the same departures twice.

    It is the reading kindest to a large later stock. Ties keep the first row.

    Parameters
    ----------
    flows : DataFrame
        Columns ``observed_on``, `value`, ``row_id`` (which comes first in a tie), and any others.

    Returns
    -------
    DataFrame
        The rows kept, in the order of days.
    """
    order = flows.sort_values([value, "row_id"], ascending=[False, True])
    return order.drop_duplicates("observed_on").sort_values("observed_on")


def gap(stock_before: Interval, flow: Interval, stock_after: Interval) -> Interval:
    """Return the interval of ``after - (before + flow)``; it holds 0 when the counts can agree.

    Positive: the later stock has people that no reported departure explains.

    Parameters
    ----------
    stock_before, flow, stock_after : tuple
        Low and high of each, in one unit; NaN where not known.

    Returns
    -------
    tuple
        Low and high in that unit.
    """
    low = stock_after[0] - stock_before[1] - flow[1]
    high = stock_after[1] - stock_before[0] - flow[0]
    return (low, high)


def distance(interval: Interval, value: float) -> float:
    """Return how far a value lies outside a closed interval; 0 inside, NaN if it is not known."""
    low, high = interval
    if np.isnan(low) or np.isnan(high):
        return float("nan")
    return max(low - value, value - high, 0.0)


def running_total(statements: pd.DataFrame, value: str, day: pd.Timestamp) -> Interval:
    """Return what statements of several days say of a running total on one day.

    A running total never falls: what had been reached on a day stays a lower bound ever after, and
    what had not been passed on a day is an upper bound of all the days before.

    Parameters
    ----------
    statements : DataFrame
        Columns ``observed_on`` (datetime64), `value`, ``bound`` and ``whole`` (bool: about the
        whole total; a number of a part of it, such as one event, bounds the total from below only).

    Returns
    -------
    tuple
        Low and high in the unit of `value`; high is infinity without an upper bound. Statements
        that contradict each other leave both ends open in favour of neither: the interval reaches
        from the one to the other. (nan, nan) without statements.
    """
    if statements.empty:
        return (float("nan"), float("nan"))
    pairs = zip(statements[value], statements["bound"], strict=True)
    reach = [stated(float(number), bound) for number, bound in pairs]
    bound = statements["bound"]
    low = pd.Series([low for low, _ in reach], index=statements.index).mask(bound == "at_most", 0.0)
    high = pd.Series([high for _, high in reach], index=statements.index)
    high = high.mask((bound == "at_least") | ~statements["whole"], np.inf)
    reached = max([0.0, *low[statements["observed_on"] <= day]])
    not_passed = min([np.inf, *high[statements["observed_on"] >= day]])
    return (float(min(reached, not_passed)), float(max(reached, not_passed)))
