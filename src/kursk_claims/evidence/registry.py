"""The claims registry: what is asked, which tables may answer, and which rule decides.

``data/claims.yaml`` holds it. A rule is frozen before its result is computed: the registry keeps a
hash of everything that could tilt a verdict, and refuses to load when the text no longer matches.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from kursk_claims.errors import ParameterError, RegistryError
from kursk_claims.evidence.days import parse_day
from kursk_claims.evidence.documents import DocumentError, read_yaml, text_of
from kursk_claims.evidence.paths import data_dir

FILE = "claims.yaml"
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """One thing a reader may change; ``axis`` marks it as a choice of the multiverse."""

    name: str
    type: str
    default: Scalar
    help: str
    allowed: tuple[Scalar, ...] = ()
    axis: bool = False

    def check(self, value: Any) -> Scalar:
        """Return the value if it fits.

        Raises
        ------
        ParameterError
            If it has another type, or is not among the allowed values.
        """
        wanted = TYPES[self.type]
        whole = wanted is float and type(value) is int
        finite = type(value) is not float or isfinite(value)
        shown = repr(value)[:80]
        if (type(value) is not wanted and not whole) or not finite:
            raise ParameterError(f"{self.name}: {shown} is not of type {self.type} ({self.help})")
        if self.allowed and value not in self.allowed:
            options = ", ".join(str(option) for option in self.allowed)
            raise ParameterError(f"{self.name}: {shown} is not allowed; choose from {options}")
        return float(value) if whole else value

    def parse(self, text: str) -> Scalar:
        """Read a value typed on a command line, then check it."""
        readers: dict[str, Callable[[str], Scalar | None]] = {
            "int": int,
            "float": float,
            "str": str,
            "bool": {"true": True, "false": False}.get,
        }
        value: Scalar | None
        try:
            value = readers[self.type](text)
        except ValueError:
            value = None
        if value is None:
            raise ParameterError(
                f"{self.name}: '{text[:80]}' is not of type {self.type} ({self.help})"
            )
        return self.check(value)


COMMON = (
    Parameter("as_of", "str", "2024-08-21", "the day whose knowledge counts, YYYY-MM-DD"),
    Parameter("seen_only", "bool", False, "keep only rows whose day of publication was seen"),
)
"""Parameters every notebook has. The default day is the article's."""


@dataclass(frozen=True)
class ClaimEntry:
    """One claim as registered in ``data/claims.yaml``."""

    id: str
    slug: str
    title: str
    claimant: str
    kind: tuple[str, ...]
    status: str
    question: str
    would_refute: str
    estimand: str
    method: str
    tables: tuple[str, ...]
    caveats: tuple[str, ...]
    notebook: str
    parameters: tuple[Parameter, ...]
    rule: dict[str, Any] | None
    frozen: dict[str, str] | None

    @property
    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """The multiverse: each choice and its values."""
        return {p.name: p.allowed for p in self.parameters if p.axis}

    def check(self, values: dict[str, Any]) -> dict[str, Scalar]:
        """Return all parameters, defaults filled in.

        Raises
        ------
        ParameterError
            If a name is unknown or a value does not fit.
        """
        known = {p.name: p for p in (*COMMON, *self.parameters)}
        for name in values:
            if name not in known:
                raise ParameterError(
                    f"{self.id} has no parameter '{name}'; it has: {', '.join(known)}"
                )
        checked = {name: p.check(values.get(name, p.default)) for name, p in known.items()}
        checked["as_of"] = parse_day(str(checked["as_of"])).isoformat()
        return checked

    @property
    def rule_hash(self) -> str:
        """Twelve hex digits over everything that could tilt the verdict (SHA-256)."""
        frozen = {
            "question": self.question,
            "would_refute": self.would_refute,
            "estimand": self.estimand,
            "choices": {name: list(values) for name, values in self.axes.items()},
            "defaults": {p.name: p.default for p in self.parameters},
            "rule": self.rule,
        }
        text = json.dumps(frozen, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Registry:
    """The whole of ``data/claims.yaml``."""

    article: dict[str, str]
    claims: tuple[ClaimEntry, ...]
    untestable: tuple[dict[str, Any], ...]
    coverage: tuple[dict[str, Any], ...]

    def __getitem__(self, claim_id: str) -> ClaimEntry:
        for entry in self.claims:
            if entry.id == claim_id:
                return entry
        known = ", ".join(entry.id for entry in self.claims)
        raise RegistryError(f"no claim '{claim_id}'; known: {known}")

    @property
    def ready(self) -> tuple[ClaimEntry, ...]:
        """Claims with a notebook."""
        return tuple(entry for entry in self.claims if entry.status == "ready")


def load_registry(folder: Path | None = None) -> Registry:
    """Read and check ``data/claims.yaml``.

    Raises
    ------
    RegistryError
        If the file is not readable, an entry is not complete, or a frozen rule was changed.
    """
    try:
        return _parse(text_of((folder or data_dir()) / FILE))
    except DocumentError as error:
        raise RegistryError(f"{FILE}: {error}") from None


@lru_cache(maxsize=8)
def _parse(text: str) -> Registry:
    schema = files(__package__).joinpath("claims.schema.json").read_text("utf-8")
    raw = read_yaml(text, schema)
    ids = [item["id"] for item in raw["claims"]]
    if len(set(ids)) != len(ids):
        raise DocumentError("a claim id stands twice")
    claims = tuple(parse_entry(item) for item in raw["claims"])
    return Registry(raw["article"], claims, tuple(raw["untestable"]), tuple(raw["coverage"]))


def parse_entry(raw: dict[str, Any]) -> ClaimEntry:
    """Return one claim from its YAML mapping, checked.

    Raises
    ------
    RegistryError
        If a parameter does not fit its type, or a frozen rule was changed.
    """
    listed = ("kind", "tables", "caveats")
    values = {**raw, **{key: tuple(raw.get(key, ())) for key in listed}}
    values["parameters"] = tuple(
        Parameter(name, **{**spec, "allowed": tuple(spec.get("allowed", ()))})
        for name, spec in raw.get("parameters", {}).items()
    )
    entry = ClaimEntry(**{"rule": None, "frozen": None, **values})
    if fault := next(_faults(entry), None):
        raise RegistryError(f"{FILE}: {entry.id}: {fault}")
    if entry.frozen and entry.frozen["hash"] != entry.rule_hash:
        raise RegistryError(
            f"{FILE}: {entry.id}: the rule was changed after it was frozen "
            f"({entry.frozen['hash']} is now {entry.rule_hash}).\n"
            "If that is meant, update frozen.hash and say why in CHANGELOG.md."
        )
    return entry


def _faults(entry: ClaimEntry) -> Iterator[str]:
    """Name what a schema cannot see: places of an entry that do not fit one another."""
    if entry.notebook != f"notebooks/{entry.id}_{entry.slug}.ipynb":
        yield f"its notebook must be notebooks/{entry.id}_{entry.slug}.ipynb"
    rule = entry.rule or {"findings": (), "ladder": ()}
    for name in (name for step in rule["ladder"] for name in step["when"]):
        if name not in rule["findings"]:
            yield f"the rule asks for '{name}', which is none of its findings"
    for parameter in entry.parameters:
        try:
            for value in (parameter.default, *parameter.allowed):
                parameter.check(value)
        except ParameterError as error:
            yield str(error)
