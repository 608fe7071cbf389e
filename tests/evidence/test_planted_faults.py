"""Ten planted faults: each is named by file, row and column, alone and all together."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import load_evidence
from analysis.living.whole import load_whole


class Table:
    """A CSV file under the knife, with rows numbered as a spreadsheet shows them."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        with self.path.open(encoding="utf-8", newline="") as handle:
            self.rows = list(csv.reader(handle))

    def find(self, **wanted: str) -> int:
        """Return the place of the first row with these cells."""
        heads = self.rows[0]
        for place, row in enumerate(self.rows):
            if all(row[heads.index(name)] == value for name, value in wanted.items()):
                return place
        raise LookupError(wanted)

    def set(self, place: int, **cells: str) -> int:
        """Change cells and return the row number in a spreadsheet."""
        for name, value in cells.items():
            self.rows[place][self.rows[0].index(name)] = value
        return place + 1

    def save(self) -> None:
        """Write the file back."""
        with self.path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows(self.rows)


Planted = tuple[str, int, str, str]


def events_above_total(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="memon2020", outcome="sich")
    row = table.set(at, events="16", events_low="16", events_high="16")
    table.save()
    return "outcomes.csv", row, "events", "16"


def negative(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="brouwer2023", outcome="mortality90")
    row = table.set(at, events="-7")
    table.save()
    return "outcomes.csv", row, "events", "-7"


def text_in_a_number(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="sun2022", outcome="sich")
    row = table.set(at, total="147 patients")
    table.save()
    return "outcomes.csv", row, "total", "147 patients"


def unknown_outcome(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="xing2018", outcome="sich")
    row = table.set(at, outcome="sich_ecass")
    table.save()
    return "outcomes.csv", row, "outcome", "sich_ecass"


def duplicated_row(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="baig2022", outcome="reperfusion")
    table.rows.append(list(table.rows[at]))
    table.save()
    key = "study_id, arm_id, outcome"
    return "outcomes.csv", len(table.rows), key, "baig2022 all reperfusion"


def missing_study(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="carr2019", outcome="reperfusion")
    row = table.set(at, study_id="carr2091")
    table.save()
    return "outcomes.csv", row, "study_id", "carr2091"


def wrong_encoding(folder: Path) -> Planted:
    table = Table(folder, "studies.csv")
    at = table.find(study_id="ozdemir2022")
    data = table.path.read_bytes()
    table.path.write_bytes(data.replace("Özdemir".encode(), "Özdemir".encode("latin-1"), 1))
    return "studies.csv", at + 1, "first_author", "\ufffdzdemir"


def missing_column(folder: Path) -> Planted:
    table = Table(folder, "appraisal.csv")
    at = table.rows[0].index("basis")
    table.rows = [row[:at] + row[at + 1 :] for row in table.rows]
    table.save()
    return "appraisal.csv", 1, "basis", ""


def percent_against_count(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="pca2022", outcome="reperfusion")
    row = table.set(at, percent_reported="86.8")
    table.save()
    return "outcomes.csv", row, "percent_reported", "86.8"


def total_beside_its_parts(folder: Path) -> Planted:
    table = Table(folder, "outcomes.csv")
    at = table.find(study_id="qcatheter2024", arm_id="primary", outcome="mrs02")
    row = table.set(at, is_partition_of="")
    table.set(
        table.find(study_id="qcatheter2024", arm_id="secondary", outcome="mrs02"),
        is_partition_of="",
    )
    table.save()
    return "outcomes.csv", row, "is_partition_of", ""


PLANTS: tuple[Callable[[Path], Planted], ...] = (
    events_above_total,
    negative,
    text_in_a_number,
    unknown_outcome,
    duplicated_row,
    missing_study,
    missing_column,
    percent_against_count,
    total_beside_its_parts,
    wrong_encoding,
)


def places(error: EvidenceFaults) -> set[Planted]:
    return {(fault.file, fault.row, fault.column, fault.value) for fault in error.faults}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_one_fault_is_named_alone(copy_of_data, plant):
    planted = plant(copy_of_data)

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    assert planted in places(caught.value)
    assert all(fault.problem and fault.expected for fault in caught.value.faults)
    # Nothing outside the changed file is blamed.
    assert {fault.file for fault in caught.value.faults} == {planted[0]}


def test_all_faults_are_named_in_one_run(copy_of_data):
    planted = {plant(copy_of_data) for plant in PLANTS}

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    assert len(planted) == 10
    assert planted <= places(caught.value)


def test_the_command_prints_every_fault_and_no_traceback(copy_of_data):
    planted = [plant(copy_of_data) for plant in PLANTS]

    done = subprocess.run(
        [sys.executable, "-m", "analysis", "validate", str(copy_of_data)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    for file, row, column, _ in planted:
        assert f"{file}:{row}:{column}" in done.stdout


def test_the_command_is_content_with_the_real_data():
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "validate"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    summary, rows = done.stdout.strip().splitlines()
    assert summary.startswith("no faults")
    assert re.search(r"\boutcomes [1-9][0-9]*,", rows)


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "file", "words"),
    [
        (lambda f: (f / "outcomes.csv").unlink(), "outcomes.csv", "missing"),
        (lambda f: (f / "outcomes.csv").write_bytes(b""), "outcomes.csv", "empty"),
        (lambda f: (f / "protocol.yml").unlink(), "protocol.yml", "missing"),
        (edit("protocol.yml", "populations:", "populations: ["), "protocol.yml", "YAML"),
        (edit("protocol.yml", "role: main", "role: chief"), "protocol.yml", "vocabulary"),
        (edit("protocol.yml", "value: 0.70", "value: 70"), "protocol.yml", "proportion"),
        (edit("protocol.yml", "key: mrs02", "key: sich"), "protocol.yml", "twice"),
        (edit("outcomes.csv", "study_id,", "\ufeffstudy_id,"), "outcomes.csv", "byte"),
        (edit("studies.csv", ",first_version", ",first_versoin"), "studies.csv", "missing"),
        (edit("overlap.csv", "STAR,registry", "STARS,registry"), "studies.csv", "group"),
        (edit("awaiting.csv", "vega2021,", "uno2018,"), "awaiting.csv", "include"),
    ],
    ids=[
        "file-missing", "file-empty", "protocol-missing", "protocol-broken", "role", "threshold",
        "key-twice", "byte-order-mark", "column-misspelt", "group-unknown", "decision",
    ],
)  # fmt: skip
def test_other_mistakes_are_faults_too(copy_of_data, change, file, words):
    change(copy_of_data)

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    assert any(fault.file == file and words in fault.text() for fault in caught.value.faults)


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(EvidenceFaults, match="no such folder"):
        load_evidence(tmp_path / "nowhere")


@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["windows", "unix"])
def test_line_ends_and_row_order_do_not_change_the_hash(copy_of_data, real, end):
    path = copy_of_data / "outcomes.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_bytes((end.join([head, *reversed(rows)]) + end).encode())

    assert load_evidence(copy_of_data).data_hash == real.data_hash


def test_one_changed_count_changes_the_hash(copy_of_data, real):
    edit("outcomes.csv", "memon2020,all,primary,mixed,PCA,sich,1,15,1,1",
         "memon2020,all,primary,mixed,PCA,sich,2,15,2,2")(copy_of_data)  # fmt: skip
    for extractor in (3, 4):
        edit("double_extraction.csv", f"{extractor},memon2020,all,sich,1,15",
             f"{extractor},memon2020,all,sich,2,15")(copy_of_data)  # fmt: skip

    assert load_evidence(copy_of_data).data_hash != real.data_hash


@pytest.mark.parametrize(
    ("tool", "domain", "level"),
    [
        ("rob2", "overall", "no_information"),
        ("rob2", "measurement", "moderate"),
        ("robins_i", "confounding", "high"),
        ("jbi_case_series", "consecutive", "low"),
    ],
)
def test_a_level_that_the_tool_does_not_know_is_refused(copy_of_data, tool, domain, level):
    table = Table(copy_of_data, "judgements.csv")
    row = table.set(table.find(tool=tool, domain=domain), judgement=level)
    table.save()

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    found = [(fault.file, fault.row, fault.column, fault.value) for fault in caught.value.faults]
    assert ("judgements.csv", row, "judgement", level) in found
    assert all(f"{tool} has no such level" in fault.text() for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        pytest.param("control: {keys: [evt], label: medical treatment}", "keys[0]", id="on-both-sides"),
        pytest.param("control: {keys: control, label: medical treatment}", "keys", id="no-list"),
        pytest.param("control: {keys: [control]}", "label", id="no-label"),
    ],
)
def test_sides_that_cannot_be_read_are_a_fault_of_the_protocol(copy_of_data, line, place):
    edit("protocol.yml", "control: {keys: [control], label: medical treatment}", line)(copy_of_data)

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    places = [(fault.file, fault.column) for fault in caught.value.faults]
    assert places == [("protocol.yml", f"arms.control.{place}")]


@pytest.mark.parametrize("kept", [1, -1], ids=["first", "last"])
def test_a_list_of_versions_cut_to_one_row_is_one_fault(tmp_path, kept):
    shutil.copytree(Path("data"), tmp_path / "data")
    table = Table(tmp_path / "data", "versions.csv")
    table.rows = [table.rows[0], table.rows[kept]]
    table.save()

    with pytest.raises(EvidenceFaults) as caught:
        load_whole(tmp_path / "data")

    assert [(fault.file, fault.row) for fault in caught.value.faults] == [("versions.csv", 0)]
    assert "no version has the stage" in str(caught.value)
