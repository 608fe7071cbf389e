"""Sorting, searching and the phone form of tables and figures, driven in Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.figures.forest import forest
from analysis.report.tables import Cell, Column, render_table, table_from_rows
from tests.figures.samples import synthetic_limits, synthetic_pooled

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed"),
]
STATIC = Path(__file__).parents[2] / "book" / "_static"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    values = [0.5, None, 0.1, 12.0, 3.0, 0.2, 7.0, 8.0, 9.0, 10.0]
    rows = [
        {"study": f"Synthetic {index}", "rate": None if value is None else Cell(f"about {value:g}", value)}
        for index, value in enumerate(values)
    ]
    columns = [Column("study", "Study"), Column("rate", "Rate", "right")]
    table = table_from_rows("sample", "Sample", columns, rows)
    pooled = synthetic_pooled(5)
    figure = forest(pooled, name="f", title="Synthetic", limits=synthetic_limits(pooled))
    page = tmp_path_factory.mktemp("site") / "page.html"
    style, script = (STATIC / name for name in ("review.css", "tables.js"))
    page.write_text(
        "<!doctype html><html lang='en' data-theme='light'><meta charset='utf-8'><title>t</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"<style>{style.read_text('utf-8')}</style><body>{render_table(table)}{figure.to_html()}"
        f"<script>{script.read_text('utf-8')}</script></body></html>",
        encoding="utf-8",
    )
    return page.as_uri()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


def shown_studies(page):
    return page.eval_on_selector_all(
        "#table-sample tbody tr:not([hidden]) th", "cells => cells.map(cell => cell.textContent)"
    )


def test_sorting_by_value_keeps_missing_last(browser, address):
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.goto(address)
    button = page.locator("#table-sample thead button", has_text="Rate")
    button.press("Enter")
    rising = shown_studies(page)
    assert rising[:3] == ["Synthetic 2", "Synthetic 5", "Synthetic 0"]
    assert rising[-1] == "Synthetic 1"
    assert page.locator("#table-sample th[aria-sort=ascending]").count() == 1
    button.click()
    falling = shown_studies(page)
    assert falling[0] == "Synthetic 3"
    assert falling[-1] == "Synthetic 1"
    page.close()


@pytest.mark.parametrize("width", [1000, 390])
def test_searching_hides_rows_and_says_how_many_remain(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    page.get_by_label("Search this table").fill("ABOUT 12")
    assert shown_studies(page) == ["Synthetic 3"]
    assert page.locator("#table-sample tbody tr:visible").count() == 1
    assert page.locator("#table-sample [role=status]").text_content() == "1 of 10 rows"
    page.close()


@pytest.mark.parametrize(("width", "wide", "narrow"), [(1000, True, False), (390, False, True)])
def test_figures_and_tables_suit_the_width(browser, address, width, wide, narrow):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    assert page.locator(".figure-wide svg").is_visible() is wide
    assert page.locator(".figure-narrow svg").is_visible() is narrow
    assert page.locator("#table-sample thead").is_visible() is wide
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_dark_pages_change_the_colours_of_figures(browser, address):
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.goto(address)
    colour = "getComputedStyle(document.querySelector('.figure-wide text')).fill"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert (light, page.evaluate(colour)) == ("rgb(27, 31, 36)", "rgb(232, 234, 237)")
    page.close()


@pytest.mark.parametrize("columns", [6, 8, 10, 14])
def test_words_of_wide_tables_stay_whole(browser, tmp_path, columns):
    word = "reperfusion"
    heads = [Column(f"c{index}", "Territory") for index in range(columns)]
    row = {head.key: f"{word} 10.1136/neurintsurg-2020-000000" for head in heads}
    style = "".join((STATIC / name).read_text("utf-8") for name in ("review.css", "book.css"))
    page_file = tmp_path / "page.html"
    page_file.write_text(
        f"<!doctype html><meta charset='utf-8'><style>{style}</style>"
        f"<body>{render_table(table_from_rows('t', 'T', heads, [row]))}",
        encoding="utf-8",
    )
    page = browser.new_page(viewport={"width": 800, "height": 600})
    page.goto(page_file.as_uri())
    lines = page.evaluate(
        """length => [...document.querySelectorAll("tbody th, tbody td")].map(cell => {
          const range = document.createRange();
          const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
          range.setStart(text, 0);
          range.setEnd(text, length);
          return new Set([...range.getClientRects()].map(box => box.top)).size;
        })""",
        len(word),
    )
    assert lines == [1] * columns
    page.close()


@pytest.mark.parametrize(
    ("align", "shown"),
    [pytest.param("right", '"Studies: "', id="number"), pytest.param("left", "none", id="name")],
)
def test_a_bare_number_at_the_head_of_a_card_says_of_what(browser, tmp_path, align, shown):
    columns = [Column("k", "Studies", align), Column("rate", "Rate", "right")]
    table = render_table(table_from_rows("t", "T", columns, [{"k": "29", "rate": "84%"}]))
    page_file = tmp_path / "page.html"
    style = (STATIC / "review.css").read_text("utf-8")
    page_file.write_text(f"<!doctype html><meta charset='utf-8'><style>{style}</style><body>{table}", "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    content = "getComputedStyle(document.querySelector('tbody th'), '::before').content"
    assert page.evaluate(content) == shown
    page.close()
