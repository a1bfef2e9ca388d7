"""Figures as files: named by their content, so that two pages that show the same share it."""

import base64
import csv
import hashlib
import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from kursk_claims.errors import ReportError
from kursk_claims.report.machine import inert

FIGURE_MIME = "application/vnd.kursk-claims.figure+json"
"""As in `display.figures`, which is not imported here because it brings matplotlib; a test
holds the two together."""

FOLDER = "figures"
MAX_ROWS = 40
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A figure: the image, what it shows, and the numbers behind it; sizes in pixels."""

    png: bytes
    alt: str
    width: int
    height: int
    title: str
    credit: str
    columns: Mapping[str, Sequence[Any]]

    @cached_property
    def file(self) -> str:
        """Where the image stands, relative to the index."""
        return f"{FOLDER}/{hashlib.sha256(self.png).hexdigest()[:16]}.png"

    @cached_property
    def table(self) -> str:
        """Where its numbers stand, relative to the index."""
        return f"{FOLDER}/{hashlib.sha256(self.as_csv().encode()).hexdigest()[:16]}.csv"

    @property
    def total(self) -> int:
        """How many rows of numbers stand behind it."""
        return max(map(len, self.columns.values()), default=0)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The first `MAX_ROWS` rows behind it."""
        return list(islice(zip(*self.columns.values(), strict=True), MAX_ROWS))

    def as_csv(self) -> str:
        """Return all rows behind it; text can not be taken for a formula."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(map(inert, self.columns))
        for row in zip(*self.columns.values(), strict=True):
            writer.writerow(map(inert, row))
        return buffer.getvalue()


def read(output: Mapping[str, Any], number: int) -> Picture:
    """Return the figure in an output of a code cell.

    Raises
    ------
    ReportError
        If it has no alt text, or is not a PNG.
    """
    behind = output["data"].get(FIGURE_MIME, {})
    alt = output["metadata"].get("image/png", {}).get("alt") or behind.get("alt")
    if not alt:
        raise ReportError(f"the figure of cell {number} has no alt text; show it with Claim.figure")
    try:
        png = base64.b64decode("".join(output["data"]["image/png"]))
        width, height = struct.unpack(">II", png.removeprefix(PNG)[8:16])
    except (ValueError, struct.error):
        png = b""
    if not png.startswith(PNG):
        raise ReportError(f"the figure of cell {number} is not a PNG")
    if len(set(map(len, behind.get("data", {}).values()))) > 1:
        raise ReportError(f"the figure of cell {number} has columns of unequal length behind it")
    title, credit = behind.get("title", ""), behind.get("credit", "")
    return Picture(png, alt, width, height, title, credit, behind.get("data", {}))


def all_in(notebook: Mapping[str, Any]) -> list[Picture]:
    """Return the figures of a notebook, in its order."""
    return [
        read(output, cell.get("execution_count") or 0)
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]


def small(png: bytes) -> bytes:
    """Return a PNG with a palette of at most 256 colours, a quarter of the size.

    No channel of a pixel changes by more than 14 of 255, and white stays white. A picture that
    would not become smaller, or that is transparent, is returned as it is.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(png))
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] != 255:
        return png
    drawn = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = drawn.getpalette() or []
    drawn.putpalette([255 if value >= 253 else value for value in colours])
    buffer = io.BytesIO()
    drawn.save(buffer, "png", compress_level=7)
    return min(buffer.getvalue(), png, key=len)
