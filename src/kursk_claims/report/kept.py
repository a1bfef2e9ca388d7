"""What was made before is kept by what it was made from, so that nothing is made twice.

A key is a hash over everything that could change the thing: its sources, and the code that makes
it. Time stamps play no part.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from kursk_claims.evidence.whole import write_whole

CODE = {".py", ".html", ".css", ".js", ".json"}


def digest(*parts: object) -> str:
    """Return a SHA-256 over parts; bytes count as they are, anything else by its ``repr``."""
    whole = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def files_digest(folder: Path, *, suffixes: set[str] | None = None) -> str:
    """Return a SHA-256 over the names and contents of all files below a folder."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and (suffixes is None or path.suffix in suffixes)
    )
    parts = [part for p in found for part in (p.relative_to(folder).as_posix(), p.read_bytes())]
    return digest(*parts)


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a SHA-256 over the code and templates that make a report."""
    return files_digest(Path(__file__).parents[1], suffixes=CODE)


class Kept:
    """A folder of things made before; without a folder, nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.used: set[str] = set()

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Return the bytes of a key, made now if they were never made."""
        self.used.add(key)
        if self.folder is None:
            return make()
        path = self.folder / key
        try:
            return path.read_bytes()
        except OSError:
            made = make()
            with suppress(OSError):  # a full disk, say: then it is made again the next time
                write_whole(path, made)
            return made

    def tidy(self) -> None:
        """Remove what this build had no use for."""
        if self.folder is not None and self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in self.used:
                    path.unlink(missing_ok=True)
