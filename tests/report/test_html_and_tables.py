"""Tables are escaped, accessible, complete in every form, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from html.parser import HTMLParser

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.html import is_web_link, link, script_json, slug
from analysis.report.section import ScriptData
from analysis.report.tables import Cell, Column, Table, guard_formula, render_table, table_from_rows

COLUMNS = [
    Column("study", "Study"),
    Column("rate", "Rate", "right", note="Per cent of patients."),
    Column("n", "Patients", "right"),
]


def small_table(**changes):
    rows = [
        {"study": "Synthetic A", "rate": Cell("84%", 0.84), "n": 12345},
        {"study": "<script>alert(1)</script>", "rate": None, "n": 9},
        {"study": Cell("Linked", href="https://example.org/?a=1&b=2"), "rate": 0.5, "n": 7},
    ]
    return table_from_rows("Small table", "What is shown", COLUMNS, rows, **changes)


@pytest.mark.parametrize(
    ("href", "allowed"),
    [
        pytest.param("https://doi.org/10.1136/a", True, id="https"),
        pytest.param("http://example.org", True, id="http"),
        pytest.param("javascript:alert(1)", False, id="script"),
        pytest.param("JAVASCRIPT:alert(1)", False, id="script-in-capitals"),
        pytest.param("java\tscript:alert(1)", False, id="script-with-tab"),
        pytest.param("data:text/html,x", False, id="data"),
        pytest.param("//example.org", False, id="no-scheme"),
        pytest.param("https:///path", False, id="no-host"),
        pytest.param('https://a.org/"onclick="x', False, id="quote"),
        pytest.param("https://[bad", False, id="broken-address"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
def test_only_web_links_are_links(href, allowed):
    assert is_web_link(href) is allowed
    assert ("<a " in link("text", href)) is allowed


@pytest.mark.parametrize(
    ("text", "breakable"),
    [
        pytest.param("https://doi.org/10.1136/neurintsurg-2020", True, id="address"),
        pytest.param("10.1136/neurintsurg-2020", True, id="doi"),
        pytest.param("subgroup.cells.common_tau2", True, id="dotted-name"),
        pytest.param("in_studies_csv", False, id="short-name"),
        pytest.param("Knapp-Hartung, DerSimonian-Laird", False, id="joined-names"),
        pytest.param("M2/M3/ACA/PCA/any other segment", False, id="slashes"),
        pytest.param("0.98 (0.87 to 1.09)", False, id="numbers"),
    ],
)
def test_only_addresses_and_codes_may_break_within(text, breakable):
    html = render_table(table_from_rows("t", "T", [Column("x", "X")], [{"x": text}]))
    assert (f'<span class="review-address">{text}</span>' in html) is breakable
    assert ("review-address" in html) is breakable


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("mRS 0-2 at last", "mRS 0-2", id="scale"),
        pytest.param("searched 2023-01-31.", "2023-01-31", id="date"),
        pytest.param("from 2023-01 on", "2023-01", id="month"),
        pytest.param("84.1 (71.0 to 95.2)", "(71.0 to 95.2)", id="interval"),
        pytest.param("ordinal 2022.11-16", "2022.11-16", id="version"),
        pytest.param("a10.1-2", None, id="part-of-a-code"),
    ],
)
def test_what_belongs_together_stays_on_one_line(text, kept):
    table = table_from_rows("t", "T", [Column("a", "A")], [{"a": text}])
    assert re.findall(r'review-keep">([^<]*)<', render_table(table)) == ([kept] if kept else [])


def test_a_head_keeps_its_scale_on_one_line():
    table = table_from_rows("t", "T", [Column("a", "Odds ratio of mRS 0-1")], [{"a": "1"}])
    assert '>Odds ratio of <span class="review-keep">mRS 0-1</span></th>' in render_table(table)


def test_a_date_within_an_address_is_left_alone():
    href = "https://example.org/2020-01-02"
    table = table_from_rows("t", "T", [Column("a", "A")], [{"a": Cell("notice", "notice", href)}])
    assert f'href="{href}"' in render_table(table)


def test_html_holds_no_markup_from_data():
    html = render_table(small_table())
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_html_is_accessible():
    html = render_table(small_table())
    assert "<caption>What is shown</caption>" in html
    assert html.count('scope="col"') == 3
    assert html.count('scope="row"') == 3
    assert 'role="region" tabindex="0" aria-label="What is shown"' in html
    assert html.count('data-label="Patients"') == 3


def test_html_names_what_is_missing_and_numbers_footnotes():
    html = render_table(small_table(footnotes=["Synthetic."]))
    assert "not available" in html
    assert "Rate<sup>a</sup>" in html
    assert "<sup>a</sup> Per cent of patients." in html
    assert "<p>Synthetic.</p>" in html


def test_the_letter_of_a_heads_note_stands_on_cards_too():
    html = render_table(small_table())
    assert html.count('data-label="Rate" data-mark="ᵃ"') == 3
    assert html.count("data-mark") == 3


def test_html_is_balanced():
    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open_tags = []

        def handle_starttag(self, tag, attrs):
            self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    reader = Balance()
    reader.feed(render_table(small_table()))
    assert reader.open_tags == []


def test_download_links_carry_the_name():
    html = render_table(small_table())
    assert '<a download href="../downloads/small-table.csv">CSV</a>' in html
    assert "download" not in render_table(small_table(), downloads=None)


def test_long_tables_can_be_searched():
    rows = [{"study": str(index)} for index in range(10)]
    long = table_from_rows("long", "Long", [Column("study", "Study")], rows)
    assert 'data-search="yes"' in render_table(long)
    assert "data-search" not in render_table(small_table())


def test_csv_holds_raw_values():
    lines = list(csv.reader(io.StringIO(small_table().to_csv())))
    assert lines[0] == ["Study", "Rate", "Patients"]
    assert lines[1] == ["Synthetic A", "0.84", "12345"]
    assert lines[2] == ["<script>alert(1)</script>", "", "9"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("=HYPERLINK(1)", "'=HYPERLINK(1)", id="equals"),
        pytest.param("+cmd", "'+cmd", id="plus"),
        pytest.param("-cmd", "'-cmd", id="minus"),
        pytest.param("@SUM", "'@SUM", id="at"),
        pytest.param("\tx", "'\tx", id="tab"),
        pytest.param("\rx", "'\rx", id="return"),
        pytest.param("-2.5", "-2.5", id="negative-number-passes"),
        pytest.param("+1e-3", "+1e-3", id="exponent-passes"),
        pytest.param("-2.5=1", "'-2.5=1", id="number-then-formula"),
        pytest.param("a=b", "a=b", id="inside-is-harmless"),
    ],
)
def test_formulas_are_disarmed(text, safe):
    assert guard_formula(text) == safe


@given(text=st.text(max_size=20))
def test_no_guarded_text_starts_a_formula(text):
    guarded = str(guard_formula(text))
    assert not guarded.startswith(("=", "@", "\t", "\r"))
    if guarded.startswith(("+", "-")):
        assert math.isfinite(float(guarded)) or "e" in guarded.lower()


def test_xlsx_has_values_and_no_formula(tmp_path):
    rows = [{"study": "=1+1", "rate": 0.25, "n": 3}]
    table = table_from_rows("x", "Synthetic", COLUMNS, rows, footnotes=["A note."])
    table.write_xlsx(tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    cells = [cell for row in book["Table"].iter_rows() for cell in row]
    assert [cell.value for cell in cells] == ["Study", "Rate", "Patients", "'=1+1", 0.25, 3]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert [row[0].value for row in book["About"].iter_rows()] == ["Synthetic", "A note."]


def test_equal_tables_give_equal_workbooks(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        small_table().write_xlsx(tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_row_of_the_wrong_length_is_named():
    with pytest.raises(ValueError, match="row 2: 1 cells for 2 columns"):
        Table("t", "T", (Column("a", "A"), Column("b", "B")), ((Cell("1"), Cell("2")), (Cell("3"),)))


def test_frame_has_the_headings():
    frame = small_table().to_frame()
    assert list(frame.columns) == ["Study", "Rate", "Patients"]
    assert frame["Patients"].tolist() == [12345, 9, 7]


def test_slug_is_safe_for_files_and_anchors():
    assert slug("../Ünsafe: name?") == "nsafe-name"
    assert slug("???") == "item"


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "<script", "a\u2028b", "1 < 2"])
def test_data_of_a_script_never_end_or_hold_open_its_element(text):
    written = script_json({"title": text, text: 1})

    assert "<" not in written and "\u2028" not in written
    assert json.loads(written) == {"title": text, text: 1}
    shown = ScriptData("x.js", "figure", [text])._repr_html_()
    assert shown.count("<") == 4, "two elements, no more"
