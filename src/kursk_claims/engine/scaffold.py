"""A new claim: its entry in the registry, its notebook from the template, and a table to fill.

What it writes is complete and runs at once: with no evidence yet, the claim is unresolved.
`kursk lint` then names what is still to be done.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kursk_claims.errors import ParameterError
from kursk_claims.evidence.days import parse_day
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import ClaimEntry, Registry, parse_entry

TEMPLATE = "notebooks/_template.ipynb"
TOPIC = "new"
SIDES = (
    "independent", "media_analysis", "poll", "russia_official", "ukraine_official",
    "western_official",
)  # fmt: skip
TITLE = re.compile(r"[^\x00-\x1f]{10,120}")

ENTRY = """\
  - id: {id}
    slug: {slug}
    title: {title}
    claimant: to be named
    kind: [interpretation]
    status: ready
    question: What can evidence answer here?
    would_refute: Statements of which fewer than a third reach the least value.
    estimand: The share of published statements whose value reaches the least value, 0 to 1.
    method: Count the statements that speak for the claim, with the Wilson interval of their share.
    tables:
      - {table}
    parameters:
      least_value:
        type: float
        default: 0.5
        allowed: [0.25, 0.5, 0.75]
        axis: true
        help: the least value that speaks for the claim
      sides:
        type: str
        default: all
        allowed: [all, neither_party]
        axis: true
        help: whose statements count
    caveats:
      - Nothing has been collected yet
    notebook: {notebook}
    rule:
      findings:
        statements: number of statements
        agreeing_share: share of them that speak for the claim, 0 to 1
      ladder:
        - verdict: unresolved
          when: {{statements: "< 3"}}
        - verdict: supported
          when: {{agreeing_share: ">= 0.9"}}
        - verdict: mostly supported
          when: {{agreeing_share: ">= 0.66"}}
        - verdict: mixed
          when: {{agreeing_share: ">= 0.34"}}
        - verdict: mostly contradicted
          when: {{agreeing_share: ">= 0.1"}}
      otherwise: contradicted
"""


@dataclass(frozen=True)
class Scaffold:
    """What was made for a new claim; paths are relative to the top folder."""

    claim: str
    notebook: str
    table: str


def make(title: str, day: str, registry: Registry) -> Scaffold:
    """Write the three parts of a new claim.

    Parameters
    ----------
    title : str
        The claim in paraphrase, 10 to 120 characters on one line.
    day : str
        The day on which its rule is frozen, ``YYYY-MM-DD``; nothing here reads the clock.

    Raises
    ------
    ParameterError
        If the title or the day does not fit, or a file of that name is there already.
    """
    if not TITLE.fullmatch(title):
        raise ParameterError("the title must be one line of 10 to 120 characters")
    frozen_on = parse_day(day).isoformat()
    name = f"c{max(int(entry.id[1:]) for entry in registry.claims) + 1:02d}"
    slug = "_".join(re.findall(r"[a-z0-9]+", title.lower())[:4]) or "claim"
    made = Scaffold(name, f"notebooks/{name}_{slug}.ipynb", f"{TOPIC}/{name}_{slug}")
    csv = root() / "data" / "tables" / f"{made.table}.csv"
    for path in (root() / made.notebook, csv):
        if path.exists():
            raise ParameterError(f"{path.relative_to(root())} is there already")
    entry = ENTRY.format(
        id=name, slug=slug, title=json.dumps(title, ensure_ascii=False),
        table=made.table, notebook=made.notebook,
    )  # fmt: skip
    frozen = parse_entry(yaml.safe_load(entry)[0]).rule_hash
    entry += f'    frozen: {{day: "{frozen_on}", hash: "{frozen}"}}\n'
    fields = _declare(made, title)
    csv.parent.mkdir(exist_ok=True)
    csv.write_text(",".join(field["name"] for field in fields) + "\n", encoding="utf-8")
    _fill_template(root() / made.notebook, made, title)
    _register(entry)
    return made


def _register(entry: str) -> None:
    """Put an entry after the last claim of the registry; everything else stays as it is."""
    path = root() / "data" / "claims.yaml"
    before, after = path.read_text(encoding="utf-8").split("\nuntestable:\n", 1)
    path.write_text(f"{before.rstrip()}\n\n{entry}\nuntestable:\n{after}", encoding="utf-8")


def _fill_template(path: Path, made: Scaffold, title: str) -> None:
    """Write the notebook: the template with the claim's own words in it."""
    words = {
        "CLAIM_ID": made.claim,
        "CLAIM_TITLE": title,
        "CLAIM_QUESTION": f"Is it so? {title}",
        "CLAIM_TABLE": made.table,
    }
    notebook = json.loads((root() / TEMPLATE).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        for word, text in words.items():
            source = source.replace(word, text)
        cell["source"] = source.splitlines(keepends=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _declare(made: Scaffold, title: str) -> list[dict[str, Any]]:
    """Add the table to the Data Package, with the contract's columns and one of its own."""
    path = root() / "data" / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    model = next(r for r in package["resources"] if r["evidence"]["kind"] == "rows")
    fields = [_own(field, made.claim) for field in model["schema"]["fields"][:9]]
    fields.append(
        {
            "name": "value",
            "type": "number",
            "description": "The figure that the row states, in its unit.",
            "constraints": {"required": True},
        }
    )
    package["resources"].append(
        {
            "name": made.table.replace("/", "-").replace("_", "-"),
            "type": "table",
            "path": f"tables/{made.table}.csv",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "title": f"Evidence of {made.claim}",
            "description": f"One row is one published statement on: {title}",
            "schema": {"fields": fields, "primaryKey": "row_id", "missingValues": [""]},
            "sources": [{"title": "the sources of its rows"}],
            "licenses": model["licenses"],
            "evidence": {"kind": "rows", "order": "observed_on", "credit": "row by row"},
        }
    )
    text = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
    path.write_text(text, encoding="utf-8")
    return fields


def _own(field: Mapping[str, Any], claim: str) -> dict[str, Any]:
    """Return a column of the contract as the new table needs it."""
    limits = dict(field.get("constraints", {}))
    if field["name"] == "row_id":
        limits["pattern"] = f"^{claim}-[0-9]{{2}}$"
    if field["name"] == "source_side":
        limits["enum"] = list(SIDES)
    return {**field, "constraints": limits}


def next_steps(made: Scaffold, entry: ClaimEntry) -> list[str]:
    """Return what to do now, a line a step."""
    return [
        f"Made {entry.id}: data/claims.yaml, {made.notebook}, data/tables/{made.table}.csv",
        f"1. Write the question, choices and rule of {entry.id} before you look at any result.",
        f"2. Fill the table, then: make docs && kursk run {entry.id} --update",
        f"3. kursk lint {entry.id} names what is still missing.",
    ]
