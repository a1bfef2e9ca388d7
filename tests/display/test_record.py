"""The record: one form, checked before it is shown, and inert whatever its strings."""

import copy
import json
from html.parser import HTMLParser
from math import nan
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display import record
from kursk_claims.display.style import VERDICTS
from kursk_claims.evidence.documents import DocumentError

GOOD: dict[str, Any] = {
    "schema": "kursk-claims/record/1",
    "claim": "c14",
    "title": "Every crisis was turned to advantage",
    "claimant": "commentators",
    "kind": ["interpretation"],
    "as_of": "2024-08-21",
    "parameters": {"as_of": "2024-08-21", "window": 3, "seen_only": False},
    "verdict": "mixed",
    "sentence": "Approval rose after nine crises of 14.",
    "headline": {"finding": "rise_share", "value": 0.64, "low": 0.4, "high": None, "unit": "share"},
    "findings": {"crises": 14, "rise_share": 0.64, "chance": None},
    "robustness": {
        "specifications": 864,
        "agree": 0.43,
        "shares": {"mixed": 0.43, "contradicted": 0.57},
        "flips": [{"choice": "window", "value": 6, "verdict": "contradicted"}],
        "influence": {"window": 0.3, "overlap": 0},
    },
    "rule": {"hash": "9a9cd7db1656", "frozen_on": "2026-11-22"},
    "evidence": [
        {
            "table": "polls/approval", "rows": 300, "sources": 2, "first": "1999-08-15",
            "last": None, "corrections": ["k01"],
        }
    ],
    "cited": {"rise_share": ["r001", "r002"]},
}  # fmt: skip
PARTS: dict[str, tuple[str | int, ...]] = {
    "record": (),
    "headline": ("headline",),
    "robustness": ("robustness",),
    "flip": ("robustness", "flips", 0),
    "rule": ("rule",),
    "evidence": ("evidence", 0),
}
HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>'


def good() -> dict[str, Any]:
    return copy.deepcopy(GOOD)


def inside(made: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        made = made[step]
    return made


def fields() -> list[tuple[str, str]]:
    return [(part, name) for part, path in PARTS.items() for name in inside(GOOD, path)]


@pytest.fixture
def shown(monkeypatch) -> list[dict[str, Any]]:
    caught: list[dict[str, Any]] = []

    def catch(bundle: dict[str, Any], *, raw: bool) -> None:
        assert raw
        caught.append(bundle)

    monkeypatch.setattr(record, "display", catch)
    return caught


# -- the form ------------------------------------------------------------------------------------


def test_a_good_record_is_accepted():
    record.validate(good())


@pytest.mark.parametrize(("part", "name"), fields())
def test_no_field_may_be_missing(part, name):
    bad = good()
    del inside(bad, PARTS[part])[name]
    with pytest.raises(DocumentError, match=rf"must contain \['{name}'\]"):
        record.validate(bad)


@pytest.mark.parametrize("part", ["record", "headline", "robustness", "evidence"])
def test_no_field_may_be_added(part):
    bad = good()
    inside(bad, PARTS[part])["note"] = "more"
    with pytest.raises(DocumentError, match=r"must not contain .'note'"):
        record.validate(bad)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "kursk-claims/record/2"),
        (("claim",), "14"),
        (("title",), "short"),
        (("as_of",), "21 August 2024"),
        (("verdict",), "true"),
        (("verdict",), None),
        (("sentence",), "Too short."),
        (("sentence",), "x" * 401),
        (("headline", "value"), "0.64"),
        (("findings", "crises"), "14"),
        (("robustness", "specifications"), 0),
        (("robustness", "agree"), 1.01),
        (("robustness", "agree"), None),
        (("robustness", "influence", "window"), None),
        (("robustness", "flips", 0, "verdict"), "other"),
        (("evidence", 0, "rows"), -1),
        (("evidence", 0, "corrections"), "none"),
        (("cited", "rise_share"), ["r001", 2]),
    ],
)
def test_a_value_of_another_form_is_rejected(path, value):
    bad = good()
    inside(bad, path[:-1])[path[-1]] = value
    with pytest.raises(DocumentError):
        record.validate(bad)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_form_knows_every_word_of_the_scale(verdict):
    record.validate({**good(), "verdict": verdict.value})


# -- show and find -------------------------------------------------------------------------------


def test_show_gives_one_bundle_for_people_and_machines(shown):
    record.show(good())
    (bundle,) = shown
    assert bundle[record.MIME] == GOOD
    assert bundle["text/plain"] == (
        "c14 as of 2024-08-21: mixed. Approval rose after nine crises of 14."
    )
    assert bundle["text/html"] == record.as_html(good())


def test_a_bad_record_is_not_shown(shown):
    with pytest.raises(DocumentError):
        record.show({**good(), "verdict": "perhaps"})
    assert shown == []


def notebook(*data: dict[str, Any]) -> Any:
    outputs = [new_output("stream", text="a line"), *(new_output("display_data", d) for d in data)]
    return new_notebook(
        cells=[
            new_markdown_cell("# Title"),
            new_code_cell("1 + 1"),
            new_code_cell("claim.conclude()", outputs=outputs),
        ]
    )


def test_a_record_is_found_again_after_a_notebook_was_written_and_read(shown):
    record.show(good())
    written = nbformat.writes(notebook({"text/plain": "x"}, shown[0]))
    assert record.find(nbformat.reads(written, as_version=4)) == GOOD
    assert record.find(json.loads(written)) == GOOD


def test_no_record_is_none():
    assert record.find(new_notebook()) is None
    assert record.find(notebook({"text/plain": "c14 as of 2024-08-21: mixed."})) is None


# -- for people ----------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


def test_the_card_says_what_the_record_holds():
    text = Page(record.as_html(good())).text
    for words in (
        "mixed",
        "Approval rose after nine crises of 14.",
        "21 August 2024",
        "43% of 864 specifications give this verdict",
        "window = 6 (contradicted)",
        "300 rows in one table",
        "9a9cd7db1656, frozen on 22 November 2026",
        "Every crisis was turned to advantage",
    ):
        assert words in text


def test_the_card_without_flips_without_evidence_and_with_an_unknown_share():
    bare = good()
    bare["robustness"].update(flips=[], agree=nan)
    bare["evidence"] = []
    text = Page(record.as_html(bare)).text
    assert "no single choice" in text
    assert "no rows in no tables" in text
    assert "not known of 864" in text


def test_rows_of_all_tables_are_added():
    many = good()
    many["evidence"] = [{**GOOD["evidence"][0], "rows": rows} for rows in (1000, 234)]
    assert "1,234 rows in two tables" in Page(record.as_html(many)).text


def test_hostile_strings_stay_text():
    hostile = good()
    hostile["title"] = hostile["sentence"] = hostile["claimant"] = HOSTILE
    hostile["rule"]["hash"] = HOSTILE
    hostile["robustness"]["flips"] = [
        {"choice": HOSTILE, "value": HOSTILE, "verdict": "contradicted"}
    ]
    record.validate(hostile)
    plain, page = Page(record.as_html(good())), Page(record.as_html(hostile))
    assert page.tags == plain.tags
    assert page.names == plain.names
    assert page.text.count(HOSTILE) == 5  # title, sentence, hash, choice and value


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_badge_has_word_and_mark_and_not_colour_alone(verdict):
    text = Page(record.badge(verdict.value)).text
    assert verdict.value in text
    assert VERDICTS[verdict].mark in text


def test_no_two_verdicts_look_alike():
    looks = [VERDICTS[verdict] for verdict in Verdict]
    for part in ("label", "mark", "colour"):
        assert len({getattr(look, part) for look in looks}) == 6


def test_an_unknown_verdict_has_no_badge():
    with pytest.raises(KeyError):
        record.badge("perhaps")
