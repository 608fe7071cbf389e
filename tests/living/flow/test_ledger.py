"""The ledger: what it refuses, by row and column. All ledgers here are synthetic."""

from __future__ import annotations

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.living.ledger import COLUMNS, Ledger, LedgerRow, load_ledger, read_ledger, write_ledger

GOOD = {
    "version": "20.0.0", "source": "Base", "source_kind": "database", "searched_on": "2020-02-03",
}  # fmt: skip


def _load(tmp_path, *rows):
    ledger = Ledger(tuple(LedgerRow(record_id=f"r{i:06d}", **GOOD | row) for i, row in enumerate(rows, 1)))
    write_ledger(ledger, tmp_path / "records.csv")
    return load_ledger(tmp_path, versions={"20.0.0"}, studies={"s1"})


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"version": "19.0.0"}, "version"),
        ({"version": "first"}, "version"),
        ({"source_kind": "drawer"}, "source_kind"),
        ({"searched_on": "3 February"}, "searched_on"),
        ({"year": "last"}, "year"),
        ({"nct": "NCT1"}, "nct"),
        ({"duplicate_of": "r000009"}, "duplicate_of"),
        ({"duplicate_of": "r000001"}, "duplicate_of"),
        ({"removed": "automation", "screen_final": "include", "screen_final_by": "A"}, "removed"),
        ({"screen_1": "include"}, "screen_1_by"),
        ({"screen_1": "maybe", "screen_1_by": "A"}, "screen_1"),
        ({"screen_1": "include", "screen_1_by": "A", "screen_2": "include", "screen_2_by": "A"},
         "screen_2_by"),
        ({"retrieved": "yes"}, "retrieved"),
        ({"screen_final": "include", "screen_final_by": "A", "retrieved": "yes", "full_final": "exclude",
          "full_final_by": "A"}, "full_final_reason"),
        ({"screen_final": "include", "screen_final_by": "A", "retrieved": "yes", "full_final": "include",
          "full_final_by": "A", "study_id": "s1"}, "report_id"),
        ({"screen_final": "include", "screen_final_by": "A", "retrieved": "yes", "full_final": "include",
          "full_final_by": "A", "report_id": "p1", "study_id": "s9"}, "study_id"),
        ({"full_final": "awaiting", "full_final_by": "A"}, "retrieved"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_fault_names_its_row_and_column(tmp_path, cells, column):
    with pytest.raises(EvidenceFaults) as caught:
        _load(tmp_path, cells)
    places = {(fault.file, fault.row, fault.column) for fault in caught.value.faults}
    assert places == {("records.csv", 2, column)}


def test_chains_of_duplicates_and_doubled_reports_are_faults(tmp_path):
    with pytest.raises(EvidenceFaults, match="points to a duplicate"):
        _load(tmp_path, {}, {"duplicate_of": "r000001"}, {"duplicate_of": "r000002"})
    kept = {
        "screen_final": "include", "screen_final_by": "A", "retrieved": "yes", "full_final": "include",
        "full_final_by": "A", "report_id": "p1", "study_id": "s1",
    }  # fmt: skip
    with pytest.raises(EvidenceFaults, match="stands in row 2 too"):
        _load(tmp_path, kept, kept)
    assert len(_load(tmp_path, kept, {"duplicate_of": "r000001"}).records) == 2


def test_writing_and_reading_give_the_same_ledger(tmp_path):
    odd = LedgerRow(record_id="r000001", title='A "quoted", line; and Ødegård', note="x", **GOOD)
    write_ledger(Ledger((odd,)), tmp_path / "a.csv")
    ledger, faults = read_ledger(tmp_path / "a.csv")
    assert (ledger.records, faults) == ((odd,), [])
    assert not (tmp_path / "a.csv.part").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("record_id,version", "record_id,record_id"), "column stands twice"),
        (lambda text: "\ufeff" + text, "byte order mark"),
        (lambda text: text.replace(",A title,", ",\u00a0A title,"), "blanks before or after the text"),
        (lambda text: text.replace(",7,", f",{'9' * 5000},"), "not a whole number"),
        (lambda text: text + text.splitlines()[1] + "\n", "row repeats row 2"),
        (lambda text: text.replace(",", ";"), "file is separated by semicolons"),
    ],
    ids=["column twice", "mark", "blanks", "5,000 digits", "row twice", "semicolons"],
)
def test_the_ledger_is_read_as_the_other_tables_are(tmp_path, change, problem):
    write_ledger(Ledger((LedgerRow(record_id="r000001", title="A title", position="7", **GOOD),)),
                 tmp_path / "a.csv")  # fmt: skip
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text(change(text), encoding="utf-8")
    assert problem in " ".join(fault.problem for fault in read_ledger(tmp_path / "a.csv")[1])
    (tmp_path / "a.csv").write_text(text + "\n", encoding="utf-8")
    assert read_ledger(tmp_path / "a.csv")[1] == []


@pytest.mark.parametrize("data", [b"", b"record_id\n", b"\xff\xfe", b'record_id,version\n"r1'], ids=repr)
def test_a_broken_table_gives_faults_not_a_trace(tmp_path, data):
    (tmp_path / "records.csv").write_bytes(data)
    with pytest.raises(EvidenceFaults):
        load_ledger(tmp_path, versions=set(), studies=set())


def test_the_columns_are_those_of_the_schema():
    import json
    from pathlib import Path

    schema = json.loads(Path("data/schemas/records.json").read_text(encoding="utf-8"))
    assert [item["name"] for item in schema["fields"]] == list(COLUMNS)
