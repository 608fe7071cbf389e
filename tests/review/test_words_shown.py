"""No table shows readers a name of a column, of an outcome, of a page or of an internal list."""

import re

import pytest

from analysis import review
from analysis.living.checklists import CHECKLISTS
from analysis.report.tables import Cell, Column, render_table, table_from_rows

_RAW = re.compile(r"\b(n_\w+|mrs0\d|sich|mortality90|trap \d|evidence pack|whats.new|index)\b|highwire")


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(review.doubts_table, id="doubts"),
        pytest.param(review.comparison_table, id="comparison"),
        pytest.param(review.comparison_left_out, id="comparison-left-out"),
        pytest.param(review.disagreements_table, id="disagreements"),
        *(
            pytest.param(lambda evidence, key=key: review.checklist_table(evidence, key), id=key)
            for key in CHECKLISTS
        ),
    ],
)
def test_tables_speak_to_readers(evidence, make):
    shown = [cell.text for row in make(evidence).cells for cell in row]

    assert [text for text in shown if _RAW.search(text)] == []


def test_signs_of_comparison_are_one_sign():
    table = table_from_rows("t", "T", [Column("x", "X")], [{"x": Cell("NIHSS >=5 and <=9")}])

    assert "NIHSS ≥5 and ≤9" in render_table(table)
    assert "NIHSS >=5 and <=9" in table.to_csv()
