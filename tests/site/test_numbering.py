"""Numbers of figures and tables: one run through the book, and references that follow them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.site.numbering import number_items, reference_mark, set_numbers


def figure(name):
    inner = f'<div class="review-table" id="table-{name}-data"><table><caption>D</caption></table></div>'
    return (
        f'<figure class="review-figure" id="figure-{name}" data-name="{name}">'
        f"<figcaption>Caption of {name}</figcaption><details>{inner}</details></figure>"
    )


def table(name):
    return (
        f'<div class="review-table" id="table-{name}"><table><caption>Head of {name}</caption></table></div>'
    )


def labels(html):
    return re.findall(r'<span class="review-number">(\w+)\xa0(\d+)\.</span> ', html)


def test_numbers_run_through_the_chapters_in_reading_order():
    pages = {"book/a": figure("late"), "book/b": table("t") + figure("early") + table("u")}
    numbered = number_items(pages, ["book/b", "book/a"])

    assert {anchor: item.label.replace("\xa0", " ") for anchor, item in numbered.items()} == {
        "table-t": "Table 1",
        "figure-early": "Figure 1",
        "table-u": "Table 2",
        "figure-late": "Figure 2",
    }


def test_the_data_table_of_a_figure_has_no_number_of_its_own():
    html = set_numbers(figure("x"), "book/a", number_items({"book/a": figure("x")}, ["book/a"]))

    assert labels(html) == [("Figure", "1")]
    assert "<caption>D</caption>" in html


def test_a_figure_shown_again_keeps_its_number():
    pages = {"book/a": figure("x"), "book/b": figure("y") + figure("x")}
    numbered = number_items(pages, ["book/a", "book/b"])

    assert labels(set_numbers(pages["book/b"], "book/b", numbered)) == [("Figure", "2"), ("Figure", "1")]


def test_pages_outside_the_book_have_no_numbers():
    numbered = number_items({"studies/x": table("t")}, ["book/a"])

    assert set_numbers(table("t"), "studies/x", numbered) == table("t")


@pytest.mark.parametrize(("page", "address"), [("book/a", "#figure-x"), ("book/b", "a.html#figure-x")])
def test_a_reference_leads_to_the_figure_and_names_its_number(page, address):
    numbered = number_items({"book/a": figure("x")}, ["book/a"])
    text = reference_mark("figure-x") + (figure("x") if page == "book/a" else "")

    assert f'href="{address}" data-item="figure-x">Figure\xa01</a>' in set_numbers(text, page, numbered)


def test_a_reference_to_nothing_stops_the_build():
    with pytest.raises(ValueError, match=r"book/a refers to table-none"):
        set_numbers(reference_mark("table-none"), "book/a", {})


@given(st.lists(st.sampled_from("abcdef"), max_size=8))
def test_setting_numbers_twice_changes_nothing_more(names):
    page = "".join(figure(name) + table(name) + reference_mark(f"figure-{name}") for name in names)
    numbered = number_items({"book/a": page}, ["book/a"])
    once = set_numbers(page, "book/a", numbered)

    assert set_numbers(once, "book/a", numbered) == once
    assert len(labels(once)) == 2 * len(names)
