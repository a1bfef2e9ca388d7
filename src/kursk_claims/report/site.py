"""A new site is written aside and takes the place of the old one only when it is complete."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kursk_claims.errors import ReportError

MARKER = "verdicts.json"
"""The file by which a folder is known to be a report."""


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """Give a folder to write in; when all went well, it becomes `out`.

    Raises
    ------
    ReportError
        If `out` holds something other than a report.
    """
    ours = not out.exists() or (
        out.is_dir() and (Path(out, MARKER).is_file() or not any(out.iterdir()))
    )
    if not ours:
        raise ReportError(f"{out.name} holds something other than a report; choose another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        new = Path(folder, "new")
        new.mkdir()
        yield new
        _swap(new, out, Path(folder, "old"))


def put(path: Path, content: str | bytes) -> None:
    """Write a file of the site, with its folders; text as UTF-8 with plain line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _swap(new: Path, out: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise
