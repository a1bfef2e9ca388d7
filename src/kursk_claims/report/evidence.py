"""The pages of evidence: every table, every row with its anchor, its address, and who uses it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from kursk_claims.evidence.corrections import Correction
from kursk_claims.report.claim_page import Behind
from kursk_claims.report.clean import is_web
from kursk_claims.report.pages import words
from kursk_claims.report.rows import Evidence, Table, Use
from kursk_claims.report.runs import Tested

Uses = Mapping[str, Mapping[str, Sequence[Use]]]
"""Table to row to the claims that use it."""
Corrected = dict[str, dict[str, Correction]]
"""Row to column to the correction of that cell."""


def uses(behind: Iterable[tuple[Tested, Sequence[Behind]]]) -> Uses:
    """Return which claims use which rows, from the rows behind their findings."""
    found: dict[str, dict[str, list[Use]]] = defaultdict(lambda: defaultdict(list))
    for tested, groups in behind:
        for group in groups:
            for place in (place for cited in group.groups for place in cited.places):
                use = Use(
                    tested.entry.id,
                    ", ".join(map(words, group.findings)),
                    f"{tested.page}#{group.anchor}",
                )
                found[place.table][place.row_id].append(use)
    return found


Readers = Mapping[str, Sequence[tuple[str, str]]]
"""Table to the claims that may read it: id and page, which is empty where there is none."""


def index(evidence: Evidence, readers: Readers) -> dict[str, Any]:
    """Return what the list of tables needs: tables by topic, and the claims that read them."""
    topics: dict[str, list[Table]] = {}
    for table in evidence.tables.values():
        topics.setdefault(table.topic, []).append(table)
    return {
        "topics": topics,
        "readers": readers,
        "rows": sum(len(table.rows) for table in evidence.tables.values()),
    }


def page(table: Table, number: int, used: Mapping[str, Sequence[Use]]) -> dict[str, Any]:
    """Return what one page of a table needs."""
    corrections: Corrected = defaultdict(dict)
    for one in table.corrections:
        corrections[one.row_id][one.column] = one
    return {
        "table": table,
        "number": number,
        "rows": table.pages[number - 1],
        "lines": _lines(table, number, used, corrections) if table.layout == "grid" else [],
        "used": used,
        "corrections": corrections,
        "same": _same(table),
        "places": {
            row["row_id"]: f"{table.page(leaf)}#{row['row_id']}"
            for leaf, rows in enumerate(table.pages, start=1)
            for row in rows
            if row["row_id"] in corrections
        },
        "sources": {
            row["row_id"]: Markup(_source(row, corrections)) for row in table.pages[number - 1]
        },
        "any_used": any(row["row_id"] in used for row in table.pages[number - 1]),
    }


def _lines(
    table: Table, number: int, used: Mapping[str, Sequence[Use]], fixed: Corrected
) -> Iterator[Markup]:
    """Return the cells of each row of a grid; long tables are written here, not in the template.

    One pass escapes a whole row; where a cell ends is told by a sign that no table may hold.
    """
    days = ("observed_on", "published_on") if table.kind == "rows" else ("published_on",)
    names = (*days, *table.varying)  # the id of a day of a series tells which day it is
    up = "../" * table.page(number).count("/")
    for row in table.pages[number - 1]:
        cells = [row["row_id"], *(row[name] for name in names)]
        first, *rest = escape("\0".join(cells), quote=False).split("\0")
        mended = [_mended(row, *pair, fixed) for pair in zip(names, rest, strict=True)]
        source = "" if table.has_one_source else f'<td class="s">{_source(row, fixed)}'
        noted = "note" not in table.constants
        note = f'<td class="w">{escape(row["note"], quote=False)}' if noted else ""
        using = ", ".join(_used(use, up) for use in used.get(row["row_id"], ()))
        shown = [first, *mended[: len(days)]]
        yield Markup(
            "<td>".join(shown) + source + "".join(f"<td>{cell}" for cell in mended[len(days) :])
            + note + (f"<td>{using}" if using else "")
        )  # fmt: skip


def _mended(row: Mapping[str, str], name: str, cell: str, fixed: Corrected) -> str:
    star = "*" if name == "published_on" and row["published_basis"] == "assumed" else ""
    one = fixed.get(row["row_id"], {}).get(name)
    if one is None:
        return cell + star
    return f'<del>{escape(one.old)}</del> <ins>{cell}</ins> <a href="#{one.id}">{one.id}</a>{star}'


def _source(row: Mapping[str, str], fixed: Corrected) -> str:
    source = escape(row["source"], quote=False)
    linked = f'<a href="{escape(row["url"])}">{source}</a>' if is_web(row["url"]) else source
    changed = fixed.get(row["row_id"], {})
    ids = dict.fromkeys(changed[n].id for n in ("source", "url", "source_side") if n in changed)
    return linked + "".join(f' <a href="#{one}">{one}</a>' for one in ids)


def _used(use: Use, up: str) -> str:
    return f'<a href="{up}{use.address}">{use.claim} {escape(use.finding)}</a>'


def _same(table: Table) -> list[tuple[str, str]]:
    """Return what every row has in common, source and address left out: they are said apart."""
    apart = {"source", "url", "row_id"}
    return [
        (n, v) for n, v in table.constants.items() if v and n not in apart and len(table.rows) > 1
    ]
