"""The Data Package as the one source of every table's schema.

``data/datapackage.json`` (https://datapackage.org, version 2) names each table, its columns, types,
units and constraints. This module turns a resource of it into a pandera schema over the text of
the CSV, so that an error can show the value exactly as it stands in the file.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.package import FILE, parse, read_package, text_of
from kursk_claims.evidence.paths import data_dir

CONTRACT = (
    "row_id",
    "observed_on",
    "published_on",
    "published_basis",
    "source",
    "source_side",
    "url",
    "bound",
    "note",
)
"""The columns every row has, in this order, before the table's own."""


ORDER = "published_on before observed_on"


@dataclass(frozen=True, eq=False)
class Resource:
    """One table of the Data Package.

    ``kind`` is ``rows`` (one published statement or dated event a row, with its own source) or
    ``series`` (a computed daily series whose source stands once, in ``defaults``). The same
    object as long as the Data Package stays the same, so a key for memos.
    """

    name: str
    path: Path
    title: str
    description: str
    kind: str
    fields: tuple[dict[str, Any], ...]
    defaults: dict[str, str]
    sources: tuple[dict[str, str], ...]
    licences: tuple[dict[str, str], ...]

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the file."""
        return [str(field["name"]) for field in self.fields]


def load_package(folder: Path | None = None) -> dict[str, Resource]:
    """Read ``datapackage.json``; keys are table names such as ``polls/approval``.

    Raises
    ------
    EvidenceError
        If the file is missing, is not JSON, or a table lacks a column of the contract.
    """
    folder = folder or data_dir()
    return _resources(text_of(folder), folder)


def load_credits(folder: Path | None = None) -> dict[str, str]:
    """Return the credit line of every resource, tables and map layers, by name."""
    return {
        "/".join(Path(raw["path"]).with_suffix("").parts[-2:]): str(raw["evidence"]["credit"])
        for raw in read_package(folder)["resources"]
    }


@lru_cache(maxsize=8)
def _resources(text: str, folder: Path) -> dict[str, Resource]:
    tables = (raw for raw in parse(text)["resources"] if raw["format"] == "csv")
    resources = [_resource(raw, folder) for raw in tables]
    return {resource.name: resource for resource in resources}


def _resource(raw: dict[str, Any], folder: Path) -> Resource:
    path = Path(raw["path"])
    evidence = dict(raw["evidence"])
    resource = Resource(
        name="/".join(path.with_suffix("").parts[1:]),
        path=folder / path,
        title=raw["title"],
        description=raw["description"],
        kind=evidence.pop("kind"),
        fields=tuple(raw["schema"]["fields"]),
        defaults={key: str(value) for key, value in evidence.items()},
        sources=tuple(raw.get("sources", [])),
        licences=tuple(raw.get("licenses", [])),
    )
    expected = CONTRACT if resource.kind == "rows" else ("observed_on", "published_on")
    if tuple(resource.columns[: len(expected)]) != expected:
        raise EvidenceError(
            f"{FILE}: {resource.name} must begin with the columns {', '.join(expected)}"
        )
    return resource


DAY = r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First signs that make a spreadsheet compute a cell; the tables are given away as they are."""
SHAPES = {
    "date": re.compile(DAY),
    "datetime": re.compile(DAY + r"T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})"),
    "integer": re.compile(r"-?[0-9]{1,15}"),
    "number": re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?"),
}
"""How a value is written; Python and pandas read more (``1_000``, weeks), and not the same."""


def _is_date(text: str) -> bool:
    try:
        return bool(SHAPES["date"].fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_datetime(text: str) -> bool:
    try:
        return bool(SHAPES["datetime"].fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return bool(SHAPES["number"].fullmatch(text)) and abs(float(text)) < 1e15


READABLE: dict[str, Callable[[str], bool]] = {
    "string": lambda text: not text.startswith(FORMULA),
    "date": _is_date,
    "datetime": _is_datetime,
    "yearmonth": lambda text: len(text) == 7 and _is_date(f"{text}-01"),
    "integer": lambda text: SHAPES["integer"].fullmatch(text) is not None,
    "number": _is_number,
    "boolean": lambda text: text in ("true", "false"),
}
WORDS = {
    "string": "begins with a sign that a spreadsheet takes for a formula",
    "date": "not a date of 1900 to 2099",
    "datetime": "not a datetime with its zone, of 1900 to 2099",
    "yearmonth": "not a yearmonth of 1900 to 2099",
}
WEB = r"https?://[^\s/]"
"""What every address must look like, whatever the Data Package asks of the column."""


def text_schema(resource: Resource) -> pa.DataFrameSchema:
    """Return a pandera schema over a table read as text, empty cells as missing.

    Every constraint of the Data Package that the collection uses is checked: required, unique,
    enum, pattern, minimum, maximum; and no row may be published before the day it is about.
    """
    columns = {field["name"]: _column(field) for field in resource.fields}
    in_order = pa.Check(
        lambda frame: ~(frame["published_on"] < frame["observed_on"]),
        error=ORDER,
        name="order",
    )
    return pa.DataFrameSchema(columns, checks=[in_order], strict=True)


def _column(field: dict[str, Any]) -> pa.Column:
    kind = field["type"]
    limits = field.get("constraints", {})
    words = WORDS.get(kind, f"not a {kind}")
    checks = [pa.Check(READABLE[kind], element_wise=True, error=words)]
    if "enum" in limits:
        allowed = [str(value) for value in limits["enum"]]
        checks.append(pa.Check.isin(allowed, error=f"not one of {', '.join(allowed)}"))
    if field["name"] == "url":
        checks.append(pa.Check.str_matches(WEB, error="not an address on the web"))
    elif "pattern" in limits:
        checks.append(pa.Check.str_matches(limits["pattern"], error="not of the declared form"))
    if "minimum" in limits or "maximum" in limits:
        checks.append(_range_check(limits))
    return pa.Column(
        # no dtype: the table was read as text, and checking that is half of the time
        checks=checks,
        nullable=not limits.get("required", False),
        unique=bool(limits.get("unique", False)),
    )


def _range_check(limits: dict[str, Any]) -> pa.Check:
    low, high = limits.get("minimum"), limits.get("maximum")

    def within(values: "pd.Series[str]") -> "pd.Series[bool]":
        numbers = pd.to_numeric(values, errors="coerce")
        above = numbers.isna() | (low is None) | (numbers >= (low if low is not None else 0))
        below = numbers.isna() | (high is None) | (numbers <= (high if high is not None else 0))
        return above & below

    return pa.Check(within, error=f"outside {low} to {high}")


def typed(frame: pd.DataFrame, resource: Resource) -> pd.DataFrame:
    """Return checked text as typed columns: dates, numbers, booleans; months stay ``YYYY-MM``."""
    convert: dict[str, Callable[[Any], Any]] = {
        "string": lambda column: column,
        "yearmonth": lambda column: column,
        "date": lambda column: pd.to_datetime(column, format="%Y-%m-%d"),
        "datetime": lambda column: pd.to_datetime(column, format="ISO8601", utc=True),
        "integer": lambda column: pd.to_numeric(column).astype("Int64"),
        "number": lambda column: pd.to_numeric(column).astype("float64"),
        "boolean": lambda column: column.map({"true": True, "false": False}).astype("boolean"),
    }
    return frame.assign(
        **{f["name"]: convert[f["type"]](frame[f["name"]]) for f in resource.fields}
    )
