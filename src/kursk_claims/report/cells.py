"""From the cells of an executed notebook to the blocks of a page."""

import base64
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from markupsafe import Markup

from kursk_claims.errors import ReportError
from kursk_claims.report.clean import clean

FIGURE_MIME = "application/vnd.kursk-claims.figure+json"
"""As in `display.figures`, which is not imported here because it brings matplotlib; a test
holds the two together."""

MAX_ROWS = 200
NOTHING = Markup()
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A figure: the image, what it shows, and the numbers behind it.

    ``width`` and ``height`` are in pixels; ``rows`` holds at most `MAX_ROWS` of ``total`` rows.
    """

    png: str
    alt: str
    width: int
    height: int
    title: str = ""
    credit: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    total: int = 0


@dataclass(frozen=True)
class Block:
    """One piece of a page.

    ``kind`` is text, code, html, plain or figure; ``number`` is the count of the code cell.
    """

    kind: str
    html: Markup = NOTHING
    plain: str = ""
    picture: Picture | None = None
    number: int = 0
    tags: tuple[str, ...] = ()


def blocks(notebook: Mapping[str, Any]) -> Iterator[Block]:
    """Return the blocks of a page, cell by cell: text, code, then what the code gave.

    Raises
    ------
    ReportError
        If an image has no alt text, or is not a PNG.
    """
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            yield Block("text", html=_markdown(cell["source"]))
        elif cell["cell_type"] == "code" and cell["source"].strip():
            number = cell.get("execution_count") or 0
            tags = tuple(cell["metadata"].get("tags", ()))
            yield Block("code", html=_highlighted(cell["source"]), number=number, tags=tags)
            yield from (_output(output, number) for output in cell["outputs"])


def _output(output: Mapping[str, Any], number: int) -> Block:
    if output["output_type"] == "stream":
        return Block("plain", plain=output["text"], number=number)
    if output["output_type"] == "error":
        return Block("plain", plain=f"{output['ename']}: {output['evalue']}", number=number)
    data = output["data"]
    if "image/png" in data:
        return Block("figure", picture=_picture(output, number), number=number)
    if "text/html" in data:
        html = clean(data["text/html"], f"Table given by cell {number}")
        return Block("html", html=Markup(html), number=number)
    if "text/markdown" in data:
        return Block("text", html=_markdown(data["text/markdown"]), number=number)
    return Block("plain", plain=str(data.get("text/plain", "")), number=number)


def _picture(output: Mapping[str, Any], number: int) -> Picture:
    behind = output["data"].get(FIGURE_MIME, {})
    alt = output["metadata"].get("image/png", {}).get("alt") or behind.get("alt")
    if not alt:
        raise ReportError(f"the figure of cell {number} has no alt text; show it with Claim.figure")
    png = "".join(output["data"]["image/png"].split())
    head = base64.b64decode(png[:32])
    if not head.startswith(PNG):
        raise ReportError(f"the figure of cell {number} is not a PNG")
    width, height = struct.unpack(">II", head[16:24])
    columns: Mapping[str, list[Any]] = behind.get("data", {})
    return Picture(
        png, alt, width, height,
        title=behind.get("title", ""),
        credit=behind.get("credit", ""),
        columns=tuple(columns),
        rows=tuple(islice(zip(*columns.values(), strict=True), MAX_ROWS)),
        total=max(map(len, columns.values()), default=0),
    )  # fmt: skip


@lru_cache(maxsize=1024)  # the runs of a claim share their text and code
def _markdown(source: str) -> Markup:
    html = _markdown_reader()(source)
    return Markup(clean(html, "Table in the text", deeper=1))


@lru_cache(maxsize=1)
def _markdown_reader() -> Callable[[str], str]:
    # imported late: it is slow, and whoever only wants `Run` should not wait for it
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    # generated text quotes labels of the data, so HTML in Markdown is shown, never obeyed
    renderer = IPythonRenderer(escape=True, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render


@lru_cache(maxsize=1024)
def _highlighted(source: str) -> Markup:
    return Markup(_highlighter()(source))


@lru_cache(maxsize=1)
def _highlighter() -> Callable[[str], str]:
    from nbconvert.filters.highlight import Highlight2HTML

    highlighter: Callable[[str], str] = Highlight2HTML(pygments_lexer="python3")
    return highlighter
