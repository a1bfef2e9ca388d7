"""What a page is made of: HTML that cannot act, colours that can be read."""

import json
import re
from pathlib import Path

import pytest

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display.style import VERDICTS
from kursk_claims.report import look, machine
from kursk_claims.report.clean import clean
from tests.report.made import NOW, made_record


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


def test_empty_headings_go_and_each_table_keeps_its_own_rows() -> None:
    blank = "<thead>\n<tr>\n<th></th>\n<th></th>\n</tr>\n</thead>"
    tables = [f"<table>{blank}<tbody><tr><td>{name}</td></tr></tbody></table>" for name in "ab"]
    found = clean("".join(tables), "label")
    assert "<th" not in found
    assert 'aria-label="label"' in found and 'aria-label="label, 2"' in found
    assert re.findall(r"<td>(\w)</td>", found) == ["a", "b"]


def test_a_heading_that_says_nothing_is_an_empty_cell() -> None:
    html = "<table><thead><tr><th></th><th>a</th></tr></thead></table>"
    assert '<tr><td></td><th scope="col">a</th></tr>' in clean(html, "label")


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
def test_only_text_is_kept_from_being_a_formula(value: object, wanted: object) -> None:
    assert machine.inert(value) == wanted
    if isinstance(value, str):
        assert machine.active(machine.inert(value)) == value


def test_json_inside_a_page_cannot_end_its_element() -> None:
    found = machine.inert_json('{"a": "</script><!-- & \u2028"}')
    assert not set("<>&\u2028") & set(found)
    assert json.loads(found) == {"a": "</script><!-- & \u2028"}


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
