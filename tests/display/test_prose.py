"""Words for numbers: one spelling, in English, on every machine."""

import locale
from contextlib import suppress
from datetime import date
from html.parser import HTMLParser
from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kursk_claims.display import prose
from kursk_claims.display.prose import MINUS

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)
HOSTILE = "<script>alert(\"1\")</script> & 'x'"


def read(text: str) -> float:
    """The number behind a text."""
    return float(text.replace(MINUS, "-").replace(",", ""))


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (121_000, 0, "121,000"),
        (0, 0, "0"),
        (-3, 0, "\u22123"),  # a minus sign, not a hyphen
        (-1234.56, 1, "\u22121,234.6"),
        (0.045, 2, "0.04"),  # 0.045 is stored a little below itself
        (999.96, 1, "1,000.0"),
        (-0.4, 0, "0"),  # no minus before what reads as nothing
        (-0.0, 2, "0.00"),
        (-0.004, 2, "0.00"),
        (-0.006, 2, "\u22120.01"),
        (nan, 3, "not known"),
        (np.int64(7), 0, "7"),
        (np.float64(7.25), 1, "7.2"),
    ],
)
def test_number_by_hand(value, digits, text):
    assert prose.number(value, digits) == text


@PROPERTY
@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_number_reads_back_within_half_of_its_last_digit(value, digits):
    text = prose.number(value, digits)
    assert abs(read(text) - value) <= 0.5 * 10**-digits * (1 + 1e-6)
    assert "-" not in text
    assert text.startswith(MINUS) == (read(text) < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "+3"),
        (-3, "\u22123"),
        (-2.6, "\u22123"),
        (0, "0"),
        (-0.3, "0"),
        (0.3, "0"),
        (nan, "not known"),
    ],
)
def test_signed_by_hand(value, text):
    assert prose.signed(value) == text


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.43, 0, "43%"),
        (1, 0, "100%"),
        (0, 0, "0%"),
        (2 / 3, 1, "66.7%"),
        (-0.2, 0, "\u221220%"),
        (nan, 0, "not known"),  # without a per cent sign
    ],
)
def test_percent_by_hand(share, digits, text):
    assert prose.percent(share, digits) == text


@pytest.mark.parametrize(
    ("low", "high", "digits", "text"),
    [
        (10, 20, 0, "10 to 20"),
        (10.2, 10.4, 0, "10"),  # both read the same
        (10.2, 10.4, 1, "10.2 to 10.4"),
        (-5, 3, 0, "\u22125 to 3"),
        (nan, nan, 0, "not known"),
        (nan, 4, 0, "not known to 4"),
    ],
)
def test_interval_by_hand(low, high, digits, text):
    assert prose.interval(low, high, digits) == text


# -- counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "noun", "text"),
    [
        (0, ("crisis",), "no crises"),
        (1, ("crisis",), "one crisis"),
        (2, ("crisis",), "two crises"),
        (12, ("crisis",), "twelve crises"),
        (13, ("crisis",), "13 crises"),
        (1, ("row",), "one row"),
        (14, ("row",), "14 rows"),
        (1234, ("row",), "1,234 rows"),
        (1, ("was", "were"), "one was"),
        (3, ("was", "were"), "three were"),
        (np.int64(2), ("row",), "two rows"),
    ],
)
def test_count_by_hand(value, noun, text):
    assert prose.count(value, *noun) == text


@PROPERTY
@given(st.integers(2, 10**7))
def test_only_one_is_singular(value):
    assert prose.count(value, "analysis").endswith(" analyses")
    assert prose.count(value, "month").endswith(" months")


# -- days ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-08-06", "6 August 2024"),
        (date(2024, 2, 29), "29 February 2024"),
        (pd.Timestamp("1999-12-31"), "31 December 1999"),
    ],
)
def test_day_by_hand(value, text):
    assert prose.day(value) == text


@pytest.mark.parametrize("bad", ["2024-02-30", "6 August 2024", ""])
def test_what_is_no_day_is_an_error(bad):
    with pytest.raises(ValueError, match=r"isoformat|day is out of range|day must be"):
        prose.day(bad)


class Unspoken(date):
    """A day that will not be formatted by the machine's locale."""

    def strftime(self, form: str) -> str:
        raise AssertionError(f"depends on the locale: {form}")

    __format__ = strftime


def test_day_asks_no_locale_for_a_month():
    assert prose.day(Unspoken(2024, 8, 6)) == "6 August 2024"


def test_prose_is_the_same_under_every_locale_of_this_machine():
    before, said = locale.setlocale(locale.LC_ALL), []
    try:
        for setting in ("C", "", "de_DE.UTF-8", "ru_RU.UTF-8", "tr_TR.UTF-8"):
            with suppress(locale.Error):  # not every machine has them all
                locale.setlocale(locale.LC_ALL, setting)
            said.append((prose.day("2024-05-01"), prose.number(-1234.5, 1), prose.percent(0.12)))
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert set(said) == {("1 May 2024", "\u22121,234.5", "12%")}


# -- lists, sentences, tables --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "text"),
    [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_listed_by_hand(items, text):
    assert prose.listed(items) == text


def test_listed_with_another_word():
    assert prose.listed(["a", "b"], "or") == "a or b"


@pytest.mark.parametrize(
    ("text", "expected"), [("none fails", "None fails"), ("", ""), ("NATO", "NATO"), ("7 a", "7 a")]
)
def test_sentence_by_hand(text, expected):
    assert prose.sentence(text) == expected


class Cells(HTMLParser):
    """The tags and the texts of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_table_escapes_everything_and_keeps_the_order():
    rows = [("b" + HOSTILE, "1" + HOSTILE), ("a", "2")]
    cells = Cells(prose.table(rows, HOSTILE))
    row = ["tr", "th", "td"]
    assert cells.tags == ["table", "caption", "tbody", *row, *row]
    assert cells.texts == [HOSTILE, "b" + HOSTILE, "1" + HOSTILE, "a", "2"]


def test_an_estimate_stands_with_its_interval():
    assert prose.estimate(0.789, 0.1627, 3.832, 2) == "0.79 (95% interval 0.16 to 3.83)"
    assert prose.estimate(-3, -5, -1) == "\u22123 (95% interval \u22125 to \u22121)"
    assert prose.estimate(2, 0.5, float("inf"), 1) == "2.0 (95% interval 0.5 and more)"
    assert prose.estimate(float("nan"), float("nan"), float("nan")) == "not known"
    assert prose.estimate(0.5, float("nan"), float("nan"), 1) == "0.5 (95% interval not known)"


def test_table_heads_its_rows_and_may_be_empty():
    assert prose.table([("a", "1")], "c").count('<th scope="row"') == 1
    assert Cells(prose.table([], "nothing")).texts == ["nothing"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (0.004, "under 1%"),
        (0.006, "1%"),
        (0.996, "over 99%"),
        (0.994, "99%"),
        (1.0, "100%"),
    ],
)
def test_a_few_and_nearly_all_are_not_rounded_away(share, text):
    assert prose.percent(share) == text


def test_dated_by_hand():
    days = pd.to_datetime(["2024-08-06", "2024-08-07"])
    said = "6 August 2024 (it begins) and 7 August 2024 (it goes on)"
    assert prose.dated(days, ["it begins", "it goes on"]) == said
    assert prose.dated([], []) == "none"


def test_bounds_in_words():
    ends = [(0, 300), (1000, inf), (900, 2000), (5, 5)]
    words = ["at most 300", "at least 1,000", "900 to 2,000", "5"]
    assert [prose.between(*pair) for pair in ends] == words
