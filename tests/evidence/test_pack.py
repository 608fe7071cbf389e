"""The evidence pack stands in `data/` as it was delivered, but for changes that the data record."""

import csv
import shutil

import frictionless
import pytest

from analysis.__main__ import main
from analysis.evidence.load import DATA
from tests.evidence.carried import lost_entries, not_carried_over, read
from tests.living.update import PROPOSAL

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
needs_pack = pytest.mark.skipif(not PACK.is_dir(), reason="the evidence pack is not beside the repo")


@needs_pack
def test_no_table_of_the_pack_is_left_behind():
    assert {path.stem for path in PACK.glob("*.csv")} == set(NAMES)


@needs_pack
@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_row_is_carried_over_or_its_change_is_recorded(name):
    assert not_carried_over(read(PACK / f"{name}.csv"), NAMES[name], DATA) == []


@needs_pack
def test_references_are_carried_over():
    changed = {row["study_id"] for row in read(DATA / "notices.csv")}
    texts = [
        path.read_text("utf-8") for path in (PACK / "references.bib", DATA.parent / "book/references.bib")
    ]

    assert lost_entries(*texts, frozenset(changed)) == []


@pytest.fixture
def later(tmp_path):
    """A copy of the data to change, and the tables as they are now in the place of the delivery."""
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)

    def faults():
        return [
            fault
            for name in NAMES.values()
            for fault in not_carried_over(read(DATA / f"{name}.csv"), name, folder)
        ]

    return folder, faults


def _change(folder, table, place, /, **cells):
    """Set cells of the rows that have all cells of `place`."""
    path = folder / f"{table}.csv"
    rows = read(path)
    hit = [row for row in rows if all(row[name] == value for name, value in place.items())]
    assert hit
    for row in hit:
        row.update(cells)
    _write(path, rows)


def _add(folder, table, /, **cells):
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        head = next(csv.reader(handle))
    with path.open("a", encoding="utf-8", newline="") as handle:
        csv.DictWriter(handle, head, restval="", lineterminator="\n").writerow(cells)


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


ROW = {"study_id": "psychogios2025", "arm_id": "evt", "outcome": "mrs02"}
#: Events of that row as they stand, and another number.
BEFORE = next(row["events"] for row in read(DATA / "outcomes.csv") if ROW.items() <= row.items())
AFTER = str(int(BEFORE) + 1)
#: A reader who comes after all others.
NEW_READER = "99"
NOTICE = ROW | {"notice_id": "n", "kind": "correction", "table": "outcomes", "column": "events"}


def test_what_was_not_touched_has_no_fault(later):
    assert later[1]() == []


def test_a_number_changed_in_silence_is_a_fault(later):
    folder, faults = later
    _change(folder, "outcomes", ROW, events=AFTER)

    assert faults() == [f"outcomes psychogios2025/evt/mrs02: events was '{BEFORE}' and is '{AFTER}'"]


@pytest.mark.parametrize(
    ("old", "new", "recorded"),
    [
        pytest.param(BEFORE, AFTER, True, id="the change itself"),
        pytest.param(BEFORE, "7", False, id="another new value"),
        pytest.param("7", AFTER, False, id="another old value"),
    ],
)
def test_a_notice_records_one_change_of_one_cell(later, old, new, recorded):
    folder, faults = later
    _change(folder, "outcomes", ROW, events=AFTER)
    _add(folder, "notices", **NOTICE, old_value=old, new_value=new)

    assert (faults() == []) == recorded


@pytest.mark.parametrize(
    ("count", "agreement", "recorded"),
    [
        pytest.param(AFTER, "resolved", True, id="resolved to a later reader"),
        pytest.param("7", "resolved", False, id="the later reader wrote another count"),
        pytest.param(AFTER, "agree", False, id="not resolved"),
    ],
)
def test_a_later_reader_records_a_change_to_which_the_row_was_resolved(later, count, agreement, recorded):
    folder, faults = later
    _change(
        folder, "outcomes", ROW, events=AFTER, agreement=agreement, extractors=NEW_READER, note="read again"
    )
    _add(
        folder,
        "double_extraction",
        extractor=NEW_READER,
        **ROW,
        events=count,
        total="271",
        derivation="stated",
    )

    assert (faults() == []) == recorded


@pytest.mark.parametrize("table", ["outcomes", "double_extraction", "excluded", "studies"])
def test_a_row_taken_away_is_a_fault(later, table):
    folder, faults = later
    path = folder / f"{table}.csv"
    rows = read(path)
    _write(path, rows[1:])

    assert any(fault.startswith(table) and fault.endswith("the row is gone") for fault in faults())


def test_a_reader_of_the_delivery_cannot_be_changed(later):
    folder, faults = later
    _change(folder, "double_extraction", ROW | {"extractor": "5"}, events=AFTER)

    assert len(faults()) == 1


def test_a_new_row_of_an_old_study_needs_a_notice(later):
    folder, faults = later
    new = ROW | {"outcome": "reperfusion_2c3"}
    _add(folder, "outcomes", **new, events="100", total="271")
    assert faults() == ["outcomes psychogios2025/evt/reperfusion_2c3: a new row of no later version"]

    _add(folder, "notices", **new, notice_id="n", kind="addition", table="outcomes")
    assert faults() == []


def test_a_proposed_study_of_a_later_version_is_no_fault(later, tmp_path, capsys):
    folder, faults = later
    book = tmp_path / "book"
    book.mkdir()
    shutil.copy(DATA.parent / "book" / "references.bib", book)
    commands = (
        ["versions", "--open", "2027-03-01", "--trigger", "Synthetic."],
        ["propose", str(PROPOSAL), "--into", "27.0.0", "--write"],
    )
    for command in commands:
        assert main([*command, "--data", str(folder)]) == 0, capsys.readouterr()

    assert any(row["study_id"] == "synthetic2027" for row in read(folder / "studies.csv"))
    assert faults() == []


@pytest.mark.parametrize(
    ("ours", "lost"),
    [
        pytest.param("@misc{a,\n  year = {1},\n}\n\n@misc{b,\n}\n", [], id="a new entry"),
        pytest.param("@misc{a,\n  year = {2},\n}\n", ["a"], id="an entry changed"),
        pytest.param("", ["a"], id="an entry gone"),
    ],
)
def test_a_reference_is_lost_when_it_is_gone_or_changed(ours, lost):
    delivered = "% head\n@misc{a,\n  year = {1},\n}\n"

    assert lost_entries(delivered, ours, frozenset()) == lost
    assert lost_entries(delivered, ours, frozenset("a")) == []


def test_a_study_enters_with_a_version_of_its_stage():
    stages = {row["id"]: row["stage"] for row in read(DATA / "versions.csv")}

    for row in read(DATA / "studies.csv"):
        assert stages[row["first_version"]] == row["evidence_stage"], row["study_id"]


def test_the_tables_are_a_valid_frictionless_package():
    report = frictionless.Package(str(DATA / "datapackage.json")).validate()

    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])


def test_every_field_of_every_schema_is_described():
    for path in sorted((DATA / "schemas").glob("*.json")):
        for field in frictionless.Schema.from_descriptor(str(path)).fields:
            assert field.description, (path.stem, field.name)
