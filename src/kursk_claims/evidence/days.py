"""Days: one way to read them."""

from datetime import date

from kursk_claims.errors import ParameterError


def parse_day(value: str | date) -> date:
    """Return a day from ``YYYY-MM-DD``.

    Raises
    ------
    ParameterError
        If the text is not a date that exists.
    """
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value)
        if day.isoformat() != value:  # Python reads weeks and days of the year as well
            raise ValueError
        return day
    except (TypeError, ValueError):
        raise ParameterError(
            f"as_of: '{str(value)[:80]}' is not a date; write YYYY-MM-DD"
        ) from None
