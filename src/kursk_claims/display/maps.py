"""Maps of the border country: an equal-area frame, the border, a scale bar, north."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from kursk_claims.display.style import CONTRAST, FAINT, INK, MUTED, Fill, Look

PROJECTION = "+proj=laea +lat_0=51.4 +lon_0=35.2 +datum=WGS84 +units=km +no_defs"
"""Lambert azimuthal equal-area, centred on the border near Sudzha; kilometres."""
LAND = {"RU": "#f4f1ec", "UA": "#e6ecf3"}
POINTS2_PER_ONE = 6.0
"""Area of a mark, in square points, for each one that it counts (see `counts`)."""
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

    @property
    def corner(self) -> shapely.Polygon:
        """The upper left corner, large enough for a legend."""
        width, height = self.east - self.west, self.north - self.south
        return shapely.box(self.west, self.north - height / 3, self.west + width / 4, self.north)


def base(
    axes: Axes | Sequence[Axes],
    layers: gpd.GeoDataFrame,
    frame: Frame,
    clear_of: shapely.Geometry | None = None,
) -> None:
    """Draw both countries along the accurate border, the regions, a scale bar and north.

    The regions are coarse near the border (Natural Earth, kilometres off), so the countries are cut
    by the border line (OpenStreetMap) and a region's outline is drawn only away from it.

    Parameters
    ----------
    axes : Axes or sequence of Axes
        Several panels get the same ground; names, scale bar and north stand in the first.
    layers : GeoDataFrame
        As `kursk_claims.evidence.layers.load_layers` returns them: ``layer`` (``country_border`` or
        ``region``), ``name``, ``country`` (``RU`` or ``UA``) and ``geometry``.
    clear_of : Geometry, optional
        What will be drawn on top, in kilometres: names of regions keep off it, and off the upper
        left corner, where `legend` stands.
    """
    panels = [axes] if isinstance(axes, Axes) else list(axes)
    local = layers.to_crs(PROJECTION)
    regions = local[local["layer"] == "region"]
    border = local[local["layer"] == "country_border"].geometry.union_all()
    near_km = 9.0
    border = border.intersection(frame.box.buffer(near_km + 1))  # what lies far off is never seen
    lands = list(_countries(frame, border, regions))
    outlines = regions.boundary.difference(border.buffer(near_km)).intersection(frame.box)
    # Plain collections: geopandas builds a class for each one it plots.
    for panel in panels:
        for land, country in lands:
            panel.add_collection(PathCollection([_path(land)], facecolor=LAND[country]))
        for lines, colour, width in (
            (outlines, "#b9b9b9", 0.6),
            ([border.intersection(frame.box)], INK, 1.3),
        ):
            parts = shapely.get_parts(np.asarray(lines, dtype="object"))
            ways = [np.asarray(part.coords) for part in parts if not part.is_empty]
            panel.add_collection(LineCollection(ways, colors=colour, linewidths=width))
        panel.set(xlim=(frame.west, frame.east), ylim=(frame.south, frame.north), aspect="equal")
        panel.set(xticks=[], yticks=[], xlabel="", ylabel="")
        for spine in panel.spines.values():
            spine.set(visible=True, color=FAINT)
    _name_regions(panels[0], regions, frame, clear_of)
    _scale_bar(panels[0], frame)


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


def outline(
    cells: pd.DataFrame, width_deg: float = 0.02, height_deg: float = 0.0125
) -> shapely.Geometry:
    """Return the cells of a grid in degrees as one shape, in kilometres of the map.

    Parameters
    ----------
    cells : DataFrame
        Columns ``lon`` and ``lat``: the centres of the cells; a cell may stand in several rows.
    width_deg, height_deg : float
        Size of a cell.
    """
    lon, lat = (cells[name].to_numpy(dtype="float64") for name in ("lon", "lat"))
    east, north = width_deg / 2, height_deg / 2
    # Rounded, or the corners of neighbours differ in the last bit and slivers stay between them.
    corners = np.round([lon - east, lat - north, lon + east, lat + north], 6)
    each = np.unique(corners, axis=1)  # cells may repeat, but a coverage must not overlap
    shape = shapely.coverage_union_all(shapely.box(*each))
    return shapely.transform(shape, lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1])))


def control(
    axes: Axes,
    grid: pd.DataFrame,
    looks: Mapping[str, Fill],
    *,
    width_deg: float = 0.02,
    height_deg: float = 0.0125,
) -> None:
    """Fill the cells of a grid by who holds them: one shape a status, by colour and by hatching.

    Parameters
    ----------
    grid : DataFrame
        Columns ``lon``, ``lat`` (degrees, centres of the cells) and ``status``. A status without a
        look is not drawn.
    looks : mapping
        Status to its fill, such as `kursk_claims.display.style.CONTROL`; drawn in this order.
    width_deg, height_deg : float
        Size of a cell; that of ``geo/kursk_control_grid`` by default.
    """
    for status, look in looks.items():
        shape = outline(grid[grid["status"] == status], width_deg, height_deg)
        if not shape.is_empty:
            axes.add_patch(
                PathPatch(
                    _path(shape), facecolor=look.colour, edgecolor=look.edge, hatch=look.hatch,
                    linewidth=0.8, zorder=1.5, label=look.label,
                )
            )  # fmt: skip


def _path(shape: shapely.Geometry) -> Path:
    """Return polygons with their holes as one path; holes wind the other way and stay open."""
    polygons = shapely.get_parts(shapely.orient_polygons(shape, exterior_cw=True))
    rings = [ring for part in polygons for ring in (part.exterior, *part.interiors)]
    return Path.make_compound_path(*(Path(np.asarray(ring.coords), closed=True) for ring in rings))


def locate(rows: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Give rows the position of their settlement; those that cannot be placed are left out.

    A name that stands for several places is looked up together with its district.

    Parameters
    ----------
    rows : DataFrame
        Columns ``settlement`` and ``district``, among others; either may be empty.
    places : DataFrame
        Columns ``name``, ``district``, ``lon``, ``lat`` (degrees).

    Returns
    -------
    DataFrame
        The rows with ``lon`` and ``lat``, in their order.
    """
    twice = places["name"][places["name"].duplicated()].unique()

    def key(name: pd.Series, district: pd.Series) -> pd.Series:
        return name.where(~name.isin(twice), name + ", " + district)

    known = places.set_index(key(places["name"], places["district"]))[["lon", "lat"]]
    found = known.reindex(key(rows["settlement"], rows["district"])).set_axis(rows.index)
    return rows.assign(lon=found["lon"], lat=found["lat"])[found["lon"].notna()]


def counts(
    axes: Axes, places: pd.DataFrame, *, size: str, by: str, looks: Mapping[str, Look]
) -> None:
    """Draw a mark at each place, its area by a number, its shape and colour by a group.

    Small marks lie above large ones, and the groups of one place side by side.

    Parameters
    ----------
    places : DataFrame
        Columns ``lon``, ``lat`` (degrees), `size` and `by`; one row a place and group.
    looks : mapping
        Group to its label, matplotlib marker and colour.
    """
    apart_km = 0.9
    for rank, (name, look) in enumerate(looks.items()):
        part = places[places[by] == name].sort_values(size, ascending=False, kind="stable")
        if len(part):
            x, y = project(part["lon"], part["lat"])
            axes.scatter(
                x + apart_km * (rank - (len(looks) - 1) / 2), y,
                s=POINTS2_PER_ONE * part[size].astype("float64"), marker=look.mark,
                color=look.colour, edgecolor="white", linewidth=0.6, alpha=0.9, zorder=4,
                label=look.label,
            )  # fmt: skip


def legend(
    axes: Axes,
    looks: Mapping[str, Look],
    sizes: Sequence[int] = (),
    loc: Literal["upper left", "lower left"] = "upper left",
) -> None:
    """Explain the fills and marks that were drawn, and how large some numbers are drawn.

    Parameters
    ----------
    looks : mapping
        As for `counts`; marks that were not drawn are left out.
    sizes : sequence of int
        Numbers shown at the size that `counts` gives them, when it drew any.
    loc : {"upper left", "lower left"}
        Where it stands.
    """
    handles, labels = axes.get_legend_handles_labels()
    drawn = [look for look in looks.values() if look.label in labels]
    fills = [handle for handle in handles if isinstance(handle, PathPatch)]
    marks = [_key(look.label, look.mark, look.colour, 40) for look in drawn]
    scale = [_key(str(n), "o", "white", POINTS2_PER_ONE * n) for n in sizes if drawn]
    if handles:
        axes.legend(
            handles=[*fills, *marks, *scale], loc=loc, frameon=True, framealpha=0.9,
            edgecolor=FAINT, labelspacing=0.7,
        )  # fmt: skip


def _key(label: str, marker: str, colour: str, points2: float) -> Line2D:
    """Return one entry of a legend: a mark with an area in square points."""
    edge = INK if colour == "white" else "white"
    return Line2D(
        [], [], linestyle="", marker=marker, markersize=points2**0.5, color=colour,
        markeredgecolor=edge, markeredgewidth=0.6, label=label,
    )  # fmt: skip


def towns(axes: Axes, places: pd.DataFrame) -> None:
    """Mark places with a small dot and their name.

    Parameters
    ----------
    places : DataFrame
        Columns ``name``, ``lon``, ``lat`` (degrees). What lies outside the axes is not drawn.
    """
    x, y = project(places["lon"], places["lat"])
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    seen = (x > west) & (x < east) & (y > south) & (y < north)
    axes.plot(x[seen], y[seen], "o", color=INK, markersize=2.4, zorder=5)
    names = places["name"][seen]
    for place_east, place_north, name in zip(x[seen], y[seen], names, strict=True):
        axes.annotate(
            name, (place_east, place_north), (4, 0), textcoords="offset points", fontsize=7.5,
            va="center", zorder=6, path_effects=HALO,
        )  # fmt: skip


def _name_regions(
    axes: Axes, regions: gpd.GeoDataFrame, frame: Frame, clear_of: shapely.Geometry | None
) -> None:
    """Write each region's name inside its visible part, where that part is large enough."""
    free = regions.intersection(frame.box.buffer(-8))
    free = free if clear_of is None else free.difference(clear_of.union(frame.corner))
    for name, country, shape in zip(regions["name"], regions["country"], free, strict=True):
        if shape.area > 0.03 * frame.box.area:
            place = shape.representative_point()
            if clear_of is not None:  # what is left has bays: not on their brink
                place = shapely.get_point(shapely.maximum_inscribed_circle(shape, tolerance=1), 0)
            label = f"{name.upper()} ({'Russia' if country == 'RU' else 'Ukraine'})"
            axes.text(place.x, place.y, label, ha="center", color=MUTED, fontsize=7, alpha=0.9)


def _scale_bar(axes: Axes, frame: Frame, length_km: int = 20) -> None:
    right, low = frame.east - 5, frame.south + 5
    axes.plot([right - length_km, right], [low, low], color=INK, linewidth=2, solid_capstyle="butt")
    axes.text(right - length_km / 2, low + 1.5, f"{length_km} km", ha="center", fontsize=7.5)
    arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.2}
    axes.annotate("", (right, low + 20), (right, low + 8), arrowprops=arrow)
    axes.text(right, low + 20.5, "N", ha="center", fontsize=8)
