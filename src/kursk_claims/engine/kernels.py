"""Kernels for batch runs: sockets of their own instead of ports that two kernels may both pick."""

import contextlib
import multiprocessing.util
import os
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")


def cap_threads() -> None:
    """Let each kernel started from here use one thread of algebra: the cores are for kernels."""
    for library in THREADS:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def do_without_home() -> None:
    """Let kernels started from here do without a home folder, where there is none to write to.

    IPython would leave a temporary folder a kernel behind, and Matplotlib complain in the notebook.
    """
    if not os.access(Path("~").expanduser(), os.W_OK):
        folder = Path(multiprocessing.util.get_temp_dir())
        for name in ("IPYTHONDIR", "MPLCONFIGDIR"):
            os.environ.setdefault(name, str(folder / name.lower()))


_living: "weakref.WeakSet[Any]" = weakref.WeakSet()


def remember(process: Any) -> None:
    """Keep a kernel's process in mind for `kill_all`."""
    _living.add(process)


def kill_all() -> None:
    """End every kernel that this process started."""
    for process in list(_living):
        with contextlib.suppress(OSError):
            process.kill()


class LocalKernelManager(AsyncKernelManager):
    """A kernel manager whose kernels talk over Unix sockets in a private folder.

    jupyter_client picks free TCP ports and releases them before the kernel binds them, so that
    parallel starts can collide. Where there are no Unix sockets, the ordinary transport is kept.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._folder: Path | None = None

    def _use_sockets(self) -> None:
        if os.name == "posix" and self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kursk-"))  # readable by the user alone
            self.transport = "ipc"
            self.ip = str(self._folder / "k")
            self.connection_file = str(self._folder / "connection.json")

    async def _async_start_kernel(self, **options: Any) -> None:
        # What a kernel prints on its own stderr (notes on its transport) is not for our terminal;
        # what a cell prints travels over the sockets.
        self._use_sockets()
        try:
            await super()._async_start_kernel(**{"stderr": subprocess.DEVNULL, **options})
        except BaseException:
            await self._async_cleanup_resources()
            raise
        remember(getattr(self.provisioner, "process", None))

    start_kernel = _async_start_kernel

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources
