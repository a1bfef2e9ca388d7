"""Every row of evidence: where it stands in the report, and which claims use it.

The tables are read as text; checking them is the business of `evidence.tables`, whose rows a test
compares with these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kursk_claims.errors import EvidenceError, ReportError
from kursk_claims.evidence import corrections as fixed
from kursk_claims.evidence.corrections import Correction
from kursk_claims.evidence.csvfile import read_csv
from kursk_claims.evidence.documents import DocumentError, bytes_of
from kursk_claims.evidence.package import read_package
from kursk_claims.report.kept import digest

CONTRACT = (
    "row_id", "observed_on", "published_on", "published_basis", "source", "source_side", "url",
    "bound", "note",
)  # fmt: skip
"""As in `evidence.schema`, which is not imported here because it brings pandas; a test holds the
two together."""
PAGE = 330_000
"""Characters of rows that a page holds, about; the rest of a table goes to further pages."""
MARKUP = {"records": (260, 26), "grid": (150, 5)}
"""Characters of markup a row and a cell bring along, about, in either layout."""
MANY = 250
"""Rows beyond which a table is laid out as a grid, not as one record after another."""


@dataclass(frozen=True)
class Place:
    """Where one row stands, and what a list of rows says of it."""

    table: str
    row_id: str
    page: str
    day: str
    source: str

    @property
    def address(self) -> str:
        """Its address, relative to the index."""
        return f"{self.page}#{self.row_id}"


@dataclass(frozen=True)
class Use:
    """A claim that uses a row, the finding it serves, and where the claim says so."""

    claim: str
    finding: str
    address: str


@dataclass(frozen=True)
class Table:
    """One table of the Data Package, as text; ``rows`` are corrected, ``content`` is not."""

    name: str
    resource: Mapping[str, Any]
    content: bytes
    rows: list[dict[str, str]]
    corrections: tuple[Correction, ...] = ()
    pages: list[list[dict[str, str]]] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """The folder it stands in."""
        return self.name.split("/")[0]

    @property
    def kind(self) -> str:
        """Either ``rows`` or ``series`` (see `evidence.schema`)."""
        return str(self.resource["evidence"]["kind"])

    @property
    def layout(self) -> str:
        """Records, one after another, where there are few rows; else a grid."""
        return "records" if self.kind == "rows" and len(self.rows) <= MANY else "grid"

    @property
    def fields(self) -> list[Mapping[str, Any]]:
        """The columns as the Data Package describes them; a unit that is not given is empty."""
        return [{"unit": "", **field} for field in self.resource["schema"]["fields"]]

    @property
    def about(self) -> tuple[str, str]:
        """What one row is, and all else that a reader should know of the table."""
        first, _, rest = str(self.resource["description"]).partition(". ")
        return (f"{first}." if rest else first, rest)

    @property
    def terms(self) -> str:
        """The terms of use, in words."""
        return "; ".join(raw.get("title", raw.get("name", "")) for raw in self.resource["licenses"])

    @property
    def file(self) -> str:
        """Where the copy of its CSV file stands, relative to the index."""
        return f"data/{self.resource['path']}"

    @cached_property
    def constants(self) -> dict[str, str]:
        """What is the same in every row, and therefore said once."""
        same = {name: {row[name] for row in self.rows} for name in (self.rows or [{}])[0]}
        return {name: next(iter(found)) for name, found in same.items() if len(found) == 1}

    @cached_property
    def varying(self) -> list[str]:
        """The table's own columns that differ from row to row."""
        names = (self.rows or [{}])[0]
        return [name for name in names if name not in CONTRACT and name not in self.constants]

    @property
    def has_one_source(self) -> bool:
        """Whether source and address are the same in every row, and so can be said once."""
        return len(self.rows) > 1 and {"source", "url"} <= set(self.constants)

    @cached_property
    def sources(self) -> int:
        """How many sources speak in it."""
        return len({row["source"] for row in self.rows})

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last day it is about; empty texts when it has no rows."""
        days = sorted(row["observed_on"] for row in self.rows if row["observed_on"])
        return (days[0], days[-1]) if days else ("", "")

    def page(self, number: int) -> str:
        """Return where one of its pages stands, counted from 1, relative to the index."""
        return f"evidence/{self.name}{'' if number == 1 else f'-{number}'}.html"


class Evidence:
    """All tables, and the place of every row.

    Raises
    ------
    ReportError
        If the Data Package or a table cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.package = _package(folder)
        self.tables = {
            table.name: table
            for raw in self.package["resources"]
            if raw.get("format") == "csv"
            for table in [_table(raw, folder)]
        }
        self._places = {name: _places(table) for name, table in self.tables.items()}

    def find(self, row_id: str, tables: Iterable[str]) -> Place | None:
        """Return the place of a row in the first of some tables that has it."""
        for name in tables:
            place = self._places.get(name, {}).get(row_id)
            if place:
                return place
        return None


def _package(folder: Path) -> dict[str, Any]:
    try:
        return read_package(folder)
    except EvidenceError as error:
        raise ReportError(str(error)) from None


def _table(raw: Mapping[str, Any], folder: Path) -> Table:
    name = "/".join(Path(raw["path"]).with_suffix("").parts[1:])
    try:
        content = bytes_of(folder / raw["path"])
        columns = [field["name"] for field in raw["schema"]["fields"]]
        cells, _ = read_csv(content, columns)
    except DocumentError as error:
        raise ReportError(f"data/{raw['path']}: cannot be read ({error})") from None
    rows = [_completed(dict(zip(columns, row, strict=True)), raw) for row in cells]
    corrections = tuple(_corrections(name, folder))
    table = Table(name, raw, content, _corrected(rows, corrections), corrections)
    table.pages.extend(_paged(table))
    return table


def _corrections(table: str, folder: Path) -> list[Correction]:
    try:
        return fixed.load_corrections(table, folder)
    except EvidenceError as error:
        raise ReportError(f"data/{error}") from None


def _corrected(
    rows: list[dict[str, str]], corrections: tuple[Correction, ...]
) -> list[dict[str, str]]:
    """Return the rows as a claim reads them; what they said before stands in the correction."""
    changed: dict[str, dict[str, str]] = {}
    for one in corrections:
        changed.setdefault(one.row_id, {})[one.column] = one.new
    return [{**row, **changed.get(row["row_id"], {})} for row in rows]


def _completed(row: dict[str, str], raw: Mapping[str, Any]) -> dict[str, str]:
    """Give a day of a computed series the columns of the contract, from the Data Package."""
    given = raw["evidence"]
    if given["kind"] == "rows":
        return row
    whole = {name: str(given.get(name, "")) for name in CONTRACT} | row
    whole["row_id"] = f"{given['row_id_prefix']}-{row['observed_on']}"
    return whole


def _paged(table: Table) -> list[list[dict[str, str]]]:
    """Split the rows so that no page grows too large; an empty table has one empty page."""
    a_row, a_cell = MARKUP[table.layout]
    shown = [name for name in (*CONTRACT, *table.varying) if name not in table.constants]
    pages: list[list[dict[str, str]]] = [[]]
    weight = 0
    for row in table.rows:
        filled = [row[name] for name in shown if row[name] or table.layout == "grid"]
        own = a_row + sum(len(text.encode()) + a_cell for text in filled)
        if weight + own > PAGE and pages[-1]:
            pages.append([])
            weight = 0
        pages[-1].append(row)
        weight += own
    return pages


def _places(table: Table) -> dict[str, Place]:
    return {
        row["row_id"]: Place(
            table.name, row["row_id"], table.page(number), row["observed_on"], row["source"]
        )
        for number, page in enumerate(table.pages, start=1)
        for row in page
    }


def key_of(table: Table) -> str:
    """Return a hash of all that the table itself brings to its pages."""
    return digest(table.content, table.resource, table.corrections)
