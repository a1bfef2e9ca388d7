"""The page of a claim: both days in one text, its numbers, its multiverse, its ClaimReview."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kursk_claims.analysis import multiverse as analysis
from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display.style import VERDICTS
from kursk_claims.evidence.documents import DocumentError, check
from kursk_claims.evidence.registry import load_registry
from kursk_claims.report import claim_page, curve, days, method, pages, pictures, review, runs
from kursk_claims.report.build import build
from kursk_claims.report.cells import Block, Cell
from kursk_claims.report.rows import Evidence
from tests.report.made import (
    NOW,
    SCRIPT,
    THEN,
    Tags,
    entry,
    figure,
    made_home,
    made_record,
    made_registry,
    made_runs,
    multiverse,
    write,
)


@pytest.fixture
def tested(tmp_path: Path) -> runs.Tested:
    (one,) = runs.read(made_runs(tmp_path), made_registry())
    return one


@pytest.fixture
def page(tmp_path: Path) -> Path:
    home = made_home(tmp_path / "home")
    build(made_runs(tmp_path), made_registry(), tmp_path / "site", home=home)
    return tmp_path / "site/claims/c01.html"


def cell(name: str, *given: str, html: str = "code") -> Cell:
    return Cell(name, "code", html, given=tuple(Block("plain", plain=text) for text in given))


# -- two days, one text --------------------------------------------------------------------------


def test_what_is_the_same_on_both_days_stands_there_once() -> None:
    then = [cell("a", "1", "2"), cell("b", "x")]
    now = [cell("a", "1", "3", "4"), cell("b", "x")]
    (first, second) = days.joined(then, now)
    assert [one.blocks for one in first.shown] == [
        [("", Block("plain", plain="1"))],
        [("then", Block("plain", plain="2")), ("now", Block("plain", plain="3"))],
        [("now", Block("plain", plain="4"))],
    ]
    assert [one.blocks for one in second.shown] == [[("", Block("plain", plain="x"))]]


def test_a_cell_that_only_one_run_has_says_so() -> None:
    then = [cell("a"), cell("old", "1")]
    now = [cell("new", "2"), cell("a"), cell("old", "3", html="other code")]
    pieces = days.joined(then, now)
    assert [(piece.cell.id, piece.day) for piece in pieces] == [
        ("new", "now"), ("a", ""), ("old", "now"), ("old", "then"),
    ]  # fmt: skip
    assert pieces[3].shown[0].then == Block("plain", plain="1")


def test_a_single_run_needs_no_days() -> None:
    for joined in (days.joined([cell("a", "1")], []), days.joined([], [cell("a", "1")])):
        assert [(piece.day, piece.shown[0].same.plain) for piece in joined] == [("", "1")]


def test_the_leading_figure_is_the_first_after_the_estimate() -> None:
    def drawn(name: str) -> Cell:
        return Cell(name, "code", name, given=(Block("figure", plain=name),))

    pieces = days.joined([], [drawn("a"), drawn("b"), cell("estimate"), drawn("c"), drawn("d")])
    assert days.lead(pieces).figure == 3
    assert days.lead(days.joined([], [drawn("a"), drawn("b")])).figure == 1
    assert days.lead(days.joined([], [cell("a")])) is None


def test_the_page_shares_what_is_equal_and_shows_both_figures(page: Path) -> None:
    images = [image["src"] for image in Tags(page).named("img")]
    assert (
        len(images) == 5 and len(set(images)) == 3
    )  # twice leading, twice in the text, once shared
    assert len(list((page.parents[1] / "figures").glob("*.png"))) == 3
    ids = Tags(page).ids
    assert {"figure-1-then", "figure-1-now", "figure-2", "figure-3-then"} <= set(ids)


def test_the_days_are_switched_without_a_script(page: Path) -> None:
    radios = [one for one in Tags(page).named("input") if one["type"] == "radio"]
    assert [(one["id"], "checked" in one) for one in radios] == [
        ("show-then", False), ("show-now", True), ("show-both", False),
    ]  # fmt: skip
    css = page.read_text("utf-8").split("<style>")[1].split("</style>")[0]
    assert "main:has(#show-then:checked) .when.now" in css


def test_one_day_alone_has_no_switch_and_no_comparison(tmp_path: Path) -> None:
    home = made_home(tmp_path / "home")
    build(made_runs(tmp_path)[:1], made_registry(), tmp_path / "site", home=home)
    page = tmp_path / "site/claims/c01.html"
    assert not [one for one in Tags(page).named("input") if one["type"] == "radio"]
    assert "hindsight" not in Tags(page).ids and "figure-1" in Tags(page).ids


# -- what hindsight changed, and the numbers -------------------------------------------------------


def test_what_hindsight_changed_comes_from_the_records(tested: runs.Tested) -> None:
    lines = {line.label: (line.then, line.now, line.changed) for line in claim_page.changes(tested)}
    assert lines["Rows cited"] == ("3", "4", True)
    assert lines["Headline number"] == ("−3 (open to 20)", "−3 (open to 20)", False)
    assert lines["Specifications that agree"] == ("25% of 1,200", "25% of 1,200", False)


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.478261, 0.292, 0.6704, "0.478 (0.292 to 0.67)"),
        (1, 1, 1, "1"),
        (122000, None, None, "122,000"),
        (155.25, 100, None, "155.2 (100 to open)"),
        (None, None, None, "not known"),
        (-0.5, -1.25, 0, "−0.5 (−1.25 to 0)"),
    ],
)
def test_a_headline_reads_well(value: Any, low: Any, high: Any, words: str) -> None:
    assert claim_page.headline({"value": value, "low": low, "high": high}) == words


def test_every_number_leads_to_its_rows_and_every_row_back(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    numbers = text.split('<table class="findings">')[1].split("</table>")[0]
    assert numbers.count('<a href="#rows-1">−3</a>') == 2
    assert numbers.count('<a href="#rows-1">0.5</a>') == 2  # no rows of its own: those of the claim
    assert "number of them" in numbers
    rows = text.split('id="rows-1"')[1].split("</details>")[0]
    assert "Four rows behind n; 1 only in hindsight" in rows
    for address in ("polls/approval.html#row-3", "geo/daily.html#day-2024-08-06"):
        assert f'href="../evidence/{address}"' in rows
    polls = (page.parents[1] / "evidence/polls/approval.html").read_text("utf-8")
    assert polls.count('href="../../claims/c01.html#rows-1"') == 3
    days_of = (page.parents[1] / "evidence/geo/daily.html").read_text("utf-8")
    assert days_of.count('href="../../claims/c01.html#rows-1"') == 1


def test_findings_with_the_same_rows_share_a_list_and_lost_rows_are_told(tmp_path: Path) -> None:
    cited = {"a": ["row-1"], "b": ["row-1"], "c": ["gone", "row-2"]}
    path = write(tmp_path / "a.ipynb", made_record(NOW, cited=cited))
    (one,) = runs.read([runs.Run("c01", NOW, path)], made_registry())
    evidence = Evidence(made_home(tmp_path / "home") / "data")
    groups = claim_page.rows_behind(one, evidence)
    assert [(g.anchor, g.findings, g.total, g.lost) for g in groups] == [
        ("rows-1", ["a", "b"], 1, []), ("rows-2", ["c"], 2, ["gone"]),
    ]  # fmt: skip


# -- the multiverse --------------------------------------------------------------------------------


def drawn() -> curve.Curve:
    picture = pictures.read(multiverse(), 1)
    assert curve.can_draw(picture, entry("c01"))
    return curve.draw(picture, entry("c01"), made_record(NOW))


def test_the_curve_has_every_specification_where_it_belongs() -> None:
    found = drawn()
    assert (found.total, found.missing, found.main) == (6, 1, 0)
    lanes = {lane.verdict: lane for lane in found.lanes}
    assert [lane.verdict for lane in found.lanes] == [v for v in VERDICTS if v in lanes]
    assert sum(lane.dots.count("M") for lane in found.lanes) == 5  # one has no estimate
    assert lanes["unresolved"].dots == "" and lanes["unresolved"].dashes.startswith("M1992 ")
    assert lanes["mixed"].dashes == "M8 0h397"  # neighbours are one dash
    assert lanes["mixed"].share == pytest.approx(1 / 3)
    assert lanes["mixed"].dots.startswith("M8 192h0")  # the lowest estimate, at the bottom left


def test_the_verdicts_by_choice_are_those_of_the_points() -> None:
    window, side = drawn().choices
    assert (window.name, window.influence, [o.value for o in window.options]) == (
        "window", 0.5, ["1", "2", "3"],
    )  # fmt: skip
    assert [option.main for option in window.options] == [True, False, False]
    shares = [[(p.verdict, p.share) for p in option.parts] for option in side.options]
    assert shares[0] == [("supported", 33.33), ("mixed", 66.67)]
    assert shares[1] == [("supported", 33.33), ("contradicted", 33.33), ("unresolved", 33.33)]


def test_the_script_gets_every_point() -> None:
    data = json.loads(drawn().data)
    assert data["axes"] == [["window", ["1", "2", "3"]], ["side", ["all", "some"]]]
    points = [point.split(" ") for point in data["points"].split(";")]
    assert points[4] == ["0.9", "4", "11"] and points[5] == ["", "5", "21"]
    assert (data["low"], data["high"]) == (0.1, 0.9)


def test_what_stands_behind_the_figure_is_what_the_analysis_writes() -> None:
    import pandas as pd

    axes = entry("c01").axes
    grid = pd.DataFrame(analysis.grid(axes)).assign(n=range(6), verdict=["mixed"] * 6)
    table = analysis.encode(grid, axes, "n")
    behind = {name: table[name].tolist() for name in table}
    picture = pictures.read(figure(data=behind), 1)
    found = curve.draw(picture, entry("c01"), made_record(NOW))
    assert found.main == 0 and found.unit == "estimate" and found.total == 6


@pytest.mark.parametrize(
    "data",
    [
        {"estimate": [1], "verdict": ["mixed"], "choices": ["0"]},  # too few digits
        {"estimate": [1], "verdict": ["mixed"], "choices": ["03"]},  # no such value
        {"estimate": [1], "verdict": [SCRIPT], "choices": ["00"]},
        {"estimate": [], "verdict": [], "choices": []},
        {"x": [1]},
    ],
)
def test_points_that_cannot_be_read_leave_the_picture(data: dict[str, list[Any]]) -> None:
    assert not curve.can_draw(pictures.read(figure(data=data), 1), entry("c01"))


def test_the_drawn_multiverse_needs_no_image(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count('class="multiverse wide"') == 2
    assert text.count('<path class="dots v-mixed"') == 2
    assert "window (1, 2, 3); side (all, some)" in text
    ranges = [one for one in Tags(page).named("input") if one["type"] == "range"]
    assert all("hidden" in one and one["aria-label"] for one in ranges)  # until the script is there


# -- ClaimReview -----------------------------------------------------------------------------------


def reviewed(tested: runs.Tested, tmp_path: Path) -> dict[str, Any]:
    citation = method.citation(made_home(tmp_path / "home"))
    return json.loads(review.review(tested, made_registry().article, citation))


def test_the_review_says_who_claimed_what_where_and_when(
    tested: runs.Tested, tmp_path: Path
) -> None:
    found = reviewed(tested, tmp_path)
    assert found["claimReviewed"] == "The claim called c01"
    assert found["itemReviewed"]["author"] == {"name": "somebody"}
    assert found["itemReviewed"]["appearance"]["url"] == "https://example.org/article"
    assert found["itemReviewed"]["datePublished"] == THEN
    assert (found["contentReferenceTime"], found["datePublished"]) == (NOW, "2026-11-22")
    assert found["reviewRating"]["ratingValue"] == 3
    assert found["reviewRating"]["alternateName"] == "mixed"


def test_the_publisher_is_the_author_of_what_the_article_says(tmp_path: Path) -> None:
    registry = made_registry(claims=(entry("c01", claimant="the article"),))
    (one,) = runs.read(made_runs(tmp_path), registry)
    author = reviewed(one, tmp_path)["itemReviewed"]["author"]
    assert author == {"@type": "Organization", "name": "A publisher"}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_a_verdict_on_the_scale_is_a_rating(verdict: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", made_record(NOW, verdict=verdict))
    (one,) = runs.read([runs.Run("c01", NOW, path)], made_registry())
    rating = reviewed(one, tmp_path).get("reviewRating", {})
    wanted = {"supported": 5, "mostly supported": 4, "mixed": 3, "mostly contradicted": 2,
              "contradicted": 1}.get(verdict)  # fmt: skip
    assert rating.get("ratingValue") == wanted
    assert bool(rating) == (verdict != Verdict.UNRESOLVED)


@pytest.mark.parametrize("gone", ["claimReviewed", "itemReviewed", "author", "url", "@type"])
def test_a_review_without_what_the_schema_requires_is_refused(
    gone: str, tested: runs.Tested, tmp_path: Path
) -> None:
    found = reviewed(tested, tmp_path)
    del found[gone]
    with pytest.raises(DocumentError, match=gone):
        check(found, review.schema())


def test_the_review_stands_in_the_page_and_is_inert(page: Path, tmp_path: Path) -> None:
    inside = re.search(
        r'<script type="application/ld\+json">(.*?)</script>', page.read_text(), re.S
    )
    assert json.loads(inside[1])["@type"] == "ClaimReview"
    hostile = replace(made_registry().claims[0], title=f"A title with {SCRIPT}")
    home = made_home(tmp_path / "home")
    registry = made_registry(claims=(hostile,))
    build(made_runs(tmp_path), registry, tmp_path / "site", home=home)
    text = page.read_text("utf-8")
    assert "alert(1)" in text and "<script>alert" not in text


def test_every_registered_claim_can_be_reviewed(tmp_path: Path) -> None:
    registry = load_registry()
    citation = method.citation(made_home(tmp_path / "home"))
    for one in registry.claims:
        frozen = {"hash": one.rule_hash, "frozen_on": "2026-11-22"}
        found = made_record(NOW, claim=one.id, rule=frozen)
        finished = runs.Finished(runs.Run(one.id, NOW, Path("x")), one, b"", {}, found)
        review.review(runs.Tested(one, None, finished), registry.article, citation)


def test_numbers_and_names_read_as_words() -> None:
    assert [pages.plain_number(n) for n in (3, 0.45321, 12.04, 121000.4, None)] == [
        "3", "0.453", "12.0", "121,000.4", "not known",
    ]  # fmt: skip
    assert pages.words("rise_share") == "rise share"
    assert pages.site_of("https://www.tass.com/x") == "tass.com"
