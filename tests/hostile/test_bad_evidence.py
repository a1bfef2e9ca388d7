"""Bad evidence is one clear error that names the place, or changes nothing; never a verdict.

A few hundred files are damaged here, the same ones each time. For more than ten thousand:
``HYPOTHESIS_PROFILE=thorough pytest tests/hostile -n0 --hypothesis-show-statistics``.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kursk_claims import cli
from kursk_claims.engine.inputs import inputs
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.lint import lint
from kursk_claims.errors import KurskError
from kursk_claims.evidence import tables
from kursk_claims.evidence.corrections import load_corrections
from kursk_claims.evidence.layers import load_layers
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.results import load_results
from kursk_claims.evidence.schema import load_credits, load_package
from kursk_claims.report import weeks
from kursk_claims.report.rows import Evidence
from tests.hostile.conftest import KEPT
from tests.hostile.damage import BYTES, JSON, TABLES, YAML, Damage

settings.register_profile(
    "brief", max_examples=25, derandomize=True, deadline=None, database=None, print_blob=False
)
settings.register_profile("thorough", settings.get_profile("brief"), max_examples=1_000)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))
SEEDS = st.integers(0, 2**63)

REGISTRY = load_registry()
NOTEBOOK = root() / REGISTRY["c07"].notebook


# -- what is read, and what it must be ---------------------------------------------------------


READERS: dict[str, Callable[[Path], Any]] = {
    "claims.yaml": load_registry,
    "corrections.yaml": lambda folder: load_corrections(folder=folder),
    "datapackage.json": load_package,
    "credits": load_credits,
    "results/verdicts.csv": lambda folder: load_results(REGISTRY, folder),
    "weeks of results": lambda folder: weeks.read(folder, REGISTRY),
    "geo/map_layers.geojson": load_layers,
    "rows of tables": Evidence,
    **{f"tables/{name}.csv": partial(tables.load, name) for name in KEPT},
}
ALONE = ("claims.yaml", "results", "geo/map_layers.geojson")
"""Files that nothing else is read with; all the others are read together."""


def read(folder: Path, name: str = "") -> tuple[dict[str, Any], list[str]]:
    """Read what depends on a file; return it, and what was said of what could not be read."""
    alone = next((part for part in ALONE if name.startswith(part)), "")
    found, said = {}, []
    for what, reader in READERS.items():
        if alone in what and (alone or what not in ALONE or not name):
            try:
                found[what] = reader(folder=folder)
            except KurskError as error:
                said.append(str(error))
    return found, said


def sound_table(frame: pd.DataFrame, fields: list[Mapping[str, Any]]) -> None:
    """Hold what was accepted to the contract, by other means than the loader's."""
    assert frame["row_id"].notna().all() and frame["row_id"].is_unique
    days = frame[["observed_on", "published_on"]].dropna()
    assert (days["published_on"] >= days["observed_on"]).all()
    assert frame["url"].dropna().str.match(r"https?://[^/\s]").all()
    for field in fields:
        limits, values = field["constraints"], frame[field["name"]].dropna()
        assert len(values) == len(frame) or not limits.get("required")
        if field["type"] in ("date", "datetime"):
            assert values.dt.year.between(1900, 2099).all()
        if field["type"] in ("number", "integer"):
            assert values.between(limits.get("minimum", -1e15), limits.get("maximum", 1e15)).all()
        if field["type"] == "string" and "enum" in limits:
            assert set(values) <= set(limits["enum"])


def sound(found: dict[str, Any], before: dict[str, Any]) -> None:
    """Check all that was accepted of a collection with one damaged file."""
    for name in KEPT:
        if (frame := found.get(f"tables/{name}.csv")) is not None:
            sound_table(frame, before["datapackage.json"][name].fields)
    if registry := found.get("claims.yaml"):
        date.fromisoformat(registry.article["appeared_on"])
        date.fromisoformat(registry.article["hindsight_on"])
        for entry in registry.claims:  # a rule is as it was, or its hash says so
            old = before["claims.yaml"][entry.id]
            assert entry.frozen is None or entry.rule_hash == old.rule_hash
            assert (entry.rule, entry.axes) == (old.rule, old.axes) or entry.frozen is None
            assert entry.id in entry.notebook
    if (results := found.get("results/verdicts.csv")) is not None:
        assert not results.duplicated(["claim", "as_of"]).any()
        assert set(results["verdict"]) <= set(before["results/verdicts.csv"]["verdict"]) | {"mixed"}
        assert results["robustness_agree"].between(0, 1).all()
        assert results["as_of"].map(lambda day: date.fromisoformat(day).isoformat() == day).all()
        for column in ("headline_value", "headline_low", "headline_high"):
            assert results[column].dropna().map(isfinite).all()


def clear(message: str, name: str) -> None:
    """Check that an error is a line or two, and says where the fault is."""
    places = (
        ("datapackage.json", "data/tables/") if name == "datapackage.json" else (Path(name).name,)
    )
    assert any(place in message for place in places), message
    assert message.count("\n") <= 1 and len(message) < 700, message[:2000]
    assert not re.search(r"Traceback|object at 0x|/tmp/", message), message


# -- the damage --------------------------------------------------------------------------------


KINDS: dict[str, tuple[Damage, ...]] = {
    "claims.yaml": (*BYTES, *YAML),
    "corrections.yaml": (*BYTES, *YAML),
    "datapackage.json": (*BYTES, *JSON),
    "geo/map_layers.geojson": (*BYTES, *JSON),
    "results/verdicts.csv": (*BYTES, *TABLES),
    **{f"tables/{name}.csv": (*BYTES, *TABLES) for name in KEPT},
}


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_one_clear_error_or_sound(
    name: str, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "data"
    shutil.copytree(whole, folder)
    before, faults = read(whole)
    assert not faults
    data, path = (whole / name).read_bytes(), folder / name

    @PROFILE
    @given(st.sampled_from(KINDS[name]), SEEDS)
    def examine(harm: Damage, seed: int) -> None:
        bad = harm(data, Random(seed))
        path.write_bytes(bad)
        found, said = read(folder, name)
        event(f"{harm.__name__}: {'refused' if said else 'sound' if bad != data else 'no change'}")
        for message in said:
            clear(message, name)
        sound(found, before)

    examine()


@pytest.mark.parametrize("harm", ["missing", "a folder", "a loop of links"])
@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_no_file_is_named(name: str, harm: str, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "data")
    path = tmp_path / "data" / name
    path.unlink()
    if harm == "a folder":
        path.mkdir()
    elif harm == "a loop of links":
        path.symlink_to(path)
    _, said = read(tmp_path / "data", name)
    assert said
    for message in said:
        clear(message, name)


# -- notebooks ---------------------------------------------------------------------------------


CODE = (
    "as_of: str = today()", "x = (", "a" + ".a" * 20_000, "-" * 20_000 + "1", "x = 1\0", "%%magic",
    "as_of: int = 1 + 1", "'\\ud800'", "\ud83d",
)  # fmt: skip


def with_odd_code(data: bytes, random: Random) -> bytes:
    document = json.loads(data)
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    random.choice(code[:3])["source"] = random.choice(CODE)
    return json.dumps(document).encode()


def test_a_damaged_notebook_is_told_by_every_reader(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data, entry = NOTEBOOK.read_bytes(), REGISTRY["c07"]
    path = tmp_path_factory.mktemp("notebooks") / NOTEBOOK.name
    stored = root() / "notebooks" / path.name

    @PROFILE
    @given(st.sampled_from((*BYTES, *JSON, with_odd_code)), SEEDS)
    def examine(harm: Damage, seed: int) -> None:
        bad = harm(data, Random(seed))
        path.write_bytes(bad)
        said = []
        for reader in (
            lambda: lint(entry, path),
            lambda: [cli._stored(replace(entry, notebook=str(path)))],
        ):
            try:
                said += [str(fault) for fault in reader()]
            except KurskError as error:
                clear(str(error), path.name)
                said.append(str(error))
        keys = inputs(Job("c07", path, {}, path), REGISTRY)  # never an error: the run will tell
        assert keys == inputs(Job("c07", stored, {}, path), REGISTRY) or bad != data
        event(f"{harm.__name__}: {'refused' if said else 'nothing to say'}")

    examine()
