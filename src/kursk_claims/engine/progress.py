"""How a batch of runs is told while it goes: a live table, plain lines, JSON lines, or nothing.

Nothing heavy is imported here; rich is, when a live display is made.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, Self, TextIO

from kursk_claims.display.style import VERDICTS

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table
    from rich.text import Text

    from kursk_claims.engine.jobs import Job
    from kursk_claims.engine.outcome import Outcome

JobKey = tuple[str, str]
Clock = Callable[[], float]

REDRAWS_PER_S = 8
FRAME_LINES = 4
"""Lines of a frame that are no notebook: head, fold, foot, and one to spare."""
WIDE = 70
"""Columns that a terminal needs to show cell and time as well."""
NO_COLOUR = "#ffffff"
"""Cannot be seen on white paper, so it is left to the terminal."""


def job_key(job: Job) -> JobKey:
    """Return what tells a job from every other: its claim and the name of its output."""
    return job.claim, job.output.name


class State(StrEnum):
    """Where a run stands, the ones to show first first.

    ``stopped`` was running when the batch broke off.
    """

    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "FAILED"
    DONE = "done"
    WAITING = "waiting"
    CACHED = "cached"


ENDED = (State.DONE, State.FAILED, State.CACHED)
STYLES = {
    State.RUNNING: "bold",
    State.STOPPED: "red",
    State.FAILED: "bold red",
    State.DONE: "",
    State.WAITING: "dim",
    State.CACHED: "dim",
}


@dataclass
class Row:
    """One job and what is known of it; times are readings of the batch's clock."""

    job: Job
    state: State = State.WAITING
    expected_s: float | None = None
    since: float = 0.0
    seconds: float | None = None
    verdict: str = ""
    cell: str = ""
    kind: str = ""
    message: str = ""
    where: str = ""

    @property
    def label(self) -> str:
        """Claim, day and whatever else was chosen, on one line."""
        return printable(self.job.label)

    @property
    def known_s(self) -> float | None:
        """What such a run takes, from the last run or else from this one."""
        return self.seconds if self.expected_s is None else self.expected_s

    def used_s(self, now: float) -> float | None:
        """Return the seconds a run took, or has taken so far; None before it starts."""
        return now - self.since if self.state is State.RUNNING else self.seconds

    def left_s(self, usual: float, now: float) -> float:
        """Return the seconds an unfinished run still needs; ``usual`` when nothing is known."""
        expected = usual if self.expected_s is None else self.expected_s
        return max(expected - (self.used_s(now) or 0.0), 0.0)


class Batch:
    """The rows of a batch, and what follows from them; not guarded, its owner does that."""

    def __init__(self, workers: int) -> None:
        self.workers = max(workers, 1)
        self.rows: dict[JobKey, Row] = {}

    def row(self, job: Job) -> Row:
        """Return a job's row; a job that nobody planned gets one."""
        return self.rows.setdefault(job_key(job), Row(job))

    def counts(self) -> Counter[State]:
        """Return how many rows stand in each state."""
        return Counter(row.state for row in self.rows.values())

    def remaining_s(self, now: float) -> float | None:
        """Return the seconds until the expected end; None when no run's length is known.

        The work that is left, shared among the workers, but never less than the longest run needs.
        """
        known = [row.known_s for row in self.rows.values() if row.known_s is not None]
        if not known:
            return None
        unfinished = (State.WAITING, State.RUNNING)
        rows = [row for row in self.rows.values() if row.state in unfinished]
        left = [row.left_s(fmean(known), now) for row in rows]
        return max(sum(left) / self.workers, *left, 0.0)

    def visible(self, room: int) -> list[Row]:
        """Return the rows to show: all as planned if they fit, else what matters first."""
        rows = list(self.rows.values())
        if len(rows) <= room:
            return rows
        order = list(State)
        sign = {State.DONE: -1.0}  # of those done, the last one first
        rows.sort(key=lambda row: (order.index(row.state), sign.get(row.state, 1.0) * row.since))
        return rows[: max(room, 0)]


class Progress:
    """Is told what happens to a batch, by any thread; this one keeps count and says nothing.

    Parameters
    ----------
    workers : int
        How many notebooks run at a time; the expected end depends on it.
    clock : callable
        Seconds from any starting point.
    """

    def __init__(self, workers: int = 1, clock: Clock = time.perf_counter) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._began = clock()
        self._batch = Batch(workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._lock:
            self._close(broken_off=kind is not None)

    def planned(self, jobs: Sequence[Job], expected_s: Mapping[JobKey, float]) -> None:
        """Tell which jobs there are, and the seconds each took the last time, where known."""
        with self._lock:
            for job in jobs:
                row = self._batch.row(job)
                row.expected_s = expected_s.get(job_key(job))
                self._tell("planned", row, expected_s=row.expected_s)

    def cached(self, job: Job, verdict: str) -> None:
        """Tell that a job need not run: its result is at hand."""
        with self._lock:
            row = self._batch.row(job)
            row.state, row.verdict = State.CACHED, verdict
            self._tell("cached", row)

    def started(self, job: Job) -> None:
        """Tell that a job's notebook starts."""
        with self._lock:
            row = self._batch.row(job)
            row.state, row.since = State.RUNNING, self._clock()
            self._tell("started", row)

    def cell(self, job: Job, number: int, total: int, name: str) -> None:
        """Tell which cell of a notebook runs now."""
        with self._lock:
            row = self._batch.row(job)
            row.cell = printable(f"{number}/{total} {name}")
            self._tell("cell", row, cell=name, number=number, total=total)

    def done(self, outcome: Outcome) -> None:
        """Tell what became of a job."""
        with self._lock:
            row = self._batch.row(outcome.job)
            row.seconds, row.since = outcome.seconds, self._clock()
            if outcome.record is not None and outcome.failure is None:
                row.state, row.verdict = State.DONE, outcome.record["verdict"]
                self._tell("done", row)
                return
            row.state, row.kind = State.FAILED, "no record"
            if outcome.failure is not None:
                row.kind, row.message = outcome.failure.kind, outcome.failure.message
                row.where = outcome.failure.cell.removeprefix(", ")
            self._tell("failed", row, where=row.where)

    def _tell(self, event: str, row: Row, **more: Any) -> None:
        """Say what happened; called with the lock held."""

    def _close(self, broken_off: bool) -> None:
        """Say how it ended; called with the lock held."""


class QuietProgress(Progress):
    """Says nothing: for tests, and for use as a library."""


class PlainProgress(Progress):
    """One line per result, without control characters: for files, pipes and logs."""

    def __init__(self, stream: TextIO, workers: int = 1, clock: Clock = time.perf_counter) -> None:
        super().__init__(workers, clock)
        self._stream = stream

    def _tell(self, event: str, row: Row, **more: Any) -> None:
        if event == "done":
            print(
                f"{row.label}  {row.verdict}  ({row.seconds:.1f} s)", file=self._stream, flush=True
            )
        elif event == "failed":
            print(f"{row.label}  FAILED", file=self._stream, flush=True)

    def _close(self, broken_off: bool) -> None:
        if count := self._batch.counts()[State.CACHED]:
            print(f"{count} taken from the cache", file=self._stream, flush=True)


class JsonProgress(Progress):
    """One JSON object per line and event.

    Every line has ``event`` (planned, cached, started, cell, done, failed or summary), ``claim``,
    ``as_of``, ``parameters``, ``verdict``, ``seconds``, ``kind`` and ``message``, null where they
    say nothing. ``planned`` adds ``expected_s``; ``cell`` adds ``cell``, ``number`` and ``total``;
    ``failed`` adds ``where``; ``summary`` adds ``jobs``, ``done``, ``failed``, ``cached``,
    ``unfinished`` and ``broken_off``. ``seconds`` are elapsed ones: of the run, or of the batch.
    """

    def __init__(self, stream: TextIO, workers: int = 1, clock: Clock = time.perf_counter) -> None:
        super().__init__(workers, clock)
        self._stream = stream

    def _tell(self, event: str, row: Row, **more: Any) -> None:
        about = {
            "claim": row.job.claim,
            "as_of": row.job.as_of or None,
            "parameters": dict(row.job.parameters),
        }
        seconds = row.used_s(self._clock())
        self._write(event, about, row.verdict, seconds, row.kind, row.message, **more)

    def _close(self, broken_off: bool) -> None:
        counts, jobs = self._batch.counts(), len(self._batch.rows)
        ended = {state.value.lower(): counts[state] for state in ENDED}
        more = {**ended, "unfinished": jobs - sum(ended.values()), "broken_off": broken_off}
        about = {"claim": None, "as_of": None, "parameters": None}
        self._write("summary", about, "", self._clock() - self._began, "", "", jobs=jobs, **more)

    def _write(
        self,
        event: str,
        about: dict[str, Any],
        verdict: str,
        seconds: float | None,
        kind: str,
        message: str,
        **more: Any,
    ) -> None:
        line = {
            "event": event,
            **about,
            "verdict": verdict or None,
            "seconds": None if seconds is None else round(seconds, 3),
            "kind": kind or None,
            "message": message or None,
            **more,
        }
        print(json.dumps(line, default=str), file=self._stream, flush=True)


class LiveProgress(Progress):
    """A table that redraws itself, for a terminal.

    Only rich's own thread draws, so that events cost nothing and no two locks are ever taken in
    different orders: whoever holds this object's lock never asks for rich's.
    """

    def __init__(
        self, console: Console, workers: int = 1, clock: Clock = time.perf_counter
    ) -> None:
        from rich.live import Live

        super().__init__(workers, clock)
        self._console = console
        self._ended = False
        self._live = Live(
            console=console,
            get_renderable=self.frame,
            refresh_per_second=REDRAWS_PER_S,
            redirect_stdout=_is_terminal(sys.stdout),  # what goes to a file must stay there
            redirect_stderr=_is_terminal(sys.stderr),
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            super().__exit__(kind, *rest)
        finally:
            self._live.stop()  # draws the last frame and gives the cursor back

    def frame(self) -> Group:
        """Return the display as it stands now."""
        from rich.console import Group

        with self._lock:
            now = self._clock()
            width, height = self._console.size
            shown = self._batch.visible(height - FRAME_LINES)
            return Group(_table(shown, now, width), *self._fold(shown), self._foot(now))

    def _close(self, broken_off: bool) -> None:
        self._ended = True
        now = self._clock()
        for row in self._batch.rows.values():
            if row.state is State.RUNNING:
                row.seconds, row.state = row.used_s(now), State.STOPPED

    def _fold(self, shown: Sequence[Row]) -> list[Text]:
        """Return one line that counts the rows there is no room for, if any."""
        hidden = self._batch.counts() - Counter(row.state for row in shown)
        words = [f"{hidden[state]} {state.lower()}" for state in State if hidden[state]]
        return [_line(f"and {', '.join(words)}", "dim")] if words else []

    def _foot(self, now: float) -> Text:
        """Return the line at the bottom, which is all that is sure to stay in sight."""
        counts, jobs = self._batch.counts(), len(self._batch.rows)
        said = [f"{sum(counts[state] for state in ENDED)} of {jobs} done"]
        said += [f"{counts[State.CACHED]} from the cache"] if counts[State.CACHED] else []
        said += [f"{counts[State.FAILED]} failed"] if counts[State.FAILED] else []
        said += [f"{minutes(now - self._began)} elapsed"]
        if not self._ended:
            left = self._batch.remaining_s(now)
            said += [f"expected end {_soon(left)}"]
        elif counts[State.STOPPED] or counts[State.WAITING]:
            said.insert(0, "broken off")
        return _line(", ".join(said), "bold")


def make_progress(
    kind: Literal["auto", "json", "quiet"],
    stream: TextIO,
    workers: int,
    clock: Clock = time.perf_counter,
) -> Progress:
    """Return the progress for a stream: ``auto`` is live on a terminal and plain elsewhere."""
    if kind == "quiet":
        return QuietProgress(workers, clock)
    if kind == "json":
        return JsonProgress(stream, workers, clock)
    if not _can_draw(stream):
        return PlainProgress(stream, workers, clock)
    from rich.console import Console

    return LiveProgress(Console(file=stream), workers, clock)


def minutes(seconds: float | None) -> str:
    """Write seconds as 0:07, 12:34 or 1:02:03."""
    if seconds is None:
        return ""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def printable(text: str) -> str:
    """Return a text that can neither break a line nor steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _table(shown: Sequence[Row], now: float, width: int) -> Table:
    """Return one line a row; where there is no room, cell and time go and the notebook is cut."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("notebook")
    table.add_column("state", no_wrap=True, min_width=7)
    table.add_column("verdict", no_wrap=True, min_width=21)
    if width >= WIDE:
        # the head is as wide as most cells' names, so that the columns stand still
        table.add_column(_line(f"{'cell':<21}", overflow="crop"))
        table.add_column("time", no_wrap=True, min_width=5, justify="right")
    for row in shown:
        cell = "" if row.state in (State.DONE, State.CACHED) else row.cell
        texts = [_line(row.label), _line(row.state, STYLES[row.state]), _verdict(row)]
        texts += [_line(cell), _line(minutes(row.used_s(now)))]
        table.add_row(*texts[: len(table.columns)])
    return table


def _line(text: str, style: str = "", overflow: Literal["crop", "ellipsis"] = "ellipsis") -> Text:
    """Return a text that is cut rather than wrapped, and whose brackets are no markup."""
    from rich.text import Text

    return Text(text, style, no_wrap=True, overflow=overflow)


def _verdict(row: Row) -> Text:
    """Return mark and word; a failed run says what kind of failure it was."""
    from rich.text import Text

    if row.verdict not in VERDICTS:
        return _line(printable(row.verdict or row.kind))
    look = VERDICTS[row.verdict]
    colour = "" if look.colour == NO_COLOUR else look.colour
    return Text.assemble((look.mark, colour), " ", look.label)


def _soon(left: float | None) -> str:
    if left is None:
        return "unknown"
    return f"in {minutes(left)}" if left >= 1 else "any moment"


def _can_draw(stream: TextIO) -> bool:
    """Return whether a stream moves its cursor and can write the verdicts' marks."""
    able = os.environ.get("TERM") not in {"dumb", "unknown"}
    return able and _is_terminal(stream) and (stream.encoding or "").lower().startswith("utf")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
