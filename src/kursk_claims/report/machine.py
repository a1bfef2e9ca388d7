"""The verdicts for machines: JSON with the whole records, CSV with a line a run."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kursk_claims.display.record import Record

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import Registry
    from kursk_claims.report.runs import Tested

HEADER = (
    "claim", "title", "claimant", "status", "as_of", "verdict", "sentence", "agree",
    "specifications", "finding", "value", "low", "high", "unit", "rows", "rows_cited",
    "sources_by_table", "rule_hash", "frozen_on", "page",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""As in `evidence.schema`, which brings pandas; a test holds the two together."""


def as_json(registry: "Registry", tested: Sequence["Tested"]) -> str:
    """Return the article, and every claim with the records of its runs."""
    by_claim = {one.entry.id: one for one in tested}
    claims = [
        {
            "id": entry.id,
            "title": entry.title,
            "claimant": entry.claimant,
            "kind": list(entry.kind),
            "status": entry.status,
            "runs": [{"page": found.page, "record": r.record} for r in found.runs] if found else [],
        }
        for entry in registry.claims
        for found in [by_claim.get(entry.id)]
    ]
    whole = {"schema": "kursk-claims/verdicts/1", "article": registry.article, "claims": claims}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_csv(registry: "Registry", tested: Sequence["Tested"]) -> str:
    """Return one line a run, and one a claim that has none; text can not be taken for a formula."""
    by_claim = {one.entry.id: one for one in tested}
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for entry in registry.claims:
        start: tuple[Any, ...] = (entry.id, entry.title, entry.claimant, entry.status)
        found = by_claim.get(entry.id)
        lines = [(*start, *_line(found.page, one.record)) for one in found.runs] if found else []
        for line in lines or [start]:
            padded = (*line, *[None] * (len(HEADER) - len(line)))
            writer.writerow([inert(value) for value in padded])
    return buffer.getvalue()


def inert(value: Any) -> Any:
    """Return a cell that a spreadsheet shows and never computes; numbers stay numbers.

    A carriage return becomes a line feed: `csv` would not quote it, and what follows it would be
    the first cell of another row.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_FORMULA) else text


def active(text: str) -> str:
    """Return the text that `inert` was given."""
    return text[1:] if text.startswith(tuple(f"'{sign}" for sign in _FORMULA)) else text


def inert_json(text: str) -> Markup:
    """Return JSON that can stand inside a script element and never end it."""
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def counts(record: Record) -> dict[str, int]:
    """Return how much evidence a record rests on.

    ``sources`` is added up over tables: a source that stands in two of them counts twice.
    """
    tables: Sequence[Mapping[str, Any]] = record["evidence"]
    return {
        "rows": sum(table["rows"] for table in tables),
        "cited": len({row for rows in record["cited"].values() for row in rows}),
        "tables": len(tables),
        "sources": sum(table["sources"] for table in tables),
    }


def _line(page: str, record: Record) -> tuple[Any, ...]:
    robust, headline, evidence = record["robustness"], record["headline"], counts(record)
    return (
        record["as_of"], record["verdict"], record["sentence"], robust["agree"],
        robust["specifications"], headline["finding"], headline["value"], headline["low"],
        headline["high"], headline["unit"], evidence["rows"], evidence["cited"],
        evidence["sources"], record["rule"]["hash"], record["rule"]["frozen_on"], page,
    )  # fmt: skip
