"""The multiverse as a drawing that can be asked: which choices made this point?

The points come from the numbers behind the notebook's figure (see `multiverse.encode`): estimate,
verdict, and one digit for each choice.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from kursk_claims.display.record import Record
from kursk_claims.display.style import VERDICTS
from kursk_claims.report.look import Part, css_class, laid_out
from kursk_claims.report.pictures import Picture

if TYPE_CHECKING:
    from kursk_claims.evidence.registry import ClaimEntry

COLUMNS = {"estimate", "verdict", "choices"}
WIDE, HIGH, MARGIN = 2000, 200, 8
"""The drawing's own units: it is stretched to the width of the page, never in height."""


@dataclass(frozen=True)
class Tick:
    """A value on the axis of estimates, ``y`` in units of the drawing."""

    y: float
    label: str


@dataclass(frozen=True)
class Lane:
    """All specifications with one verdict: dots in the curve, dashes in a lane below it."""

    verdict: str
    share: float
    dots: str
    dashes: str

    @property
    def css(self) -> str:
        """The class that carries its colours."""
        return css_class(self.verdict)


@dataclass(frozen=True)
class Option:
    """One value of a choice, with the verdicts of the specifications that take it."""

    value: str
    main: bool
    parts: list[Part]


@dataclass(frozen=True)
class Choice:
    """One choice, how much it moves the verdict (0 to 1), and its values."""

    name: str
    influence: float
    options: list[Option]


@dataclass(frozen=True)
class Curve:
    """Everything the page draws; ``data`` is what the script reads."""

    title: str
    unit: str
    total: int
    missing: int
    ticks: list[Tick]
    lanes: list[Lane]
    choices: list[Choice]
    data: str
    main: int | None


def can_draw(picture: Picture, entry: "ClaimEntry") -> bool:
    """Return whether a figure is a multiverse whose points can be read with these choices."""
    if set(picture.columns) != COLUMNS:
        return False
    points = _points(picture)
    return bool(points) and _fits(points, entry)


def draw(picture: Picture, entry: "ClaimEntry", record: Record) -> Curve:
    """Return the drawing of a multiverse that `can_draw` agreed to."""
    points = _points(picture)
    estimates = [point[0] for point in points if point[0] is not None]
    code = _code_of(record["parameters"], entry)
    main = next((place for place, point in enumerate(points) if point[2] == code), None)
    scale = _Scale(estimates, len(points))
    return Curve(
        picture.title,
        record["headline"]["unit"] if _is_headline(points, main, record) else "estimate",
        len(points),
        len(points) - len(estimates),
        [Tick(scale.y(value), _plain(value)) for value in scale.ticks],
        [_lane(verdict, points, scale) for verdict in VERDICTS if _has(points, verdict)],
        _choices(points, entry, record, code),
        _data(points, entry, scale),
        main,
    )


Point = tuple[float | None, str, str]


def _points(picture: Picture) -> list[Point]:
    columns = (picture.columns[name] for name in ("estimate", "verdict", "choices"))
    return [(e, str(v), str(c)) for e, v, c in zip(*columns, strict=True)]


def _fits(points: Sequence[Point], entry: "ClaimEntry") -> bool:
    """Return whether each code has one digit a choice, and each digit names a value."""
    digits = ["0123456789"[: len(values)] for values in entry.axes.values()]
    form = re.compile("".join(f"[{allowed}]" for allowed in digits))
    return {verdict for _, verdict, _ in points} <= set(VERDICTS) and all(
        form.fullmatch(code) for _, _, code in points
    )


def _code_of(parameters: Mapping[str, Any], entry: "ClaimEntry") -> str:
    places = (
        values.index(parameters[name]) if parameters.get(name) in values else "?"
        for name, values in entry.axes.items()
    )
    return "".join(map(str, places))


def _is_headline(points: Sequence[Point], main: int | None, record: Record) -> bool:
    """Return whether the curve sorts by the headline, whose unit then names its axis."""
    value, estimate = record["headline"]["value"], None if main is None else points[main][0]
    if value is None or estimate is None:
        return False
    return math.isclose(value, estimate, rel_tol=1e-4, abs_tol=1e-9)


class _Scale:
    """From ranks and estimates to the units of the drawing."""

    def __init__(self, estimates: Sequence[float], total: int) -> None:
        low, high = (min(estimates), max(estimates)) if estimates else (0.0, 1.0)
        self.low, self.high = (low, high) if low < high else (low - 1, high + 1)
        self.step = (WIDE - 2 * MARGIN) / max(total - 1, 1)

    def x(self, rank: int) -> int:
        return round(MARGIN + rank * self.step)

    def y(self, estimate: float) -> float:
        share = (estimate - self.low) / (self.high - self.low)
        return round(HIGH - MARGIN - share * (HIGH - 2 * MARGIN), 1)

    @property
    def ticks(self) -> list[float]:
        """Three to six round values inside the range."""
        span = self.high - self.low
        size = 10 ** math.floor(math.log10(span))
        step = next(s * size for s in (0.2, 0.25, 0.5, 1, 2, 5) if span / (s * size) <= 5)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step) + 1)]


def _lane(verdict: str, points: Sequence[Point], scale: _Scale) -> Lane:
    own = [(rank, point[0]) for rank, point in enumerate(points) if point[1] == verdict]
    dots = "".join(f"M{scale.x(r)} {scale.y(e):g}h0" for r, e in own if e is not None)
    runs = [
        [rank for _, rank in group]
        for _, group in groupby(
            enumerate(rank for rank, _ in own), key=lambda pair: pair[1] - pair[0]
        )
    ]
    dashes = "".join(
        f"M{scale.x(run[0])} 0h{max(scale.x(run[-1]) - scale.x(run[0]), 1)}" for run in runs
    )
    return Lane(verdict, len(own) / len(points), dots, dashes)


def _has(points: Sequence[Point], verdict: str) -> bool:
    return any(point[1] == verdict for point in points)


def _choices(
    points: Sequence[Point], entry: "ClaimEntry", record: Record, code: str
) -> list[Choice]:
    """Return the verdicts by each value of each choice, the choice that moves most first."""
    moved = record["robustness"]["influence"]
    found = []
    for place, (name, values) in enumerate(entry.axes.items()):
        options = []
        for digit, value in enumerate(values):
            counts = Counter(v for _, v, c in points if c[place] == str(digit))
            shares = {verdict: n / counts.total() for verdict, n in counts.items()}
            options.append(
                Option(str(value), code[place] == str(digit), laid_out(shares, record["verdict"]))
            )
        found.append(Choice(name.replace("_", " "), moved.get(name) or 0.0, options))
    return sorted(found, key=lambda choice: -choice.influence)


def _data(points: Sequence[Point], entry: "ClaimEntry", scale: _Scale) -> str:
    """Return the points for the script: axes, verdicts, then a line of text for all points."""
    verdicts = list(VERDICTS)
    lines = (f"{'' if e is None else format(e, 'g')} {verdicts.index(v)} {c}" for e, v, c in points)
    axes = [[name.replace("_", " "), list(map(str, v))] for name, v in entry.axes.items()]
    scaled = {"low": scale.low, "high": scale.high, "points": ";".join(lines)}
    return json.dumps({"axes": axes, "verdicts": verdicts, **scaled})


def _plain(value: float) -> str:
    return f"{value:,.6g}".replace("-", "\u2212")
