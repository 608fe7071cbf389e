"""The evidence and the ledger beside it: checked together, hashed apart."""

import csv
import json

import pytest

from analysis.__main__ import main
from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import DATA
from analysis.files import write_file
from analysis.living.versions import with_search
from analysis.living.whole import load_whole
from analysis.review.prose import facts


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _set(folder, table, row, column, value):
    """Change the cell in the row that a spreadsheet shows."""
    rows = _rows(folder / f"{table}.csv")
    rows[row - 1][rows[0].index(column)] = value
    _write(folder / f"{table}.csv", rows)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("source_kind", "webste", "near: website"),
        ("full_final", "inclde", "near: include"),
        ("year", "next", "a whole number"),
        ("year", "20222", "at most 2100"),
        ("hits_recorded", "", "text"),
        ("version", "99.0.0", "versions.csv"),
        ("study_id", "nobody1900", "studies.csv"),
    ],
)
def test_validate_names_place_value_and_what_is_right(copy_of_data, capsys, column, value, expected):
    _set(copy_of_data, "records", 3, column, value)

    assert main(["validate", str(copy_of_data)]) == 1

    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if line.startswith(f"records.csv:3:{column}")]
    assert value in line
    assert expected in line


def test_faults_of_the_evidence_and_of_the_ledger_come_together(copy_of_data):
    _set(copy_of_data, "records", 2, "source_kind", "drawer")
    _set(copy_of_data, "studies", 2, "year", "late")

    with pytest.raises(EvidenceFaults) as caught:
        load_whole(copy_of_data)

    places = {(fault.file, fault.column) for fault in caught.value.faults}
    assert {("records.csv", "source_kind"), ("studies.csv", "year")} <= places


def test_a_folder_without_a_ledger_says_so(copy_of_data):
    (copy_of_data / "records.csv").unlink()

    with pytest.raises(EvidenceFaults, match=r"records\.csv"):
        load_whole(copy_of_data)


def test_a_decision_on_a_record_changes_the_hash_of_the_ledger_alone(copy_of_data):
    evidence, ledger = load_whole(copy_of_data)
    _set(copy_of_data, "records", 2, "note", "A synthetic note.")
    later, noted = load_whole(copy_of_data)

    assert later.data_hash == evidence.data_hash
    assert noted.content_hash != ledger.content_hash


def test_the_hash_of_the_ledger_does_not_depend_on_the_order_of_rows(copy_of_data):
    _, ledger = load_whole(copy_of_data)
    rows = _rows(copy_of_data / "records.csv")
    _write(copy_of_data / "records.csv", [rows[0], *reversed(rows[1:])])

    assert load_whole(copy_of_data)[1].content_hash == ledger.content_hash


def test_every_table_is_part_of_the_data_package():
    package = json.loads((DATA / "datapackage.json").read_text("utf-8"))

    assert {item["path"] for item in package["resources"]} == {path.name for path in DATA.glob("*.csv")}


def _searched(folder, day):
    """Let the first record come from a recorded search."""
    for column, value in (("source_kind", "database"), ("hits_recorded", "yes"), ("searched_on", day)):
        _set(folder, "records", 2, column, value)
    _set(folder, "records", 2, "full_final", "")
    _set(folder, "records", 2, "full_final_by", "")
    _set(folder, "records", 2, "full_final_reason", "")


def test_a_search_in_the_ledger_must_stand_in_its_version_too(copy_of_data):
    _searched(copy_of_data, "2022-12-24")

    with pytest.raises(EvidenceFaults) as caught:
        load_whole(copy_of_data)

    (fault,) = caught.value.faults
    assert (fault.file, fault.row, fault.column) == ("versions.csv", 2, "searched_on")
    assert (fault.value, fault.expected) == ("not recorded", "2022-12-24")


def test_the_day_of_a_search_is_noted_once_and_never_put_back(copy_of_data):
    path = copy_of_data / "versions.csv"
    _searched(copy_of_data, "2022-12-24")

    write_file(path, with_search(path, "23.0.0", "2022-12-24"))
    assert not with_search(path, "23.0.0", "2022-12-01")
    evidence, _ = load_whole(copy_of_data)
    assert [item.searched_on for item in evidence.versions] == ["2022-12-24", "not recorded"]
    assert facts(evidence)["search_record"].endswith("behind version 23.0.0 and no other.")
