"""The rules of a claim's notebook that need no kernel.

They are read from the file as it is stored, with nothing but the standard library and the
registry, so that all notebooks are checked in well under two seconds.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from kursk_claims.errors import RegistryError
from kursk_claims.evidence.documents import DocumentError, check
from kursk_claims.evidence.notebook import notebook_of
from kursk_claims.evidence.registry import COMMON, ClaimEntry

Cell = dict[str, Any]

FIGURE_MIME = "application/vnd.kursk-claims.figure+json"
RECORD_MIME = "application/vnd.kursk-claims.record+json"
"""As in `display`, which is not imported here for it brings IPython; a test holds them equal."""
DISPLAY = "kursk_claims.display"

MAX_CELLS, MAX_LINES = 20, 15
MAX_OUTPUT_BYTES, MAX_FILE_BYTES = 64_000, 1_000_000
WORDS = (200, 900)
LEAST_ALT = 40
LEAST_SPECIFICATIONS = {"event": 12, "other": 40}
"""An event has few defensible readings; everything else has many."""

FIRST = ["title", "question", "parameters"]
LAST = ["result", "caveats", "sources"]
HEADINGS = [
    "The question", "The evidence", "The method", "Does it depend on us?",
    "What this does not show",
]  # fmt: skip
GENERATED = ("record", "result", "caveats")
"""Cells in whose words no digit may be typed: numbers come from what was computed."""

TEMPLATE = "_template.ipynb"
"""What `kursk new` begins with, beside the notebook."""
TO_BE_DONE = re.compile(r"\b(TODO|FIXME|XXX|TBD)\b|to be named")
PATHS = re.compile(r"\b0x[0-9a-f]{8}|/tmp/|/home/|/Users/|[A-Z]:\\\\")
ADDRESS = re.compile(r"https?://")


@dataclass(frozen=True)
class Fault:
    """One broken rule: in which claim's notebook, in which cell (empty: the whole), and what."""

    claim: str
    cell: str
    what: str

    def __str__(self) -> str:
        place = f"{self.claim}, cell {self.cell}" if self.cell else self.claim
        return f"{place}: {self.what}"


Rule = Callable[[ClaimEntry, Sequence[Cell]], Iterator[tuple[str, str]]]


def lint(entry: ClaimEntry, path: Path) -> list[Fault]:
    """Return every rule that a claim's stored notebook breaks.

    Raises
    ------
    RegistryError
        If the file is missing or is not a notebook.
    """
    try:
        content = path.read_bytes()
        cells = _cells(content)
        template = _texts_of(path.with_name(TEMPLATE))
    except OSError:
        raise RegistryError(f"{entry.id} is ready, but {path.name} is missing") from None
    except DocumentError as error:
        raise RegistryError(f"{path.name}: not a notebook ({error})") from None
    faults = [
        Fault(entry.id, cell, what) for rule in RULES for cell, what in _safely(rule, entry, cells)
    ]
    faults += [
        Fault(entry.id, cell["id"], "still says what the template says")
        for cell in _text(cells) if cell["source"] in template
    ]  # fmt: skip
    if len(content) > MAX_FILE_BYTES:
        faults.append(Fault(entry.id, "", f"the file is larger than {MAX_FILE_BYTES:,} bytes"))
    return faults


def _cells(content: bytes) -> list[Cell]:
    return [_plain(cell) for cell in notebook_of(content)["cells"]]


def _texts_of(template: Path) -> set[str]:
    """Return what the text cells of the template say, where there is one."""
    if not template.is_file():
        return set()
    return {cell["source"] for cell in _text(_cells(template.read_bytes()))}


def _safely(rule: Rule, entry: ClaimEntry, cells: Sequence[Cell]) -> list[tuple[str, str]]:
    try:
        return list(rule(entry, cells))
    except SyntaxError as error:
        return [("", f"code that is not Python: {error.msg}, {str(error.text).strip()[:80]!r}")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [("", f"code that cannot be read: {type(error).__name__} ({str(error)[:80]})")]


def _plain(cell: Cell) -> Cell:
    """Return a cell with all that Jupyter may leave out."""
    given = {"id": "", "execution_count": None, **cell}
    return {**given, "tags": cell["metadata"].get("tags", [])}


def _code(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _text(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell["cell_type"] == "markdown"]


def _outputs(cells: Sequence[Cell]) -> Iterator[tuple[str, dict[str, Any]]]:
    for cell in _code(cells):
        yield from ((cell["id"], output) for output in cell["outputs"])


# -- the rules ---------------------------------------------------------------------------------


def _short(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    if len(cells) > MAX_CELLS:
        yield "", f"{len(cells)} cells; at most {MAX_CELLS}"
    for cell in _code(cells):
        lines = cell["source"].count("\n") + 1
        if lines > MAX_LINES:
            yield cell["id"], f"{lines} lines of code; at most {MAX_LINES}"
    words = sum(len(cell["source"].split()) for cell in _text(cells))
    if not WORDS[0] < words < WORDS[1]:
        yield "", f"{words} words of text; between {WORDS[0]} and {WORDS[1]}"


def _in_order(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    names = [cell["id"] for cell in cells]
    if names[:3] != FIRST or names[-3:] != LAST:
        yield "", f"must begin with {', '.join(FIRST)} and end with {', '.join(LAST)}"
        return
    if not cells[0]["source"].startswith("# ") or "*Claimant:*" not in cells[0]["source"]:
        yield "title", "must have a heading and name the *Claimant:*"
    if "refute it" not in cells[1]["source"]:
        yield "question", "must say what would refute it"
    text = "\n".join(cell["source"] for cell in _text(cells))
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if headings != HEADINGS:
        yield "", f"headings must be: {'; '.join(HEADINGS)}"
    evidence = next((cell["source"] for cell in cells if cell["id"] == "evidence"), "")
    if "**Missing:**" not in evidence:
        yield "evidence", "must say what is **Missing:**"


def _parameters(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    source = next((c["source"] for c in _code(cells) if "parameters" in c["tags"]), "")
    declared = {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }
    registered = {p.name: p.default for p in (*COMMON, *entry.parameters)}
    for name in {**declared, **registered}:
        if declared.get(name) != registered.get(name):
            was, wanted = declared.get(name), registered.get(name)
            yield "parameters", f"{name} is {was!r} here and {wanted!r} in the registry"
    if next(iter(declared), None) != "as_of":
        yield "parameters", "as_of must come first"
    if not all("  # " in line for line in source.splitlines()):
        yield "parameters", "every parameter needs a comment"


def _parameters_are_used(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    names = {p.name for p in (*COMMON, *entry.parameters)}
    others = [cell for cell in _code(cells) if "parameters" not in cell["tags"]]
    trees = {cell["id"]: ast.parse(cell["source"]) for cell in others}
    given = {
        keyword.arg: keyword.value
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Claim"
        for keyword in node.keywords
    }
    passed = {name for name, v in given.items() if isinstance(v, ast.Name) and v.id == name}
    if passed != names:
        listed = ", ".join(sorted(names ^ passed))
        yield "contract", f"every parameter goes to Claim as itself; see {listed}"
    for cell, tree in trees.items():
        targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
        stored = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        for name in sorted(stored & names):
            yield cell, f"the parameter {name} is overwritten"


def _tables_are_loaded(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    typed = {text for cell in _code(cells) for text in _strings(cell["source"])}
    for table in entry.tables:
        if table not in typed:
            yield "load", f"the registry lists {table}, which is never loaded"


def _no_number_is_typed(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        if cell["id"] in GENERATED:
            text_cell = cell["cell_type"] == "markdown"
            for text in [cell["source"]] if text_cell else _strings(cell["source"]):
                if found := re.search(r".{0,20}\d.{0,20}", text):
                    yield cell["id"], f"a number is typed: {found.group().strip()!r}"


def _was_run(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    counts = [cell["execution_count"] for cell in _code(cells)]
    if counts != list(range(1, len(counts) + 1)):
        yield "", "was not run from top to bottom: kursk run --update"
    for cell in cells:
        if "papermill" in cell["metadata"]:
            yield cell["id"], "holds Papermill's timings"


def _outputs_are_quiet(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    for cell, output in _outputs(cells):
        if output["output_type"] not in ("display_data", "execute_result"):
            yield cell, f"an output of type {output['output_type']}"
            continue
        text = json.dumps({k: v for k, v in output["data"].items() if k != "image/png"})
        if len(text) > MAX_OUTPUT_BYTES:
            yield cell, f"an output of {len(text):,} bytes; at most {MAX_OUTPUT_BYTES:,}"
        if found := PATHS.search(text):
            yield cell, f"a path or an address in memory in an output: {found.group()}"


def _nothing_is_to_be_done(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        if found := TO_BE_DONE.search(cell["source"]):
            yield cell["id"], f"says that something is to be done: {found.group()}"


def _addresses_are_sources(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        if ADDRESS.search(cell["source"]):
            yield cell["id"], "an address is typed; addresses come from the evidence"


def _figures(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    shown = [(cell, o) for cell, o in _outputs(cells) if "image/png" in o.get("data", {})]
    if len(shown) < 2:
        yield "", f"{len(shown)} figures; at least 2"
    for cell, output in shown:
        behind = output["data"].get(FIGURE_MIME, {})
        alt = output["metadata"].get("image/png", {}).get("alt", "")
        if len(alt) < LEAST_ALT or alt != behind.get("alt"):
            yield cell, "a figure without alt text; show it with Claim.figure"
        elif not behind.get("credit", "").startswith("Data: ") or not behind.get("data"):
            yield cell, "a figure without a credit, or without its data"


def _record(entry: ClaimEntry, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    found = [(cell, o["data"][RECORD_MIME]) for cell, o in _outputs(cells)
             if RECORD_MIME in o.get("data", {})]  # fmt: skip
    tagged = [cell["id"] for cell in cells if "record" in cell["tags"]]
    if [cell for cell, _ in found] != tagged or len(found) != 1:
        yield "record", "one cell, tagged record, must show one record"
        return
    record = found[0][1]
    try:
        check(record, files(DISPLAY).joinpath("record.schema.json").read_text("utf-8"))
    except DocumentError as error:
        yield "record", f"not a record: {error}"
    with suppress(KeyError, TypeError, AttributeError):  # of what is no record, what can be told
        yield from _record_fits(entry, record)


def _record_fits(entry: ClaimEntry, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if record["rule"]["hash"] != entry.rule_hash:
        yield "record", f"decided by rule {record['rule']['hash']}, not {entry.rule_hash}"
    if record["parameters"] != entry.check({}):
        yield "record", "was not made with the default parameters"
    least = LEAST_SPECIFICATIONS["event" if entry.kind == ("event",) else "other"]
    if record["robustness"]["specifications"] < least:
        yield "record", f"fewer than {least} specifications"
    if not any(record["cited"].values()):
        yield "record", "cites no row of evidence"


def _strings(source: str) -> list[str]:
    """Return every literal piece of text in code, the fixed parts of f-strings included."""
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


RULES: tuple[Rule, ...] = (
    _short, _in_order, _parameters, _parameters_are_used, _tables_are_loaded, _no_number_is_typed,
    _was_run, _outputs_are_quiet, _nothing_is_to_be_done, _addresses_are_sources, _figures, _record,
)  # fmt: skip
