"""On which days a word was used, how long ago, and whether another one took its place."""

from math import isnan, nan

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.analysis.usage import days_since, days_used, replaced

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
START = pd.Timestamp("2024-08-06")
WORDS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), max_size=14)


def day(number: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=number)


def records(pairs) -> pd.DataFrame:
    days, categories = zip(*pairs, strict=True) if pairs else ((), ())
    index = pd.DatetimeIndex([day(number) for number in days], dtype="datetime64[us]")
    return pd.DataFrame({"observed_on": index, "category": pd.Series(categories, dtype="str")})


def by_hand(text: str) -> pd.DataFrame:
    """Records of ``"ab.a"``: one category a day, ``.`` for a day without a record."""
    return records([(number, sign) for number, sign in enumerate(text) if sign != "."])


# -- days ----------------------------------------------------------------------------------------


def test_a_word_that_falls_twice_on_one_day_counts_once():
    used = days_used(records([(3, "a"), (0, "a"), (3, "a"), (1, "b")]), "a")
    assert list(used) == [day(0), day(3)]
    assert days_used(records([(1, "b")]), "a").empty
    assert days_used(records([]), "a").empty


def test_days_since_by_hand():
    gaps = days_since(days_used(by_hand(".a..a"), "a"), pd.date_range(START, periods=7))
    assert isnan(gaps.iloc[0])
    assert list(gaps.iloc[1:]) == [0, 1, 2, 0, 1, 2]


def test_days_since_on_single_days_and_without_a_use():
    used = days_used(by_hand("a..a"), "a")
    assert list(days_since(used, pd.DatetimeIndex([day(2), day(30)]))) == [2, 27]
    never = days_since(used[:0], pd.date_range(START, periods=3))
    assert never.isna().all() and len(never) == 3
    assert days_since(used, pd.DatetimeIndex([])).empty


@PROPERTY
@given(WORDS, st.integers(0, 15))
def test_days_since_as_by_search_and_blind_to_later_uses(pairs, number):
    used = days_used(records(pairs), "a")
    before = [n for n, category in pairs if category == "a" and n <= number]
    expected = float(number - max(before)) if before else nan
    for known in (used, used[used <= day(number)]):
        gap = days_since(known, pd.DatetimeIndex([day(number)])).iloc[0]
        assert gap == expected or (isnan(gap) and isnan(expected))


# -- replaced ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "last_word", "more_often"),
    [
        ("a", False, False),
        ("ab", True, False),  # as often is not more often
        ("abb", True, True),
        ("abba", False, False),
        ("abbba", False, True),  # the last word again, but on fewer days
        ("bbba", False, False),  # what came before its first use took no place
        ("abc", True, False),  # two others together are not one that replaced it
        ("a..b", True, False),
        ("b", False, False),  # never used
        ("", False, False),
    ],
)
def test_replaced_by_hand(text, last_word, more_often):
    assert replaced(by_hand(text), "a", "last_word") is last_word
    assert replaced(by_hand(text), "a", "more_often") is more_often


def test_on_one_day_the_order_of_words_is_not_known():
    assert not replaced(records([(0, "a"), (4, "b"), (4, "a"), (4, "b")]), "a", "last_word")
    assert not replaced(records([(0, "a"), (0, "b"), (0, "b")]), "a", "more_often")


def test_another_criterion_is_refused():
    with pytest.raises(ValueError, match="not 'louder'"):
        replaced(records([]), "a", "louder")


@PROPERTY
@given(WORDS, st.randoms(use_true_random=False), st.sampled_from(["last_word", "more_often"]))
def test_neither_order_nor_repetition_matters(pairs, random, by):
    shuffled = [*pairs, *pairs[:3]]
    random.shuffle(shuffled)
    assert replaced(records(shuffled), "a", by) == replaced(records(pairs), "a", by)


@PROPERTY
@given(WORDS, st.sampled_from(["last_word", "more_often"]))
def test_a_further_use_never_makes_it_replaced(pairs, by):
    before = replaced(records(pairs), "a", by)
    again = replaced(records([*pairs, (13, "a")]), "a", by)
    assert not replaced(records([*pairs, (13, "a")]), "a", "last_word")
    if any(category == "a" for _, category in pairs):
        assert again <= before


@PROPERTY
@given(WORDS)
def test_replaced_as_by_count(pairs):
    used = {n for n, category in pairs if category == "a"}
    others = [{n for n, c in pairs if c == o and used and n >= min(used)} for o in "bc"]
    expected = bool(used) and any(len(days) > len(used) for days in others)
    assert replaced(records(pairs), "a", "more_often") == expected
    assert replaced(records(pairs), "a", "last_word") == (
        bool(used) and max(used) < max(n for n, _ in pairs)
    )
