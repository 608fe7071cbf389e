"""Figures and tables of the built book stand in one run of numbers."""

import re

import pytest

from analysis.site.contents import book_order
from tests.book.pages import ROOT

pytestmark = pytest.mark.site


def labels(html):
    return re.findall(r'<span class="review-number">(\w+)\xa0(\d+)\.</span> ', html)


def test_every_figure_and_table_of_the_book_is_numbered_once_and_in_order(site):
    seen = {"Figure": [], "Table": []}
    for name in book_order(ROOT):
        html = (site / f"{name}.html").read_text("utf-8")
        shown = len(re.findall(r'<figure class="review-figure"', html))
        shown += len(re.findall(r'<div class="review-table" id="table-(?![^"]*-data")', html))
        assert len(labels(html)) == shown, name
        for kind, number in labels(html):
            if int(number) not in seen[kind]:
                seen[kind].append(int(number))

    for kind, numbers in seen.items():
        assert numbers == list(range(1, len(numbers) + 1)), kind
