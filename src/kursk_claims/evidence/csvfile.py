"""CSV files read strictly: UTF-8, the declared columns, and every cell in its place."""

import csv
import io
from collections.abc import Sequence

from kursk_claims.evidence.documents import DocumentError


def read_csv(content: bytes, columns: Sequence[str]) -> tuple[list[list[str]], list[int]]:
    """Return the cells of each row, and the line of the file on which each row ends.

    Parameters
    ----------
    columns : sequence of str
        What the first line must hold, in this order.

    Raises
    ------
    DocumentError
        If it is not UTF-8 or not CSV, holds a NUL, or has other columns or more or fewer cells.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(f"line {line}: not UTF-8 ({error.reason})") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DocumentError(f"line {line}: holds a NUL character")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        header = next(reader, [])
        if header != list(columns):
            raise DocumentError(f"line 1: {_header_fault(header, columns)}")
        for row in reader:
            if len(row) != len(columns):
                found = f"{len(row)} cells, expected {len(columns)}"
                raise DocumentError(f"line {reader.line_num}: {found}")
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise DocumentError(f"line {reader.line_num}: not CSV ({error})") from None
    return rows, lines


def _header_fault(found: Sequence[str], expected: Sequence[str]) -> str:
    missing = [column for column in expected if column not in found]
    extra = [column for column in found if column not in expected]
    if found and found[0].startswith("\ufeff"):
        return "begins with a byte order mark; save it as UTF-8 without one"
    if missing:
        return f"column missing: {', '.join(missing)}"
    if extra:
        return f"column not expected: {', '.join(extra)[:200]!r}"
    return f"columns twice or in another order; expected {', '.join(expected)}"
