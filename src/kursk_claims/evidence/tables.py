"""Tables of evidence, as they could be known on a given day."""

from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pandera.errors
from pandera.errors import SchemaErrors

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.corrections import Correction, apply, load_corrections
from kursk_claims.evidence.csvfile import read_csv
from kursk_claims.evidence.days import parse_day
from kursk_claims.evidence.documents import DocumentError
from kursk_claims.evidence.schema import CONTRACT, ORDER, Resource, load_package, text_schema, typed


def load(
    name: str,
    as_of: str | date | None = None,
    *,
    seen_only: bool = False,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Return a table's rows that were public on a day.

    Parameters
    ----------
    name : str
        Topic and table, such as ``polls/approval``.
    as_of : str or date, optional
        The day (``YYYY-MM-DD``). Only rows with ``published_on`` on or before it come back; a row
        without that date comes back only for ``None``, which returns every row.
    seen_only : bool
        Keep only rows whose day of publication was seen on a page, not assumed by a rule.
    folder : Path, optional
        Another ``data`` folder; the collection's own by default.

    Returns
    -------
    DataFrame
        Columns ``row_id, observed_on, published_on, published_basis, source, source_side, url,
        bound, note`` and the table's own; typed; in the order of the file; corrections applied.

    Raises
    ------
    EvidenceError
        If the table is unknown, missing or breaks its schema.
    ParameterError
        If `as_of` is not a date.
    """
    package = load_package(folder)
    if name not in package:
        raise EvidenceError(f"no table '{name}' in datapackage.json; known: {', '.join(package)}")
    resource = package[name]
    frame = _checked(resource, _read(resource), tuple(load_corrections(name, folder))).copy()
    if seen_only:
        frame = frame[frame["published_basis"] == "seen"]
    if as_of is not None:
        frame = frame[frame["published_on"] <= pd.Timestamp(parse_day(as_of))]
    return frame.reset_index(drop=True)


def _read(resource: Resource) -> bytes:
    try:
        return resource.path.read_bytes()
    except OSError:
        raise EvidenceError(
            f"{_file(resource)}: the table is declared in datapackage.json but missing"
        ) from None


@lru_cache(maxsize=128)
def _checked(
    resource: Resource, content: bytes, corrections: tuple[Correction, ...]
) -> pd.DataFrame:
    try:
        rows, lines = read_csv(content, resource.columns)
    except DocumentError as error:
        raise EvidenceError(f"{_file(resource)}, {error}") from None
    frame = pd.DataFrame(rows, columns=resource.columns, dtype="str")
    frame = apply(frame.mask(frame == ""), list(corrections))
    try:
        text_schema(resource).validate(frame, lazy=True)
    except SchemaErrors as errors:
        fault = _first_fault(resource, frame, lines, errors, corrections)
        raise EvidenceError(fault) from None
    except pandera.errors.SchemaError as error:
        raise EvidenceError(f"{_file(resource)}: {error}") from None
    frame = typed(frame, resource)
    return frame if resource.kind == "rows" else _with_source(frame, resource)


def _with_source(frame: pd.DataFrame, resource: Resource) -> pd.DataFrame:
    """Give each day of a computed series the contract's columns from the Data Package."""
    given = resource.defaults
    days = frame["observed_on"].dt.strftime("%Y-%m-%d")
    frame = frame.assign(row_id=given["row_id_prefix"] + "-" + days)
    for column in ("published_basis", "source", "source_side", "url", "bound"):
        frame[column] = given[column]
    if "note" not in frame:
        frame["note"] = pd.Series(pd.NA, index=frame.index, dtype="str")
    own = [column for column in frame.columns if column not in CONTRACT]
    return frame[[*CONTRACT, *own]]


def _first_fault(
    resource: Resource,
    frame: pd.DataFrame,
    lines: list[int],
    errors: SchemaErrors,
    corrections: tuple[Correction, ...],
) -> str:
    """Say file, line, row, column and value of the first fault, and how many more there are."""
    cases = errors.failure_cases.assign(whole=errors.failure_cases["check"].str.startswith(ORDER))
    case = cases.sort_values(["index", "whole"], kind="stable").iloc[0]
    column, check = str(case["column"]), str(case["check"])
    if pd.isna(case["index"]):
        return f"{_file(resource)}: {check}"
    row = int(case["index"])
    if check.startswith(ORDER):
        column = "published_on"
    words = {"not_nullable": "is empty", "field_uniqueness": "stands twice"}.get(check, check)
    label = frame["row_id"].iloc[row] if "row_id" in frame else frame["observed_on"].iloc[row]
    value = frame[column].iloc[row]
    shown = "" if pd.isna(value) else f" '{' '.join(str(value)[:80].splitlines())}'"
    faults = cases["index"].nunique()
    more = f" ({faults - 1} more rows with faults)" if faults > 1 else ""
    by = [c.id for c in corrections if (c.row_id, c.column) == (label, column)]
    origin = f" (as {', '.join(by)} of corrections.yaml has it)" if by else ""
    place = f"{_file(resource)}, line {lines[row]}, row {str(label)[:80]}, column {column}"
    return f"{place}:{shown} {words}{origin}{more}"


def _file(resource: Resource) -> str:
    return f"data/tables/{resource.name}.csv"
