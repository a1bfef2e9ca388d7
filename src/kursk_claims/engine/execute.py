"""One run: a notebook through Papermill, with what went wrong told apart."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from kursk_claims.display.record import find
from kursk_claims.engine.jobs import KERNEL, Job, remove_parts
from kursk_claims.engine.kernels import LocalKernelManager
from kursk_claims.engine.normalise import normalise
from kursk_claims.engine.outcome import Failure, Outcome

CELL_TIMEOUT_S = 120
OnCell = Callable[[int, int, str], None]
"""Called before each cell with its number, how many there are, and its id."""


def execute(
    job: Job,
    kernel: str = KERNEL,
    on_cell: OnCell | None = None,
    *,
    wants_record: bool = True,
) -> Outcome:
    """Run a job and write the executed notebook to its place, whole or not at all.

    Parameters
    ----------
    kernel : str
        Name of the kernelspec; the warm one by default.
    wants_record : bool
        Whether a notebook without a record has failed; the start page has none.
    """
    started = time.perf_counter()
    partial = job.output.with_suffix(f".{os.getpid()}.part.ipynb")
    job.output.parent.mkdir(parents=True, exist_ok=True)
    remove_parts([job.output])
    record, failure, place = None, None, _Place(on_cell)
    try:
        with _closing_event_loop():
            notebook = _papermill(job, partial, kernel, place)
        record = find(notebook)
        if record is None and wants_record:
            failure = Failure("no record", "", "the notebook ended without claim.conclude(...)")
        else:
            nbformat.write(normalise(notebook), partial)
            partial.replace(job.output)
            job.output.with_suffix(".failed.ipynb").unlink(missing_ok=True)  # of an earlier run
    except Exception as error:  # everything else must finish: each failure becomes an outcome
        failure = _explain(error, job, place)
        if partial.exists():
            partial.replace(job.output.with_suffix(".failed.ipynb"))
    finally:
        partial.unlink(missing_ok=True)
    return Outcome(job, time.perf_counter() - started, record, failure)


class _Place:
    """Where a run is: the index of the cell that was begun last."""

    def __init__(self, on_cell: OnCell | None) -> None:
        self.index: int | None = None
        self.total = 0
        self._on_cell = on_cell

    def begin(self, cell: NotebookNode, cell_index: int) -> None:
        """Note a cell as begun; nbclient calls this by these names."""
        self.index = cell_index
        if self._on_cell:
            self._on_cell(cell_index + 1, self.total, str(cell.get("id", "")))


@contextmanager
def _closing_event_loop() -> Iterator[None]:
    """Close the event loop that nbclient opens for this thread and leaves behind."""
    try:
        yield
    finally:
        with suppress(RuntimeError):  # there is none when the run failed before it
            asyncio.get_event_loop().close()
            asyncio.set_event_loop(None)


def _papermill(job: Job, partial: Path, kernel: str, place: _Place) -> NotebookNode:
    place.total = len(nbformat.read(job.notebook, as_version=4).cells) + bool(job.parameters)
    # The warm provisioner brings its own sockets; an ordinary kernel gets them from the manager.
    own: dict[str, Any] = {} if kernel == KERNEL else {"kernel_manager_class": LocalKernelManager}
    notebook: NotebookNode = papermill.execute_notebook(
        job.notebook,
        partial,
        parameters=dict(job.parameters),
        kernel_name=kernel or None,
        progress_bar=False,
        request_save_on_cell_execute=False,
        execution_timeout=CELL_TIMEOUT_S,
        iopub_timeout=30,
        raise_on_iopub_timeout=True,
        on_cell_start=place.begin,
        **own,
    )
    return notebook


def _explain(error: Exception, job: Job, place: _Place) -> Failure:
    """Tell what kind of failure an exception is, and where in the notebook it came up."""
    if isinstance(error, PapermillExecutionError):
        kind = "out of memory" if error.ename.endswith("MemoryError") else "cell"
        words = f"{error.ename}: {' '.join(str(error.evalue).split())}"
        return Failure(kind, _where(job, error.cell_index), words, _own_frames(error.traceback))
    kinds: list[tuple[type[Exception], str]] = [
        (DeadKernelError, "dead kernel"),
        (CellTimeoutError, "time-out"),
        (NoSuchKernel, "no kernel"),
    ]
    for kind_of, name in kinds:
        if isinstance(error, kind_of):
            return Failure(name, _where(job, place.index), str(error).splitlines()[0])
    return Failure("engine", _where(job, place.index), f"{type(error).__name__}: {error}")


def _where(job: Job, executed_index: int | None) -> str:
    """Return the number of a cell in the notebook as written, and the last heading above it."""
    if executed_index is None:
        return ""
    index = executed_index - bool(job.parameters)  # Papermill put one cell in
    cells = nbformat.read(job.notebook, as_version=4).cells[:index]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    under = f" under '{headings[-1]}'" if headings else ""
    return f", cell {index + 1}{under}"


def _own_frames(traceback: list[str], most: int = 3) -> tuple[str, ...]:
    """Return the last frames inside this package, as ``analysis/events.py:42 in changes``."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    found = re.findall(r"File \S*?/kursk_claims/(\S+?):(\d+), in ([\w.<>]+)", plain)
    return tuple(f"{path}:{line} in {name}" for path, line, name in found[-most:])
