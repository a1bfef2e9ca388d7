"""Read executed notebooks: whose run each one is, and the record that it holds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kursk_claims.display import record
from kursk_claims.errors import ReportError
from kursk_claims.evidence.notebook import notebook_of

if TYPE_CHECKING:  # a list of runs has no use for the registry's readers
    from kursk_claims.evidence.registry import ClaimEntry, Registry


@dataclass(frozen=True)
class Run:
    """An executed notebook: which claim it tests, and as of which day (``YYYY-MM-DD``)."""

    claim: str
    as_of: str
    notebook: Path

    def __str__(self) -> str:
        return f"{self.claim} as of {self.as_of} ({self.notebook.name})"


@dataclass(frozen=True)
class Finished:
    """A run that was read: its registered claim, its notebook, its record.

    ``source`` is the notebook's bytes, of which a cache makes its key.
    """

    run: Run
    entry: "ClaimEntry"
    source: bytes
    notebook: Mapping[str, Any]
    record: record.Record


@dataclass(frozen=True)
class Tested:
    """A claim with its runs: ``then`` on the article's day, ``now`` in hindsight; one may lack."""

    entry: "ClaimEntry"
    then: Finished | None
    now: Finished | None

    @property
    def page(self) -> str:
        """Where its page stands, relative to the index."""
        return f"claims/{self.entry.id}.html"

    @property
    def runs(self) -> tuple[Finished, ...]:
        """The runs there are, the earlier day first."""
        return tuple(one for one in (self.then, self.now) if one is not None)

    @property
    def latest(self) -> Finished:
        """The run of the later day."""
        return self.runs[-1]


def read(runs: Sequence[Run], registry: "Registry") -> list[Tested]:
    """Return the claims that were run, in the order of the registry.

    Raises
    ------
    ReportError
        If a notebook cannot be read, has no valid record, or has the record of another run or of
        another rule; if a run is given twice, or is of neither of the report's two days.
    """
    _check(runs, registry)
    found = {(run.claim, run.as_of): _read(run, registry[run.claim]) for run in runs}
    days = (registry.article["appeared_on"], registry.article["hindsight_on"])
    tested = [
        Tested(entry, *(found.get((entry.id, day)) for day in days)) for entry in registry.claims
    ]
    return [one for one in tested if one.runs]


def _check(runs: Sequence[Run], registry: "Registry") -> None:
    days = (registry.article["appeared_on"], registry.article["hindsight_on"])
    for pair, n in Counter((run.claim, run.as_of) for run in runs).items():
        if n > 1:
            raise ReportError(f"{pair[0]} as of {pair[1]} was given twice")
    for run in runs:
        if run.as_of not in days:
            raise ReportError(f"{run}: the report shows {' and '.join(days)} only")


def _read(run: Run, entry: "ClaimEntry") -> Finished:
    try:
        source = run.notebook.read_bytes()
        notebook = notebook_of(source)
        found = record.find(notebook)
        if found is None:
            raise ReportError(f"{run}: no record in the notebook; did it run to its end?")
        record.validate(found)
        date.fromisoformat(found["as_of"])
    except OSError as error:
        raise ReportError(f"{run}: the notebook cannot be read ({_line(error)})") from None
    except ValueError as error:
        raise ReportError(f"{run}: the record or the notebook is broken ({_line(error)})") from None
    if (found["claim"], found["as_of"]) != (run.claim, run.as_of):
        other = f"{found['claim']} as of {found['as_of']}"
        raise ReportError(f"{run}: the notebook holds the record of {other}")
    if entry.frozen is None or found["rule"]["hash"] != entry.rule_hash:
        raise ReportError(
            f"{run}: decided by rule {found['rule']['hash']}, but the registry has "
            f"{entry.rule_hash}.\nRun the notebook again."
        )
    return Finished(run, entry, source, notebook, found)


def _line(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:200]
