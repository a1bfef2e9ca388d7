"""What becomes of a job."""

from dataclasses import dataclass
from typing import Any

from kursk_claims.engine.jobs import Job


@dataclass(frozen=True)
class Failure:
    """Why a run did not end.

    ``kind`` is cell, out of memory, dead kernel, time-out, no kernel, no record or engine; on a
    cluster also lost worker and other checkout.
    """

    kind: str
    cell: str
    message: str
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its record, or its failure.

    ``seconds`` is the wall time; of an earlier run when the result is ``cached``.
    """

    job: Job
    seconds: float
    record: dict[str, Any] | None
    failure: Failure | None
    cached: bool = False

    @property
    def report(self) -> str:
        """Say claim, cell, parameters and the command to repeat it; empty when all went well."""
        if self.failure is None:
            return ""
        given = ", ".join(f"{k}={v}" for k, v in self.job.parameters.items()) or "defaults"
        place = f"{self.failure.kind}{self.failure.cell}"
        lines = [f"{self.job.claim} ({given}): {place}: {self.failure.message}"]
        lines += [f"  at {frame}" for frame in self.failure.frames]
        return "\n".join([*lines, f"  repeat with: {self.job.command}"])
