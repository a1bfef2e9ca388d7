"""The Data Package is valid by the standard's own tool."""

from frictionless import Package, system

from kursk_claims.evidence.paths import data_dir


def test_frictionless_validates_every_table() -> None:
    with system.use_context(trusted=True):
        report = Package(str(data_dir() / "datapackage.json")).validate()
    assert report.stats["tasks"] >= 16
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])
