"""A column that a review adds to a schema is typed, kept, hashed and usable, or refused in a sentence."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import DATA, load_evidence
from analysis.evidence.select import Question, select


@pytest.fixture
def house(tmp_path):
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def declare(folder, table, name, kind, cell, **constraints):
    """Add a column to a schema and to its table, with one value in every row."""
    path = folder / "schemas" / f"{table}.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["fields"].append(
        {"name": name, "type": kind, "description": "Synthetic", "constraints": constraints}
    )
    path.write_text(json.dumps(schema), "utf-8")
    file = folder / f"{table}.csv"
    with file.open(encoding="utf-8", newline="") as given:
        rows = list(csv.reader(given))
    rows = [[*rows[0], name], *([*row, cell(place)] for place, row in enumerate(rows[1:]))]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [("number", "44.5", 44.5), ("integer", "44", 44), ("string", "random", "random"), ("number", "", None)],
)
@pytest.mark.parametrize("table", ["studies", "outcomes", "rct_effects"])
def test_a_declared_column_is_typed_and_kept(house, table, kind, cell, value):
    declare(house, table, "added", kind, lambda _: cell)
    row = getattr(load_evidence(house), table)[0]
    assert row.extra == (("added", value),)
    assert row.added == value
    assert type(row.added) is type(value)


def test_a_declared_column_counts_in_the_content_hash(house):
    plain = load_evidence(house).data_hash
    declare(house, "studies", "latitude", "number", lambda place: str(place))
    added = load_evidence(house).data_hash
    path = house / "studies.csv"
    text = path.read_text("utf-8")
    assert text.count(",93\n") == 1
    path.write_text(text.replace(",93\n", ",92\n"), "utf-8")
    assert len({plain, added, load_evidence(house).data_hash}) == 3
    path.write_text(text, "utf-8")
    assert load_evidence(house).data_hash == added


def test_a_bad_cell_of_a_declared_column_has_its_place(house):
    declare(house, "studies", "latitude", "number", lambda place: "44N" if place == 3 else "44", maximum=90)
    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(house)
    assert [(f.file, f.row, f.column, f.value) for f in caught.value.faults] == [
        ("studies.csv", 5, "latitude", "44N")
    ]


def test_a_declared_column_of_studies_is_a_subgroup(house):
    words = ["random", "alternate"]
    declare(house, "studies", "allocation", "string", lambda place: words[place % 2], enum=words)
    path = house / "protocol.yml"
    new = """subgroups:
  - key: allocation
    label: Allocation
    levels:
      - {key: random, label: Random}
      - {key: alternate, label: Alternate}
"""
    path.write_text(path.read_text("utf-8").replace("subgroups:\n", new, 1), "utf-8")
    evidence = load_evidence(house)
    counts = select(evidence, Question("any", "mrs02", subgroup="allocation"))
    plain = select(evidence, Question("any", "mrs02"))
    assert set(counts.group) == {"Random", "Alternate"}
    assert sum(counts.events) == sum(plain.events)
    allocated = {study.study_id: study.allocation.capitalize() for study in evidence.studies}
    assert [allocated[key] for key in counts.study_id] == list(counts.group)


@pytest.mark.parametrize(
    ("table", "name", "kind", "words"),
    [
        ("studies", "label", "string", "the program uses this name itself"),
        ("studies", "extra", "string", "the program uses this name itself"),
        ("outcomes", "has_count", "string", "the program uses this name itself"),
        ("studies", "open", "boolean", "kind of column is not read"),
        ("studies", "Latitude (N)", "number", "not the name of a column"),
        ("studies", "year", "integer", "column stands twice"),
    ],
)
def test_a_column_that_cannot_be_used_is_refused(house, table, name, kind, words):
    declare(house, table, name, kind, lambda _: "1")
    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(house)
    assert [(fault.file, fault.column) for fault in caught.value.faults] == [(f"{table}.json", name)]
    assert words in caught.value.faults[0].problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:100], "not readable as JSON"),
        (lambda text: text.replace('"name": "country"', '"name": "counry"'), "the schema lacks a column"),
        (lambda text: text.replace('"type": "integer"', '"type": "string"', 1), "another kind of column"),
        (lambda text: text.replace('"fields"', '"columns"'), "no Table Schema"),
        (lambda text: text.replace("^[1-9]", "^([1-9]"), "constraints cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_used_is_one_fault(house, change, words):
    path = house / "schemas" / "studies.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(house)
    assert [fault.file for fault in caught.value.faults] == ["studies.json"]
    assert words in caught.value.faults[0].problem
