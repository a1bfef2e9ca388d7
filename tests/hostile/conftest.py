"""What these tests share: a small collection that is sound, and a browser."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from kursk_claims.evidence.paths import data_dir
from tests.report.test_browser import browser, command

__all__ = ["browser", "command"]

CLAIMS = ("c03", "c07", "c14")
KEPT = (
    "polls/crises", "history_framing/incursions", "politics/us_authority_left",
    "geo/oryx_ukraine_weekly", "military/deepstate_kursk_daily",
)  # fmt: skip
"""Tables of both kinds, with and without corrections, with every type of column."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small collection that is sound, and stays so."""
    folder = tmp_path_factory.mktemp("collection") / "data"
    for name in (*(f"tables/{n}.csv" for n in KEPT), "geo/map_layers.geojson",
                 "results/verdicts.csv"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data_dir() / name, folder / name)
    package = json.loads((data_dir() / "datapackage.json").read_bytes())
    paths = [*(f"tables/{name}.csv" for name in KEPT), "geo/map_layers.geojson"]
    package["resources"] = [r for r in package["resources"] if r["path"] in paths]
    (folder / "datapackage.json").write_text(json.dumps(package))
    registry = yaml.safe_load((data_dir() / "claims.yaml").read_bytes())
    registry["claims"] = [claim for claim in registry["claims"] if claim["id"] in CLAIMS]
    (folder / "claims.yaml").write_text(yaml.safe_dump(registry, sort_keys=False))
    fixed = yaml.safe_load((data_dir() / "corrections.yaml").read_bytes())
    fixed = [one for one in fixed if one["table"] in KEPT]
    (folder / "corrections.yaml").write_text(yaml.safe_dump(fixed, sort_keys=False))
    return folder
