"""Every cell of the evidence pack stands in `data/` unchanged."""

import csv
from pathlib import Path

import frictionless
import pytest

from analysis.evidence.load import DATA

PACK = DATA.parents[1] / "shared" / "evidence"
NAMES = {
    "published_estimates": "published",
    **{
        name: name
        for name in (
            "studies",
            "outcomes",
            "double_extraction",
            "excluded",
            "awaiting",
            "appraisal",
            "rct_effects",
            "rct_mrs_distribution",
            "rct_meta_published",
            "rival_reviews",
        )
    },
}
needs_pack = pytest.mark.skipif(
    not PACK.is_dir(), reason="the evidence pack is not beside the repo"
)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


@needs_pack
def test_no_table_of_the_pack_is_left_behind():
    assert {path.stem for path in PACK.glob("*.csv")} == set(NAMES)


@needs_pack
@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_cell_is_carried_over(name):
    source = read(PACK / f"{name}.csv")
    ours = read(DATA / f"{NAMES[name]}.csv")
    width = len(source[0])
    extra = ours[0][width:]

    assert [row[:width] for row in ours] == source
    assert extra == (["first_version"] if name == "studies" else [])


@needs_pack
def test_references_are_carried_over():
    assert (PACK / "references.bib").read_bytes() == (
        DATA.parent / "book/references.bib"
    ).read_bytes()


def test_first_version_follows_from_the_stage():
    rows = read(DATA / "studies.csv")
    stage, version = (rows[0].index(name) for name in ("evidence_stage", "first_version"))

    assert {(row[stage], row[version]) for row in rows[1:]} == {
        ("original_window", "23.0.0"),
        ("update", "26.0.0"),
    }


def test_the_tables_are_a_valid_frictionless_package():
    report = frictionless.Package(str(DATA / "datapackage.json")).validate()

    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])


def test_every_field_of_every_schema_is_described():
    for path in sorted((DATA / "schemas").glob("*.json")):
        for field in frictionless.Schema.from_descriptor(str(path)).fields:
            assert field.description, (path.stem, field.name)
