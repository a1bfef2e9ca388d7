"""YAML documents checked against a JSON Schema (draft 7).

fastjsonschema, which Jupyter brings along, is used because importing jsonschema costs more than a
second wherever Jupyter is installed, in every kernel and every command.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import fastjsonschema
import yaml


class DocumentError(ValueError):
    """What is wrong with a document, and where in it, in one line."""


def read_yaml(text: str, schema: str) -> Any:
    """Return a YAML document that satisfies a schema given as JSON text; empty text is null.

    Raises
    ------
    DocumentError
        If the text is not YAML, holds a tag, or breaks the schema.
    """
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML ({' '.join(str(error).split())})") from None
    check(document, schema)
    return document


def check(document: Any, schema: str) -> None:
    """Raise DocumentError unless a document satisfies a schema given as JSON text."""
    try:
        _validator(schema)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        place = "/".join(str(part) for part in error.path[1:])
        words = error.message.removeprefix(f"{error.name} ")[:200]
        raise DocumentError(f"{place}: {words} ({str(error.value)[:80]!r})") from None


@lru_cache(maxsize=8)
def _validator(schema: str) -> Callable[[Any], Any]:
    compiled: Callable[[Any], Any] = fastjsonschema.compile(json.loads(schema), use_default=False)
    return compiled
