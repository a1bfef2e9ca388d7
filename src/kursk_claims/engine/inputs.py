"""What a run of a notebook depends on: hashes under names that a person can read.

Runs with equal inputs give the same notebook, byte for byte, so one of them is enough. No time
stamp is looked at: files are read at every call, then hashed and parsed only where their bytes are
new to this process. Neither pandas nor Papermill is imported here or below, so that a command
with nothing to run answers at once.

A broken file is no error here: it counts with the hash of its bytes, and the run, which becomes
due by that, tells what is wrong with it.
"""

import ast
import hashlib
import json
import os
import re
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any

import kursk_claims
from kursk_claims.engine.jobs import Job
from kursk_claims.evidence.documents import read_yaml
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import Registry

PACKAGE = "kursk_claims"
SOURCE = f"src/{PACKAGE}/"
ENGINE = ("engine/execute.py", "engine/normalise.py", "engine/preload.py")
"""Files of the engine that shape a result though no notebook imports them."""
LAYERS = "evidence/layers.py"
"""The module that reads the map layers; who reaches it depends on them."""
MAP = "geo/map_layers"
NONE = "none"
"""Stands for the hash of what is not there."""
MAGIC = re.compile(r"^([ \t]*)[%!].*$", flags=re.MULTILINE)
BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError)
"""What reading a malformed document may raise; MemoryError comes from code nested too deeply."""


@dataclass(frozen=True, eq=False)
class Content:
    """Bytes of a file and their hash; one object as long as the bytes stay, so a key for memos."""

    data: bytes
    digest: str


@dataclass(frozen=True)
class Notebook:
    """Hashes of a notebook's cells, and the modules of the package that its code names."""

    cells: dict[str, str]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """A module that a notebook reaches; ``importer`` is empty where the notebook imports it."""

    content: Content
    importer: str


_NOTHING = Content(b"", NONE)
_quiet = Lock()  # the filters of warnings belong to all threads
_known: dict[str, Content] = {}
_listed: dict[str, frozenset[str]] = {}


def inputs(job: Job, registry: Registry) -> dict[str, str]:
    """Return everything that could change the result of a job.

    Parameters
    ----------
    job : Job
        A run, planned from `registry`.
    registry : Registry
        The claims; it says which tables the claim may read.

    Returns
    -------
    dict
        What it is, such as ``cell 7 (figure-evidence)`` or ``data/tables/polls/approval.csv``, to
        the first 16 hex digits of its SHA-256; always in the same order.

    Raises
    ------
    RegistryError
        If the claim is unknown, or the collection is not found.
    """
    top = root()
    source = _source(top)
    notebook = _notebook(_content(job.notebook))
    files = _files(source)
    reached = _reached(notebook.names, source, files)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        **notebook.cells,
        "parameters": digest(canonical(dict(job.parameters))),
        **_sources(reached, source, files),
        **_data(f"{top}/data", registry[job.claim].tables, job.claim, LAYERS in reached),
        "requirements.lock": _content(f"{top}/requirements.lock").digest,
        f"Python {version}": version,
    }


def reach(job: Job) -> dict[str, str]:
    """Return each module that a job's notebook reaches, and what imports it first.

    Returns
    -------
    dict
        ``src/kursk_claims/analysis/intervals.py`` to ``display/figures.py``, say; to empty text
        where the notebook itself imports it.
    """
    source = _source(root())
    names = _notebook(_content(job.notebook)).names
    found = _reached(names, source, _files(source))
    return {SOURCE + path: module.importer for path, module in found.items()}


def canonical(value: Any) -> str:
    """Return a value as JSON with one spelling: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(text: str | bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of a text (UTF-8) or of bytes."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]


# -- files -------------------------------------------------------------------------------------


def _content(path: str | Path) -> Content:
    """Read a file; return the same object again while its bytes are the same."""
    name = str(path)
    try:
        with FileIO(name) as file:  # a third of the cost of Path.read_bytes, for small files
            data = file.readall()
    except OSError:
        return _NOTHING
    known = _known.get(name)
    if known is None or known.data != data:
        known = _known[name] = Content(data, digest(data))
    return known


def _source(top: Path) -> str:
    """Return the folder of the package: the collection's own, or else the installed one."""
    own = top / "src" / PACKAGE
    return str(own if own.is_dir() else Path(kursk_claims.__file__).parent)


def _files(source: str) -> frozenset[str]:
    """Return the package's files relative to it; caches, hidden files and backups left out."""
    found = []
    for folder, below, names in os.walk(source):
        below[:] = [name for name in below if name != "__pycache__" and name[0] != "."]
        inside = folder[len(source) + 1 :].replace(os.sep, "/")
        prefix = f"{inside}/" if inside else ""
        kept = (n for n in names if n[0] != "." and not n.endswith((".pyc", "~")))
        found += [prefix + name for name in kept]
    listed = frozenset(found)
    if _listed.get(source) != listed:
        _listed[source] = listed
    return _listed[source]  # the same object again while nothing came or went: a key for memos


# -- the notebook ------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _notebook(content: Content) -> Notebook:
    try:
        document = json.loads(content.data)
        cells = [(cell, "".join(cell["source"])) for cell in document["cells"]]
        code = [source for cell, source in cells if cell["cell_type"] == "code"]
        return Notebook(_cells(cells, document), tuple(dict.fromkeys(_named(code))))
    except BROKEN:
        return Notebook({"notebook": content.digest}, ())


def _cells(cells: list[tuple[dict[str, Any], str]], document: dict[str, Any]) -> dict[str, str]:
    """Return a hash a code cell, one of all text, one of what steers Papermill."""
    found = {}
    for number, (cell, source) in enumerate(cells, start=1):
        if cell["cell_type"] == "code":
            name = f" ({cell['id']})" if "id" in cell else ""
            found[f"cell {number}{name}"] = digest(source)
    text = [[s, c.get("attachments", {})] for c, s in cells if c["cell_type"] != "code"]
    tags = [tags for cell, _ in cells if (tags := _tags(cell))]
    kernel = document.get("metadata", {}).get("kernelspec", {}).get("name", "")
    found["text cells"] = digest(canonical(text))
    found["kernel and cell tags"] = digest(canonical([kernel, tags]))
    return found


def _tags(cell: dict[str, Any]) -> list[Any]:
    """Return id and tags of a cell that has tags: ``parameters`` says where Papermill writes."""
    tags = cell.get("metadata", {}).get("tags")
    return [cell.get("id", ""), tags] if tags else []


def _named(sources: Iterable[str]) -> Iterator[str]:
    """Name the modules in cells of code; the whole package where a cell cannot be read."""
    for source in sources:
        try:
            yield from _names(_cell_tree(source), PACKAGE)
        except (SyntaxError, ValueError):
            yield f"{PACKAGE}.*"


def _cell_tree(source: str) -> ast.Module:
    """Parse a cell, if need be without its lines for IPython, which are not Python."""
    try:
        return _tree(source)
    except SyntaxError:
        return _tree(MAGIC.sub(r"\1pass", source))


def _tree(source: str | bytes) -> ast.Module:
    """Parse Python; a warning made an error (``-W error``) must not make it unreadable."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


# -- modules -----------------------------------------------------------------------------------


def _names(tree: ast.AST, package: str) -> Iterator[str]:
    """Name, with dots, all that a tree may import from the package, in functions too.

    A text that looks like a module's name counts: it may be for ``importlib``.
    """
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value]
        yield from (name for name in names if f"{name}.".startswith(f"{PACKAGE}."))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Return what a ``from`` import imports from; `package` is where the import stands."""
    if not node.level:
        return node.module or ""
    base = package.rsplit(".", node.level - 1)[0]
    return f"{base}.{node.module}" if node.module else base


@lru_cache(maxsize=512)
def _imports(content: Content, path: str) -> tuple[str, ...]:
    """Return the names that a module of the package imports from it, each once."""
    package = ".".join([PACKAGE, *path.split("/")[:-1]])
    try:
        return tuple(dict.fromkeys(_names(_tree(content.data), package)))
    except (SyntaxError, ValueError):  # then nobody can import it, and the run will tell
        return ()


@lru_cache(maxsize=512)
def _run_by(names: tuple[str, ...], files: frozenset[str]) -> tuple[str, ...]:
    """Return the files that importing some names runs, each once."""
    return tuple(dict.fromkeys(path for name in names for path in _resolve(name, files)))


def _resolve(name: str, files: frozenset[str]) -> list[str]:
    """Return the files that importing a dotted name runs: its packages' first, then its own.

    ``a.b.*`` stands for every module in ``a.b``; ``kursk_claims.*`` for the whole package.
    """
    parts = name.split(".")[1:]
    stems = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    places = ["__init__.py", *(f"{stem}{end}" for stem in stems for end in ("/__init__.py", ".py"))]
    found = [place for place in places if place in files]
    if parts[-1:] == ["*"]:
        folder = stems[-1][:-1]
        found += sorted(f for f in files if f.startswith(folder) and f.endswith(".py"))
    return found


def _reached(names: tuple[str, ...], source: str, files: frozenset[str]) -> dict[str, Module]:
    """Follow imports breadth first; return the modules by path, the first importer with each."""
    modules: dict[str, Module] = {}
    waiting = deque([("", names)])
    while waiting:
        importer, named = waiting.popleft()
        for path in _run_by(named, files):
            if path not in modules:
                content = _content(f"{source}/{path}")
                modules[path] = Module(content, importer)
                waiting.append((path, _imports(content, path)))
    return modules


def _sources(reached: dict[str, Module], source: str, files: frozenset[str]) -> dict[str, str]:
    """Return the hashes of modules, of what lies beside them, and of the engine's files."""
    folders = {path.rpartition("/")[0] for path in reached}
    beside = {f for f in files if not f.endswith(".py") and _home(f, files) in folders}
    others = beside.union(ENGINE).difference(reached)
    hashes = {path: _content(f"{source}/{path}").digest for path in others}
    hashes |= {path: module.content.digest for path, module in reached.items()}
    return {SOURCE + path: hashes[path] for path in sorted(hashes)}


def _home(path: str, files: frozenset[str]) -> str:
    """Return the package folder that a file belongs to; templates may lie deeper."""
    folder = path.rpartition("/")[0]
    while folder and f"{folder}/__init__.py" not in files:
        folder = folder.rpartition("/")[0]
    return folder


# -- data --------------------------------------------------------------------------------------


def _data(folder: str, tables: Iterable[str], claim: str, layers: bool) -> dict[str, str]:
    """Return the hashes of the evidence: of tables, and of the parts of documents on them."""
    contents = {f"tables/{name}.csv": _content(f"{folder}/tables/{name}.csv") for name in tables}
    if layers:
        contents[f"{MAP}.geojson"] = _content(f"{folder}/{MAP}.geojson")
    there = {path: content for path, content in contents.items() if content is not _NOTHING}
    package = _content(f"{folder}/datapackage.json")
    corrections = _content(f"{folder}/corrections.yaml")
    claims = _content(f"{folder}/claims.yaml")
    found = {f"data/{path}": content.digest for path, content in there.items()}
    for path in there:
        name = path.rpartition(".")[0].removeprefix("tables/")
        found[f"data/datapackage.json: {name}"] = _part(package, _resources, path)
    for name in tables:
        found[f"data/corrections.yaml: {name}"] = _part(corrections, _corrections, name)
    found[f"data/claims.yaml: {claim}"] = _part(claims, _claims, claim)
    return found


def _part(content: Content, parse: Callable[[Content], dict[str, str]], key: str) -> str:
    """Return the hash of one part of a document; of all its bytes when it cannot be read."""
    if content is _NOTHING:
        return NONE
    try:
        return parse(content).get(key, NONE)
    except BROKEN:
        return content.digest


@lru_cache(maxsize=8)
def _resources(content: Content) -> dict[str, str]:
    resources = json.loads(content.data)["resources"]
    return {resource["path"]: digest(canonical(resource)) for resource in resources}


@lru_cache(maxsize=8)
def _corrections(content: Content) -> dict[str, str]:
    entries: dict[str, list[Any]] = {}
    for entry in read_yaml(content.data.decode(), "{}") or []:
        entries.setdefault(entry["table"], []).append(entry)
    return {table: digest(canonical(listed)) for table, listed in entries.items()}


@lru_cache(maxsize=8)
def _claims(content: Content) -> dict[str, str]:
    entries = read_yaml(content.data.decode(), "{}")["claims"]
    return {entry["id"]: digest(canonical(entry)) for entry in entries}
