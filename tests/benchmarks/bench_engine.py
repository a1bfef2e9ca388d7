"""How long the runs of the report take, by these tools and by others, side by side.

    python -m tests.benchmarks.bench_engine [--runs 100] [--medians 3] [--quick]

Run it from the top of a checkout, on a machine with nothing else to do. Every measured command is
a process of its own, its output discarded; one that fails stops the benchmark with what it said.
`kursk` works in a copy of the data and notebooks, so the cache and the report stay as they are.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, median

import psutil

from kursk_claims.engine.jobs import KERNEL, plan
from kursk_claims.engine.runner import run
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import load_registry
from tests.benchmarks import measuring
from tests.benchmarks.measuring import CORES, MIB, Command, checkout, rss, show, tell
from tests.notebooks import ONLY, WIDE

BIN = Path(sys.executable).parent
SIZES = (1, 3, 10, 30, 100)
GROWING = "c07"
SAMPLE_S = 0.2


# -- measuring ---------------------------------------------------------------------------------


@dataclass
class Peak:
    """The most memory that a process and all below it held, sampled; shared pages count in each."""

    bytes: int = 0

    def look(self, pid: int) -> None:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]  # fork server and kernels as well
        self.bytes = max(self.bytes, sum(map(rss, family)))


def measure(command: Command, changes: Mapping[str, str] | None = None) -> tuple[float, int]:
    """Return wall seconds and peak memory in bytes of a command, stopping all if it fails."""
    peak = Peak()
    return measuring.measure(command, peak.look, SAMPLE_S, changes), peak.bytes


def call(function: str, *arguments: object) -> Command:
    """Return the command that calls a function of this module in a new process."""
    return measuring.call(__spec__.name, function, *arguments)


# -- what is measured --------------------------------------------------------------------------


@dataclass(frozen=True)
class Contender:
    """A way to make `runs` runs: commands one after the other."""

    name: str
    runs: int
    commands: list[Command]
    environment: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[Path] = ()
    """What earlier ones kept, removed first."""

    def seconds(self) -> float:
        for folder in self.without:
            shutil.rmtree(folder, ignore_errors=True)
        # unwatched: to sample memory costs most where both cores are busy
        times = [measuring.measure(c, changes=self.environment) for c in self.commands]
        return sum(times)


def contenders(aside: Path) -> dict[str, Contender]:
    """Return everything of the first table by its letter, in the order of measuring."""
    registry = load_registry()
    days = [registry.article["appeared_on"], registry.article["hindsight_on"]]
    notebooks = [root() / entry.notebook for entry in registry.ready]
    some, all_ = len(notebooks), len(notebooks) * len(days)
    stored: Command = ["notebooks", "--ignore-glob", "notebooks/_*"]
    nbval: Command = [BIN / "pytest", "--nbval", *stored, "-q", "-p", "no:cacheprovider"]
    two: Command = ["-n", "2", "--dist", "loadfile"]
    warm: Command = [*ONLY, *WIDE, "--nbval-kernel-name", KERNEL]
    convert: Command = [BIN / "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    loop: list[Command] = [
        [BIN / "papermill", path, aside / "out.ipynb", "-k", "python3", "-p", "as_of", day,
         "--no-progress-bar"]
        for path in notebooks for day in days
    ]  # fmt: skip
    kursk, copy = BIN / "kursk", checkout(aside)
    own, kept = {VARIABLE: str(copy)}, (copy / ".cache", copy / "reports")
    return {
        "a": Contender("loop of papermill", all_, loop),
        "b": Contender(
            "jupyter nbconvert --execute", some, [[*convert, "--output-dir", aside, *notebooks]]
        ),
        "c": Contender("pytest --nbval", some, [nbval]),
        "d": Contender("pytest --nbval -n 2", some, [[*nbval, *two]]),
        "e": Contender("pytest --nbval as in make test", some, [[*nbval, *warm]]),
        "f": Contender("kursk report, nothing kept", all_, [[kursk, "report"]], own, kept),
        "g": Contender("kursk report, nothing changed", all_, [[kursk, "report"]], own),
        "h": Contender("kursk status", all_, [[kursk, "status"]], own),
    }


def import_seconds() -> float:
    """Return how long one process takes to import the stack of a warm kernel."""
    ask = "from kursk_claims.engine.preload import MODULES; print(*MODULES, sep=', ')"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return measure([sys.executable, "-c", f"import {told.stdout}"])[0]


def cell_seconds(runs: Sequence[tuple[Path, str]], aside: Path) -> list[float]:
    """Return the seconds that the cells of each run take alone, in a warm kernel."""
    asked, told = aside / "asked.json", aside / "told.json"
    asked.write_text(json.dumps([[str(path), day] for path, day in runs]))
    measure(call("write_cell_seconds", asked, told))
    found: list[float] = json.loads(told.read_text())
    return found


def write_cell_seconds(asked: str, told: str) -> None:
    """Run notebooks one after the other; write the sum of Papermill's durations of each."""
    import papermill

    sums = []
    for path, day in json.loads(Path(asked).read_text()):
        notebook = papermill.execute_notebook(
            path, None, parameters={"as_of": day}, kernel_name=KERNEL, progress_bar=False,
            request_save_on_cell_execute=False,
        )  # fmt: skip
        sums.append(sum(cell.metadata.papermill.duration or 0 for cell in notebook.cells))
    Path(told).write_text(json.dumps(sums))


def days_of(size: int) -> list[str]:
    """Return days spread over 300 from the day after the article's."""
    first = date(2024, 8, 22)
    return [(first + timedelta(300 * (2 * n + 1) // (2 * size))).isoformat() for n in range(size)]


def grow(size: str, folder: str) -> None:
    """Run one claim on so many days, everything anew and outside the cache."""
    registry = load_registry()
    jobs = [
        replace(job, output=Path(folder) / f"{job.as_of}.ipynb")
        for job in plan(registry, [GROWING], days_of(int(size)))
    ]
    failed = [one.report for one in run(jobs, registry, anew=True, keep_notebooks=False)
              if one.failure]  # fmt: skip
    sys.exit("\n".join(failed) or None)


# -- the tables --------------------------------------------------------------------------------


def compare(medians: int, aside: Path) -> None:
    """Print table 1: the runs of the report by every contender, and the ratios to the targets."""
    all_of_them = contenders(aside)
    times: dict[str, list[float]] = {letter: [] for letter in (*all_of_them, "import")}
    for repetition in range(1, medians + 1):
        for letter, contender in all_of_them.items():
            tell(f"{repetition} of {medians}: {contender.name}")
            times[letter].append(contender.seconds())
        times["import"].append(import_seconds())
    took = {letter: median(found) for letter, found in times.items()}
    registry = load_registry()
    days = [registry.article["appeared_on"], registry.article["hindsight_on"]]
    runs = [(root() / entry.notebook, day) for entry in registry.ready for day in days]
    cells = sum(cell_seconds(runs, aside))
    rows = [
        [f"({letter}) {one.name}", one.runs, f"{took[letter]:.2f}",
         f"{took[letter] / one.runs:.2f}", f"{min(times[letter]):.2f} to {max(times[letter]):.2f}"]
        for letter, one in all_of_them.items()
    ]  # fmt: skip
    show(
        f"1. The runs of the report; medians of {medians}, {CORES} cores",
        ["", "runs", "seconds", "per run", "spread"], rows,
    )  # fmt: skip
    limit = took["import"] + cells / CORES
    print(f"\nLimit: import {took['import']:.2f} s + cells {cells:.2f} s / {CORES} cores", end="")
    print(f" = {limit:.2f} s")
    _ratios(took, limit)


def _ratios(took: Mapping[str, float], limit: float) -> None:
    ratios = [
        ("papermill loop / kursk report, nothing kept", took["a"] / took["f"], ">=", 8.0),
        ("kursk report, nothing kept / limit", took["f"] / limit, "<=", 1.5),
        ("pytest --nbval / the same as in make test", took["c"] / took["e"], ">=", 4.0),
        ("kursk report, nothing changed, seconds", took["g"], "<", 2.0),
    ]
    met = {">=": float.__ge__, "<=": float.__le__, "<": float.__lt__}
    rows = [
        [name, f"{value:.2f}", f"{sign} {target:g}", "yes" if met[sign](value, target) else "NO"]
        for name, value, sign, target in ratios
    ]
    show("1a. Against the targets", ["", "measured", "target", "met"], rows)


def growth(sizes: Sequence[int], medians: int, aside: Path) -> None:
    """Print table 2: what more runs cost, beyond the time that their cells need."""
    notebook = root() / load_registry()[GROWING].notebook
    cells = fmean(cell_seconds([(notebook, day) for day in days_of(min(10, max(sizes)))], aside))
    rows: list[list[object]] = []
    before: tuple[int, float] | None = None
    for size in sizes:
        tell(f"{size} runs of {GROWING}")
        found = [measure(call("grow", size, aside / "grow")) for _ in range(medians)]
        total, peak = median(took for took, _ in found), max(peak for _, peak in found)
        beyond = "-"
        if before:
            beyond = f"{(total - before[1]) / (size - before[0]) - cells / CORES:.2f}"
        rows.append([size, f"{total:.2f}", f"{total / size:.2f}", beyond, f"{peak / MIB:.0f}"])
        before = (size, total)
    show(
        f"2. Runs of {GROWING} on different days; medians of {medians}, cells {cells:.2f} s a run, "
        f"{CORES} cores",
        ["runs", "seconds", "per run", "beyond cells per further run (< 0.5)", "peak MiB"], rows,
    )  # fmt: skip


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=max(SIZES), help="most runs in table 2")
    parser.add_argument("--medians", type=int, default=3, help="repetitions, at least 3")
    parser.add_argument("--quick", action="store_true", help="one repetition, at most 10 runs")
    given = parser.parse_args()
    if given.medians < 3 or given.runs < 1:
        parser.error("--medians must be at least 3 and --runs at least 1")
    medians, most = (1, min(10, given.runs)) if given.quick else (given.medians, given.runs)
    with tempfile.TemporaryDirectory(prefix="kursk-bench-") as name:
        compare(medians, Path(name))
        growth(sorted({*(size for size in SIZES if size < most), most}), medians, Path(name))


if __name__ == "__main__":
    main()
