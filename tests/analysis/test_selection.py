"""What a share can be when part of the population was not observed."""

from itertools import product
from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kursk_claims.analysis.selection import population_bounds, share_bounds

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
OUTCOMES = st.lists(st.sampled_from([0.0, 1.0, nan]), min_size=1, max_size=7)
SHARE = st.floats(0, 1)


# -- open outcomes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "low", "high"),
    [
        ([1, 0, nan, nan], 1 / 4, 3 / 4),
        ([1, 1], 1, 1),
        ([nan], 0, 1),
        ([0, 0, 0], 0, 0),
    ],
)
def test_share_bounds_by_hand(outcomes, low, high):
    assert share_bounds(pd.Series(outcomes, dtype="float64")) == (low, high)


def test_share_bounds_of_nothing_are_not_known():
    assert all(isnan(end) for end in share_bounds(pd.Series(dtype="float64")))


@PROPERTY
@given(OUTCOMES)
def test_share_bounds_hold_every_completion_and_are_reached(outcomes):
    low, high = share_bounds(pd.Series(outcomes))
    choices = [(0.0, 1.0) if isnan(x) else (x,) for x in outcomes]
    completed = [sum(values) / len(values) for values in product(*choices)]
    assert (low, high) == pytest.approx((min(completed), max(completed)))


@PROPERTY
@given(OUTCOMES, st.data())
def test_share_bounds_close_as_outcomes_become_known(outcomes, data):
    low, high = share_bounds(pd.Series(outcomes))
    known = [data.draw(st.sampled_from([0.0, 1.0, nan])) if isnan(x) else x for x in outcomes]
    later_low, later_high = share_bounds(pd.Series(known))
    assert low <= later_low <= later_high <= high


# -- an unobserved part of the population --------------------------------------------------------


def test_population_bounds_by_hand():
    # 6 of 10 observed say yes, and 30 more are silent: 6 to 36 of 40
    low, high = population_bounds(0.6, 0.75)
    assert (low, high) == pytest.approx((6 / 40, 36 / 40))
    low, high = population_bounds(0.6, [0.0, 0.5, 1.0])
    assert low.tolist() == pytest.approx([0.6, 0.3, 0.0])
    assert high.tolist() == pytest.approx([0.6, 0.8, 1.0])


def test_population_bounds_of_a_share_not_known_are_not_known():
    assert np.isnan(population_bounds(nan, [0.0, 0.5])).all()


@pytest.mark.parametrize(("share", "part"), [(1.2, 0.5), (-0.1, 0.5), (0.5, 1.01), (0.5, [-0.1])])
def test_no_share_outside_its_range(share, part):
    with pytest.raises(ValueError, match=r"^a share is from 0 to 1$"):
        population_bounds(share, part)


@PROPERTY
@given(OUTCOMES)
def test_population_bounds_are_share_bounds_with_the_silent_as_open_outcomes(outcomes):
    series = pd.Series(outcomes)
    assume(series.notna().any())
    ends = population_bounds(float(series.mean()), float(series.isna().mean()))
    assert ends == pytest.approx(share_bounds(series))


@PROPERTY
@given(SHARE, SHARE, SHARE)
def test_population_bounds_widen_by_what_is_not_observed(share, less, more):
    low, high = population_bounds(share, sorted([less, more]))
    assert (high - low).tolist() == pytest.approx(sorted([less, more]))
    assert low[1] <= low[0] <= share <= high[0] + 1e-12
    assert high[0] <= high[1] + 1e-12
