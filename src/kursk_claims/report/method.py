"""The page on method: rules, days, provenance, licences, how to cite, and what this build is of."""

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kursk_claims.analysis.verdict import describe
from kursk_claims.errors import ReportError
from kursk_claims.evidence.documents import DocumentError, read_yaml
from kursk_claims.evidence.results import FILE
from kursk_claims.report import cells
from kursk_claims.report.kept import code_digest, digest, files_digest
from kursk_claims.report.rows import Evidence

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import Registry

CITATION, LICENCES = "CITATION.cff", "LICENSE-data.md"
_CITATION = """{"type": "object", "required": ["title", "authors", "version", "date-released",
"license"], "properties": {"title": {"type": "string"}, "license": {"type": "string"},
"authors": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["name"],
"properties": {"name": {"type": "string"}}}}}}"""


def citation(home: Path) -> dict[str, Any]:
    """Return CITATION.cff, with its date as text.

    Raises
    ------
    ReportError
        If it cannot be read, or lacks what a citation needs.
    """
    try:
        found = read_yaml((home / CITATION).read_text("utf-8"), _CITATION)
    except (OSError, DocumentError, UnicodeDecodeError) as error:
        raise ReportError(f"{CITATION}: cannot be read ({' '.join(str(error).split())})") from None
    return {**found, "date-released": str(found["date-released"])}


def as_text(cited: dict[str, Any]) -> str:
    """Return a citation as a line of text."""
    names = ", ".join(author["name"] for author in cited["authors"])
    year = cited["date-released"][:4]
    return f"{names} ({year}). {cited['title']} (version {cited['version']})."


def as_bibtex(cited: dict[str, Any]) -> str:
    """Return a citation for BibTeX."""
    names = " and ".join("{" + author["name"] + "}" for author in cited["authors"])
    fields = {
        "author": names, "title": "{" + cited["title"] + "}", "version": cited["version"],
        "year": cited["date-released"][:4], "license": cited["license"],
    }  # fmt: skip
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@software{{kursk_claims,\n{lines}}}"


def context(registry: "Registry", evidence: Evidence, home: Path) -> dict[str, Any]:
    """Return all that the template of the page needs."""
    cited = citation(home)
    return {
        "citation": as_text(cited),
        "bibtex": as_bibtex(cited),
        "rules": [(entry, describe(entry.rule)) for entry in registry.claims if entry.rule],
        "licences": _licences(home),
        "evidence": evidence,
        "rows": sum(len(table.rows) for table in evidence.tables.values()),
        "basis": _counted(evidence, "published_basis"),
        "spoken": _counted(evidence, "source_side"),
        "build": {"Data": data_digest(home / "data"), "Code": code_digest(), **_lock(home)},
    }


def data_digest(folder: Path) -> str:
    """Return a SHA-256 over the evidence and the registry; results, which follow, are left out."""
    parts = []
    for path in sorted(folder.iterdir()):
        if path.name != FILE.split("/", maxsplit=1)[0]:
            parts += [path.name, files_digest(path) if path.is_dir() else path.read_bytes()]
    return digest(*parts)


def _lock(home: Path) -> dict[str, str]:
    path = home / "requirements.lock"
    return {"Locked packages": digest(path.read_bytes())} if path.is_file() else {}


def _licences(home: Path) -> Any:
    try:
        text = (home / LICENCES).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{LICENCES}: cannot be read ({error})") from None
    return cells.markdown(re.sub(r"\A# .*\n", "", text), deeper=1)


def _counted(evidence: Evidence, column: str) -> list[tuple[str, int]]:
    """Return how many rows have each value of a column of the contract, the commonest first."""
    tables = evidence.tables.values()
    return Counter(row[column] for table in tables for row in table.rows).most_common()
