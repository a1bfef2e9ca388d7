"""The scoreboard in README.md, written from the stored verdicts between two marks."""

import sys
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS
from kursk_claims.errors import KurskError, ReportError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import Registry, load_registry
from kursk_claims.evidence.results import load_results

BEGIN, END = "<!-- scoreboard: written by `make docs` -->", "<!-- end of the scoreboard -->"


def scoreboard(registry: Registry, results: pd.DataFrame) -> str:
    """Return the verdicts of both dates as a Markdown table, a line a claim."""
    then, now = registry.article["appeared_on"], registry.article["hindsight_on"]
    by_run = {(run["claim"], run["as_of"]): run for run in results.to_dict("records")}
    lines = [
        f"| | claim | {prose.day(then)} | {prose.day(now)} |",
        "|---|---|---|---|",
    ]
    for entry in registry.claims:
        cells = [_cell(by_run.get((entry.id, day))) for day in (then, now)]
        name = f"[{entry.id}]({entry.notebook})" if entry in registry.ready else entry.id
        lines.append(f"| {name} | {entry.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(run: Mapping[Hashable, Any] | None) -> str:
    if run is None:
        return "no verdict yet"
    look = VERDICTS[run["verdict"]]
    return f"{look.mark} {look.label} ({prose.percent(run['robustness_agree'])})"


def render(text: str, board: str) -> str:
    """Return the text of the README with the scoreboard between its marks.

    Raises
    ------
    ReportError
        If a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ReportError(f"README.md: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{board}\n{END}{after}"


def current(path: Path) -> str:
    """Return what README.md should hold."""
    registry = load_registry()
    board = scoreboard(registry, load_results(registry))
    return render(path.read_text(encoding="utf-8"), board)


def main() -> None:
    """Rewrite the scoreboard in README.md."""
    path = root() / "README.md"
    path.write_text(current(path), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    try:
        main()
    except KurskError as error:
        sys.exit(str(error))
