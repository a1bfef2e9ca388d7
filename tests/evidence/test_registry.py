"""The registry: complete, coherent, and its rules frozen."""

import shutil
from math import prod
from pathlib import Path

import pytest

from kursk_claims.engine.lint import LEAST_SPECIFICATIONS
from kursk_claims.errors import ParameterError, RegistryError
from kursk_claims.evidence.paths import data_dir, root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.schema import load_package

REGISTRY = load_registry()


def test_all_eighteen_claims_and_the_untestable_ones_are_there() -> None:
    assert [entry.id for entry in REGISTRY.claims] == [f"c{n:02d}" for n in range(1, 19)]
    assert len(REGISTRY.untestable) >= 4 and all(item["reason"] for item in REGISTRY.untestable)


def test_every_passage_is_tested_or_said_to_be_untestable() -> None:
    known = {entry.id for entry in REGISTRY.claims}
    assert {claim for item in REGISTRY.coverage for claim in item["tested_in"]} == known
    assert all(item["tested_in"] or item["how"] for item in REGISTRY.coverage)


@pytest.mark.parametrize("entry", REGISTRY.ready, ids=lambda entry: entry.id)
def test_a_ready_claim_is_complete(entry) -> None:
    assert (root() / entry.notebook).name == f"{entry.id}_{entry.slug}.ipynb"
    assert (root() / entry.notebook).is_file()
    assert set(entry.tables) <= set(load_package())
    least = LEAST_SPECIFICATIONS["event" if entry.kind == ("event",) else "other"]
    assert prod(len(values) for values in entry.axes.values()) >= least
    assert all(p.default in p.allowed for p in entry.parameters if p.allowed)
    named = {name for step in entry.rule["ladder"] for name in step["when"]}
    assert named == set(entry.rule["findings"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copyfile(data_dir() / "claims.yaml", tmp_path / "claims.yaml")
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "claims.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{crises: "< 8"}', '{crises: "< 9"}'),
        ("allowed: [0, 1, 3, 6]", "allowed: [1, 3, 6]"),
        ("default: month_before", "default: trend"),
        ("After how many of the crises", "After which of the crises"),
    ],
)
def test_a_frozen_rule_cannot_be_changed_quietly(folder: Path, old: str, new: str) -> None:
    edit(folder, old, new)
    with pytest.raises(RegistryError, match="c14: the rule was changed after it was frozen"):
        load_registry(folder)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("kind: [forecast]", "kind: [prophecy]", "prophecy"),
        ("  - id: c02", "  - id: c01", "twice"),
        ("default: levada", "default: gallup", "gallup"),
        ("claims:\n", "claims: [\n", "not YAML"),
        ("    slug: many_months\n", "", "slug"),
        ("title: ", "title: !!python/name:os.system ", "not YAML"),
    ],
)
def test_a_broken_registry_is_one_clear_error(folder: Path, old: str, new: str, word: str) -> None:
    edit(folder, old, new)
    with pytest.raises(RegistryError, match=word) as caught:
        load_registry(folder)
    assert str(caught.value).startswith("claims.yaml") and str(caught.value).count("\n") <= 1


def test_parameters_are_checked() -> None:
    entry = REGISTRY["c14"]
    assert entry.check({})["as_of"] == REGISTRY.article["appeared_on"]
    assert entry.check({"design_effect": 1})["design_effect"] == 1.0
    for bad in ({"wndow": 3}, {"window": "3"}, {"window": 4}, {"window": True}, {"as_of": "soon"}):
        with pytest.raises(ParameterError):
            entry.check(bad)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("window", "6", 6), ("design_effect", "1.5", 1.5), ("pollster", "vtsiom", "vtsiom")],
)
def test_values_from_the_command_line_get_their_type(name: str, text: str, value: object) -> None:
    parameter = {p.name: p for p in REGISTRY["c14"].parameters}[name]
    assert parameter.parse(text) == value


def test_an_unknown_claim_is_named() -> None:
    with pytest.raises(RegistryError, match="no claim 'c99'"):
        REGISTRY["c99"]


def test_every_table_is_read_by_a_claim_and_every_claim_has_evidence() -> None:
    claims = load_registry().claims
    assert {table for entry in claims for table in entry.tables} == set(load_package())
    assert all(entry.tables for entry in claims)
