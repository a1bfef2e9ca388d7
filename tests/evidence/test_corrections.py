"""Corrections are applied in the open, and fail once the source is mended."""

import shutil
from pathlib import Path

import pytest
import yaml

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence import tables
from kursk_claims.evidence.corrections import load_corrections
from kursk_claims.evidence.paths import data_dir


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(data_dir(), tmp_path / "data")
    return tmp_path / "data"


def write(folder: Path, **changes: str) -> None:
    entry = {
        "id": "corr-1", "table": "polls/crises", "row_id": "crisis-05", "column": "kind",
        "from": "political", "to": "economic", "reason": "for a test only",
        "evidence": "this test", "date": "2026-11-22",
    }  # fmt: skip
    (folder / "corrections.yaml").write_text(yaml.safe_dump([{**entry, **changes}]))


@pytest.mark.parametrize("correction", load_corrections(), ids=lambda c: c.id)
def test_each_correction_changes_its_cell(correction) -> None:
    frame = tables.load(correction.table).set_index("row_id")
    cell = frame.loc[correction.row_id, correction.column]
    assert (
        str(cell).removesuffix(" 00:00:00") == correction.new and correction.old != correction.new
    )


def test_a_correction_is_applied_when_the_table_is_read(folder: Path) -> None:
    write(folder)
    frame = tables.load("polls/crises", folder=folder).set_index("row_id")
    assert frame.loc["crisis-05", "kind"] == "economic"


def test_the_guard_fails_when_the_cell_has_changed(folder: Path) -> None:
    write(folder, **{"from": "disaster"})
    with pytest.raises(EvidenceError, match=r"corr-1.*holds 'political', not 'disaster' any more"):
        tables.load("polls/crises", folder=folder)


@pytest.mark.parametrize("change", [{"row_id": "crisis-99"}, {"column": "sort"}])
def test_a_correction_of_nothing_fails(folder: Path, change: dict[str, str]) -> None:
    write(folder, **change)
    with pytest.raises(EvidenceError, match="no such cell"):
        tables.load("polls/crises", folder=folder)


def test_a_correction_must_keep_the_schema(folder: Path) -> None:
    write(folder, to="odd")
    with pytest.raises(EvidenceError, match="'odd' not one of"):
        tables.load("polls/crises", folder=folder)


@pytest.mark.parametrize("text", ["- id: x", "{", "- {id: corr-1}", "text"])
def test_an_incomplete_entry_is_one_clear_error(folder: Path, text: str) -> None:
    (folder / "corrections.yaml").write_text(text)
    with pytest.raises(EvidenceError, match=r"corrections\.yaml"):
        tables.load("polls/crises", folder=folder)
