"""Warm kernels: forked from a process that has imported the stack already.

Importing pandas, seaborn and their like costs seconds in every new kernel. A fork server of the
standard library imports them once (`kursk_claims.engine.preload`); a kernel is then a fork of it,
in milliseconds, and still a process of its own. Jupyter finds it as a kernel provisioner (entry
point ``jupyter_client.kernel_provisioners``) through the kernelspec ``kursk-warm``, so that
Papermill, nbval and nbconvert can all name it. Where forking is not safe, an ordinary kernel is
started.
"""

import multiprocessing.forkserver
import multiprocessing.util
import os
import pickle
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from kursk_claims.engine.kernels import cap_threads, do_without_home, remember

LAUNCHER = "ipykernel_launcher"

SHARED = "KURSK_WARM_SERVER"
"""Names the variable that holds the socket of a server which another process started."""
FOLDER = "KURSK_WARM_FOLDER"
"""Names the variable that tells a server the folder of its socket.

In the end it removes that one, and those of the kernels, which are named after it: whoever asked
for a kernel may be killed before there is one.
"""


NAMES = ("SIGHUP", "SIGINT", "SIGTERM")
FOR_THE_GROUP = {getattr(signal, name) for name in NAMES if hasattr(signal, name)}
"""What a terminal, or who starts us, sends to all processes of a group at once."""


class Server(multiprocessing.forkserver.ForkServer):
    """A fork server of this process's own, or the one that the environment names."""

    def ensure_running(self) -> None:
        """Start the server, unless there is one."""
        shared = os.environ.get(SHARED, "")
        if not Path(shared).is_socket():
            os.environ[FOLDER] = multiprocessing.util.get_temp_dir()
            do_without_home()
            with _deaf():
                return super().ensure_running()
        resource_tracker.ensure_running()
        self._forkserver_address = shared
        # Who started the server keeps it alive; a descriptor has to be sent all the same.
        if getattr(self, "_forkserver_alive_fd", None) is None:
            self._forkserver_alive_fd = os.open(os.devnull, os.O_WRONLY)
        return None

    def share(self) -> None:
        """Let the processes that this one starts fork from its server."""
        self.ensure_running()
        os.environ[SHARED] = str(self._forkserver_address)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start a process that is not reached by what is meant for the runner's group.

    While Python starts there, Ctrl-C would show a traceback, and the end of the runner would leave
    nobody to tidy up. The process inherits the mask, so a kernel must open its ears again.
    """
    resource_tracker.ensure_running()  # it would end this when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_GROUP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_server = Server()
_server.set_forkserver_preload(["kursk_claims.engine.preload"])


def is_safe() -> bool:
    """Return whether a kernel may be forked here: Linux alone; elsewhere libraries forbid it."""
    return sys.platform == "linux"


def start() -> None:
    """Start the fork server now, so that it imports while this process does something else."""
    if is_safe():
        cap_threads()
        _server.ensure_running()


def share() -> None:
    """Start the fork server now, for this process and those that it starts."""
    if is_safe():
        cap_threads()
        _server.share()


def _private_folder() -> Path:
    """Make a folder for a kernel's sockets that the server of this process knows by its name."""
    folder = Path(multiprocessing.util.get_temp_dir())
    prefix = f"kursk-{folder.name.removeprefix('pymp-')}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))


@dataclass
class ForkedKernel:
    """What is sent to the fork server; it runs there, in the new process.

    The fork server's child unpickles this object and calls `_bootstrap`.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    log: str | None
    own_files: list[str] = field(default_factory=list)
    shared_files: list[str] = field(default_factory=list)

    def _bootstrap(self, parent_sentinel: int) -> int:
        """Become a kernel like one that was started by name."""
        os.setsid()  # Ctrl-C in a terminal is for the runner; signals reach the kernel's group
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_THE_GROUP)
        _redirect(self.log)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        _forget_the_server()
        watch = threading.Thread(target=self._end_with, args=(parent_sentinel,), daemon=True)
        watch.start()
        from ipykernel import kernelapp

        kernelapp.launch_new_instance(argv=self.arguments)
        return 0

    def _end_with(self, parent_sentinel: int) -> None:
        """End when the process that asked for this kernel is gone, even by kill -9, or says so."""
        select.select([parent_sentinel], [], [])
        is_gone = not os.read(parent_sentinel, 1)
        for name in [*self.own_files, *(self.shared_files if is_gone else [])]:
            shutil.rmtree(name, ignore_errors=True)
        os._exit(1)


def _redirect(log: str | None) -> None:
    """Send what is written to the bare descriptors to a file; cells use the sockets."""
    descriptor = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _forget_the_server() -> None:
    """Make what a fork shares with its siblings its own: path, arguments, modules, randomness."""
    from kursk_claims.engine import preload  # which the server has imported

    preload.forget_what_changed()
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(Path.cwd()))]
    launcher = next((p for e in sys.path if (p := Path(e) / f"{LAUNCHER}.py").is_file()), None)
    sys.argv = [str(launcher or LAUNCHER)]
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


class ForkedProcess:
    """The fork, seen from here; has what jupyter_client uses of ``subprocess.Popen``."""

    stdin = stdout = stderr = None

    pid: int

    def __init__(self, kernel: ForkedKernel) -> None:
        for pause_s in (0.1, 1.0):
            try:
                self._fork(kernel)
                break
            except (OSError, EOFError):  # the server was killed; once it is gone, another starts
                time.sleep(pause_s)
        else:
            self._fork(kernel)
        self.returncode: int | None = None
        self._one_reader = threading.Lock()  # Ctrl-C polls from another thread than the run's own

    def _fork(self, kernel: ForkedKernel) -> None:
        self._status, data = _server.connect_to_new_process([])
        self._alive = os.dup(data)  # closed with us, however we end: the kernel watches it
        try:
            with os.fdopen(data, "wb") as pipe:
                pickle.dump({}, pipe)  # no preparation: nothing of this process is brought along
                pickle.dump(kernel, pipe)
            self.pid = multiprocessing.forkserver.read_signed(self._status)
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        """Let the kernel end, should it still run, and leave us what it shares with others."""
        with suppress(OSError):  # it has ended
            os.write(self._alive, b".")
        os.close(self._alive)
        os.close(self._status)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs; minus the signal when one ended it."""
        with self._one_reader:
            if self.returncode is None and select.select([self._status], [], [], 0)[0]:
                try:
                    self.returncode = multiprocessing.forkserver.read_signed(self._status)
                except (OSError, EOFError):  # the fork server is gone; its kernels end with us
                    self.returncode = -signal.SIGKILL
                self._let_go()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end and return the exit code; None when the time is over before."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None and (until is None or time.monotonic() < until):
            select.select([self._status], [], [], 0.1)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended already."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the warm server, on sockets of its own in a private folder."""

    _private: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Give the kernel unique socket names before its connection file is written."""
        manager = self.parent
        if os.name == "posix" and manager is not None and manager.transport == "tcp":
            self._private = _private_folder()
            manager.transport, manager.ip = "ipc", str(self._private / "k")
            manager.connection_file = str(self._private / "connection.json")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; start an ordinary one where that is not safe or not ours."""
        if not is_safe() or cmd[1:3] != ["-m", LAUNCHER]:
            return await super().launch_kernel(cmd, **kwargs)
        private = [str(self._private)] if self._private else []
        sockets = multiprocessing.util.get_temp_dir()  # of this process, where its server listens
        process = ForkedProcess(
            ForkedKernel(
                arguments=cmd[3:],
                environment=dict(kwargs.get("env") or os.environ),
                folder=str(kwargs.get("cwd") or Path.cwd()),
                log=str(self._private / "kernel.log") if self._private else None,
                own_files=private,
                shared_files=[sockets],
            )
        )
        self.process = process  # type: ignore[assignment]  # it has what is used of Popen
        self.pid = self.pgid = process.pid
        remember(process)
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the private folder once the kernel is not coming back."""
        await super().cleanup(restart=restart)
        if self._private is not None and not restart:
            shutil.rmtree(self._private, ignore_errors=True)
