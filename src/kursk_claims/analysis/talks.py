"""Talks: who did what towards them, and how much ground was held on that day.

Events stand in a table with one row an event: columns ``observed_on`` (day), ``kind`` (such as
``offer``), ``parties`` (codes such as ``RU-UA via QA``: between Russia and Ukraine, through Qatar),
``actor``, ``source_side`` (who tells it) and ``link_to_kursk`` (``explicit, implicit, none``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt
import pandas as pd

from kursk_claims.analysis import rates

MONTH_DAYS = 365.25 / 12

JOINT = ("direct_talks", "indirect_contact", "agreement")
"""What all the parties do together; everything else is the act of one."""

KINDS = (*JOINT, "offer", "precondition", "refusal")
"""What moves towards talks or away from them; other events are only statements."""

BREAKS = {"start": "it begins", "declared_over": "over, says Russia; denied by Ukraine"}
"""Code of a milestone to what is said of it."""

LINKS: dict[str, tuple[str, ...]] = {
    "explicit": ("explicit",),
    "implicit": ("explicit", "implicit"),
    "any": ("explicit", "implicit", "none"),
}
"""Which codes of the link a choice lets through."""


@dataclass(frozen=True)
class Party:
    """A party: its code among the parties, the side that speaks for it, its name as an actor."""

    code: str
    side: str
    name: str


RUSSIA = Party("RU", "russia_official", "Russia")
UKRAINE = Party("UA", "ukraine_official", "Ukraine")


def between(events: pd.DataFrame, *parties: Party) -> pd.Series:
    """Return which events are between some parties, directly or through a mediator.

    Others may be at the table; a mediator (after ``via``) is no party.

    Parameters
    ----------
    events : DataFrame
        Column ``parties``.
    *parties : Party
        All of them must be named.

    Returns
    -------
    Series of bool
        In the order of the events.
    """
    wanted = {party.code for party in parties}
    named = [wanted <= set(code.split(" via ")[0].split("-")) for code in events["parties"]]
    return pd.Series(named, index=events.index, dtype="bool")


def acts_of(events: pd.DataFrame, party: Party) -> pd.Series:
    """Return which events are acts of a party.

    What is done jointly (`JOINT`) is an act of every party to it. Anything else is an act of the
    party whose officials say it, or that is itself named as the actor: reports by others of what
    its unnamed or former officials think are none.

    Parameters
    ----------
    events : DataFrame
        Columns ``kind``, ``parties``, ``actor`` and ``source_side``.

    Returns
    -------
    Series of bool
        In the order of the events.
    """
    joint = events["kind"].isin(JOINT)
    own = (events["source_side"] == party.side) | (events["actor"] == party.name)
    return (joint & between(events, party)) | (~joint & own)


def done_by(events: pd.DataFrame, one: Party, other: Party) -> pd.Series:
    """Return who did each event: the name of a party alone, ``both`` together, or ``others``.

    What a party does jointly with a third one only is done by others.

    Parameters
    ----------
    events : DataFrame
        Columns ``kind``, ``parties``, ``actor`` and ``source_side``.
    one, other : Party
        An act of both (see `acts_of`) that is not joint is taken for one of `one`.

    Returns
    -------
    Series of str
        In the order of the events.
    """
    joint = events["kind"].isin(JOINT)
    cases = [joint & between(events, one, other), joint]
    cases += [acts_of(events, one), acts_of(events, other)]
    names = np.select(cases, ["both", "others", one.name, other.name], "others")
    return pd.Series(names, index=events.index, dtype="str")


def held_area(maps: pd.DataFrame, control: str) -> pd.Series:
    """Return the area held on each day; a day without a map keeps that of the day before.

    Parameters
    ----------
    maps : DataFrame
        One row a map, one a day at most: ``observed_on`` (datetime64), ``held_km2`` and
        ``held_plus_unknown_km2`` (square kilometres).
    control : {"held", "held_or_unknown"}
        What is drawn as held, or with it what is drawn as unknown.

    Returns
    -------
    Series of float
        Square kilometres, indexed by day, from the first map to the last.

    Raises
    ------
    KeyError
        If `control` is neither of the two.
    """
    column = {"held": "held_km2", "held_or_unknown": "held_plus_unknown_km2"}[control]
    return maps.set_index("observed_on")[column].asfreq("D").ffill()


def held_areas(maps: pd.DataFrame, since: pd.Timestamp) -> dict[str, pd.Series]:
    """Return the area held on each day from some day on, by what counts as held.

    Parameters
    ----------
    maps : DataFrame
        Columns ``observed_on``, ``held_km2`` and ``held_plus_unknown_km2``, as for `held_area`.

    Returns
    -------
    dict
        ``held`` and ``held_or_unknown`` to a Series of float: square kilometres, indexed by day.
    """
    return {c: held_area(maps, c)[since:] for c in ("held", "held_or_unknown")}


def first_direct(events: pd.DataFrame, since: pd.Timestamp) -> pd.Timestamp | None:
    """Return the day of the first direct talks of Russia and Ukraine from some day on, if any.

    Parameters
    ----------
    events : DataFrame
        Columns ``observed_on`` (datetime64), ``kind`` and ``parties``.
    """
    direct = (events["kind"] == "direct_talks") & between(events, RUSSIA, UKRAINE)
    return min(events.loc[direct & (events["observed_on"] >= since), "observed_on"], default=None)


def rounds(days: pd.Series, gap_days: int = 7) -> int:
    """Return in how many rounds some events fall: a longer gap than so many days begins a new one.

    An offer, the talks that follow it within days and their agreement are one round (runs
    declustering, as for extremes: Coles 2001, "An Introduction to Statistical Modeling of Extreme
    Values", 5.3).

    Parameters
    ----------
    days : Series of datetime64
        One an event, in any order.
    gap_days : int
        At least 0.
    """
    gaps = days.sort_values().diff() > pd.Timedelta(days=gap_days)
    return int(gaps.sum()) + (not days.empty)


def area_on(days: pd.Series, area: pd.Series) -> pd.Series:
    """Return the area on each of some days.

    Parameters
    ----------
    days : Series of datetime64
        In any order; a day may stand twice.
    area : Series of float
        Square kilometres, indexed by day.

    Returns
    -------
    Series of float
        Square kilometres in the order of `days`; NaN outside the days of `area`, where nothing is
        known: the last value is not carried on.
    """
    found = area.reindex(pd.DatetimeIndex(days)).to_numpy(dtype="float64")
    return pd.Series(found, index=days.index)


def while_held(events: pd.DataFrame, area: pd.Series, least_km2: float) -> pd.Series:
    """Return which events fell on a day with at least so many square kilometres held.

    Parameters
    ----------
    events : DataFrame
        Column ``observed_on`` (datetime64).
    area : Series of float
        Square kilometres, indexed by day.
    least_km2 : float
        Square kilometres; the limit itself is enough.

    Returns
    -------
    Series of bool
        In the order of the events; False where the area is not known.
    """
    return area_on(events["observed_on"], area) >= least_km2


def days_held(area: pd.Series, levels_km2: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return on how many days at least each level was held.

    Parameters
    ----------
    area : Series of float
        Square kilometres, one value a day.
    levels_km2 : array_like, shape (k,)

    Returns
    -------
    ndarray, shape (k,)
        Days; they never rise with the level.
    """
    levels = np.asarray(levels_km2, dtype="float64")
    return np.asarray((area.to_numpy(dtype="float64")[:, None] >= levels).sum(axis=0), dtype=int)


@dataclass(frozen=True)
class Rates:
    """Events before and after a day, and the days over which they were counted."""

    before: int
    after: int
    days_before: int
    days_after: int
    passed: bool
    """Whether the window after the day has been watched to its end."""

    @property
    def per_month(self) -> tuple[float, float]:
        """Events a month of 365.25 / 12 days, before and after; NaN where nothing was watched."""
        pairs = ((self.before, self.days_before), (self.after, self.days_after))
        first, second = (n * MONTH_DAYS / days if days else nan for n, days in pairs)
        return (first, second)

    def rose(self) -> float:
        """1.0 if there were more a month than before, 0.0 if not, NaN if that is still open."""
        first, second = self.per_month
        return float(second > first) if self.passed and self.days_before else nan

    def ratio(self) -> rates.Ratio:
        """Return after over before, with its exact interval (see `rates.poisson_ratio`)."""
        if not (self.days_before and self.days_after):
            return rates.UNKNOWN
        return rates.poisson_ratio(self.before, self.after, self.days_before, self.days_after)


def rates_around(
    days: pd.Series, first: pd.Timestamp, break_on: pd.Timestamp, months: int, today: pd.Timestamp
) -> Rates:
    """Count events from the first day covered to a break, and in the months from it on.

    Parameters
    ----------
    days : Series of datetime64
        One an event.
    first : Timestamp
        First day that the evidence covers; before it nothing is counted.
    break_on : Timestamp
        Itself the first day after.
    months : int
        Calendar months counted after the break.
    today : Timestamp
        Last day watched, itself watched; the window may end later.
    """
    end = break_on + pd.DateOffset(months=months)
    watched = today + pd.Timedelta(days=1)
    early, late = min(break_on, watched), min(end, watched)
    return Rates(
        before=int(((days >= first) & (days < early)).sum()),
        after=int(((days >= break_on) & (days < late)).sum()),
        days_before=max((early - first).days, 0),
        days_after=max((late - break_on).days, 0),
        passed=watched >= end,
    )


def monthly(
    groups: Mapping[str, pd.Series], break_on: pd.Timestamp, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Count the events of some groups in each month around a day.

    Parameters
    ----------
    groups : mapping
        Name to the days of its events (Series of datetime64).
    break_on : Timestamp
        The months begin on its day of the month, both ways (see `rates.per_month`).
    first, last : Timestamp
        Months that lie wholly outside are left out.

    Returns
    -------
    DataFrame
        One row a month: ``month`` (its first day, datetime64), one column a group (events), and
        ``whole`` (bool): whether all of its days lie between `first` and `last`.
    """
    span = max((break_on - first).days, (last - break_on).days, 0) // 28 + 1
    months = pd.Series([break_on + pd.DateOffset(months=k) for k in range(-span, span + 1)])
    counts = {
        name: np.concatenate(rates.per_month(days, break_on, span)) for name, days in groups.items()
    }
    table = pd.DataFrame({"month": months[:-1], **counts})
    ends = months[1:].to_numpy()
    inside = (table["month"] >= first) & (ends <= last + pd.Timedelta(days=1))
    table = table.assign(whole=inside)
    return table[(ends > first) & (table["month"] <= last)].reset_index(drop=True)
