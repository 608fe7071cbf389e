"""Import into the ledger, screening by two, and the commands in a row. All records are synthetic."""

from __future__ import annotations

import csv
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.evidence.faults import EvidenceFaults
from analysis.living.flow import check_flow, count_flow
from analysis.living.ledger import Ledger, load_ledger, write_ledger
from analysis.living.ledger_import import add_records, settle_pairs
from analysis.living.records.record import Record
from analysis.living.screen_widget import SheetScreen
from analysis.living.screening import (
    SHEET,
    agreement,
    conflict_rows,
    read_sheet,
    settle_conflicts,
    sheet_rows,
    take_sheet,
    write_sheet,
)

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
    # What both decided is agreed, in doubt, settled or in conflict, and nothing else.
    assert (found.in_doubt, found.settled) == (1, 0)
    third = [{"record_id": "r000003", "decision": "include"}]
    found = agreement(settle_conflicts(ledger, third, "Carl"))
    assert (found.in_doubt, found.settled, found.conflicts) == (1, 1, ())


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


def _saved(sheet, encoding, mark, end, first="", trailing=0):
    """Return a sheet as a spreadsheet saves it."""
    rows = [[*row, *[""] * trailing] for row in sheet]
    text = end.join(mark.join(f'"{cell}"' if mark in cell else cell for cell in row) for row in rows)
    blank = mark * (len(rows[0]) - 1)
    return (first + text + end + (blank + end) * 2 * bool(trailing)).encode(encoding)


_SHEET = [["record_id", "title", "decision", "reason", "note"],
          ["r000001", "Größe, première", "Include", "", "première lecture"],
          ["r000002", "Two", "exclude ", "Wrong population", ""]]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["commas", "semicolons", "tabs"])
@pytest.mark.parametrize(
    ("end", "first", "trailing"), [("\n", "", 0), ("\r\n", "sep={}\r\n", 0), ("\r\n", "", 3)]
)
def test_a_sheet_is_read_however_it_was_saved(tmp_path, encoding, mark, end, first, trailing):
    path = tmp_path / "s.csv"
    path.write_bytes(_saved(_SHEET, encoding, mark, end, first.format(mark), trailing))
    read = read_sheet(path).decided
    assert [(row["decision"], row["reason"], row["note"]) for row in read] == [
        ("include", "", "première lecture"),
        ("exclude", "wrong_population", ""),
    ]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["r000001", "include", "wrong_population"], "reason"),
        (["r000001", "", "wrong_population"], "decision"),
        (["", "include", ""], "record_id"),
    ],
    ids=["include with a reason", "a reason alone", "no record"],
)
def test_cells_that_contradict_are_refused(tmp_path, cells, column):
    path = tmp_path / "s.csv"
    path.write_text("record_id,decision,reason\n" + ",".join(cells) + "\n")
    with pytest.raises(EvidenceFaults) as caught:
        read_sheet(path)
    assert [(fault.row, fault.column) for fault in caught.value.faults] == [(2, column)]


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+Smith", "-x", "@x", "'=1", "''+1", "plain", "'s-Gravenhage"]
)
def test_formulas_are_guarded_in_the_sheet_and_come_back_as_they_were(tmp_path, text):
    from analysis.living.sheets import read_list, write_list

    path = tmp_path / "s.csv"
    write_list([{"record_id": "r1", "title": text}], path)
    (line,) = csv.reader(path.read_text(encoding="utf-8-sig").splitlines()[1:])
    assert not line[1].startswith(("=", "+", "-", "@"))
    ((_, row),) = read_list(path, ("record_id", "title")).rows
    assert row["title"] == text
    ledger = add_records(Ledger(()), [replace(RECORDS[0], title=text)], version="26.0.0",
                         searched_on="2026-11-01").ledger  # fmt: skip
    write_sheet(sheet_rows(ledger, "Anna"), path)
    state = SheetScreen(path)
    assert state.rows[0]["title"] == text
    state.decide("include", note=text)
    assert not path.read_text(encoding="utf-8-sig").splitlines()[1].split(",")[1].startswith(("=", "+", "@"))
    (taken,) = read_sheet(path).decided
    assert taken["note"] == text


def test_a_third_person_settles_conflicts_and_sees_both_decisions(tmp_path):
    ledger = _fill(_fill(_ledger(), "Anna", ["include", "exclude", "exclude"]), "Ben", ["exclude", "exclude"])
    path = tmp_path / "third.csv"
    rows = conflict_rows(ledger)
    assert [(row["record_id"], row["first_decision"], row["second_decision"]) for row in rows] == [
        ("r000001", "include", "exclude")
    ]
    write_sheet([{**rows[0], "decision": "unsure"}], path, conflicts=True)
    with pytest.raises(EvidenceFaults, match=r"one of include, exclude$"):
        read_sheet(path, final=True)
    write_sheet([{**rows[0], "decision": "include"}], path, conflicts=True)
    done = settle_conflicts(ledger, read_sheet(path, final=True).decided, "Carl")
    assert (done.records[0].state, done.records[0].screen_final_by) == ("to_retrieve", "Carl")
    with pytest.raises(ValueError, match=r"r000002 has no conflict .*\n.*no record 'r9'"):
        settle_conflicts(ledger, [{"record_id": "r000002", "decision": "include"},
                                  {"record_id": "r9", "decision": "include"}], "Carl")  # fmt: skip


def test_a_report_that_waits_for_its_file_is_said(review, capsys):
    data = review / "data"
    ledger = load_ledger(data)
    row = replace(_ledger().records[0], record_id="r900001", screen_final="include", screen_final_by="A",
                  row=len(ledger.records) + 2)  # fmt: skip
    write_ledger(Ledger((*ledger.records, row)), data / "records.csv")
    call = ["--stage", "full", "--reviewer", "A", "--data", str(data)]
    assert main(["screen", "export", str(review / "s.csv"), *call]) == 0
    assert "1 included record waits for the report" in capsys.readouterr().out
    (review / "s.csv").write_text("record_id,decision,reason\nr900001,include,\n")
    assert main(["screen", "import", str(review / "s.csv"), *call]) == 2
    assert "write yes into its column retrieved" in capsys.readouterr().err


def test_pairs_settled_by_hand():
    ledger = settle_pairs(_ledger(), [("r000002", "r000003")], "Anna")
    assert ledger.records[2].duplicate_of == "r000002"
    assert ledger.records[2].duplicate_rule == "by hand: Anna"
    with pytest.raises(ValueError, match=r"no record 'r000099'.*\n.*no record 'r8'"):
        settle_pairs(ledger, [("r000002", "r000099"), ("r8", "r000001")], "Anna")


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ({"kind": "conference_abstract"}, {"kind": "article"}, "r000002"),
        ({"kind": "preprint", "doi": "10.5555/p"}, {"kind": ""}, "r000002"),
        ({"volume": "", "pages": ""}, {}, "r000002"),
        ({}, {}, "r000001"),
        (
            {"kind": "conference_abstract", "screen_1": "include", "screen_1_by": "A"},
            {"kind": "article"},
            "r000001",
        ),
    ],
    ids=[
        "article over abstract",
        "paper over preprint",
        "fuller record",
        "earlier one",
        "one with a decision",
    ],
)
def test_the_better_record_of_a_pair_stands_for_both(first, second, kept):
    rows = _ledger().records
    third = replace(rows[2], duplicate_of="r000001", duplicate_rule="same-doi")
    ledger = Ledger((replace(rows[0], **first), replace(rows[1], **second), third))
    for pair in (("r000001", "r000002"), ("r000002", "r000001")):
        done = settle_pairs(ledger, [pair], "Anna").records
        assert {row.duplicate_of for row in done} == {"", kept}
        assert next(row for row in done if row.record_id == kept).duplicate_of == ""


def test_two_records_with_decisions_are_not_made_one():
    ledger = _fill(_ledger(), "Anna", ["include", "exclude"])
    with pytest.raises(ValueError, match="r000001 and r000002 both have decisions"):
        settle_pairs(ledger, [("r000001", "r000002")], "Anna")


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
