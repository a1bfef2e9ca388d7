"""Files are written whole or not at all, whoever else writes the same one at the same time."""

import os
from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file aside, with its folders, then put it in the place of the one before.

    Parameters
    ----------
    path : Path
        Of the file. What a process leaves that is killed meanwhile ends in ``.part`` and has the
        process's number in its name.
    content : bytes or str
        Text is written as UTF-8 with the line ends that it has.

    Raises
    ------
    OSError
        If it cannot be written; the one before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{uuid4().hex}.part")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
