"""The map: true distances, both countries on the right side of the border."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from pyproj import Geod

from kursk_claims.display import figures, maps
from kursk_claims.display.style import CONTROL, LOSERS, Fill
from kursk_claims.evidence.layers import load_layers

FRAME = maps.Frame(west=-70, east=60, south=-50, north=65)
EARTH = Geod(ellps="WGS84")
LON, LAT = st.floats(33.9, 36.4), st.floats(50.9, 52.1)


def project(lon: float, lat: float) -> tuple[float, float]:
    x, y = maps.project(pd.Series([lon]), pd.Series([lat]))
    return float(x[0]), float(y[0])


def lands_at(axes, x: float, y: float) -> set[str]:
    """The countries whose colour lies at a point of the map."""
    colours = {to_rgba(colour): country for country, colour in maps.LAND.items()}
    return {
        colours[tuple(shape.get_facecolor()[0])]
        for shape in axes.collections
        if len(shape.get_facecolor()) and tuple(shape.get_facecolor()[0]) in colours
        if any(path.contains_point((x, y)) for path in shape.get_paths())
    }


@pytest.fixture(scope="module")
def drawn():
    _, axes = figures.canvas()
    maps.base(axes, load_layers(), FRAME)
    return axes


# -- projection ----------------------------------------------------------------------------------


def test_the_centre_of_the_map_is_its_origin():
    assert project(35.2, 51.4) == pytest.approx((0, 0), abs=1e-6)


def test_a_degree_of_latitude_is_111_km_and_one_of_longitude_70():
    (_, south), (_, north) = project(35.2, 50.9), project(35.2, 51.9)
    assert north - south == pytest.approx(111.25, abs=0.05)  # WGS84 at 51.4 degrees
    (west, _), (east, _) = project(34.7, 51.4), project(35.7, 51.4)
    assert east - west == pytest.approx(69.6, abs=0.1)  # 111.32 * cos(51.4) = 69.5 on a sphere


def test_east_is_right_and_north_is_up():
    x, y = project(35.3, 51.5)
    assert x > 0
    assert y > 0


@settings(derandomize=True, deadline=None, max_examples=60)
@given(LON, LAT, LON, LAT)
def test_distances_on_the_map_are_those_on_the_ground(lon, lat, other_lon, other_lat):
    x, y = maps.project(pd.Series([lon, other_lon]), pd.Series([lat, other_lat]))
    ground_km = EARTH.inv(lon, lat, other_lon, other_lat)[2] / 1000
    assert np.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(ground_km, rel=1e-3, abs=1e-3)


def test_no_places_are_no_points():
    x, y = maps.project(pd.Series(dtype="float64"), pd.Series(dtype="float64"))
    assert len(x) == len(y) == 0


def test_places_not_known_stay_so():
    x, _ = maps.project(pd.Series([35.2, None]), pd.Series([51.4, None]))
    assert not np.isfinite(x[1])


def test_a_frame_is_its_box():
    assert FRAME.box.bounds == (-70, -50, 60, 65)
    assert FRAME.box.area == 130 * 115


# -- both countries ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "lon", "lat", "country"),
    [
        ("Sumy", 34.80, 50.98, "UA"),
        ("Bilopillia", 34.31, 51.15, "UA"),
        ("Yunakivka, six kilometres from the border", 35.06, 51.08, "UA"),
        ("Kursk region, at Lgov", 35.27, 51.66, "RU"),
        ("Rylsk", 34.68, 51.57, "RU"),
        ("Sudzha, nine kilometres from the border", 35.27, 51.19, "RU"),
        ("Glushkovo", 34.63, 51.34, "RU"),
    ],
)
def test_a_place_lies_in_its_country(drawn, place, lon, lat, country):
    assert lands_at(drawn, *project(lon, lat)) == {country}


def test_nearly_all_of_the_frame_is_land_of_one_country(drawn):
    points = [(x, y) for x in np.arange(-69, 60, 4.0) for y in np.arange(-49, 65, 4.0)]
    lands = [lands_at(drawn, x, y) for x, y in points]
    one = sum(len(land) == 1 for land in lands)
    assert one > 0.98 * len(points)
    assert {country for land in lands for country in land} == {"RU", "UA"}


def test_the_frame_the_regions_the_scale_and_north_are_there(drawn):
    assert drawn.get_xlim() == (-70, 60)
    assert drawn.get_ylim() == (-50, 65)
    assert drawn.get_aspect() == 1
    written = [text.get_text() for text in drawn.texts]
    assert {"SUMY (Ukraine)", "KURSK (Russia)", "20 km", "N"} <= set(written)
    assert 20 in [np.ptp(line.get_xdata()) for line in drawn.lines]  # the bar is as long as it says


def test_names_of_regions_stand_inside_them(drawn):
    regions = load_layers().to_crs(maps.PROJECTION).set_index("name").geometry
    for text in drawn.texts:
        name, bracket, _ = text.get_text().partition(" (")
        if bracket:
            assert regions[name.capitalize()].contains(shapely.Point(text.get_position()))


# -- a country drawn with a ruler ----------------------------------------------------------------


def ruled(*border: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    """Russia above, Ukraine below; the coarse regions meet five kilometres above the border."""
    rows = [
        ("country_border", "border", None, shapely.MultiLineString(border)),
        ("region", "Upper", "RU", shapely.box(-90, 5, 0, 90)),
        ("region", "Right", "RU", shapely.box(0, 5, 90, 90)),
        ("region", "Lower", "UA", shapely.box(-90, -90, 90, 5)),
    ]
    names, shapes = [row[:3] for row in rows], [row[3] for row in rows]
    table = pd.DataFrame(names, columns=["layer", "name", "country"])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=maps.PROJECTION).to_crs("EPSG:4326")


@pytest.mark.parametrize(
    "border",
    [
        ([(-90, 0), (90, 0)],),
        ([(-90, 0), (9.75, 0)], [(10.25, 0), (90, 0)]),  # broken for half a kilometre
    ],
)
def test_the_border_and_not_the_coarse_regions_parts_the_countries(border):
    _, axes = figures.canvas()
    maps.base(axes, ruled(*border), FRAME)
    for x in (-60.0, 9.0, 10.0, 11.0, 50.0):
        assert lands_at(axes, x, 2.0) == {"RU"}  # though the coarse region says Ukraine
        assert lands_at(axes, x, -2.0) == {"UA"}


def test_a_frame_without_a_border_belongs_to_one_country():
    _, axes = figures.canvas()
    inland = maps.Frame(west=-20, east=20, south=30, north=60)
    maps.base(axes, ruled([(-90, 0), (90, 0)]), inland)
    assert lands_at(axes, 0, 45) == {"RU"}


# -- seats ---------------------------------------------------------------------------------------


def test_seats_have_area_by_number_and_name_and_place():
    places = pd.DataFrame(
        {
            "name": ["Sudzha", "Lgov"], "seat_lon": [35.27, 35.27], "seat_lat": [51.19, 51.66],
            "people": pd.array([25_000, 12_500], dtype="Int64"),
        },
        index=[7, 3],
    )  # fmt: skip
    _, axes = figures.canvas()
    maps.seats(axes, places, size="people", filled=pd.Series([True, False], index=[7, 3]))
    (circles,) = axes.collections
    assert circles.get_sizes()[0] == pytest.approx(2 * circles.get_sizes()[1])
    assert np.ptp(circles.get_facecolor(), axis=0).max() > 0.1  # filled and empty differ
    assert circles.get_offsets()[0].tolist() == pytest.approx(project(35.27, 51.19))
    assert [text.get_text() for text in axes.texts] == ["Sudzha\n25,000", "Lgov\n12,500"]


# -- several panels ------------------------------------------------------------------------------


def test_panels_get_the_same_ground_and_only_the_first_its_names():
    _, panels = figures.canvas(rows=1, cols=2)
    maps.base(panels, ruled([(-90, 0), (90, 0)]), FRAME)
    first, second = panels
    for x, y in ((-60.0, 2.0), (50.0, -2.0)):
        assert lands_at(first, x, y) == lands_at(second, x, y)
    assert first.get_xlim() == second.get_xlim() == (-70, 60)
    assert "20 km" in [text.get_text() for text in first.texts]
    assert [text.get_text() for text in second.texts] == []


def test_names_of_regions_keep_clear_of_what_is_drawn_on_top():
    occupied = shapely.box(-90, -90, 20, 90)
    _, axes = figures.canvas()
    maps.base(axes, ruled([(-90, 0), (90, 0)]), FRAME, clear_of=occupied)
    named = [text for text in axes.texts if "(" in text.get_text()]
    assert {text.get_text() for text in named} == {"RIGHT (Russia)", "LOWER (Ukraine)"}
    assert not any(occupied.contains(shapely.Point(text.get_position())) for text in named)


def test_names_of_regions_keep_off_the_corner_of_the_legend():
    _, axes = figures.canvas()
    maps.base(axes, ruled([(-90, 0), (90, 0)]), FRAME, clear_of=shapely.box(-30, -50, 60, 65))
    (left,) = [text for text in axes.texts if text.get_text() == "UPPER (Russia)"]
    assert FRAME.corner.bounds == (-70, pytest.approx(65 - 115 / 3), -37.5, 65)
    assert not FRAME.corner.contains(shapely.Point(left.get_position()))


# -- cells ---------------------------------------------------------------------------------------


def cells(*places: tuple[int, int, str]) -> pd.DataFrame:
    """Cells of the control grid by row, column and status (see data/README.md)."""
    row, column, status = zip(*places, strict=True) if places else ((), (), ())
    lon = 34.01 + 0.02 * np.array(column, dtype="float64")
    lat = 51.00625 + 0.0125 * np.array(row, dtype="float64")
    return pd.DataFrame({"lon": lon, "lat": lat, "status": pd.Series(status, dtype="str")})


def test_a_cell_has_the_area_that_the_data_say():
    assert maps.outline(cells((15, 60, "unknown"))).area == pytest.approx(1.94, abs=0.01)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.sets(st.tuples(st.integers(0, 44), st.integers(0, 84)), min_size=1, max_size=40),
    st.randoms(),
)
def test_an_outline_has_the_area_of_its_cells_in_any_order_and_however_often_they_stand(
    places, random
):
    grid = cells(*((row, column, "unknown") for row, column in sorted(places)))
    each = sum(maps.outline(grid.iloc[[place]]).area for place in range(len(grid)))
    places = range(len(grid))
    mixed = grid.iloc[[*random.choices(places, k=5), *random.sample(places, len(grid))]]
    assert maps.outline(mixed).area == pytest.approx(each, rel=1e-9)


def test_neighbours_make_one_shape_without_slivers():
    block = cells(*((row, column, "unknown") for row in range(6) for column in range(6)))
    shape = maps.outline(block)
    assert shape.geom_type == "Polygon"
    assert not shape.interiors


def filled(axes) -> dict[str, object]:
    return {patch.get_label(): patch for patch in axes.patches}


def test_each_status_is_one_patch_told_apart_without_colour():
    grid = cells(
        (0, 0, "ukrainian_held"), (0, 1, "ukrainian_held"), (5, 5, "unknown"),
        (9, 9, "russian_held"),
    )  # fmt: skip
    _, axes = figures.canvas()
    maps.control(axes, grid, CONTROL)
    assert set(filled(axes)) == {fill.label for fill in CONTROL.values()}
    assert len({patch.get_hatch() or "" for patch in axes.patches}) == 3
    held = filled(axes)["held by Ukraine"]
    x, y = maps.project(grid["lon"], grid["lat"])
    assert [held.get_path().contains_point(xy) for xy in zip(x, y, strict=True)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_hole_in_held_ground_stays_open():
    ring = [(row, col, "unknown") for row in range(3) for col in range(3) if (row, col) != (1, 1)]
    figure, axes = figures.canvas(2, 2, layout=None)
    axes.set_position((0, 0, 1, 1))
    maps.control(axes, cells(*ring), {"unknown": Fill("unknown", "#ff0000", "", "#ff0000")})
    axes.set(xlim=axes.dataLim.intervalx, ylim=axes.dataLim.intervaly)
    axes.set_axis_off()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    middle = len(pixels) // 2
    assert pixels[middle, middle].tolist() == [255, 255, 255]
    assert pixels[middle, middle // 3].tolist() == [255, 0, 0]


def test_no_cells_draw_nothing_and_need_no_legend():
    _, axes = figures.canvas()
    maps.control(axes, cells(), CONTROL)
    maps.legend(axes, LOSERS, sizes=(1, 10))
    assert len(axes.patches) == 0
    assert axes.get_legend() is None


# -- losses --------------------------------------------------------------------------------------

PLACES = pd.DataFrame(
    {
        "name": ["Sudzha", "Obukhovka", "Obukhovka"],
        "district": ["Sudzha", "Korenevo", "Glushkovo"],
        "lon": [35.27, 34.98, 34.55], "lat": [51.20, 51.28, 51.27],
    }
)  # fmt: skip


def test_places_are_found_by_name_and_by_district_where_a_name_stands_twice():
    rows = pd.DataFrame(
        {
            "settlement": ["Sudzha", "Obukhovka", "Obukhovka", "Obukhovka", "Nowhere", None],
            "district": [None, "Glushkovo", "Korenevo", None, "Sudzha", "Sudzha"],
            "losses_count": range(6),
        },
        index=[4, 8, 1, 3, 2, 9],
    )
    found = maps.locate(rows, PLACES)
    assert found["losses_count"].tolist() == [0, 1, 2]
    assert found["lon"].tolist() == [35.27, 34.55, 34.98]
    assert found.index.tolist() == [4, 8, 1]


def test_nothing_is_found_without_places():
    rows = pd.DataFrame({"settlement": ["Sudzha"], "district": ["Sudzha"]})
    assert maps.locate(rows, PLACES.iloc[:0]).empty


def test_marks_grow_in_area_with_the_number_and_stand_side_by_side():
    lost = pd.DataFrame(
        {"lon": [35.2] * 3, "lat": [51.4] * 3, "n": [3, 12, 4],
         "side": ["russia", "russia", "ukraine"]}
    )  # fmt: skip
    _, axes = figures.canvas()
    maps.counts(axes, lost, size="n", by="side", looks=LOSERS)
    ukraine, russia = axes.collections
    assert ukraine.get_offsets()[0][0] < 0 < russia.get_offsets()[0][0]
    assert russia.get_sizes()[0] == 4 * russia.get_sizes()[1]  # the large one first, below
    assert russia.get_sizes()[0] == 3 * ukraine.get_sizes()[0]
    assert {ukraine.get_label(), russia.get_label()} == {look.label for look in LOSERS.values()}


def test_the_legend_shows_what_was_drawn_and_numbers_at_their_size():
    lost = pd.DataFrame({"lon": [35.2], "lat": [51.4], "n": [9], "side": ["russia"]})
    _, axes = figures.canvas()
    maps.control(axes, cells((0, 0, "unknown")), CONTROL)
    maps.counts(axes, lost, size="n", by="side", looks=LOSERS)
    maps.legend(axes, LOSERS, sizes=(4, 9))
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "unknown", "Russian losses", "4", "9",
    ]  # fmt: skip
    four, nine = (handle.get_markersize() for handle in legend.legend_handles[-2:])
    assert nine / four == pytest.approx(3 / 2)
    assert nine**2 == pytest.approx(axes.collections[0].get_sizes()[0])


def test_towns_outside_the_frame_are_not_named():
    places = pd.DataFrame(
        {"name": ["Sudzha", "Moscow"], "lon": [35.27, 37.6], "lat": [51.2, 55.75]}
    )
    _, axes = figures.canvas()
    maps.base(axes, ruled([(-90, 0), (90, 0)]), FRAME)
    maps.towns(axes, places)
    names = [text.get_text() for text in axes.texts]
    assert "Sudzha" in names
    assert "Moscow" not in names
