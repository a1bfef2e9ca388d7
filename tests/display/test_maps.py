"""The map: true distances, both countries on the right side of the border."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from pyproj import Geod

from kursk_claims.display import figures, maps
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
