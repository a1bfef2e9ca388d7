"""A full disk, a folder that takes no files, a damaged cache, a wrong clock, two at once."""

import fcntl
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.report import site
from kursk_claims.report.build import Run, build
from tests.faults.batches import Batch
from tests.report.made import NOW, THEN, made_home, made_registry, made_runs

BUILDER = """
import sys
from pathlib import Path
from tests.faults.test_disk import made
print("ready", flush=True)
while True:
    for version in sys.argv[2]:
        made(Path(sys.argv[1]), version)
        print("built", flush=True)
"""
BYTES = 2000
"""A file of a report or an executed notebook is longer, a connection file is not."""


# -- runs ----------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace("mixed", "wrong"))


def test_what_was_damaged_is_run_again_and_nothing_else(tmp_path: Path) -> None:
    batch = Batch(tmp_path, notebooks=5, steps=0)
    assert batch.run() == ["ran"] * 5
    right = batch.results
    out = tmp_path / "out"
    cut(out / "0.json")
    edit(out / "1.json")
    cut(out / "2.ipynb")
    edit(out / "3.ipynb")
    # The clock was wrong then, or is now: what came out is of the past, what went in of the future.
    for path in out.iterdir():
        os.utime(path, (0, 0))
    os.utime(tmp_path / "4.ipynb", (4e9, 4e9))
    assert batch.run() == ["ran"] * 4 + ["cached"]
    assert batch.results == right
    before = (tmp_path / "4.ipynb").stat()
    edit(tmp_path / "4.ipynb")
    os.utime(tmp_path / "4.ipynb", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert batch.run() == ["cached"] * 4 + ["ran"]
    batch.nothing_is_left()


def test_a_full_disk_fails_the_run_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    batch = Batch(tmp_path, steps=40)
    for path in tmp_path.glob("*.ipynb"):
        path.write_text(path.read_text().replace("sleep(0.2)", "sleep(0)"))
    assert batch.run(BYTES) == ["engine", "engine"]
    assert not [path for path in (tmp_path / "out").iterdir() if ".failed." not in path.name]
    batch.nothing_is_left()
    assert batch.run() == ["ran", "ran"]


def test_a_folder_that_takes_no_files_is_told_in_one_line(tmp_path: Path) -> None:
    for name in ("data", "notebooks"):
        (tmp_path / name).symlink_to(root() / name)
    shutil.copy(root() / "requirements.lock", tmp_path)
    (tmp_path / ".cache").symlink_to("/sys")  # takes no files, not even root's
    kursk = Path(sys.executable).with_name("kursk")
    told = subprocess.run(
        [kursk, "run", "c13"], env={**os.environ, VARIABLE: str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    (line,) = told.stderr.splitlines()
    assert line.startswith("kursk: ") and str(tmp_path) in line


# -- the report ----------------------------------------------------------------------------------


def made(folder: Path, version: str) -> None:
    """Build a small report: version A of 21 August alone, version B of both days."""
    days = {"A": [THEN], "B": [THEN, NOW]}[version]
    runs = [Run("c01", day, folder / f"c01_{day}.ipynb") for day in days]
    build(runs, made_registry(), folder / "site", home=folder / "home", keep=folder / "keep")


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in (folder / "site").rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unfinished(folder: Path) -> list[Path]:
    return [*folder.glob(".site*"), *(folder / "keep").glob("*.part")]


@pytest.fixture
def versions(tmp_path: Path) -> dict[str, dict[str, bytes]]:
    """Both versions of the report, built undisturbed; the last one is in place."""
    made_home(tmp_path / "home")
    made_runs(tmp_path)
    found = {}
    for version in "AB":
        made(tmp_path, version)
        found[version] = content(tmp_path)
    assert found["A"] != found["B"]
    return found


def builder(folder: Path, versions: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder), versions],
        cwd=root(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def test_a_full_disk_leaves_the_old_report(
    versions: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "keep")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            made(tmp_path, "A")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(tmp_path) == versions["B"]
    assert not unfinished(tmp_path)
    made(tmp_path, "A")
    assert content(tmp_path) == versions["A"]


def test_a_build_killed_at_any_moment_leaves_a_whole_report(
    versions: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    for moment in range(5):
        process = builder(tmp_path, "AB")
        time.sleep(0.013 * moment)
        process.kill()
        process.communicate()
        assert content(tmp_path) in versions.values()
    made(tmp_path, "A")
    assert content(tmp_path) == versions["A"]
    assert not unfinished(tmp_path)


def test_two_builds_at_once_take_turns(
    versions: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    processes = [builder(tmp_path, order) for order in ("AB", "BA")]
    for process in processes:
        for _ in range(6):
            assert process.stdout and process.stdout.readline() == "built\n", process.stderr.read()
    for process in processes:
        assert process.poll() is None
        process.kill()
        process.communicate()
    assert content(tmp_path) in versions.values()
    made(tmp_path, "A")
    assert content(tmp_path) == versions["A"]
    assert not unfinished(tmp_path)


def test_who_waits_for_another_build_is_told(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    told = []

    def on_wait() -> None:
        told.append("it waits")
        os.close(other)

    with site.aside(tmp_path / "site", on_wait) as new:
        site.put(new / site.MARKER, "{}")
    assert told == ["it waits"] and (tmp_path / "site" / site.MARKER).is_file()


def test_there_is_no_instant_without_a_report(
    versions: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename: Callable[[Path, Path], Path] = Path.rename

    def never_the_report(self: Path, target: Path) -> Path:
        assert self.name != "site"
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", never_the_report)
    made(tmp_path, "A")
    assert content(tmp_path) == versions["A"]


def test_where_folders_cannot_be_exchanged_a_failing_swap_brings_the_old_report_back(
    versions: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_exchange", lambda one, other: False)
    made(tmp_path, "A")
    assert content(tmp_path) == versions["A"]
    rename: Callable[[Path, Path], Path] = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no space"):
        made(tmp_path, "B")
    assert content(tmp_path) == versions["A"]
    assert not unfinished(tmp_path)
