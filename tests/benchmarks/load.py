"""Whether thousands of runs go as well as the first ones: speed, memory, open files, leftovers.

    python -m tests.benchmarks.load [--runs 5000] [--workers 2]

A sweep of as many runs, no two alike, goes the way of `kursk run`: planned, run in warm kernels,
stored in the cache, put into a table, and once more, when all must come from the cache. It works in
a copy of the data and notebooks, which grows by 0.3 MiB a run below TMPDIR. With `--workers` it
goes to as many workers of a Dask cluster on the loopback. What is printed is told by tenths of the
sweep, so that growth shows. A failed run or anything that is left behind makes the exit code 1.

The claims are those whose kernels need least processor time, 1.4 to 1.6 s a run where others need
up to 3.4, for it is the engine that is tried: c05, c08, c11, c13, c16 and c17. Every day of the
timeline is crossed with every value of their parameters, and a part of it is drawn by a generator
with a fixed seed: the same runs each time, and a like mixture in each tenth.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain, product
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import psutil

from kursk_claims.engine.jobs import Job, plan
from kursk_claims.engine.outcome import Outcome
from kursk_claims.engine.progress import QuietProgress, Row
from kursk_claims.engine.runner import run
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import Registry, load_registry
from kursk_claims.report import sweep
from kursk_claims.report.timeline import FIRST, LAST
from tests.benchmarks.measuring import CORES, MIB, call, checkout, measure, pss, rss, show, tell
from tests.processes import until

LIGHT = ("c05", "c08", "c11", "c13", "c16", "c17")
MOST = 50_000
SAMPLE_S = 3.0
TENTHS = 10
SHOWN = 5
EXPECTED = ("dask/log", "dask/scheduler.json", "dask/dask-scratch-space")
"""What a cluster keeps in its folder by itself."""
Sample = dict[str, float]
"""A moment, ``at``, and what was measured then."""


class Event(NamedTuple):
    """What the process that runs the sweep says of itself; ``at`` is a reading of its clock."""

    at: float
    what: str
    seconds: float = 0.0
    words: str = ""


# -- the sweep, in a process of its own --------------------------------------------------------


class Log(QuietProgress):
    """Writes a line for each run that ended."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def write(self, what: str, seconds: float = 0.0, words: str = "") -> None:
        with self._path.open("a", encoding="utf-8") as file:
            print(json.dumps([time.monotonic(), what, seconds, words]), file=file)

    def _tell(self, event: str, row: Row, **more: Any) -> None:
        if event in ("done", "failed"):
            words = f"{row.label}: {row.kind}: {row.message}" if row.kind else ""
            self.write(event, row.seconds or 0.0, words)


def jobs(registry: Registry, runs: int) -> list[Job]:
    """Return so many jobs, no two alike, the claims by turns."""
    draw = random.Random(0)
    each = -(-runs // len(LIGHT))
    drawn = [draw.sample(_all(registry, claim), each) for claim in LIGHT]
    chosen = list(chain.from_iterable(zip(*drawn, strict=True)))[:runs]
    return [job for claim, day, values in chosen for job in plan(registry, [claim], [day], values)]


def _all(registry: Registry, claim: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return a claim on every day with every value of its parameters."""
    days = [(FIRST + timedelta(n)).isoformat() for n in range((LAST - FIRST).days + 1)]
    allowed = {p.name: p.allowed for p in registry[claim].parameters if p.allowed}
    grid = [dict(zip(allowed, values, strict=True)) for values in product(*allowed.values())]
    return [(claim, day, values) for day in days for values in grid]


def go(runs: str, log: str, cluster: str) -> None:
    """Make the runs, then the same ones again, and tell how it went."""
    progress = Log(Path(log))
    progress.write("started")
    registry = load_registry()
    planned = jobs(registry, int(runs))
    progress.write("planned")
    outcomes = run(planned, registry, progress=progress, cluster=cluster or None)
    progress.write("ran")
    _tabulate(outcomes)
    progress.write("tabulated")
    again = run(planned, registry, cluster=cluster or None)
    progress.write("again", words="" if all(o.cached for o in again) else "not all were cached")


def _tabulate(outcomes: Sequence[Outcome]) -> None:
    records = [outcome.record for outcome in outcomes if outcome.record is not None]
    (root() / ".cache" / "sweep.csv").write_text(sweep.as_csv(sweep.rows(records)))


# -- from outside ------------------------------------------------------------------------------


def family(folder: Path) -> list[psutil.Process]:
    """Return the living processes whose temporary files go below a folder, with their ``info``."""
    return [
        process
        for process in psutil.process_iter(["environ", "status", "ppid", "cmdline", "num_fds"])
        if (process.info["environ"] or {}).get("TMPDIR", "").startswith(str(folder))
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


class Sampler:
    """What the sweep holds, now and then.

    A fork server counts with the pages that it shares: by its part of them it would seem to shrink
    with each kernel that lives. A worker is whoever else has a fork server.
    """

    def __init__(self, folder: Path) -> None:
        self.samples: list[Sample] = []
        self._folder = folder

    def look(self, runner: int) -> None:
        members = family(self._folder)
        forks = {p.pid for p in members if "forkserver" in " ".join(p.info["cmdline"] or [])}
        servers = [p for p in members if p.pid in forks and p.info["ppid"] not in forks]
        having = {server.info["ppid"] for server in servers}
        groups = {
            "runner": ([p for p in members if p.pid == runner], pss),
            "server": (servers, rss),
            "worker": ([p for p in members if p.pid in having - {runner}], pss),
        }
        now: Sample = {"at": time.monotonic()}
        for name, (processes, weigh) in groups.items():
            now[f"{name} MiB"] = sum(map(weigh, processes)) / MIB
            now[f"{name} files"] = sum(process.info["num_fds"] or 0 for process in processes)
        now["all MiB"] = sum(map(pss, members)) / MIB
        now["processes"] = len(members)
        now["cache MiB"] = _size(self._folder / "checkout" / ".cache") / MIB
        self.samples.append(now)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # it had the name of a partial file
            total += path.stat().st_size
    return total


def leftovers(folder: Path) -> list[str]:
    """Return the processes, sockets and temporary files that a sweep left behind."""
    until(lambda: not family(folder))
    processes = [f"process {p.pid}: {' '.join(p.info['cmdline'] or [])}" for p in family(folder)]
    places = [*folder.glob("temporary/*"), *folder.glob("dask/*"), *folder.rglob("*.part*")]
    names = dict.fromkeys(path.relative_to(folder).as_posix() for path in places)
    kinds = {name: "socket" if (folder / name).is_socket() else "file" for name in names}
    return processes + [f"{kind} {name}" for name, kind in kinds.items() if name not in EXPECTED]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """Give the address of a cluster with so many workers; none without workers."""
    if not workers:
        yield ""
        return
    from tests.engine.test_cluster import Cluster

    made = Cluster(folder / "dask", folder / "checkout", workers)
    try:
        yield made.address
    finally:
        made.end()


# -- the tables --------------------------------------------------------------------------------


def by_tenths(ended: Sequence[Event], began: float, samples: Sequence[Sample]) -> list[Sample]:
    """Return what each tenth of the runs was like: medians of the samples of its time."""
    table = []
    for n in range(TENTHS):
        runs = ended[len(ended) * n // TENTHS : len(ended) * (n + 1) // TENTHS]
        until_then = runs[-1].at
        inside = [s for s in samples if began < s["at"] <= until_then]
        row: Sample = {
            "runs": len(ended) * (n + 1) // TENTHS,
            "runs/s": len(runs) / (until_then - began),
            "ms a run": fmean(event.seconds for event in runs) * 1000,
        }
        names = [name for name in samples[0] if name != "at"] if inside else []
        table.append(row | {name: median(s[name] for s in inside) for name in names})
        began = until_then
    return table


def report(events: Sequence[Event], samples: Sequence[Sample], where: str) -> None:
    """Print the table by tenths, how memory grew, and the time of what is not runs."""
    at = {event.what: event.at for event in events}
    ended = [event for event in events if event.what in ("done", "failed")]
    table = by_tenths(ended, at["planned"], samples)
    columns = [name for name in {**table[0], **table[-1]} if any(row.get(name) for row in table)]
    rows = [[_shown(name, row.get(name)) for name in columns] for row in table]
    show(f"{len(ended)} runs {where}, by tenths; {CORES} cores", columns, rows)
    for name in [name for name in columns if name in ("runner MiB", "server MiB", "worker MiB")]:
        _tell_growth(name.removesuffix(" MiB"), [r for r in table[1:] if name in r], name)
    print(
        f"\nPlanned in {at['planned'] - at['started']:.1f} s, ran in "
        f"{at['ran'] - at['planned']:.1f} s, tabulated in {at['tabulated'] - at['ran']:.1f} s, "
        f"all again from the cache in {at['again'] - at['tabulated']:.1f} s"
    )


def _tell_growth(who: str, rows: Sequence[Sample], name: str) -> None:
    if len(rows) > 1:
        grown, runs = rows[-1][name] - rows[0][name], rows[-1]["runs"] - rows[0]["runs"]
        each = grown * 1024 / runs
        print(
            f"\nThe {who} grew by {grown:.1f} MiB in {runs:.0f} runs: {each:.1f} KiB a run", end=""
        )


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.1f}"
        if name.endswith("MiB")
        else f"{value:.2f}"
        if "/" in name
        else f"{value:.0f}"
    )


def try_it(folder: Path, runs: int, workers: int) -> list[str]:
    """Make a sweep and print its tables; return what went wrong."""
    checkout(folder)
    own = {"TMPDIR": str(folder / "temporary"), VARIABLE: str(folder / "checkout")}
    (folder / "temporary").mkdir()
    sampler, log = Sampler(folder), folder / "log"
    with cluster(folder, workers) as address:
        command = call(__spec__.name, "go", runs, log, address)
        measure(command, sampler.look, SAMPLE_S, own)
    events = [Event(*json.loads(line)) for line in log.read_text().splitlines()]
    report(events, sampler.samples, f"on {workers} workers" if workers else "on this machine")
    failed = [event.words for event in events if event.words]
    if (ended := sum(event.what in ("done", "failed") for event in events)) != runs:
        failed.append(f"{ended} runs were made, not {runs}")
    left = leftovers(folder)
    print(f"{len(failed)} failures, {len(left)} leftovers")
    return [*failed, *left]


def main() -> None:
    """Print the tables; end with 1 if anything failed or was left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000, help=f"{TENTHS} to {MOST}")
    parser.add_argument("--workers", type=int, default=0, help="of a Dask cluster; none without")
    given = parser.parse_args()
    if not TENTHS <= given.runs <= MOST or given.workers < 0:
        parser.error(f"--runs must be {TENTHS} to {MOST}, and --workers not negative")
    with tempfile.TemporaryDirectory(prefix="kursk-load-") as name:
        tell(f"{given.runs} runs")
        faults = try_it(Path(name), given.runs, given.workers)
    if faults:
        more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        sys.exit("\n".join([*faults[:SHOWN], *more]))


if __name__ == "__main__":
    main()
