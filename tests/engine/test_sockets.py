"""Kernels obey whoever reaches their sockets: that is the user alone, whatever the umask."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE, S_ISSOCK

import pytest
from jupyter_client.manager import AsyncKernelManager

from kursk_claims.engine import warm
from kursk_claims.engine.jobs import KERNEL
from kursk_claims.engine.kernels import LocalKernelManager

MANAGERS = {KERNEL: AsyncKernelManager, "python3": LocalKernelManager}


@pytest.fixture
def generous() -> Iterator[None]:
    """Give away all rights to new files, as a careless shell does."""
    before = os.umask(0)
    yield
    os.umask(before)


def private(folder: Path) -> bool:
    found = folder.lstat()
    return not S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.geteuid()


@pytest.mark.usefixtures("generous")
@pytest.mark.parametrize("kind", MANAGERS)
def test_the_sockets_of_a_kernel_lie_in_a_private_folder(kind: str) -> None:
    async def look() -> None:
        manager = MANAGERS[kind](kernel_name=kind)
        await manager.start_kernel()
        try:
            client = manager.client()
            client.start_channels()
            await client.wait_for_ready(timeout=60)
            client.stop_channels()
            folder = Path(manager.ip).parent
            assert manager.transport == "ipc" and private(folder)
            found = [path for path in folder.iterdir() if S_ISSOCK(path.lstat().st_mode)]
            assert len(found) == 5
            assert S_IMODE(Path(manager.connection_file).stat().st_mode) == 0o600
        finally:
            await manager.shutdown_kernel(now=True)
        assert not folder.exists()

    asyncio.run(look())


@pytest.mark.usefixtures("generous")
@pytest.mark.skipif(not warm.is_safe(), reason="no fork server here")
def test_the_fork_server_listens_in_a_private_folder() -> None:
    warm.start()
    address = Path(str(warm._server._forkserver_address))
    assert S_ISSOCK(address.lstat().st_mode)
    assert private(address.parent)
