"""Counts, departures and what they leave unexplained."""

from itertools import product
from math import inf, isnan, nan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.analysis import stocks

PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)
READINGS = ("point", "interval")
VALUE = "value_people"
INTERVAL = st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**5)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


def august(number: int) -> pd.Timestamp:
    return pd.Timestamp(2024, 8, number)


def table(*rows: tuple[int, int, str]) -> pd.DataFrame:
    """Rows of day in August, people, bound."""
    return pd.DataFrame(
        {
            "row_id": [f"r{i:02d}" for i in range(len(rows))],
            "observed_on": pd.to_datetime([august(number) for number, _, _ in rows]),
            VALUE: pd.array([people for _, people, _ in rows], dtype="Int64"),
            "bound": [bound for _, _, bound in rows],
        }
    )


# -- interval arithmetic -------------------------------------------------------------------------


def test_a_point_ignores_the_bound():
    assert stocks.as_interval(121_000, "at_least", "point") == (121_000, 121_000)
    assert stocks.as_interval(121_000, "at_least", "interval") == (121_000, 122_000)


def test_add_by_hand():
    assert stocks.add([(1, 2), (10, 30)]) == (11, 32)
    assert stocks.add([]) == (0, 0)
    assert stocks.add(iter([(1, 2)])) == (1, 2)


def test_gap_by_hand():
    # 121000 to 122000 now, 76000 before, 20000 to 25000 left since: 20000 to 26000 unexplained
    assert stocks.gap((76_000, 76_000), (20_000, 25_000), (121_000, 122_000)) == (20_000, 26_000)


@PROPERTY
@given(st.lists(INTERVAL, max_size=6))
def test_add_reaches_from_the_least_to_the_largest_sum(intervals):
    sums = [sum(corner) for corner in product(*intervals)]
    assert stocks.add(intervals) == (min(sums), max(sums))


@PROPERTY
@given(INTERVAL, INTERVAL, INTERVAL)
def test_gap_reaches_from_the_least_to_the_largest_difference(before, flow, after):
    corners = [c - (a + b) for a, b, c in product(before, flow, after)]
    assert stocks.gap(before, flow, after) == (min(corners), max(corners))


@PROPERTY
@given(INTERVAL, INTERVAL, INTERVAL)
def test_gap_holds_zero_just_when_the_counts_can_agree(before, flow, after):
    low, high = stocks.gap(before, flow, after)
    reached_low, reached_high = stocks.add([before, flow])
    assert (low <= 0 <= high) == (reached_low <= after[1] and after[0] <= reached_high)


@pytest.mark.parametrize(
    ("interval", "value", "found"),
    [((10, 20), 15, 0), ((10, 20), 10, 0), ((10, 20), 20, 0), ((10, 20), 7, 3), ((10, 20), 24, 4),
     ((5, 5), 5, 0)],
)  # fmt: skip
def test_distance_by_hand(interval, value, found):
    assert stocks.distance(interval, value) == found


@pytest.mark.parametrize("interval", [(nan, 1.0), (1.0, nan), (nan, nan)])
def test_distance_from_what_is_not_known_is_not_known(interval):
    assert isnan(stocks.distance(interval, 0.5))


# -- counts on a day -----------------------------------------------------------------------------

COUNTS = table((10, 76_000, "at_least"), (14, 120_000, "exact"), (20, 121_000, "about"))


@pytest.mark.parametrize(
    ("day", "reading", "low", "high"),
    [
        (10, "point", 76_000, 76_000),
        (10, "interval", 76_000, 77_000),
        (14, "interval", 120_000, 120_000),
        (20, "interval", 120_500, 121_500),
        (12, "point", 98_000, 98_000),  # half way from 76000 to 120000
        (12, "interval", 98_000, 98_500),  # half way from 77000 to 120000
        (11, "point", 87_000, 87_000),  # a quarter
        (5, "interval", 76_000, 77_000),  # before the first
        (31, "interval", 120_500, 121_500),  # after the last
    ],
)
def test_at_day_by_hand(day, reading, low, high):
    assert stocks.at_day(COUNTS, VALUE, august(day), reading) == (low, high)


@pytest.mark.parametrize("reading", READINGS)
def test_at_day_of_no_counts_and_of_one(reading):
    assert all(isnan(end) for end in stocks.at_day(COUNTS[:0], VALUE, august(12), reading))
    for day in (1, 14, 31):
        assert stocks.at_day(COUNTS[1:2], VALUE, august(day), reading) == (120_000, 120_000)


@PROPERTY
@given(
    st.dictionaries(st.integers(1, 31), st.integers(0, 200_000), min_size=1, max_size=8),
    st.sampled_from(["exact", "at_least", "at_most", "about"]),
    st.sampled_from(READINGS),
    st.integers(1, 31),
)
def test_at_day_is_exact_at_the_counts_and_between_them_elsewhere(people, bound, reading, day):
    counts = table(*((number, n, bound) for number, n in sorted(people.items())))
    for number, n in people.items():
        found = stocks.at_day(counts, VALUE, august(number), reading)
        assert found == pytest.approx(stocks.as_interval(n, bound, reading))
    low, high = stocks.at_day(counts, VALUE, august(day), reading)
    each = [stocks.as_interval(n, bound, reading) for n in people.values()]
    assert low <= high
    assert min(least for least, _ in each) <= low
    assert high <= max(most for _, most in each)


# -- departures ----------------------------------------------------------------------------------

FLOWS = table((11, 3000, "at_least"), (12, 500, "exact"), (15, 1500, "about"))


@pytest.mark.parametrize(
    ("after", "until", "reading", "low", "high"),
    [
        (10, 12, "point", 3500, 3500),
        (10, 12, "interval", 3500, 4500),  # 3000 to 4000, and 500; both days reported
        (11, 12, "interval", 500, 500),  # the first day is left out, the last one counted
        (10, 15, "point", 5000, 5000),
        # 3000 to 4000, 500, 1450 to 1550, and the 13th and 14th silent: up to 4000 each
        (10, 15, "interval", 4950, 4000 + 500 + 1550 + 2 * 4000),
        (12, 14, "interval", 0, 0),  # no report at all to judge the silent days by
        (15, 15, "interval", 0, 0),
        (15, 10, "interval", 0, 0),
    ],
)
def test_departures_by_hand(after, until, reading, low, high):
    found = stocks.departures(FLOWS, VALUE, august(after), august(until), reading)
    assert found == (low, high)


@PROPERTY
@given(
    st.dictionaries(st.integers(1, 20), st.integers(0, 9000), max_size=10),
    st.integers(1, 20),
    st.integers(0, 11),
)
def test_departures_an_interval_holds_the_point_and_grows_with_the_span(people, after, length):
    flows = table(*((number, n, "about") for number, n in sorted(people.items())))
    span = (august(after), august(after + length))
    point, _ = stocks.departures(flows, VALUE, *span, "point")
    low, high = stocks.departures(flows, VALUE, *span, "interval")
    assert low <= point <= high
    _, longer = stocks.departures(flows, VALUE, span[0], august(after + length + 1), "interval")
    assert longer >= high


def test_unexplained_by_hand():
    first = table((10, 76_000, "at_least"))
    later = (121_000.0, 121_000.0)
    point = stocks.unexplained(first, FLOWS, later, VALUE, august(15), "point")
    assert point == (121_000 - 76_000 - 5000,) * 2
    # between: 77000 before at most, 14050 left at most; 76000 and 4950 at least
    interval = stocks.unexplained(first, FLOWS, later, VALUE, august(15), "interval")
    assert interval == (121_000 - 77_000 - 14_050, 121_000 - 76_000 - 4950)


def test_unexplained_is_not_known_without_a_first_or_a_later_count():
    none = stocks.unexplained(COUNTS[:0], FLOWS, (1.0, 1.0), VALUE, august(15), "point")
    assert all(isnan(end) for end in none)
    later = stocks.unexplained(COUNTS[:1], FLOWS, (nan, nan), VALUE, august(15), "point")
    assert all(isnan(end) for end in later)


def test_largest_per_day_by_hand():
    flows = table((12, 50, "exact"), (11, 7, "exact"), (12, 90, "exact"), (12, 90, "about"))
    found = stocks.largest_per_day(flows, VALUE)
    assert found["row_id"].tolist() == ["r01", "r02"]  # in the order of days; a tie: the first row
    assert stocks.largest_per_day(flows[:0], VALUE).empty


@PROPERTY
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), max_size=12), st.randoms())
def test_largest_per_day_has_one_row_a_day_whatever_the_order_of_rows(rows, random):
    flows = table(*((day, people, "exact") for day, people in rows))
    found = stocks.largest_per_day(flows, VALUE)
    most = {
        august(day): max(n for other, n in rows if other == day) for day in {day for day, _ in rows}
    }
    assert dict(zip(found["observed_on"], found[VALUE], strict=True)) == most
    assert found["observed_on"].is_monotonic_increasing
    order = random.sample(range(len(flows)), len(flows))
    pd.testing.assert_frame_equal(stocks.largest_per_day(flows.iloc[order], VALUE), found)


# -- inhabitants ---------------------------------------------------------------------------------

FIGURES = pd.DataFrame(
    {
        "name": ["Sudzha", "Sudzha", "Sudzha", "Rylsk", "Lgov"],
        "observed_on": pd.to_datetime(
            ["2021-10-01", "2024-01-01", "2010-10-14", "2024-01-01", "2023-01-01"]
        ),
        "population_people": [27_000, 25_000, 24_000, 30_000, 17_000],
    }
)


@pytest.mark.parametrize(
    ("names", "vintage", "people"),
    [
        (["Sudzha"], "newest", 25_000),
        (["Sudzha"], "oldest", 24_000),
        (["Sudzha"], "largest", 27_000),
        (["Sudzha", "Rylsk"], "newest", 55_000),
        (["Sudzha", "Sudzha"], "newest", 25_000),  # named twice, counted once
    ],
)
def test_inhabitants_by_hand(names, vintage, people):
    assert stocks.inhabitants(FIGURES, names, vintage) == people
    mixed = FIGURES.sample(frac=1, random_state=3)
    assert stocks.inhabitants(mixed, names, vintage) == people


def test_of_figures_of_one_day_the_row_decides_in_a_long_table_as_well():
    size = 60
    names = [f"n{i % 3}" for i in range(size)]
    figures = pd.DataFrame({"name": names, "population_people": range(size)})
    figures["observed_on"] = august(1)
    assert stocks.inhabitants(figures, names, "oldest") == 0 + 1 + 2
    assert stocks.inhabitants(figures, names, "newest") == 57 + 58 + 59


@pytest.mark.parametrize("names", [["Sudzha", "Sumy"], [], ["Sumy"]])
@pytest.mark.parametrize("vintage", ["newest", "oldest", "largest"])
def test_inhabitants_are_not_known_when_a_unit_has_no_figure(names, vintage):
    assert isnan(stocks.inhabitants(FIGURES, names, vintage))
    assert isnan(stocks.inhabitants(FIGURES[:0], names, vintage))


@pytest.mark.parametrize("names", [["Sudzha"], ["Rylsk", "Lgov"], ["Sudzha", "Rylsk", "Lgov"]])
def test_the_largest_vintage_is_the_largest(names):
    newest, oldest, largest = (
        stocks.inhabitants(FIGURES, names, vintage) for vintage in ("newest", "oldest", "largest")
    )
    assert largest >= max(newest, oldest)


# -- a running total -----------------------------------------------------------------------------


def statements(*rows: tuple[int, int, str, bool]) -> pd.DataFrame:
    """Rows of day in August, people, bound, whether they are about the whole total."""
    days, people, bound, whole = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pd.DataFrame(
        {
            "observed_on": pd.to_datetime([august(number) for number in days]),
            VALUE: pd.array(people, dtype="Int64"),
            "bound": pd.Series(bound, dtype="str"),
            "whole": pd.Series(whole, dtype="bool"),
        }
    )


@pytest.mark.parametrize(
    ("day", "interval"),
    [
        (6, (0, 594)),  # nothing said yet, but never more than the later total
        (7, (40, 594)),
        (20, (320, 594)),
        (27, (594, 594)),
        (30, (594, inf)),
    ],
)
def test_running_total_by_hand(day, interval):
    said = statements(
        (7, 40, "at_least", False), (17, 320, "exact", False), (18, 90, "at_most", False),
        (27, 594, "exact", True),
    )  # fmt: skip
    assert stocks.running_total(said, VALUE, august(day)) == interval


def test_a_part_bounds_the_total_from_below_only():
    said = statements((10, 100, "exact", False))
    assert stocks.running_total(said, VALUE, august(9)) == (0, inf)
    assert stocks.running_total(said, VALUE, august(11)) == (100, inf)


@pytest.mark.parametrize(
    ("bound", "before", "on", "after"),
    [
        ("exact", (0, 90), (90, 90), (90, inf)),
        ("at_most", (0, 90), (0, 90), (0, inf)),  # nothing need have been reached
        ("at_least", (0, inf), (90, inf), (90, inf)),  # nothing need have been left
    ],
)
def test_a_bound_of_the_whole_total_bounds_one_way_only(bound, before, on, after):
    said = statements((10, 90, bound, True))
    found = [stocks.running_total(said, VALUE, august(number)) for number in (9, 10, 11)]
    assert found == [before, on, after]


def test_a_rounded_number_reaches_as_far_as_its_unit():
    said = statements((10, 200, "about", True))
    assert stocks.running_total(said, VALUE, august(10)) == (150, 250)


def test_statements_that_contradict_leave_all_between_them_open():
    said = statements((10, 500, "exact", True), (12, 300, "exact", True))
    assert stocks.running_total(said, VALUE, august(11)) == (300, 500)


def test_a_running_total_without_statements_is_not_known():
    low, high = stocks.running_total(statements(), VALUE, august(10))
    assert isnan(low)
    assert isnan(high)


@PROPERTY
@given(
    st.lists(st.integers(0, 300), min_size=31, max_size=31),
    st.lists(st.tuples(st.integers(1, 31), st.booleans()), min_size=1, max_size=8),
    st.integers(1, 31),
    st.randoms(),
)
def test_the_true_total_lies_between_the_bounds_whatever_the_order(added, told, day, random):
    total = [sum(added[: number + 1]) for number in range(31)]
    rows = [(number, total[number - 1], "exact", whole) for number, whole in told]
    low, high = stocks.running_total(statements(*rows), VALUE, august(day))
    assert low <= total[day - 1] <= high
    mixed = statements(*random.sample(rows, len(rows)))
    assert stocks.running_total(mixed, VALUE, august(day)) == (low, high)
    backward = statements(*rows)[::-1]  # rows keep their numbers
    assert stocks.running_total(backward, VALUE, august(day)) == (low, high)
