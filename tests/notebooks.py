"""What the tests of notebooks share."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry

READY = load_registry().ready
PLUGINS = ("kursk_claims.engine.sharing", "nbval.plugin", "xdist.plugin", "pytest_timeout")
"""What `make test` loads for nbval, in this order: ours lets nbval load faster."""
ONLY = ("--disable-plugin-autoload", *(f"-p{plugin}" for plugin in PLUGINS))
WIDE = ("-n", "3", "--dist", "loadfile")
"""How many of them `make test` looks at side by side."""


def only_ready(registry: Path, claims: tuple[str, ...]) -> None:
    """Leave a few claims ready in a copy of the registry, so that a test runs only those."""
    entries = registry.read_text(encoding="utf-8").split("  - id: ")
    kept = [
        entry if entry.startswith(claims) else entry.replace("status: ready", "status: planned")
        for entry in entries
    ]
    registry.write_text("  - id: ".join(kept), encoding="utf-8")


def path(entry) -> Path:
    return root() / entry.notebook


def read(entry) -> NotebookNode:
    return nbformat.read(path(entry), as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: NotebookNode, tag: str) -> NotebookNode:
    (cell,) = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    return cell


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def figures(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
