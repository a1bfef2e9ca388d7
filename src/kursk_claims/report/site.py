"""A new site is written aside and takes the place of the old one only when it is complete."""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kursk_claims.errors import ReportError

MARKER = "verdicts.json"
"""The file by which a folder is known to be a report."""
HERE, EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


@contextmanager
def aside(out: Path, on_wait: Callable[[], object]) -> Iterator[Path]:
    """Give a folder to write in; when all went well, it becomes `out`.

    Who comes while another writes calls `on_wait` and waits for its turn; what one that was killed
    left is removed.

    Raises
    ------
    ReportError
        If `out` holds something other than a report.
    """
    prefix = f".{out.name}-unfinished-"
    out.parent.mkdir(parents=True, exist_ok=True)
    with _in_turn(out.parent, on_wait) as alone:
        _check(out)
        for left in out.parent.glob(f"{prefix}*") if alone else ():
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=out.parent) as folder:
            new = Path(folder, "new")
            new.mkdir()
            yield new
            _swap(new, out, Path(folder, "old"))


def _check(out: Path) -> None:
    ours = not out.exists() or (
        out.is_dir() and (Path(out, MARKER).is_file() or not any(out.iterdir()))
    )
    if not ours:
        raise ReportError(f"{out.name} holds something other than a report; choose another folder")


@contextmanager
def _in_turn(folder: Path, on_wait: Callable[[], object]) -> Iterator[bool]:
    """Wait until nobody else writes below a folder; tell whether that can be known here.

    The system lets go of the lock with the process, whatever ends it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        locked = False
        with suppress(OSError):  # some network file systems lock no folders
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            locked = True
        yield locked
    finally:
        os.close(descriptor)


def put(path: Path, content: str | bytes) -> None:
    """Write a file of the site, with its folders; text as UTF-8 with plain line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _swap(new: Path, out: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
        return
    if _exchange(new, out):
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places at once, where the system can; between two renames is none."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    return bool(rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0)
