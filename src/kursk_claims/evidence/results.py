"""The stored verdicts of every claim, week by week: a result of the notebooks, not evidence.

``data/results/verdicts.csv`` is written by ``kursk timeline --update``. Each row names the hash of
the rule that decided it, so that a verdict of another rule is never shown as a current one.
"""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.csvfile import read_csv
from kursk_claims.evidence.documents import DocumentError, bytes_of, check
from kursk_claims.evidence.paths import data_dir
from kursk_claims.evidence.registry import Registry

if TYPE_CHECKING:  # rows of text have no use for it
    import pandas as pd

FILE = "results/verdicts.csv"
COLUMNS = (
    "claim", "title", "as_of", "verdict", "robustness_agree", "headline_finding", "headline_value",
    "headline_low", "headline_high", "headline_unit", "rows_of_evidence", "rule_hash", "sentence",
)  # fmt: skip
NUMBERS = ("robustness_agree", "headline_value", "headline_low", "headline_high")


def load_results(registry: Registry, folder: Path | None = None) -> "pd.DataFrame":
    """Return the stored verdicts that the registry's present rules decided.

    Returns
    -------
    DataFrame
        A row a claim and day: ``claim, title, as_of, verdict, robustness_agree`` (0 to 1),
        ``headline_finding, headline_value, headline_low, headline_high, headline_unit,
        rows_of_evidence, rule_hash, sentence``; by claim, then day.

    Raises
    ------
    EvidenceError
        If the file is missing, cannot be read, or holds what the timeline does not write.
    """
    import pandas as pd

    frame = pd.DataFrame(read_results(folder), columns=list(COLUMNS), dtype="str")
    for name in (*NUMBERS, "rows_of_evidence"):
        frame[name] = pd.to_numeric(frame[name].replace("", None))
    frame = frame.astype(dict.fromkeys(NUMBERS, "float64") | {"rows_of_evidence": "int64"})
    hashes = {entry.id: entry.rule_hash for entry in registry.ready}
    return frame[frame["rule_hash"] == frame["claim"].map(hashes)].reset_index(drop=True)


def read_results(folder: Path | None = None) -> list[dict[str, str]]:
    """Return all stored verdicts as text, checked, whichever rule decided them.

    Raises
    ------
    EvidenceError
        As `load_results`.
    """
    try:
        cells, lines = read_csv(bytes_of((folder or data_dir()) / FILE), COLUMNS)
    except DocumentError as error:
        raise EvidenceError(f"data/{FILE}: {error}; kursk timeline --update") from None
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in cells]
    schema = files(__package__).joinpath("results.schema.json").read_text("utf-8")
    seen = set()
    for row, line in zip(rows, lines, strict=True):
        place, run = f"data/{FILE}: line {line}", f"{row['claim']} as of {row['as_of']}"
        try:
            check(row, schema)
        except DocumentError as error:
            raise EvidenceError(f"{place}: {error}") from None
        if run in seen:
            raise EvidenceError(f"{place}: {run} stands twice")
        seen.add(run)
    return rows
