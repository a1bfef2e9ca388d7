"""Event studies on a monthly series, with placebo months to compare against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

Monthly = Mapping[int, float]
"""Month number (see `month_number`) to value; months without a wave are absent."""


def month_number(month: str) -> int:
    """Return a running number of a month ``YYYY-MM``; neighbouring months differ by one."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_name(number: int) -> str:
    """Return ``YYYY-MM`` of a running month number."""
    return f"{number // 12}-{number % 12 + 1:02d}"


@dataclass(frozen=True)
class Event:
    """Something that begins in a month; ``first_after`` is the month of the first wave after it.

    Both are month numbers (see `month_number`).
    """

    name: str
    start: int
    first_after: int

    def month_after(self, window: int) -> int:
        """Return the month compared, so many after the start; 0 means the first wave after it."""
        return self.first_after if window == 0 else self.start + window


def _month_before(series: Monthly, event: Event, window: int) -> float:
    found = [series[month] for month in (event.start - 2, event.start - 1) if month in series]
    return found[-1] if found else np.nan


def _mean_of_three(series: Monthly, event: Event, window: int) -> float:
    found = [series[m] for m in range(event.start - 3, event.start) if m in series]
    return float(np.mean(found)) if len(found) >= 2 else np.nan


def _trend(series: Monthly, event: Event, window: int) -> float:
    months = [m for m in range(event.start - 6, event.start) if m in series]
    if len(months) < 4:
        return np.nan
    slope, level = np.polyfit(np.array(months) - event.start, [series[m] for m in months], 1)
    return float(level + slope * (event.month_after(window) - event.start))


BASELINES: dict[str, Callable[[Monthly, Event, int], float]] = {
    "month_before": _month_before,
    "mean_of_three": _mean_of_three,
    "trend": _trend,
}
"""What the value after an event is compared with.

``month_before``: the last wave in the two months before the start. ``mean_of_three``: the mean of
the waves in the three months before, at least two. ``trend``: a least-squares line through the
waves of the six months before, at least four, carried on to the month compared.
"""


def changes(series: Monthly, events: Sequence[Event], window: int, baseline: str) -> pd.DataFrame:
    """Return the change at each event that both sides of it can be read for.

    Parameters
    ----------
    series : mapping
        Month number to value (per cent).
    events : sequence of Event
    window : int
        Months after the start; 0 for the first wave after it.
    baseline : str
        A key of `BASELINES`.

    Returns
    -------
    DataFrame
        Columns ``name``, ``start`` and ``month_after`` (month numbers), ``before`` and ``after``
        (per cent), ``change`` (percentage points); events without a value before or after are left
        out.
    """
    rows = []
    for event in events:
        before = BASELINES[baseline](series, event, window)
        month = event.month_after(window)
        after = series.get(month, np.nan)
        if np.isfinite(before) and np.isfinite(after):
            rows.append((event.name, event.start, month, before, after, after - before))
    names = ["name", "start", "month_after", "before", "after", "change"]
    return pd.DataFrame(rows, columns=names)


def without_overlap(events: Sequence[Event], window: int) -> list[Event]:
    """Return the events with no other between the month before them and the month compared."""
    kept = []
    for event in events:
        span = range(event.start - 1, max(event.month_after(window), event.start) + 1)
        if not any(other.start in span for other in events if other != event):
            kept.append(event)
    return kept


def placebo_changes(
    series: Monthly, events: Sequence[Event], window: int, baseline: str
) -> pd.DataFrame:
    """Return the changes at every month that no event touches, as `changes` does for the events.

    A month is left out when an event starts between the month before it and the month compared.

    Parameters
    ----------
    series : mapping
        Month number to value (per cent).
    events : sequence of Event
    window : int
        Months after the start; 0 is the month after it, as 1 is.
    baseline : str
        A key of `BASELINES`.

    Returns
    -------
    DataFrame
        Columns as from `changes`; ``name`` is the month, ``YYYY-MM``.
    """
    starts = {event.start for event in events}
    placebo = []
    for month in range(min(series, default=0), max(series, default=-1) + 1):
        after = month + max(window, 1)
        if not starts & set(range(month - 1, after + 1)):
            placebo.append(Event(month_name(month), month, month + 1))
    return changes(series, placebo, window, baseline)


def permutation_p(
    observed: float, placebo: np.ndarray, size: int, draws: int = 5000, seed: int = 20240806
) -> float:
    """Return how often as many placebo changes, drawn at random, rise as often as observed.

    One-sided, with the observed sample counted as one of the draws (Phipson and Smyth 2010).

    Parameters
    ----------
    observed : float
        Share of events followed by a rise, 0 to 1.
    placebo : ndarray
        Changes at placebo months.
    size : int
        Number of events.
    draws : int
        Samples of `size` placebo changes, drawn without replacement.
    seed : int
        Of the random generator.

    Returns
    -------
    float
        Above 0, up to 1; NaN without an event, or with fewer placebo changes than events.
    """
    if size == 0 or len(placebo) < size:
        return float("nan")
    random = np.random.default_rng(seed)
    order = random.random((draws, len(placebo))).argpartition(size - 1, axis=1)[:, :size]
    shares = (np.asarray(placebo)[order] > 0).mean(axis=1)
    return float((1 + (shares >= observed).sum()) / (draws + 1))
