"""Jobs: which notebook runs with which parameters, and where its result goes."""

import hashlib
import json
import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kursk_claims.errors import RegistryError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import ClaimEntry, Registry

KERNEL = "kursk-warm"
"""The kernelspec that runs are made with, unless told otherwise."""


@dataclass(frozen=True)
class Job:
    """One run of one notebook.

    ``parameters`` is what Papermill gets; an empty mapping runs the notebook as committed.
    """

    claim: str
    notebook: Path
    parameters: Mapping[str, Any] = field(hash=False)
    output: Path

    @property
    def as_of(self) -> str:
        """The day whose knowledge counts; empty for the notebook's own default."""
        return str(self.parameters.get("as_of", ""))

    @property
    def label(self) -> str:
        """Claim, day and whatever else was chosen, on one line."""
        chosen = [f"{k}={v}" for k, v in self.parameters.items() if k != "as_of"]
        return " ".join([self.claim, self.as_of or "committed", *chosen])

    @property
    def command(self) -> str:
        """The command that repeats this run with Papermill alone."""
        given = [word for k, v in self.parameters.items() for word in ("-p", k, str(v))]
        notebook = str(self.notebook.relative_to(root()))
        return shlex.join(["papermill", notebook, "out.ipynb", *given])


def runs_dir() -> Path:
    """Return the folder of executed notebooks, outside git."""
    return root() / ".cache" / "runs"


def plan(
    registry: Registry,
    claims: Iterable[str],
    dates: Iterable[str],
    parameters: Mapping[str, Any] | None = None,
) -> list[Job]:
    """Return one job per claim and date, in that order.

    Raises
    ------
    RegistryError
        If a claim is unknown or has no notebook yet.
    ParameterError
        If a parameter is unknown to a claim or does not fit.
    """
    entries = [_ready(registry, claim) for claim in claims]
    return [_job(entry, {**(parameters or {}), "as_of": day}) for entry in entries for day in dates]


def committed(entry: ClaimEntry) -> Job:
    """Return the job that runs a claim's notebook as committed."""
    path = root() / entry.notebook
    return Job(entry.id, path, {}, runs_dir() / entry.id / "committed.ipynb")


def start_page() -> Job:
    """Return the job that runs the start page: it reads results and has no record of its own."""
    path = root() / "notebooks" / "00_start_here.ipynb"
    return Job("start", path, {}, runs_dir() / "start" / "committed.ipynb")


def remove_parts(outputs: Iterable[Path]) -> None:
    """Remove what runners that were killed left of some runs: notebooks, entries, half written."""
    stems = defaultdict(set)
    for output in outputs:
        stems[output.parent].add(output.stem)
    for folder, own in stems.items():
        for left in folder.glob("*.part*"):
            if left.name.lstrip(".").split(".")[0] in own:
                _remove_unless_at_work(left)


def _remove_unless_at_work(left: Path) -> None:
    try:
        os.kill(int(left.name.split(".")[-3]), 0)
    except ProcessLookupError:
        left.unlink(missing_ok=True)
    except (ValueError, OSError):  # not ours, or at work for somebody else
        return


def _ready(registry: Registry, claim: str) -> ClaimEntry:
    entry = registry[claim]
    if entry.status != "ready":
        raise RegistryError(f"{claim} is {entry.status}: it has no notebook yet")
    return entry


def _job(entry: ClaimEntry, given: Mapping[str, Any]) -> Job:
    checked = entry.check(dict(given))
    parameters = {name: checked[name] for name in given}
    changed = {name: value for name, value in parameters.items() if name != "as_of"}
    text = json.dumps(changed, sort_keys=True)
    suffix = f"_{hashlib.sha256(text.encode()).hexdigest()[:8]}" if changed else ""
    output = runs_dir() / entry.id / f"{checked['as_of']}{suffix}.ipynb"
    return Job(entry.id, root() / entry.notebook, parameters, output)
