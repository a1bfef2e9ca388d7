"""One way to draw and show a figure: with alt text, its data behind it, and a credit line."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from kursk_claims.analysis.intervals import round_sig
from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display.style import FAINT, INK, MUTED, VERDICTS, Look

MIME = "application/vnd.kursk-claims.figure+json"
DPI = 110
MAX_DATA_ROWS = 1500
DAY_MONTH = DateFormatter("%d.%m.")  # digits only: month names depend on the locale

sns.set_theme(
    context="notebook",
    style="ticks",
    font="DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    rc={
        "font.size": 10,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.labelsize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "axes.linewidth": 0.8,
        "grid.color": FAINT,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "xtick.major.width": 0.8,
        "ytick.major.width": 0.8,
        "xtick.major.size": 4,
        "ytick.major.size": 4,
    },
)


def canvas(
    width_in: float = 8.2,
    height_in: float = 4.4,
    rows: int = 1,
    cols: int = 1,
    *,
    layout: Literal["constrained"] | None = "constrained",
    **options: Any,
) -> tuple[Figure, Any]:
    """Return a figure and its axes (one, or an array), free of any global state.

    Parameters
    ----------
    width_in, height_in : float
        Size in inches.
    rows, cols : int
        Panels.
    layout : {"constrained", None}
        Let matplotlib arrange the parts, or arrange them by hand.
    options
        Passed on to ``Figure.subplots``, such as ``sharex=True`` or ``width_ratios``.
    """
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)
    ratios: dict[str, Any] = {
        key: options.pop(key) for key in ("width_ratios", "height_ratios") if key in options
    }
    return figure, figure.subplots(rows, cols, gridspec_kw=ratios or None, **options)


def show(figure: Figure, *, title: str, alt: str, data: pd.DataFrame, credit: str) -> None:
    """Finish a figure and show it once, as PNG with its data.

    Parameters
    ----------
    title : str
        The finding, generated from the data.
    alt : str
        What a reader who cannot see it needs to know; at least 40 characters.
    data : DataFrame
        The numbers that are drawn; at most 1500 rows.
    credit : str
        Whose data it is.

    Raises
    ------
    ValueError
        If the alt text, the data or the credit is missing.
    """
    if len(alt) < 40 or not title or not credit:
        raise ValueError("a figure needs a title, alt text of at least 40 characters and a credit")
    if len(data) > MAX_DATA_ROWS:
        raise ValueError(f"{len(data)} rows behind a figure; sum them up to {MAX_DATA_ROWS}")
    width = figure.get_size_inches()[0]
    figure.suptitle(
        textwrap.fill(title, int(width * 10)), x=0.008, ha="left", fontsize=12, fontweight="bold"
    )
    figure.supxlabel(
        textwrap.fill(credit, int(width * 17)), x=0.008, ha="left", fontsize=7.5, color=MUTED
    )
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")  # or it is solved, and all is drawn, a second time
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    behind = {"title": title, "alt": alt, "credit": credit, "data": as_columns(data)}
    bundle = {"image/png": buffer.getvalue(), "text/plain": f"{title}\n{alt}", MIME: behind}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def as_columns(data: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a table as JSON-ready columns; numbers at six significant digits, dates as text."""
    return {str(name): [_plain(value) for value in column] for name, column in data.items()}


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return round_sig(float(value)) if np.isfinite(value) else None
    return str(value)


def empty(axes: Axes, text: str) -> None:
    """Say in the axes why there is nothing to draw."""
    words = textwrap.fill(text, 60)
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes, color=MUTED)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def mark(axes: Axes, x: Any, text: str, colour: str) -> None:
    """Draw a vertical line and write what it is above the axes."""
    axes.axvline(x, color=colour, linewidth=1.2)
    axes.text(
        x, 1.01, text, color=colour, fontsize=8, ha="center", transform=axes.get_xaxis_transform()
    )


def panels(
    names: Sequence[str], cols: int = 5, height_in: float = 1.5
) -> tuple[Figure, list[Axes]]:
    """Return one small panel a name, in reading order, on shared axes; spare panels are hidden."""
    rows = max(-(-len(names) // cols), 1)
    height = rows * height_in + 0.9
    # So many panels are laid out by hand: the solver would take longer than all the drawing.
    figure, grid = canvas(9.6, height, rows, cols, layout=None, sharex=True, sharey=True)
    edges = {"left": 0.065, "right": 0.99, "bottom": 0.5 / height, "top": 1 - 0.85 / height}
    figure.subplots_adjust(**edges, hspace=0.62, wspace=0.1)
    axes = list(np.atleast_1d(grid).ravel())
    for panel, name in zip(axes, names, strict=False):
        panel.set_title(textwrap.fill(name, 24), fontsize=7.5, linespacing=0.95)
        panel.tick_params(labelsize=7)
    for spare in axes[len(names) :]:
        spare.set_axis_off()
    return figure, axes[: len(names)]


def marks(
    axes: Axes, rows: pd.DataFrame, x: str, y: str, *, by: str, looks: Mapping[str, Look]
) -> None:
    """Draw one mark a row; the group it belongs to shows by shape and colour.

    Parameters
    ----------
    by : str
        Column of the group, such as ``source_side``.
    looks : mapping
        Group to its label, matplotlib marker and colour, such as `style.SIDES`.

    Raises
    ------
    KeyError
        If a row belongs to a group without a look.
    """
    if unknown := set(rows[by]) - set(looks):
        raise KeyError(f"no look for {sorted(map(str, unknown))}")
    for name, look in looks.items():
        part = rows[rows[by] == name]
        if len(part):
            axes.scatter(
                part[x], part[y], s=26, marker=look.mark, color=look.colour, label=look.label
            )


def lollipops(
    axes: Axes, table: pd.DataFrame, *, label: str, value: str, noise: str, strong: str
) -> None:
    """Draw one value a row, top down, with a grey band for what would be noise.

    Parameters
    ----------
    table : DataFrame
        Columns `label`, `value`, `noise` (half width of the band, same unit), and `strong` (bool:
        filled mark).
    """
    if table.empty:
        empty(axes, "Nothing can be read on this day.")
        return
    places = range(len(table))
    axes.hlines(places, -table[noise], table[noise], color=FAINT, linewidth=7)
    axes.hlines(places, 0, table[value], color=MUTED, linewidth=1)
    faces = table[strong].map({True: INK, False: "white"})
    axes.scatter(table[value], places, s=30, color=faces, edgecolor=INK, zorder=3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(list(places), table[label], fontsize=8)
    axes.invert_yaxis()


def specification_curve(axes: Axes, results: pd.DataFrame, value: str, value_label: str) -> None:
    """Draw one mark a specification, sorted by its estimate, its verdict by shape and colour.

    After Simonsohn, Simmons and Nelson (2020), "Specification curve analysis", Nature Human
    Behaviour 4.

    Parameters
    ----------
    results : DataFrame
        A row a specification, with ``verdict`` and the column `value`.
    """
    ranked = results.dropna(subset=[value]).sort_values(value, kind="stable").reset_index(drop=True)
    if ranked.empty:
        empty(axes, "No specification can be estimated on this day.")
    for (verdict, look), marker in zip(VERDICTS.items(), "os^vDx", strict=True):
        part = ranked[ranked["verdict"] == verdict]
        thin: dict[str, Any] = {"color": MUTED, "linewidth": 0.4, "zorder": 2}
        full: dict[str, Any] = {"color": look.colour, "edgecolor": INK, "linewidth": 0.2}
        if len(part):
            look_of = thin if verdict == Verdict.UNRESOLVED else full
            label = f"{verdict} ({len(part)})"
            axes.scatter(part.index, part[value], s=12, marker=marker, label=label, **look_of)
    if len(ranked):
        axes.set(xlabel="specifications, sorted by their estimate", ylabel=value_label)
        axes.legend(loc="best", fontsize=8, markerscale=1.8)


def verdict_shares(axes: Axes, results: pd.DataFrame, choices: Mapping[str, Sequence[Any]]) -> None:
    """Draw, for each value of each choice, the share of its specifications per verdict, stacked."""
    pairs = [(name, value) for name, values in choices.items() for value in values]
    gaps = {name: place / 2 for place, name in enumerate(choices)}
    places = np.array([row + gaps[name] for row, (name, _) in enumerate(pairs)])
    tables = [
        pd.crosstab(results[name], results["verdict"], normalize="index").reindex(list(values))
        for name, values in choices.items()
    ]
    shares = pd.concat(tables).fillna(0.0)
    left = np.zeros(len(pairs))
    for verdict, look in VERDICTS.items():
        share = shares.get(verdict, pd.Series(0.0, index=shares.index)).to_numpy()
        unresolved = verdict == Verdict.UNRESOLVED
        axes.barh(
            places, share, left=left, height=0.85, color=look.colour, edgecolor=INK,
            linewidth=0.3, hatch="////" if unresolved else None,
        )  # fmt: skip
        ink = "white" if verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED) else INK
        for place, middle, width in zip(places, left + share / 2, share, strict=True):
            if width > 0.06 and not unresolved:
                axes.text(middle, place, look.mark, ha="center", va="center", fontsize=7, color=ink)
        left = left + share
    labels = [f"{name.replace('_', ' ')} = {value}" for name, value in pairs]
    axes.set_yticks(places, labels, fontsize=7.5)
    axes.set(xlim=(0, 1), xlabel="share of specifications")
    axes.invert_yaxis()
