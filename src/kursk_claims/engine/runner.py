"""Many runs side by side, each in a kernel of its own; only what is stale runs.

Nothing heavy is imported before something has to run.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from kursk_claims.engine import cache
from kursk_claims.engine.inputs import inputs
from kursk_claims.engine.jobs import KERNEL, Job, remove_parts
from kursk_claims.engine.outcome import Outcome
from kursk_claims.engine.progress import Progress, QuietProgress, job_key
from kursk_claims.evidence.registry import Registry

Execute = Callable[[Job], Outcome]


def default_workers() -> int:
    """Return how many runs go at a time: one more than the cores that this process may use.

    A third of a second of each run passes in waiting, for its kernel to answer and to be gone.
    """
    allowed = getattr(os, "sched_getaffinity", None)
    return 1 + (len(allowed(0)) if allowed else os.cpu_count() or 1)


def run(
    jobs: Sequence[Job],
    registry: Registry,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    kernel: str = KERNEL,
    anew: bool = False,
    keep_notebooks: bool = True,
    cluster: str | None = None,
) -> list[Outcome]:
    """Run what is stale and return all outcomes in the order of the jobs.

    One job failing does not stop the others. Threads suffice: the work is done in the kernels.

    Parameters
    ----------
    workers : int, optional
        Notebooks at a time; see `default_workers`.
    kernel : str
        Name of the kernelspec.
    anew : bool
        Run everything, whatever the cache holds.
    keep_notebooks : bool
        Keep the executed notebooks, not only their records.
    cluster : str, optional
        Address of a Dask scheduler that the jobs go to, instead of this machine's cores.
    """
    progress = progress or QuietProgress()
    keys = {job: inputs(job, registry) for job in jobs}
    fresh = {} if anew else _from_cache(keys, keep_notebooks)
    remove_parts(job.output for job in fresh)  # the others do it when they run
    stale = [job for job in jobs if job not in fresh]
    progress.planned(jobs, _expected(stale))
    for job, outcome in fresh.items():
        progress.cached(job, str((outcome.record or {}).get("verdict")))

    def one(job: Job, execute: Execute) -> Outcome:
        progress.started(job)
        outcome = execute(job)
        if outcome.record is not None and outcome.failure is None:
            # An edit made while it ran would leave a wrong result under the right key.
            if inputs(job, registry) == keys[job]:
                cache.store(job, keys[job], outcome.record, outcome.seconds, keep_notebooks)
            if not keep_notebooks:
                job.output.unlink(missing_ok=True)
        progress.done(outcome)
        return outcome

    if cluster:
        from kursk_claims.engine.cluster import send

        ran = send(stale, one, cluster, kernel)
    else:
        ran = _side_by_side(stale, one, workers or default_workers(), kernel, progress)
    return [fresh.get(job) or ran[job] for job in jobs]


def _from_cache(keys: dict[Job, dict[str, str]], need_notebook: bool) -> dict[Job, Outcome]:
    """Return the outcomes that are fresh."""
    fresh = {}
    for job, key in keys.items():
        if not cache.stale_because(job, key, need_notebook):
            entry = cache.load(job)
            if entry is not None:
                fresh[job] = Outcome(job, entry.seconds, entry.record, None, cached=True)
    return fresh


def _expected(jobs: Sequence[Job]) -> dict[tuple[str, str], float]:
    """Return how long each job took the last time, where that is known."""
    known = {job: cache.load(job) for job in jobs}
    return {job_key(job): entry.seconds for job, entry in known.items() if entry is not None}


def _side_by_side(
    jobs: Sequence[Job],
    one: Callable[[Job, Execute], Outcome],
    workers: int,
    kernel: str,
    progress: Progress,
) -> dict[Job, Outcome]:
    """Run the jobs in threads; on Ctrl-C start nothing more and end what runs."""
    if not jobs:
        return {}
    from kursk_claims.engine import kernels, warm

    kernels.do_without_home()
    if kernel == KERNEL:
        warm.start()  # imports the stack while we import Papermill
    from kursk_claims.engine.execute import execute

    with ThreadPoolExecutor(workers) as pool:
        futures: dict[Job, Future[Outcome]] = {}
        for job in jobs:
            at_work = partial(execute, kernel=kernel, on_cell=partial(progress.cell, job))
            futures[job] = pool.submit(one, job, at_work)
        try:
            return {job: future.result() for job, future in futures.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures.values()):
                with suppress(KeyboardInterrupt):  # a second one must not leave a kernel at work
                    kernels.kill_all()
                    time.sleep(0.1)
            raise
