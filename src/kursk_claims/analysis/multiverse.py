"""The multiverse: every defensible combination of choices, and what each one concludes.

After Steegen, Tuerlinckx, Gelman and Vanpaemel (2016), "Increasing transparency through a
multiverse analysis", Perspectives on Psychological Science 11(5).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce, wraps
from itertools import product
from operator import add
from typing import Any, TypeVar

import pandas as pd

from kursk_claims.analysis.verdict import Verdict, decide

T = TypeVar("T")
Specification = dict[str, Any]
Estimate = Callable[[Specification], Mapping[str, float]]


def grid(axes: Mapping[str, Sequence[Any]]) -> list[Specification]:
    """Return every combination of the choices, the last axis varying fastest."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def once_per(*choices: str) -> Callable[[Callable[[Specification], T]], Callable[..., T]]:
    """Compute what depends on some choices only once for each combination of them.

    Parameters
    ----------
    *choices : str
        What the function may read of a specification; it is given no more.

    Returns
    -------
    callable
        Decorator of a function of one specification. What the function returns is kept and given
        again, so it is not to be changed.
    """

    def decorate(function: Callable[[Specification], T]) -> Callable[..., T]:
        @cache
        def compute(*values: Any) -> T:
            return function(dict(zip(choices, values, strict=True)))

        @wraps(function)
        def look_up(specification: Specification) -> T:
            return compute(*(specification[name] for name in choices))

        return look_up

    return decorate


def run(
    axes: Mapping[str, Sequence[Any]], estimate: Estimate, rule: Mapping[str, Any]
) -> pd.DataFrame:
    """Estimate and decide under every specification.

    Parameters
    ----------
    axes : mapping
        Choice to its values.
    estimate : callable
        Takes one specification, returns the findings that the rule names.
    rule : mapping
        The registered rule.

    Returns
    -------
    DataFrame
        One row a specification: a column per choice, per finding, and ``verdict``. A finding
        that bears the name of a choice decides with the others but has no column.

    Raises
    ------
    KeyError
        If the estimate leaves out a finding that the rule names.
    """
    rows = []
    for specification in grid(axes):
        findings = dict(estimate(specification))
        verdict = decide(rule, findings).value
        beside = {name: value for name, value in findings.items() if name not in axes}
        rows.append({**specification, **beside, "verdict": verdict})
    return pd.DataFrame(rows)


def encode(results: pd.DataFrame, axes: Mapping[str, Sequence[Any]], value: str) -> pd.DataFrame:
    """Return a multiverse small enough to stand behind a figure, sorted by its estimate.

    Parameters
    ----------
    results : DataFrame
        As from `run`.
    axes : mapping
        Choice to its values, at most ten each.
    value : str
        The finding taken as the estimate.

    Returns
    -------
    DataFrame
        Columns ``estimate``, ``verdict`` and ``choices``: one digit an axis, the place of the
        chosen value among the values of that axis, from 0. Rising; an estimate of NaN last.
    """
    places = [results[name].map(list(values).index).astype("str") for name, values in axes.items()]
    codes = reduce(add, places)
    table = pd.DataFrame(
        {"estimate": results[value], "verdict": results["verdict"], "choices": codes}
    )
    return table.sort_values("estimate", kind="stable").reset_index(drop=True)


def shares(results: pd.DataFrame) -> pd.Series:
    """Return the share of specifications per verdict, in the order of the scale.

    Parameters
    ----------
    results : DataFrame
        Column ``verdict``, one row a specification.

    Returns
    -------
    Series of float
        Above 0, up to 1, in sum 1; indexed by the verdicts that occur.
    """
    share = results["verdict"].value_counts(normalize=True)
    return share.reindex([v.value for v in Verdict if v.value in share.index])


def shares_by(results: pd.DataFrame, choice: str) -> pd.DataFrame:
    """Return the share of specifications per verdict (columns) for each value of a choice.

    Parameters
    ----------
    results : DataFrame
        Columns ``verdict`` and `choice`, one row a specification.
    choice : str
        Its column.

    Returns
    -------
    DataFrame of float
        0 to 1, in sum 1 for each row: indexed by the values of the choice, rising; one column a
        verdict that occurs.
    """
    ones = pd.get_dummies(results["verdict"], dtype="float64")
    return ones.groupby(results[choice], sort=True).mean().rename_axis(columns="verdict")


def flips(
    results: pd.DataFrame, axes: Mapping[str, Sequence[Any]], main: Specification
) -> pd.DataFrame:
    """Change one choice at a time from the main specification.

    Parameters
    ----------
    results : DataFrame
        As from `run`: a column per choice, and ``verdict``.
    axes : mapping
        Choice to its values.
    main : dict
        Choice to its value in the main specification.

    Returns
    -------
    DataFrame
        Columns ``choice, value, verdict``: the single changes that give another verdict.

    Raises
    ------
    KeyError
        If the main specification is not among the results.
    """
    indexed = results.set_index(list(axes))["verdict"].sort_index()
    start = indexed.loc[tuple(main[name] for name in axes)]
    rows = []
    for name, values in axes.items():
        for value in values:
            changed = {**main, name: value}
            verdict = indexed.loc[tuple(changed[axis] for axis in axes)]
            if verdict != start:
                rows.append({"choice": name, "value": value, "verdict": verdict})
    return pd.DataFrame(rows, columns=["choice", "value", "verdict"])


def distinct(results: pd.DataFrame, axes: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return the specifications that can differ: without choices that change nothing here.

    Parameters
    ----------
    results : DataFrame
        As from `run`: a column per choice, per finding, and ``verdict``.
    axes : mapping
        Choice to its values.

    Returns
    -------
    DataFrame
        The results without the columns of those choices all of whose values give the same findings
        and verdict, whatever the other choices; one row for each combination of the choices left.
    """
    left = results
    for name, values in axes.items():
        merged = left.drop(columns=name).drop_duplicates(ignore_index=True)
        if len(merged) * len(values) == len(left):
            left = merged
    return left


def influence(results: pd.DataFrame, axes: Mapping[str, Sequence[Any]]) -> pd.Series:
    """Return how much each choice moves the verdict, 0 (not at all) to 1 (wholly).

    For each choice: the largest total variation distance between the verdict shares under two of
    its values, ``max over a, b of 1/2 * sum over verdicts of |share_a - share_b|``.

    Parameters
    ----------
    results : DataFrame
        As from `run`: a column per choice, and ``verdict``.
    axes : mapping
        Choice to its values.

    Returns
    -------
    Series of float
        0 to 1, indexed by choice, the largest first.
    """
    moved = {}
    for name in axes:
        table = shares_by(results, name).to_numpy()
        gaps = [abs(a - b).sum() / 2 for a in table for b in table]
        moved[name] = max(gaps)
    return pd.Series(moved, dtype="float64").sort_values(ascending=False, kind="stable")
