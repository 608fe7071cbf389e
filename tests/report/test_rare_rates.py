"""Seven events in 20,000 are 0.035%, wherever a rate is printed (synthetic counts)."""

from __future__ import annotations

import pytest

from analysis.figures.forest import forest
from analysis.report.numbers import rate_change
from analysis.report.rare import rate_share
from analysis.report.words import comparison_with_published
from analysis.synthesis.pooled import pool


@pytest.fixture(scope="module")
def rare():
    return pool([7, 9, 5, 8], [20_000, 21_000, 19_000, 22_000], labels=["A", "B", "C", "D"])


def test_a_sentence_prints_the_digits_of_a_rare_rate(rare):
    text = comparison_with_published(rare, 7 / 20_000)
    assert "published estimate is 0.035%" in text and "ours is 0.035%" in text


def test_a_forest_plot_prints_the_digits_of_a_rare_rate(rare):
    figure = forest(rare, name="rare", title="Rare events")
    for text in (figure.svg, figure.alt, figure.to_html()):
        assert "0.035" in text
        assert not any(wrong in text for wrong in ("<0.1%", "<1%", ">0%", "0.0%", "&lt;0.1", "&lt;1%"))


def test_a_change_of_a_rare_rate_keeps_its_digits():
    change = rate_change((0.00035, 0.00017, 0.00073), (0.00042, 0.0002, 0.0008))
    assert (change.before[:6], change.after[:6], change.change) == ("0.035%", "0.042%", "+0.007 points")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.00035, "0.035"), (0.0012, "0.1"), (0.0, "0"), (1.0, "100"), (0.5, "50.0")]
)
def test_a_rate_without_interval_has_the_digits_it_needs(value, shown):
    assert rate_share(value, 1).removesuffix(".0") == shown.removesuffix(".0")
