"""The stored verdicts of every claim, week by week: a result of the notebooks, not evidence.

``data/results/verdicts.csv`` is written by ``kursk timeline --update``. Each row names the hash of
the rule that decided it, so that a verdict of another rule is never shown as a current one.
"""

from pathlib import Path

import pandas as pd

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.paths import data_dir
from kursk_claims.evidence.registry import Registry

FILE = "results/verdicts.csv"
NUMBERS = ("robustness_agree", "headline_value", "headline_low", "headline_high")


def load_results(registry: Registry, folder: Path | None = None) -> pd.DataFrame:
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
        If the file is missing or cannot be read.
    """
    path = (folder or data_dir()) / FILE
    text = ["claim", "title", "as_of", "verdict", "headline_finding", "headline_unit",
            "rule_hash", "sentence"]  # fmt: skip
    types = {**dict.fromkeys(text, "str"), **dict.fromkeys(NUMBERS, "float64")}
    try:
        frame = pd.read_csv(
            path, dtype=types, keep_default_na=False, na_values={n: [""] for n in NUMBERS}
        )
    except (OSError, ValueError) as error:
        raise EvidenceError(
            f"data/{FILE}: cannot be read ({error}); kursk timeline --update"
        ) from None
    if missing := {*types, "rows_of_evidence"} - set(frame):
        raise EvidenceError(f"data/{FILE}: column missing: {', '.join(sorted(missing))}")
    hashes = {entry.id: entry.rule_hash for entry in registry.ready}
    return frame[frame["rule_hash"] == frame["claim"].map(hashes)].reset_index(drop=True)
