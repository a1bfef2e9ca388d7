"""The timeline: every week, in order, inert in a spreadsheet, and the same bytes each time."""

import csv
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from kursk_claims.display import figures, record
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import RegistryError, ReportError
from kursk_claims.evidence.registry import ClaimEntry, Registry
from kursk_claims.report import timeline
from kursk_claims.report.timeline import HEADER, WEEKS, headline, rows, write

ARTICLE = {"publisher": "A publisher", "appeared_on": "2024-08-21", "hindsight_on": "2026-11-01"}


def entry(claim_id: str, **changes: str) -> ClaimEntry:
    made = ClaimEntry(
        id=claim_id, slug="a_claim", title=f"The claim called {claim_id}", claimant="somebody",
        kind=("quantity",), status="ready", question="How many?", would_refute="Fewer.",
        estimand="A number.", method="Counting.", tables=("polls/approval",), caveats=(),
        notebook="notebooks/x.ipynb", parameters=(), rule={"otherwise": "mixed"}, frozen=None,
    )  # fmt: skip
    return replace(made, **changes)


def made_record(as_of: str, **changes: object) -> record.Record:
    one = {
        "schema": "kursk-claims/record/1", "claim": "c01", "title": "The claim called c01",
        "claimant": "somebody", "kind": ["quantity"], "as_of": as_of,
        "parameters": {"as_of": as_of}, "verdict": "mixed",
        "sentence": "There were – as far as is known – between ten and twenty of them.",
        "headline": {"finding": "n", "value": -3, "low": None, "high": 20, "unit": "persons"},
        "findings": {"n": -3},
        "robustness": {
            "specifications": 3, "agree": 1 / 3, "shares": {"mixed": 1.0}, "flips": [],
            "influence": {},
        },
        "rule": {"hash": "0123456789ab", "frozen_on": "2026-11-22"},
        "evidence": [
            {"table": name, "rows": n, "sources": 1, "first": None, "last": None, "corrections": []}
            for name, n in (("polls/approval", 2), ("events/strikes", 3))
        ],
        "cited": {},
    }  # fmt: skip
    found = {**one, **changes}
    record.validate(found)
    return found


def registered(count: int) -> Registry:
    claims = tuple(entry(f"c{n:02}", slug=f"claim_number_{n}") for n in range(1, count + 1))
    return Registry(ARTICLE, claims, (), ())


def made(claim: str, verdicts: dict[str, str]) -> list[dict]:
    return [made_record(day, claim=claim, verdict=verdict) for day, verdict in verdicts.items()]


def year_of(count: int) -> list[dict]:
    """Each claim goes through all verdicts, a few weeks each, not all at the same time."""
    scale = list(VERDICTS)
    return [
        one
        for n in range(1, count + 1)
        for one in made(
            f"c{n:02}", {day: scale[(week // 9 + n) % 6] for week, day in enumerate(WEEKS)}
        )
    ]


def test_weeks_are_seven_days_apart_up_to_the_last_day() -> None:
    assert len(WEEKS) == len(set(WEEKS)) == 53
    assert WEEKS[:3] == ("2024-08-06", "2024-08-13", "2024-08-20")
    assert WEEKS[-2:] == ("2025-07-29", "2025-08-03")


def test_importing_it_is_light() -> None:
    code = (
        "import sys, kursk_claims.report.timeline\n"
        "heavy = {'pandas', 'matplotlib', 'nbformat', 'IPython', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_rows_go_by_registry_then_by_day() -> None:
    registry = registered(3)
    backwards = Registry(ARTICLE, registry.claims[::-1], (), ())
    found = rows(year_of(3)[::-1], backwards)
    assert [(row["claim"], row["as_of"]) for row in found] == [
        (claim, day) for claim in ("c03", "c02", "c01") for day in WEEKS
    ]
    assert all(tuple(row) == HEADER for row in found)


def test_the_table_comes_back_as_it_went_in(tmp_path: Path) -> None:
    records = year_of(2)
    path, _ = write(records, registered(2), tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        back = list(csv.DictReader(file))
    assert len(back) == len(records)
    for row, given in zip(back, records, strict=True):
        same = ("claim", "as_of", "verdict", "sentence")
        assert [row[name] for name in same] == [given[name] for name in same]
        assert float(row["robustness_agree"]) == 1 / 3
        assert float(row["headline_value"]) == -3  # a number stays one, whatever its sign
        assert (row["headline_low"], row["headline_high"]) == ("", "20")
        assert (row["headline_finding"], row["headline_unit"]) == ("n", "persons")
        assert (row["rows_of_evidence"], row["rule_hash"]) == ("5", "0123456789ab")
        assert row["title"] == f"The claim called {given['claim']}"
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_text_is_never_a_formula(start: str, tmp_path: Path) -> None:
    hostile = f"{start}cmd|' /C calc'!A0, \"quoted\",\nand – on a second line"
    headline_of = {"finding": f"{start}n", "value": None, "low": None, "high": None, "unit": start}
    given = made_record(WEEKS[0], sentence=hostile, headline=headline_of)
    registry = Registry(ARTICLE, (entry("c01", title=f"{start}1+1"),), (), ())
    path, _ = write([given], registry, tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["sentence"] == f"'{hostile}"
    assert not any(value.startswith(start) for value in row.values())


def test_same_records_same_bytes(tmp_path: Path) -> None:
    first = [p.read_bytes() for p in write(year_of(3), registered(3), tmp_path / "a")]
    again = [p.read_bytes() for p in write(year_of(3)[::-1], registered(3), tmp_path / "b")]
    assert first == again
    assert b"matplotlib" not in first[1].lower()


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    first = [p.read_bytes() for p in write(year_of(2), registered(2), tmp_path / "a")]
    code = (
        "import sys, pathlib, tests.report.test_timeline as t\n"
        "t.write(t.year_of(2), t.registered(2), pathlib.Path(sys.argv[1]))"
    )
    top = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, tmp_path / "b"], cwd=top, check=True)
    assert first == [path.read_bytes() for path in sorted((tmp_path / "b").iterdir())]


@pytest.mark.parametrize("count", [1, 2, 18])
def test_a_picture_for_few_and_for_all_claims(count: int, tmp_path: Path) -> None:
    _, path = write(year_of(count), registered(count), tmp_path)
    height, width, _ = imread(path).shape
    assert width == 10.4 * figures.DPI
    assert height > 25 * count


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list:
    """The axes of every picture that is drawn."""
    kept, canvas = [], figures.canvas

    def keeping(*args, **options):
        figure, axes = canvas(*args, **options)
        kept.append(axes)
        return figure, axes

    monkeypatch.setattr(figures, "canvas", keeping)
    return kept


def marks_of(axes) -> list[tuple[int, str]]:
    """Return row and mark of every mark inside the axes."""
    inside = [text for text in axes.texts if text.get_transform() == axes.transData]
    return [(round(text.get_position()[1]), text.get_text()) for text in inside]


def test_a_mark_stands_at_the_start_and_at_each_change(tmp_path: Path, drawn: list) -> None:
    steps = ["unresolved", "unresolved", "mixed", "mixed", "supported", "mixed"]
    write(made("c02", dict(zip(WEEKS, steps, strict=False))), registered(2), tmp_path)
    changes = ["unresolved", "mixed", "supported", "mixed"]
    assert marks_of(drawn[0]) == [(0, VERDICTS[verdict].mark) for verdict in changes]
    (label,) = [tick.get_text() for tick in drawn[0].get_yticklabels()]
    assert label == "c02 claim number 2"


def test_a_missing_week_is_blank_and_told_so(tmp_path: Path, drawn: list) -> None:
    whole, gap = dict.fromkeys(WEEKS, "mixed"), dict.fromkeys(WEEKS, "mixed")
    del gap[WEEKS[20]]
    write(made("c01", whole), registered(1), tmp_path)
    write(made("c01", gap), registered(1), tmp_path)
    legends = [[text.get_text() for text in a.get_legend().get_texts()] for a in drawn]
    assert len(marks_of(drawn[0])) == 1 and len(marks_of(drawn[1])) == 2
    words = [f"{look.mark}  {look.label}" for look in VERDICTS.values()]
    assert legends == [words, [*words, "(blank)  was not run"]]
    cells = [sum(p.get_fill() for p in a.patches) for a in drawn]
    assert cells == [53, 52]


def test_unresolved_is_hatched_and_nothing_else_is(tmp_path: Path, drawn: list) -> None:
    verdicts = dict(zip(WEEKS, VERDICTS, strict=False))
    write(made("c01", verdicts), registered(1), tmp_path)
    hatched = [patch for patch in drawn[0].patches if patch.get_hatch()]
    assert len(hatched) == 1
    assert "article, 2024-08-21" in " ".join(text.get_text() for text in drawn[0].texts)


def test_months_are_digits(tmp_path: Path, drawn: list) -> None:
    write(year_of(1), registered(1), tmp_path)
    labels = [tick.get_text() for tick in drawn[0].get_xticklabels()]
    assert labels[0] == "2024-08" and labels[-1] == "2025-08" and len(labels) == 13
    assert all(re.fullmatch(r"\d{4}-\d{2}", label) for label in labels)


@pytest.mark.parametrize(
    ("verdicts", "finding"),
    [
        (
            [{"2024-08-20": "mixed"}, {"2024-08-20": "unresolved"}],
            "Of two claims, one had a verdict by the article's day (last look before it: "
            "20 August 2024); none changed",
        ),
        (
            [{"2024-08-21": "unresolved", "2024-08-27": "mixed", "2024-09-03": "mixed"}],
            "Of one claim, none had a verdict by the article's day; the last change shows on "
            "27 August 2024",
        ),
        (
            [{"2024-08-27": "mixed"}],
            "Of one claim, none was looked at by the article's day; none changed",
        ),
    ],
)
def test_the_title_tells_the_finding(verdicts: list[dict], finding: str) -> None:
    records = [r for n, of in enumerate(verdicts, start=1) for r in made(f"c{n:02}", of)]
    assert headline(records[::-1], registered(2)) == finding


def test_nothing_to_draw_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no run was given"):
        write([], registered(1), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    given = made_record(WEEKS[0])
    with pytest.raises(ReportError, match="c01 as of 2024-08-06 was given twice"):
        write([given, given], registered(1), tmp_path)
    with pytest.raises(RegistryError, match="c09"):
        write([{**given, "claim": "c09"}], registered(1), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failing_write_leaves_the_old_files_and_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {path: path.read_bytes() for path in write(year_of(1), registered(1), tmp_path)}

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write(year_of(2), registered(2), tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(timeline, "_as_png", full)
    with pytest.raises(OSError, match="no space"):
        write(year_of(2), registered(2), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_claim_without_a_run_has_no_row(tmp_path: Path, drawn: list) -> None:
    registry = registered(3)
    planned = replace(registry.claims[1], status="planned")
    registry = replace(registry, claims=(registry.claims[0], planned, registry.claims[2]))
    write([r for r in year_of(3) if r["claim"] != "c02"], registry, tmp_path)
    labels = [tick.get_text() for tick in drawn[0].get_yticklabels()]
    assert labels == ["c01 claim number 1", "c03 claim number 3"]
