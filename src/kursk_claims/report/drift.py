"""What moved since the last release: verdicts, headline numbers, evidence that is gone.

``data/results/released.json`` holds what the last release said. A test fails while a line of
`moved` does not stand in CHANGELOG.md, so that nothing of it changes in silence. With a release,
``python -m kursk_claims.report.drift`` writes the file anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

from kursk_claims.errors import EvidenceError, KurskError
from kursk_claims.evidence import tables
from kursk_claims.evidence.paths import data_dir
from kursk_claims.evidence.registry import Registry, load_registry
from kursk_claims.evidence.results import load_results
from kursk_claims.evidence.schema import load_package

FILE = "results/released.json"
State = dict[str, dict[str, Any]]
"""``verdicts``, ``headlines`` (by ``"c14 as of 2024-08-21"``) and ``rows`` (by table)."""


def present(registry: Registry) -> State:
    """Return what the collection says now on the dates of the report, and how much it rests on."""
    results = load_results(registry)
    shown = results[results["as_of"].isin(registry.article.values())].to_dict("records")
    by_run = {f"{run['claim']} as of {run['as_of']}": run for run in shown}
    return {
        "verdicts": {run: row["verdict"] for run, row in by_run.items()},
        "headlines": {
            run: f"{row['headline_finding']} {row['headline_value']:g}"
            for run, row in by_run.items()
        },
        "rows": {name: len(tables.load(name)) for name in load_package()},
    }


def released(folder: Path | None = None) -> State:
    """Return what the last release said.

    Raises
    ------
    EvidenceError
        If the file is missing or is not JSON.
    """
    try:
        state: State = json.loads(((folder or data_dir()) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceError(f"data/{FILE}: cannot be read ({error})") from None
    return state


def moved(before: State, now: State) -> list[str]:
    """Return a line for each verdict or headline that moved, and each table that shrank.

    What is new moves nothing; what is gone does.
    """
    lines = [
        f"{run}: {old} -> {now[part].get(run, 'gone')}"
        for part in ("verdicts", "headlines")
        for run, old in before[part].items()
        if now[part].get(run) != old
    ]
    shrunk = [
        f"{table}: {rows} rows -> {now['rows'].get(table, 0)}"
        for table, rows in before["rows"].items()
        if now["rows"].get(table, 0) < rows
    ]
    return lines + shrunk


def main() -> None:
    """Take what the collection says now for what the release says."""
    text = json.dumps(present(load_registry()), indent=1) + "\n"
    (data_dir() / FILE).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    try:
        main()
    except KurskError as error:
        sys.exit(str(error))
