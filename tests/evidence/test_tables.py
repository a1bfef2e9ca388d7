"""Tables: what was known when, and one clear error for a bad one."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kursk_claims.errors import EvidenceError, KurskError, ParameterError
from kursk_claims.evidence import tables
from kursk_claims.evidence.paths import data_dir
from kursk_claims.evidence.schema import CONTRACT, load_package

NAMES = sorted(load_package())
DAYS = st.integers(0, 25_000).map(lambda n: date(1960, 1, 1) + timedelta(days=n))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the data that a test may damage."""
    shutil.copytree(data_dir(), tmp_path / "data")
    return tmp_path / "data"


def damage(folder: Path, table: str, old: str, new: str) -> None:
    path = folder / "tables" / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_table_keeps_the_contract(name: str) -> None:
    frame = tables.load(name)
    assert tuple(frame.columns[: len(CONTRACT)]) == CONTRACT
    assert frame["row_id"].is_unique and frame["row_id"].notna().all()
    assert frame["source"].notna().all() and frame["url"].str.match("https?://").all()
    assert set(frame["published_basis"]) <= {"seen", "assumed"}
    assert frame["observed_on"].is_monotonic_increasing


@pytest.mark.parametrize("name", NAMES)
@given(day=DAYS)
def test_no_row_of_a_later_day_ever_comes_back(name: str, day: date) -> None:
    frame = tables.load(name, as_of=day)
    assert (frame["published_on"] <= pd.Timestamp(day)).all()


@pytest.mark.parametrize("name", NAMES)
@given(days=st.tuples(DAYS, DAYS).map(sorted))
def test_knowledge_only_grows(name: str, days: list[date]) -> None:
    early, late = (set(tables.load(name, as_of=day)["row_id"]) for day in days)
    assert early <= late <= set(tables.load(name)["row_id"])


def test_a_row_without_a_day_of_publication_comes_back_only_without_a_date() -> None:
    everything = tables.load("history_framing/incursions")
    undated = everything[everything["published_on"].isna()]["row_id"]
    assert len(undated)
    ever = tables.load("history_framing/incursions", as_of="2100-01-01")
    assert not set(undated) & set(ever["row_id"])


def test_seen_only_leaves_out_assumed_days() -> None:
    strict = tables.load("polls/approval", "2024-08-21", seen_only=True)
    assert set(strict["published_basis"]) == {"seen"}
    assert 0 < len(strict) < len(tables.load("polls/approval", "2024-08-21"))


def test_a_loaded_table_is_the_callers_own() -> None:
    first = tables.load("polls/crises")
    first["label"] = "changed"
    assert not (tables.load("polls/crises")["label"] == "changed").any()


@pytest.mark.parametrize("day", ["2024-13-40", "2024-8-1", "soon", "", "20240821"])
def test_an_impossible_day_is_named(day: str) -> None:
    with pytest.raises(ParameterError, match="not a date"):
        tables.load("polls/crises", as_of=day)


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(EvidenceError, match="polls/aproval"):
        tables.load("polls/aproval")


BROKEN = [
    ("polls/crises", "crisis-05,", "crisis-04,", ["row crisis-04", "row_id", "stands twice"]),
    ("polls/crises", "2003-10-25", "2003-10-35", ["line 6", "crisis-05", "2003-10-35", "date"]),
    ("polls/approval", ",53.0,", ",fifty,", ["value_pct", "'fifty'", "not a number"]),
    ("polls/approval", ",53.0,", ",153.0,", ["value_pct", "'153.0'", "outside"]),
    ("polls/approval", ",poll,", ",pole,", ["source_side", "'pole'", "not one of"]),
    ("polls/approval", ",exact,", ",roughly,", ["bound", "'roughly'", "not one of"]),
    ("polls/crises", ",https://", ",javascript:https://", ["url", "javascript:"]),
    ("polls/crises", "crisis_id", "crisis", ["line 1", "column missing: crisis_id"]),
    ("polls/crises", "row_id,observed_on", "observed_on,row_id", ["line 1", "another order"]),
    ("polls/crises", "crisis-02,", "crisis-02,extra,", ["line 3", "cells, expected"]),
    ("polls/crises", "crisis-02,", 'crisis-02",', ["line 3", "row_id", 'crisis-02"']),
    ("displacement/evacuations", "evac-0010,2024-08-10,2024-08-1", "evac-0010,2024-08-10,2024-07-1",
     ["evac-0010", "published_on before observed_on"]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "old", "new", "words"), BROKEN)
def test_a_bad_table_is_one_clear_error(
    folder: Path, table: str, old: str, new: str, words: list[str]
) -> None:
    damage(folder, table, old, new)
    with pytest.raises(EvidenceError) as caught:
        tables.load(table, folder=folder)
    message = str(caught.value)
    assert message.startswith(f"data/tables/{table}.csv")
    assert all(word in message for word in words), message
    assert message.count("\n") == 0


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "column missing"),
        (b'"row_id\n', "not CSV"),
        (b"\0", "line"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_error(
    folder: Path, content: bytes, word: str
) -> None:
    (folder / "tables/polls/crises.csv").write_bytes(content)
    with pytest.raises(EvidenceError, match=word):
        tables.load("polls/crises", folder=folder)


def test_a_missing_table_is_named(folder: Path) -> None:
    (folder / "tables/polls/crises.csv").unlink()
    with pytest.raises(EvidenceError, match=r"data/tables/polls/crises\.csv.*missing"):
        tables.load("polls/crises", folder=folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"resources": [{"format": "csv"}]}'])
def test_a_broken_package_is_one_clear_error(folder: Path, text: str) -> None:
    (folder / "datapackage.json").write_text(text)
    with pytest.raises(KurskError, match=r"datapackage\.json"):
        tables.load("polls/crises", folder=folder)
