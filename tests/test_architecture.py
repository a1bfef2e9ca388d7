"""The shape of the project: rooms, versions, generated files."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from kursk_claims.evidence.describe import render

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "README.md", "Makefile", "pyproject.toml", "environment.yml", "requirements.lock", "LICENSE",
    "LICENSE-data.md", "CITATION.cff", "CONTRIBUTING.md", "CHANGELOG.md",
    "notebooks", "data", "src", "tests",
}  # fmt: skip


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [Path(name) for name in names.stdout.split("\0") if name]


def locked() -> dict[str, str]:
    text = (ROOT / "requirements.lock").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))


def test_imports_only_run_downward() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_top_level_is_the_agreed_shape() -> None:
    found = {path.parts[0] for path in tracked() if not path.parts[0].startswith(".")}
    assert found == TOP_LEVEL


def test_lock_holds_every_requirement_with_hashes() -> None:
    text, versions = (ROOT / "requirements.lock").read_text(), locked()
    for line in requires("kursk-claims") or []:
        requirement = Requirement(line)
        assert requirement.specifier.contains(
            versions[requirement.name.lower().replace("_", "-")]
        ), line
    assert text.count("--hash=sha256:") > len(versions)


def test_environment_agrees_with_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pins = [line for line in environment["dependencies"] if isinstance(line, str) and "=" in line]
    names = {"matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}
    versions = locked()
    for pin in pins:
        name, version = pin.split("=")
        if name != "python":
            assert versions[names.get(name, name)].startswith(f"{version}."), pin
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "python=3.11" in pins and project["requires-python"].startswith(">=3.11")


def test_data_readme_is_up_to_date() -> None:
    assert (ROOT / "data/README.md").read_text(encoding="utf-8") == render(), "run 'make docs'"


def test_no_machine_path_and_no_registry_host() -> None:
    hosts = ("pypi" + ".org", "python" + "hosted", "npm" + "js.", "conda" + ".anaconda")
    paths = re.compile(r"/(?:home|root|Users|work|farm|opt)/[a-z]")
    for path in tracked():  # every text file, the evidence as well
        if path.suffix == ".png":
            continue
        text = (ROOT / path).read_bytes().decode("utf-8")
        assert not any(host in text for host in hosts), path
        assert not paths.search(re.sub(r"https?://\S+", "", text)), path
