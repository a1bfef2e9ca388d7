"""What tries to become code, HTML, a path or a formula stays the text that it is."""

import ast
import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_output
from papermill.translators import PythonTranslator
from playwright.sync_api import Browser, Page

from kursk_claims import cli
from kursk_claims.display import record
from kursk_claims.engine import jobs
from kursk_claims.errors import EvidenceError, KurskError
from kursk_claims.evidence import schema, tables
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.schema import load_package
from kursk_claims.report import machine, printed, sweep
from kursk_claims.report.build import build
from kursk_claims.report.runs import Run
from tests.report.made import (
    NOW,
    ROWS,
    THEN,
    Tags,
    entry,
    figure,
    made_home,
    made_record,
    made_registry,
    stored_weeks,
    write,
)  # fmt: skip

REGISTRY = load_registry()
HTML = """"'><img src=x onerror=alert(1)><svg onload=alert(1)></svg><script>alert(1)</script>"""
BREAKOUT = "</style></script></textarea></title>--><script>alert(1)</script><base href=//evil>"
MARKDOWN = "[a](javascript:alert(1)) ![b](https://evil.example/x.png) <b onclick=alert(1)>c</b> $x$"
LATEX = r"$\href{javascript:alert(1)}{x}$ \input{/etc/passwd} $$\def\x{\x\x}\x$$"
TEMPLATE = "{{ 7*7 }}{% include 'base.html' %}${7*7}#{7*7}"
TEXTS = (HTML, BREAKOUT, MARKDOWN, LATEX, TEMPLATE)
ALL = " ".join(TEXTS)
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1+1", "\n=1")
ADDRESSES = (
    "javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>",
    "vbscript:x", "file:///etc/passwd", "//evil.example/x", "https://", "\x01javascript:x",
)  # fmt: skip


# -- a report made of nothing but that -----------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    rows = [ROWS[0], ROWS[1]]
    told = [ALL, *(text.replace("\r", "") for text in FORMULAS)]  # which would end the row
    for n, (text, address) in enumerate(zip(told, (*ADDRESSES, ""), strict=True), 4):
        rows.append((f"row-{n}", THEN, THEN, text, text, text, address, text, text, text, text))
    home = made_home(folder / "home", rows)
    one = entry(
        "c01", title=ALL, claimant=ALL, question=ALL, would_refute=ALL, estimand=ALL,
        rule={"findings": {"n": ALL}, "ladder": [], "otherwise": "mixed"},
    )  # fmt: skip
    registry = made_registry(
        claims=(one,),
        untestable=({"statement": ALL, "reason": ALL, "nearest_claim": "c01"},),
        coverage=({"says": ALL, "tested_in": ["c01"], "how": ALL},),
    )
    registry = replace(
        registry,
        article={**registry.article, "publisher": ALL, "note": ALL},
    )
    stored_weeks(home, {"c01": {"2024-08-20": "mixed"}}, rule_hash=one.rule_hash, sentence=ALL)
    (home / "LICENSE-data.md").write_text(f"# {ALL}\n\n{ALL}\n\n<script>alert(1)</script>\n")
    runs = [Run("c01", day, _notebook(folder / f"{day}.ipynb", day, one)) for day in (THEN, NOW)]
    return build(runs, registry, folder / "site", home=home).parent


def _notebook(path: Path, day: str, one: object) -> Path:
    """Write a notebook whose every text, output and parameter is hostile."""
    made = made_record(
        day, title=ALL, claimant=ALL, sentence=ALL[:400], findings={ALL: 1, "n": 2},
        headline={"finding": ALL, "value": 1, "low": 0, "high": 2, "unit": ALL},
        parameters={"as_of": day, "window": ALL, ALL: FORMULAS[0]},
        rule={"hash": one.rule_hash, "frozen_on": "2026-11-22"}, cited={"n": [ALL, "row-4"]},
    )  # fmt: skip
    shown = [
        new_output("display_data", data={"text/html": f"<p>{ALL}</p>", "text/plain": ""}),
        new_output("display_data", data={"text/html": pd.DataFrame({ALL: TEXTS}).to_html()}),
        new_output("display_data", data={"text/markdown": ALL, "text/plain": ""}),
        new_output("execute_result", data={"text/plain": ALL}),
        new_output("stream", text=ALL),
        new_output("error", ename=ALL, evalue=ALL, traceback=[ALL]),
        new_output("display_data", data={"application/javascript": "alert(1)", "text/plain": ALL}),
        new_output("display_data", data={"image/svg+xml": HTML, "text/plain": ALL}),
        figure(alt=ALL, data={ALL: list(FORMULAS), "=1": list(TEXTS) + [""] * 3}),
    ]
    write(path, made, *shown, text=ALL)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, new_markdown_cell(ALL, id="hostile"))
    notebook.cells[-1].source += f"\n# {ALL}"
    nbformat.write(notebook, path)
    return path


def pages(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(site.rglob("*.html")):
        yield path.relative_to(site).as_posix(), path.read_text("utf-8")
    yield "print", printed.one_page(site)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_pages_hold_the_hostile_texts_and_nothing_that_acts(site: Path, tmp_path: Path) -> None:
    names = [name for name, _ in pages(site)]
    assert {"index.html", "claims/c01.html", "evidence/polls/approval.html", "print"} <= set(names)
    for name, text in pages(site):
        assert "alert(1)" in text or "geo/" in name or name == "evidence/index.html", name
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        for tag, attributes in Tags(path).found:
            assert tag not in {"iframe", "object", "embed", "form", "base", "applet"}, (name, tag)
            for attribute, value in attributes.items():
                assert not attribute.startswith("on") and attribute not in {"style", "srcdoc"}
                if attribute in {"src", "srcset", "action", "data", "poster"}:
                    assert re.fullmatch(r"(\.\./)*figures/[0-9a-f]{16}\.png", value or ""), value
                if attribute == "href":
                    scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", value or "", re.IGNORECASE)
                    assert scheme is None or scheme[1] in {"http", "https"} or value == "data:,"
                    assert "evil.example" not in value or value.startswith("https://")
        assert 'http-equiv="refresh"' not in text.lower()


def test_each_page_has_one_policy_that_names_all_it_runs(site: Path) -> None:
    for name, text in pages(site):
        head = text.split("<style>")[0]
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', head)
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        (sheet,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        assert rules.pop("style-src") == hashed(sheet), name
        assert rules.pop("script-src", None) == (hashed(scripts[0]) if scripts else None), name
        assert len(scripts) == (name != "print")
        assert rules == {
            "default-src": "'none'", "img-src": "'self' data:", "base-uri": "'none'",
            "form-action": "'none'",
        }  # fmt: skip
        kinds = set(re.findall(r"<script([^>]*)>", text)) - {""}
        data = r' type="application/(ld\+)?json"( id="weeks")?'
        assert all(re.fullmatch(data, kind) for kind in kinds)


def test_the_downloads_hold_no_formula(site: Path) -> None:
    found = [path for path in site.rglob("*.csv") if "data/tables" not in path.as_posix()]
    assert {"verdicts.csv"} < {path.name for path in found}
    cells = [
        cell
        for path in found
        for row in csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
        for cell in row
    ]
    assert f"'{FORMULAS[0]}" in cells
    for cell in cells:
        number = re.fullmatch(r"-?[0-9.e+-]+", cell)
        assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")), cell


def test_json_in_a_page_says_what_it_said(site: Path) -> None:
    text = (site / "claims/c01.html").read_text("utf-8")
    (review,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert json.loads(review)["claimReviewed"] == ALL
    assert "<" not in review


KINDS = ("index.html", "claims/c01.html", "evidence/polls/approval.html", "method.html")


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page, and all that it said, asked for or opened."""
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: one.url.startswith(("file:", "data:")) or said.append(one.url))
    yield page, said
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_runs_nothing_of_it(
    kind: str, site: Path, watched: tuple[Page, list[str]]
) -> None:
    page, said = watched
    page.goto((site / kind).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.wait_for_load_state("networkidle")
    acting = "[onerror],[onload],[onclick],[style*=url],iframe,object,base,img[src='x']"
    assert page.locator(acting).count() == 0
    links = "[...document.links].map((a) => a.protocol).filter((p) => !/^(https?|file):$/.test(p))"
    assert page.evaluate(links) == []
    assert not said


def test_the_policy_stops_what_would_get_in(site: Path, watched: tuple[Page, list[str]]) -> None:
    page, _ = watched
    page.goto((site / "claims/c01.html").as_uri())
    stopped = page.evaluate(
        """async () => {
            const seen = [];
            document.addEventListener('securitypolicyviolation',
                (e) => seen.push(e.effectiveDirective));
            const put = (html) => document.body.insertAdjacentHTML('beforeend', html);
            put('<img src="https://evil.example/x.png"><iframe src="https://evil.example"></iframe>');
            put('<p style="color:red" onclick="window.ran = 1" id="odd"></p>');
            put('<form action="https://evil.example" id="sent"></form>');
            const script = document.createElement('script');
            script.textContent = 'window.ran = 1';
            document.body.append(script);
            document.getElementById('odd').click();
            document.getElementById('sent').submit();
            await fetch('https://evil.example').catch(() => {});
            await new Promise((done) => setTimeout(done, 200));
            return [window.ran || 0, ...new Set(seen)];
        }"""
    )
    assert stopped[0] == 0
    assert set(stopped[1:]) >= {
        "img-src", "frame-src", "style-src-attr", "script-src-attr", "script-src-elem",
        "connect-src", "form-action",
    }  # fmt: skip


# -- executed notebooks --------------------------------------------------------------------------


def test_the_record_shows_markup_as_text() -> None:
    made = made_record(THEN, title=ALL, sentence=ALL[:400])
    html = record.as_html(made)
    assert "alert(1)" in html and not re.search(r"<(img|script|svg|base)", html)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none_is_refused(address: str, whole: Path, tmp_path: Path) -> None:
    """It is refused even where the Data Package asks for nothing, for notebooks link to it."""
    folder = _copied(whole, tmp_path)
    text = (folder / "datapackage.json").read_text(encoding="utf-8")
    text = re.sub(r'"pattern": "\^https\?[^"]+"', '"unique": false', text)
    (folder / "datapackage.json").write_text(text, encoding="utf-8")
    assert "https?" not in text
    _put(folder, "url", address)
    with pytest.raises(EvidenceError, match=r"crises\.csv, line 2.*column url"):
        tables.load("polls/crises", folder=folder)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_no_evidence(text: str, whole: Path, tmp_path: Path) -> None:
    folder = _copied(whole, tmp_path)
    _put(folder, "note", text)
    with pytest.raises(EvidenceError, match=r"column note: .* takes for a formula"):
        tables.load("polls/crises", folder=folder)


@pytest.mark.parametrize("text", [*FORMULAS, "a\r=1", "a\r\n=1"])
def test_a_formula_in_a_download_is_text(text: str) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow([machine.inert(text), "b"])
    (cells,) = csv.reader(io.StringIO(buffer.getvalue(), newline=""))
    assert cells[1] == "b" and not cells[0].startswith(schema.FORMULA)
    assert machine.active(cells[0]).replace("\n", "") == re.sub(r"[\r\n]", "", text)


def test_both_know_the_same_formulas() -> None:
    assert machine._FORMULA == schema.FORMULA


def test_a_hostile_note_is_read_as_it_is(whole: Path, tmp_path: Path) -> None:
    folder = _copied(whole, tmp_path)
    _put(folder, "note", ALL)
    assert tables.load("polls/crises", folder=folder)["note"].iloc[0] == ALL


def _copied(whole: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for path in whole.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(whole)).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(whole)).write_bytes(path.read_bytes())
    return folder


def _put(folder: Path, column: str, text: str) -> None:
    """Put a text into the first row of a table."""
    path = folder / "tables/polls/crises.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    rows[1][rows[0].index(column)] = text
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_bytes(buffer.getvalue().encode())


# -- parameters and names ------------------------------------------------------------------------


@given(st.one_of(st.sampled_from((*TEXTS, '"\nimport os\n"', "\\", "'''", '\\"\n')), st.text()))
def test_a_parameter_is_written_as_data(value: str) -> None:
    (statement,) = ast.parse(PythonTranslator.codify({"x": value})).body
    assert isinstance(statement, ast.Assign) and ast.literal_eval(statement.value) == value


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "../../etc/passwd"], ["run", "c14", "--as-of", "../../2024-08-21"],
        ["run", "c14", "--as-of", "2024-W34-3"], ["run", "c14", "-p", "window=__import__('os')"],
        ["run", "c14", "-p", "design_effect=nan"], ["run", "c14", "-p", "design_effect=1e999"],
        ["run", "c14", "-p", "__class__=x"], ["run", "c14", "-p", f"pollster={HTML}"],
        ["run", "c14", "-p", "window"], ["list", "c14/../c07"], ["lint", "c14\x00"],
        ["new", "../../../evil\n- id: c99", "--on", "2026-11-23"], ["new", ALL, "--on", "soon"],
    ],
)  # fmt: skip
def test_a_hostile_argument_is_one_line_and_starts_nothing(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kursk", *arguments])
    monkeypatch.setattr(cli, "run_jobs", lambda *_, **__: pytest.fail("a run was started"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("kursk: ") and said.count("\n") <= 2 and "Traceback" not in said


def test_a_run_cannot_leave_its_folder() -> None:
    for day in ("../2024-08-21", "/etc/passwd", "2024-08-21/../../x"):
        with pytest.raises(KurskError, match="not a date"):
            jobs.plan(REGISTRY, ["c14"], [day])
    (job,) = jobs.plan(REGISTRY, ["c14"], ["2024-08-21"], {"pollster": "vtsiom"})
    assert job.output.resolve().is_relative_to(jobs.runs_dir().resolve())


@pytest.mark.parametrize(
    "path",
    ["tables/../../x.csv", "/etc/passwd", "tables/polls/../x.csv", "tables/a/b.csv\n", "x.csv"],
)
def test_a_table_cannot_lie_elsewhere(path: str, whole: Path, tmp_path: Path) -> None:
    folder = _copied(whole, tmp_path)
    package = json.loads((folder / "datapackage.json").read_bytes())
    package["resources"][0]["path"] = path
    (folder / "datapackage.json").write_text(json.dumps(package))
    with pytest.raises(EvidenceError, match=r"datapackage\.json: resources/0/path"):
        load_package(folder)


@pytest.mark.parametrize("name", ["../polls/crises", "polls/crises\0", "", "polls//crises"])
def test_a_table_is_known_by_its_name_alone(name: str) -> None:
    with pytest.raises(EvidenceError, match="no table"):
        tables.load(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../c07"), ("id", "c07\n"), ("slug", "../x"), ("notebook", "notebooks/../x.ipynb"),
        ("notebook", "notebooks/c14_other.ipynb"), ("tables", ["../x/y"]), ("title", {"a": "b"}),
    ],
)  # fmt: skip
def test_an_entry_cannot_name_another_place(
    field: str, value: object, whole: Path, tmp_path: Path
) -> None:
    folder = _copied(whole, tmp_path)
    document = yaml.safe_load((folder / "claims.yaml").read_bytes())
    document["claims"][0][field] = value
    (folder / "claims.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(KurskError, match=r"claims\.yaml: "):
        load_registry(folder)


@given(st.lists(st.sampled_from((*FORMULAS, *TEXTS)), min_size=1, max_size=3))
def test_a_table_of_runs_computes_nothing(values: list[str]) -> None:
    records = [made_record(THEN, parameters={"as_of": THEN, "x": v, "n": n}, verdict=v)
               for n, v in enumerate(values)]  # fmt: skip
    found = csv.reader(io.StringIO(sweep.as_csv(sweep.rows(records)), newline=""))
    assert not [c for row in found for c in row if c.startswith(schema.FORMULA) and c != "-3"]
