"""What a warm kernel has imported before it is asked for anything: the one list.

The fork server imports this module once; every kernel forked from it starts with the work done.
Of this project's own modules it holds those that set no options: a kernel must be in the state of a
fresh one, whatever its notebook then imports.
"""

import atexit
import builtins
import contextlib
import gc
import importlib
import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace

# ipykernel sets this before a notebook can import matplotlib; matplotlib reads it on import.
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
# The debugger would note on the terminal that modules are frozen; this process debugs nothing, and
# a kernel gets an environment of its own.
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.display_functions",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "sqlite3",
    "tornado.platform.asyncio",
    "fastjsonschema",
    "yaml",
    "numpy",
    "pandas",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.html",
    "pandera.pandas",
    "pandera.backends.pandas.register",
    "scipy.stats",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.patheffects",
    "seaborn",
    "geopandas",
    "pyproj",
    "shapely",
)
CHOSEN = "KURSK_WARM_MODULES"
"""Names the variable that lists other modules, with commas between: where memory is scarce, or for
kernels that need little. Then nothing else is done ahead."""
OWN = ("kursk_claims.errors", "kursk_claims.evidence", "kursk_claims.analysis")


def load() -> None:
    """Import the list and fill the caches that a first figure and a first table fill."""
    runner, chosen = os.getppid(), os.environ.get(CHOSEN)
    with _as_in_a_kernel():
        for name in MODULES if chosen is None else chosen.split(","):
            if os.getppid() != runner:  # it is gone, and nobody will ask for a kernel
                raise SystemExit
            with contextlib.suppress(ImportError, ValueError):  # the latter for an empty name
                importlib.import_module(name)
        if chosen is None:
            with contextlib.suppress(ImportError):
                _use_once()
                _load_own()
    # What is loaded is shared by all kernels for good: keep the collector from touching the pages.
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _as_in_a_kernel() -> Iterator[None]:
    """Let packages that ask on import whether they are in a kernel hear that they are.

    pandas does: a table in a terminal is as wide as the terminal, one in a kernel is not.
    """
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def _use_once() -> None:
    """Do to nowhere what loads more on its first use: a check, a table, a figure.

    pandera registers its checks then, and matplotlib finds its fonts. No state is left behind.
    """
    import pandas as pd
    import pandera.pandas as pa
    import seaborn as sns
    from matplotlib.figure import Figure

    frame = pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]})
    text = pa.Column("str", [pa.Check(lambda column: column.notna()), pa.Check.isin(["x", "y"])])
    pa.DataFrameSchema({"a": text}).validate(frame[["a"]], lazy=True)
    frame.groupby("a").mean().to_html()
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot([1, 10], [1, 2], label="a")
    sns.stripplot(frame, x="b", y="a", ax=axes)
    axes.set(xscale="log")
    axes.legend()
    figure.suptitle("Title, bold", fontweight="bold", fontfamily="DejaVu Sans")
    figure.savefig(io.BytesIO(), format="png")


def _load_own() -> None:
    """Import this project's own modules, and check the documents whose memos every kernel asks."""
    for name in OWN:
        package = importlib.import_module(name)
        for module in iter_modules(getattr(package, "__path__", ()), f"{name}."):
            importlib.import_module(module.name)
    from kursk_claims.errors import KurskError
    from kursk_claims.evidence.corrections import load_corrections
    from kursk_claims.evidence.registry import load_registry
    from kursk_claims.evidence.schema import load_package

    for read in (load_registry, load_package, load_corrections):
        with contextlib.suppress(KurskError):  # the kernel that needs it will say so
            read()
    _as_read.update(_own_files())
    # What makes a fork a kernel (see `ForkedKernel`): of one piece for all kernels of this server.
    importlib.import_module("kursk_claims.engine.warm")


_as_read: dict[str, tuple[int, int]] = {}
"""Own files to their time and size when they were imported."""


def _own_files() -> dict[str, tuple[int, int]]:
    """Return time and size of the files of the own modules that are imported."""
    modules = [module for name, module in sys.modules.items() if name.startswith(OWN)]
    status = {str(module.__file__): Path(str(module.__file__)).stat() for module in modules}
    return {file: (found.st_mtime_ns, found.st_size) for file, found in status.items()}


def forget_what_changed() -> None:
    """In a kernel: have the own modules imported anew if any was edited, as in a fresh kernel."""
    with contextlib.suppress(OSError):
        if _own_files() == _as_read:
            return
    for name in [name for name in sys.modules if name.startswith(OWN)]:
        del sys.modules[name]


def _outlive_the_runner() -> None:
    """Leave the runner's group: Ctrl-C there, or kill -9, is not for what tidies up behind it."""
    with contextlib.suppress(OSError):  # it leads a group already
        os.setsid()
    atexit.register(_leave_no_folder, os.getpid(), Path(os.environ["KURSK_WARM_FOLDER"]))


def _leave_no_folder(server: int, folder: Path) -> None:
    """Remove the folder of the server's socket and those of the kernels, named after it."""
    if os.getpid() == server:  # a kernel must not
        kernels = folder.parent.glob(f"kursk-{folder.name.removeprefix('pymp-')}-*")
        for path in (folder, *kernels):
            shutil.rmtree(path, ignore_errors=True)


if "KURSK_WARM_FOLDER" in os.environ:
    _outlive_the_runner()
load()
