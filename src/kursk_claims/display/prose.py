"""Words for numbers, so that no number is ever typed into prose."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from math import isinf, isnan

MINUS = "\u2212"
LEVEL = "95% interval"
"""The name of every interval the collection prints."""
_SMALL = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def number(value: float, digits: int = 0) -> str:
    """Return 121000 as ``121,000``; NaN as ``not known``."""
    if isnan(value):
        return "not known"
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(figure in text for figure in "123456789")
    return MINUS + text if negative else text


def signed(value: float, digits: int = 0) -> str:
    """Return a number with its sign: ``+3`` or ``−3``; what reads as nothing has none."""
    text = number(value, digits)
    positive = value > 0 and any(figure in text for figure in "123456789")
    return f"+{text}" if positive else text


def percent(share: float, digits: int = 0) -> str:
    """Return a share of 0 to 1 as ``43%``; next to nothing and next to all are not rounded away."""
    if isnan(share):
        return "not known"
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"under {number(least, digits)}%"
    if 0 < 100 * (1 - share) < least / 2:
        return f"over {number(100 - least, digits)}%"
    return f"{number(100 * share, digits)}%"


def interval(low: float, high: float, digits: int = 0) -> str:
    """Return ``10 to 20``, or the one number when both ends read the same.

    Parameters
    ----------
    low, high : float
        In one unit; NaN reads ``not known``.
    digits : int
        Decimals.
    """
    first, last = number(low, digits), number(high, digits)
    return first if first == last else f"{first} to {last}"


def between(low: float, high: float, digits: int = 0) -> str:
    """Return bounds of what is not negative: ``at most 300``, ``at least 5`` or ``9 to 20``.

    Parameters
    ----------
    low, high : float
        In one unit; 0 is no lower bound, infinity no upper one.
    digits : int
        Decimals.
    """
    if isinf(high):
        return f"at least {number(low, digits)}"
    return interval(low, high, digits) if low > 0 else f"at most {number(high, digits)}"


def estimate(value: float, low: float, high: float, digits: int = 0) -> str:
    """Return ``0.79 (95% interval 0.16 to 3.83)``, or ``not known`` without a value.

    Parameters
    ----------
    value : float
        NaN when it is not known.
    low, high : float
        In the unit of the value; an infinite `high` reads ``and more``.
    digits : int
        Decimals.
    """
    if isnan(value):
        return number(value)
    span = f"{number(low, digits)} and more" if isinf(high) else interval(low, high, digits)
    return f"{number(value, digits)} ({LEVEL} {span})"


def word(value: int) -> str:
    """Return ``three`` or ``22``: whole numbers to twelve as words, zero as ``no``."""
    return _SMALL[value] if 0 <= value < len(_SMALL) else number(value)


def count(value: int, one: str, many: str | None = None) -> str:
    """Return ``one crisis`` or ``14 crises`` (see `word`).

    Parameters
    ----------
    value : int
        Not negative.
    one : str
        The singular.
    many : str, optional
        The plural; by default with ``s``, or with ``es`` in place of a final ``is``.
    """
    plural = f"{one[:-2]}es" if one.endswith("is") else f"{one}s"
    return f"{word(value)} {one if value == 1 else many or plural}"


def day(value: str | date) -> str:
    """Return a date as ``6 August 2024``, in English whatever the locale."""
    when = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def dated(days: Iterable[date], texts: Iterable[str]) -> str:
    """Return ``6 August 2024 (it begins) and 7 August 2024 (it goes on)``; ``none`` for none."""
    pairs = zip(days, texts, strict=True)
    return listed([f"{day(when)} ({text})" for when, text in pairs])


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return ``a, b and c``; ``none`` for an empty list."""
    if not items:
        return "none"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def sentence(text: str) -> str:
    """Return the text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def table(rows: Sequence[tuple[str, str]], caption: str) -> str:
    """Return a two-column HTML table with row headings; everything is escaped."""
    body = "".join(
        f'<tr><th scope="row" style="text-align:left;vertical-align:top">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return (
        f'<table class="contract"><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>'
    )
