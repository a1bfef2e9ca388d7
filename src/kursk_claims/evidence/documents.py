"""YAML and JSON documents, read strictly and checked against a JSON Schema (draft 7).

fastjsonschema, which Jupyter brings along, is used because importing jsonschema costs more than a
second wherever Jupyter is installed, in every kernel and every command.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import fastjsonschema
import yaml
from yaml.composer import Composer, ComposerError
from yaml.constructor import ConstructorError

DEEP = "nested too deeply"


class DocumentError(ValueError):
    """What is wrong with a document, and where in it, in one line."""


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    DocumentError
        If there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(str(error.strerror)) from None


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    DocumentError
        If it cannot be read, or is not UTF-8.
    """
    content = bytes_of(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(f"line {line}: not UTF-8 ({error.reason})") from None


def read_yaml(text: str, schema: str) -> Any:
    """Return a YAML document that satisfies a schema given as JSON text; empty text is null.

    A text is parsed once: the document is not to be changed.

    Raises
    ------
    DocumentError
        If the text is not YAML, holds a tag, an alias or a key twice, or breaks the schema.
    """
    document = _yaml(text)
    check(document, schema)
    return document


def read_json(text: str | bytes, schema: str) -> Any:
    """Return a JSON document that satisfies a schema given as JSON text.

    Raises
    ------
    DocumentError
        If the text is not JSON, holds NaN or a key twice, or breaks the schema.
    """
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError:
        raise DocumentError(f"not JSON ({DEEP})") from None
    except ValueError as error:
        raise DocumentError(f"not JSON ({error})") from None
    check(document, schema)
    return document


def check(document: Any, schema: str) -> None:
    """Raise DocumentError unless a document satisfies a schema given as JSON text."""
    try:
        _validator(schema)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        place = "/".join(str(part) for part in error.path[1:])
        words = error.message.removeprefix(f"{error.name} ")[:200]
        value = " ".join(str(error.value)[:80].split())
        raise DocumentError(f"{place[:120]}: {words} ({value!r})") from None


class _PlainLoader(Composer, yaml.CSafeLoader):
    """YAML without tags, aliases and keys that stand twice.

    libyaml parses; nodes are composed in Python, because the composer in C overflows its stack,
    and ends the process, where a document is nested too deeply.
    """

    def __init__(self, text: str) -> None:
        Composer.__init__(self)
        yaml.CSafeLoader.__init__(self, text)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            words = "anchors, aliases and tags are not taken"
            raise ComposerError(None, None, words, event.start_mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # such as a date that does not exist
            raise ConstructorError(None, None, str(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            words = "a key stands twice in a mapping, or is '<<'"
            raise ConstructorError(None, None, words, node.start_mark)
        return mapping


@lru_cache(maxsize=8)
def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML ({' '.join(str(error).split())})") from None
    except RecursionError:
        raise DocumentError(f"not YAML ({DEEP})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise ValueError(f"'{twice[:80]}' stands twice in an object")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


@lru_cache(maxsize=16)
def _validator(schema: str) -> Callable[[Any], Any]:
    compiled: Callable[[Any], Any] = fastjsonschema.compile(json.loads(schema), use_default=False)
    return compiled
