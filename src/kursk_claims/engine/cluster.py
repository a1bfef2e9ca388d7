"""The same runs on a Dask cluster that exists already; Dask does the scheduling.

Every machine of the cluster has a checkout of its own. What is sent is which claim to run and the
hashes of all that could change the result (see `inputs`); a worker whose checkout gives other
hashes refuses. What comes back is the record and the bytes of the notebook.

`distributed` is an optional extra and is imported only when a batch is sent.
"""

import logging
import re
import tempfile
import threading
from asyncio import CancelledError as AsyncioCancelledError
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kursk_claims.engine.inputs import NONE, inputs
from kursk_claims.engine.jobs import KERNEL, Job, remove_parts
from kursk_claims.engine.outcome import Failure, Outcome
from kursk_claims.errors import KurskError, RunError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.whole import write_whole

SCHEMES = ("tcp", "tls")
CONNECT_S = 5
"""Seconds until a scheduler that does not answer, or a cluster without workers, is given up."""
RETRIES = 2
"""How often a worker's own error (a full disk, say) is tried again; a failing cell never is."""
CELLS = re.compile("cell [0-9]|text cells|kernel and cell tags")
"""Names of inputs that are parts of the notebook."""
MOST_NAMED = 3

Execute = Callable[[Job], Outcome]
Order = tuple[str, dict[str, Any], str, dict[str, str], str]
"""The arguments of `work`."""
Result = tuple[dict[str, Any] | None, float, tuple[str, str, str, tuple[str, ...]] | None, bytes]
"""Record, seconds, the fields of a failure, and the notebook: plain values, for any checkout."""


def send(
    jobs: Sequence[Job], one: Callable[[Job, Execute], Outcome], address: str, kernel: str
) -> dict[Job, Outcome]:
    """Run jobs on the workers of a Dask cluster.

    Parameters
    ----------
    jobs : sequence of Job
        What to run; planned from this checkout.
    one : callable
        Is called once a job, in a thread, with the job and with what waits for its outcome.
    address : str
        Where the scheduler listens, ``tcp://host:port``.
    kernel : str
        Name of the kernelspec on the workers.

    Raises
    ------
    RunError
        If the address is wrong, nothing answers there, there are no workers, the scheduler is
        lost in mid-run, or Dask is not installed.
    """
    _check(address)
    if not jobs:
        return {}
    registry = load_registry()
    orders = {job: _order(job, inputs(job, registry), kernel) for job in jobs}
    with _connected(address) as client:
        return _share_out(client, address, orders, one)


# -- here --------------------------------------------------------------------------------------


def _check(address: str) -> None:
    try:
        parts = urlsplit(address)
        good = parts.scheme in SCHEMES and parts.hostname and parts.port
        good = good and address == f"{parts.scheme}://{parts.netloc}"
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise RunError(
            f"'{address}' is not the address of a Dask scheduler; "
            "write tcp://host:port, such as tcp://127.0.0.1:8786"
        )


def _order(job: Job, current_inputs: dict[str, str], kernel: str) -> Order:
    name = job.notebook.relative_to(root()).as_posix()
    return job.claim, dict(job.parameters), name, current_inputs, kernel


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Connect to a cluster that has at least one worker."""
    try:
        from distributed import Client
    except ImportError:
        raise RunError(
            "a cluster needs Dask, which is not installed: pip install kursk-claims[cluster]"
        ) from None
    with _hushed():
        try:
            make = partial(Client, address, timeout=CONNECT_S, set_as_default=False)
            client: Any = _in_time(make, CONNECT_S + 2)
        except Exception as error:
            raise RunError(_no_scheduler(address, error)) from None
        with client:
            try:
                client.wait_for_workers(1, timeout=CONNECT_S)
            except TimeoutError:
                raise RunError(
                    f"the Dask scheduler at {address} has no workers; "
                    f"start one with: dask worker {address}"
                ) from None
            yield client


def _in_time(call: Callable[[], Any], seconds: float) -> Any:
    """Call something; raise TimeoutError when it takes longer.

    Dask's own time-out does not hold once a port is open: it waits for a greeting for ever.
    """
    future: Future[Any] = Future()

    def wait_for_it() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=wait_for_it, daemon=True).start()
    return future.result(seconds)


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask's log off the terminal: what matters is told by an outcome or an error."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _no_scheduler(address: str, error: Exception) -> str:
    start = f"no Dask scheduler at {address}; start one with: dask scheduler"
    if isinstance(error, OSError):  # refused, silent, or no such host
        return start
    return f"{start}\n({_in_one_line(error)})"


def _share_out(
    client: Any,
    address: str,
    orders: Mapping[Job, Order],
    one: Callable[[Job, Execute], Outcome],
) -> dict[Job, Outcome]:
    """Keep as many jobs on the cluster as it has threads, and hear of each in a thread here.

    All jobs at once would put several on a worker, and one that kills the worker would take the
    blameless beside it along: Dask counts a lost worker against all that was assigned to it.
    """
    waiting = deque(orders)
    running: dict[Future[Outcome], tuple[Job, Any]] = {}
    outcomes: dict[Job, Outcome] = {}
    with ThreadPoolExecutor(len(orders)) as pool:  # starts only the threads that it needs
        try:
            while waiting or running:
                room = _threads(client, address) - len(running)
                for _ in range(min(room, len(waiting))):
                    job = waiting.popleft()
                    task = client.submit(work, *orders[job], pure=False, retries=RETRIES)
                    heard = partial(_outcome, task=task, address=address)
                    running[pool.submit(one, job, heard)] = job, task
                # Not longer than a second: workers may have come.
                for ended in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                    job, _ = running.pop(ended)
                    outcomes[job] = ended.result()
        except BaseException:
            with suppress(Exception):  # the cluster may be what went wrong
                client.cancel([task for _, task in running.values()], force=True)
            client.close()  # lets go of whatever a thread still waits for
            raise
    return outcomes


def _threads(client: Any, address: str) -> int:
    """Return how many jobs the cluster can run now; one waits in its queue if it has no worker."""
    try:
        threads: dict[str, int] = client.nthreads()
    except Exception:
        raise RunError(_lost(address)) from None
    return max(1, sum(threads.values()))


def _outcome(job: Job, task: Any, address: str) -> Outcome:
    """Wait for what a worker returns, and put the notebook in its place."""
    from distributed.scheduler import KilledWorker

    try:
        record, seconds, failure, notebook = task.result()
    except KilledWorker as error:
        count, last = error.allowed_failures + 1, error.last_worker.address
        words = f"{count} workers died while they ran it, the last one at {last}"
        return Outcome(job, 0.0, None, Failure("lost worker", "", words))
    except (CancelledError, AsyncioCancelledError):
        raise RunError(_lost(address)) from None
    except Exception as error:
        if task.client.status != "running":
            raise RunError(_lost(address)) from None
        words = f"on the cluster: {_in_one_line(error)}"
        return Outcome(job, 0.0, None, Failure("engine", "", words))
    place = job.output if failure is None else job.output.with_suffix(".failed.ipynb")
    if notebook:
        remove_parts([place])
        write_whole(place, notebook)
    return Outcome(job, seconds, record, Failure(*failure) if failure else None)


def _lost(address: str) -> str:
    return f"the Dask scheduler at {address} was lost; what ran is kept, so run it again"


def _in_one_line(error: BaseException) -> str:
    """Say the first cause of an error: Dask wraps what went wrong far away."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


# -- on a worker -------------------------------------------------------------------------------


def work(
    claim: str,
    parameters: dict[str, Any],
    notebook_name: str,
    inputs_of_the_sender: dict[str, str],
    kernel: str,
) -> Result:
    """Run a job from the worker's own checkout, unless it differs from the sender's.

    Parameters
    ----------
    notebook_name : str
        The notebook, relative to the checkout.
    inputs_of_the_sender : dict
        What the result depends on, as the sender has it.
    """
    from distributed import get_worker

    worker = get_worker()
    # A worker that is killed leaves its folder behind, which Dask removes when it starts anew.
    with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
        try:
            job = Job(claim, root() / notebook_name, parameters, Path(folder) / "run.ipynb")
            ours = inputs(job, load_registry())
            reason = _difference(inputs_of_the_sender, ours, notebook_name)
        except KurskError as error:  # the registry of this checkout is of no use
            reason = f"a broken checkout: {error}"
        if reason:
            words = f"worker {worker.address} has {reason}"
            return None, 0.0, ("other checkout", "", words, ()), b""
        return _run(job, kernel, worker)


def _difference(theirs: dict[str, str], ours: dict[str, str], notebook_name: str) -> str:
    """Say what this checkout has that the sender's has not; empty when they are the same."""
    words: dict[str, None] = {}
    for label in dict.fromkeys([*theirs, *ours]):
        here, there = (found.get(label, NONE) for found in (ours, theirs))
        if here != there:
            which = "no" if here == NONE else "an additional" if there == NONE else "another"
            words[f"another {notebook_name}" if CELLS.match(label) else f"{which} {label}"] = None
    named = ", ".join(list(words)[:MOST_NAMED])
    return f"{named} and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else named


def _run(job: Job, kernel: str, worker: Any) -> Result:
    """Run a job in a kernel of this worker's."""
    from kursk_claims.engine import kernels, warm

    kernels.cap_threads()
    if kernel == KERNEL:
        warm.start()  # imports the stack while we import Papermill
    from kursk_claims.engine.execute import execute

    outcome = execute(job, kernel, on_cell=_stop_when_cancelled(worker))
    places = (job.output, job.output.with_suffix(".failed.ipynb"))
    notebook = next((place.read_bytes() for place in places if place.exists()), b"")
    failure = outcome.failure
    fields = (failure.kind, failure.cell, failure.message, failure.frames) if failure else None
    return outcome.record, outcome.seconds, fields, notebook


def _stop_when_cancelled(worker: Any) -> Callable[[int, int, str], None]:
    """Return what ends a run at its next cell once nobody waits for it any more.

    Dask does not end the thread of a task that was cancelled or whose client is gone, nor that of
    a worker that closes.
    """
    key = worker.get_current_task()

    def on_cell(number: int, total: int, name: str) -> None:
        task = worker.state.tasks.get(key)
        closing = worker.status.name in ("closing", "closed")
        if closing or task is None or task.state == "cancelled":
            raise RunError("nobody waits for this run any more")

    return on_cell
