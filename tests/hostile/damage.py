"""Ways in which a file of evidence goes bad: each takes its bytes and gives other ones."""

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

Damage = Callable[[bytes, Random], bytes]

ODD_BYTES = (
    b"\0", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\r", b"\n", b"\r\n", b'"', b"'", b",",
    b"\t", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x1c", b"\\", b"{", b"[", b"- ", b": ", b"#",
    b"%", b"x" * 140_000, b"9" * 5_000, b"[" * 50_000, b'{"a":' * 50_000,
)  # fmt: skip
ODD_CELLS = (
    "", " ", "nan", "NaN", "inf", "-Infinity", "1e999", "-1e999", "1e15", "--5", "+-1", "1_000",
    "0x10", "9" * 400, "9" * 30, "\uff11\uff12", "\u0661", "1,5", "1 000", "12 ", "1d5", "-1",
    "101", "0.1.2", "2024-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "99999-01-01",
    "2024-W01-1", "2024-8-1", "20240801", "2024-001", "2024-08", "0000-13", "2024-08-01T00:00",
    "2024-08-01T10:00:00+99:99", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00",
    "20240801T000000Z", "01.08.2024", "today", "TRUE", "True", "1", "yes", "null", "None",
    "poll ", "Poll", "martians", "exact\n", "javascript:alert(1)", "data:text/html,x",
    "//example.org", "https://", "../../etc/passwd", "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>", "{{ 7*7 }}", "\0", "a\0b", "\ufeff", "\u2028", "\u202e",
    "x" * 140_000, "*" * 300,
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 0.5, float("nan"), float("inf"), "", " ", "x\n", "\0", "(",
    "2024-02-31", "../../etc/passwd", "notebooks/../x.ipynb", "c99", [], {}, [[]], {"": {}},
    ["a", "a"], {"a": None}, "tables/../../x.csv", "https://example.org", "integer", "series",
    "planned", "ready", "supported", "> 1", "\ud7ff", "x" * 100_000,
)  # fmt: skip


# -- bytes, whatever they mean -------------------------------------------------------------------


def truncated(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def flipped(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


def with_odd_bytes(data: bytes, random: Random) -> bytes:
    place = random.choice((0, len(data), random.randrange(len(data))))
    return data[:place] + random.choice(ODD_BYTES) + data[place:]


def with_a_piece_lost(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + data[place + random.choice((1, 2, 10, 1000)) :]


def with_a_piece_twice(data: bytes, random: Random) -> bytes:
    start, length = random.randrange(len(data)), random.choice((1, 5, 200))
    return data[:start] + data[start : start + length] * 2 + data[start + length :]


def with_a_line_moved(data: bytes, random: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    moved = lines[random.randrange(len(lines))]
    if random.random() < 0.5:
        lines.remove(moved)
    lines.insert(random.randrange(len(lines) + 1), moved)
    return b"".join(lines)


def in_another_encoding(data: bytes, random: Random) -> bytes:
    name = random.choice(("utf-8-sig", "utf-16", "utf-32", "cp1251", "latin-1"))
    return data.decode().encode(name, errors="replace")


def with_other_line_ends(data: bytes, random: Random) -> bytes:
    ends = random.choice((b"\r", b"\r\n", b"\n\n", b"\n\r", b"", b"\xe2\x80\xa8", b"\x0b"))
    return data.replace(b"\n", ends)


def emptied(data: bytes, random: Random) -> bytes:
    return random.choice(
        (b"", b"\n", b" ", b"\0", b"null", b"{}", b"[]", b"\xef\xbb\xbf", b"---\n")
    )


BYTES: tuple[Damage, ...] = (
    truncated, flipped, with_odd_bytes, with_a_piece_lost, with_a_piece_twice, with_a_line_moved,
    in_another_encoding, with_other_line_ends, emptied,
)  # fmt: skip


# -- tables --------------------------------------------------------------------------------------


def _cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def _as_csv(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def with_an_odd_cell(data: bytes, random: Random) -> bytes:
    rows = _cells(data)
    row = rows[random.randrange(1, len(rows))]
    row[random.randrange(len(row))] = random.choice(ODD_CELLS)
    return _as_csv(rows)


def with_cells_swapped(data: bytes, random: Random) -> bytes:
    rows = _cells(data)
    one, other = (random.randrange(len(rows)) for _ in range(2))
    first, second = (random.randrange(len(rows[0])) for _ in range(2))
    rows[one][first], rows[other][second] = rows[other][second], rows[one][first]
    return _as_csv(rows)


def with_columns_changed(data: bytes, random: Random) -> bytes:
    rows, place = _cells(data), random.randrange(len(_cells(data)[0]))
    how = random.choice(("lost", "twice", "first", "renamed"))
    for row in rows:
        cell = row.pop(place)
        row[place:place] = {"twice": [cell, cell], "renamed": [cell]}.get(how, [])
        row[0:0] = [cell] if how == "first" else []
    rows[0][place - 1] += "x" if how == "renamed" else ""
    return _as_csv(rows)


def with_a_row_twice(data: bytes, random: Random) -> bytes:
    rows = _cells(data)
    rows.append(list(random.choice(rows)))
    return _as_csv(rows)


TABLES: tuple[Damage, ...] = (
    with_an_odd_cell, with_an_odd_cell, with_cells_swapped, with_columns_changed, with_a_row_twice,
)  # fmt: skip


# -- documents -----------------------------------------------------------------------------------


def _changed(document: Any, random: Random) -> Any:
    """Return a document in which something, somewhere, is another thing, twice, or gone."""
    here: Any = document
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = random.choice(keys)
        below = here[key]
        if not (isinstance(below, dict | list) and below) or random.random() < 0.15:
            break
        here = below
    how = random.choice(("odd", "odd", "odd", "gone", "twice", "more", "nested"))
    if how == "gone":
        del here[key]
    elif how == "twice" and isinstance(here, list):
        here.append(below)
    elif how == "more" and isinstance(here, dict):
        here[random.choice(("extra", "id", "path", "\0", "as_of"))] = below
    elif how == "nested":
        for _ in range(random.choice((1, 50, 150))):
            here[key] = [here[key]] if random.random() < 0.5 else {"a": here[key]}
    else:
        here[key] = random.choice(ODD_VALUES)
    return document


def json_changed(data: bytes, random: Random) -> bytes:
    return json.dumps(_changed(json.loads(data), random)).encode()


def yaml_changed(data: bytes, random: Random) -> bytes:
    document = _changed(yaml.load(data, Loader=yaml.CSafeLoader), random)
    return yaml.dump(
        document, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False
    ).encode()


def with_hostile_yaml(data: bytes, random: Random) -> bytes:
    levels = range(1, 30)
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in levels
    )
    place = random.choice([n for n, c in enumerate(data) if c == 10]) + 1
    piece = random.choice(
        (
            "[" * 100_000, "{a: " * 100_000, "- " * 50_000, bomb, "&a [*a]\n", "&a {a: *a}\n",
            "a: !!python/object/apply:os.system ['exit 1']\n", "a: !!binary x\n", "!!set {a, b}\n",
            "a: !!timestamp x\n", "a: !!bool x\n", "a: !!int x\n", "a: 2024-99-99\n",
            "<<: {a: b}\n", f"a: {'9' * 5000}\n", "? [a]\n: b\n", "---\na: b\n", "%YAML 9.9\n---\n",
            "a: b\na: c\n", "- &x a\n- *x\n", "a: &x b\n", "\ta: b\n", "...\n", "a: .nan\n", "'",
            "|\n", "@", "`",
        )
    )  # fmt: skip
    whole = random.random() < 0.3
    return piece.encode() if whole else data[:place] + piece.encode() + data[place:]


def with_a_key_twice(data: bytes, random: Random) -> bytes:
    """Repeat a member of a JSON object; the later one would win."""
    text = data.decode()
    place = random.choice([n for n, sign in enumerate(text) if sign == "{"])
    return f'{text[: place + 1]}"name": "x", "name": "y", {text[place + 1 :]}'.encode()


YAML: tuple[Damage, ...] = (yaml_changed, yaml_changed, with_hostile_yaml)
JSON: tuple[Damage, ...] = (json_changed, json_changed, with_a_key_twice)
