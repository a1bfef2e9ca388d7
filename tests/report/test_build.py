"""The report: complete, accessible, inert whatever the strings, and never half made."""

import base64
import csv
import json
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display import figures, record
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import RegistryError, ReportError
from kursk_claims.evidence.registry import ClaimEntry, Registry
from kursk_claims.report import cells, look, machine
from kursk_claims.report.build import Run, build
from kursk_claims.report.clean import clean, is_web

THEN, NOW = "2024-08-21", "2026-11-01"
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0, as the sentence of a hostile notebook"
ALT = "A single grey pixel, which stands for a figure with alt text."


# -- what the tests build from -------------------------------------------------------------------


def entry(claim_id: str, **changes: Any) -> ClaimEntry:
    made = ClaimEntry(
        id=claim_id, slug="a_claim", title=f"The claim called {claim_id}", claimant="somebody",
        kind=("quantity",), status="ready", question="How many?", would_refute="Fewer.",
        estimand="A number.", method="Counting.", tables=("polls/approval",), caveats=(),
        notebook="notebooks/x.ipynb", parameters=(),
        rule={"findings": {"n": "number"}, "ladder": [], "otherwise": "mixed"}, frozen=None,
    )  # fmt: skip
    return replace(made, frozen={"day": "2026-11-22", "hash": made.rule_hash}, **changes)


@pytest.fixture
def registry() -> Registry:
    article = {
        "publisher": "A publisher", "appeared_on": THEN, "hindsight_on": NOW,
        "copy_url": "https://example.org/article", "note": "A note on the copy.",
    }  # fmt: skip
    return Registry(
        article,
        (entry("c01"), entry("c02", status="planned", rule=None, title="A claim to come")),
        ({"statement": "What he thinks.", "reason": "Nobody can tell.", "nearest_claim": "c01"},),
        ({"says": "A passage.", "tested_in": ["c01"], "how": "by counting"},),
    )


def made_record(as_of: str, **changes: Any) -> record.Record:
    one = {
        "schema": "kursk-claims/record/1", "claim": "c01", "title": "The claim called c01",
        "claimant": "somebody", "kind": ["quantity"], "as_of": as_of,
        "parameters": {"as_of": as_of, "seen_only": False}, "verdict": "mixed",
        "sentence": "There were between ten and twenty of them.",
        "headline": {"finding": "n", "value": -3, "low": None, "high": 20, "unit": "persons"},
        "findings": {"n": -3},
        "robustness": {
            "specifications": 1200, "agree": 0.25, "shares": {"mixed": 0.25, "unresolved": 0.75},
            "flips": [], "influence": {},
        },
        "rule": {"hash": entry("c01").rule_hash, "frozen_on": "2026-11-22"},
        "evidence": [{
            "table": "polls/approval", "rows": 5, "sources": 2, "first": THEN, "last": THEN,
            "corrections": [],
        }],
        "cited": {"n": ["row-1", "row-2"]},
    }  # fmt: skip
    return {**one, **changes}


def png() -> str:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x88"))
    return base64.b64encode(cells.PNG + header + pixels + chunk(b"IEND", b"")).decode()


def figure(alt: str | None = ALT, rows: int = 3) -> nbformat.NotebookNode:
    behind = {
        "title": "A title",
        "credit": "Data: us.",
        "data": {"x": list(range(rows)), "y": ["a"] * rows},
    }
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return new_output(
        "display_data", data={"image/png": png(), cells.FIGURE_MIME: behind}, metadata=metadata
    )


def write(path: Path, found: record.Record | None, *outputs: Any, text: str = "") -> Path:
    given = list(outputs)
    if found:
        data = {record.MIME: found, "text/html": record.as_html(found), "text/plain": "a record"}
        given.append(new_output("display_data", data=data))
    code = [
        new_code_cell(f"n = {i}  # <b>", outputs=[output], execution_count=i, id=f"code{i}")
        for i, output in enumerate(given, start=1)
    ]
    injected = new_code_cell("as_of = 1", metadata={"tags": ["injected-parameters"]}, id="injected")
    heading = new_markdown_cell(f"# A heading\n\n{text}", id="heading")
    nbformat.write(new_notebook(cells=[heading, injected, *code]), path)
    return path


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    return [
        Run("c01", day, write(tmp_path / f"c01_{day}.ipynb", made_record(day), figure()))
        for day in (NOW, THEN)
    ]


class Tags(HTMLParser):
    """Every start tag of a page, with its attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


# -- what is built -------------------------------------------------------------------------------


def test_both_dates_and_the_planned_claim_are_on_the_index(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    index = build(runs, registry, tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    links = [a.get("href") for a in Tags(index).named("a")]
    for run in runs:
        assert run.page in links
        assert (index.parent / run.page).is_file()
        siblings = [a.get("href") for a in Tags(index.parent / run.page).named("a")]
        assert all(f"../{other.page}" in siblings for other in runs)
        assert "../index.html#c01" in siblings
    text = index.read_text("utf-8")
    assert text.count(">planned<") == 2
    assert "25%" in text and "1,200" in text and "75% say unresolved" in text
    assert "2 of 5 rows cited" in text
    assert entry("c01").rule_hash in text
    assert "Nobody can tell." in text and "A passage." in text


def test_a_ready_claim_without_a_run_is_not_called_planned(
    registry: Registry, tmp_path: Path
) -> None:
    text = build([], registry, tmp_path / "site").read_text("utf-8")
    assert text.count(">not run<") == 2
    assert text.count(">planned<") == 2


def test_links_inside_the_site_lead_somewhere(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    for page in site.rglob("*.html"):
        for a in Tags(page).named("a"):
            address, _, anchor = (a.get("href") or "").partition("#")
            if is_web(address):
                continue
            target = (page.parent / address).resolve() if address else page
            assert target.is_file(), a
            ids = {attrs.get("id") for _, attrs in Tags(target).found} if anchor else {""}
            assert anchor in ids, a


def test_pages_load_nothing_and_run_nothing(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    for page in site.rglob("*.html"):
        tags = Tags(page)
        assert not tags.named("script")
        for tag, attrs in tags.found:
            assert (attrs.get("src") or "data:image/png;base64,").startswith(
                "data:image/png;base64,"
            )
            assert "style" not in attrs and not any(name.startswith("on") for name in attrs)
            if "http" in (attrs.get("href") or ""):
                assert tag == "a" and attrs["rel"] == "noopener noreferrer"
        assert "@import" not in page.read_text("utf-8") and "url(" not in page.read_text("utf-8")


def test_pages_can_be_used_without_eyes(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    for page in site.rglob("*.html"):
        tags = Tags(page)
        assert tags.named("html")[0]["lang"] == "en"
        assert len(tags.named("main")) == len(tags.named("h1")) == 1
        assert tags.named("a")[0]["href"] == "#main"
        assert all(image.get("alt") for image in tags.named("img"))
        assert all(th.get("scope") for th in tags.named("th"))
        assert len(tags.named("caption")) == len(tags.named("table"))
        ids = [attrs["id"] for _, attrs in tags.found if "id" in attrs]
        assert len(ids) == len(set(ids))
    images = Tags(site / runs[0].page).named("img")
    assert [(i["alt"], i["width"], i["height"]) for i in images] == [(ALT, "1", "1")]


def test_the_style_sheet_is_the_one_the_policy_allows(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    import hashlib

    for page in build(runs, registry, tmp_path / "site").parent.rglob("*.html"):
        text = page.read_text("utf-8")
        css = text.split("<style>")[1].split("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
        assert f"style-src &#39;sha256-{digest}&#39;" in text or f"'sha256-{digest}'" in text


def test_code_is_folded_and_the_given_parameters_are_open(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    folds = [d for d in Tags(site / runs[0].page).named("details") if d.get("class") == "code"]
    assert ["open" in fold for fold in folds] == [True, False, False]


def test_a_long_table_behind_a_figure_is_cut_and_says_so(
    registry: Registry, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ipynb", made_record(NOW), figure(rows=1234))
    site = build([Run("c01", NOW, path)], registry, tmp_path / "site").parent
    text = (site / f"claims/c01_{NOW}.html").read_text("utf-8")
    assert "The first 200 of 1,234 rows" in text
    assert '<td class="num">199</td>' in text and '<td class="num">200</td>' not in text


def test_two_builds_are_the_same_to_the_byte(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    sites = [
        build(order, registry, tmp_path / n).parent for n, order in (("a", runs), ("b", runs[::-1]))
    ]
    contents = [
        {
            str(path.relative_to(site)): path.read_bytes()
            for path in site.rglob("*")
            if path.is_file()
        }
        for site in sites
    ]
    assert contents[0] == contents[1]
    assert set(contents[0]) >= {"index.html", "verdicts.json", "verdicts.csv"}


def test_the_machine_readable_verdicts(runs: list[Run], registry: Registry, tmp_path: Path) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    whole = json.loads((site / "verdicts.json").read_text("utf-8"))
    assert [len(claim["runs"]) for claim in whole["claims"]] == [2, 0]
    assert whole["claims"][0]["runs"][0]["record"] == made_record(THEN)
    with (site / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["claim"], line["as_of"]) for line in lines] == [
        ("c01", THEN),
        ("c01", NOW),
        ("c02", ""),
    ]
    assert (lines[0]["value"], lines[0]["low"], lines[0]["rows_cited"]) == ("-3", "", "2")
    assert lines[2]["verdict"] == "" and lines[2]["status"] == "planned"


# -- hostile strings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence", [f"{SCRIPT} {'x' * 20}", FORMULA, "+1 ' \" & < > \u202e and so on and on"]
)
def test_a_hostile_sentence_is_inert(sentence: str, registry: Registry, tmp_path: Path) -> None:
    found = made_record(NOW, sentence=sentence, cited={SCRIPT: ["a"]})
    hostile = new_output("display_data", data={"text/markdown": sentence})
    raw = new_output(
        "display_data", data={"text/html": f"</section></main>{SCRIPT}<img src=http://x>"}
    )
    path = write(tmp_path / "a.ipynb", found, hostile, raw, text=f"{sentence} [a](javascript:b)")
    claims = (replace(registry.claims[0], title=f"A title with {SCRIPT}"), *registry.claims[1:])
    site = build(
        [Run("c01", NOW, path)], replace(registry, claims=claims), tmp_path / "site"
    ).parent
    for page in site.rglob("*.html"):
        tags = Tags(page)
        assert not tags.named("script") and len(tags.named("main")) == 1
        assert page.read_text("utf-8").count("</main>") == 1
        assert not any("javascript" in (a.get("href") or "") for a in tags.named("a"))
        assert not tags.named("img")
    with (site / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        line = next(csv.DictReader(file))
    assert line["sentence"].lstrip("'") == sentence
    assert not line["sentence"].startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("=1", "'=1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        (-3, -3),
        (None, None),
    ],
)
def test_only_text_is_kept_from_being_a_formula(value: Any, wanted: Any) -> None:
    assert machine.inert(value) == wanted


def test_an_address_that_is_no_web_address_is_not_linked(
    registry: Registry, tmp_path: Path
) -> None:
    article = {**registry.article, "copy_url": "javascript:alert(1)"}
    index = build([], replace(registry, article=article), tmp_path / "site")
    assert "javascript" not in index.read_text("utf-8")


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p onclick=x style=y class='record z'>a</p>", '<p class="record">a</p>'),
        ("a<script>b</script><style>c</style>d", "ad"),
        ("<svg><a href=x>b</a></svg>c", "c"),
        ("<script>never closed", ""),
        ("</div></p>a", "a"),
        ("<ul><li>a<li>b", "<ul><li>a<li>b</li></li></ul>"),
        ("<a href='https://x.org/?a=1&amp;b'>x</a>",
         '<a href="https://x.org/?a=1&amp;b" rel="noopener noreferrer">x</a>'),
        ("<a href=' javascript:x'>x</a><a href=//x.org>y</a>", "<a>x</a><a>y</a>"),
        ("<h1>a</h1><h6>b</h6>", "<h2>a</h2><h6>b</h6>"),
        ("&lt;script&gt; &amp; <unknown>b</unknown><!-- c -->", "&lt;script&gt; &amp; b"),
    ],
)  # fmt: skip
def test_cleaning(html: str, wanted: str) -> None:
    assert clean(html, "label", deeper=1) == wanted


def test_a_table_of_pandas_gets_a_caption_scopes_and_one_row_of_headings() -> None:
    html = (
        "<table border=1><thead><tr><th></th><th>n</th></tr><tr><th>name</th><th></th></tr></thead>"
        "<tbody><tr><th>a</th><td>1,200.5</td></tr></tbody></table>"
    )
    assert clean(html, 'A "label"') == (
        '<div class="scroll" role="region" tabindex="0" aria-label="A &quot;label&quot;"><table>'
        '<caption class="unseen">A &quot;label&quot;</caption>'
        '<thead><tr><th scope="col">name</th><th scope="col">n</th></tr></thead>'
        '<tbody><tr><th scope="row">a</th><td class="num">1,200.5</td></tr></tbody></table></div>'
    )


# -- what is refused -----------------------------------------------------------------------------


def broken(tmp_path: Path, case: str) -> Run:
    path = tmp_path / "broken.ipynb"
    stale = {"hash": "0" * 12, "frozen_on": "2026-11-22"}
    if case == "missing":
        return Run("c01", THEN, path)
    if case == "not a notebook":
        path.write_text("{", encoding="utf-8")
    elif case == "no record":
        write(path, None, figure())
    elif case == "no alt text":
        write(path, made_record(THEN), figure(alt=None))
    elif case == "another day":
        write(path, made_record(NOW))
    elif case == "another rule":
        write(path, made_record(THEN, rule=stale))
    elif case == "not a record":
        good = write(path, made_record(THEN)).read_text("utf-8")
        path.write_text(good.replace('"verdict": "mixed"', '"verdict": "true"'), encoding="utf-8")
    return Run("c01", THEN, path)


CASES = (
    "missing", "not a notebook", "no record", "no alt text", "another day", "another rule",
    "not a record",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_failing_build_leaves_the_old_site_and_nothing_else(
    case: str, runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    with pytest.raises(ReportError) as error:
        build([runs[0], broken(tmp_path, case)], registry, site)
    assert "c01 as of 2024-08-21 (broken.ipynb)" in str(error.value)
    assert len(str(error.value).splitlines()) <= 2
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert not left_over(tmp_path)


def test_a_swap_that_fails_brings_the_old_site_back(
    runs: list[Run], registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    before = (site / "index.html").read_bytes()
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no space"):
        build([], registry, site)
    assert (site / "index.html").read_bytes() == before
    assert not left_over(tmp_path)


def test_a_new_report_replaces_the_old_one_whole(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    build(runs[:1], registry, site)
    assert [path.name for path in (site / "claims").iterdir()] == [f"c01_{NOW}.html"]
    assert not left_over(tmp_path)


def test_a_folder_that_is_no_report_is_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ReportError, match="something other than a report"):
        build([], registry, tmp_path)
    assert (tmp_path / "thesis.txt").is_file()


def test_notebooks_inside_the_report_are_refused(
    runs: list[Run], registry: Registry, tmp_path: Path
) -> None:
    site = build(runs, registry, tmp_path / "site").parent
    inside = write(site / "a.ipynb", made_record(NOW))
    with pytest.raises(ReportError, match="will be replaced"):
        build([Run("c01", NOW, inside)], registry, site)
    assert inside.is_file()


def test_one_run_a_claim_and_day(runs: list[Run], registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="given twice"):
        build([*runs, runs[0]], registry, tmp_path / "site")
    with pytest.raises(RegistryError, match="no claim 'c99'"):
        build([replace(runs[0], claim="c99")], registry, tmp_path / "site")


# -- looks ---------------------------------------------------------------------------------------


def test_every_verdict_has_a_meaning_and_can_be_read() -> None:
    assert set(look.MEANINGS) == set(VERDICTS) == set(Verdict)
    for verdict, style in VERDICTS.items():
        assert look.contrast(style.colour, look.ink_on(style.colour)) >= look.READABLE
        assert f".{look.css_class(verdict)}{{" in look.verdict_css()


def test_contrast_is_that_of_the_standard() -> None:
    assert look.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert look.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_text_colours_of_the_style_sheet_can_be_read() -> None:
    css = Path(look.__file__).with_name("templates").joinpath("style.css").read_text("utf-8")
    for block in re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)[:2]:
        colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
        for ground in ("paper", "card"):
            for ink in ("ink", "muted", "link", "key", "text"):
                assert look.contrast(colour[ink], colour[ground]) >= look.READABLE, (ink, ground)


def test_the_spread_names_the_verdict_that_outnumbers_the_main_one() -> None:
    one = made_record(NOW)
    assert [(p.verdict, p.start, p.share, p.agrees) for p in look.spread(one)] == [
        ("mixed", 0.0, 25.0, True),
        ("unresolved", 25.0, 75.0, False),
    ]
    top = look.commonest(one)
    assert top and top.verdict == "unresolved"
    assert look.commonest(made_record(NOW, verdict="unresolved")) is None


def test_the_figure_type_is_that_of_the_figures() -> None:
    assert cells.FIGURE_MIME == figures.MIME


def test_importing_the_report_is_light() -> None:
    code = (
        "import sys, kursk_claims.report.build; "
        "heavy = {'pandas', 'matplotlib', 'nbconvert', 'papermill'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
