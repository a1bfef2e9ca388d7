"""The cache of runs: a small JSON file beside each executed notebook.

It holds the hashes of all that could change the result (see `inputs`), the hash of the notebook
that came out, and the record. A run is fresh when every hash is still the same; when it is not,
the cache can say why, in words. Time stamps play no part.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kursk_claims.engine.inputs import SOURCE, canonical, reach
from kursk_claims.engine.jobs import Job
from kursk_claims.evidence.whole import write_whole

SCHEMA = "kursk-claims/cache/1"
CELL = re.compile(r"cell ([0-9]+)(?: \((.*)\))?", flags=re.DOTALL)
SHA256 = re.compile("[0-9a-f]{64}")
PYTHON = "Python "


@dataclass(frozen=True)
class Entry:
    """What the cache keeps of a run.

    ``output`` is the SHA-256 of the executed notebook, None when only the record was kept;
    ``seconds`` is the wall time of the run.
    """

    inputs: dict[str, str]
    output: str | None
    seconds: float
    record: dict[str, Any]


def entry_path(job: Job) -> Path:
    """Return the place of a job's entry: beside its notebook."""
    return job.output.with_suffix(".json")


def load(job: Job) -> Entry | None:
    """Return what the cache keeps of a job; None when nothing, or nothing that can be trusted.

    A file that was cut short, edited by as much as a space, or is of another form is no entry.
    """
    try:
        text = entry_path(job).read_bytes().decode()
        document = json.loads(text)
        if text != _sealed(document):
            return None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return _entry(document)


def store(
    job: Job,
    current_inputs: dict[str, str],
    record: dict[str, Any],
    seconds: float,
    keep_notebook: bool = True,
) -> None:
    """Write a job's entry, whole or not at all, whoever else writes it at the same time.

    Parameters
    ----------
    current_inputs : dict
        The inputs as they were before the run.
    seconds : float
        Wall time of the run.
    keep_notebook : bool
        Whether the entry vouches for the notebook at ``job.output``. That file is read, never
        written or removed.

    Raises
    ------
    FileNotFoundError
        If `keep_notebook` is set and there is no notebook.
    TypeError
        If the record is not JSON.
    """
    output = hashlib.sha256(job.output.read_bytes()).hexdigest() if keep_notebook else None
    kept = {"inputs": current_inputs, "output": output, "seconds": float(seconds)}
    text = _sealed({"schema": SCHEMA, **kept, "record": record})
    write_whole(entry_path(job), text)


def stale_because(
    job: Job, current_inputs: dict[str, str], need_notebook: bool = True
) -> list[str]:
    """Say in words why a job must run; an empty list says that it need not.

    Parameters
    ----------
    current_inputs : dict
        The job's `inputs` as of now.
    need_notebook : bool
        Whether the executed notebook is asked for, or its record suffices.
    """
    if not entry_path(job).exists():
        return ["never run"]
    entry = load(job)
    if entry is None:
        return ["the cache entry is damaged"]
    then, now = entry.inputs, current_inputs
    reasons = [*_cells_changed(then, now), *_others_changed(job, then, now)]
    if not reasons and then != now:  # text moved across code
        reasons = ["the order of the cells changed"]
    return reasons + (_notebook_changed(job, entry) if need_notebook else [])


# -- the file ----------------------------------------------------------------------------------


def _sealed(document: dict[str, Any]) -> str:
    """Return the text of an entry's file, with a hash over all the rest of it."""
    rest = {key: value for key, value in document.items() if key != "sha256"}
    rest = json.loads(json.dumps(rest))  # what a reader will find: keys are text, tuples are lists
    seal = hashlib.sha256(canonical(rest).encode()).hexdigest()
    return json.dumps({**rest, "sha256": seal}, indent=1) + "\n"


def _entry(document: dict[str, Any]) -> Entry | None:
    """Return the entry in a document of the right form, None for any other."""
    if document.keys() != {"schema", "inputs", "output", "seconds", "record", "sha256"}:
        return None
    entry = Entry(*(document[key] for key in ("inputs", "output", "seconds", "record")))
    fits = (
        document["schema"] == SCHEMA
        and isinstance(entry.inputs, dict)
        and all(isinstance(value, str) for value in entry.inputs.values())
        and (entry.output is None or _is_sha256(entry.output))
        and isinstance(entry.seconds, float)
        and isinstance(entry.record, dict)
    )
    return entry if fits else None


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


# -- what changed ------------------------------------------------------------------------------


def _cells_changed(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """Compare code cells by id: one cell put in renumbers the others and changes none."""
    before, after = _cells(then), _cells(now)
    reasons = []
    for name, (label, value) in after.items():
        if name not in before:
            reasons.append(f"{label} added")
        elif before[name][1] != value:
            reasons.append(f"{label} changed")
    reasons += [f"{label} removed" for name, (label, _) in before.items() if name not in after]
    if [name for name in before if name in after] != [name for name in after if name in before]:
        reasons.append("the order of the cells changed")
    return reasons


def _cells(inputs: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return label and hash of each code cell by its id, in the order of the notebook."""
    found = []
    for label, value in inputs.items():
        if cell := CELL.fullmatch(label):
            found.append((int(cell[1]), cell[2] or cell[1], label, value))
    return {name: (label, value) for _, name, label, value in sorted(found)}


def _others_changed(job: Job, then: dict[str, str], now: dict[str, str]) -> list[str]:
    """Compare all that is not a code cell."""
    through: dict[str, str] | None = None
    reasons = []
    for label in dict.fromkeys([*now, *then]):
        if CELL.fullmatch(label) or then.get(label) == now.get(label):
            continue
        if label.startswith(PYTHON):
            reasons += [f"{label} changed to {_python(now)}"] if label in then else []
            continue
        word = "removed" if label not in now else "changed" if label in then else "added"
        if label.startswith(SOURCE) and through is None:
            through = reach(job)
        importer = (through or {}).get(label, "")
        reasons.append(f"{label} {word}{f' (through {importer})' if importer else ''}")
    return reasons


def _python(inputs: dict[str, str]) -> str:
    return next((value for label, value in inputs.items() if label.startswith(PYTHON)), "another")


def _notebook_changed(job: Job, entry: Entry) -> list[str]:
    """Compare the stored notebook with what came out of the run."""
    if entry.output is None:
        return ["only the record was kept"]
    try:
        found = hashlib.sha256(job.output.read_bytes()).hexdigest()
    except OSError:
        return ["the stored notebook is missing"]
    return [] if found == entry.output else ["the stored notebook was changed by hand"]
