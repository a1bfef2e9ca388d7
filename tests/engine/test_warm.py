"""Warm kernels: the same state as fresh ones, the same signals, and nothing left behind."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbformat.v4 import new_code_cell, new_notebook

from kursk_claims.engine import warm
from kursk_claims.engine.execute import execute
from kursk_claims.engine.jobs import KERNEL, Job
from kursk_claims.evidence.paths import root

from ..notebooks import READY, path
from ..processes import SMALL, alive, until

KINDS = ("python3", KERNEL)
PRELOAD = Path(warm.__file__).with_name("preload.py")
STATE = """
import importlib, json, os, signal, sys, warnings
for name in MODULES:
    importlib.import_module(name)
import matplotlib, pandas
print(json.dumps({
    "path": sys.path, "argv0": os.path.basename(sys.argv[0]), "cwd": os.getcwd(),
    "rc": {k: str(v) for k, v in matplotlib.rcParams.items()},
    "backend_variable": os.environ.get("MPLBACKEND"),
    "pandas": {k: str(pandas.get_option(k)) for k in (
        "display.max_columns", "display.width", "display.max_rows")},
    "filters": sorted({str(f) for f in warnings.filters}),
    "signals": {s.name: str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)},
    "leader": os.getpgid(0) == os.getpid(), "main": __name__, "children": [],
    "variables": sorted(k for k in os.environ if k.startswith(("KURSK", "PYTHON", "VIRTUAL"))),
    "recursion": sys.getrecursionlimit(), "encoding": sys.stdout.encoding,
    "can_fork": __import__("multiprocessing").current_process().daemon,
}))
"""


def ask(kind: str, *sources: str, cwd: str | None = None) -> list[str]:
    """Run code in a kernel of a kind; return what each piece printed."""
    manager = KernelManager(kernel_name=kind)
    manager.start_kernel(cwd=cwd, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        return [printed(client, source) for source in sources]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client, source: str) -> str:
    texts = []

    def hear(message: dict) -> None:
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])
        elif message["msg_type"] == "error":
            texts.append(message["content"]["ename"])

    client.execute_interactive(source, timeout=60, output_hook=hear)
    return "".join(texts)


def test_a_warm_kernel_is_in_the_state_of_a_fresh_one(tmp_path: Path) -> None:
    modules = re.search(r"MODULES = \(.*?\)", PRELOAD.read_text(), re.DOTALL)[0]
    state = f"{modules}\n{STATE}"
    fresh, forked = (json.loads(ask(kind, state, cwd=str(tmp_path))[0]) for kind in KINDS)
    for key in fresh:
        assert forked[key] == fresh[key], key


def test_random_numbers_differ_between_kernels() -> None:
    draw = "import random, numpy; print(random.random(), numpy.random.random())"
    first, second = (ask(KERNEL, draw)[0].split() for _ in range(2))
    assert first[0] != second[0] and first[1] != second[1]


def test_kernels_do_not_see_each_others_changes() -> None:
    change = "import pandas, os; pandas.gone = 1; os.environ['GONE'] = '1'; print('done')"
    ask(KERNEL, change)
    look = "import pandas, os; print(hasattr(pandas, 'gone'), 'GONE' in os.environ)"
    assert ask(KERNEL, look) == ["False False\n"]


EDITED = """
from pathlib import Path
from kursk_claims.analysis import verdict
from tests.engine.test_warm import KERNEL, ask
look = "import sys; held = 'kursk_claims.analysis.verdict' in sys.modules; "
look += "from kursk_claims.analysis import verdict; print(held, hasattr(verdict, 'EDITED'))"
print(ask(KERNEL, look), end="")
file = Path(verdict.__file__)
file.write_text(file.read_text() + "EDITED = 1")
print(ask(KERNEL, look), end="")
"""


def test_a_module_that_was_edited_meanwhile_is_read_anew(tmp_path: Path) -> None:
    shutil.copytree(root() / "src", tmp_path / "src")
    paths = {"PYTHONPATH": f"{tmp_path / 'src'}:{root()}", "KURSK_CLAIMS_ROOT": str(root())}
    command = [sys.executable, "-c", EDITED]
    told = subprocess.run(
        command, env={**os.environ, **paths}, capture_output=True, text=True, check=False
    )
    assert told.stdout == "['True False\\n']['False True\\n']", told.stderr


def test_a_server_loads_what_is_chosen_and_no_more(tmp_path: Path) -> None:
    held = "import sys; print([name in sys.modules for name in ('wave', 'pandas')])"
    asked = f"from tests.engine.test_warm import KERNEL, ask; print(ask(KERNEL, {held!r}))"
    chosen = {"KURSK_WARM_MODULES": "no.such.module,,wave", "PYTHONPATH": str(root())}
    told = subprocess.run(
        [sys.executable, "-c", asked], env={**os.environ, **chosen},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout == "['[True, False]\\n']\n", told.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_stops_a_cell_and_not_the_kernel(kind: str) -> None:
    manager = KernelManager(kernel_name=kind)
    manager.start_kernel(stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        # after an error the kernel would drop what is asked in the next moment
        asked = client.execute("import time; time.sleep(30)", stop_on_error=False)
        time.sleep(1)
        manager.interrupt_kernel()
        told = client.get_shell_msg(timeout=20)
        while told["parent_header"]["msg_id"] != asked:  # a late answer to whether it is ready
            told = client.get_shell_msg(timeout=20)
        assert told["content"]["ename"] == "KeyboardInterrupt"
        assert printed(client, "print(6 * 7)") == "42\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_restart_gives_a_clean_kernel_and_kill_ends_it() -> None:
    manager = KernelManager(kernel_name=KERNEL)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    printed(client, "x = 1")
    before = manager.provisioner.pid
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    assert manager.provisioner.pid != before and not alive(before)
    assert printed(client, "print(x)") == "NameError"
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    assert until(lambda: not manager.is_alive())
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_dying_kernel_tells_its_exit() -> None:
    async def live() -> int | None:
        manager = AsyncKernelManager(kernel_name=KERNEL)
        await manager.start_kernel()
        process = manager.provisioner.process
        os.kill(process.pid, signal.SIGKILL)
        code = process.wait(timeout=10)
        await manager.shutdown_kernel(now=True)
        return code

    assert asyncio.run(live()) == -signal.SIGKILL


def test_where_forking_is_not_safe_an_ordinary_kernel_starts(monkeypatch) -> None:
    monkeypatch.setattr(warm, "is_safe", lambda: False)
    (parent,) = ask(KERNEL, "import os; print(os.getppid())")
    assert int(parent) == os.getpid()


def test_a_dead_fork_server_is_replaced() -> None:
    ask(KERNEL, "1")
    os.kill(warm._server._forkserver_pid, signal.SIGKILL)
    time.sleep(0.5)
    assert ask(KERNEL, "print(1)") == ["1\n"]


@pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)
def test_an_ordinary_kernel_gives_the_same_bytes(entry, tmp_path: Path) -> None:
    """The warm one gives the committed bytes as well: see tests/test_runs.py."""
    outcome = execute(Job(entry.id, path(entry), {}, tmp_path / "again.ipynb"), "python3")
    assert outcome.failure is None, outcome.report
    assert (tmp_path / "again.ipynb").read_bytes() == path(entry).read_bytes()


# -- nothing left behind -------------------------------------------------------------------------

BATCH = """
import sys
from pathlib import Path
from kursk_claims.engine import jobs, runner
folder = Path(sys.argv[1])
jobs.root = lambda: folder
runner.inputs = lambda job, registry: {}
planned = [jobs.Job("c00", p, {}, folder / "out" / p.name) for p in sorted(folder.glob("*.ipynb"))]
outcomes = runner.run(planned, None, workers=2)
print([o.failure.kind if o.failure else "good" for o in outcomes])
"""
RECORD = {"application/vnd.kursk-claims.record+json": {"verdict": "mixed"}}
GOOD = f"from IPython.display import display\ndisplay({RECORD}, raw=True)"


def family(mark: str) -> list[int]:
    """Processes that carry a mark in their environment: the runner, its server, its kernels."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if mark.encode() in (folder / "environ").read_bytes() and alive(int(folder.name)):
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def batch(tmp_path: Path, *sources: str) -> tuple[subprocess.Popen, str]:
    for number, source in enumerate(sources):
        notebook = new_notebook(cells=[new_code_cell(source)])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "x",
            "language": "python",
        }
        nbformat.write(notebook, tmp_path / f"{number}.ipynb")
    temporary = tmp_path / "t"
    temporary.mkdir()
    mark = f"KURSK_TEST_MARK={tmp_path}"
    process = subprocess.Popen(
        [sys.executable, "-c", BATCH, str(tmp_path)],
        env={**os.environ, **SMALL, "TMPDIR": str(temporary), "KURSK_TEST_MARK": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    return process, mark


def test_nothing_is_left_after_success_and_failure(tmp_path: Path) -> None:
    process, mark = batch(tmp_path, GOOD, "1 / 0", "import os; os.kill(os.getpid(), 9)")
    told, _ = process.communicate(timeout=120)
    assert "['good', 'cell', 'dead kernel']" in told
    assert until(lambda: family(mark) == [])
    assert until(lambda: not [*(tmp_path / "t").iterdir()]), [*(tmp_path / "t").iterdir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_runner_is_stopped(tmp_path: Path, number: int) -> None:
    process, mark = batch(tmp_path, "import time; time.sleep(100)", "import time; time.sleep(100)")
    assert until(lambda: len(list((tmp_path / "t").glob("kursk-*/kernel.log"))) == 2, 60)
    time.sleep(1)
    os.killpg(process.pid, number)
    process.communicate(timeout=60)
    assert until(lambda: family(mark) == []), family(mark)
    assert until(lambda: not [*(tmp_path / "t").iterdir()]), [*(tmp_path / "t").iterdir()]


# -- the ordinary tools --------------------------------------------------------------------------


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_papermill_nbval_and_jupyter_execute_can_name_it(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("import os\nos.getppid() == 1")])
    nbformat.write(notebook, tmp_path / "in.ipynb")
    name = KERNEL
    calls = [
        [tool("papermill"), "in.ipynb", "out.ipynb", "-k", name, "--no-progress-bar"],
        [tool("jupyter"), "execute", "--kernel_name", name, "--output", "done", "in.ipynb"],
        [
            tool("pytest"),
            "--nbval",
            "--nbval-kernel-name",
            name,
            "out.ipynb",
            "-p",
            "no:cacheprovider",
        ],
    ]
    for call in calls:
        done = subprocess.run(
            call, cwd=tmp_path, env={**os.environ, **SMALL},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{call}\n{done.stdout}\n{done.stderr}"
        assert not re.search("TCP without encryption", done.stderr)


def test_the_kernelspec_is_installed_from_this_checkout() -> None:
    installed = Path(sys.prefix) / "share/jupyter/kernels" / KERNEL / "kernel.json"
    source = root() / "src/prefix/share/jupyter/kernels" / KERNEL / "kernel.json"
    assert json.loads(installed.read_text()) == json.loads(source.read_text())
