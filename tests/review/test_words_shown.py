"""No table shows readers a name of a column, of an outcome, of a page or of an internal list."""

import re

import pytest

from analysis import review
from analysis.living.checklists import CHECKLISTS
from analysis.report.tables import Cell, Column, render_table, table_from_rows

_RAW = re.compile(
    r"\b(n_\w+|glmm|mrs0\d|sich|evt|mortality90|trap \d|evidence pack|whats.new|index)\b|highwire"
)


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
        pytest.param(review.agreement_pairs, id="differing-pairs"),
        *(
            pytest.param(lambda evidence, key=key: review.checklist_table(evidence, key), id=key)
            for key in CHECKLISTS
        ),
    ],
)
def test_tables_speak_to_readers(evidence, make):
    shown = [cell.text for row in make(evidence).cells for cell in row]

    assert [text for text in shown if _RAW.search(text)] == []


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(review.left_out_table, id="left-out-of-the-review"),
        pytest.param(lambda evidence: review.pooled_section(evidence, "secondary", "mrs02"), id="pooled"),
        pytest.param(lambda evidence: review.subgroup_section(evidence, "technique", "mrs02"), id="subgroup"),
    ],
)
def test_reasons_name_studies_as_readers_know_them(evidence, make):
    shown = re.sub(r"<[^>]*>", "\n", make(evidence)._repr_html_())
    keys = "|".join(re.escape(study.study_id) for study in evidence.studies)

    assert re.findall(rf"(?<![\w/-])(?:{keys})(?![\w/-])", shown) == []
    assert "Ahn 2024" in shown


def test_a_report_without_a_year_is_named_with_a_comma(evidence):
    names = [row[0].text for row in review.left_out_table(evidence).cells]

    assert [name for name in names if re.search(r"\w year not shown:", name)] == []
    assert any(name.startswith("Authors not shown, year not shown: ") for name in names)


def test_differences_are_named_only_where_some_are_shown(evidence):
    ratios, shift = (
        review.trial_section(evidence, "mrs01")._repr_html_(),
        review.shift_section(evidence)._repr_html_(),
    )

    assert "Differences in percentage points" in ratios
    assert "Differences in percentage points" not in shift


def test_moves_do_not_add_up_where_there_was_no_estimate(evidence):
    shown = review.diff_section(evidence, "secondary")._repr_html_()
    death = shown[shown.index("Death within 90 days") : shown.index("Symptomatic intracranial")]

    assert "add up to the whole change" not in death
    assert "add up to the whole change" in shown


def test_signs_of_comparison_are_one_sign():
    table = table_from_rows("t", "T", [Column("x", "X")], [{"x": Cell("NIHSS >=5 and <=9")}])

    assert "NIHSS ≥5 and ≤9" in render_table(table)
    assert "NIHSS >=5 and <=9" in table.to_csv()


def test_studies_are_counted_once_in_the_table_of_what_can_be_read(evidence):
    table = review.completeness_table(evidence)
    included = sum(study.eligibility == "include" for study in evidence.studies)
    keys = [column.key for column in table.columns]
    places = [keys.index(key) for key in ("any", "percent_only", "silent")]

    for row in table.cells:
        assert sum(row[place].value for place in places) == included


def test_the_dictionary_misses_nothing_where_any_value_is_allowed(evidence):
    table = review.dictionary(evidence, "overlap")

    assert [cell.text for row in table.cells for cell in row if cell.tone == "missing"] == []


def test_techniques_have_words_in_the_chart_of_studies(evidence):
    chart = review.characteristics_figure(evidence)

    assert ">stent retriever<" in chart.svg
    assert ">SR<" not in chart.svg_narrow


def test_a_level_without_a_finite_estimate_is_named_as_no_part_of_the_test(evidence):
    shown = review.subgroup_section(evidence, "territory", "reperfusion", version="23.0.0")._repr_html_()

    assert "Not part of the test, as no finite estimate exists: Middle cerebral artery." in shown


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(review.rivals_table, id="as-printed"),
        pytest.param(review.comparison_table, id="compared"),
        pytest.param(review.comparison_left_out, id="not-compared"),
    ],
)
def test_short_forms_of_other_reviews_are_explained(evidence, make):
    table = make(evidence)
    column = [item.key for item in table.columns].index("population")
    used = {word for row in table.cells for word in re.findall(r"[A-Z]{2,}", row[column].text)}

    assert used
    assert [word for word in used - {"NIHSS"} if f"{word} " not in " ".join(table.footnotes)] == []
