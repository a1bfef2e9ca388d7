"""The record of a run: one display bundle, HTML for people and JSON for machines.

The JSON stands inside the executed notebook under a private MIME type, so that nbval compares it
exactly and the report reads it back. Its form is `record.schema.json`.
"""

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from IPython.display import display

from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS, Look
from kursk_claims.evidence.documents import check

MIME = "application/vnd.kursk-claims.record+json"
Record = dict[str, Any]


def show(record: Record) -> None:
    """Check a record against its schema and show it once.

    Raises
    ------
    DocumentError
        If it does not have the registered form.
    """
    validate(record)
    display({"text/html": as_html(record), MIME: record, "text/plain": as_text(record)}, raw=True)


def validate(record: Record) -> None:
    """Check a record against its schema.

    Raises
    ------
    DocumentError
        If it does not have the registered form.
    """
    check(record, files(__package__).joinpath("record.schema.json").read_text("utf-8"))


def find(notebook: Mapping[str, Any]) -> Record | None:
    """Return the record inside an executed notebook (nbformat 4), or None."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                # plain mappings: those of nbformat would hold several times the memory
                found: Record = json.loads(json.dumps(output["data"][MIME]))
                return found
    return None


def badge(verdict: str) -> str:
    """Return the verdict as HTML: mark, word and colour together."""
    look: Look = VERDICTS[verdict]
    return (
        f'<span class="verdict" style="border-left:0.6em solid {look.colour};padding-left:0.4em">'
        f"{escape(look.mark)} <strong>{escape(look.label)}</strong></span>"
    )


def as_text(record: Record) -> str:
    """Return the verdict and its sentence as plain text."""
    return f"{record['claim']} as of {record['as_of']}: {record['verdict']}. {record['sentence']}"


def as_html(record: Record) -> str:
    """Return the record as a card."""
    robust = record["robustness"]
    lines = [
        ("What was found", record["sentence"]),
        ("As of", prose.day(record["as_of"])),
        (
            "Robustness",
            f"{prose.percent(robust['agree'])} of {prose.number(robust['specifications'])} "
            "specifications give this verdict",
        ),
        ("Verdict changes with", _flips(robust["flips"])),
        ("Evidence", _evidence(record["evidence"])),
        ("Rule", f"{record['rule']['hash']}, frozen on {prose.day(record['rule']['frozen_on'])}"),
    ]
    return (
        f'<section class="record"><p>{badge(record["verdict"])}</p>'
        f"{prose.table(lines, record['title'])}</section>"
    )


def _flips(flips: list[dict[str, Any]]) -> str:
    changes = [f"{flip['choice']} = {flip['value']} ({flip['verdict']})" for flip in flips]
    return "; ".join(changes) or "no single choice"


def _evidence(tables: list[dict[str, Any]]) -> str:
    rows = sum(table["rows"] for table in tables)
    return f"{prose.count(rows, 'row')} in {prose.count(len(tables), 'table')}"
