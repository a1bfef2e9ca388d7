"""What the tests of processes share."""

import time
from collections.abc import Callable
from pathlib import Path

SMALL = {"KURSK_WARM_MODULES": "ipykernel.kernelapp,kursk_claims.engine.warm"}
"""Environment of a fork server that starts in half a second, for kernels that compute nothing."""


def until(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Wait for a condition; say whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
