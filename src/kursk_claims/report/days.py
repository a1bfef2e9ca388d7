"""Two runs of one notebook as one text: what is the same on both days stands there once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kursk_claims.report.cells import Block, Cell

ESTIMATE = "estimate"
"""The cell after which a notebook shows its estimate against the claim."""


@dataclass(frozen=True)
class Shown:
    """One output: on the article's day, in hindsight, or the same on both (then ``same``)."""

    then: Block | None = None
    now: Block | None = None
    same: Block | None = None
    figure: int = 0

    @property
    def blocks(self) -> list[tuple[str, Block]]:
        """What there is to show, with the name of its day (empty: both)."""
        pairs = (("", self.same), ("then", self.then), ("now", self.now))
        return [(day, block) for day, block in pairs if block is not None]


@dataclass(frozen=True)
class Piece:
    """A cell of the joint text: its words or code once, its outputs day by day.

    ``day`` is empty when both runs have the cell, else the name of the only one that has it.
    """

    cell: Cell
    day: str = ""
    shown: list[Shown] = field(default_factory=list)


def joined(then: Sequence[Cell], now: Sequence[Cell]) -> list[Piece]:
    """Return the cells of two runs as one text, in the order of the later one.

    A cell counts as the same when its id and source are; a run may be empty.
    """
    early = {(cell.id, cell.html): cell for cell in then}
    pieces, figures = [], 0
    for cell in now or then:
        other = early.pop((cell.id, cell.html), None) if now and then else None
        day = "" if other or not (now and then) else "now"
        shown = _paired(other.given, cell.given, figures) if other else _alone(cell, day, figures)
        figures = max([figures, *(one.figure for one in shown)])
        pieces.append(Piece(cell, day, shown))
    if now and then:
        left = [Piece(cell, "then", _alone(cell, "then", figures)) for cell in early.values()]
        pieces += left
    return pieces


def lead(pieces: Sequence[Piece]) -> Shown | None:
    """Return the figure that answers the question: the first one from the estimate on."""
    names = [piece.cell.id for piece in pieces]
    start = names.index(ESTIMATE) if ESTIMATE in names else 0
    figures = [one for piece in pieces[start:] for one in piece.shown if one.figure]
    return next(iter(figures), None)


def _paired(then: Sequence[Block], now: Sequence[Block], figures: int) -> list[Shown]:
    shown = []
    for place in range(max(len(then), len(now))):
        first = then[place] if place < len(then) else None
        second = now[place] if place < len(now) else None
        is_figure = any(block is not None and block.kind == "figure" for block in (first, second))
        figures += is_figure
        number = figures if is_figure else 0
        same = first if first == second else None
        shown.append(
            Shown(same=same, figure=number) if same else Shown(first, second, None, number)
        )
    return shown


def _alone(cell: Cell, day: str, figures: int) -> list[Shown]:
    shown = []
    for block in cell.given:
        figures += block.kind == "figure"
        number = figures if block.kind == "figure" else 0
        shown.append(Shown(figure=number, **{day or "same": block}))
    return shown
