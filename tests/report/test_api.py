"""The page of what notebooks may use is that of the docstrings, and these fit the code."""

import ast
import re

import pytest

from kursk_claims.evidence.paths import root
from kursk_claims.report import api

ENTRIES = [entry for module in api.modules(root()) for entry in module.entries]
FUNCTIONS = [entry for entry in ENTRIES if isinstance(entry.node, ast.FunctionDef)]


def test_the_page_is_up_to_date() -> None:
    text = (root() / "src/README.md").read_text(encoding="utf-8")
    assert text == api.render(), "run 'make docs'"


def test_every_link_of_the_page_leads_somewhere() -> None:
    text = api.render()
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    anchors = [api.anchor(heading) for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == set(anchors[1:])  # the title has no link
    for path in set(re.findall(r"\]\(\.\./([^)]+)\)", text)):
        assert (root() / path).is_file()


def test_notebooks_stand_below_what_they_use() -> None:
    by = api.users(root())
    assert by["claim.Claim"] == by["claim.Claim.load"] == "all"
    assert "[c14]" in by["analysis.events.changes"] and "[c15]" not in by["analysis.events.changes"]
    section = api.render().split("### events.changes\n")[1].split("\n#")[0]
    assert f"Used in {by['analysis.events.changes']}." in section


def test_notebooks_use_nothing_that_the_page_leaves_out() -> None:
    names = [f"{module.name}." for module in api.modules(root())]
    assert [n for n in api.users(root()) if not f"{n}.".startswith(tuple(names))] == []


def test_what_code_uses_is_told_by_the_names_of_the_package() -> None:
    code = """
from kursk_claims.analysis import waves as w, events
from kursk_claims.claim import Claim
import pandas as pd
claim = Claim("c14")
claim.load("polls/approval").groupby("a")
pd.concat([w.trend(x) for x in claim])
"""
    assert api.used(code) == {
        "analysis.waves", "analysis.waves.trend", "claim.Claim", "claim.Claim.load",
    }  # fmt: skip


def test_a_docstring_becomes_markdown() -> None:
    docstring = """Return a share.

Parameters
----------
day : {"a", None}
    First line,
    second line.
rest

Raises
------
ValueError
    If there is none."""
    assert api.markdown(docstring) == (
        "Return a share.\n\n"
        '**Parameters**\n\n- `day` ({"a", None}): First line, second line.\n- `rest`\n\n'
        "**Raises**\n\n- `ValueError`: If there is none."
    )
    assert api.markdown("One sentence.") == "One sentence."


def test_a_definition_stands_as_it_was_typed() -> None:
    text = '''
@dataclass(frozen=True)
class Pair:
    """Two."""

    one: int
    """The first."""

    def both(
        self,
        more: str,
    ) -> int:
        """Return them."""
        return 1

    def _hidden(self) -> None: ...
'''
    pair, both = api.Module("analysis.pairs", text).entries
    assert pair.head == "@dataclass(frozen=True)\nclass Pair:\n    one: int"
    assert (pair.name, both.name) == ("pairs.Pair", "pairs.Pair.both")
    assert both.head == "def both(\n    self,\n    more: str,\n) -> int:"


@pytest.mark.parametrize("entry", FUNCTIONS, ids=lambda entry: entry.name)
def test_a_docstring_names_parameters_that_there_are(entry: api.Entry) -> None:
    """In their order; not each needs words, but none may outlive its parameter."""
    assert isinstance(entry.node, ast.FunctionDef)
    found = entry.node.args
    typed = [*found.posonlyargs, *found.args, found.vararg, *found.kwonlyargs, found.kwarg]
    names = [argument.arg for argument in typed if argument]
    sections = api.sections(ast.get_docstring(entry.node) or "")[1]
    told = [
        name.lstrip("*")
        for item in sections.get("Parameters", [])
        for name in item.partition("\n")[0].partition(" : ")[0].split(", ")
    ]
    assert told == [name for name in names if name in told]
