"""Map layers that ship with the collection; nothing is fetched."""

import json
from functools import lru_cache
from pathlib import Path

import geopandas as gpd

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.paths import data_dir

FILE = "geo/map_layers.geojson"


def load_layers(folder: Path | None = None) -> gpd.GeoDataFrame:
    """Return the map layers in WGS84 degrees.

    Returns
    -------
    GeoDataFrame
        Columns ``layer`` (``country_border``: line, OpenStreetMap, ODbL; ``region``: first-level
        units, Natural Earth, public domain), ``name``, ``country``, ``licence``, ``geometry``.

    Raises
    ------
    EvidenceError
        If the file is missing or is not GeoJSON.
    """
    path = (folder or data_dir()) / FILE
    try:
        return _parse(path.read_text(encoding="utf-8")).copy()
    except (OSError, ValueError, KeyError) as error:
        raise EvidenceError(f"data/{FILE}: cannot be read ({error})") from None


@lru_cache(maxsize=4)
def _parse(text: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame.from_features(json.loads(text)["features"], crs="EPSG:4326")
