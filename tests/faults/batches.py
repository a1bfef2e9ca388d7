"""Small made-up notebooks, run by a runner in a process of its own that a test may harm."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.processes import SMALL, alive, until

RUNNER = """
import hashlib, json, resource, sys
from pathlib import Path
from kursk_claims.engine import jobs, runner
folder, *largest_file = Path(sys.argv[1]), *map(int, sys.argv[2:])
if largest_file:
    resource.setrlimit(resource.RLIMIT_FSIZE, (*largest_file, *largest_file))
jobs.root = lambda: folder
runner.inputs = lambda job, registry: {"x": hashlib.sha256(job.notebook.read_bytes()).hexdigest()}
planned = [jobs.Job("c00", p, {}, folder / "out" / p.name) for p in sorted(folder.glob("*.ipynb"))]
outcomes = runner.run(planned, None, workers=2)
told = [o.failure.kind if o.failure else "cached" if o.cached else "ran" for o in outcomes]
print(json.dumps(told))
"""
RECORD = {"application/vnd.kursk-claims.record+json": {"verdict": "mixed"}}
SHOW = f"from IPython.display import display\ndisplay({RECORD}, raw=True)"
WAIT = "import time; time.sleep(0.2)"


def parent(pid: int) -> int:
    """Return the parent of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def command(pid: int) -> str:
    """Return the command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _is_server(pid: int) -> bool:
    return "forkserver" in command(pid)


class Family:
    """The processes that stem from one start, and their folder for temporary things."""

    def __init__(self, mark: Path, temporary: Path) -> None:
        self.mark, self.temporary = mark, temporary
        self.temporary.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What marks them."""
        return {**os.environ, "TMPDIR": str(self.temporary), "KURSK_TEST_MARK": str(self.mark)}

    def living(self) -> Iterator[int]:
        """Return the processes that are alive."""
        for folder in Path("/proc").iterdir():
            try:
                ours = f"KURSK_TEST_MARK={self.mark}\0".encode()
                if folder.name.isdecimal() and ours in (folder / "environ").read_bytes():
                    yield from [int(folder.name)] if alive(int(folder.name)) else []
            except OSError:
                continue

    def servers(self, runner: int) -> list[int]:
        """Return the fork server of a runner, if there is one."""
        return [pid for pid in self.living() if _is_server(pid) and parent(pid) == runner]

    def kernels(self, runner: int) -> list[int]:
        """Return the kernels that were forked from the server of a runner."""
        servers = self.servers(runner)
        return [pid for pid in self.living() if parent(pid) in servers]

    def nothing_is_left(self) -> None:
        """Make sure that there is no process, socket or folder any more."""
        assert until(lambda: not [*self.living()]), [*map(command, self.living())]
        assert until(lambda: not [*self.temporary.iterdir()]), [*self.temporary.rglob("*")]


class Batch(Family):
    """A folder of notebooks, and its runner: one at a time."""

    def __init__(
        self, folder: Path, notebooks: int = 2, steps: int = 5, *, small: bool = True
    ) -> None:
        super().__init__(folder, folder / "t")
        self.folder, self._more = folder, SMALL if small else {}
        kernelspec = {"name": "python3", "display_name": "x", "language": "python"}
        for number in range(notebooks):
            sources = [*[f"{WAIT}\nprint({number})"] * steps, SHOW]
            cells = [new_code_cell(text, id=f"cell{i}") for i, text in enumerate(sources)]
            notebook = new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
            nbformat.write(notebook, folder / f"{number}.ipynb")

    def start(self, *largest_file: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(self.folder), *map(str, largest_file)],
            env={**self.environment, **self._more}, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *largest_file: int) -> list[str]:
        """Run to the end; say of each notebook how it went."""
        told, errors = self.start(*largest_file).communicate(timeout=120)
        assert told, errors
        return json.loads(told)

    @property
    def results(self) -> dict[str, str]:
        """A digest of each executed notebook."""
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (self.folder / "out").glob("?.ipynb")
        }

    def server(self, runner: int) -> int:
        """Return the fork server of a runner."""
        return self.servers(runner)[0]

    def at_work(self) -> bool:
        """Say whether all kernels have started."""
        return len(list(self.temporary.glob("kursk-*/kernel.log"))) == 2


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
