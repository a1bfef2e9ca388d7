"""A pytest plugin: the workers of one test run fork their kernels from one warm server.

``pytest -p kursk_claims.engine.sharing --nbval notebooks --nbval-kernel-name kursk-warm -n 2``
starts it first of all, so that it imports the stack while pytest and its workers still start.
"""

from typing import Any

from kursk_claims.engine import warm


def pytest_configure(config: Any) -> None:
    """Start the server in the process that starts the workers; they find it by themselves."""
    if not hasattr(config, "workerinput"):
        warm.share()
