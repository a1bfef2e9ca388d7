"""What a warm kernel has imported before it is asked for anything: the one list.

The fork server imports this module once; every kernel forked from it starts with the work done.
Only other people's packages are listed: this project's own modules set options and must see them
set in each kernel, and are quick to import.
"""

import atexit
import builtins
import contextlib
import gc
import importlib
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
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


def load() -> None:
    """Import the list and fill the caches that a first figure and a first table fill."""
    runner = os.getppid()
    with _as_in_a_kernel():
        for name in MODULES:
            if os.getppid() != runner:  # it is gone, and nobody will ask for a kernel
                raise SystemExit
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        with contextlib.suppress(ImportError):
            _use_once()
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
