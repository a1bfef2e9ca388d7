"""The verdicts for machines: JSON with the whole records, CSV with a line a run."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kursk_claims.display.record import Record

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import ClaimEntry, Registry

Records = Mapping[str, Record]
"""Path of a page, relative to the index, to the record behind it."""

HEADER = (
    "claim", "title", "claimant", "status", "as_of", "verdict", "sentence", "agree",
    "specifications", "finding", "value", "low", "high", "unit", "rows", "rows_cited",
    "sources_by_table", "rule_hash", "frozen_on", "page",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(registry: "Registry", records: Records) -> str:
    """Return the article, and every claim with the records of its runs."""
    claims = [
        {
            "id": entry.id,
            "title": entry.title,
            "claimant": entry.claimant,
            "kind": list(entry.kind),
            "status": entry.status,
            "runs": [{"page": page, "record": r} for page, r in _of(entry, records)],
        }
        for entry in registry.claims
    ]
    whole = {"schema": "kursk-claims/verdicts/1", "article": registry.article, "claims": claims}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_csv(registry: "Registry", records: Records) -> str:
    """Return one line a run, and one a claim that has none; text can not be taken for a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for entry in registry.claims:
        start: tuple[Any, ...] = (entry.id, entry.title, entry.claimant, entry.status)
        found = [(*start, *_line(page, record)) for page, record in _of(entry, records)]
        for line in found or [start]:
            padded = (*line, *[None] * (len(HEADER) - len(line)))
            writer.writerow([inert(value) for value in padded])
    return buffer.getvalue()


def inert(value: Any) -> Any:
    """Return a cell that a spreadsheet shows and never computes; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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


def _of(entry: "ClaimEntry", records: Records) -> list[tuple[str, Record]]:
    return [(page, record) for page, record in records.items() if record["claim"] == entry.id]


def _line(page: str, record: Record) -> tuple[Any, ...]:
    robust, headline, evidence = record["robustness"], record["headline"], counts(record)
    return (
        record["as_of"], record["verdict"], record["sentence"], robust["agree"],
        robust["specifications"], headline["finding"], headline["value"], headline["low"],
        headline["high"], headline["unit"], evidence["rows"], evidence["cited"],
        evidence["sources"], record["rule"]["hash"], record["rule"]["frozen_on"], page,
    )  # fmt: skip
