"""The committed notebooks come out byte for byte, wherever and however they are run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kursk_claims.engine.jobs import KERNEL
from kursk_claims.evidence.paths import root
from tests.processes import until

CLAIMS = ("c06", "c13", "c14")
"""Maps, dates, and polls."""
RUN = """
import json, sys
from dataclasses import replace
from pathlib import Path
from kursk_claims.engine import jobs, runner
from kursk_claims.evidence.registry import load_registry
out, kernel, workers, *claims = sys.argv[1:]
registry = load_registry()
planned = [replace(jobs.committed(registry[c]), output=Path(out, f"{c}.ipynb")) for c in claims]
outcomes = runner.run(planned, registry, workers=int(workers), kernel=kernel)
for outcome in outcomes:
    same = not outcome.failure and outcome.job.notebook.read_bytes() == outcome.job.output.read_bytes()
    print(json.dumps([str(outcome.job.notebook), outcome.report, same]))
"""  # noqa: E501
PLACES = {
    "far away": {
        "kernel": KERNEL, "jobs": "4", "cwd": "/",
        "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "HOME": None, "LANG": None,
    },
    "at home nowhere": {
        "kernel": KERNEL, "jobs": "1", "cwd": "notebooks",
        "LC_ALL": "C", "TZ": "America/St_Johns", "HOME": "/dev/null/home",
    },
    "in ordinary kernels": {
        "kernel": "python3", "jobs": "2", "cwd": ".",
        "LC_ALL": "de_DE.UTF-8", "TZ": None, "HOME": "/dev/null/home",
    },
}  # fmt: skip
"""How and where; a locale that is not installed counts as C. No file can be made in that home."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the checkout whose path has spaces and is not in Latin letters."""
    top = tmp_path_factory.mktemp("a checkout") / "Курск и область"
    for name in ("data", "notebooks", "src"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root() / name, top / name, ignore=leave)
    shutil.copy(root() / "requirements.lock", top)
    return top


@pytest.mark.parametrize("place", PLACES)
def test_the_same_bytes_anywhere(place: str, checkout: Path, tmp_path: Path) -> None:
    variables = dict(PLACES[place])
    kernel, jobs, cwd = (str(variables.pop(name)) for name in ("kernel", "jobs", "cwd"))
    temporary = tmp_path / "t"
    temporary.mkdir()
    changed = {**variables, "PYTHONPATH": str(checkout / "src"), "TMPDIR": str(temporary)}
    environment = {**os.environ, **changed}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "out"), kernel, jobs, *CLAIMS],
        env={name: value for name, value in environment.items() if value is not None},
        cwd=checkout / cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(CLAIMS)
    for notebook, failure, same in found:
        assert same and Path(notebook).is_relative_to(checkout), (notebook, failure)
    assert "atplotlib" not in done.stderr
    assert until(lambda: not [*temporary.iterdir()]), [*temporary.rglob("*")]
