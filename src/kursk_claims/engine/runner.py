"""Many runs side by side; each in a kernel of its own."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from kursk_claims.engine.execute import Outcome, execute
from kursk_claims.engine.jobs import Job
from kursk_claims.engine.kernels import kill_all
from kursk_claims.engine.warm import KERNEL, start


def default_workers() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    jobs: Sequence[Job],
    workers: int | None = None,
    on_done: Callable[[Outcome], None] | None = None,
    kernel: str = KERNEL,
) -> list[Outcome]:
    """Run jobs side by side and return their outcomes in the order of the jobs.

    One job failing does not stop the others. Threads suffice: the work is done in the kernels.

    Parameters
    ----------
    on_done : callable, optional
        Called with each outcome as it comes, from one thread at a time.
    """
    if kernel == KERNEL:
        start()

    def one(job: Job) -> Outcome:
        outcome = execute(job, kernel)
        if on_done:
            on_done(outcome)
        return outcome

    with ThreadPoolExecutor(workers or default_workers()) as pool:
        futures = [pool.submit(one, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:  # Ctrl-C: start nothing more, and end what runs
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                kill_all()
                time.sleep(0.1)
            raise
