"""Map layers that ship with the collection; nothing is fetched."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import geopandas as gpd

from kursk_claims.errors import EvidenceError
from kursk_claims.evidence.documents import read_json, text_of
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
        If the file is missing, or is not GeoJSON as described.
    """
    path = (folder or data_dir()) / FILE
    try:
        return _parse(text_of(path)).copy()
    except ValueError as error:
        raise EvidenceError(f"data/{FILE}: {error}") from None


@lru_cache(maxsize=4)
def _parse(text: str) -> gpd.GeoDataFrame:
    schema = files(__package__).joinpath("layers.schema.json").read_text("utf-8")
    features = read_json(text, schema)["features"]
    return gpd.GeoDataFrame.from_features(features, crs="EPSG:4326")
