"""One run: a notebook through Papermill, with what went wrong told apart."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from kursk_claims.display.record import Record, find
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.kernels import LocalKernelManager
from kursk_claims.engine.normalise import normalise

CELL_TIMEOUT_S = 120


@dataclass(frozen=True)
class Failure:
    """Why a run did not end: cell, dead kernel, time-out, no kernel, no record or engine."""

    kind: str
    cell: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its record, or its failure; ``seconds`` is the wall time."""

    job: Job
    seconds: float
    record: Record | None
    failure: Failure | None

    @property
    def report(self) -> str:
        """Say claim, cell, parameters and the command to repeat it; empty when all went well."""
        if self.failure is None:
            return ""
        given = ", ".join(f"{k}={v}" for k, v in self.job.parameters.items()) or "defaults"
        return (
            f"{self.job.claim} ({given}): {self.failure.kind}{self.failure.cell}: "
            f"{self.failure.message}\n  repeat with: {self.job.command}"
        )


def execute(job: Job) -> Outcome:
    """Run a job and write the executed notebook to its place, whole or not at all."""
    started = time.perf_counter()
    partial = job.output.with_suffix(f".{os.getpid()}.part.ipynb")
    job.output.parent.mkdir(parents=True, exist_ok=True)
    record, failure = None, None
    try:
        with _closing_event_loop():
            notebook = _papermill(job, partial)
        record = find(notebook)
        if record is None:
            failure = Failure("no record", "", "the notebook ended without claim.conclude(...)")
        else:
            nbformat.write(normalise(notebook), partial)
            partial.replace(job.output)
    except Exception as error:  # everything else must finish: each failure becomes an outcome
        failure = _explain(error, job)
        if partial.exists():
            partial.replace(job.output.with_suffix(".failed.ipynb"))
    finally:
        partial.unlink(missing_ok=True)
    return Outcome(job, time.perf_counter() - started, record, failure)


@contextmanager
def _closing_event_loop() -> Iterator[None]:
    """Close the event loop that nbclient opens for this thread and leaves behind."""
    try:
        yield
    finally:
        with suppress(RuntimeError):  # there is none when the run failed before it
            asyncio.get_event_loop().close()
            asyncio.set_event_loop(None)


def _papermill(job: Job, partial: Path) -> NotebookNode:
    notebook: NotebookNode = papermill.execute_notebook(
        job.notebook,
        partial,
        parameters=dict(job.parameters),
        kernel_manager_class=LocalKernelManager,
        progress_bar=False,
        execution_timeout=CELL_TIMEOUT_S,
        iopub_timeout=30,
        raise_on_iopub_timeout=True,
    )
    return notebook


def _explain(error: Exception, job: Job) -> Failure:
    if isinstance(error, PapermillExecutionError):
        index = error.cell_index - bool(job.parameters)  # Papermill put one cell in
        place = f", cell {index + 1}{_heading(job, index)}"
        return Failure("cell", place, f"{error.ename}: {' '.join(str(error.evalue).split())}")
    kinds: list[tuple[type[Exception], str]] = [
        (DeadKernelError, "dead kernel"),
        (CellTimeoutError, "time-out"),
        (NoSuchKernel, "no kernel"),
    ]
    for kind, name in kinds:
        if isinstance(error, kind):
            return Failure(name, "", str(error).splitlines()[0])
    return Failure("engine", "", f"{type(error).__name__}: {error}")


def _heading(job: Job, index: int) -> str:
    """Return the last heading above a cell, for a reader who looks for it."""
    cells = nbformat.read(job.notebook, as_version=4).cells[:index]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    return f" under '{headings[-1]}'" if headings else ""
