"""A run needs no network: it comes to its end where there is none, not even loopback."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kursk_claims.evidence.paths import root

ALONE = ("unshare", "--map-root-user", "--net", "--")
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9))"


def alone(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a network namespace of its own, in which even loopback is down."""
    return subprocess.run(
        [*ALONE, *command], cwd=root(), capture_output=True, text=True, check=False
    )


@pytest.fixture(autouse=True)
def cut_off() -> None:
    if not shutil.which("unshare") or alone("true").returncode != 0:
        pytest.skip("a network namespace of its own is not permitted here (unshare)")
    assert "Network is unreachable" in alone(sys.executable, "-c", CONNECT).stderr


@pytest.mark.parametrize("kernel", ["kursk-warm", "python3"])
def test_a_claim_runs_without_a_network(kernel: str) -> None:
    kursk = Path(sys.executable).with_name("kursk")
    done = alone(kursk, "run", "c03", "--anew", "--kernel", kernel)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "c03" in done.stdout + done.stderr
