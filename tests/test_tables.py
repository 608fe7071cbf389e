"""Small tables as spreadsheet programs save them. All tables here are invented."""

from __future__ import annotations

import csv

import pytest

from analysis.tables import LONGEST_CELL, CellError, SheetError, WholeNumbers, named_kind, read_sheet

COLUMNS = ("study", "events", "total")
ROWS = [["study", "events", "total"], ["Émile", "5", "50"], ["Ångström", "7", "60"]]


def saved(mark: str, *, end: str = "\r\n", first: str = "", last: str = "") -> str:
    return first + end.join(mark.join(row) for row in ROWS) + end + last


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_one_table_is_read_alike_however_it_was_saved(mark: str, end: str, encoding: str) -> None:
    sheet = read_sheet(saved(mark, end=end).encode(encoding), name="t.csv", columns=COLUMNS)

    assert sheet.heads == COLUMNS
    assert [list(row.values()) for _, row in sheet.rows] == ROWS[1:]
    assert [number for number, _ in sheet.rows] == [2, 3]
    said = " ".join(sheet.assumed)
    assert ("UTF-16" in said) == encoding.startswith("utf-16")
    assert ("Windows-1252" in said) == (encoding == "cp1252")
    assert ("separated by" in said) == (mark != ",")


@pytest.mark.parametrize(
    ("text", "first_row", "said"),
    [
        (saved(";", first="sep=;\r\n"), 3, "separated by semicolons"),
        (saved(",", first="Table 1, all counts\n\n"), 4, "1 row above the heads passed over"),
        (saved(",", last=",,\r\n,,\r\n\r\n"), 2, None),
        ("\n".join(",".join(row) + ",," for row in ROWS), 2, None),
        ("\n".join(",".join(row) + ";;" for row in ROWS), 2, "semicolons at the ends of all rows left off"),
        ("\n".join(f'"{",".join(row)}"' for row in ROWS), 2, "each row stood in one cell and was split"),
        ("\n".join(f"{n},{','.join(row)}" for n, row in zip(["", 1, 2], ROWS, strict=True)), 2, "left out"),
        (saved(",").replace("study", " Study ").replace("total", "TOTAL"), 2, None),
    ],
    ids=["sep line", "title", "blank rows", "blank columns", "ends", "one cell", "row names", "heads"],
)
def test_what_a_spreadsheet_puts_around_a_table_is_no_part_of_it(text, first_row: int, said) -> None:
    sheet = read_sheet(text.encode(), name="t.csv", columns=COLUMNS)

    assert sheet.heads == COLUMNS
    assert [list(row.values()) for _, row in sheet.rows] == ROWS[1:]
    assert sheet.rows[0][0] == first_row
    assert any(said in note for note in sheet.assumed) if said else sheet.assumed == ()


def test_a_blank_cell_that_was_not_saved_is_blank_and_said() -> None:
    sheet = read_sheet(b"study,events,total,group\nA,1,9,x\nB,2,9\n", name="t.csv")

    assert sheet.column("group") == ["x", ""]
    assert sheet.assumed == ("cells missing at the end of row 3 are blank",)


@pytest.mark.parametrize(
    ("data", "row", "said"),
    [
        (b"a,b\n1,2\x00\n", 2, "NUL"),
        ("a,b\n1,2\n3,\x00\n".encode("utf-16"), 3, "NUL"),
        (f"a,b\n1,2\n3,{'x' * (LONGEST_CELL + 1)}\n".encode(), 3, "more than 131,072 characters"),
        (b'a,b\n1,2\n3,"4\n5,6\n', 3, "quotation mark that is never closed"),
        (b'a,b\n1,"2"x\n', 2, "not a row of a CSV table"),
        (b"a,b\n1,2,3\n", 2, "has 3 cells, the head 2"),
        (b"a,b,\n1,2,3\n", 2, "no head"),
        (b"a,b,a\n1,2,3\n", 1, "stands twice"),
        (b"", 1, "no header"),
        (b" \n\n,,\n", 1, "no header"),
        ("a,b\n1,2\n".encode("utf-16") + b"3", 0, "breaks off"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_row(data: bytes, row: int, said: str) -> None:
    with pytest.raises(SheetError, match=said) as refused:
        read_sheet(data, name="t.csv")

    assert refused.value.row == row
    assert str(refused.value).startswith("t.csv")


def test_the_limit_of_a_cell_does_not_hang_on_what_others_set() -> None:
    before = csv.field_size_limit(10_000_000)
    try:
        with pytest.raises(SheetError, match="row 2"):
            read_sheet(b"a,b\n1," + b"x" * 200_000, name="t.csv")
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04....xl/workbook.xml", "Excel workbook"),
        (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument"),
        (b"PK\x03\x04....word/document.xml", "Word"),
        (b"PK\x03\x04....other", "zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old kind"),
        (b"%PDF-1.7", "PDF"),
        (b"\r\n<!DOCTYPE html><table>", "HTML"),
        ("<html><table>".encode("utf-16"), "HTML"),
        (b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>", "workbook"),
        (b'[{"study": "A"}]', "JSON"),
        (b"{\\rtf1", "RTF"),
    ],
)
def test_a_file_that_is_no_table_is_named_for_what_it_is(data: bytes, kind: str) -> None:
    assert kind in named_kind(data)
    with pytest.raises(SheetError, match="expected a table saved as CSV"):
        read_sheet(data, name="t.csv")


def test_a_folder_and_a_missing_file_are_refused(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none.csv", "a\x00b"):
        with pytest.raises(SheetError, match="cannot be read"):
            read_sheet(path)


@pytest.mark.parametrize(
    ("text", "cells", "mark", "value"),
    [
        ("12", [], ",", 12),
        ("012", [], ",", 12),
        ("12,0", [], ";", 12),
        ("12.00", [], ",", 12),
        ("1 234", [], ",", 1234),
        ("1\u202f234", [], ";", 1234),
        ("1'234", [], ";", 1234),
        ("1.234.567", [], ";", 1234567),
        ("1,234", [], ",", 1234),  # a comma that separates cannot be the decimal mark of that spreadsheet
        ("1.234", ["5,0"], ";", 1234),
        ("1.234,0", [], ";", 1234),
        ("1,234", ["5.0"], "\t", 1234),
    ],
)
def test_counts_are_read_as_spreadsheets_write_them(text, cells, mark, value: int) -> None:
    assert WholeNumbers([*cells, text], mark).read(text) == value


@pytest.mark.parametrize(
    ("text", "cells", "mark", "said"),
    [
        ("1.234", [], ";", "can be 1234 or 1.234"),
        ("1,000", [], "\t", "can be 1000 or 1.000"),
        ("1,000", ["5,0"], ";", "can be 1000 or 1.000"),
        ("1.234", [], ",", "not a whole number"),
        ("12,5", [], ";", "not a whole number"),
        ("1.2.3", [], ";", "not a whole number"),
        ("1_000", [], ",", "not a whole number"),
        ("٣", [], ",", "not a whole number"),
        ("5 %", [], ",", "not a whole number"),
        ("12*", [], ",", "not a whole number"),
        ("-1", [], ",", "negative"),
        ("1,2E+05", [], ";", "shortened"),
        ("#REF!", [], ",", "error of the spreadsheet"),
        ("", [], ",", "empty"),
        ("9" * 5000, [], ",", "too large"),
    ],
)
def test_what_is_no_count_or_could_be_two_is_refused(text, cells, mark, said: str) -> None:
    with pytest.raises(CellError, match=said):
        WholeNumbers([*cells, text], mark).read(text)
