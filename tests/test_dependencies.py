"""The list of what is installed is that of the lock, with a licence for each package."""

import json
import re
from importlib.metadata import PackageNotFoundError, distribution, metadata, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import dependencies
from tests.dependencies import BOM, LOCK, PAGE, Graph, licences, locked, properties

LOCKED = locked(LOCK.read_text("utf-8"))
LISTED = json.loads(BOM.read_text("utf-8"))
COMPONENTS = {each["name"]: each for each in LISTED["components"]}
STALE = "run 'make lock'"


def installed() -> dict[str, dict[str, Any]]:
    """Return the metadata of the locked packages that this environment has in that version."""
    found = {}
    for name, package in LOCKED.items():
        try:
            here = metadata(name)
        except PackageNotFoundError:
            continue
        if here["Version"] == package.version:
            found[name] = here.json
    return found


def test_every_package_is_locked_by_a_hash() -> None:
    assert [name for name, package in LOCKED.items() if not package.hashes] == []


def test_a_package_without_a_hash_is_seen() -> None:
    good = "b==2 ; os_name == 'nt' \\\n    --hash=sha256:" + "0" * 64
    found = locked(f"a==1\n{good}\nc==3 \\\n    --hash=md5:{'0' * 32}\n")
    assert {name: package.hashes for name, package in found.items()} == {"a": 0, "b": 1, "c": 0}
    assert (found["b"].version, found["b"].marker) == ("2", "os_name == 'nt'")


def test_what_is_locked_is_listed_and_nothing_else() -> None:
    listed = {n: (c["version"], properties(c).get("only on", "")) for n, c in COMPONENTS.items()}
    assert listed == {n: (p.version, p.marker) for n, p in LOCKED.items()}, STALE


def test_the_page_is_that_of_the_bill() -> None:
    assert PAGE.read_text("utf-8") == dependencies.render(LISTED), STALE


def test_a_licence_is_listed_for_each() -> None:
    for name, component in COMPONENTS.items():
        assert component["licenses"], name
        for choice in component["licenses"]:
            if "license" in choice:
                assert choice["license"]["name"] not in {"", "UNKNOWN"}, name
            else:
                assert dependencies.spdx(choice["expression"]) == choice["expression"], name


def test_installed_packages_declare_the_licence_that_is_listed() -> None:
    here = {name: licences(found) for name, found in installed().items()}
    assert len(here) > len(LOCKED) / 2
    assert here == {name: COMPONENTS[name]["licenses"] for name in here}, STALE


def test_what_a_run_needs_here_is_listed_so() -> None:
    packages = installed()
    lines = [line for line in requires("kursk-claims") or [] if "extra ==" not in line]
    needed = Graph(packages).reach(lines)
    assert "pandas" in needed
    assert [name for name in needed if COMPONENTS[name]["scope"] != "required"] == [], STALE


def test_each_package_is_needed_for_something() -> None:
    needed = {name: properties(each)["needed for"] for name, each in COMPONENTS.items()}
    assert all(needed.values())
    for line in requires("kursk-claims") or []:
        extra = re.search(r'extra == "(\w+)"', line)
        said = needed[canonicalize_name(Requirement(line).name)].split(", ")
        assert "run" in said or (extra and extra[1] in said), line


def test_an_edge_leads_from_a_package_to_a_package() -> None:
    references = {LISTED["metadata"]["component"]["bom-ref"]}
    references |= {each["bom-ref"] for each in COMPONENTS.values()}
    edges = {edge["ref"]: edge["dependsOn"] for edge in LISTED["dependencies"]}
    assert set(edges) == references
    assert {name for names in edges.values() for name in names} < references


@pytest.mark.parametrize(
    ("declared", "listed"),
    [
        ({"license_expression": "mit or apache-2.0"}, "MIT OR Apache-2.0"),
        ({"license": "BSD-3-Clause", "classifier": ["License :: OSI Approved :: BSD License"]},
         "BSD-3-Clause"),
        ({"license": "a whole\ntext", "classifier": ["License :: OSI Approved :: MIT License"]},
         "“MIT License”"),
        ({"license": "Apache 2.0", "classifier": ["Topic :: Printing"]}, "“Apache 2.0”"),
    ],
)  # fmt: skip
def test_a_licence_is_taken_as_declared(declared: dict[str, Any], listed: str) -> None:
    (choice,) = licences({"name": "x", "version": "1", **declared})
    assert dependencies.words(choice) == listed


@pytest.mark.parametrize("own", ["", "UNKNOWN", "a whole\ntext"])
def test_a_package_that_declares_nothing_is_told(own: str) -> None:
    classifier = ["License :: OSI Approved"]  # by which licence is not said
    with pytest.raises(LookupError, match="x 1 declares no licence"):
        licences({"name": "x", "version": "1", "license": own, "classifier": classifier})


def test_what_we_read_in_the_files_of_a_package_stands_there() -> None:
    (name,) = dependencies.READ
    files = {file.name: file.locate() for file in distribution(name).files or []}
    assert Path(files["LICENSE"]).read_text("utf-8").startswith("MIT License\n")
    head = Path(files["axe.min.js"]).read_text("utf-8").split("*/")[0]
    assert re.search(r"Mozilla Public\W+License, v. 2.0", head)
