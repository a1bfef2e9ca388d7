"""The anatomy of a claim notebook, read without a kernel."""

import ast
import json
import re

import pytest

from kursk_claims.display import figures as drawing
from kursk_claims.display import record as records
from kursk_claims.evidence.registry import COMMON
from tests.notebooks import READY, code_cells, figures, outputs, path, read, tagged

each = pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)


def strings(source: str) -> list[str]:
    """Every literal piece of text in code, the fixed parts of f-strings included."""
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@each
def test_it_is_short(entry) -> None:
    notebook = read(entry)
    assert len(notebook.cells) <= 20
    lengths = {cell.id: cell.source.count("\n") + 1 for cell in code_cells(notebook)}
    assert {name: n for name, n in lengths.items() if n > 15} == {}


@each
def test_its_parts_stand_in_order(entry) -> None:
    cells = read(entry).cells
    assert cells[0].source.startswith("# ") and "*Claimant:*" in cells[0].source
    assert cells[1].source.startswith("## The question") and "refute it" in cells[1].source
    heads = re.findall(
        r"^## (.+)$", "\n".join(c.source for c in cells if c.cell_type == "markdown"), re.MULTILINE
    )
    assert heads == [
        "The question", "The evidence", "The method", "Does it depend on us?",
        "What this does not show",
    ]  # fmt: skip
    assert "**Missing:**" in next(c.source for c in cells if c.id == "evidence")
    assert [c.id for c in cells][-3:] == ["result", "caveats", "sources"]


@each
def test_declared_parameters_are_the_registered_ones(entry) -> None:
    cell = tagged(read(entry), "parameters")
    declared = {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.AnnAssign)
    }
    assert declared == {p.name: p.default for p in (*COMMON, *entry.parameters)}
    assert next(iter(declared)) == "as_of"
    assert all("  # " in line for line in cell.source.splitlines())


@each
def test_every_parameter_reaches_the_claim_and_none_is_overwritten(entry) -> None:
    notebook = read(entry)
    names = {p.name for p in (*COMMON, *entry.parameters)}
    cells = [c for c in code_cells(notebook) if "parameters" not in c.metadata.get("tags", [])]
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    calls = [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    (made,) = [call for call in calls if call.func.id == "Claim"]
    given = {k.arg: k.value for k in made.keywords}
    assert set(given) == names
    assert all(isinstance(v, ast.Name) and v.id == name for name, v in given.items())
    top = [node for cell in cells for node in ast.parse(cell.source).body]
    targets = [t for node in top if isinstance(node, ast.Assign) for t in node.targets]
    stored = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    assert stored & names == set()


@each
def test_no_number_is_typed_into_the_result(entry) -> None:
    notebook = read(entry)
    cells = {cell.id: cell for cell in notebook.cells}
    typed = [*strings(cells["record"].source), *strings(cells["result"].source)]
    typed.append(cells["caveats"].source)
    assert [text for text in typed if re.search(r"\d", text)] == []


@each
def test_it_was_run_from_top_to_bottom(entry) -> None:
    notebook = read(entry)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook.metadata.language_info.get("version") is None
    assert not any("papermill" in cell.metadata for cell in notebook.cells)


@each
def test_outputs_are_quiet_and_small(entry) -> None:
    notebook = read(entry)
    assert {output.output_type for output in outputs(notebook)} <= {
        "display_data",
        "execute_result",
    }
    for output in outputs(notebook):
        text = {k: v for k, v in output.data.items() if k != "image/png"}
        assert len(json.dumps(text)) < 64_000
        assert not re.search(r"\b0x[0-9a-f]{8}|/tmp/|/home/", json.dumps(text))


@each
def test_figures_have_a_finding_alt_text_and_their_data(entry) -> None:
    shown = figures(read(entry))
    assert len(shown) >= 2
    for figure in shown:
        behind = figure.data[drawing.MIME]
        assert figure.metadata["image/png"]["alt"] == behind["alt"]
        assert len(behind["alt"]) >= 40 and behind["credit"].startswith("Data: ")
        assert behind["data"]


@each
def test_the_record_is_valid_and_belongs_to_the_registry(entry) -> None:
    notebook = read(entry)
    found = records.find(notebook)
    assert found is not None and records.MIME in str(tagged(notebook, "record").outputs)
    records.validate(found)
    assert found["rule"] == {"hash": entry.rule_hash, "frozen_on": entry.frozen["day"]}
    assert found["parameters"] == entry.check({})
    # An event has few defensible readings; everything else has many.
    least = 12 if list(entry.kind) == ["event"] else 40
    assert found["robustness"]["specifications"] >= least
    assert any(found["cited"].values())


@each
def test_paragraphs_of_reasoning_stand_between_the_code(entry) -> None:
    assert path(entry).stat().st_size < 1_000_000
    words = sum(len(c.source.split()) for c in read(entry).cells if c.cell_type == "markdown")
    assert 200 < words < 900
