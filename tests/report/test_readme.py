"""The scoreboard of the README is that of the stored verdicts."""

import pytest

from kursk_claims.errors import ReportError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.results import load_results
from kursk_claims.report import readme

REGISTRY = load_registry()


def test_the_readme_is_up_to_date() -> None:
    path = root() / "README.md"
    assert path.read_text(encoding="utf-8") == readme.current(path), "run 'make docs'"


def test_the_board_has_every_claim_and_says_what_is_missing() -> None:
    results = load_results(REGISTRY)
    board = readme.scoreboard(REGISTRY, results[results["claim"] != "c14"]).splitlines()
    assert len(board) == 2 + len(REGISTRY.claims)
    (line,) = [line for line in board if line.startswith("| [c14]")]
    assert line.endswith("| no verdict yet | no verdict yet |")
    run = results[(results["claim"] == "c07") & (results["as_of"] == "2026-11-01")].iloc[0]
    (line,) = [line for line in board if line.startswith("| [c07]")]
    assert run["verdict"] in line.split("|")[-2]


def test_missing_marks_are_told() -> None:
    with pytest.raises(ReportError, match="marks"):
        readme.render("no marks here", "| board |")
    assert "| board |" in readme.render(f"a {readme.BEGIN} old {readme.END} b", "| board |")


def test_results_of_one_claim_and_day_stand_once() -> None:
    results = load_results(REGISTRY)
    assert not results.duplicated(["claim", "as_of"]).any()
    assert set(results["claim"]) == {entry.id for entry in REGISTRY.ready}
