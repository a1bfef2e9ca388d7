"""A stored notebook, checked as far as the collection looks at it."""

from importlib.resources import files
from typing import Any

from kursk_claims.evidence.documents import read_json


def notebook_of(source: bytes) -> dict[str, Any]:
    """Return a notebook from its bytes.

    nbformat would do the same, but takes two seconds to import. What Jupyter stores as lists of
    lines is joined.

    Raises
    ------
    DocumentError
        If it is not JSON, or not a notebook of format 4 with outputs as Jupyter writes them.
    """
    schema = files(__package__).joinpath("notebook.schema.json").read_text("utf-8")
    notebook: dict[str, Any] = read_json(source, schema)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", ()):
            if "text" in output:
                output["text"] = "".join(output["text"])
            for mime, value in output.get("data", {}).items():
                if mime.startswith(("text/", "image/")):
                    output["data"][mime] = "".join(value)
    return notebook
