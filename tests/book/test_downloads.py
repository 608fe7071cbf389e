"""Every file to take away opens, says what it is, and runs no formula."""

import csv
import zipfile

import pytest
from openpyxl import load_workbook

from analysis.report.downloads import read_tables
from tests.book.pages import site_pages

pytestmark = [pytest.mark.site, pytest.mark.slow]

_STARTS = ("=", "+", "@", "\t", "\r")


@pytest.fixture(scope="module")
def files(site):
    found = sorted((site / "downloads").glob("*"))
    assert found
    return found


def test_every_workbook_opens_with_its_rows_and_without_formulas(files):
    for path in (each for each in files if each.suffix == ".xlsx"):
        book = load_workbook(path, read_only=False)
        with path.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as handle:
            lines = list(csv.reader(handle))
        sheet, about = book["Table"], book["About"]
        assert sheet.max_row == len(lines), path.name
        assert sheet.max_column == len(lines[0]), path.name
        assert str(about["A1"].value).strip(), path.name
        kinds = {cell.data_type for page in (sheet, about) for row in page.iter_rows() for cell in row}
        # Text, and text within the cell; "f" would be a formula.
        assert kinds <= {"s", "n", "inlineStr"}, path.name


def test_no_text_of_a_csv_would_run(files):
    for path in (each for each in files if each.suffix == ".csv"):
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.reader(handle):
                for cell in row:
                    runs = cell.startswith(_STARTS) or (cell.startswith("-") and not _number(cell))
                    assert not runs or _number(cell), f"{path.name}: {cell}"


def test_pictures_are_whole(files):
    for path in files:
        if path.suffix == ".png":
            assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", path.name
        if path.suffix == ".svg":
            assert path.read_text("utf-8").rstrip().endswith("</svg>"), path.name
        if path.suffix == ".xlsx":
            assert zipfile.is_zipfile(path), path.name


def test_footnotes_of_a_table_stand_in_its_workbook(site):
    seen = 0
    for page in site_pages(site):
        text = page.read_text("utf-8")
        if "review-table-notes" not in text:
            continue
        for table in read_tables(text):
            path = site / "downloads" / f"{table.name}.xlsx"
            if not table.footnotes or not path.is_file():
                continue
            lines = [row[0] for row in load_workbook(path)["About"].iter_rows(values_only=True)]
            notes = lines[1:]
            assert len(notes) == len(table.footnotes), table.name
            # Words are explained in the page later: its notes hold more, but all of these letters in order.
            assert all(_within(*pair) for pair in zip(notes, table.footnotes, strict=True)), table.name
            seen += 1

    assert seen


def _within(short, long):
    letters = iter(long)
    return all(each in letters for each in short)


def _number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
