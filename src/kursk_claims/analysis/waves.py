"""Poll waves: how the answer to one question changed around a day, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from kursk_claims.analysis.intervals import Interval, wave_variance


@dataclass(frozen=True)
class Wave:
    """One wave of one question: the share (per cent) of n respondents who gave one answer."""

    row_id: str
    start: pd.Timestamp
    """First day of fieldwork; the last one where it is not known."""
    day: pd.Timestamp
    """Last day of fieldwork."""
    share_pct: float
    n: float


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, both in percentage points; NaN: not known."""

    value: float
    error: float

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference of two independent estimates."""
        return Estimate(self.value - other.value, hypot(self.error, other.error))

    def __neg__(self) -> "Estimate":
        """Return the same seen from the other side."""
        return Estimate(-self.value, self.error)

    def interval(self, level: float = 0.95) -> Interval:
        """Return the two-sided interval of a normal estimate."""
        reach = float(stats.norm.ppf((1 + level) / 2)) * self.error
        return (self.value - reach, self.value + reach)


UNKNOWN = Estimate(nan, nan)


def series(rows: pd.DataFrame, *, respondents: float) -> list[Wave]:
    """Return the waves of one question in the order of days, one a day.

    Of several readings of one wave the first counts, then the first published.

    Parameters
    ----------
    rows : DataFrame
        Columns ``row_id``, ``fieldwork_start``, ``observed_on`` and ``published_on`` (datetime64),
        ``reading``, ``value_pct`` (0 to 100) and ``n_respondents`` of one answer to one question of
        one pollster.
    respondents : float
        Taken where a row does not say how many.
    """
    order = ["observed_on", "reading", "published_on", "row_id"]
    told = rows.sort_values(order).drop_duplicates("observed_on")
    start = told["fieldwork_start"].fillna(told["observed_on"])
    known = told["n_respondents"].astype("float64").fillna(respondents)
    columns = (told["row_id"], start, told["observed_on"], told["value_pct"], known)
    return [Wave(*row) for row in zip(*columns, strict=True)]


def before(waves: Sequence[Wave], day: pd.Timestamp) -> list[Wave]:
    """Return the waves whose fieldwork ended before a day."""
    return [wave for wave in waves if wave.day < day]


def after(waves: Sequence[Wave], day: pd.Timestamp) -> list[Wave]:
    """Return the waves whose fieldwork began on a day or later; one across it is on no side."""
    return [wave for wave in waves if wave.start >= day]


def sides(
    waves: Sequence[Wave], day: pd.Timestamp, months: int | None = None
) -> tuple[list[Wave], list[Wave]]:
    """Return the waves compared, before and after a day.

    Parameters
    ----------
    waves : sequence of Wave
        In the order of days.
    months : int, optional
        All waves within so many months of the day; without it the nearest wave on each side.
    """
    earlier, later = before(waves, day), after(waves, day)
    if months is None:
        return earlier[-1:], later[:1]
    span = pd.DateOffset(months=months)
    first, end = day - span, day + span
    return [w for w in earlier if w.start >= first], [w for w in later if w.day < end]


def mean_of_waves(waves: Sequence[Wave], design_effect: float) -> Estimate:
    """Return the mean share of independent waves; unknown when there is none.

    Standard error: ``sqrt(sum of deff * p (100 - p) / n) / waves`` (Kish 1965, "Survey Sampling").
    """
    if not waves:
        return UNKNOWN
    shares = np.array([wave.share_pct for wave in waves])
    variances = _variances(waves, design_effect)
    return Estimate(float(shares.mean()), sqrt(variances.sum()) / len(waves))


def mean_day(waves: Sequence[Wave]) -> float:
    """Return the mean last day of fieldwork as a proleptic ordinal; NaN when there is no wave."""
    return float(np.mean([wave.day.toordinal() for wave in waves])) if waves else nan


def trend(waves: Sequence[Wave], day: float, design_effect: float) -> Estimate:
    """Return what a straight line through some waves foretells for a day.

    Least squares, weighted by the sampling variances v. With more scatter about the line than
    sampling explains, the errors grow by the ratio of Birge (1932), Physical Review 40:
    ``r = sqrt(chi2 / (waves - 2))``, at least 1. The squared error is
    ``r^2 x' C x + (r^2 - 1) mean(v)``, with C the covariance of the line and x = (1, day): that of
    the line, and the scatter of a further wave beyond its sampling error, which is not in it.

    Parameters
    ----------
    waves : sequence of Wave
        At least three on different days: two would always lie on a line.
    day : float
        As `mean_day` gives it; may lie outside the waves.
    design_effect : float
        Of the waves.

    Returns
    -------
    Estimate
        Unknown when there are fewer than three waves, or one of them has no spread.
    """
    variances = _variances(waves, design_effect)
    if len(waves) < 3 or not (variances > 0).all():
        return UNKNOWN
    x = np.array([wave.day.toordinal() - day for wave in waves])
    shares = np.array([wave.share_pct for wave in waves])
    weights = 1 / np.sqrt(variances)
    line, covariance = np.polyfit(x, shares, 1, w=weights, cov="unscaled")
    chi2 = float(np.square(weights * (shares - np.polyval(line, x))).sum())
    ratio2 = max(chi2 / (len(waves) - 2), 1.0)
    square = ratio2 * float(covariance[1, 1]) + (ratio2 - 1) * float(variances.mean())
    return Estimate(float(line[1]), sqrt(square))


def change(
    waves: Sequence[Wave],
    day: pd.Timestamp,
    *,
    months: int | None = None,
    linear: bool = False,
    design_effect: float,
) -> Estimate:
    """Return how much one answer changed at a day, with its standard error.

    Parameters
    ----------
    waves : sequence of Wave
        One answer to one question, in the order of days.
    months : int, optional
        As for `sides`.
    linear : bool
        Compare with the straight line of all waves before the day, carried on to the mean day of
        the waves after (see `trend`), not with the waves before as they stand.
    design_effect : float
        Of the waves.

    Returns
    -------
    Estimate
        Unknown when a side has no wave, or a line cannot be drawn.
    """
    early, late = sides(waves, day, months)
    if not (early and late):
        return UNKNOWN
    then = mean_of_waves(early, design_effect)
    if linear:
        then = trend(before(waves, day), mean_day(late), design_effect)
    return mean_of_waves(late, design_effect) - then


def mean_of_questions(changes: Sequence[Estimate]) -> Estimate:
    """Return the mean change of several questions; unknown when there is none.

    Questions of one wave are asked of the same people, and nothing is published of how their
    answers hang together. The error is therefore the mean of the errors: the largest that any
    correlation allows (Cauchy-Schwarz), reached when all move as one.
    """
    if not changes:
        return UNKNOWN
    value, error = np.mean([(change.value, change.error) for change in changes], axis=0)
    return Estimate(float(value), float(error))


def equivalent(change: Estimate, margin: float, alpha: float = 0.05) -> bool:
    """Return whether a change is shown to be smaller than a margin, either way.

    Two one-sided tests at `alpha`, that is: the ``1 - 2 alpha`` interval lies within the margin
    (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). Not to find a change is
    not to find that there is none: an unknown or wide estimate is never equivalent.

    Parameters
    ----------
    change : Estimate
        In percentage points.
    margin : float
        Percentage points, above 0.
    alpha : float
        Of each test, 0 to 0.5.
    """
    low, high = change.interval(1 - 2 * alpha)
    return bool(-margin < low and high < margin)


def _variances(waves: Sequence[Wave], design_effect: float) -> np.ndarray:
    shares, n = [wave.share_pct for wave in waves], [wave.n for wave in waves]
    return wave_variance(shares, n=n, design_effect=design_effect)
