"""Random kills of real reports: whatever dies and when, nothing wrong stays and nothing is lost.

``python -m tests.faults.campaign --kills 150 --seed 1`` runs ``kursk report`` on a copy of the
collection with two claims, again and again, and harms each run at a random moment; with
``--cluster``, the runs go to two workers of a Dask cluster on this machine. It prints each fault,
and a table; the exit status is 1 when there was a fault.
"""

import argparse
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kursk_claims.engine import cache
from kursk_claims.engine.jobs import Job
from kursk_claims.evidence.paths import VARIABLE, root
from tests.engine.test_cluster import Cluster
from tests.faults.batches import Family, command, kill, parent
from tests.processes import until

CLAIMS = ("c11", "c13")
VERSIONS = ("1.0", "2.0")
"""Of the citation, so that a report can be told from the one before."""
WORKERS = 2
BOUND_S = 90
"""A run that lasts this much longer than others hangs."""
SOON_S = 1
"""What goes on longer after a signal has not heard it."""
EVERY = 5
"""After so many kills, a run that nothing befalls."""

Files = dict[str, bytes]


class Checkout:
    """A copy of the collection with two claims, and what is made from it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for name in ("data", "notebooks"):
            shutil.copytree(root() / name, top / name)
        for name in ("requirements.lock", "CITATION.cff", "LICENSE-data.md"):
            shutil.copy(root() / name, top)
        registry = yaml.safe_load((top / "data/claims.yaml").read_text())
        registry["claims"] = [claim for claim in registry["claims"] if claim["id"] in CLAIMS]
        text = yaml.safe_dump(registry, sort_keys=False, allow_unicode=True)
        (top / "data/claims.yaml").write_text(text)
        self._citation = yaml.safe_load((top / "CITATION.cff").read_text())

    def cite(self, version: str) -> None:
        """Change what every page shows, and no notebook."""
        text = yaml.safe_dump({**self._citation, "version": version})
        (self.top / "CITATION.cff").write_text(text)

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.top / ".cache", ignore_errors=True)

    def files(self, folder: str) -> Files:
        """Return the files below a folder, by their address in the checkout."""
        found = (path for path in (self.top / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.top).as_posix(): path.read_bytes() for path in found}

    def report(self) -> Files:
        """Return the report; the note of what it was built from is no part of it."""
        found = self.files("reports")
        found.pop("reports/.built-from", None)
        return found

    def notebooks(self) -> Files:
        """Return the executed notebooks that are offered as good ones."""
        return {
            name: content
            for name, content in self.files(".cache/runs").items()
            if name.endswith(".ipynb") and not name.endswith((".part.ipynb", ".failed.ipynb"))
        }

    def unsound(self) -> list[str]:
        """Return the entries of the cache that are damaged, or tell of another notebook."""
        entries = [path for path in self.top.glob(".cache/runs/*/*.json") if path.name[0] != "."]
        jobs = [Job(path.parent.name, path, {}, path.with_suffix(".ipynb")) for path in entries]
        return [str(job.output) for job in jobs if cache.load(job) is None]

    def names(self) -> set[str]:
        """Return all files, but for failed runs to look at and pages kept for the next report."""
        return {
            name
            for name in self.files(".")
            if not name.endswith(".failed.ipynb")
            and (not name.startswith(".cache/report/") or name.endswith(".part"))
        }


class Run(Family):
    """A run of ``kursk report`` in a session of its own, as a terminal would start it."""

    def __init__(self, checkout: Checkout, folder: Path, *options: str) -> None:
        super().__init__(folder, folder / "t")
        self._log = folder / "log"
        kursk = Path(sys.executable).with_name("kursk")
        paths = {VARIABLE: str(checkout.top), "PYTHONPATH": str(root() / "src")}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [kursk, "report", "--jobs", str(WORKERS), *options],
                env=self.environment | paths, cwd=folder,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def told(self) -> str:
        return self._log.read_text()

    def ends(self, seconds: float = BOUND_S) -> bool:
        """Wait for the end; say whether it came."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.returncode is not None

    def signal(self, number: int) -> bool:
        """Send a signal to all that a terminal would send it to; say whether it met a run."""
        if self.process.poll() is None:
            os.killpg(self.pid, number)
            return True
        return False

    def clear(self) -> None:
        """End what should have ended by itself."""
        for pid in self.living():
            with suppress(OSError):
                kill(pid)
        self.process.wait()


# -- harm ----------------------------------------------------------------------------------------


def one_of(pids: Sequence[int], chance: random.Random) -> bool:
    """Kill one process, if there is any."""
    with suppress(ProcessLookupError, IndexError):
        kill(chance.choice(pids))
        return True
    return False


def a_kernel(run: Run, chance: random.Random) -> bool:
    return one_of(run.kernels(run.pid), chance)


def the_server(run: Run, chance: random.Random) -> bool:
    return one_of(run.servers(run.pid), chance)


def the_runner(run: Run, chance: random.Random) -> bool:
    return run.process.poll() is None and one_of([run.pid], chance)


def kernel_and_runner(run: Run, chance: random.Random) -> bool:
    return a_kernel(run, chance) and the_runner(run, chance)


def ctrl_c(run: Run, chance: random.Random) -> bool:
    return run.signal(signal.SIGINT)


def ctrl_c_twice(run: Run, chance: random.Random) -> bool:
    met = ctrl_c(run, chance)
    time.sleep(chance.uniform(0.02, 0.6))
    ctrl_c(run, chance)
    return met


def sigterm(run: Run, chance: random.Random) -> bool:
    return run.signal(signal.SIGTERM)


Harm = Callable[[Run, random.Random], bool]
LOCAL: dict[str, Harm] = {
    "a kernel": a_kernel,
    "the fork server": the_server,
    "the runner": the_runner,
    "kernel and runner": kernel_and_runner,
    "Ctrl-C": ctrl_c,
    "Ctrl-C twice": ctrl_c_twice,
    "SIGTERM": sigterm,
}
SIGNALS = ("Ctrl-C", "Ctrl-C twice", "SIGTERM")


class Workers:
    """A Dask cluster that is used by run after run, and replaced when its scheduler is killed."""

    def __init__(self, folder: Path, checkout: Checkout) -> None:
        self._folder, self._checkout, self._made = folder, checkout, 0
        self._begin()

    def _begin(self) -> None:
        folder = self._folder / f"cluster{self._made}"
        self._made += 1
        self.cluster = Cluster(folder, self._checkout.top, WORKERS)
        self.family = Family(folder, folder)

    @property
    def options(self) -> tuple[str, str]:
        return "--cluster", self.cluster.address

    def a_worker(self, run: Run, chance: random.Random) -> bool:
        """Kill a worker; its nanny starts another."""
        nannies = [pid for pid in self.family.living() if " worker " in command(pid)]
        found = [pid for pid in self.family.living() if parent(pid) in nannies]
        return one_of([pid for pid in found if "spawn_main" in command(pid)], chance)

    def the_scheduler(self, run: Run, chance: random.Random) -> bool:
        return one_of([p for p in self.family.living() if " scheduler " in command(p)], chance)

    def kernels(self) -> list[int]:
        """Return the kernels at work: forks of a fork server."""
        forks = {pid for pid in self.family.living() if "forkserver" in command(pid)}
        return [pid for pid in forks if parent(pid) in forks]

    def faults(self, kind: str) -> Iterator[str]:
        """Tell what a run left on the workers, and make them good for the next."""
        if kind == "the scheduler":
            yield from self.end()
            self._begin()
        elif not until(lambda: not self.kernels() and not [*self._left("kursk-*")]):
            yield f"left on the workers: {self.kernels()} {[*self._left('kursk-*')]}"
        self.cluster.client.wait_for_workers(WORKERS, timeout=30)

    def end(self) -> Iterator[str]:
        """End the cluster; tell what remains of it."""
        try:
            self.cluster.end()
        except AssertionError as error:
            yield f"the cluster does not end: {error}"
        if not until(lambda: not [*self._left("pymp-*"), *self._left("kursk-*")], 10):
            yield f"left by the workers: {[*self._left('pymp-*'), *self._left('kursk-*')]}"

    def _left(self, pattern: str) -> Iterator[Path]:
        return self.family.temporary.glob(pattern)


# -- the campaign --------------------------------------------------------------------------------


@dataclass
class Campaign:
    """Runs that are harmed, what they should have made, and what was found."""

    folder: Path
    chance: random.Random
    checkout: Checkout
    workers: Workers | None = None
    reports: dict[str, Files] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    notebooks: Files = field(default_factory=dict)
    typical_s: float = 0.0
    count: Counter[tuple[str, str]] = field(default_factory=Counter)
    _runs: int = 0

    def learn(self) -> None:
        """Run undisturbed, on this machine: so it looks, and so long it takes."""
        for version in VERSIONS:
            self.checkout.cite(version)
            self.checkout.forget()
            run = self._start()
            assert run.ends() and run.process.returncode == 0, run.told
            run.nothing_is_left()
            self.reports[version] = self.checkout.report()
            self.names[version] = self.checkout.names()
        self.notebooks = self.checkout.notebooks()
        assert len(self.notebooks) == 2 * len(CLAIMS)
        assert self.reports[VERSIONS[0]] != self.reports[VERSIONS[1]]

    def time(self) -> None:
        """Take the time of a run where the others will be."""
        begun = time.monotonic()
        self.undisturbed(VERSIONS[1], "--anew")
        self.typical_s = time.monotonic() - begun

    def harmed(self, number: int, kind: str, harm: Harm) -> None:
        """Harm a run at a random moment and look at what is left."""
        version = VERSIONS[number % 2]
        self.checkout.cite(version)
        if self.chance.random() < 0.5:
            self.checkout.forget()
        moment = self.chance.uniform(0, self.typical_s)
        run = self._start("--anew", *(self.workers.options if self.workers else ()))
        begun = time.monotonic()
        run.ends(moment)
        hit = harm(run, self.chance)
        struck = time.monotonic()
        run.ends()
        took = time.monotonic() - struck
        if not hit:
            self.typical_s = time.monotonic() - begun  # others may use this machine, now or then
        faults = [*self._faults(run, version), *(self.workers.faults(kind) if self.workers else ())]
        if hit and kind in SIGNALS and run.process.returncode == 0 and took > SOON_S:
            faults.append(f"goes on for {took:.1f} s")
        self._note(kind, faults, hit, f"at {moment:.2f} s", run)

    def undisturbed(self, version: str, *more: str) -> None:
        """Run with what the runs before have left: it must come out as if nothing had been."""
        self.checkout.cite(version)
        run = self._start(*more, *(self.workers.options if self.workers else ()))
        faults = [*self._faults(run, version)]
        if run.process.returncode != 0:
            faults.append("failed")
        if self.checkout.report() != self.reports[version]:
            faults.append("another report")
        if self.checkout.notebooks() != self.notebooks:
            faults.append("other notebooks")
        if self.checkout.names() != self.names[version]:
            faults.append(f"other files: {sorted(self.checkout.names() ^ self.names[version])}")
        self._note("none", faults, False, "", run)

    def _start(self, *options: str) -> Run:
        self._runs += 1
        return Run(self.checkout, self.folder / f"run{self._runs}", *options)

    def _faults(self, run: Run, version: str) -> Iterator[str]:
        """Tell what must not be, whatever befell a run."""
        if not run.ends():
            yield "hangs"
        elif run.process.returncode == 0 and self.checkout.report() != self.reports[version]:
            yield "says that all is well, and the report is not the new one"
        try:
            run.nothing_is_left()
        except AssertionError as error:
            yield f"left: {error}"
        run.clear()
        if "Traceback" in run.told or "Exception ignored" in run.told:
            yield f"a traceback for the user: {run.told}"
        if self.checkout.report() not in self.reports.values():
            yield "half a report"
        if not self.checkout.notebooks().items() <= self.notebooks.items():
            yield "a wrong notebook"
        yield from (f"a damaged entry: {name}" for name in self.checkout.unsound())

    def _note(self, kind: str, faults: list[str], hit: bool, when: str, run: Run) -> None:
        self.count.update({(kind, "runs"): 1, (kind, "hits"): hit, (kind, "faults"): bool(faults)})
        lines = run.told.strip().splitlines() or [""]
        result = f"{'hit' if hit else 'not hit'}, exit {run.process.returncode}: {lines[-1][:80]}"
        print(f"{run.mark.name}  {kind} {when}  {result}", flush=True)
        for fault in faults:
            print(f"  FAULT  {fault}", flush=True)

    @property
    def table(self) -> str:
        """Runs, hits and faults of each kind."""
        kinds = sorted({kind for kind, _ in self.count})
        columns = ("runs", "hits", "faults")
        rows = [[kind, *(str(self.count[kind, column]) for column in columns)] for kind in kinds]
        total = ["all", *(str(sum(self.count[k, c] for k in kinds)) for c in columns)]
        lines = [["killed", *columns], *rows, total]
        return "\n".join(f"{kind:<20}{a:>6}{b:>6}{c:>8}" for kind, a, b, c in lines)


def harms(workers: Workers | None) -> dict[str, Harm]:
    """Return the kinds of harm that a run can come to."""
    if workers is None:
        return LOCAL
    there = {"a worker": workers.a_worker, "the scheduler": workers.the_scheduler}
    return there | {kind: LOCAL[kind] for kind in ("the runner", "Ctrl-C")}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="how many runs are harmed")
    parser.add_argument("--seed", type=int, default=1, help="of what is killed, and when")
    parser.add_argument("--cluster", action="store_true", help="send the runs to Dask workers")
    parser.add_argument("--minutes", type=float, default=60, help="start no run after that")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    signal.signal(signal.SIGINT, signal.default_int_handler)  # none in the background of a shell
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # it will lose its scheduler
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        folder = Path(name)
        checkout = Checkout(folder / "checkout")
        campaign = Campaign(folder, random.Random(given.seed), checkout)
        campaign.learn()
        if given.cluster:
            campaign.workers = Workers(folder, checkout)
        campaign.time()
        kinds = harms(campaign.workers)
        for number in range(given.kills):
            if time.monotonic() > end:
                break
            kind = campaign.chance.choice(list(kinds))
            campaign.harmed(number, kind, kinds[kind])
            if (number + 1) % EVERY == 0:
                campaign.undisturbed(VERSIONS[number % 2])
        for fault in campaign.workers.end() if campaign.workers else ():
            campaign.count["none", "faults"] += 1
            print(f"  FAULT  {fault}")
    print(campaign.table)
    return int(any(n for (_, column), n in campaign.count.items() if column == "faults"))


if __name__ == "__main__":
    sys.exit(main())
