"""What the tests of the report build from: a small collection, and notebooks never run."""

import base64
import csv
import io
import json
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kursk_claims.display import record
from kursk_claims.evidence.registry import ClaimEntry, Parameter, Registry
from kursk_claims.report import pictures, timeline
from kursk_claims.report.runs import Run

THEN, NOW = "2024-08-21", "2026-11-01"
ALT = "A single grey pixel, which stands for a figure with alt text."
SCRIPT = "</script><script>alert(1)</script>"
WINDOW = Parameter("window", "int", 1, "months to look at", (1, 2, 3), axis=True)
SIDE = Parameter("side", "str", "all", "whose count", ("all", "some"), axis=True)


# -- the registry --------------------------------------------------------------------------------


def entry(claim_id: str, **changes: Any) -> ClaimEntry:
    made = ClaimEntry(
        id=claim_id, slug="a_claim", title=f"The claim called {claim_id}", claimant="somebody",
        kind=("quantity",), status="ready", question="How many?", would_refute="Fewer.",
        estimand="A number.", method="Counting.", tables=("polls/approval", "geo/daily"),
        caveats=(), notebook="notebooks/x.ipynb", parameters=(WINDOW, SIDE),
        rule={"findings": {"n": "number of them"}, "ladder": [], "otherwise": "mixed"},
        frozen=None,
    )  # fmt: skip
    made = replace(made, **changes)
    return replace(made, frozen={"day": "2026-11-22", "hash": made.rule_hash})


def made_registry(**changes: Any) -> Registry:
    article = {
        "publisher": "A publisher", "appeared_on": THEN, "hindsight_on": NOW,
        "copy_url": "https://example.org/article", "note": "A note on the copy.",
    }  # fmt: skip
    planned = replace(entry("c02", title="A claim to come"), status="planned", rule=None)
    whole = Registry(
        article,
        (entry("c01"), replace(planned, frozen=None)),
        ({"statement": "What he thinks.", "reason": "Nobody can tell.", "nearest_claim": "c01"},),
        ({"says": "A passage.", "tested_in": ["c01"], "how": "by counting"},),
    )
    return replace(whole, **changes)


# -- the collection ------------------------------------------------------------------------------

CONTRACT = (
    "row_id", "observed_on", "published_on", "published_basis", "source", "source_side", "url",
    "bound", "note",
)  # fmt: skip
ROWS = [
    ("row-1", "2024-08-01", "2024-08-02", "seen", "A pollster", "poll", "https://example.org/1",
     "exact", "", "10", "a"),
    ("row-2", "2024-08-03", "2024-08-04", "assumed", f"Another {SCRIPT}", "poll",
     "https://example.org/2?a=1&b=2", "about", "a <b>note</b>", "20", "=1+1"),
    ("row-3", "2025-08-03", "2025-08-04", "seen", "A pollster", "independent", "javascript:x",
     "about", "", "30", "b"),
]  # fmt: skip
DAYS = [(f"2024-08-{day:02}", f"2024-08-{day:02}", str(day * 2.5)) for day in range(6, 16)]


def as_csv(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([columns, *rows])
    return buffer.getvalue().encode()


def made_home(folder: Path, rows: list[tuple[str, ...]] | None = None) -> Path:
    """Write a small collection and return its folder."""
    columns = {
        "polls/approval": (*CONTRACT, "value_pct", "group"),
        "geo/daily": ("observed_on", "published_on", "area_km2"),
    }
    series = {
        "kind": "series", "row_id_prefix": "day", "source": "A map", "source_side": "independent",
        "url": "https://example.org/map", "bound": "about", "published_basis": "seen",
    }  # fmt: skip
    kinds = {"polls/approval": {"kind": "rows"}, "geo/daily": series}
    resources = [
        {
            "name": name.replace("/", "-"), "path": f"tables/{name}.csv", "format": "csv",
            "title": f"Title of {name}", "description": "One row is one thing. It has a caveat.",
            "schema": {"fields": [{"name": n, "type": "string", "description": f"The {n}."}
                                  for n in names]},
            "licenses": [{"name": "x", "title": "Terms of the source"}],
            "evidence": {"credit": "whoever said it", **kinds[name]},
        }
        for name, names in columns.items()
    ]  # fmt: skip
    content = {
        "datapackage.json": json.dumps({"resources": resources}).encode(),
        "tables/polls/approval.csv": as_csv(columns["polls/approval"], rows or ROWS),
        "tables/geo/daily.csv": as_csv(columns["geo/daily"], DAYS),
        "corrections.yaml": (
            b"- {id: corr-01, table: polls/approval, row_id: row-1, column: value_pct, "
            b"from: '10', to: '11', reason: The page says so., evidence: The page., "
            b"date: '2026-11-22'}\n"
        ),
    }  # fmt: skip
    for name, text in content.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    (folder / "CITATION.cff").write_text(
        "title: 'kursk-claims: a test'\nauthors: [{name: The testers}]\nversion: 0.1.0\n"
        "date-released: '2026-11-22'\nlicense: MIT\n"
    )
    (folder / "LICENSE-data.md").write_text(
        "# Terms\n\n## A source\n\n| | |\n|---|---|\n| a | b |\n"
    )
    return folder


def stored_weeks(home: Path, verdicts: dict[str, dict[str, str]], **changes: str) -> Path:
    """Write the table of stored verdicts, claim by claim and week by week."""
    path = home / "data" / "results" / "verdicts.csv"
    path.parent.mkdir(exist_ok=True)
    rows = [
        {
            "claim": claim, "title": "t", "as_of": day, "verdict": verdict,
            "robustness_agree": "0.5", "headline_finding": "n", "headline_value": "1",
            "headline_low": "", "headline_high": "", "headline_unit": "x", "rows_of_evidence": "3",
            "rule_hash": entry(claim).rule_hash, "sentence": f"On {day} it was {verdict}.",
            **changes,
        }
        for claim, by_day in verdicts.items() for day, verdict in by_day.items()
    ]  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, timeline.HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


# -- notebooks -----------------------------------------------------------------------------------


def made_record(as_of: str, **changes: Any) -> record.Record:
    one = {
        "schema": "kursk-claims/record/1", "claim": "c01", "title": "The claim called c01",
        "claimant": "somebody", "kind": ["quantity"], "as_of": as_of,
        "parameters": {"as_of": as_of, "seen_only": False, "window": 1, "side": "all"},
        "verdict": "mixed", "sentence": "There were between ten and twenty of them.",
        "headline": {"finding": "n", "value": -3, "low": None, "high": 20, "unit": "persons"},
        "findings": {"n": -3, "chance": 0.5},
        "robustness": {
            "specifications": 1200, "agree": 0.25, "shares": {"mixed": 0.25, "unresolved": 0.75},
            "flips": [], "influence": {"window": 0.5, "side": 0.1},
        },
        "rule": {"hash": entry("c01").rule_hash, "frozen_on": "2026-11-22"},
        "evidence": [
            {"table": "polls/approval", "rows": 5, "sources": 2, "first": THEN, "last": THEN,
             "corrections": ["corr-01"]},
            {"table": "geo/daily", "rows": 10, "sources": 1, "first": THEN, "last": THEN,
             "corrections": []},
        ],
        "cited": {"n": ["row-1", "row-2", "day-2024-08-06"]},
    }  # fmt: skip
    return {**one, **changes}


def png(colour: int = 0x88, *, width: int = 1) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00" + bytes([colour]) * width))
    return pictures.PNG + header + pixels + chunk(b"IEND", b"")


def figure(
    alt: str | None = ALT,
    rows: int = 3,
    colour: int = 0x88,
    data: dict[str, list[Any]] | None = None,
) -> nbformat.NotebookNode:
    behind = {
        "title": "A title", "credit": "Data: us.",
        "data": data or {"x": list(range(rows)), "y": ["a"] * rows},
    }  # fmt: skip
    metadata = {"image/png": {"alt": alt}} if alt else {}
    image = base64.b64encode(png(colour)).decode()
    return new_output(
        "display_data", data={"image/png": image, pictures.FIGURE_MIME: behind}, metadata=metadata
    )


def multiverse(shift: float = 0) -> nbformat.NotebookNode:
    """Return the figure of six specifications: window 1, 2, 3 by side all, some."""
    verdicts = ["mixed", "mixed", "supported", "supported", "contradicted", "unresolved"]
    codes = ["00", "10", "20", "01", "11", "21"]
    estimates = [0.1 + shift, 0.2, 0.2, 0.4, 0.9, None]
    return figure(data={"estimate": estimates, "verdict": verdicts, "choices": codes})


def write(path: Path, found: record.Record | None, *outputs: Any, text: str = "") -> Path:
    given = list(outputs)
    tags = [[]] * len(given)
    if found:
        data = {record.MIME: found, "text/html": record.as_html(found), "text/plain": "a record"}
        given.append(new_output("display_data", data=data))
        tags = [*tags, ["record"]]
    code = [
        new_code_cell(f"n = {i}  # <b>", outputs=[output], execution_count=i, id=f"code{i}",
                      metadata={"tags": tag})
        for i, (output, tag) in enumerate(zip(given, tags, strict=True), start=1)
    ]  # fmt: skip
    injected = new_code_cell("as_of = 1", metadata={"tags": ["injected-parameters"]}, id="injected")
    heading = new_markdown_cell(f"# A heading\n\n{text}", id="heading")
    nbformat.write(new_notebook(cells=[heading, injected, *code]), path)
    return path


def made_runs(folder: Path) -> list[Run]:
    """Return the two runs of c01: a figure that differs by day, one that does not, a multiverse."""
    found = {
        THEN: made_record(THEN, verdict="unresolved", sentence="It was too early to tell then."),
        NOW: made_record(NOW, cited={"n": ["row-1", "row-2", "row-3", "day-2024-08-06"]}),
    }
    return [
        Run("c01", day, write(folder / f"c01_{day}.ipynb", found[day], figure(colour=colour),
                              figure(rows=100), multiverse(shift)))
        for day, colour, shift in ((NOW, 10, 0), (THEN, 20, 0.05))
    ]  # fmt: skip


# -- pages ---------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Every start tag of a page, with its attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]

    @property
    def ids(self) -> list[str | None]:
        return [attrs["id"] for _, attrs in self.found if "id" in attrs]
