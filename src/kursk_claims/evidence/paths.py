"""Where the collection lives on disk."""

import os
from pathlib import Path

from kursk_claims.errors import RegistryError

MARKER = "data/claims.yaml"
VARIABLE = "KURSK_CLAIMS_ROOT"


def root() -> Path:
    """Return the top folder of the collection.

    It is the nearest folder above this file that holds ``data/claims.yaml``; the
    environment variable ``KURSK_CLAIMS_ROOT`` overrides it.

    Raises
    ------
    RegistryError
        If no such folder exists.
    """
    named = os.environ.get(VARIABLE)
    candidates = [Path(named)] if named else list(Path(__file__).resolve().parents)
    for folder in candidates:
        if (folder / MARKER).is_file():
            return folder
    raise RegistryError(
        f"no {MARKER} found above {candidates[0]}.\n"
        f"Install the checkout with 'make', or set {VARIABLE} to its folder."
    )


def data_dir() -> Path:
    """Return the ``data`` folder of the collection."""
    return root() / "data"
