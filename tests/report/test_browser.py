"""The report in a real browser, from disk: sort, filter, slide, ask, unfold, follow, go back.

Debian's Chromium, driven by Playwright. Without a Chromium these tests are skipped; in continuous
integration (CI=true) that is a failure, because `.ci/run` installs one.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import ReportError
from kursk_claims.report import printed, timeline
from kursk_claims.report.build import build
from tests.report.made import NOW, entry, made_home, made_record, made_registry, made_runs, write
from tests.report.made import stored_weeks as store

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
KINDS = (
    "index.html", "claims/c01.html", "evidence/index.html", "evidence/polls/approval.html",
    "evidence/geo/daily.html", "method.html",
)  # fmt: skip
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
WAIT = 3000


@pytest.fixture(scope="module")
def command() -> str:
    try:
        return printed.browser()
    except ReportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no Chromium on this machine: the report was not tested in a browser")


@pytest.fixture(scope="module")
def browser(command: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three claims: one with all its figures, one without any, one not tested."""
    folder = tmp_path_factory.mktemp("report")
    home = made_home(folder / "home")
    second = entry("c03", claimant="a ministry", kind=("event", "trend"))
    claims = (*made_registry().claims, second)
    rule = {"hash": second.rule_hash, "frozen_on": "2026-11-22"}
    found = made_record(NOW, claim="c03", rule=rule, verdict="supported", cited={"n": ["row-3"]})
    other = made_runs(folder)[0]
    runs = [
        *made_runs(folder),
        type(other)("c03", NOW, write(folder / "c03.ipynb", found)),
    ]
    scale = list(VERDICTS)
    turns = {day: scale[place // 9] for place, day in enumerate(timeline.WEEKS)}
    store(home, {"c01": turns})
    return build(runs, made_registry(claims=claims), folder / "site", home=home).parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when anything is refused, missing or asked of the network."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
    page.on("request", lambda one: one.url.startswith(("file:", "data:")) or said.append(one.url))
    yield page
    context.close()
    assert not said


def shown(page: Page) -> list[str]:
    """Return the claims on the scoreboard, in their order."""
    return page.locator("#board tbody tr:not([hidden]) .id").all_inner_texts()


def opened(page: Page, site: Path, address: str) -> Page:
    name, sign, anchor = address.partition("#")
    page.goto(f"{(site / name).as_uri()}{sign}{anchor}")
    return page


# -- the scoreboard --------------------------------------------------------------------------------


def test_sort_by_heading_and_by_list(page: Page, site: Path) -> None:
    opened(page, site, "index.html")
    assert shown(page) == ["c01", "c02", "c03"]
    heading = page.get_by_role("columnheader", name="In hindsight")
    heading.get_by_role("button").click()
    assert shown(page) == ["c03", "c01", "c02"]  # what was not tested comes last
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").press("Enter")
    assert shown(page) == ["c01", "c03", "c02"]
    page.get_by_label("Sort by").select_option("claimant")
    assert shown(page) == ["c03", "c01", "c02"]


def test_filter_and_go_back_to_what_was_chosen(page: Page, site: Path) -> None:
    opened(page, site, "index.html")
    page.get_by_label("Kind").select_option("trend")
    assert shown(page) == ["c03"]
    expect(page.locator("#found")).to_have_text("1 of 3 claims")
    page.get_by_label("Kind").select_option("")
    page.get_by_label("Verdict in hindsight").select_option("changed")
    assert shown(page) == ["c01"]
    page.locator("#c01 .name a").click()
    expect(page.locator("h1")).to_have_text("The claim called c01")
    page.go_back()
    expect(page.locator("#found")).to_have_text("1 of 3 claims")
    assert shown(page) == ["c01"]


def test_slide_the_date_and_return(page: Page, site: Path) -> None:
    opened(page, site, "index.html")
    line = page.locator("#c01")
    before = line.inner_text()
    slider = page.get_by_label("What could be known on")
    slider.focus()
    for _ in range(3):
        slider.press("PageUp")
    week = int(slider.input_value())
    day = timeline.WEEKS[week]
    word = list(VERDICTS)[week // 9]
    expect(line.locator(".said .badge")).to_have_text(word)
    expect(line.locator(".sentence")).to_have_text(f"On {day} it was {word}.")
    assert slider.get_attribute("aria-valuetext") == page.locator("#week-name").inner_text()
    expect(page.locator("#c03 .said")).to_have_text("not run")
    expect(page.locator(".line.cursor")).to_be_visible()
    page.get_by_role("button", name="Back to the two dates").click()
    assert line.inner_text() == before
    expect(page.locator(".line.cursor")).to_be_hidden()


def test_a_click_on_the_strip_chooses_its_week(page: Page, site: Path) -> None:
    opened(page, site, "index.html")
    page.locator(".strip td", has_text="mostly contradicted, ").click(position={"x": 3, "y": 8})
    expect(page.locator("#week-name")).to_have_text(prose.day(timeline.WEEKS[27]))
    expect(page.locator("#c01 .said .badge")).to_have_text("mostly contradicted")


# -- a claim ---------------------------------------------------------------------------------------


def test_unfold_code_and_switch_the_day(page: Page, site: Path) -> None:
    opened(page, site, "claims/c01.html")
    fold = page.locator("details.code").first
    expect(fold.locator("pre")).to_be_hidden()
    fold.locator("summary").press("Enter")
    expect(fold.locator("pre")).to_contain_text("n = 1")
    expect(page.locator("#figure-1-now")).to_be_visible()
    page.get_by_role("radio", name="21 August 2024").focus()
    page.keyboard.press("Space")
    expect(page.locator("#figure-1-now")).to_be_hidden()
    expect(page.locator("#figure-1-then")).to_be_visible()
    page.get_by_role("radio", name="both").check(force=True)
    expect(page.locator("#figure-1-now")).to_be_visible()
    assert page.evaluate(
        "[...document.images].every((i) => i.loading === 'lazy' || i.naturalWidth)"
    )


def test_without_a_script_everything_is_there(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    opened(page, site, "index.html")
    assert shown(page) == ["c01", "c02", "c03"]
    expect(page.locator("#tools")).to_be_hidden()
    expect(page.locator("#slide")).to_be_hidden()
    opened(page, site, "claims/c01.html")
    page.get_by_role("radio", name="21 August 2024").check(force=True)
    expect(page.locator("#figure-1-then")).to_be_visible()
    expect(page.locator("#figure-1-now")).to_be_hidden()
    expect(page.locator(".ask").first).to_be_hidden()
    context.close()


def test_from_a_number_to_its_row_its_address_and_back(page: Page, site: Path) -> None:
    opened(page, site, "claims/c01.html")
    page.locator(".findings a").first.click()
    rows = page.locator("#rows-1")
    expect(rows).to_have_attribute("open", "")
    rows.get_by_role("link", name="row-2").click()
    row = page.locator("#row-2")
    expect(row).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"evidence/polls/approval\.html#row-2$"))
    source = row.locator(".from a").first
    assert source.get_attribute("href") == "https://example.org/2?a=1&b=2"
    row.get_by_role("link", name="c01").click()
    expect(page.locator("#rows-1")).to_be_in_viewport()
    page.go_back()
    page.go_back()
    expect(page.locator("h1")).to_have_text("The claim called c01")


def test_ask_a_multiverse_by_keyboard_and_by_pointer(page: Page, site: Path) -> None:
    opened(page, site, "claims/c01.html")
    figure = page.locator(".when.now .multiverse")
    told, slider = figure.locator(".asked"), figure.get_by_label("Specification, by its estimate")
    assert told.get_attribute("aria-live") == "polite"
    expect(told).to_contain_text("Specification 1 of 6, the main one, estimate 0.1: mixed.")
    slider.focus()
    slider.press("ArrowRight")
    expect(told).to_contain_text("Specification 2 of 6, estimate 0.2: mixed.")
    expect(told).to_contain_text("Choices: window 2, side all.")
    slider.press("End")
    expect(told).to_contain_text("Specification 6 of 6, estimate none: unresolved.")
    figure.locator(".plot").scroll_into_view_if_needed()
    box = figure.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
    expect(told).to_contain_text("Specification 5 of 6, estimate 0.9: contradicted.")


def test_an_address_into_a_fold_or_another_day_opens_it(page: Page, site: Path) -> None:
    opened(page, site, "claims/c01.html#figure-1-then")
    expect(page.locator("#figure-1-then")).to_be_in_viewport()
    expect(page.locator("#show-then")).to_be_checked()
    opened(page, site, "method.html#rule-c01")
    expect(page.locator("#rule-c01")).to_have_attribute("open", "")


# -- evidence --------------------------------------------------------------------------------------


def test_find_rows_and_tables(page: Page, site: Path) -> None:
    opened(page, site, "evidence/polls/approval.html")
    page.get_by_label("Find in these rows").fill("another NOTE")
    expect(page.locator("#row-1")).to_be_hidden()
    expect(page.locator("#row-2")).to_be_visible()
    expect(page.locator(".search output")).to_have_text("1 of 3")
    opened(page, site, "evidence/index.html")
    page.get_by_label("Find a table").fill("daily")
    assert page.locator(".tables tbody tr:visible").count() == 1


# -- every kind of page ----------------------------------------------------------------------------


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe-core calls serious or critical, with the elements it means."""
    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in grave]


def test_axe_is_there_and_would_say_so(page: Page) -> None:
    page.set_content("<p style='color:#ccc;background:#fff'>pale</p><input><img src='data:,'>")
    assert {name for name, _ in serious(page)} >= {"color-contrast", "label", "image-alt"}


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(kind: str, browser: Browser, site: Path) -> None:
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        context = browser.new_context(viewport=size, color_scheme=scheme)
        page = opened(context.new_page(), site, kind)
        if kind == "index.html":  # also as it stands at some week
            page.get_by_label("What could be known on").press("ArrowRight")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        found = serious(page)
        context.close()
        assert not found, (scheme, size)


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_needs_no_sideways_scrolling(kind: str, page: Page, site: Path) -> None:
    page.set_viewport_size(PHONE)
    opened(page, site, kind)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_keyboard_goes_to_the_content_first(kind: str, page: Page, site: Path) -> None:
    opened(page, site, kind)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))


def test_the_report_is_printed(command: str, site: Path) -> None:
    path = printed.as_pdf(site)
    content = path.read_bytes()
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") > 3
    assert not [left for left in site.iterdir() if left.name.startswith(".print")]
    path.unlink()
