"""The stored verdicts: read whole, and never one that another rule decided."""

from pathlib import Path

import pytest

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.paths import data_dir
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.results import FILE, load_results

REGISTRY = load_registry()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    (tmp_path / FILE).write_bytes((data_dir() / FILE).read_bytes())
    return tmp_path


def test_a_verdict_of_another_rule_is_left_out(folder: Path) -> None:
    whole = load_results(REGISTRY, folder)
    path, rule = folder / FILE, REGISTRY["c14"].rule_hash
    path.write_text(path.read_text(encoding="utf-8").replace(rule, "0" * 12), encoding="utf-8")
    found = load_results(REGISTRY, folder)
    assert "c14" in set(whole["claim"]) and "c14" not in set(found["claim"])
    assert len(found) == (whole["claim"] != "c14").sum()


def test_each_claim_has_each_day_once() -> None:
    results = load_results(REGISTRY)
    assert not results.duplicated(["claim", "as_of"]).any()
    days = results.groupby("claim")["as_of"].agg(tuple)
    assert set(days.index) == {entry.id for entry in REGISTRY.ready}
    assert days.nunique() == 1 and set(REGISTRY.article.values()) >= {days.iloc[0][-1]}


def test_what_is_blank_is_not_text(folder: Path) -> None:
    results = load_results(REGISTRY, folder)
    assert results["headline_value"].dtype == "float64"
    assert results["sentence"].str.len().min() > 0


@pytest.mark.parametrize("text", ["", "claim,title\n", 'claim\n"open'])
def test_a_broken_file_is_one_line(folder: Path, text: str) -> None:
    (folder / FILE).write_text(text)
    with pytest.raises(EvidenceError, match=r"data/results/verdicts\.csv"):
        load_results(REGISTRY, folder)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="kursk timeline --update"):
        load_results(REGISTRY, tmp_path)
