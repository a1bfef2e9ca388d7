"""A batch on a real Dask cluster on this machine: the same results, whatever becomes of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from kursk_claims.engine import cluster as engine
from kursk_claims.engine.jobs import KERNEL, Job, plan
from kursk_claims.engine.outcome import Outcome
from kursk_claims.engine.runner import run
from kursk_claims.errors import RunError
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import load_registry
from tests.processes import until

RECORD = {"application/vnd.kursk-claims.record+json": {"verdict": "mixed"}}
GOOD = f"from IPython.display import display\ndisplay({RECORD}, raw=True)"
KILLER = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"  # a cold kernel's worker
STEP = "import time; time.sleep(0.5)"
TICK = "with open({ticks!r}, 'a') as file: file.write('.')"
SEND = """
import sys
from pathlib import Path
from kursk_claims.engine import cluster, jobs
from kursk_claims.evidence.paths import root
job = jobs.Job("c14", root() / "notebooks/slow.ipynb", {}, root() / "slow.ipynb")
cluster.send([job], lambda job, execute: execute(job), sys.argv[1], jobs.KERNEL)
"""
TABLE = "data/tables/polls/approval.csv"


def family(mark: str) -> list[str]:
    """Return the commands of living processes that carry a mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


class Cluster:
    """A scheduler and workers on free ports; whoever makes one must end it."""

    def __init__(self, folder: Path, worker_root: Path, workers: int, *options: str) -> None:
        folder.mkdir()
        self.mark = f"KURSK_TEST_MARK={folder}"
        self._folder, self._processes = folder, []
        place = folder / "scheduler.json"
        dashboard = ("--dashboard-address", "127.0.0.1:0")
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", *dashboard,
                    "--scheduler-file", str(place))  # fmt: skip
        assert until(lambda: place.exists() and place.read_text().endswith("}")), self.log
        self.address: str = json.loads(place.read_text())["address"]
        for _ in range(workers):
            self._start("worker", self.address, "--nthreads", "1", "--nworkers", "1", *dashboard,
                        "--local-directory", str(folder), *options, root=worker_root)  # fmt: skip
        self.client = distributed.Client(self.address, timeout=30, set_as_default=False)
        self.client.wait_for_workers(workers, timeout=30)

    def _start(self, *arguments: str, root: Path | None = None) -> None:
        more = {
            "KURSK_TEST_MARK": str(self._folder),
            "TMPDIR": str(self._folder),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2",
        }
        more |= {VARIABLE: str(root)} if root else {}
        command = [str(Path(sys.executable).with_name("dask")), *arguments]
        with (self._folder / "log").open("a") as log:
            self._processes.append(
                subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log)
            )

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def busy(self) -> list[str]:
        """Return the addresses of workers that have something to do."""
        return [worker for worker, tasks in self.client.processing().items() if tasks]

    def end(self) -> None:
        self.client.close()
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert until(lambda: not family(self.mark)), family(self.mark)


@pytest.fixture(scope="module", autouse=True)
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work on a copy of the collection, so that other notebooks can stand in it."""
    top = tmp_path_factory.mktemp("checkout")
    for name in ("data", "notebooks"):
        shutil.copytree(root() / name, top / name)
    shutil.copy(root() / "requirements.lock", top)
    slow = [STEP, TICK.format(ticks=str(top / "ticks"))] * 60
    sources = {"good": [GOOD], "failing": ["1 / 0"], "killer": [KILLER], "slow": slow}
    for name, source in (sources | dict.fromkeys("abc", [STEP] * 3 + [GOOD])).items():
        cells = [new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(source)]
        kernelspec = {"name": "python3", "display_name": "", "language": "python"}
        notebook = new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
        nbformat.write(notebook, top / "notebooks" / f"{name}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(top))
        yield top


@pytest.fixture(scope="module")
def cluster(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("dask") / "two", checkout, workers=2)
    yield made
    made.end()


def job(name: str) -> Job:
    return Job("c14", root() / "notebooks" / f"{name}.ipynb", {}, root() / "out" / f"{name}.ipynb")


def send(jobs: list[Job], address: str, kernel: str = KERNEL) -> dict[Job, Outcome]:
    return engine.send(jobs, lambda job, execute: execute(job), address, kernel)


# -- on the cluster ------------------------------------------------------------------------------


def test_a_cluster_gives_what_this_machine_gives(cluster: Cluster) -> None:
    registry = load_registry()
    first, *others = [entry.id for entry in registry.ready][:3]
    jobs = plan(registry, [first], ["2024-10-20"]) + plan(registry, others, ["1990-01-01"])
    expected = [(o.record, o.job.output.read_bytes()) for o in run(jobs, registry)]
    for each in jobs:
        each.output.unlink()
    outcomes = run(jobs, registry, anew=True, cluster=cluster.address)
    assert [o.report for o in outcomes] == ["", "", ""] and [o.job for o in outcomes] == jobs
    assert [(o.record, o.job.output.read_bytes()) for o in outcomes] == expected
    assert all(o.seconds > 0 and not o.cached for o in outcomes)
    assert all(o.cached for o in run(jobs, registry, cluster="tcp://127.0.0.1:1"))


def test_a_killed_worker_loses_nothing(cluster: Cluster) -> None:
    pids = cluster.client.run(os.getpid)
    jobs, outcomes = [job(name) for name in "abc"], {}
    batch = threading.Thread(target=lambda: outcomes.update(send(jobs, cluster.address)))
    batch.start()
    assert until(cluster.busy)
    time.sleep(0.7)  # its kernel has started; a run takes twice as long
    victim = cluster.busy()[0]
    os.kill(pids[victim], signal.SIGKILL)
    batch.join(60)
    assert {o.job: (o.report, o.record["verdict"]) for o in outcomes.values()} == dict.fromkeys(
        jobs, ("", "mixed")
    )
    assert len({each.output.read_bytes() for each in jobs}) == 1
    assert victim not in cluster.client.nthreads()


def test_only_a_job_that_kills_three_workers_fails(cluster: Cluster) -> None:
    outcomes = send([job("killer"), job("good")], cluster.address, kernel="python3")
    assert outcomes[job("good")].failure is None
    failure = outcomes[job("killer")].failure
    assert failure is not None and failure.kind == "lost worker"
    assert failure.message.startswith("3 workers died while they ran it, the last one at tcp://")


def test_a_failing_cell_is_told_as_here(cluster: Cluster) -> None:
    failing = job("failing")
    outcome = send([failing], cluster.address)[failing]
    assert outcome.failure is not None and outcome.failure.kind == "cell"
    assert "ZeroDivisionError" in outcome.report and "cell 1" in outcome.report
    assert [p.name for p in failing.output.parent.glob("failing*")] == ["failing.failed.ipynb"]


def test_an_interrupted_batch_frees_its_workers(cluster: Cluster, checkout: Path) -> None:
    ticks = checkout / "ticks"
    sender = subprocess.Popen(
        [sys.executable, "-c", SEND, cluster.address], stderr=subprocess.PIPE, text=True
    )
    assert until(ticks.exists)
    sender.send_signal(signal.SIGINT)
    told = sender.communicate(timeout=20)[1]
    assert sender.returncode != 0 and told.rstrip().endswith("KeyboardInterrupt")
    time.sleep(1)
    size = ticks.stat().st_size
    time.sleep(1.5)
    assert size == ticks.stat().st_size < 30
    assert not send([job("good")], cluster.address)[job("good")].report


# -- what cannot be done -------------------------------------------------------------------------


def test_a_worker_with_another_checkout_refuses(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "checkout"
    shutil.copytree(checkout, other)
    (other / TABLE).write_bytes((other / TABLE).read_bytes() + b"\n")
    other_cluster = Cluster(tmp_path / "one", other, 1, "--no-nanny")
    try:
        outcome = send([job("good")], other_cluster.address)[job("good")]
        assert outcome.failure is not None and outcome.failure.kind == "other checkout"
        assert outcome.failure.message.startswith("worker tcp://127.0.0.1:")
        assert outcome.failure.message.endswith(f" has another {TABLE}")
        assert not job("good").output.with_suffix(".failed.ipynb").exists()
    finally:
        other_cluster.end()


@pytest.mark.parametrize("listening", [False, True])
def test_no_scheduler_is_told_soon(monkeypatch: pytest.MonkeyPatch, listening: bool) -> None:
    assert engine.CONNECT_S < 8
    monkeypatch.setattr(engine, "CONNECT_S", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:  # something is there, and says nothing
            silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(RunError) as caught:
            send([job("good")], address)
    assert str(caught.value) == f"no Dask scheduler at {address}; start one with: dask scheduler"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8786", "tcp://127.0.0.1", "127.0.0.1:8786", "tcp://:8786", "tcp://a:b", "",
     "tcp://a:0", "tcp://a:99999", "tcp://[", "tcp://a:8786/x"],
)  # fmt: skip
def test_a_wrong_address_is_named(address: str) -> None:
    with pytest.raises(RunError, match="write tcp://host:port"):
        send([job("good")], address)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r"pip install kursk-claims\[cluster\]"):
        send([job("good")], "tcp://127.0.0.1:1")


def test_what_differs_is_named() -> None:
    sender = {"cell 3 (a)": "1", "text cells": "1", "data/x.csv": "1", "src/y.py": "none"}
    worker = {"cell 3 (a)": "2", "text cells": "2", "src/y.py": "1", "Python 3.12": "3.12"}
    words = engine._difference(sender, worker, "notebooks/c.ipynb")
    assert words == "another notebooks/c.ipynb, no data/x.csv, an additional src/y.py and 1 more"
    assert engine._difference(sender, dict(sender), "notebooks/c.ipynb") == ""
