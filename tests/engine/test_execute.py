"""One run, and every way in which it can fail; with real kernels."""

import os
import subprocess
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kursk_claims.engine import execute as engine
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.normalise import normalise
from kursk_claims.engine.runner import run
from kursk_claims.evidence.registry import load_registry

RECORD = """
from IPython.display import display
record = {"verdict": "mixed", "given": given}
display({"application/vnd.kursk-claims.record+json": record}, raw=True)
"""


def job(tmp_path: Path, *sources: str, **parameters: object) -> Job:
    cells = [new_code_cell("given = None", metadata={"tags": ["parameters"]})]
    cells.append(new_markdown_cell("## A heading"))
    cells += [new_code_cell(source) for source in sources]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    path = tmp_path / "notebook.ipynb"
    nbformat.write(notebook, path)
    return Job("c00", path, parameters, tmp_path / "out" / "run.ipynb")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the job's command be told relative to the test's folder."""
    monkeypatch.setattr("kursk_claims.engine.jobs.root", lambda: tmp_path)


def test_what_a_killed_runner_left_is_removed_and_no_other(tmp_path: Path) -> None:
    good = job(tmp_path, RECORD)
    good.output.parent.mkdir()
    dead = subprocess.Popen(["true"])
    dead.wait()
    left, others = (
        good.output.with_suffix(f".{pid}.part.ipynb") for pid in (dead.pid, os.getppid())
    )
    for path in (left, others):
        path.write_text("half", encoding="utf-8")
    assert engine.execute(good).failure is None
    assert not left.exists() and others.exists()


def test_a_good_run_leaves_a_whole_notebook(tmp_path: Path) -> None:
    outcome = engine.execute(job(tmp_path, RECORD))
    assert outcome.failure is None and outcome.record["verdict"] == "mixed"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["run.ipynb"]


def test_a_hostile_text_stays_a_text(tmp_path: Path) -> None:
    text = "\"); import os; os._exit(1) #\n'''{x}"
    assert engine.execute(job(tmp_path, RECORD, given=text)).record["given"] == text


FAILURES = [
    ("1 / 0", "cell", "ZeroDivisionError"),
    ("import numpy; numpy.ones(10**15)", "out of memory", "MemoryError"),
    ("import os; os.kill(os.getpid(), 9)", "dead kernel", "died"),
    ("import time; time.sleep(60)", "time-out", "timed out"),
    ("pass", "no record", "claim.conclude"),
]


@pytest.mark.parametrize(("source", "kind", "word"), FAILURES)
def test_failures_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, kind: str, word: str
) -> None:
    monkeypatch.setattr(engine, "CELL_TIMEOUT_S", 3)
    failed = job(tmp_path, source, as_of="2024-08-21")
    outcome = engine.execute(failed)
    assert outcome.record is None or kind == "no record"
    assert outcome.failure.kind == kind and word in outcome.failure.message
    assert "repeat with: papermill notebook.ipynb out.ipynb -p as_of 2024-08-21" in outcome.report
    assert not failed.output.exists()


def test_a_good_run_removes_the_notebook_of_one_that_failed(tmp_path: Path) -> None:
    failing = job(tmp_path, "1 / 0")
    assert engine.execute(failing).failure
    failed = failing.output.with_suffix(".failed.ipynb")
    assert failed.exists()
    good = job(tmp_path, RECORD)
    assert good.output == failing.output and not engine.execute(good).failure
    assert good.output.exists() and not failed.exists()


def test_a_missing_kernel_is_named(tmp_path: Path) -> None:
    outcome = engine.execute(job(tmp_path, RECORD), kernel="cobol")
    assert outcome.failure.kind == "no kernel" and "cobol" in outcome.failure.message


def test_a_failing_cell_is_found_by_number_and_heading(tmp_path: Path) -> None:
    outcome = engine.execute(job(tmp_path, "pass", "1 / 0"))
    assert "cell 4 under 'A heading'" in outcome.report


def test_the_other_runs_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kursk_claims.engine.runner.inputs", lambda job, registry: {})
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    jobs = [job(tmp_path / "a", RECORD), job(tmp_path / "b", "1 / 0"), job(tmp_path / "c", RECORD)]
    outcomes = run(jobs, load_registry(), workers=2)
    assert [o.failure is None for o in outcomes] == [True, False, True]
    assert [o.job for o in outcomes] == jobs


def test_no_socket_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = tmp_path / "s"
    sockets.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(sockets))
    engine.execute(job(tmp_path, RECORD))
    engine.execute(job(tmp_path, "import os; os.kill(os.getpid(), 9)"))
    assert list(sockets.iterdir()) == []


def test_the_normaliser_is_idempotent_and_keeps_sources(tmp_path: Path) -> None:
    engine.execute(job(tmp_path, RECORD, given="x"))
    once = nbformat.read(tmp_path / "out" / "run.ipynb", as_version=4)
    assert normalise(deepcopy(once)) == once
    assert once.cells[-1].source == RECORD
    assert "papermill" not in str(once.metadata)
