"""Nothing that the collection says changes without a line in the changelog."""

import copy
from pathlib import Path

import pytest

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.report import drift


def test_what_moved_since_the_last_release_stands_in_the_changelog() -> None:
    changelog = (root() / "CHANGELOG.md").read_text(encoding="utf-8")
    lines = drift.moved(drift.released(), drift.present(load_registry()))
    silent = [line for line in lines if line not in changelog]
    assert not silent, "CHANGELOG.md does not say:\n" + "\n".join(f"- {line}" for line in silent)


def test_each_kind_of_move_is_a_line() -> None:
    before = drift.released()
    assert drift.moved(before, before) == []
    now = copy.deepcopy(before)
    run, other, *_ = now["verdicts"]
    now["verdicts"][run] = "another"
    now["headlines"][other] = "share 0.5"
    now["rows"]["polls/approval"] -= 1
    now["rows"]["new/table"] = 3
    rows = before["rows"]["polls/approval"]
    assert drift.moved(before, now) == [
        f"{run}: {before['verdicts'][run]} -> another",
        f"{other}: {before['headlines'][other]} -> share 0.5",
        f"polls/approval: {rows} rows -> {rows - 1}",
    ]


def test_what_is_gone_is_a_line() -> None:
    before = drift.released()
    now = copy.deepcopy(before)
    run = next(iter(now["verdicts"]))
    del now["verdicts"][run], now["headlines"][run], now["rows"]["polls/approval"]
    assert [line.rpartition(" -> ")[2] for line in drift.moved(before, now)] == ["gone"] * 2 + ["0"]


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="released"):
        drift.released(tmp_path)
