"""A figure is shown once, with words and numbers behind it, or not at all."""

import json
from math import nan
from typing import Any

import matplotlib.dates
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display import figures
from kursk_claims.display.style import SIDES

ALT = "A line that goes up from left to right, then down."
DATA = pd.DataFrame({"day": pd.to_datetime(["2024-08-06", "2024-08-07"]), "km2": [1.5, nan]})
GOOD: dict[str, Any] = {"title": "It rose", "alt": ALT, "data": DATA, "credit": "Data: a source."}
WORDS = [word.value for word in Verdict]


@pytest.fixture
def shown(monkeypatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What reaches the notebook: bundles and their metadata."""
    caught: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def catch(bundle, *, raw, metadata):
        assert raw
        caught.append((bundle, metadata))

    monkeypatch.setattr(figures, "display", catch)
    return caught


def line() -> figures.Figure:
    figure, axes = figures.canvas(4, 2)
    axes.plot([0, 1, 2], [0, 2, 1])
    return figure


def said(axes) -> list[str]:
    """Every text in the axes but the ticks."""
    return [text.get_text() for text in axes.texts]


def legend(axes) -> list[str]:
    return axes.get_legend_handles_labels()[1]


# -- show ----------------------------------------------------------------------------------------


def test_show_gives_one_png_with_its_words_and_data(shown):
    figures.show(line(), **GOOD)
    ((bundle, metadata),) = shown
    assert bundle["image/png"].startswith(b"\x89PNG\r\n\x1a\n")
    assert metadata["image/png"]["alt"] == ALT
    assert bundle["text/plain"] == f"It rose\n{ALT}"
    behind = json.loads(json.dumps(bundle[figures.MIME], allow_nan=False))
    assert behind == {
        "title": "It rose",
        "alt": ALT,
        "credit": "Data: a source.",
        "data": {"day": ["2024-08-06", "2024-08-07"], "km2": [1.5, None]},
    }


def test_the_same_data_give_the_same_bytes_and_other_data_do_not(shown):
    figures.show(line(), **GOOD)
    figures.show(line(), **GOOD)
    other = line()
    other.axes[0].plot([0, 1], [1, 1])
    figures.show(other, **GOOD)
    first, second, third = (bundle["image/png"] for bundle, _ in shown)
    assert first == second
    assert first != third


def test_the_png_tells_nothing_of_the_machine(shown):
    figures.show(line(), **GOOD)
    png = shown[0][0]["image/png"]
    assert not any(word in png for word in (b"Software", b"tEXt", b"tIME", b"atplotlib"))


def test_title_and_credit_stand_in_the_picture(shown):
    figure = line()
    figures.show(figure, **{**GOOD, "title": "It rose " * 20})
    assert figure.get_suptitle().split() == ["It", "rose"] * 20
    assert "\n" in figure.get_suptitle()  # wrapped to the width
    assert figure.get_supxlabel() == GOOD["credit"]


@pytest.mark.parametrize("missing", [{"title": ""}, {"credit": ""}, {"alt": ""}, {"alt": "x" * 39}])
def test_a_figure_without_title_alt_or_credit_is_refused(shown, missing):
    with pytest.raises(ValueError, match="needs a title, alt text"):
        figures.show(line(), **{**GOOD, **missing})
    assert shown == []


def test_1500_rows_may_stand_behind_a_figure_and_no_more(shown):
    figures.show(line(), **{**GOOD, "alt": "x" * 40, "data": pd.DataFrame({"x": range(1500)})})
    with pytest.raises(ValueError, match="1501 rows"):
        figures.show(line(), **{**GOOD, "data": pd.DataFrame({"x": range(1501)})})
    assert len(shown) == 1


# -- data behind ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        ([1, 2], [1, 2]),
        ([1234567.0, 0.1 + 0.2], [1234570.0, 0.3]),  # six significant digits
        ([True, False], [True, False]),
        (["a", None], ["a", None]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (pd.array([True, None], dtype="boolean"), [True, None]),
        (pd.to_datetime(["2024-08-06 13:00", None]), ["2024-08-06", None]),
        (pd.Categorical(["x", "y"]), ["x", "y"]),
        ([Verdict.MIXED, 1], ["mixed", 1]),
        ([], []),
    ],
)
def test_columns_are_plain(column, plain):
    found = figures.as_columns(pd.DataFrame({"c": column}))["c"]
    assert found == plain
    json.dumps(found, allow_nan=False)
    assert [type(value) for value in found] == [type(value) for value in plain]


def test_the_names_of_columns_become_text():
    assert figures.as_columns(pd.DataFrame({2024: [1]})) == {"2024": [1]}


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(nan), max_size=20))
def test_data_come_back_at_six_digits(values):
    text = json.dumps(figures.as_columns(pd.DataFrame({"v": np.array(values, dtype="float64")})))
    back = pd.Series(json.loads(text)["v"], dtype="float64")
    assert back.tolist() == pytest.approx(values, rel=1e-5, nan_ok=True)


# -- parts of figures ----------------------------------------------------------------------------


def test_a_canvas_has_its_size_and_panels():
    figure, axes = figures.canvas(6, 3, rows=2, cols=3, width_ratios=(1, 2, 1), sharex=True)
    assert figure.get_size_inches().tolist() == [6, 3]
    assert axes.shape == (2, 3)
    assert len(figure.axes) == 6
    _, one = figures.canvas()
    assert one.get_title() == ""  # a single axes, no array


def test_axis_days_need_no_locale():
    assert figures.DAY_MONTH(matplotlib.dates.date2num(pd.Timestamp("2024-08-06"))) == "06.08."


@pytest.mark.parametrize("count", [0, 1, 5, 7, 14])
def test_panels_one_a_name_and_no_spare_one_is_seen(count):
    names = [f"crisis {i}" for i in range(count)]
    figure, axes = figures.panels(names, cols=5)
    assert [panel.get_title(loc="left") for panel in axes] == names
    assert [panel for panel in figure.axes if panel.axison] == axes


def test_empty_says_why():
    _, axes = figures.canvas()
    figures.empty(axes, "Nothing can be read on this day. " * 4)
    assert " ".join(said(axes)[0].split()) == " ".join(["Nothing can be read on this day."] * 4)
    assert list(axes.get_xticks()) == []


def test_empty_leaves_nothing_else_but_the_title():
    _, axes = figures.canvas()
    axes.set(title="Georgia", ylabel="per cent", yscale="log")
    figures.mark(axes, 3, "four months", "black")
    figures.empty(axes, "Nothing was public.")
    assert said(axes) == ["Nothing was public."] and len(axes.lines) == 0
    assert axes.get_ylabel() == "" and axes.get_title(loc="left") == "Georgia"
    assert [*axes.get_yticks(), *axes.get_yticks(minor=True)] == []


def test_a_legend_names_what_is_drawn_or_says_why_nothing_is():
    _, (full, bare) = figures.canvas(cols=2)
    full.plot([1, 2], [3, 4], label="held")
    for axes in (full, bare):
        figures.mark(axes, 1, "start", "black")
        figures.legend(axes, "Nothing was public.", ncols=2)
    assert [text.get_text() for text in full.get_legend().get_texts()] == ["held"]
    assert said(full) == ["start"]
    assert bare.get_legend() is None and said(bare) == ["Nothing was public."]


def test_a_mark_is_labelled():
    _, axes = figures.canvas()
    figures.mark(axes, 3, "four months", "black")
    assert said(axes) == ["four months"]
    assert list(axes.lines[0].get_xdata()) == [3, 3]


def test_marks_one_a_row_and_a_label_for_each_group_that_is_there():
    rows = pd.DataFrame(
        {"x": [1, 2, 3], "y": [4, 5, 6], "side": ["poll", "russia_official", "poll"]}
    )
    _, axes = figures.canvas()
    figures.marks(axes, rows, "x", "y", by="side", looks=SIDES)
    assert set(legend(axes)) == {"pollsters", "Russian officials"}
    drawn = np.vstack([dots.get_offsets() for dots in axes.collections])
    assert sorted(map(tuple, drawn)) == [(1, 4), (2, 5), (3, 6)]
    shapes = [dots.get_paths()[0].vertices.tolist() for dots in axes.collections]
    assert shapes[0] != shapes[1]  # not by colour alone


def test_marks_can_have_an_edge():
    rows = pd.DataFrame({"x": [1], "y": [4], "side": ["poll"]})
    found = []
    for edge in (None, "white"):
        _, axes = figures.canvas()
        figures.marks(axes, rows, "x", "y", by="side", looks=SIDES, edge=edge)
        (dots,) = axes.collections
        found.append([to_hex(dots.get_edgecolor()[0]), to_hex(dots.get_facecolor()[0])])
    own = SIDES["poll"].colour
    assert found == [[own, own], ["#ffffff", own]]


# -- areas, events and months --------------------------------------------------------------------


KINDS = ["offer", "direct_talks"]


def acts(*rows: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["observed_on", "kind", "side"])
    return table.astype({"observed_on": "datetime64[ns]"})


def area_and_acts(days: int, table: pd.DataFrame):
    area = pd.Series(10.0, index=pd.date_range("2024-08-06", periods=days))
    options: dict[str, Any] = {"by": "side", "looks": SIDES, "breaks": {"start": area.index[0]}}
    figure, top = figures.area_and_events(area, table, KINDS, **options)
    return top, figure.axes[1]


def test_events_stand_in_the_row_of_their_kind_and_apart_on_the_same_day():
    twice = ("2024-08-07", "offer", "poll")
    _, low = area_and_acts(3, acts(twice, twice, ("2024-08-07", "direct_talks", "russia_official")))
    russian, poll = ([y for _, y in dots.get_offsets()] for dots in low.collections)
    assert [round(y) for y in russian] == [1]
    assert [round(y) for y in poll] == [0, 0] and len(set(poll)) == 2
    assert [tick.get_text() for tick in low.get_yticklabels()] == ["offer", "direct talks"]
    assert low.get_ylim()[0] > low.get_ylim()[1]  # top down


@pytest.mark.parametrize(("days", "noted"), [(3, " last map"), (2, " last map"), (1, "no map")])
def test_days_after_the_last_map_are_told_from_days_with_nothing_held(days, noted):
    top, _ = area_and_acts(days, acts(("2024-08-07", "offer", "poll")))
    assert said(top) == ["start", noted]
    assert bool(top.patches) == (noted == "no map")


def test_an_area_without_events_says_so():
    top, low = area_and_acts(3, acts())
    assert said(top) == ["Nothing was public on this day."]
    assert low.get_legend() is None and not low.collections


def months(*whole: bool) -> pd.DataFrame:
    first = pd.date_range("2024-07-06", periods=len(whole), freq=pd.DateOffset(months=1))
    return pd.DataFrame({"month": first, "whole": list(whole), "a": 1, "b": 2})


def test_months_have_one_place_each_and_those_known_in_part_are_hatched():
    _, axes = figures.canvas()
    since = pd.Timestamp("2024-08-06")
    figures.month_bars(
        axes, months(False, True, False), {"a": "k", "b": "w"}, since=since, text="!"
    )
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert [patch.get_x() for patch in hatched] == [-0.5, 1.5]
    middles = [[bar.get_x() + bar.get_width() / 2 for bar in bars] for bars in axes.containers]
    assert np.allclose(middles, [[-0.2, 0.8, 1.8], [0.2, 1.2, 2.2]])
    assert legend(axes) == ["month known in part", "a", "b"]
    (line,) = axes.lines
    assert list(line.get_xdata()) == [0.5, 0.5]  # between July and August


def test_no_months_say_so():
    _, axes = figures.canvas()
    figures.month_bars(axes, months(), {"a": "k"}, since=pd.Timestamp("2024-08-06"), text="!")
    assert said(axes) == ["Nothing was public on this day."] and axes.get_legend() is None


def test_running_totals_rise_by_what_a_day_adds_and_run_on_to_the_end():
    day = pd.Timestamp("2024-08-06")
    days = {
        "Russian": pd.Series([day + pd.Timedelta(days=n) for n in (2, 0, 0, 2, 2)]),
        "Ukrainian": pd.Series([], dtype="datetime64[us]"),
    }
    _, axes = figures.canvas()
    figures.running_totals(axes, days, ("red", "blue"), day + pd.Timedelta(days=9))
    (steps,) = axes.lines
    assert steps.get_drawstyle() == "steps-post"
    assert list(steps.get_ydata()) == [2, 5, 5]
    assert [(x - day).days for x in steps.get_xdata()] == [0, 2, 9]
    assert legend(axes) == ["Russian: 5"]


def test_running_totals_differ_by_dashes_as_well_as_colour():
    days = {name: pd.Series([pd.Timestamp("2024-08-06")]) for name in "ab"}
    _, axes = figures.canvas()
    figures.running_totals(axes, days, ("black", "black"), pd.Timestamp("2024-08-09"))
    first, second = (line.get_linestyle() for line in axes.lines)
    assert first != second


def test_running_totals_of_nothing_say_so():
    _, axes = figures.canvas()
    none = {"Russian": pd.Series([], dtype="datetime64[us]")}
    figures.running_totals(axes, none, ("red",), pd.Timestamp("2024-08-09"))
    assert said(axes) == ["Nothing was counted by this day."]


def test_marks_of_nothing():
    _, axes = figures.canvas()
    none = pd.DataFrame({"x": [], "y": [], "side": []})
    figures.marks(axes, none, "x", "y", by="side", looks=SIDES)
    assert legend(axes) == []


CHANGES = pd.DataFrame(
    {"row": ["Kursk", "Beslan"], "change": [2.0, -7.0], "noise": [3.0, 3.0], "clear": [False, True]}
)
NAMES = {"label": "row", "value": "change", "noise": "noise", "strong": "clear"}


def test_lollipops_name_every_row_from_the_top():
    _, axes = figures.canvas()
    figures.lollipops(axes, CHANGES, **NAMES)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Kursk", "Beslan"]
    low, high = axes.get_ylim()
    assert low > high  # the first row stands on top


def test_lollipops_of_nothing_say_so():
    _, axes = figures.canvas()
    figures.lollipops(axes, CHANGES[:0], **NAMES)
    assert said(axes) == ["Nothing can be read on this day."]


@pytest.mark.parametrize("days", [0, 1, 15, 40, 100, 250, 500, 900, 1400, 4000])
def test_few_days_are_few_whatever_the_span(days):
    figure, axes = figures.canvas(3, 3)
    first = pd.Timestamp("2023-02-01")
    axes.scatter([first, first + pd.Timedelta(days=days)], [0, 1])
    figures.few_days(axes, figures.MONTH_YEAR)
    figure.draw_without_rendering()  # a span without a fitting step would warn
    low, high = axes.get_xlim()
    assert 1 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= 6


WAVES = {"day": "day", "value": "pct", "low": "low", "high": "high"}
BREAK = pd.Timestamp("2024-08-06")


def test_waves_are_dots_with_intervals_and_a_break():
    days = pd.to_datetime(["2024-06-30", "2024-07-31", "2024-08-28"])
    table = pd.DataFrame({"day": days, "pct": [50, 51, 54], "low": 47, "high": [57, 58, 59]})
    _, axes = figures.canvas()
    figures.waves(axes, table, **WAVES, since=BREAK)
    lines, dots = axes.collections
    assert [tuple(line[:, 1]) for line in lines.get_segments()] == [(47, 57), (47, 58), (47, 59)]
    assert [y for _, y in dots.get_offsets()] == [50, 51, 54]
    (line,) = axes.get_lines()  # nothing joins the dots
    assert [pd.Timestamp(x) for x in line.get_xdata()] == [BREAK, BREAK]


def test_waves_of_nothing_say_so():
    _, axes = figures.canvas()
    figures.waves(axes, pd.DataFrame(columns=list(WAVES.values())), **WAVES, since=BREAK)
    assert said(axes) == ["No wave is known on this day."]


WHISKERS = {"label": "who", "value": "pp", "low": "low", "high": "high", "strong": "clear"}


def test_whiskers_draw_every_interval_from_the_top():
    rows = [("talks", 4.0, 1.0, 7.0, True), ("army", -1.0, -4.0, 2.0, False)]
    table = pd.DataFrame(rows, columns=list(WHISKERS.values()))
    _, axes = figures.canvas()
    figures.whiskers(axes, table, **WHISKERS)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["talks", "army"]
    lines, dots = axes.collections
    assert [tuple(line[:, 0]) for line in lines.get_segments()] == [(1.0, 7.0), (-4.0, 2.0)]
    assert [tuple(xy) for xy in dots.get_offsets()] == [(4.0, 0.0), (-1.0, 1.0)]
    assert len({tuple(face) for face in dots.get_facecolor()}) == 2  # one filled, one not
    low, high = axes.get_ylim()
    assert low > high  # the first row stands on top


def test_whiskers_of_nothing_say_so():
    _, axes = figures.canvas()
    figures.whiskers(axes, pd.DataFrame(columns=list(WHISKERS.values())), **WHISKERS)
    assert said(axes) == ["Nothing can be read on this day."]


def results(*rows: tuple[int, float, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["window", "share", "verdict"])


def test_specification_curve_counts_every_verdict_that_is_there():
    table = results((0, 0.2, "mixed"), (1, 0.9, "supported"), (0, 0.1, "mixed"))
    _, axes = figures.canvas()
    figures.specification_curve(axes, table, "share", "share of crises")
    assert legend(axes) == ["supported (1)", "mixed (2)"]
    drawn = sorted(tuple(xy) for dots in axes.collections for xy in dots.get_offsets())
    assert drawn == [(0, 0.1), (1, 0.2), (2, 0.9)]  # sorted by their estimate
    assert axes.get_ylabel() == "share of crises"


@pytest.mark.parametrize("table", [results(), results((0, nan, "unresolved"))])
def test_specification_curve_of_nothing_says_so(table):
    _, axes = figures.canvas()
    figures.specification_curve(axes, table, "share", "share of crises")
    assert said(axes) == ["No specification can be estimated on this day."]


def test_a_curve_of_nothing_but_noughts_stays_above_nought():
    _, axes = figures.canvas()
    figures.specification_curve(axes, results((0, 0.0, "mixed")), "share", "share of crises")
    assert [y for y in axes.get_yticks() if -0.05 <= y < 0] == []


@pytest.mark.parametrize("word", WORDS)
def test_specification_curve_knows_every_word(word):
    _, axes = figures.canvas()
    figures.specification_curve(axes, results((0, 0.5, word)), "share", "share")
    assert legend(axes) == [f"{word} (1)"]


def test_verdict_shares_fill_one_row_a_value():
    table = results(*((i % 2, 0.5, word) for i, word in enumerate([*WORDS, "mixed", "mixed"])))
    _, axes = figures.canvas()
    figures.verdict_shares(axes, table, {"window": (0, 1)})
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["window = 0", "window = 1"]
    for row in (0, 1):
        bars = [bar.get_bbox() for bar in axes.patches if bar.get_bbox().contains(bar.get_x(), row)]
        assert sum(bar.width for bar in bars) == pytest.approx(1)
        assert (min(bar.x0 for bar in bars), max(bar.x1 for bar in bars)) == pytest.approx((0, 1))


def test_verdict_shares_of_a_value_that_no_row_has():
    _, axes = figures.canvas()
    figures.verdict_shares(axes, results((0, 0.5, "mixed")), {"window": (0, 1)})
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["window = 0", "window = 1"]


@pytest.mark.parametrize(
    ("last", "ticks", "reach"),
    [
        ("2024-08-21", ["06.08.24", "07.08.24", "09.08.24", "12.08.24", "19.08.24"], 16),
        ("2024-08-06", ["06.08.24", "07.08.24", "09.08.24", "12.08.24"], 7),  # at least a week
        ("1990-01-01", ["06.08.24", "07.08.24", "09.08.24", "12.08.24"], 7),
    ],
)
def test_a_log_axis_of_days_starts_with_day_one(last, ticks, reach):
    _, axes = figures.canvas()
    figures.log_days(axes, BREAK, pd.Timestamp(last))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ticks
    assert list(axes.get_xticks()) == [1, 2, 4, 7, 14][: len(ticks)]
    assert not len(axes.get_xticks(minor=True)) and axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 1 and high > reach


def test_what_is_drawn_can_be_shown(shown):
    figure, (left, right) = figures.canvas(cols=2)
    table = results(*((i % 2, i / 9, word) for i, word in enumerate(WORDS)))
    figures.specification_curve(left, table, "share", "share")
    figures.verdict_shares(right, table, {"window": (0, 1)})
    figures.show(figure, **GOOD)
    assert len(shown) == 1


# -- spans ---------------------------------------------------------------------------------------

SPANS = {
    "y": "place", "low": "low_h", "high": "high_h", "by": "who", "looks": SIDES,
    "ticks": {1.0: "an hour", 24.0: "a day", 100.0: "long"}, "label": "hours",
}  # fmt: skip


def spanned(*rows: tuple[float, float, str]) -> Any:
    """Axes with one span a row of low, high and group."""
    table = pd.DataFrame(rows, columns=["low_h", "high_h", "who"])
    _, axes = figures.canvas()
    figures.spans(axes, table.assign(place=range(len(table))), **SPANS)
    return axes


def test_a_span_reaches_over_its_bounds_with_its_mark_in_the_middle_of_the_log_axis():
    axes = spanned((2, 8, "poll"), (3, 3, "poll"))
    bars = [path.vertices[:, 0].tolist() for path in axes.collections[0].get_paths()]
    assert bars == [[2, 8], [3, 3]]
    assert axes.collections[1].get_offsets().tolist() == [[4, 0], [3, 1]]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["an hour", "a day", "long"]
    low, high = axes.get_ylim()
    assert low > high  # the first row stands on top


def test_a_span_without_an_end_is_marked_where_it_begins_and_cut_off_at_the_edge():
    axes = spanned((50, np.inf, "poll"), (0, 0.2, "poll"))
    bars = [path.vertices[:, 0].tolist() for path in axes.collections[0].get_paths()]
    assert bars == [[50, 100], [1, 1]]
    assert axes.collections[1].get_offsets()[:, 0].tolist() == [50, 1]


def test_only_a_span_with_two_ends_has_a_full_mark_and_only_an_end_has_a_cap():
    axes = spanned((50, np.inf, "poll"), (0, 8, "poll"), (2, 8, "poll"), (0, np.inf, "poll"))
    _, filled, lows, highs, hollow = (each.get_offsets().tolist() for each in axes.collections)
    assert filled == [[50, 0], [8, 1], [4, 2], [1, 3]]
    assert lows == [[50, 0], [2, 2]]
    assert highs == [[8, 1], [8, 2]]
    assert hollow == [[50, 0], [8, 1], [1, 3]]


def test_spans_name_the_groups_that_are_there():
    axes = spanned((1, 2, "ukraine_official"), (1, 2, "russia_official"), (2, 4, "russia_official"))
    assert legend(axes) == ["Russian officials", "Ukrainian officials"]


def test_spans_of_nothing_say_so():
    axes = spanned()
    assert said(axes) == ["Nothing can be read on this day."]
    assert axes.get_legend() is None
