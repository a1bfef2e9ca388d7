"""Selection: what a share can be when part of those it is about were not, or not yet, observed.

Worst-case bounds after Manski (1989), "Anatomy of the selection problem", Journal of Human
Resources 24(3): nothing is assumed of the unobserved, who may all be ones or all be zeros.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from kursk_claims.analysis.intervals import Interval


def share_bounds(outcomes: pd.Series) -> Interval:
    """Return the lowest and highest share of ones when NaN outcomes are still open.

    Manski's worst-case bounds: every open outcome counted as 0, then as 1. (nan, nan) when empty.
    """
    if outcomes.empty:
        return (float("nan"), float("nan"))
    return (float(outcomes.fillna(0.0).mean()), float(outcomes.fillna(1.0).mean()))


def population_bounds(
    share: float, unobserved: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the lowest and highest share of ones in a population of which part is unobserved.

    ``[p (1 - u), p (1 - u) + u]`` for the share p among the observed and the unobserved part u of
    the population; the width is u, whatever p is.

    Parameters
    ----------
    share : float
        Among the observed, 0 to 1.
    unobserved : array_like
        Part of the population, 0 to 1, in any shape.

    Returns
    -------
    tuple of ndarray
        Low and high, in the shape of `unobserved`.

    Raises
    ------
    ValueError
        If a share lies outside 0 to 1.
    """
    part = np.asarray(unobserved, dtype="float64")
    if not (0 <= share <= 1 or np.isnan(share)) or (part < 0).any() or (part > 1).any():
        raise ValueError("a share is from 0 to 1")
    low = share * (1 - part)
    return (low, low + part)
