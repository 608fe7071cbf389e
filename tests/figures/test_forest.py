"""Forest plots say in words, numbers and pictures what they were given."""

from __future__ import annotations

import dataclasses
import re

import pytest

from analysis.figures.forest import Reference, forest
from tests.figures.layout import beyond, overlaps
from tests.figures.samples import SyntheticSubgroups, synthetic_limits, synthetic_pooled

FOUR = synthetic_pooled(
    4,
    labels=("Synthetic A", "Synthetic B", "Synthetic C", "<script>alert(1)</script>"),
    events=(8, 19, 45, 10),
    total=(10, 20, 60, 10),
)


def draw(pooled=FOUR, **options):
    options.setdefault("limits", synthetic_limits(pooled))
    return forest(pooled, name="Sample plot", title="Synthetic outcome", **options)


def test_alt_text_holds_the_numbers():
    alt = draw(reference=Reference("Published", 0.8, 0.7, 0.9)).alt
    assert "4 studies, 82 events in 100 patients" in alt
    assert "from 75% (Synthetic C) to 100%" in alt
    assert "Pooled: 84% (76 to 90), 95% confidence interval." in alt
    assert "95% prediction interval 52 to 96%." in alt
    assert "τ² 0.52 (0.12 to 2.25); I² 71% [τ²/(τ²+s²)]; likelihood ratio 20.1, p<0.001" in alt
    assert "Published: 80% (70 to 90)." in alt


def test_no_markup_from_study_names():
    html = draw()._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_html_has_picture_words_table_and_files():
    html = draw()._repr_html_()
    assert html.count('role="img" aria-label="Forest plot.') == 2
    assert "<details><summary>Data table</summary>" in html
    for kind in ("svg", "png", "csv", "xlsx"):
        assert f'href="../downloads/sample-plot.{kind}"' in html
    assert not re.search(r"<svg[^>]*\sid=", html)


def test_data_table_holds_every_line():
    table = draw(reference=Reference("Published", 0.8)).data_table
    assert [row[0].text for row in table.cells] == [
        "Synthetic A",
        "Synthetic B",
        "Synthetic C",
        "<script>alert(1)</script>",
        "All 4 studies, pooled",
        "95% prediction interval",
        "Published",
    ]
    first = dict(zip([c.head for c in table.columns], table.cells[0], strict=True))
    assert first["Events"].raw == 8
    assert first["Total"].raw == 10
    assert first["Estimate"].raw == 0.8
    assert "nan" not in table.to_csv().lower()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        pytest.param("profile", "profile likelihood", id="profile"),
        pytest.param("clopper-pearson", "exact, of the summed counts", id="no-finite-estimate"),
    ],
)
def test_the_data_table_names_the_methods_of_intervals_in_words(method, words):
    pooled = dataclasses.replace(FOUR, ci=dataclasses.replace(FOUR.ci, method=method))
    remarks = [row[-1].text for row in draw(pooled).data_table.cells]

    assert f"95% confidence interval: {words}" in remarks
    assert "t distribution, k−2 df" in remarks


@pytest.mark.parametrize("k", [1, 2, 3, 13, 60])
def test_any_number_of_studies_without_overlaps(k):
    figure = draw(synthetic_pooled(k))
    for svg in (figure.svg, figure.svg_narrow):
        assert overlaps(svg) == []
        assert beyond(svg) == []
        assert "nan" not in svg.lower()
        assert svg.count("<rect") == k + 1


def test_long_words_do_not_overlap():
    labels = tuple(f"Synthetic multicentre registry of many distal occlusions {i}" for i in "ABCD")
    pooled = synthetic_pooled(4, labels=labels, events=(11, 22222, 3, 4), total=(99, 99999, 10, 10))
    figure = draw(pooled, flags=[("counts deduced",), (), (), ()], awaited=["X 2020"] * 5)
    for svg in (figure.svg, figure.svg_narrow):
        assert overlaps(svg) == []
        assert beyond(svg) == []
        assert "counts deduced" in svg


def test_no_study_gives_a_plain_message():
    figure = forest(None, name="none", title="Secondary deaths", awaited=("A 2022", "B 2025"))
    assert figure.alt == ("Secondary deaths: no public count yet; awaited from A 2022 and B 2025.")
    assert "no public count" in figure.svg
    assert len(figure.data_table.cells) == 2


@pytest.mark.parametrize(
    ("sort", "first"),
    [("given", "Synthetic A"), ("estimate", "Synthetic C"), ("total", "Synthetic C")],
)
def test_studies_are_sorted_as_asked(sort, first):
    assert draw(sort=sort).data_table.cells[0][0].text == first


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="given, estimate, total"):
        draw(sort="alphabet")


def test_subgroups_have_their_own_diamonds_and_a_test_line():
    small, large = synthetic_pooled(3, seed=1), synthetic_pooled(5, seed=2)
    test = SyntheticSubgroups(("Stent <b>", "Aspiration"), (small, large), synthetic_pooled(8))
    figure = forest(
        test,
        name="groups",
        title="Synthetic outcome",
        limits=[synthetic_limits(small), synthetic_limits(large)],
    )
    for svg in (figure.svg, figure.svg_narrow):
        assert svg.count("<polygon") == 3
        assert ">Stent &lt;b&gt;</text>" in svg
        assert ">Pooled (3 studies)</text>" in svg
        assert ">All 8 studies, pooled</text>" in svg
        assert overlaps(svg) == []
    assert "Test for subgroup differences (likelihood ratio, common τ²): 4.20, 1 df, p=0.04" in (figure.alt)
    groups = {row[1].text for row in figure.data_table.cells}
    assert groups == {"Stent <b>", "Aspiration", ""}


def test_intervals_beyond_the_axis_end_in_an_arrow():
    rare = synthetic_pooled(
        2, events=(0, 1), total=(5, 40), estimate=0.03, ci=(0.01, 0.08), prediction=(0.0, 0.1)
    )
    limits = synthetic_limits(rare)
    inside, cut = draw(rare, limits=limits, axis_end=1.0), draw(rare, limits=limits, axis_end=0.2)
    assert cut.svg.count("<polygon") == inside.svg.count("<polygon") + 1


def test_equal_input_gives_equal_bytes():
    assert draw()._repr_html_() == draw()._repr_html_()


def test_a_study_with_two_arms_counts_once():
    """An arm in each of two groups is a row; the study behind both is one."""
    one = synthetic_pooled(2, labels=("Synthetic A", "Synthetic B"), events=(8, 9), total=(10, 20))
    other = synthetic_pooled(1, labels=("Synthetic A",), events=(5,), total=(10,))
    both = synthetic_pooled(3, labels=("Synthetic A", "Synthetic B", "Synthetic A"))
    figure = forest(
        SyntheticSubgroups(("First", "Second"), (one, other), both),
        name="arms",
        title="T",
        limits=[synthetic_limits(one), synthetic_limits(other)],
    )
    assert figure.caption == "T: forest plot of 2 studies in 3 rows."
    assert ">Counted (2 studies in 3 rows)" in figure.svg
    assert "T: 2 studies in 3 rows, " in figure.alt
    assert "First: " in figure.alt
    assert overlaps(figure.svg) == overlaps(figure.svg_narrow) == []


def test_a_study_that_is_not_pooled_is_shown_grey_and_counted_nowhere():
    from analysis.synthesis.pooled import pool

    events, total, labels = [8, 12, 7, 30], [10, 20, 14, 33], ["A", "B", "C", "D"]
    pooled = pool(events, total, labels=labels, exclude=[False, True, False, False])
    figure = forest(pooled, name="left", title="T")
    assert figure.caption == "T: forest plot of 3 studies."
    assert "T: 3 studies, 45 events in 57 patients." in figure.alt
    assert "Shown and not pooled: B (excluded): 60% (36 to 81)." in figure.alt
    rows = {row[0].text: [cell.text for cell in row] for row in figure.data_table.cells}
    assert rows["B (excluded)"][1:4] == ["12", "20", "60.0%"]
    assert rows["B (excluded)"][-2:] == ["", "excluded: shown and not pooled"]
    for svg in (figure.svg, figure.svg_narrow):
        assert re.search(r"<text [^>]*#57606a[^>]*>B \(excluded\)</text>", svg)
        assert svg.count('class="f-page s-muted"') == 1
        assert ">All 3 studies, pooled</text>" in svg
        assert overlaps(svg) == beyond(svg) == []


def test_the_first_line_keeps_off_the_rule_below_the_headings():
    for svg in (draw().svg, draw().svg_narrow):
        rule = float(re.search(r'<line x1="8" y1="([\d.]+)"', svg)[1])
        first = float(re.search(r'<text x="8" y="([\d.]+)">Synthetic A', svg)[1])
        assert first - 13 > rule + 4


def test_a_long_name_takes_more_lines_and_loses_no_word():
    name = "Synthetic multicentre registry of many distal occlusions in four countries"
    figure = draw(synthetic_pooled(2, labels=(name, "B")))
    for svg in (figure.svg, figure.svg_narrow):
        lines = re.findall(r">([^<>]+)</text>", svg)
        start = next(place for place, line in enumerate(lines) if line.startswith("Synthetic multi"))
        shown = " ".join(lines[start : start + 5])
        assert all(word in shown for word in name.split())
