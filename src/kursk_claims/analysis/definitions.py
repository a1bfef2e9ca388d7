"""Definitions of an event: all that can be built from some conditions, and which case is first.

A definition asks for a least level of each of several attributes; a condition that is met or not is
an attribute of levels 0 and 1, and the lowest level asks for nothing. Definitions are ordered: one
is weaker than another when it asks for no more of anything. A case that is the first to meet a
definition is the first to meet every stronger one that it meets, so the weakest ones say it all.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

Levels = Mapping[str, Sequence[float]]
"""Attribute to the least levels that a definition may ask for, rising; the first asks nothing."""


def lattice(levels: Levels) -> pd.DataFrame:
    """Return every definition: one row each, a column an attribute, the level asked for.

    Parameters
    ----------
    levels : mapping
        See `Levels`.

    Returns
    -------
    DataFrame
        As many rows as the product of the numbers of levels; the last attribute varies fastest.
    """
    return pd.DataFrame(list(product(*levels.values())), columns=list(levels), dtype="float64")


def met_by(definitions: pd.DataFrame, events: pd.DataFrame, levels: Levels) -> pd.DataFrame:
    """Return which definitions each event meets.

    Parameters
    ----------
    definitions : DataFrame
        As from `lattice`.
    events : DataFrame
        One row an event, a column an attribute. What is not known (NaN) meets no condition, but the
        level that asks for nothing is met by every event.
    levels : mapping
        See `Levels`.

    Returns
    -------
    DataFrame of bool
        Definitions by events.
    """
    asked = definitions[list(levels)].to_numpy(dtype="float64")[:, None, :]
    given = events[list(levels)].to_numpy(dtype="float64")[None, :, :]
    nothing = np.array([steps[0] for steps in levels.values()], dtype="float64")
    met = ((given >= asked) | (asked == nothing)).all(axis=2)
    return pd.DataFrame(met, index=definitions.index, columns=events.index)


def first_case(met: pd.DataFrame, case: str, earlier: Sequence[str]) -> pd.Series:
    """Return, for the definitions that a case meets, whether no earlier event meets them.

    Parameters
    ----------
    met : DataFrame of bool
        As from `met_by`: one row a definition, a column an event.
    case : str
        The event that is said to be the first.
    earlier : sequence of str
        The events before it.

    Returns
    -------
    Series of bool
        Indexed by the definitions that the case meets; empty if it is not among the events.

    Raises
    ------
    KeyError
        If an earlier event is not among the events.
    """
    if case not in met:
        return pd.Series(dtype="bool")
    return ~met.loc[met[case], list(earlier)].any(axis=1)


def minimal(definitions: pd.DataFrame, holds: pd.Series, levels: Levels) -> pd.DataFrame:
    """Return the weakest definitions under which something holds.

    What holds must hold for every stronger definition as well (see `first_case`): then a definition
    is a weakest one just when no single condition of it can be lowered by one level.

    Parameters
    ----------
    definitions : DataFrame
        As from `lattice`: one row each, a column an attribute, the level asked for.
    holds : Series of bool
        For some or all of the definitions, by their index.
    levels : mapping
        See `Levels`.

    Returns
    -------
    DataFrame
        Those rows of `definitions`, in the order of `holds`; none when it holds for none.
    """
    rows = definitions.loc[holds.index[holds.to_numpy(dtype="bool")], list(levels)]
    place = {
        name: rows[name].map({float(level): i for i, level in enumerate(steps)})
        for name, steps in levels.items()
    }
    places = pd.DataFrame(place, index=rows.index).to_numpy(dtype="int64")
    held = set(map(tuple, places))
    lower = np.eye(len(levels), dtype="int64")
    weakest = [not any(tuple(row - step) in held for step in lower) for row in places]
    return rows[np.array(weakest, dtype="bool")]


def also_met(met: pd.DataFrame, earlier: Sequence[str]) -> dict[str, list[str]]:
    """Return, for each definition, the earlier events that meet it, in the order of `met`.

    Parameters
    ----------
    met : DataFrame of bool
        As from `met_by`: one row a definition, a column an event; its index names the definitions.
    earlier : sequence of str
        Events; those that are not in `met` meet nothing.
    """
    before = met.loc[:, met.columns.isin(list(earlier))]
    return {str(name): [str(e) for e, yes in row.items() if yes] for name, row in before.iterrows()}
