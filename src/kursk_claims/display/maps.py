"""Maps of the border country: an equal-area frame, the border, a scale bar, north."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from kursk_claims.display.style import CONTRAST, FAINT, INK, MUTED

PROJECTION = "+proj=laea +lat_0=51.4 +lon_0=35.2 +datum=WGS84 +units=km +no_defs"
"""Lambert azimuthal equal-area, centred on the border near Sudzha; kilometres."""
LAND = {"RU": "#f4f1ec", "UA": "#e6ecf3"}
HALO = [withStroke(linewidth=2.2, foreground="white")]

_to_km = Transformer.from_crs("EPSG:4326", PROJECTION, always_xy=True)


def project(lon: pd.Series, lat: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return degrees as kilometres east and north of the centre of the map."""
    x, y = _to_km.transform(np.asarray(lon, dtype="float64"), np.asarray(lat, dtype="float64"))
    return np.asarray(x), np.asarray(y)


@dataclass(frozen=True)
class Frame:
    """The part of the map that is shown, in kilometres from its centre."""

    west: float
    east: float
    south: float
    north: float

    @property
    def box(self) -> shapely.Polygon:
        """The frame as a rectangle."""
        return shapely.box(self.west, self.south, self.east, self.north)


def base(axes: Axes, layers: gpd.GeoDataFrame, frame: Frame) -> None:
    """Draw both countries along the accurate border, the regions, a scale bar and north.

    The regions are coarse near the border (Natural Earth, kilometres off), so the countries are cut
    by the border line (OpenStreetMap) and a region's outline is drawn only away from it.

    Parameters
    ----------
    layers : GeoDataFrame
        As `kursk_claims.evidence.layers.load_layers` returns them.
    """
    local = layers.to_crs(PROJECTION)
    regions = local[local["layer"] == "region"]
    border = local[local["layer"] == "country_border"].geometry.union_all()
    for land, country in _countries(frame, border, regions):
        gpd.GeoSeries([land]).plot(ax=axes, color=LAND[country])
    outlines = regions.boundary.difference(border.buffer(9)).intersection(frame.box)
    seen = gpd.GeoSeries([border.intersection(frame.box)])
    for lines, colour, width in ((outlines, "#b9b9b9", 0.6), (seen, INK, 1.3)):
        if not lines.is_empty.all():
            lines.plot(ax=axes, color=colour, linewidth=width)
    axes.set(xlim=(frame.west, frame.east), ylim=(frame.south, frame.north), aspect="equal")
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    _name_regions(axes, regions, frame)
    _scale_bar(axes, frame)


def _countries(
    frame: Frame, border: shapely.Geometry, regions: gpd.GeoDataFrame
) -> Iterator[tuple[shapely.Polygon, str]]:
    """Cut the frame along the border; each piece belongs to the country that fills most of it."""
    # The line is broken in places by up to half a kilometre: cut with a band that closes them.
    half_width_km = 0.4
    pieces = frame.box.difference(border.buffer(half_width_km))
    countries = regions.dissolve("country").geometry
    for piece in shapely.get_parts(pieces):
        yield piece.buffer(half_width_km), str(countries.intersection(piece).area.idxmax())


def seats(axes: Axes, places: pd.DataFrame, *, size: str, filled: pd.Series) -> None:
    """Draw a circle at each seat, its area by a number, filled or empty, with its name and number.

    Parameters
    ----------
    places : DataFrame
        Columns ``name``, ``seat_lon``, ``seat_lat`` (degrees) and `size`.
    filled : Series of bool
        In the order of `places`.
    """
    x, y = project(places["seat_lon"], places["seat_lat"])
    colours = filled.map({True: CONTRAST, False: "white"})
    axes.scatter(x, y, s=places[size] / 60, color=colours, edgecolor=INK, alpha=0.85, zorder=4)
    for east, north, name, number in zip(x, y, places["name"], places[size], strict=True):
        axes.text(
            east + 6,
            north,
            f"{name}\n{number:,.0f}",
            fontsize=7.5,
            va="center",
            zorder=5,
            path_effects=HALO,
        )


def _name_regions(axes: Axes, regions: gpd.GeoDataFrame, frame: Frame) -> None:
    """Write each region's name inside its visible part, where that part is large enough."""
    seen = regions.set_geometry(regions.intersection(frame.box.buffer(-8)))
    for name, country, shape in zip(seen["name"], seen["country"], seen.geometry, strict=True):
        if shape.area > 0.03 * frame.box.area:
            place = shape.representative_point()
            label = f"{name.upper()} ({'Russia' if country == 'RU' else 'Ukraine'})"
            axes.text(place.x, place.y, label, ha="center", color=MUTED, fontsize=7, alpha=0.9)


def _scale_bar(axes: Axes, frame: Frame, length_km: int = 20) -> None:
    right, low = frame.east - 5, frame.south + 5
    axes.plot([right - length_km, right], [low, low], color=INK, linewidth=2, solid_capstyle="butt")
    axes.text(right - length_km / 2, low + 1.5, f"{length_km} km", ha="center", fontsize=7.5)
    arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.2}
    axes.annotate("", (right, low + 20), (right, low + 8), arrowprops=arrow)
    axes.text(right, low + 20.5, "N", ha="center", fontsize=8)
