"""From the cells of an executed notebook to what a page shows of them."""

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from markupsafe import Markup

from kursk_claims.display import record
from kursk_claims.report import pictures
from kursk_claims.report.clean import clean
from kursk_claims.report.pictures import Picture

NOTHING = Markup()
INJECTED = "injected-parameters"
PAINTED = re.compile(
    r"""(?P<c>\#[^\n]*)
    |(?P<s>\b[rbfu]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3})|\b[rbfu]{0,2}(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
       |(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<k>\b(?:KEYWORDS)\b)""".replace("KEYWORDS", "|".join(keyword.kwlist)),
    flags=re.VERBOSE | re.DOTALL,
)
"""What is painted in Python code: comments, strings, keywords."""


@dataclass(frozen=True)
class Block:
    """One thing that code gave.

    ``kind`` is text, html, contract, sources, record, plain or figure.
    """

    kind: str
    html: Markup = NOTHING
    plain: str = ""
    picture: Picture | None = None


@dataclass(frozen=True)
class Cell:
    """A cell: ``kind`` is text or code, ``html`` what was written, ``given`` what the code gave."""

    id: str
    kind: str
    html: Markup
    number: int = 0
    tags: tuple[str, ...] = ()
    given: tuple[Block, ...] = ()


def read(notebook: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of a notebook, without those that are empty or were put in by Papermill.

    Raises
    ------
    ReportError
        If an image has no alt text, or is not a PNG.
    """
    found = [_cell(raw) for raw in notebook["cells"] if raw["source"].strip()]
    return [cell for cell in found if cell.kind and INJECTED not in cell.tags]


def _cell(raw: Mapping[str, Any]) -> Cell:
    name = raw.get("id", "")
    if raw["cell_type"] == "markdown":
        return Cell(name, "text", _markdown(raw["source"]))
    if raw["cell_type"] != "code":
        return Cell(name, "", NOTHING)
    number = raw.get("execution_count") or 0
    tags = tuple(raw["metadata"].get("tags", ()))
    given = tuple(_output(output, number) for output in raw["outputs"])
    return Cell(name, "code", _highlighted(raw["source"]), number, tags, given)


def _output(output: Mapping[str, Any], number: int) -> Block:
    if output["output_type"] in ("display_data", "execute_result"):
        return _shown(output, number)
    if output["output_type"] == "error":
        return Block("plain", plain=f"{output['ename']}: {output['evalue']}")
    return Block("plain", plain=output["text"])


def _shown(output: Mapping[str, Any], number: int) -> Block:
    """Return what a cell displayed, in the richest form that the report takes."""
    data = output["data"]
    if record.MIME in data:
        return Block("record")
    if "image/png" in data:
        return Block("figure", picture=pictures.read(output, number))
    if "text/html" in data:
        html = clean(data["text/html"], f"Table given by cell {number}")
        known = ("contract", '<table class="contract">'), ("sources", '<ul class="sources">')
        kind = next((kind for kind, sign in known if sign in html), "html")
        return Block(kind, html=Markup(html))
    if "text/markdown" in data:
        return Block("text", html=_markdown(data["text/markdown"]))
    return Block("plain", plain=str(data.get("text/plain", "")))


def markdown(source: str, deeper: int = 0) -> Markup:
    """Return Markdown as safe HTML; HTML inside it is shown, never obeyed."""
    return Markup(clean(_markdown_reader()(source), "Table in the text", deeper))


@lru_cache(maxsize=1024)  # the runs of a claim share their text and code
def _markdown(source: str) -> Markup:
    return markdown(source, deeper=1)


@lru_cache(maxsize=1)
def _markdown_reader() -> Callable[[str], str]:
    # the reader that nbconvert is built on, without its other 2 s of imports
    import mistune

    # generated text quotes labels of the data, so HTML in Markdown is shown, never obeyed
    reader = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
    return lambda source: str(reader(source))


@lru_cache(maxsize=1024)
def _highlighted(source: str) -> Markup:
    """Return code with its comments, strings and keywords marked, and nothing else."""
    pieces, end = [], 0
    for found in PAINTED.finditer(source):
        pieces += [escape(source[end : found.start()]), f'<i class="{found.lastgroup}">']
        pieces += [escape(found.group()), "</i>"]
        end = found.end()
    return Markup(f"<pre><code>{''.join(pieces)}{escape(source[end:])}</code></pre>")
