"""Who did what towards talks, and how much ground was held on that day."""

from math import inf, isclose, isnan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.rates import test_poisson_2indep as poisson_test

from kursk_claims.analysis import rates, talks
from kursk_claims.analysis.talks import RUSSIA, UKRAINE, Rates, rates_around

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
START = pd.Timestamp("2024-08-06")
AREAS = st.lists(st.floats(0, 1000), max_size=40)


def day(number: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=number)


def days(numbers) -> pd.Series:
    return pd.Series([day(n) for n in numbers], dtype="datetime64[ns]")


def by_day(values) -> pd.Series:
    index = pd.date_range(START, periods=len(values))
    return pd.Series(list(values), index=index, dtype="float64")


def events(*rows) -> pd.DataFrame:
    columns = ["kind", "parties", "actor", "source_side"]
    return pd.DataFrame(list(rows), columns=columns).astype("str")


# -- parties and acts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parties", "both"),
    [
        ("RU-UA", True),
        ("RU-UA via QA", True),
        ("US-RU-UA", True),
        ("RU-US", False),  # Russia with others than Ukraine
        ("UA-US", False),
        ("RU", False),
        ("RU-DE via UA", False),  # a mediator is no party
    ],
)
def test_between_by_hand(parties, both):
    found = talks.between(events(("offer", parties, "x", "y")), RUSSIA, UKRAINE)
    assert list(found) == [both]


@pytest.mark.parametrize(
    ("kind", "parties", "actor", "side", "by"),
    [
        ("offer", "RU-UA", "Putin", "russia_official", "Russia"),
        ("offer", "RU-UA", "Zelensky", "ukraine_official", "Ukraine"),
        ("refusal", "RU-UA via QA", "Russia", "media_analysis", "Russia"),  # told by others
        ("statement", "RU-UA", "Two former Russian officials", "media_analysis", "others"),
        ("direct_talks", "RU-UA", "Russia and Ukraine", "media_analysis", "both"),
        ("agreement", "RU-UA", "Russia and Ukraine", "russia_official", "both"),
        ("indirect_contact", "RU-UA via QA", "Qatar", "media_analysis", "both"),
        ("indirect_contact", "RU-US", "Rubio and Lavrov", "media_analysis", "others"),
        ("precondition", "West-RU", "Merz", "western_official", "others"),
    ],
)
def test_acts_by_hand(kind, parties, actor, side, by):
    table = events((kind, parties, actor, side))
    russian = by in ("Russia", "both") or parties == "RU-US"  # with others it is an act as well
    assert list(talks.acts_of(table, RUSSIA)) == [russian]
    assert list(talks.acts_of(table, UKRAINE)) == [by in ("Ukraine", "both")]
    assert list(talks.done_by(table, RUSSIA, UKRAINE)) == [by]


@pytest.mark.parametrize(
    ("parties", "by"),
    [("RU-UA", "both"), ("US-RU-UA", "both"), ("RU-US", "others"), ("UA-US via QA", "others")],
)
def test_what_one_of_them_does_with_a_third_party_is_not_done_by_both(parties, by):
    table = events(("direct_talks", parties, "x", "media_analysis"))
    assert list(talks.done_by(table, RUSSIA, UKRAINE)) == [by]


def test_every_event_keeps_its_own_answer():
    table = events(
        ("offer", "RU-UA", "Russia", "y"), ("direct_talks", "RU-UA", "x", "y")
    ).set_axis([8, 3])  # fmt: skip
    assert talks.between(table, RUSSIA).to_dict() == {8: True, 3: True}
    assert talks.acts_of(table, UKRAINE).to_dict() == {8: False, 3: True}
    assert talks.done_by(table, RUSSIA, UKRAINE).to_dict() == {8: "Russia", 3: "both"}


def test_no_events_have_no_parties():
    table = events()
    assert list(talks.between(table, RUSSIA)) == list(talks.acts_of(table, RUSSIA)) == []
    assert list(talks.done_by(table, RUSSIA, UKRAINE)) == []
    assert talks.between(table, RUSSIA).dtype == "bool"
    assert talks.done_by(table, RUSSIA, UKRAINE).dtype == "str"


def test_wider_links_hold_the_narrower_ones():
    explicit, implicit, any_link = (set(talks.LINKS[k]) for k in ("explicit", "implicit", "any"))
    assert explicit < implicit < any_link


# -- area ----------------------------------------------------------------------------------------


MAPS = pd.DataFrame(
    {"observed_on": days([0, 1, 4]), "held_km2": [1.0, 5, 2], "held_plus_unknown_km2": [3.0, 9, 4]}
)


@pytest.mark.parametrize(
    ("control", "expected"), [("held", [1, 5, 5, 5, 2]), ("held_or_unknown", [3, 9, 9, 9, 4])]
)
def test_a_day_without_a_map_keeps_the_day_before(control, expected):
    found = talks.held_area(MAPS, control)
    assert list(found) == expected
    assert list(found.index) == list(pd.date_range(START, periods=5))


def test_area_without_maps_is_empty_and_other_words_are_refused():
    assert talks.held_area(MAPS[:0], "held").empty
    with pytest.raises(KeyError):
        talks.held_area(MAPS, "grey")


def test_areas_begin_on_the_day_asked_for():
    found = talks.held_areas(MAPS, day(3))
    assert {name: list(area) for name, area in found.items()} == {
        "held": [5, 2],
        "held_or_unknown": [9, 4],
    }


@pytest.mark.parametrize(
    ("kind", "parties", "on", "counts"),
    [
        ("direct_talks", "RU-UA", 0, True),
        ("direct_talks", "RU-UA", -1, False),  # before the day
        ("direct_talks", "RU-US", 0, False),  # with others
        ("direct_talks", "UA-US", 0, False),
        ("indirect_contact", "RU-UA via QA", 0, False),
    ],
)
def test_first_direct_talks_are_between_the_two_and_not_before_the_day(kind, parties, on, counts):
    rows = [(kind, parties, "x", "y"), ("direct_talks", "RU-UA", "x", "y")]
    table = events(*rows).assign(observed_on=days([on, 9]))
    assert talks.first_direct(table, START) == day(on if counts else 9)
    assert talks.first_direct(table[:0], START) is None


@pytest.mark.parametrize(
    ("numbers", "gap", "expected"),
    [
        ([], 7, 0),
        ([3], 7, 1),
        ([12, 0, 5, 5], 7, 1),  # each within a week of the one before
        ([13, 0, 5], 7, 2),
        ([0, 0, 1], 0, 2),
    ],
)
def test_rounds_by_hand(numbers, gap, expected):
    assert talks.rounds(days(numbers), gap) == expected


def test_a_round_ends_with_a_week_of_silence():
    assert talks.rounds(days([0, 7])) == 1
    assert talks.rounds(days([0, 8])) == 2


@PROPERTY
@given(st.lists(st.integers(-300, 300), min_size=1, max_size=30), st.integers(0, 30))
def test_rounds_are_from_one_to_the_days_and_fewer_with_a_longer_gap(numbers, gap):
    found = talks.rounds(days(numbers), gap)
    assert 1 <= talks.rounds(days(numbers), gap + 1) <= found <= len(set(numbers))
    assert found == talks.rounds(days(sorted(numbers)), gap)


def test_area_on_days_by_hand():
    asked = days([2, 0, 0, 3, -1]).set_axis(list("abcde"))
    found = talks.area_on(asked, by_day([10, 20, 30]))
    assert list(found.index) == list("abcde")
    assert list(found.iloc[:3]) == [30, 10, 10]
    assert found.iloc[3:].isna().all()  # after the last day and before the first


@pytest.mark.parametrize(
    ("least", "held"), [(10, [True, True]), (10.5, [False, True]), (30.5, [False, False])]
)
def test_while_held_counts_the_limit_itself(least, held):
    table = pd.DataFrame({"observed_on": days([0, 2])})
    assert list(talks.while_held(table, by_day([10, 20, 30]), least)) == held


def test_nothing_is_held_without_a_map():
    table = pd.DataFrame({"observed_on": days([0])})
    assert list(talks.while_held(table, by_day([]), 0.0)) == [False]
    assert list(talks.days_held(by_day([]), [10, 100])) == [0, 0]


def test_days_held_by_hand():
    assert list(talks.days_held(by_day([0, 10, 100, 99, 500]), [10, 100, 501])) == [4, 2, 0]


@PROPERTY
@given(AREAS, st.lists(st.integers(-5, 45), max_size=20), st.floats(0, 1000), st.floats(0, 1000))
def test_a_higher_limit_holds_on_fewer_days_and_events(values, numbers, one, other):
    area, table = by_day(values), pd.DataFrame({"observed_on": days(numbers)})
    low, high = sorted((one, other))
    more, fewer = talks.days_held(area, [low, high])
    assert fewer <= more <= len(values)
    under, over = (talks.while_held(table, area, limit) for limit in (low, high))
    assert (under | ~over).all()
    again = talks.while_held(table[::-1], area, low)  # every event keeps its own answer
    assert again.sort_index().equals(under)


# -- rates ---------------------------------------------------------------------------------------


def test_rates_by_hand():
    # Covered from 14 June: 53 days. One month after 6 August: 31 days, 6 September is outside.
    first, today = pd.Timestamp("2024-06-14"), pd.Timestamp("2024-12-31")
    numbers = [-54, -53, -1, 0, 30, 31]
    found = rates_around(days(numbers), first, START, 1, today)
    assert found == Rates(before=2, after=2, days_before=53, days_after=31, passed=True)
    assert found.rose() == 1.0  # as many events in fewer days
    before, after = found.per_month
    assert isclose(before, 2 / 53 * 30.4375) and isclose(after, 2 / 31 * 30.4375)


@pytest.mark.parametrize(
    ("today", "watched", "counted", "passed"),
    [
        (-10, 0, 0, False),
        (-1, 0, 0, False),
        (0, 1, 1, False),
        (29, 30, 1, False),
        (30, 31, 2, True),
    ],
)
def test_a_window_is_open_until_its_last_day(today, watched, counted, passed):
    found = rates_around(days([-20, 0, 30]), day(-30), START, 1, day(today))
    assert (found.days_after, found.after, found.passed) == (watched, counted, passed)
    assert isnan(found.rose()) != passed


def test_what_lies_beyond_the_day_is_not_counted_before_either():
    found = rates_around(days([-20, -5]), day(-30), START, 1, day(-10))
    assert (found.before, found.days_before) == (1, 21)


def test_equal_rates_have_not_risen():
    assert Rates(before=1, after=1, days_before=30, days_after=30, passed=True).rose() == 0.0


def test_without_days_before_nothing_can_rise():
    found = rates_around(days([1, 2]), day(5), START, 1, day(100))
    assert (found.before, found.days_before) == (0, 0)
    assert isnan(found.rose()) and isnan(found.per_month[0])
    assert found.ratio() == rates.UNKNOWN


@pytest.mark.parametrize(("before", "after"), [(3, 2), (1, 9), (6, 1)])
def test_the_ratio_excludes_one_just_when_the_exact_conditional_test_rejects(before, after):
    found = Rates(before, after, 53, 92, True).ratio()
    assert isclose(found.value, (after / 92) / (before / 53))
    # Twice the smaller tail, as Clopper and Pearson take it; statsmodels sums the likelier ones.
    tails = [
        poisson_test(after, 92, before, 53, method="exact-cond", alternative=side).pvalue
        for side in ("larger", "smaller")
    ]
    assert (found.low > 1 or found.high < 1) == (2 * min(tails) < 0.05)


def test_from_nothing_the_ratio_has_no_upper_end():
    found = Rates(0, 4, 53, 92, True).ratio()
    assert found.value == found.high == inf and 0 < found.low < inf


@PROPERTY
@given(
    st.lists(st.integers(-80, 400), max_size=30),
    st.integers(1, 12),
    st.integers(-60, 400),
    st.randoms(use_true_random=False),
)
def test_rates_do_not_depend_on_the_order_and_a_settled_sign_stays(numbers, months, today, random):
    found = rates_around(days(numbers), day(-53), START, months, day(today))
    random.shuffle(numbers)
    assert rates_around(days(numbers), day(-53), START, months, day(today)) == found
    later = rates_around(days(numbers), day(-53), START, months, day(today + 100))
    assert later.before >= found.before and later.after >= found.after
    if found.passed:
        assert later == found and found.rose() in (0.0, 1.0)


@PROPERTY
@given(st.lists(st.integers(-53, 400), max_size=30), st.integers(1, 11), st.integers(0, 400))
def test_a_longer_window_counts_no_fewer(numbers, months, today):
    shorter, longer = (
        rates_around(days(numbers), day(-53), START, m, day(today)) for m in (months, months + 1)
    )
    assert longer.after >= shorter.after and longer.days_after >= shorter.days_after
    assert longer.before == shorter.before


# -- months --------------------------------------------------------------------------------------


def test_monthly_by_hand():
    first, last = pd.Timestamp("2024-06-14"), pd.Timestamp("2024-09-06")
    groups = {"offers": days([-53, -1, 0]), "refusals": days([30, 31])}
    found = talks.monthly(groups, START, first, last)
    starts = ["2024-06-06", "2024-07-06", "2024-08-06", "2024-09-06"]
    assert list(found.columns) == ["month", "offers", "refusals", "whole"]
    assert list(found["month"]) == list(pd.to_datetime(starts))
    assert list(found["offers"]) == [1, 1, 1, 0]
    assert list(found["refusals"]) == [0, 0, 1, 1]
    assert list(found["whole"]) == [False, True, True, False]
    ended = talks.monthly(groups, START, pd.Timestamp("2024-06-06"), pd.Timestamp("2024-09-05"))
    assert list(ended["whole"]) == [True, True, True]  # the first and the last day included
    short = talks.monthly(groups, START, pd.Timestamp("2024-06-06"), pd.Timestamp("2024-09-04"))
    assert list(short["whole"]) == [True, True, False]


def test_a_month_of_28_days_is_over_after_28_days():
    february, march = pd.Timestamp("2023-02-01"), pd.Timestamp("2023-03-01")
    assert list(talks.monthly({}, february, february, march)["month"]) == [february, march]


def test_a_month_that_ends_on_the_first_day_is_left_out():
    found = talks.monthly({}, START, pd.Timestamp("2024-07-06"), pd.Timestamp("2024-08-05"))
    assert list(found["month"]) == [pd.Timestamp("2024-07-06")]


@PROPERTY
@given(st.lists(st.integers(-300, 300), max_size=30), st.integers(-400, 0), st.integers(0, 400))
def test_months_hold_every_event_once_and_cover_the_span(numbers, first, last):
    inside = [n for n in numbers if first <= n <= last]
    found = talks.monthly({"events": days(inside)}, START, day(first), day(last))
    assert found["events"].sum() == len(inside)
    assert found["month"].iloc[0] <= day(first) and found["month"].iloc[-1] <= day(last)
    assert found["month"].is_monotonic_increasing and found["month"].is_unique
