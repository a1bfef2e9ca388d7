"""Whatever is killed in mid-run: nothing is left behind, and the next run gives the same bytes."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from kursk_claims.engine import cluster
from kursk_claims.engine.jobs import Job
from tests.faults.batches import Batch, kill
from tests.processes import until

GOOD = ["ran", "ran"]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The results of a run that nothing befell."""
    batch = Batch(tmp_path_factory.mktemp("right"))
    assert batch.run() == GOOD
    batch.nothing_is_left()
    assert len(batch.results) == 2
    return batch.results


def a_kernel(batch: Batch, runner: int) -> None:
    kill(batch.kernels(runner)[0])


def the_server(batch: Batch, runner: int) -> None:
    kill(batch.server(runner))


def the_runner(batch: Batch, runner: int) -> None:
    kill(runner)


def by_ctrl_c_twice(batch: Batch, runner: int) -> None:
    for _ in range(2):
        os.killpg(runner, signal.SIGINT)
        time.sleep(0.05)


@pytest.mark.parametrize("harm", [a_kernel, the_server, the_runner, by_ctrl_c_twice])
def test_a_kill_at_work(
    harm: Callable[[Batch, int], None], right: dict[str, str], tmp_path: Path
) -> None:
    batch = Batch(tmp_path)
    runner = batch.start()
    assert until(batch.at_work)
    harm(batch, runner.pid)
    told, _ = runner.communicate(timeout=60)
    ended = json.loads(told or "[]")
    assert len(ended) == (2 if harm in (a_kernel, the_server) else 0)
    assert set(ended) <= {"ran", "dead kernel", "engine"}  # the last, when it was still starting
    assert harm is not a_kernel or ended.count("ran") == 1
    assert batch.results.items() <= right.items()
    batch.nothing_is_left()
    assert set(batch.run()) <= {"ran", "cached"}
    assert batch.results == right


def test_a_runner_killed_before_its_kernels_exist(tmp_path: Path) -> None:
    batch = Batch(tmp_path, small=False)
    runner = batch.start()
    assert until(lambda: [*batch.temporary.glob("kursk-*")])
    server = batch.server(runner.pid)
    os.kill(server, signal.SIGSTOP)  # or it might be done with its imports before the kill
    assert not batch.at_work()
    kill(runner.pid)
    os.kill(server, signal.SIGCONT)
    runner.communicate()
    batch.nothing_is_left()


def test_a_server_killed_before_its_kernels_exist_is_replaced(
    right: dict[str, str], tmp_path: Path
) -> None:
    batch = Batch(tmp_path, small=False)
    runner = batch.start()
    assert until(lambda: [*batch.temporary.glob("kursk-*/connection.json")])
    kill(batch.server(runner.pid))
    told, errors = runner.communicate(timeout=60)
    assert json.loads(told) == GOOD, errors
    assert batch.results == right
    batch.nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_what_is_sent_to_the_group_does_not_reach_a_server_that_starts(
    number: int, tmp_path: Path
) -> None:
    batch = Batch(tmp_path)
    runner = batch.start()
    assert until(lambda: batch.servers(runner.pid))
    os.kill(batch.server(runner.pid), number)
    told, errors = runner.communicate(timeout=60)
    assert json.loads(told) == GOOD
    assert not errors
    batch.nothing_is_left()


def test_a_server_killed_at_work_is_replaced_for_the_runs_to_come(tmp_path: Path) -> None:
    batch = Batch(tmp_path, notebooks=4)
    runner = batch.start()
    assert until(batch.at_work)
    kill(batch.server(runner.pid))
    told, errors = runner.communicate(timeout=60)
    assert json.loads(told)[2:] == GOOD, errors
    assert not errors
    batch.nothing_is_left()


def test_what_a_killed_runner_left_half_written_is_removed(tmp_path: Path) -> None:
    batch = Batch(tmp_path, notebooks=1, steps=0)
    out = tmp_path / "out"
    out.mkdir()
    dead = batch.start()
    dead.kill()
    dead.communicate()
    left, others = (
        {f"0.{pid}.part.ipynb", f"0.failed.{pid}.part.ipynb", f".0.json.{pid}.0abc.part"}
        for pid in (dead.pid, os.getppid())
    )
    sent = SimpleNamespace(result=lambda: ({}, 0.0, None, b"sent"))
    job = Job("c00", tmp_path / "0.ipynb", {}, out / "0.ipynb")
    for write in (batch.run, batch.run, lambda: cluster._outcome(job, sent, "")):
        for name in left | others:
            (out / name).write_text("half")
        write()
        assert {path.name for path in out.iterdir()} == others | {"0.ipynb", "0.json"}


RUNS = """
import os, sys
from pathlib import Path
from kursk_claims.engine import jobs, runner
folder = Path(sys.argv[1])
jobs.root = lambda: folder
runner.inputs = lambda job, registry: {}
job = jobs.Job("c00", folder / "0.ipynb", {}, folder / "out" / "0.ipynb")
for _ in range(10):
    assert runner.run([job], None, workers=1, anew=True)[0].failure is None
    print(len(os.listdir("/proc/self/fd")))
"""


def test_open_files_do_not_grow_with_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch(tmp_path, notebooks=1, steps=0)
    monkeypatch.setattr("tests.faults.batches.RUNNER", RUNS)
    told, errors = batch.start().communicate(timeout=120)
    _, *counts = map(int, told.split())
    assert len(counts) == 9, errors
    assert len(set(counts)) == 1
    batch.nothing_is_left()
