"""The report: complete, accessible, inert whatever the strings, and never half made."""

import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_output

from kursk_claims.display import figures
from kursk_claims.errors import RegistryError, ReportError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import Registry, load_registry
from kursk_claims.report import kept, pages, pictures
from kursk_claims.report.build import Run, build
from kursk_claims.report.clean import is_web
from tests.report.made import (
    ALT,
    NOW,
    SCRIPT,
    THEN,
    Tags,
    figure,
    made_home,
    made_record,
    made_registry,
    made_runs,
    write,
)

FORMULA = "=cmd|' /C calc'!A0, as the sentence of a hostile notebook"
MEGABYTE = 1_000_000


@pytest.fixture
def registry() -> Registry:
    return made_registry()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made_home(tmp_path / "home")


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    return made_runs(tmp_path)


def site_of(runs: list[Run], registry: Registry, home: Path, folder: Path) -> Path:
    return build(runs, registry, folder / "site", home=home).parent


@pytest.fixture
def site(runs: list[Run], registry: Registry, home: Path, tmp_path: Path) -> Path:
    return site_of(runs, registry, home, tmp_path)


def pages_of(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def contents(site: Path) -> dict[str, bytes]:
    files = (path for path in site.rglob("*") if path.is_file())
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in files}


# -- what is built -------------------------------------------------------------------------------


def test_every_kind_of_page_and_file_is_there(site: Path) -> None:
    assert {page.relative_to(site).as_posix() for page in pages_of(site)} == {
        "index.html", "method.html", "claims/c01.html", "evidence/index.html",
        "evidence/polls/approval.html", "evidence/geo/daily.html",
    }  # fmt: skip
    assert set(contents(site)) > {
        "verdicts.json", "verdicts.csv", "data/datapackage.json", "data/corrections.yaml",
        "data/tables/polls/approval.csv", "data/tables/geo/daily.csv",
    }  # fmt: skip


def test_the_scoreboard_has_both_days_and_the_planned_claim(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    assert text.count("not tested yet") >= 4  # tally and scoreboard, on both days
    assert "25%" in text and "1,200" in text and "75% say unresolved" in text
    assert "4 of 15 rows</a> cited" in text
    assert "Nobody can tell." in text and "A passage." in text
    assert "Of one claim, none could be decided when the article appeared and one in" in text
    (line,) = [tr for tr in Tags(site / "index.html").named("tr") if tr.get("id") == "c01"]
    assert (line["data-then"], line["data-now"], line["data-rows"]) == ("5", "2", "15")
    assert "data-changed" in line


def test_a_ready_claim_without_a_run_is_not_called_planned(
    registry: Registry, home: Path, tmp_path: Path
) -> None:
    text = (site_of([], registry, home, tmp_path) / "index.html").read_text("utf-8")
    assert text.count('<span class="none">not run</span>') == 2
    assert text.count('<span class="none">not tested yet</span>') == 2


def check_links(site: Path) -> int:
    """Follow every address inside the site; return how many there are."""
    ids = {page: set(Tags(page).ids) for page in pages_of(site)}
    followed = 0
    for page in pages_of(site):
        tags = Tags(page)
        addresses = [a.get("href") or "" for a in tags.named("a")]
        addresses += [image["src"] or "" for image in tags.named("img")]
        for whole in addresses:
            if is_web(whole):
                continue
            address, _, anchor = whole.partition("#")
            target = (page.parent / address).resolve() if address else page
            assert target.is_file() and target.is_relative_to(site), (page.name, whole)
            assert not anchor or anchor in ids[target], (page.name, whole)
            followed += 1
    return followed


def check_pages(site: Path) -> None:
    """Look at every page: nothing loaded from elsewhere, nothing acts, all of it told in words."""
    for page in pages_of(site):
        text, tags = page.read_text("utf-8"), Tags(page)
        assert tags.named("html")[0]["lang"] == "en"
        assert len(tags.named("main")) == len(tags.named("h1")) == 1, page
        assert tags.named("a")[0]["href"] == "#main"
        assert all(image.get("alt") for image in tags.named("img"))
        assert all(th.get("scope") for th in tags.named("th")), page
        assert len(tags.named("caption")) == len(tags.named("table")), page
        assert len(tags.ids) == len(set(tags.ids)), page
        assert {"name": "referrer", "content": "no-referrer"} in tags.named("meta")
        assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags.found}
        for tag, attrs in tags.found:
            assert "style" not in attrs and not any(name.startswith("on") for name in attrs)
            if "src" in attrs:
                assert tag == "img" and re.fullmatch(
                    r"(\.\./)*figures/[0-9a-f]{16}\.png", attrs["src"]
                )
            if (attrs.get("href") or "").startswith(("http", "//")):
                assert tag == "a" and is_web(attrs["href"])
        links = [link["href"] for link in tags.named("link")]
        assert links == ["data:,"]
        assert "@import" not in text and "url(" not in text
        acting = [one for one in tags.named("script") if "json" not in (one.get("type") or "")]
        assert acting == [{}], page


def test_links_inside_the_site_lead_somewhere(site: Path) -> None:
    assert check_links(site) > 60


def test_pages_load_nothing_and_can_be_used_without_eyes(site: Path) -> None:
    check_pages(site)
    images = Tags(site / "claims/c01.html").named("img")
    assert {(i["alt"], i["width"], i["height"]) for i in images} == {(ALT, "1", "1")}


def test_the_policy_allows_this_sheet_and_this_script_and_no_other(site: Path) -> None:
    for page in pages_of(site):
        text = page.read_text("utf-8")
        policy = text.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
        assert policy.startswith("default-src 'none'; ")
        for kind in ("style", "script"):
            inside = re.search(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)[1]
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{digest}'" in policy
        assert "unsafe" not in policy and "http" not in policy


def test_every_template_needs_a_part_that_exists() -> None:
    for name in ("style.css", "script.js"):
        text = Path(pages.__file__).with_name("templates").joinpath(name).read_text("utf-8")
        named = {part for names in pages.PART.findall(text) for part in names.split()}
        assert named <= {*pages.PARTS.values(), "all"}
        assert len(text.splitlines()) <= (300 if name == "script.js" else 600)
    assert "fetch(" not in text and "innerHTML" not in text


def test_code_is_folded(site: Path) -> None:
    folds = [d for d in Tags(site / "claims/c01.html").named("details") if d.get("class") == "code"]
    assert len(folds) == 4 and not any("open" in fold for fold in folds)


def test_a_long_table_behind_a_figure_is_cut_and_the_whole_stands_beside_it(site: Path) -> None:
    text = (site / "claims/c01.html").read_text("utf-8")
    assert f"The first {pictures.MAX_ROWS} of 100 rows" in text
    assert '<td class="num">39</td>' in text and '<td class="num">40</td>' not in text
    behind = {path.read_text("utf-8") for path in (site / "figures").glob("*.csv")}
    assert "x,y\n" + "".join(f"{n},a\n" for n in range(100)) in behind


def test_two_builds_are_the_same_to_the_byte(
    runs: list[Run], registry: Registry, home: Path, tmp_path: Path
) -> None:
    first = contents(site_of(runs, registry, home, tmp_path / "a"))
    assert contents(site_of(runs[::-1], registry, home, tmp_path / "b")) == first
    keep = tmp_path / "keep"
    for _ in range(2):
        build(runs, registry, tmp_path / "c", home=home, keep=keep)
        assert contents(tmp_path / "c") == first


def test_nothing_is_rebuilt_that_did_not_change(
    runs: list[Run], registry: Registry, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, made = tmp_path / "keep", []
    render, small = pages.Pages.render, pictures.small
    monkeypatch.setattr(
        pages.Pages, "render", lambda *a, **k: (made.append(a[2]), render(*a, **k))[1]
    )
    monkeypatch.setattr(pictures, "small", lambda png: (made.append("png"), small(png))[1])

    def again() -> list[str]:
        made.clear()
        build(runs, registry, tmp_path / "site", home=home, keep=keep)
        return sorted(set(made) - {"index.html", "method.html", "evidence/index.html"})

    tables = ["evidence/geo/daily.html", "evidence/polls/approval.html"]
    assert again() == ["claims/c01.html", *tables, "png"]
    assert again() == []
    (home / "data/tables/geo/daily.csv").write_text(
        "observed_on,published_on,area_km2\n2024-08-06,2024-08-06,1\n"
    )
    assert again() == ["evidence/geo/daily.html"]
    write(runs[0].notebook, made_record(NOW), figure(colour=1))
    assert again() == ["claims/c01.html", "evidence/polls/approval.html", "png"]
    assert {path.name for path in keep.iterdir()} <= set(kept_by(keep))


def kept_by(keep: Path) -> list[str]:
    return [path.name for path in keep.iterdir() if re.fullmatch("[0-9a-f]{64}", path.name)]


def test_what_is_kept_and_damaged_is_not_a_reason_to_fail(tmp_path: Path) -> None:
    store = kept.Kept(tmp_path / "keep")
    assert store.get("a", lambda: b"1") == store.get("a", lambda: b"2") == b"1"
    (tmp_path / "keep" / "old").write_bytes(b"3")
    store.tidy()
    assert [path.name for path in (tmp_path / "keep").iterdir()] == ["a"]


def test_the_machine_readable_verdicts(site: Path) -> None:
    whole = json.loads((site / "verdicts.json").read_text("utf-8"))
    assert [len(claim["runs"]) for claim in whole["claims"]] == [2, 0]
    first = whole["claims"][0]["runs"][0]
    assert first["page"] == "claims/c01.html" and first["record"]["as_of"] == THEN
    with (site / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    days = [(line["claim"], line["as_of"]) for line in lines]
    assert days == [("c01", THEN), ("c01", NOW), ("c02", "")]
    assert (lines[0]["value"], lines[0]["low"], lines[0]["rows_cited"]) == ("-3", "", "3")
    assert lines[2]["verdict"] == "" and lines[2]["status"] == "planned"


# -- the real collection -------------------------------------------------------------------------


def test_the_real_evidence_fits_and_is_linked(tmp_path: Path) -> None:
    site = build([], load_registry(), tmp_path / "site").parent
    check_pages(site)
    assert check_links(site) > 1000
    heavy = {p.name: p.stat().st_size for p in pages_of(site) if p.stat().st_size > MEGABYTE / 2}
    assert not heavy
    whole = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert whole < 15 * MEGABYTE
    for name in ("polls/approval", "geo/kursk_control_grid"):
        copy = site / "data" / "tables" / f"{name}.csv"
        assert copy.read_bytes() == (root() / "data" / "tables" / f"{name}.csv").read_bytes()


# -- hostile strings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence", [f"{SCRIPT} {'x' * 20}", FORMULA, "+1 ' \" & < > \u202e and so on and on"]
)
def test_a_hostile_sentence_is_inert(
    sentence: str, registry: Registry, home: Path, tmp_path: Path
) -> None:
    cited = {SCRIPT: ["row-1", f"row{SCRIPT}"]}
    found = made_record(NOW, sentence=sentence, cited=cited, findings={SCRIPT: 1, "n": 2})
    hostile = new_output("display_data", data={"text/markdown": sentence})
    raw = new_output(
        "display_data", data={"text/html": f"</section></main>{SCRIPT}<img src=http://x>"}
    )
    path = write(tmp_path / "a.ipynb", found, hostile, raw, text=f"{sentence} [a](javascript:b)")
    claims = (replace(registry.claims[0], title=f"A title with {SCRIPT}"), *registry.claims[1:])
    site = site_of([Run("c01", NOW, path)], replace(registry, claims=claims), home, tmp_path)
    check_pages(site)
    check_links(site)
    for page in pages_of(site):
        text = page.read_text("utf-8")
        assert text.count("</main>") == 1 and "<script>alert" not in text
        assert not any("javascript" in (a.get("href") or "") for a in Tags(page).named("a"))
        assert not Tags(page).named("img")
    with (site / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        line = next(csv.DictReader(file))
    assert line["sentence"].lstrip("'") == sentence
    assert not line["sentence"].startswith(("=", "+", "-", "@"))


def test_an_address_that_is_no_web_address_is_not_linked(
    registry: Registry, runs: list[Run], home: Path, tmp_path: Path
) -> None:
    hostile = replace(registry, article={**registry.article, "copy_url": "javascript:alert(1)"})
    index = site_of([], hostile, home, tmp_path) / "index.html"
    assert "javascript" not in index.read_text("utf-8")
    with pytest.raises(ReportError, match="c01: no valid ClaimReview"):
        site_of(runs, hostile, home, tmp_path)


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
    case: str, runs: list[Run], registry: Registry, home: Path, tmp_path: Path
) -> None:
    site = site_of(runs, registry, home, tmp_path)
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    with pytest.raises(ReportError) as error:
        build([runs[0], broken(tmp_path, case)], registry, site, home=home)
    assert "c01 as of 2024-08-21 (broken.ipynb)" in str(error.value)
    assert len(str(error.value).splitlines()) <= 2
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert not left_over(tmp_path)


def test_a_new_report_replaces_the_old_one_whole(
    runs: list[Run], registry: Registry, home: Path, tmp_path: Path
) -> None:
    site = site_of(runs, registry, home, tmp_path)
    build([], registry, site, home=home)
    assert not (site / "claims").exists()
    assert not left_over(tmp_path)


def test_a_folder_that_is_no_report_is_refused(
    registry: Registry, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ReportError, match="something other than a report"):
        build([], registry, folder, home=home)
    assert (folder / "thesis.txt").is_file()


def test_notebooks_inside_the_report_are_refused(
    runs: list[Run], registry: Registry, home: Path, tmp_path: Path
) -> None:
    site = site_of(runs, registry, home, tmp_path)
    inside = write(site / "a.ipynb", made_record(NOW))
    with pytest.raises(ReportError, match="will be replaced"):
        build([Run("c01", NOW, inside)], registry, site, home=home)
    assert inside.is_file()


def test_one_run_a_claim_and_day(
    runs: list[Run], registry: Registry, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match="given twice"):
        build([*runs, runs[0]], registry, tmp_path / "site", home=home)
    with pytest.raises(RegistryError, match="no claim 'c99'"):
        build([replace(runs[0], claim="c99")], registry, tmp_path / "site", home=home)
    with pytest.raises(ReportError, match="the report shows 2024-08-21 and 2026-11-01 only"):
        build([replace(runs[0], as_of="2025-01-01")], registry, tmp_path / "site", home=home)


# -- figures and weight --------------------------------------------------------------------------


def test_a_figure_becomes_smaller_and_looks_the_same() -> None:
    import io

    import numpy as np
    from PIL import Image

    made, _ = figures.canvas(6, 3)
    axes = made.axes[0]
    axes.plot([1, 2, 3], [3, 1, 2], color="#b4471c")
    axes.set_title("Some words, and a line")
    buffer = io.BytesIO()
    made.savefig(buffer, format="png")
    small = pictures.small(buffer.getvalue())
    assert len(small) < len(buffer.getvalue()) / 2
    before, after = (
        np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
        for png in (buffer.getvalue(), small)
    )
    assert abs(before - after).max() <= 16
    assert (after[0, 0] == 255).all()  # paper stays white


def test_a_transparent_picture_is_left_alone() -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 0, 0, 90)).save(buffer, "png")
    assert pictures.small(buffer.getvalue()) == buffer.getvalue()


def test_the_figure_type_is_that_of_the_figures() -> None:
    assert pictures.FIGURE_MIME == figures.MIME


def test_importing_the_report_is_light() -> None:
    code = (
        "import sys, kursk_claims.report.build; "
        "heavy = {'pandas', 'matplotlib', 'nbconvert', 'nbformat', 'papermill', 'PIL'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
