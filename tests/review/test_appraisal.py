"""Appraisal shown: beside the forest plot, by level, and without inventing knowledge."""

import pytest

from analysis import review
from analysis.judgement.appraise import SAFEGUARDS
from analysis.review.appraisal import TOOLS, appraisal_levels


@pytest.fixture(scope="module")
def evidence():
    return review.load()


def test_signs_beside_the_forest_plot_are_the_recorded_facts(evidence):
    figure = review.appraisal_forest(evidence, "secondary", "reperfusion")
    facts = {(row.study_id, row.item): row.value for row in evidence.appraisal}
    cell = review.headline(evidence, "secondary", "reperfusion", evidence.versions[-1].id)
    heads = [column.key for column in figure.data_table.columns]
    signs = [row[heads.index("marks")].text.split() for row in figure.data_table.cells][: cell.counts.k]

    assert "P C I F" in figure.svg
    for study, shown in zip(cell.counts.study_id, signs, strict=True):
        for sign, (item, good) in zip(shown, SAFEGUARDS.items(), strict=True):
            value = facts[(study, item)]
            assert sign == {"not_reported": "?", good: "+"}.get(value, "−")


def test_a_forest_plot_without_signs_has_no_such_column(evidence):
    section = review.pooled_section(evidence, "secondary", "reperfusion")
    figure = next(part for part in section.parts if hasattr(part, "svg"))

    assert "marks" not in [column.key for column in figure.data_table.columns]
    assert "Weight" in figure.svg


def test_levels_split_all_studies_of_a_cell(evidence):
    whole, *levels = appraisal_levels(evidence, "secondary", "reperfusion")

    assert sum(item["pooled"].k for item in levels) == whole["pooled"].k
    assert sum(item["pooled"].total.sum() for item in levels) == whole["pooled"].total.sum()
    assert 0 <= whole["test"].p_value <= 1


def test_a_cell_without_counts_has_no_levels(evidence):
    assert appraisal_levels(evidence, "secondary", "sich") == []


@pytest.mark.parametrize("tool", TOOLS)
def test_sections_say_how_little_is_known_and_that_nobody_signed(evidence, tool):
    section = review.appraisal_section(evidence, tool)

    text = section.parts[0].text
    open_rows = [
        row
        for row in evidence.judgements
        if row.tool == tool and row.judgement in ("no_information", "not_judged")
    ]
    assert f"{len(open_rows)} are not judged" in text
    assert "none is signed by an appraiser" in text
    assert ("no information" in section._repr_html_()) == (tool != "rob2")
    assert "not judged" in section._repr_html_()


@pytest.mark.parametrize("tool", TOOLS)
def test_studies_that_are_appraised_but_not_included_are_named(evidence, tool):
    studies = {row.study_id for row in evidence.judgements if row.tool == tool}
    included = sum(evidence.study(item).eligibility == "include" for item in studies)
    text = review.appraisal_section(evidence, tool).parts[0].text

    assert text.startswith(f"{len(studies)} studies")
    assert (f"({included} included; " in text) == (included < len(studies))


@pytest.mark.parametrize("tool", TOOLS)
def test_reasons_name_judgements_as_the_lights_do(evidence, tool):
    parts = review.appraisal_section(evidence, tool).parts
    reasons = next(part.part for part in parts if getattr(part, "summary", "") == "Reasons")
    lights = {
        cell.text
        for part in parts
        if getattr(part, "summary", "") == "Study by study"
        for row in part.part.data_table.cells
        for cell in row[1:]
    }
    at = [column.key for column in reasons.columns].index("judgement")

    assert {row[at].text for row in reasons.cells} <= lights
