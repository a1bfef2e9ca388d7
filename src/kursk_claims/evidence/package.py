"""The Data Package, read and checked; without pandas, for those who only look things up in it."""

from collections import Counter
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence import documents
from kursk_claims.evidence.documents import DocumentError, read_json
from kursk_claims.evidence.paths import data_dir

FILE = "datapackage.json"


def read_package(folder: Path | None = None) -> dict[str, Any]:
    """Return ``datapackage.json``, checked.

    Raises
    ------
    EvidenceError
        If the file is missing, or is not a Data Package as the collection uses it.
    """
    return parse(text_of(folder or data_dir()))


def text_of(folder: Path) -> str:
    """Return the text of ``datapackage.json``."""
    try:
        return documents.text_of(folder / FILE)
    except DocumentError as error:
        raise EvidenceError(f"{FILE}: {error}") from None


@lru_cache(maxsize=8)
def parse(text: str) -> dict[str, Any]:
    """Return a Data Package from its text, checked (see `read_package`)."""
    schema = files(__package__).joinpath("datapackage.schema.json").read_text("utf-8")
    try:
        package: dict[str, Any] = read_json(text, schema)
    except DocumentError as error:
        raise EvidenceError(f"{FILE}: {error}") from None
    paths = [raw["path"] for raw in package["resources"]]
    _once(paths, "a path")
    for raw in package["resources"]:
        _once(
            [f["name"] for f in raw.get("schema", {}).get("fields", ())], f"{raw['path']}: a column"
        )
    return package


def _once(names: list[str], what: str) -> None:
    for name, n in Counter(names).items():
        if n > 1:
            raise EvidenceError(f"{FILE}: {what} stands twice: {name}")
