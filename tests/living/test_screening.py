"""Import into the ledger, screening by two, and the commands in a row. All records are synthetic."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.evidence.faults import EvidenceFaults
from analysis.living.flow import check_flow, count_flow
from analysis.living.ledger import Ledger, load_ledger
from analysis.living.ledger_import import add_records, settle_pairs
from analysis.living.records.record import Record
from analysis.living.screen_widget import SheetScreen
from analysis.living.screening import SHEET, agreement, read_sheet, sheet_rows, take_sheet, write_sheet

RECORDS = [
    Record("Base", "a.ris", i, title=f"Synthetic study of {word} vessels in stroke care", year=2020,
           authors=("N, A",), journal="Syn", volume="1", pages=str(i * 10))
    for i, word in enumerate(["distal", "proximal", "cervical", "spinal", "retinal"], start=1)
]  # fmt: skip


def _ledger():
    return add_records(Ledger(()), RECORDS, version="26.0.0", searched_on="2026-11-01").ledger


def _fill(ledger, reviewer, words):
    rows = sheet_rows(ledger, reviewer)
    filled = [{**row, "decision": word} for row, word in zip(rows, words, strict=False)]
    return take_sheet(ledger, [row for row in filled if row["decision"]], reviewer)


def test_import_is_idempotent_and_points_to_known_records():
    first = add_records(Ledger(()), RECORDS, version="26.0.0", searched_on="2026-11-01")
    again = add_records(first.ledger, RECORDS, version="26.0.0", searched_on="2026-11-01")
    assert (len(again.added), again.repeated, again.ledger) == (0, 5, first.ledger)
    other = [Record("Other", "b.ris", 1, title=RECORDS[0].title, year=2020, authors=("N, A",), journal="Syn",
                    volume="1", pages="10")]  # fmt: skip
    later = add_records(first.ledger, other, version="26.0.0", searched_on="2026-11-08")
    (row,) = later.added
    assert (row.record_id, row.duplicate_of, row.duplicate_rule) == ("r000006", "r000001", "title-pages")


def test_a_record_stays_open_until_two_have_decided_and_nothing_is_excluded_by_one():
    ledger = _fill(_ledger(), "Anna", ["include", "exclude", "exclude", "unsure", ""])
    assert {row.state for row in ledger.records} == {"to_screen"}
    assert len(sheet_rows(ledger, "Anna")) == 1
    ledger = _fill(ledger, "Ben", ["include", "exclude", "include", "include", ""])
    assert [row.state for row in ledger.records] == [
        "to_retrieve", "screen_excluded", "screen_conflict", "to_retrieve", "to_screen",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="two other reviewers"):
        take_sheet(ledger, [{"record_id": "r000001", "decision": "include"}], "Carl")
    found = agreement(ledger)
    assert (found.both, found.agreed, found.open, found.conflicts) == (4, 2, 1, ("r000003",))


def test_kappa_of_a_worked_table():
    # 20 both include, 15 both exclude, 5 and 10 apart: observed 0.70, by chance 0.50, kappa 0.40.
    records = [Record("B", "a.ris", i, title=f"Synthetic title number {i} of fifty") for i in range(1, 51)]
    ledger = add_records(Ledger(()), records, version="26.0.0", searched_on="2026-11-01").ledger
    ledger = _fill(ledger, "Anna", ["include"] * 25 + ["exclude"] * 25)
    ledger = _fill(ledger, "Ben", ["include"] * 20 + ["exclude"] * 5 + ["include"] * 10 + ["exclude"] * 15)
    found = agreement(ledger)
    assert found.kappa == pytest.approx(0.4, abs=1e-12)
    assert found.low < 0.4 < found.high
    assert math.isnan(agreement(Ledger(())).kappa)


def test_a_sheet_hides_the_other_reviewer_and_refuses_wrong_cells(tmp_path):
    ledger = _fill(_ledger(), "Anna", ["include"])
    path = tmp_path / "ben.csv"
    write_sheet(sheet_rows(ledger, "Ben"), path)
    assert "Anna" not in path.read_text(encoding="utf-8-sig")
    rows = sheet_rows(ledger, "Ben")
    rows[0] |= {"decision": "perhaps"}
    rows[1] |= {"decision": "exclude", "reason": "boring"}
    write_sheet([*rows, rows[2]], path)
    with pytest.raises(EvidenceFaults) as caught:
        read_sheet(path)
    assert [(f.row, f.column) for f in caught.value.faults] == [
        (2, "decision"),
        (3, "reason"),
        (7, "record_id"),
    ]


def test_a_sheet_saved_by_a_spreadsheet_with_semicolons_is_read(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(";".join(SHEET) + "\r\nr000001;T;;;;;;;Include;;\r\n", encoding="utf-8-sig")
    assert read_sheet(path).decided[0]["decision"] == "include"


def test_the_screen_saves_each_decision_and_can_go_back(tmp_path):
    path = tmp_path / "anna.csv"
    write_sheet(sheet_rows(_ledger(), "Anna"), path)
    state = SheetScreen(path)
    state.decide("include")
    state.decide("exclude", "wrong_population")
    assert (SheetScreen(path).place, state.done) == (2, 2)
    state.go(-2)
    assert "distal" in state.html()
    state.decide("unsure")
    assert [row["decision"] for row in read_sheet(path).decided] == ["unsure", "exclude"]
    with pytest.raises(ValueError, match="none of"):
        state.decide("drop")


def test_the_widget_is_built_from_the_sheet(tmp_path):
    widgets = pytest.importorskip("ipywidgets")
    from analysis.living.screen_widget import screen

    path = tmp_path / "anna.csv"
    write_sheet(sheet_rows(_ledger(), "Anna"), path)
    box = screen(path)
    buttons = [child for child in box.children[2].children if isinstance(child, widgets.Button)]
    buttons[0].click()
    assert read_sheet(path).decided[0]["decision"] == "include"


def test_pairs_settled_by_hand():
    ledger = settle_pairs(_ledger(), [("r000002", "r000003")], "Anna")
    assert ledger.records[2].duplicate_of == "r000002"
    assert ledger.records[2].duplicate_rule == "by hand: Anna"
    with pytest.raises(ValueError, match="no record"):
        settle_pairs(ledger, [("r000002", "r000099")], "Anna")


RIS = "TY  - JOUR\nTI  - {}\nAU  - Name, A\nPY  - 2026\nT2  - Syn\nVL  - 1\nSP  - {}\nER  - \n"


@pytest.fixture
def review(tmp_path):
    """Return a copy of the review's data, so that the commands may write."""
    shutil.copytree("data", tmp_path / "data")
    return tmp_path


def test_the_commands_in_a_row(review, capsys):
    data, out = review / "data", review / "out"
    text = RIS.format("Synthetic distal thrombectomy A", 1) + RIS.format("Synthetic distal thrombectomy B", 9)
    (review / "embase.ris").write_text(text, encoding="utf-8")
    (review / "pubmed.nbib").write_text(
        "PMID- 99999999\nTI  - Synthetic distal thrombectomy A.\nFAU - Name, A\nDP  - 2026\nJT  - Syn\n"
        "VI  - 1\nPG  - 1\n", encoding="utf-8",
    )  # fmt: skip
    before = len(load_ledger(data).records)
    call = ["import", str(review / "embase.ris"), str(review / "pubmed.nbib"), "--searched-on", "2026-11-20",
            "--data", str(data), "--out", str(out)]  # fmt: skip
    assert main(call) == 0
    rows = load_ledger(data).records[before:]
    assert [row.state for row in rows] == ["to_screen", "to_screen", "duplicate"] or [
        row.state for row in rows
    ] == ["duplicate", "to_screen", "to_screen"]
    assert main(call) == 0
    assert len(load_ledger(data).records) == before + 3
    for name in ("Anna", "Ben"):
        sheet = str(review / f"{name}.csv")
        asked = ["--reviewer", name, "--data", str(data)]
        assert main(["screen", "export", sheet, *asked]) == 0
        with Path(sheet).open(encoding="utf-8-sig", newline="") as file:
            filled = list(csv.DictReader(file))
        assert len(filled) == 2
        write_sheet([{**row, "decision": "exclude"} for row in filled], sheet)
        assert main(["screen", "import", sheet, *asked]) == 0
    assert main(["screen", "agreement", "--data", str(data)]) == 0
    assert main(["flow", "--data", str(data), "--json"]) == 0
    versions = ["23.0.0", "26.0.0"]
    flow = count_flow(load_ledger(data), versions, "last")
    assert check_flow(flow) == ()
    counts = {key: flow.count(f"databases.{key}") for key in ("identified", "duplicates", "screen_excluded")}
    assert counts == {"identified": 3, "duplicates": 1, "screen_excluded": 2}
    assert "internal error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "call",
    [
        ["import", "none.ris", "--searched-on", "yesterday"],
        ["flow", "--evidence-version", "1.0.0"],
        ["screen", "export"],
        ["dedup"],
        ["dedup", "--settle", "none.csv", "--by", "A"],
        ["search", "--since", "soon"],
    ],
    ids=lambda call: " ".join(call[:2]),
)
def test_calls_that_cannot_be_used_end_with_two(call, capsys):
    assert main(call) == 2
    assert "internal error" not in capsys.readouterr().err


def test_a_file_with_faults_leaves_the_ledger_alone(review):
    (review / "x.bib").write_text("@article{a, title={One}}\n@article{b title\n", encoding="utf-8")
    data = review / "data"
    before = (data / "records.csv").read_bytes()
    call = ["import", str(review / "x.bib"), "--searched-on", "2026-11-20", "--data", str(data)]
    assert main([*call, "--out", str(review / "out")]) == 1
    assert (data / "records.csv").read_bytes() == before
