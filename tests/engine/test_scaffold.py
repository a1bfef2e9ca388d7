"""`kursk new`: what it makes is valid, runs at once as unresolved, and says what is to be done."""

import shutil
from pathlib import Path

import pytest

from kursk_claims.engine.execute import execute
from kursk_claims.engine.jobs import plan
from kursk_claims.engine.lint import lint
from kursk_claims.engine.scaffold import make
from kursk_claims.errors import ParameterError
from kursk_claims.evidence import tables
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import load_registry

TITLE = 'A new claim: it has "quotes", a colon and # a hash'
ROW = (
    "{id}-{n:02d},2024-08-10,2024-08-1{n},seen,somebody,independent,https://example.org/{n},"
    "about,,{value}\n"
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(root() / "data", tmp_path / "data")
    shutil.copytree(root() / "notebooks", tmp_path / "notebooks")
    shutil.copy(root() / "requirements.lock", tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


def verdict(claim: str) -> tuple[str, set[str]]:
    (job,) = plan(load_registry(), [claim], ["2024-08-21"])
    outcome = execute(job)
    assert outcome.failure is None, outcome.report
    return outcome.record["verdict"], set(outcome.record["robustness"]["shares"])


def test_what_is_made_runs_at_once_and_follows_its_evidence(checkout: Path) -> None:
    before = load_registry()
    made = make(TITLE, "2026-11-23", before)
    after = load_registry()
    assert after.claims[:-1] == before.claims and after.untestable == before.untestable
    entry = after[made.claim]
    assert (entry.title, entry.status) == (TITLE, "ready")
    assert entry.frozen == {"day": "2026-11-23", "hash": entry.rule_hash}
    assert tables.load(made.table).empty
    assert verdict(made.claim) == ("unresolved", {"unresolved"})
    path = checkout / "data/tables" / f"{made.table}.csv"
    rows = (ROW.format(id=made.claim, n=n, value=0.6) for n in range(1, 5))
    path.write_text(path.read_text() + "".join(rows))
    assert verdict(made.claim) == ("supported", {"supported", "contradicted"})


def test_lint_names_what_is_still_to_be_done(checkout: Path) -> None:
    made = make(TITLE, "2026-11-23", load_registry())
    faults = {f.what for f in lint(load_registry()[made.claim], checkout / made.notebook)}
    assert "was not run from top to bottom: kursk run --update" in faults
    assert "one cell, tagged record, must show one record" in faults
    assert "says that something is to be done: to be named" in faults
    assert "still says what the template says" in faults


def test_two_new_claims_stand_side_by_side(checkout: Path) -> None:
    first = make("The first of two new claims", "2026-11-23", load_registry())
    second = make("The second of two new claims", "2026-11-23", load_registry())
    assert int(second.claim[1:]) == int(first.claim[1:]) + 1
    assert {first.claim, second.claim} <= {entry.id for entry in load_registry().ready}


@pytest.mark.parametrize(
    ("title", "day"),
    [("short", "2026-11-23"), ("two\nlines of a title", "2026-11-23"), (TITLE, "tomorrow"),
     ("x" * 121, "2026-11-23")],
)  # fmt: skip
def test_what_does_not_fit_writes_nothing(checkout: Path, title: str, day: str) -> None:
    before = sorted((p, p.read_bytes()) for p in checkout.rglob("*") if p.is_file())
    with pytest.raises(ParameterError):
        make(title, day, load_registry())
    assert sorted((p, p.read_bytes()) for p in checkout.rglob("*") if p.is_file()) == before
