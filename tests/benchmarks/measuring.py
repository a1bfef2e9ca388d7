"""What the benchmarks share: commands that are timed and watched, a copy to work in, tables."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from kursk_claims.evidence.paths import root

CORES = len(os.sched_getaffinity(0))
MIB = 2**20
Command = list[str | Path]
Look = Callable[[int], None]
"""Is called now and then with the process that is being measured."""
Rows = Sequence[Sequence[object]]


def measure(
    command: Command,
    look: Look | None = None,
    every: float = 1.0,
    changes: Mapping[str, str] | None = None,
) -> float:
    """Return wall seconds of a command, watching it now and then; stop all if it fails."""
    with tempfile.TemporaryFile() as said:  # no pipe: a fork server would hold it open
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=root(), env={**os.environ, **(changes or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip
        done = threading.Event()
        # A thread: to wait for the end with a time-out would be to see it up to 50 ms late.
        watch = threading.Thread(target=_watch, args=(process.pid, look, every, done))
        watch.start()
        try:
            code = process.wait()
            took = time.perf_counter() - started
        finally:
            process.kill()
            done.set()
            watch.join()
        if code:
            said.seek(0)
            words = said.read().decode(errors="replace")
            sys.exit(f"{shlex.join(map(str, command))}\nended with {code}:\n{words}")
    return took


def _watch(pid: int, look: Look | None, every: float, done: threading.Event) -> None:
    while look and not done.wait(every):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            look(pid)


def rss(process: psutil.Process) -> int:
    """Return the bytes of memory that a process holds, shared pages included."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def pss(process: psutil.Process) -> int:
    """Return the bytes of memory that a process holds, each shared page by its part."""
    with suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return rss(process)


def call(module: str, function: str, *arguments: object) -> Command:
    """Return the command that calls a function of a module in a new process."""
    given = ", ".join(repr(str(argument)) for argument in arguments)
    return [sys.executable, "-c", f"from {module} import {function} as f; f({given})"]


def checkout(aside: Path) -> Path:
    """Return a copy of what the runs read; its cache is empty."""
    copy = aside / "checkout"
    for name in ("data", "notebooks"):
        shutil.copytree(root() / name, copy / name)
    for name in ("requirements.lock", "CITATION.cff", "LICENSE-data.md"):
        shutil.copy(root() / name, copy)
    return copy


def show(title: str, header: Sequence[str], rows: Rows) -> None:
    """Print a table: the first column to the left, the others to the right."""
    table = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    print(f"\n{title}\n")
    for first, *others in table:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))
    sys.stdout.flush()


def tell(text: str) -> None:
    """Say what is being measured, apart from the tables."""
    print(f"... {text}", file=sys.stderr, flush=True)
