"""Latencies: how long after a start a step came, within bounds, and which of two came later.

A delay is a closed interval [low, high] of hours; a step that has not come is right-censored at the
time watched, [watched, infinity). Of two delays that overlap nothing is said: they are an interval
order (Fishburn 1970, "Intransitive indifference with unequal indifference intervals", Journal of
Mathematical Psychology 7). Scoring pairs, with those that censoring leaves open set apart, follows
Gehan (1965), "A generalized Wilcoxon test for comparing arbitrarily singly-censored samples",
Biometrika 52.

Delays stand in tables with one row an episode and step: columns ``episode``, ``step``, ``low_h``
and ``high_h`` (hours), and any others.
"""

from collections.abc import Sequence
from math import inf, nan

import numpy as np
import pandas as pd

from kursk_claims.analysis.intervals import Interval


def with_open(
    delays: pd.DataFrame, episode: str, steps: Sequence[str], watched_h: float
) -> pd.DataFrame:
    """Add the steps that an episode has not come to in the time watched.

    Parameters
    ----------
    delays : DataFrame
        Columns ``episode``, ``step``, ``low_h``, ``high_h`` (hours), and any others.
    episode : str
        The one watched.
    steps : sequence of str
        Those that the episode ought to come to.
    watched_h : float
        Hours from the start of the episode; nothing is added before it starts.

    Returns
    -------
    DataFrame
        `delays`, then a row ``[watched_h, infinity)`` for each step that was missing, its other
        columns empty; rows are numbered anew when some are added.
    """
    come = set(delays.loc[delays["episode"] == episode, "step"])
    open_steps = [step for step in steps if step not in come] if watched_h > 0 else []
    rows = {"episode": episode, "step": open_steps, "low_h": float(watched_h), "high_h": inf}
    added = pd.DataFrame(rows).astype({"episode": "str", "step": "str"})
    return pd.concat([delays, added], ignore_index=True) if open_steps else delays


def middles(delays: pd.DataFrame) -> pd.DataFrame:
    """Return the delays as points, in the middle of their bounds; open ones stay as they are.

    Parameters
    ----------
    delays : DataFrame
        Columns ``low_h`` and ``high_h`` (hours; infinity for an open delay), and any others.

    Returns
    -------
    DataFrame
        `delays` with both columns at the middle.
    """
    middle = (delays["low_h"] + delays["high_h"]) / 2
    ended = np.isfinite(delays["high_h"])
    points = {name: delays[name].where(~ended, middle) for name in ("low_h", "high_h")}
    return delays.assign(**points)


def slower(ours: Interval, theirs: Interval) -> float:
    """Return 1.0 if our delay is the longer for certain, 0.0 if it cannot be, NaN if it may be.

    Equal delays are not slower.
    """
    if ours[0] > theirs[1]:
        return 1.0
    return 0.0 if ours[1] <= theirs[0] else nan


def comparisons(delays: pd.DataFrame, ours: str) -> pd.DataFrame:
    """Compare one episode with every other one, at each step that both have.

    Parameters
    ----------
    delays : DataFrame
        Columns ``episode``, ``step``, ``low_h``, ``high_h`` (hours); others are left out.
    ours : str
        The episode that is compared with the others.

    Returns
    -------
    DataFrame
        One row a step and other episode: ``step``, ``episode``, ``low_h``, ``high_h`` of the other,
        ``ours_low_h``, ``ours_high_h`` (hours), and ``slower`` (1.0, 0.0 or NaN, see `slower`).

    Raises
    ------
    ValueError
        If an episode has a step twice, or a delay ends before it begins.
    """
    if delays.duplicated(["episode", "step"]).any():
        raise ValueError("an episode has the same step twice")
    if (delays["low_h"] > delays["high_h"]).any():
        raise ValueError("a delay ends before it begins")
    bounds = delays[["step", "episode", "low_h", "high_h"]]
    own = bounds[bounds["episode"] == ours].drop(columns="episode")
    own = own.rename(columns={"low_h": "ours_low_h", "high_h": "ours_high_h"})
    pairs = bounds[bounds["episode"] != ours].merge(own, on="step")
    columns = ["ours_low_h", "ours_high_h", "low_h", "high_h"]
    scores = [slower((a, b), (c, d)) for a, b, c, d in pairs[columns].to_numpy()]
    return pairs.assign(slower=pd.Series(scores, index=pairs.index, dtype="float64"))


def decided_since(pairs: pd.DataFrame, watched_h: float) -> pd.DataFrame:
    """Return the comparisons that rest on a step of ours that came later than a time watched.

    A step that had not come by then was no shorter than that time: where the other delay was longer
    the comparison was open, and it is kept; where that was enough to be the slower it is not.

    Parameters
    ----------
    pairs : DataFrame
        As from `comparisons`: of its columns ``ours_low_h``, ``ours_high_h``, ``high_h`` and
        ``slower`` are read.
    watched_h : float
        Hours from our start.

    Returns
    -------
    DataFrame
        Those rows of `pairs`.
    """
    late = (pairs["ours_low_h"] >= watched_h) & np.isfinite(pairs["ours_high_h"])
    was_open = pairs["high_h"] >= watched_h
    kept: pd.DataFrame = pairs[late & was_open & pairs["slower"].notna()]
    return kept


def rank_bounds(delays: pd.DataFrame) -> pd.DataFrame:
    """Return the best and the worst rank that each episode can have at each step; 1 is the fastest.

    The best is one more than the number of delays that are shorter for certain; the worst leaves
    out only those that are longer for certain. For points these are the competition ranks ``min``
    and ``max`` of `scipy.stats.rankdata`.

    Parameters
    ----------
    delays : DataFrame
        Columns ``step``, ``low_h`` and ``high_h`` (hours), and any others; one row an episode and
        step.

    Returns
    -------
    DataFrame
        `delays` with ``best`` and ``worst`` (rank, 1 to ``ranked``) and ``ranked`` (episodes that
        have the step), whole numbers.
    """
    step = delays["step"].to_numpy()
    low, high = delays["low_h"].to_numpy(), delays["high_h"].to_numpy()
    same = step[:, None] == step[None, :]
    shorter = (same & (high[None, :] < low[:, None])).sum(axis=1)
    longer = (same & (low[None, :] > high[:, None])).sum(axis=1)
    ranked = same.sum(axis=1)
    return delays.assign(best=1 + shorter, worst=ranked - longer, ranked=ranked)
