"""Many runs side by side; each in a kernel of its own."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from kursk_claims.engine.execute import Outcome, execute
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.kernels import cap_threads


def default_workers() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    jobs: Sequence[Job],
    workers: int | None = None,
    on_done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run jobs side by side and return their outcomes in the order of the jobs.

    One job failing does not stop the others. Threads suffice: the work is done in the kernels.

    Parameters
    ----------
    on_done : callable, optional
        Called with each outcome as it comes, from one thread at a time.
    """
    cap_threads()

    def one(job: Job) -> Outcome:
        outcome = execute(job)
        if on_done:
            on_done(outcome)
        return outcome

    with ThreadPoolExecutor(workers or default_workers()) as pool:
        return list(pool.map(one, jobs))
