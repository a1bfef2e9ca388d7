"""A table of the verdicts of several runs of a claim: one row a run, one column a choice varied."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from kursk_claims.display.record import Record
from kursk_claims.report.machine import inert

Row = dict[str, Any]


def rows(records: Sequence[Record]) -> list[Row]:
    """Return one row a record: claim, day, the parameters that vary, verdict, robustness, headline.

    Parameters
    ----------
    records : sequence of Record
        Of one claim or several; a parameter that a claim lacks is blank in its rows.
    """
    varied = _varied([record["parameters"] for record in records])
    return [
        {
            "claim": record["claim"],
            "as_of": record["as_of"],
            **{name: record["parameters"].get(name) for name in varied},
            "verdict": record["verdict"],
            "agree": record["robustness"]["agree"],
            "finding": record["headline"]["finding"],
            "value": record["headline"]["value"],
            "low": record["headline"]["low"],
            "high": record["headline"]["high"],
        }
        for record in records
    ]


def _varied(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names, other than the day, that have more than one value."""
    names = dict.fromkeys(name for given in parameters for name in given if name != "as_of")
    return [
        name
        for name in names
        if len({repr(given[name]) for given in parameters if name in given}) > 1
    ]


def as_csv(table: Sequence[Row]) -> str:
    """Return the table as CSV; text cannot be taken for a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table[0] if table else [])
    writer.writerows([inert(value) for value in row.values()] for row in table)
    return buffer.getvalue()


def as_text(table: Sequence[Row]) -> str:
    """Return the table as aligned text; blank where a run has no such value."""
    if not table:
        return "no run ended with a verdict"
    lines = [list(table[0]), *([_shown(value) for value in row.values()] for row in table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
