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

from tests.processes import alive, until

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
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


class Batch:
    """A folder of notebooks, and its runner: one at a time."""

    def __init__(self, folder: Path, notebooks: int = 2, steps: int = 5) -> None:
        self.folder, self.temporary = folder, folder / "t"
        self.temporary.mkdir(parents=True)
        kernelspec = {"name": "python3", "display_name": "x", "language": "python"}
        for number in range(notebooks):
            sources = [*[f"{WAIT}\nprint({number})"] * steps, SHOW]
            cells = [new_code_cell(text, id=f"cell{i}") for i, text in enumerate(sources)]
            notebook = new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
            nbformat.write(notebook, folder / f"{number}.ipynb")

    def start(self, *largest_file: int) -> subprocess.Popen[str]:
        environment = {"TMPDIR": str(self.temporary), "KURSK_TEST_MARK": str(self.folder)}
        return subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(self.folder), *map(str, largest_file)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
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

    def family(self) -> Iterator[int]:
        """Return the living processes that stem from this batch."""
        for folder in Path("/proc").iterdir():
            try:
                ours = f"KURSK_TEST_MARK={self.folder}".encode()
                if folder.name.isdecimal() and ours in (folder / "environ").read_bytes():
                    yield from [int(folder.name)] if alive(int(folder.name)) else []
            except OSError:
                continue

    def server(self, runner: int) -> int:
        """Return the fork server of a runner."""
        return next(pid for pid in self.family() if self._is_server(pid) and parent(pid) == runner)

    def kernels(self, runner: int) -> list[int]:
        """Return the kernels that were forked from the server of a runner."""
        server = self.server(runner)
        return [pid for pid in self.family() if parent(pid) == server]

    @staticmethod
    def _is_server(pid: int) -> bool:
        return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()

    def at_work(self) -> bool:
        """Say whether all kernels have started."""
        return len(list(self.temporary.glob("kursk-*/kernel.log"))) == 2

    def nothing_is_left(self) -> None:
        """Make sure that there is no process, socket or folder any more."""
        assert until(lambda: not [*self.family()]), [*self.family()]
        assert until(lambda: not [*self.temporary.iterdir()]), [*self.temporary.rglob("*")]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
