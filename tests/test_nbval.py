"""nbval over stored outputs: strict where it compares, and not waiting for the dead."""

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from kursk_claims.evidence.paths import root
from tests.notebooks import ONLY, PLUGINS, READY, WIDE, code_cells, path, read
from tests.processes import SMALL, alive, until


def nbval(notebook: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("pytest")), *ONLY, "--nbval", notebook.name]
    return subprocess.run(
        [*command, *options, "-p", "no:cacheprovider"], cwd=notebook.parent,
        env={**os.environ, **SMALL}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def write(folder: Path, source: str, text: str = "1") -> Path:
    output = new_output("execute_result", {"text/plain": text}, execution_count=1)
    cell = new_code_cell(source, execution_count=1, outputs=[output])
    notebook = new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "x", "language": "python"}
    nbformat.write(notebook, folder / "n.ipynb")
    return folder / "n.ipynb"


@pytest.mark.parametrize("kernel", ["python3", "kursk-warm"])
def test_a_dead_kernel_is_not_waited_for_beyond_the_limit(tmp_path: Path, kernel: str) -> None:
    notebook = write(tmp_path, "import os; os.kill(os.getpid(), 9)")
    started = time.monotonic()
    done = nbval(notebook, "--nbval-cell-timeout=3", f"--nbval-kernel-name={kernel}")
    assert done.returncode == 1 and time.monotonic() - started < 60


def test_the_limit_is_set_for_every_run_from_this_folder() -> None:
    settings = tomllib.loads((root() / "pyproject.toml").read_text())["tool"]["pytest"]
    assert "--nbval-cell-timeout=120" in settings["ini_options"]["addopts"]


def test_what_is_loaded_here_is_what_make_test_loads() -> None:
    makefile = (root() / "Makefile").read_text("utf-8")
    assert f"(addprefix -p ,{' '.join(PLUGINS)})" in makefile
    assert f"WIDE := {' '.join(WIDE)}\n" in makefile


@pytest.mark.parametrize(("stored", "code"), [("1", 0), ("2", 1)])
def test_a_changed_output_fails(tmp_path: Path, stored: str, code: int) -> None:
    done = nbval(write(tmp_path, "1", stored), "--nbval-kernel-name=kursk-warm")
    assert done.returncode == code, done.stdout


def test_workers_fork_from_one_server_that_ends_with_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tells = "import os; from pathlib import Path; "
        source = tells + f"Path('server').write_text(str(os.getppid())); {name!r}"
        write(tmp_path / name, source, repr(name))
    done = nbval(tmp_path, "-n2", "--dist=loadfile", "--nbval-kernel-name=kursk-warm")
    assert done.returncode == 0, done.stdout
    (server,) = {int((tmp_path / name / "server").read_text()) for name in ("a", "b")}
    assert until(lambda: not alive(server))


@pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)
def test_no_cell_escapes_the_comparison(entry) -> None:
    marks = ("NBVAL_SKIP", "NBVAL_IGNORE_OUTPUT", "NBVAL_RAISES_EXCEPTION")
    assert not any(mark in path(entry).read_text(encoding="utf-8") for mark in marks)
    assert all(cell.execution_count for cell in code_cells(read(entry)))
