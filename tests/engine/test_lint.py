"""Every rule of `kursk lint` holds for the committed notebooks, and fires on a damaged one."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kursk_claims.display import figures, record
from kursk_claims.engine import lint as rules
from kursk_claims.engine.lint import Fault, lint
from kursk_claims.errors import RegistryError
from kursk_claims.evidence.registry import load_registry
from tests.notebooks import READY, path

Notebook = dict[str, Any]
C14 = load_registry()["c14"]


@pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)
def test_the_committed_notebook_keeps_every_rule(entry) -> None:
    assert [str(fault) for fault in lint(entry, path(entry))] == []


def test_all_are_checked_in_under_two_seconds() -> None:
    started = time.monotonic()
    for entry in READY:
        lint(entry, path(entry))
    assert time.monotonic() - started < 2


def test_the_private_types_are_those_of_display() -> None:
    assert (figures.MIME, record.MIME) == (rules.FIGURE_MIME, rules.RECORD_MIME)


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    (found,) = [c for c in notebook["cells"] if c["id"] == name]
    return found


def source(name: str, text: str) -> Callable[[Notebook], None]:
    def damage(notebook: Notebook) -> None:
        cell(notebook, name)["source"] = text

    return damage


def more(name: str, text: str) -> Callable[[Notebook], None]:
    def damage(notebook: Notebook) -> None:
        cell(notebook, name)["source"] = "".join(cell(notebook, name)["source"]) + text

    return damage


def change_record(**values: Any) -> Callable[[Notebook], None]:
    def damage(notebook: Notebook) -> None:
        for output in cell(notebook, "record")["outputs"]:
            if rules.RECORD_MIME in output["data"]:
                output["data"][rules.RECORD_MIME].update(values)

    return damage


def first_figure(notebook: Notebook) -> dict[str, Any]:
    outputs = (output for c in notebook["cells"] for output in c.get("outputs", []))
    return next(output for output in outputs if "image/png" in output["data"])


def without_alt(notebook: Notebook) -> None:
    del first_figure(notebook)["metadata"]["image/png"]["alt"]


def without_data(notebook: Notebook) -> None:
    first_figure(notebook)["data"][rules.FIGURE_MIME]["data"] = {}


def without_figures(notebook: Notebook) -> None:
    for c in notebook["cells"]:
        c["outputs"] = [o for o in c.get("outputs", []) if "image/png" not in o["data"]]


def printed(notebook: Notebook) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": "hello"}
    cell(notebook, "load")["outputs"].append(stream)


def with_output(text: str) -> Callable[[Notebook], None]:
    def damage(notebook: Notebook) -> None:
        shown = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}}
        cell(notebook, "load")["outputs"].append(shown)

    return damage


def not_run(notebook: Notebook) -> None:
    cell(notebook, "load")["execution_count"] = 99


def timed(notebook: Notebook) -> None:
    cell(notebook, "load")["metadata"]["papermill"] = {"duration": 1}


def many_cells(notebook: Notebook) -> None:
    extra = {"cell_type": "markdown", "metadata": {}, "source": "more"}
    notebook["cells"][5:5] = [{**extra, "id": f"more-{n}"} for n in range(20)]


def no_sources(notebook: Notebook) -> None:
    notebook["cells"].pop()


DAMAGES: dict[str, tuple[Callable[[Notebook], None], str, str]] = {
    "too many cells": (many_cells, "", "at most 20"),
    "a long cell": (more("load", "\n" * 15 + "claim"), "load", "at most 15"),
    "too many words": (more("method", " word" * 900), "", "words of text"),
    "a part is gone": (no_sources, "", "end with result, caveats, sources"),
    "nobody said it": (source("title", "# Title"), "title", "*Claimant:*"),
    "nothing refutes it": (source("question", "## The question"), "question", "refute it"),
    "another heading": (source("depends", "## Robustness"), "", "headings must be"),
    "nothing is missing": (source("evidence", "## The evidence"), "evidence", "**Missing:**"),
    "another default": (
        source("parameters", 'as_of: str = "2020-01-01"  # day'), "parameters", "in the registry",
    ),
    "as_of not first": (
        source("parameters", "window: int = 3  # months"), "parameters", "as_of must come first",
    ),
    "no comment": (more("parameters", "\nx: int = 3"), "parameters", "needs a comment"),
    "not passed on": (source("contract", 'Claim("c14", as_of=as_of)'), "contract", "goes to Claim"),
    "a literal passed on": (
        more("contract", '\nClaim("c14", as_of="2020-01-01")'), "contract", "goes to Claim",
    ),
    "overwritten": (more("study", "\nwindow = 6"), "study", "window is overwritten"),
    "a table not loaded": (source("load", "claim"), "load", "never loaded"),
    "a number in the result": (
        more("result", '\nclaim.say("After 14 of 23 crises.")'), "result", "a number is typed",
    ),
    "a number in an f-string": (
        more("record", '\nf"After 14 of {rises}"'), "record", "a number is typed",
    ),
    "a number in the caveats": (more("caveats", " 14 crises."), "caveats", "a number is typed"),
    "not run in order": (not_run, "", "top to bottom"),
    "timings": (timed, "load", "Papermill"),
    "printed": (printed, "load", "type stream"),
    "a huge output": (with_output("x" * 70_000), "load", "at most 64,000"),
    "a path": (with_output("/tmp/x"), "load", "a path"),
    "an address in memory": (with_output("<object at 0x7f3a5c0d1e20>"), "load", "in memory"),
    "an address in the text": (more("method", " https://x.org"), "method", "an address is typed"),
    "an address in code": (more("study", '\n"https://x.org"'), "study", "an address is typed"),
    "a word to oneself": (more("method", " TODO: a source."), "method", "to be done: TODO"),
    "nobody named": (more("title", " It is to be named."), "title", "to be done: to be named"),
    "too few figures": (without_figures, "", "0 figures"),
    "no alt text": (without_alt, "figure-evidence", "without alt text"),
    "no data behind": (without_data, "figure-evidence", "without its data"),
    "another rule": (
        change_record(rule={"hash": "0" * 12, "frozen_on": "2026-01-01"}), "record", "decided by",
    ),
    "other parameters": (change_record(parameters={}), "record", "default parameters"),
    "few specifications": (
        change_record(robustness={"specifications": 3}), "record", "fewer than 40",
    ),
    "nothing cited": (change_record(cited={"a": []}), "record", "cites no row"),
    "two records": (
        lambda n: cell(n, "load").update(outputs=cell(n, "record")["outputs"]),
        "record", "one record",
    ),
    "not Python": (more("study", "\nfor"), "", "not Python"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_rule_fires(damage: str, tmp_path: Path) -> None:
    act, place, words = DAMAGES[damage]
    notebook = json.loads(path(C14).read_text(encoding="utf-8"))
    act(notebook)
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    found = lint(C14, tmp_path / "n.ipynb")
    assert [f for f in found if f.cell == place and words in f.what], [str(f) for f in found]


def test_a_large_file_is_a_fault(tmp_path: Path) -> None:
    text = path(C14).read_text(encoding="utf-8")
    (tmp_path / "n.ipynb").write_text(text + " " * 1_000_000, encoding="utf-8")
    assert lint(C14, tmp_path / "n.ipynb") == [
        Fault("c14", "", "the file is larger than 1,000,000 bytes")
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [1]}', '{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError, match=r"n\.ipynb: not a notebook"):
        lint(C14, tmp_path / "n.ipynb")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"c14 is ready, but n\.ipynb is missing"):
        lint(C14, tmp_path / "n.ipynb")
