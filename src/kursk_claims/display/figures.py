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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kursk_claims.analysis.intervals import round_sig
from kursk_claims.analysis.multiverse import shares_by
from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display.style import CONTRAST, FAINT, INK, MUTED, VERDICTS, Look

MIME = "application/vnd.kursk-claims.figure+json"
DPI = 110
MAX_DATA_ROWS = 1500
DAY_MONTH = DateFormatter("%d.%m.")  # digits only: month names depend on the locale
MONTH_YEAR = DateFormatter("%m.%Y")
DAY_MONTH_YEAR = DateFormatter("%d.%m.%y")

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
        The numbers that are drawn, in columns of any name; the index is not kept. At most 1500
        rows.
    credit : str
        Whose data it is.

    Raises
    ------
    ValueError
        If the title or the credit is missing, the alt text is too short, or the data have too many
        rows.
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
        figure.set_layout_engine("none")  # or it is solved a second time
    buffer = io.BytesIO()
    # `savefig` would go through every artist once before it draws, for a layout that stands already
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    behind = {"title": title, "alt": alt, "credit": credit, "data": as_columns(data)}
    bundle = {"image/png": buffer.getvalue(), "text/plain": f"{title}\n{alt}", MIME: behind}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def as_columns(data: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a table as JSON-ready columns; numbers at six significant digits, dates as text.

    What is missing or infinite becomes None; the index is left out.
    """
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
    """Say in the axes why there is nothing to draw; lines, words, ticks and labels go."""
    for drawn in [*axes.lines, *axes.texts]:
        drawn.remove()
    words = textwrap.fill(text, 60)
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes, color=MUTED)
    axes.minorticks_off()
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    for spine in axes.spines.values():
        spine.set_visible(False)


def legend(axes: Axes, text: str, **options: Any) -> None:
    """Draw the legend of what is drawn; where nothing with a label is, say why (see `empty`).

    Parameters
    ----------
    text : str
        Why nothing is drawn.
    options
        Passed on to ``Axes.legend``.
    """
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)
    else:
        empty(axes, text)


def mark(axes: Axes, x: Any, text: str, colour: str) -> None:
    """Draw a vertical line and write what it is above the axes.

    Parameters
    ----------
    x : float or Timestamp
        Where, in the unit of the axis.
    text : str
        What it is.
    colour : str
        Of the line and the text.
    """
    axes.axvline(x, color=colour, linewidth=1.2)
    axes.text(
        x, 1.01, text, color=colour, fontsize=8, ha="center", transform=axes.get_xaxis_transform()
    )


def log_days(axes: Axes, start: pd.Timestamp, last: pd.Timestamp) -> None:
    """Make x a log axis of days, the start being day 1: days near the start, years later on.

    Parameters
    ----------
    start : Timestamp
        Day 1; what is drawn must be given as such numbers.
    last : Timestamp
        The axis reaches a little beyond it, and at least a week.
    """
    watched = max((last - start).days + 1, 7)
    ticks = [day for day in (1, 2, 4, 7, 14, 28, 90, 365, 730, 1460) if day <= watched]
    axes.set_xscale("log")
    axes.set_xticks([], minor=True)
    axes.set_xticks(ticks, [f"{start + pd.Timedelta(days=day - 1):%d.%m.%y}" for day in ticks])
    axes.set(xlim=(0.9, watched * 1.2), xlabel="days, log scale")


def panels(
    names: Sequence[str], cols: int = 5, height_in: float = 1.5
) -> tuple[Figure, list[Axes]]:
    """Return one small panel a name, in reading order, on shared axes; spare panels are hidden.

    Parameters
    ----------
    names : sequence of str
        Title of each panel.
    cols : int
        Panels in a row.
    height_in : float
        Of one row, in inches.

    Returns
    -------
    tuple
        The figure, 9.6 inches wide, and a list of one Axes a name.
    """
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
    axes: Axes,
    rows: pd.DataFrame,
    x: str,
    y: str,
    *,
    by: str,
    looks: Mapping[str, Look],
    edge: str | None = None,
) -> None:
    """Draw one mark a row; the group it belongs to shows by shape and colour.

    Parameters
    ----------
    rows : DataFrame
        Columns `x` and `y` (in the units of the axes) and `by`.
    by : str
        Column of the group, such as ``source_side``.
    looks : mapping
        Group to its label, matplotlib marker and colour, such as `style.SIDES`.
    edge : str, optional
        Colour of a thin edge, such as white where marks lie on each other.

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
            lines: dict[str, Any] = {"edgecolor": edge, "linewidth": 0.7} if edge else {}
            axes.scatter(
                part[x], part[y], s=26, marker=look.mark, color=look.colour, label=look.label,
                **lines,
            )  # fmt: skip


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


def few_days(axes: Axes, form: DateFormatter) -> None:
    """Write a few days under the axes, in the form of `DAY_MONTH`, `MONTH_YEAR` or both."""
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=5))
    axes.xaxis.set_major_formatter(form)


def waves(
    axes: Axes, table: pd.DataFrame, *, day: str, value: str, low: str, high: str, since: Any
) -> None:
    """Draw the waves of one question as dots with their intervals, and the day of a break.

    Parameters
    ----------
    table : DataFrame
        Columns `day` (datetime64), `value` and its interval from `low` to `high` (same unit).
    since : Timestamp
        The break, drawn as a line. The dots are not joined: between two waves nothing is known.
    """
    if table.empty:
        empty(axes, "No wave is known on this day.")
        return
    axes.vlines(table[day], table[low], table[high], color=FAINT, linewidth=3)
    axes.scatter(table[day], table[value], s=16, color=INK, zorder=3)
    axes.axvline(since, color=CONTRAST, linewidth=1.2)
    few_days(axes, MONTH_YEAR)


def whiskers(
    axes: Axes, table: pd.DataFrame, *, label: str, value: str, low: str, high: str, strong: str
) -> None:
    """Draw one estimate a row, top down, with its interval as a line, and a line at nought.

    Parameters
    ----------
    table : DataFrame
        Columns `label`, `value`, `low` and `high` (same unit), and `strong` (bool: filled mark).
        Labels may repeat.
    """
    if table.empty:
        empty(axes, "Nothing can be read on this day.")
        return
    places = range(len(table))
    axes.hlines(places, table[low], table[high], color=MUTED, linewidth=1.4)
    faces = table[strong].map({True: INK, False: "white"})
    axes.scatter(table[value], places, s=32, color=faces, edgecolor=INK, zorder=3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(list(places), table[label], fontsize=8)
    axes.set_ylim(len(table) - 0.4, -0.6)


def spans(
    axes: Axes,
    table: pd.DataFrame,
    *,
    y: str,
    low: str,
    high: str,
    by: str,
    looks: Mapping[str, Look],
    ticks: Mapping[float, str],
    label: str,
) -> None:
    """Draw one interval a row on a log axis, top down, in the shape and colour of its group.

    The mark stands in the middle of a closed interval, with a cap at each end of the bar. An
    interval that has no end, or begins at 0, has no middle: its mark stands, hollow, at the end
    that it has.

    Parameters
    ----------
    table : DataFrame
        Columns `y` (place), `low` and `high` (same unit, not negative; infinity for an open end)
        and `by`.
    by, looks
        As for `marks`.
    ticks : mapping
        Value to its text, in ascending order; what reaches beyond the first or the last is cut off
        there, without a cap.
    label : str
        Of the axis, with its unit.

    Raises
    ------
    KeyError
        If a row belongs to a group without a look.
    """
    if table.empty:
        empty(axes, "Nothing can be read on this day.")
        return
    least, *_, most = ticks
    start, end = table[low].clip(least, most), table[high].clip(least, most)
    begins, stops = table[low] > 0, table[high] < np.inf
    place = ((start * end) ** 0.5).where(begins & stops, start.where(begins | ~stops, end))
    axes.hlines(table[y], start, end, color=FAINT, linewidth=5, zorder=0.5)
    marks(axes, table.assign(mark_at=place), "mark_at", y, by=by, looks=looks)
    for ends, kept in ((start, table[low] >= least), (end, table[high] <= most)):
        axes.scatter(ends[kept], table[y][kept], s=45, marker="|", color=MUTED, zorder=0.8)
    for name, part in table[~(begins & stops)].groupby(by, sort=False):
        shape = looks[str(name)].mark
        axes.scatter(place[part.index], part[y], s=8, marker=shape, color="white", zorder=3)
    axes.set(xscale="log", xlim=(least / 1.2, most), xlabel=label)
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    axes.grid(axis="x", linewidth=0.6)
    axes.legend(ncols=len(looks), loc="lower left", bbox_to_anchor=(0, 1))
    axes.invert_yaxis()


def running_totals(
    axes: Axes, days: Mapping[str, pd.Series], colours: Sequence[str], until: pd.Timestamp
) -> None:
    """Draw counts that grow day by day as steps, told apart by dashes and colour, with their end.

    Parameters
    ----------
    days : mapping
        Label to the day of each thing counted (Series of datetime64); the first three are drawn,
        but none that has no day to count.
    colours : sequence of str
        One a label.
    until : Timestamp
        The last day that was watched: the steps run on to it.
    """
    for (label, each), colour, dashes in zip(days.items(), colours, ("-", "--", ":"), strict=False):
        total = each.value_counts().sort_index().cumsum()
        if len(total):
            text = f"{label}: {total.iloc[-1]:,}"
            x, y = [*total.index, until], [*total, total.iloc[-1]]
            axes.step(x, y, dashes, where="post", color=colour, linewidth=1.6, label=text)
    axes.set_ylim(0, None)
    few_days(axes, DAY_MONTH_YEAR)
    legend(axes, "Nothing was counted by this day.", loc="upper left")


def area_and_events(
    area: pd.Series,
    events: pd.DataFrame,
    kinds: Sequence[str],
    *,
    by: str,
    looks: Mapping[str, Look],
    breaks: Mapping[str, Any],
) -> tuple[Figure, Axes]:
    """Draw an area by day above dated events by kind, on the same days; return figure and top.

    Days with events but without a map, after the last one, are hatched: nothing is known of them.

    Parameters
    ----------
    area : Series of float
        Square kilometres, indexed by day.
    events : DataFrame
        Columns ``observed_on`` (datetime64), ``kind`` and `by`. Each group has its own line within
        a kind, in the order of `looks`; what falls on the same day stands below each other.
    kinds : sequence of str
        Top down; underscores are shown as spaces.
    by, looks
        As for `marks`.
    breaks : mapping
        Text to the day at which it is marked.

    Raises
    ------
    KeyError
        If an event belongs to a group without a look.
    """
    figure, (top, low) = canvas(8.8, 5.2, rows=2, sharex=True, height_ratios=(2, 3))
    if events.empty:
        empty(top, "Nothing was public on this day.")
        empty(low, "")
        return figure, top
    days = pd.DatetimeIndex(area.index)
    ends = days.append(days[-1:] + pd.Timedelta(days=1))  # the last area holds all its day
    top.fill_between(ends, [*area, *area[-1:]], color=FAINT, step="post")
    top.set(ylabel="km\u00b2 held", ylim=(0, max(area.max(), 1) * 1.05 if len(area) else 1))
    for text, day in breaks.items():
        mark(top, day, text, CONTRAST)
    lines = dict(zip(looks, np.linspace(-0.3, 0.3, len(looks)), strict=True))
    again = events.groupby(["observed_on", "kind", by]).cumcount() * 0.16
    row = events["kind"].map({kind: k for k, kind in enumerate(kinds)}) + events[by].map(lines)
    marks(low, events.assign(_row=row + again), "observed_on", "_row", by=by, looks=looks,
          edge="white")  # fmt: skip
    low.set(ylim=(len(kinds) - 0.4, -0.6))
    low.set_yticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    low.legend(ncols=len(looks), loc="upper center", bbox_to_anchor=(0.42, -0.1))
    last = events["observed_on"].max()
    if len(area) and last > days[-1]:
        top.axvspan(ends[-1], last, facecolor="none", edgecolor=FAINT, hatch="////", lw=0)
        words: dict[str, Any] = {"color": MUTED, "fontsize": 8, "backgroundcolor": "white"}
        top.text(
            ends[-1] + (last - ends[-1]) / 2, top.get_ylim()[1] / 2, "no map", ha="center", **words
        )
    elif len(area):
        top.text(ends[-1], top.get_ylim()[1] / 2, " last map", fontsize=8, color=MUTED, rotation=90)
    return figure, top


def month_bars(
    axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], *, since: Any, text: str
) -> None:
    """Draw counts of some groups side by side for each month, one place a month, whatever its days.

    Parameters
    ----------
    table : DataFrame
        Columns ``month`` (its first day, datetime64), ``whole`` (bool; the others are hatched) and
        one a group (events in the month).
    colours : mapping
        Group to colour.
    since, text
        The first month that begins on this day or later has a marked edge, with the text.
    """
    if table.empty:
        empty(axes, "Nothing was public on this day.")
        return
    places, width = np.arange(len(table)), 0.8 / len(colours)
    for place in places[~table["whole"].to_numpy(dtype=bool)]:
        named: dict[str, Any] = {} if axes.patches else {"label": "month known in part"}
        ends: Any = (place - 0.5, place + 0.5)
        axes.axvspan(
            *ends, facecolor="none", edgecolor=FAINT, hatch="////", lw=0, zorder=0, **named
        )
    for k, (name, colour) in enumerate(colours.items()):
        lag = (k - (len(colours) - 1) / 2) * width
        axes.bar(places + lag, table[name], width, color=colour, label=name)
    mark(axes, int((table["month"] < since).sum()) - 0.5, text, CONTRAST)
    shown = places[:: max(len(table) // 8, 1)]
    axes.set_xticks(shown, [f"{table['month'].iloc[k]:%d.%m.%y}" for k in shown])
    axes.set(xlim=(-0.5, len(table) - 0.5), xlabel="month from", ylabel="events in a month")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(colours) + 1)


def specification_curve(axes: Axes, results: pd.DataFrame, value: str, value_label: str) -> None:
    """Draw one mark a specification, sorted by its estimate, its verdict by shape and colour.

    After Simonsohn, Simmons and Nelson (2020), "Specification curve analysis", Nature Human
    Behaviour 4.

    Parameters
    ----------
    results : DataFrame
        A row a specification, with ``verdict`` and the column `value`; rows whose value is NaN are
        not drawn.
    value_label : str
        What it is, with its unit.
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
        if (ranked[value] == 0).all():  # or the axis would reach below nothing
            axes.set_ylim(-0.05, 1.05)


def verdict_shares(axes: Axes, results: pd.DataFrame, choices: Mapping[str, Sequence[Any]]) -> None:
    """Draw, for each value of each choice, the share of its specifications per verdict, stacked.

    Parameters
    ----------
    results : DataFrame
        A row a specification, with ``verdict`` and a column per choice.
    choices : mapping
        Choice to its values, drawn top down in this order.
    """
    pairs = [(name, value) for name, values in choices.items() for value in values]
    gaps = {name: place / 2 for place, name in enumerate(choices)}
    places = np.array([row + gaps[name] for row, (name, _) in enumerate(pairs)])
    tables = [shares_by(results, name).reindex(list(values)) for name, values in choices.items()]
    shares = pd.concat(tables).fillna(0.0)
    left = np.zeros(len(pairs))
    for verdict, look in VERDICTS.items():
        if verdict not in shares:
            continue
        share = shares[verdict].to_numpy()
        some, unresolved = share > 0, verdict == Verdict.UNRESOLVED
        axes.barh(
            places[some], share[some], left=left[some], height=0.85, color=look.colour,
            edgecolor=INK, linewidth=0.3, hatch="////" if unresolved else None,
        )  # fmt: skip
        dark = verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED)
        # clipped: what cannot stand out of the axes is not measured by the layout
        mark: dict[str, Any] = {"color": "white" if dark else INK, "fontsize": 7, "clip_on": True}
        for place, middle, width in zip(places, left + share / 2, share, strict=True):
            if width > 0.06 and not unresolved:
                axes.text(middle, place, look.mark, ha="center", va="center", **mark)
        left = left + share
    labels = [f"{name.replace('_', ' ')} = {value}" for name, value in pairs]
    axes.set_yticks(places, labels, fontsize=7.5)
    axes.set(xlim=(0, 1), xlabel="share of specifications")
    axes.invert_yaxis()
