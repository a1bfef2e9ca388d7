"""Corrections: every change to a published figure, in the open, with a guard.

``data/corrections.yaml`` lists them. The CSV keeps the figure as it was published; the correction
is applied when the table is read, and only while the cell holds the value it was written for.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.documents import DocumentError, read_yaml, text_of
from kursk_claims.evidence.paths import data_dir

if TYPE_CHECKING:  # a list of corrections has no use for it
    import pandas as pd

FILE = "corrections.yaml"
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "table", "row_id", "column", "from", "to", "reason", "evidence", "date"],
        "properties": {
            "id": {"type": "string", "pattern": "^corr-[0-9]+$"},
            "table": {"type": "string", "pattern": "^[a-z_]+/[a-z0-9_]+$"},
            "row_id": _TEXT,
            "column": _TEXT,
            "from": _TEXT,
            "to": _TEXT,
            "reason": {"type": "string", "minLength": 10},
            "evidence": {"type": "string", "minLength": 5},
            "date": {"type": "string", "format": "date"},
        },
    },
}


@dataclass(frozen=True)
class Correction:
    """One cell changed: what it was, what it is, why, and what proves it."""

    id: str
    table: str
    row_id: str
    column: str
    old: str
    new: str
    reason: str
    evidence: str
    date: str


def load_corrections(table: str | None = None, folder: Path | None = None) -> list[Correction]:
    """Return the corrections, of one table or all.

    Raises
    ------
    EvidenceError
        If the file cannot be read or an entry is not complete.
    """
    try:  # a missing file is an error too: without it, figures would change unseen
        entries = _parse(text_of((folder or data_dir()) / FILE))
    except DocumentError as error:
        raise EvidenceError(f"{FILE}: {error}") from None
    return [entry for entry in entries if table in (None, entry.table)]


@lru_cache(maxsize=8)
def _parse(text: str) -> tuple[Correction, ...]:
    raw = read_yaml(text, json.dumps(_SCHEMA)) or []
    ids = [item["id"] for item in raw]
    if len(set(ids)) != len(ids):
        raise DocumentError("an id stands twice")
    return tuple(
        Correction(old=entry.pop("from"), new=entry.pop("to"), **entry)
        for entry in (dict(item) for item in raw)
    )


def apply(frame: "pd.DataFrame", corrections: list[Correction]) -> "pd.DataFrame":
    """Return the text of a table with its corrections applied.

    Raises
    ------
    EvidenceError
        If a row or column is gone, or the cell no longer holds the value the correction was
        written for: the guard that keeps a correction from outliving its error.
    """
    frame = frame.copy()
    for c in corrections:
        place = f"{FILE}: {c.id}: data/tables/{c.table}.csv, row {c.row_id[:80]}"
        here = frame["row_id"] == c.row_id if "row_id" in frame else frame.index < 0
        if here.sum() != 1 or c.column not in frame:
            raise EvidenceError(
                f"{place}, column {c.column[:80]}: no such cell, or several; mend the entry"
            )
        found = str(frame.loc[here, c.column].fillna("").iloc[0])
        if found != c.old:
            raise EvidenceError(
                f"{place}, column {c.column}: holds {found[:80]!r}, not {c.old[:80]!r} any more;\n"
                "the source may have been mended: check it, then remove the correction"
            )
        frame.loc[here, c.column] = c.new or None
    return frame
