"""The tables as pages, the weeks as strips, the method, the print."""

import re
import subprocess
from pathlib import Path

import pytest

from kursk_claims.errors import ReportError
from kursk_claims.evidence import results, schema, tables
from kursk_claims.evidence.paths import data_dir
from kursk_claims.report import method, printed, rows, timeline, weeks
from kursk_claims.report.build import build
from kursk_claims.report.rows import Evidence
from tests.report.made import (
    CONTRACT,
    DAYS,
    NOW,
    ROWS,
    Tags,
    entry,
    made_home,
    made_registry,
    made_runs,
    stored_weeks,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made_home(tmp_path / "home")


@pytest.fixture
def site(home: Path, tmp_path: Path) -> Path:
    stored_weeks(home, {"c01": dict.fromkeys(timeline.WEEKS, "mixed")})
    return build(made_runs(tmp_path), made_registry(), tmp_path / "site", home=home).parent


# -- rows ------------------------------------------------------------------------------------------


def test_the_rows_are_those_that_the_claims_read() -> None:
    assert rows.CONTRACT == schema.CONTRACT
    for name, table in Evidence(data_dir()).tables.items():
        loaded = tables.load(name)
        assert [row["row_id"] for row in table.rows] == loaded["row_id"].tolist(), name
        assert [row["source"] for row in table.rows] == loaded["source"].tolist(), name


def test_every_row_has_its_anchor_source_side_days_and_address(site: Path) -> None:
    page = site / "evidence/polls/approval.html"
    assert {row[0] for row in ROWS} <= set(Tags(page).ids)
    text = page.read_text("utf-8")
    second = text.split('<li id="row-2">')[1].split("<li id=")[0]
    assert '<a href="https://example.org/2?a=1&amp;b=2">Another &lt;/script&gt;' in second
    for said in (
        "2024-08-03",
        "public 2024-08-04 (assumed)",
        "pollster",
        "a &lt;b&gt;note&lt;/b&gt;",
    ):
        assert said in second
    assert "javascript" not in text  # the third row's address leads nowhere


def test_a_corrected_cell_shows_what_it_was_and_why(site: Path) -> None:
    text = (site / "evidence/polls/approval.html").read_text("utf-8")
    assert '<del>10</del> <ins>11</ins> <a href="#corr-01">corr-01</a>' in text
    assert "The page says so." in text
    assert (
        b"seen,A pollster,poll,https://example.org/1,exact,,10,a"
        in (site / "data/tables/polls/approval.csv").read_bytes()
    )


def test_a_series_says_its_source_once_and_names_its_days(site: Path) -> None:
    page = site / "evidence/geo/daily.html"
    assert {f"day-{day}" for day, _, _ in DAYS} <= set(Tags(page).ids)
    assert page.read_text("utf-8").count("https://example.org/map") == 1


def test_without_the_list_of_corrections_there_is_no_report(tmp_path: Path) -> None:
    home = made_home(tmp_path / "home")
    (home / "data/corrections.yaml").unlink()
    with pytest.raises(ReportError, match=r"data/corrections\.yaml: "):
        build(made_runs(tmp_path), made_registry(), tmp_path / "site", home=home)


def test_a_long_table_goes_over_several_pages_and_no_row_is_lost(tmp_path: Path) -> None:
    many = [
        (f"row-{n}", "2024-08-01", "2024-08-02", "seen", f"Source {n}", "poll",
         f"https://example.org/{n}", "exact", f"word {n} " * 30, str(n), "a")
        for n in range(3000)
    ]  # fmt: skip
    home = made_home(tmp_path / "home", many)
    (home / "data/corrections.yaml").write_text("[]\n")
    site = build(made_runs(tmp_path), made_registry(), tmp_path / "site", home=home).parent
    found = sorted((site / "evidence/polls").glob("approval*.html"))
    assert len(found) > 2
    ids = [name for page in found for name in Tags(page).ids if str(name).startswith("row-")]
    assert sorted(ids) == sorted(row[0] for row in many)
    assert all(page.stat().st_size < 500_000 for page in found)
    claim = (site / "claims/c01.html").read_text("utf-8")
    assert '"../evidence/polls/approval.html#row-2"' in claim


def test_a_table_that_cannot_be_read_is_one_clear_error(home: Path, tmp_path: Path) -> None:
    path = home / "data/tables/geo/daily.csv"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ReportError, match=r"data/tables/geo/daily\.csv: cannot be read"):
        build([], made_registry(), tmp_path / "site", home=home)
    path.unlink()
    with pytest.raises(ReportError, match=r"data/tables/geo/daily\.csv: cannot be read"):
        build([], made_registry(), tmp_path / "site", home=home)
    assert not (tmp_path / "site").exists()
    assert CONTRACT == schema.CONTRACT


# -- the weeks -------------------------------------------------------------------------------------


def test_the_stored_verdicts_are_those_of_the_timeline() -> None:
    assert weeks.FILE == results.FILE


def test_neighbouring_weeks_of_one_verdict_are_one_stretch(home: Path) -> None:
    half = {day: "mixed" if place < 3 else "supported" for place, day in enumerate(timeline.WEEKS)}
    del half[timeline.WEEKS[10]]
    stored_weeks(home, {"c01": {**half, NOW: "contradicted"}})
    found = weeks.read(home / "data", made_registry())
    assert [(one.verdict, one.weeks, one.first) for one in found.strips["c01"]] == [
        ("mixed", 3, "2024-08-06"), ("supported", 7, "2024-08-27"), ("", 1, "2024-10-15"),
        ("supported", 42, "2024-10-22"),
    ]  # fmt: skip
    assert sum(n for _, n in found.months) == len(found.days) == 53
    assert found.months[:2] == [("Aug", 4), ("Sep", 4)] and ("Jan 2025", 4) in found.months
    assert found.article == pytest.approx((2 + 1 / 7) / 53)


def test_weeks_of_another_rule_are_left_out_and_counted(home: Path) -> None:
    stored_weeks(home, {"c01": dict.fromkeys(timeline.WEEKS[:5], "mixed")}, rule_hash="0" * 12)
    assert weeks.read(home / "data", made_registry()) is None
    path = stored_weeks(home, {"c01": dict.fromkeys(timeline.WEEKS[:5], "mixed")})
    lines = path.read_text("utf-8")
    path.write_text(lines.replace(entry("c01").rule_hash, "0" * 12, 2), encoding="utf-8")
    found = weeks.read(home / "data", made_registry())
    assert found.left_out == {"c01": 2}
    assert [one.verdict for one in found.strips["c01"]] == ["", "mixed", ""]


@pytest.mark.parametrize(
    ("old", "new"), [("mixed", "perhaps"), ("2024-08-06", "soon"), ("claim,title", "claim,name")]
)
def test_a_broken_table_of_verdicts_is_one_clear_error(old: str, new: str, home: Path) -> None:
    path = stored_weeks(home, {"c01": dict.fromkeys(timeline.WEEKS, "mixed")})
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ReportError, match=r"data/results/verdicts\.csv: "):
        weeks.read(home / "data", made_registry())


def test_without_the_table_the_page_says_how_to_make_it(home: Path, tmp_path: Path) -> None:
    site = build([], made_registry(), tmp_path / "site", home=home).parent
    text = (site / "index.html").read_text("utf-8")
    assert "kursk timeline --update" in text and 'id="week"' not in text


def test_the_strip_is_a_table_that_can_be_read_out(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    strip = text.split('<table class="strip">')[1].split("</table>")[0]
    assert "mixed, 6 August 2024 to 3 August 2025" in strip
    assert 'colspan="53"' in strip and "mixed in hindsight" in strip
    assert ".strips{--article:" in text


# -- method ----------------------------------------------------------------------------------------


def test_the_method_page_says_rules_citation_licences_and_hashes(site: Path, home: Path) -> None:
    text = (site / "method.html").read_text("utf-8")
    assert "The testers (2026). kursk-claims: a test (version 0.1.0)." in text
    assert "@software{kursk_claims," in text
    assert entry("c01").rule_hash in text
    assert method.data_digest(home / "data") in text
    assert "<td>a</td><td>b</td>" in re.sub(r"\s+(?=<td)", "", text)  # from LICENSE-data.md


def test_the_hash_of_the_data_leaves_results_out(home: Path) -> None:
    before = method.data_digest(home / "data")
    stored_weeks(home, {"c01": {"2024-08-06": "mixed"}})
    assert method.data_digest(home / "data") == before
    (home / "data/tables/geo/daily.csv").write_bytes(b"")
    assert method.data_digest(home / "data") != before


@pytest.mark.parametrize("name", ["CITATION.cff", "LICENSE-data.md"])
def test_what_a_citation_needs_must_be_there(name: str, home: Path, tmp_path: Path) -> None:
    (home / name).unlink()
    with pytest.raises(ReportError, match=name):
        build([], made_registry(), tmp_path / "site", home=home)


# -- print -----------------------------------------------------------------------------------------


def test_without_a_browser_there_is_one_line(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed.shutil, "which", lambda _: None)
    with pytest.raises(ReportError, match=r"no Chromium here .* so no PDF") as error:
        printed.as_pdf(site)
    assert "\n" not in str(error.value)
    assert not (site / printed.FILE).exists()


@pytest.mark.parametrize("fault", ["exit", "nothing", "time"])
def test_a_browser_that_fails_leaves_the_old_print(
    fault: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if fault == "time":
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, fault == "exit", "", "a\nit broke")

    (site / printed.FILE).write_bytes(b"old")
    monkeypatch.setattr(printed.shutil, "which", lambda _: "/somewhere/chromium")
    monkeypatch.setattr(printed.subprocess, "run", run)
    with pytest.raises(ReportError, match="chromium could not print"):
        printed.as_pdf(site)
    assert (site / printed.FILE).read_bytes() == b"old"
    assert not [path for path in site.iterdir() if path.name.startswith(".print")]


def test_the_print_is_one_page_linked_in_itself(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "print.html"
    path.write_text(printed.one_page(site), encoding="utf-8")
    tags = Tags(path)
    assert len(tags.ids) == len(set(tags.ids)) and not tags.named("script")
    links = [a["href"] for a in tags.named("a") if "href" in a]
    inside = [link for link in links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(tags.ids)
    assert "#c01-rows-1" in inside and "#index-c01" in inside
    assert all(link.startswith(("#", "https://")) for link in links)  # none to files left behind
    assert all(i["src"].startswith("../figures/") for i in tags.named("img"))
    assert not any("loading" in image for image in tags.named("img"))
