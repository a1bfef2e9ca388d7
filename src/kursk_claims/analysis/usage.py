"""Usage: on which days words of each category were used, how long ago, and which one took over.

Records of speech are no sample of it: no record is not the same as no word. So nothing is computed
here but days; a category that occurs twice on one day counts once. Records stand in a table with
one row a word: columns ``observed_on`` (day) and ``category``.
"""

import pandas as pd


def days_used(records: pd.DataFrame, category: str) -> pd.DatetimeIndex:
    """Return the days on which words of a category were used, each once, in rising order.

    Parameters
    ----------
    records : DataFrame
        Columns ``observed_on`` (datetime64) and ``category``.
    """
    days = records.loc[records["category"] == category, "observed_on"]
    return pd.DatetimeIndex(days.drop_duplicates().sort_values())


def days_since(days: pd.DatetimeIndex, calendar: pd.DatetimeIndex) -> pd.Series:
    """Return how many days ago the last use was, on each day of a calendar.

    Parameters
    ----------
    days : DatetimeIndex
        Days of use, each once, rising.
    calendar : DatetimeIndex
        Any days, rising; a use after a day does not count on it.

    Returns
    -------
    Series of float
        Days, indexed by the calendar; 0 on a day of use, NaN before the first.
    """
    last = pd.Series(days, index=days).reindex(calendar, method="ffill")
    return (calendar.to_series() - last).dt.days.astype("float64")


def replaced(records: pd.DataFrame, category: str, by: str) -> bool:
    """Return whether another category of word has taken the place of one.

    Parameters
    ----------
    records : DataFrame
        Of one speaker: columns ``observed_on`` (datetime64) and ``category``.
    category : str
        The one that may have been replaced.
    by : {"last_word", "more_often"}
        ``last_word``: it is not among the words of the last day on record. ``more_often``: from the
        day of its first use on, some other category was used on more days.

    Returns
    -------
    bool
        False for a category that was never used: it had no place to be taken.

    Raises
    ------
    ValueError
        If `by` is neither of the two.
    """
    if by not in ("last_word", "more_often"):
        raise ValueError(f"by is 'last_word' or 'more_often', not {by!r}")
    used = days_used(records, category)
    if used.empty:
        return False
    if by == "last_word":
        return bool(used[-1] < records["observed_on"].max())
    since = records[records["observed_on"] >= used[0]]
    days = since.groupby("category")["observed_on"].nunique()
    return bool(days.max() > days[category])
