"""What a batch says while it runs: live, plain, as JSON, or nothing."""

import io
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import pytest
from rich.console import Console

from kursk_claims.engine import progress as module
from kursk_claims.engine.execute import Failure, Outcome
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.progress import (
    JsonProgress,
    LiveProgress,
    PlainProgress,
    Progress,
    QuietProgress,
    job_key,
    make_progress,
)  # fmt: skip

DAY = "2024-08-21"
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


class Clock:
    """A clock that a test moves by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding)

    def isatty(self) -> bool:
        return True


def job(claim: str, day: str = DAY, **parameters: object) -> Job:
    given = {"as_of": day, **parameters} if day else {}
    name = "_".join([day or "committed", *(str(value) for value in parameters.values())])
    return Job(claim, Path("notebooks") / f"{claim}.ipynb", given, Path(claim, f"{name}.ipynb"))


def good(what: Job, verdict: str = "mixed", seconds: float = 8.26) -> Outcome:
    return Outcome(what, seconds, {"verdict": verdict}, None)


def bad(what: Job) -> Outcome:
    failure = Failure("time-out", ", cell 8 under 'Method'", "a cell\ntimed out \x1b[31m")
    return Outcome(what, 120.0, None, failure)


def small_batch(progress: Progress, clock: Clock) -> None:
    """One cached, one good, one failed and one with no record at all."""
    c03, c07, c14, odd = job("c03"), job("c07"), job("c14"), job("c14", window=6)
    progress.planned([c03, c07, c14, odd], {job_key(c14): 10.0})
    progress.cached(c07, "supported")
    for one in (c14, c03, odd):
        progress.started(one)
    clock.now += 2.5
    progress.cell(c14, 7, 20, "figure-evidence")
    clock.now += 3.5
    progress.done(good(c14, "mostly contradicted"))
    progress.done(bad(c03))
    progress.done(Outcome(odd, 1.0, None, None))


def live(clock: Clock, width: int = 100, height: int = 24) -> tuple[LiveProgress, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=True, width=width, height=height, _environ={"TERM": "xterm"}
    )
    return LiveProgress(console, workers=2, clock=clock), stream


def picture(progress: LiveProgress, width: int = 100) -> list[str]:
    """Return a frame as bare lines."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(progress.frame())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_plain_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    with PlainProgress(stream, clock=clock) as progress:
        small_batch(progress, clock)
    assert stream.getvalue().splitlines() == [
        "c14 2024-08-21  mostly contradicted  (8.3 s)",
        "c03 2024-08-21  FAILED",
        "c14 2024-08-21 window=6  FAILED",
        "1 taken from the cache",
    ]


def test_plain_names_a_committed_notebook_and_lets_no_control_character_through() -> None:
    stream = io.StringIO()
    with PlainProgress(stream) as progress:
        progress.done(good(job("c14", "")))
        progress.done(good(job("c14", given="a\n\x1b[31mb")))
    lines = ["c14 committed  mixed  (8.3 s)", "c14 2024-08-21 given=a  [31mb  mixed  (8.3 s)"]
    assert stream.getvalue().splitlines() == lines


def test_json_lines_in_order_with_stable_keys() -> None:
    stream, clock = io.StringIO(), Clock()
    with JsonProgress(stream, clock=clock) as progress:
        small_batch(progress, clock)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    common = ["event", "claim", "as_of", "parameters", "verdict", "seconds", "kind", "message"]
    assert all(list(line)[: len(common)] == common for line in lines)
    events = [line["event"] for line in lines]
    assert events == [*["planned"] * 4, "cached", *["started"] * 3, "cell", "done", "failed",
                      "failed", "summary"]  # fmt: skip
    assert [line["expected_s"] for line in lines[:4]] == [None, None, 10.0, None]
    assert lines[4]["verdict"] == "supported" and lines[3]["parameters"]["window"] == 6
    assert lines[8] == {
        "event": "cell", "claim": "c14", "as_of": DAY, "parameters": {"as_of": DAY},
        "verdict": None, "seconds": 2.5, "kind": None, "message": None,
        "cell": "figure-evidence", "number": 7, "total": 20,
    }  # fmt: skip
    assert lines[9]["verdict"] == "mostly contradicted" and lines[9]["seconds"] == 8.26
    assert (lines[10]["kind"], lines[10]["where"]) == ("time-out", "cell 8 under 'Method'")
    assert lines[10]["message"] == "a cell\ntimed out \x1b[31m" and lines[11]["kind"] == "no record"
    assert lines[12] == {
        "event": "summary", "claim": None, "as_of": None, "parameters": None, "verdict": None,
        "seconds": 6.0, "kind": None, "message": None, "jobs": 4,
        "done": 1, "failed": 2, "cached": 1, "unfinished": 0, "broken_off": False,
    }  # fmt: skip


def test_json_tells_that_a_batch_broke_off() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), JsonProgress(stream) as progress:
        progress.planned([job("c03"), job("c14")], {})
        raise KeyboardInterrupt
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert last["broken_off"] is True and last["unfinished"] == 2


def test_live_shows_state_verdict_cell_and_expected_end() -> None:
    clock = Clock()
    progress, _ = live(clock)
    c03, c07, c14, late, new = (job("c03"), job("c07"), job("c14"), job("c14", "2026-11-01"),
                                job("c99", ""))  # fmt: skip
    expected = {job_key(c03): 30.0, job_key(c14): 20.0, job_key(late): 10.0}
    progress.planned([c03, c07, c14, late, new], expected)
    progress.cached(c07, "supported")
    progress.started(c03)
    progress.started(late)
    clock.now += 5
    progress.done(good(late, "mostly contradicted", 5.0))
    progress.cell(c03, 7, 20, "figure-evidence")
    clock.now += 7
    # c03 needs 18 more, c14 20, c99 the mean of 30, 20 and 10: 58, among two workers
    assert picture(progress) == [
        "notebook        state    verdict                cell                    time",
        "c03 2024-08-21  running                         7/20 figure-evidence    0:12",
        "c07 2024-08-21  cached   ● supported",
        "c14 2024-08-21  waiting",
        "c14 2026-11-01  done     ◔ mostly contradicted                          0:05",
        "c99 committed   waiting",
        "2 of 5 done, 1 from the cache, 0:12 elapsed, expected end in 0:29",
    ]  # fmt: skip


def test_the_end_is_never_expected_before_the_longest_run_ends() -> None:
    clock = Clock()
    progress, _ = live(clock)
    progress.planned([job("c03")], {job_key(job("c03")): 40.0})
    progress.started(job("c03"))
    clock.now += 10
    assert picture(progress)[-1].endswith("expected end in 0:30")
    clock.now += 60
    assert picture(progress)[-1] == "0 of 1 done, 1:10 elapsed, expected end any moment"


def test_an_unknown_end_is_called_unknown_until_a_run_has_ended() -> None:
    clock = Clock()
    progress, _ = live(clock)
    progress.planned([job("c03"), job("c07"), job("c14")], {})
    assert picture(progress)[-1].endswith("expected end unknown")
    progress.done(good(job("c03"), seconds=10.0))
    assert picture(progress)[-1].endswith("expected end in 0:10")


def test_live_fits_the_terminal_running_and_failed_first() -> None:
    clock = Clock()
    progress, _ = live(clock, height=8)
    jobs = [job(f"c{number:02}") for number in range(20)]
    progress.planned(jobs, {})
    for one in jobs[:10]:
        progress.cached(one, "mixed")
    progress.done(bad(jobs[10]))
    for one in jobs[11:14]:
        clock.now += 1
        progress.done(good(one))
    progress.started(jobs[14])
    lines = picture(progress)
    assert [line.split()[0] for line in lines[1:5]] == ["c14", "c10", "c13", "c12"]
    assert "FAILED" in lines[2] and "time-out" in lines[2]
    assert lines[5] == "and 1 done, 5 waiting, 10 cached"
    assert lines[6].startswith("14 of 20 done, 10 from the cache, 1 failed") and len(lines) == 7


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (50, "c14 2024-08-21 wi…  running"),
        (80, "c14 2024-08-21 win…  running                         7/20 figure-[red]ev…   0:00"),
    ],
)
def test_a_narrow_terminal_cuts_lines_and_breaks_none(width: int, row: str) -> None:
    progress, _ = live(Clock(), width=width)
    progress.planned([job("c14", window=6), job("c03")], {})
    progress.started(job("c14", window=6))
    progress.cell(job("c14", window=6), 7, 20, "figure-[red]evidence")
    lines = picture(progress, width)
    assert lines[1] == row and len(lines) == 4


def test_live_ends_with_a_summary_and_the_cursor() -> None:
    clock = Clock()
    progress, stream = live(clock)
    with progress:
        small_batch(progress, clock)
    text = stream.getvalue()
    assert text.index(HIDE_CURSOR) < text.index(SHOW_CURSOR)
    last = picture(progress)[-1]
    assert last == "4 of 4 done, 1 from the cache, 2 failed, 0:06 elapsed" and last in text


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_cursor_comes_back_after_an_error(error: type[BaseException]) -> None:
    progress, stream = live(Clock())
    with pytest.raises(error), progress:
        progress.started(job("c03"))
        raise error
    text = stream.getvalue()
    assert text.rindex(SHOW_CURSOR) > text.rindex(HIDE_CURSOR)
    assert "stopped" in text and "broken off, 0 of 1 done" in text
    assert sys.stdout is not None and not hasattr(sys.stdout, "rich_proxied_file")


def test_the_cursor_comes_back_when_drawing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    progress, stream = live(Clock())
    with pytest.raises(ZeroDivisionError), progress:
        monkeypatch.setattr(progress._live, "_get_renderable", lambda: 1 / 0)
    assert SHOW_CURSOR in stream.getvalue()


def hammer(progress: Progress) -> None:
    """Eight threads, five hundred events each: a hundred jobs planned, started and ended."""

    def one(thread: int) -> None:
        for number in range(100):
            what = job(f"c{thread}", f"{number}")
            progress.planned([what], {job_key(what): 1.0})
            progress.started(what)
            progress.cell(what, 1, 2, "first")
            progress.cell(what, 2, 2, "second")
            progress.done(good(what) if number % 10 else bad(what))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))


def test_threads_lose_nothing_as_json() -> None:
    stream = io.StringIO()
    with JsonProgress(stream, workers=8) as progress:
        hammer(progress)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert Counter(line["event"] for line in lines) == {
        "planned": 800, "started": 800, "cell": 1600, "done": 720, "failed": 80, "summary": 1,
    }  # fmt: skip
    assert (lines[-1]["done"], lines[-1]["failed"], lines[-1]["unfinished"]) == (720, 80, 0)


def test_threads_lose_nothing_live_and_redraws_are_few() -> None:
    progress, stream = live(Clock())
    began = time.perf_counter()
    with progress:
        hammer(progress)
        time.sleep(0.3)
    seconds = time.perf_counter() - began
    assert "800 of 800 done, 80 failed, 0:00 elapsed" in stream.getvalue()
    first_last_and_one_for_luck = 3
    redraws = stream.getvalue().count("elapsed")
    assert redraws <= module.REDRAWS_PER_S * seconds + first_last_and_one_for_luck


def test_quiet_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with make_progress("quiet", sys.stdout, 2) as progress:
        small_batch(progress, Clock())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "stream", "term", "made"),
    [
        ("auto", Terminal, "xterm", LiveProgress),
        ("auto", Terminal, "dumb", PlainProgress),
        ("auto", io.StringIO, "xterm", PlainProgress),
        ("auto", lambda: Terminal("ascii"), "xterm", PlainProgress),  # no marks there
        ("json", Terminal, "xterm", JsonProgress),
        ("quiet", Terminal, "xterm", QuietProgress),
    ],
)
def test_the_stream_decides(
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    stream: Callable[[], TextIO],
    term: str,
    made: type[Progress],
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")  # colour in a log is not a wish for a moving table
    assert type(make_progress(kind, stream(), 4)) is made  # type: ignore[arg-type]


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, kursk_claims.engine.progress\n"
        "sys.exit(str({'papermill', 'pandas', 'nbformat', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")],
)
def test_minutes(seconds: float | None, text: str) -> None:
    assert module.minutes(seconds) == text
