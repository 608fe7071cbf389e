"""The files to take away come from what the pages show."""

from __future__ import annotations

import importlib.util

import pytest

from analysis.figures.forest import forest
from analysis.report.downloads import harvest, read_tables, save_figure, save_table
from analysis.report.tables import Cell, Column, render_table, table_from_rows
from tests.figures.samples import synthetic_limits, synthetic_pooled

needs_resvg = pytest.mark.skipif(
    importlib.util.find_spec("resvg_py") is None, reason="resvg_py is not installed"
)


def sample_table(name="counts"):
    rows = [
        {"study": "=Synthetic & Sons", "n": 12345, "rate": Cell("84%", 0.8412), "id": "007"},
        {"study": Cell("Other", note="A note."), "n": None, "rate": -0.5, "id": "b"},
    ]
    columns = [Column("study", "Study"), Column("n", "N", "right"), Column("rate", "Rate")]
    return table_from_rows(name, "Counts", [*columns, Column("id", "Id")], rows)


def sample_figure():
    pooled = synthetic_pooled(4)
    return forest(pooled, name="sample", title="Synthetic", limits=synthetic_limits(pooled))


def test_a_table_read_back_from_a_page_equals_its_csv():
    table = sample_table()
    (back,) = read_tables(f"<html><body>{render_table(table)}</body></html>")
    assert back.to_csv() == table.to_csv()
    assert back.footnotes == ("A note.",)


def test_footnotes_are_read_to_their_own_table():
    one, two = (render_table(sample_table(name)) for name in ("first", "second"))
    first, second = read_tables(f"<body>{one.replace('A note.', 'Another &amp; more.')}{two}</body>")
    assert (first.footnotes, second.footnotes) == (("Another & more.",), ("A note.",))


def test_save_table_writes_csv_and_xlsx(tmp_path):
    files = save_table(tmp_path / "new", "counts", sample_table())
    assert [path.name for path in files] == ["counts.csv", "counts.xlsx"]
    assert files[0].read_bytes().startswith(b"\xef\xbb\xbfStudy,N,Rate,Id\n'=Synthetic & Sons,")


@needs_resvg
def test_save_figure_writes_all_forms(tmp_path):
    files = save_figure(tmp_path, "sample", sample_figure())
    assert {path.suffix for path in files} == {".svg", ".png", ".csv", ".xlsx"}
    assert (tmp_path / "sample.png").read_bytes().startswith(b"\x89PNG")


@needs_resvg
def test_harvest_writes_what_pages_link_to(tmp_path):
    deep = tmp_path / "book" / "chapters"
    deep.mkdir(parents=True)
    figure, table = sample_figure()._repr_html_(), render_table(sample_table())
    (tmp_path / "book" / "a.html").write_text(f"<body>{figure}</body>", encoding="utf-8")
    (deep / "b.html").write_text(f"<body>{table}{figure}</body>", encoding="utf-8")
    (tmp_path / "plain.html").write_text("<body></body>", encoding="utf-8")

    names = sorted(path.name for path in harvest(tmp_path))

    assert names == sorted(
        ["counts.csv", "counts.xlsx", "sample.csv", "sample.png", "sample.svg", "sample.xlsx"]
    )
    assert 'href="../../downloads/counts.csv"' in (deep / "b.html").read_text(encoding="utf-8")
    assert 'href="../downloads/sample.svg"' in (tmp_path / "book" / "a.html").read_text("utf-8")


def test_harvest_refuses_two_contents_under_one_name(tmp_path):
    first = render_table(sample_table())
    (tmp_path / "a.html").write_text(first, encoding="utf-8")
    (tmp_path / "b.html").write_text(first.replace("Other", "Another"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"different content under the name 'counts\.csv'"):
        harvest(tmp_path)
