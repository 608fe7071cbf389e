"""Other reviews beside this one: nothing lost, nothing pooled, ratios kept out."""

import pytest

from analysis import review
from analysis.review.comparison import compare_reviews, comparison_figures


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.fixture(scope="module")
def found(evidence):
    return compare_reviews(evidence, evidence.versions[0].id)


def test_every_row_of_the_others_is_compared_or_listed(evidence, found):
    compared = sum(item.kind == "other" for item in found.estimates)

    assert compared + len(found.left_out) == len(evidence.rival_reviews)


def test_rows_without_a_percentage_are_left_out(found):
    assert found.left_out
    assert all(row.estimate_percent is None for row in found.left_out)


def test_the_eight_published_estimates_are_there(evidence, found):
    paper = [item for item in found.estimates if item.kind == "paper"]

    assert sorted(100 * item.estimate for item in paper) == pytest.approx(
        sorted(row.estimate_percent for row in evidence.published)
    )


def test_our_rates_are_the_headlines(evidence, found):
    ours = {(item.outcome, item.match): item.estimate for item in found.estimates if item.kind == "ours"}

    for cell in review.headlines(evidence, evidence.versions[0].id):
        if cell.pooled is not None:
            label = evidence.protocol.population(cell.question.population).label
            if (cell.question.outcome, label) in ours:
                assert ours[cell.question.outcome, label] == cell.pooled.estimate


def test_reviews_of_the_m2_trunk_are_set_beside_nothing(found):
    trunk = [item for item in found.estimates if item.population.startswith("M2 occlusion")]

    assert trunk
    assert all(item.ours is None for item in trunk)


@pytest.mark.parametrize(
    ("population", "match"),
    [("SR", "stent retriever"), ("SR+ASP", "stent retriever with aspiration"), ("ASP", "aspiration")],
)
def test_a_technique_meets_its_own_level(found, population, match):
    matches = {item.match for item in found.estimates if item.population == population}

    assert matches == {f"First-line technique: {match}"}


def test_the_figures_show_every_rate_and_write_every_name_in_full(evidence, found):
    figures = comparison_figures(evidence, evidence.versions[0].id).parts

    assert sum(len(figure.data_table.cells) for figure in figures) == len(found.estimates)
    assert len(figures) == len({item.outcome for item in found.estimates})
    for figure in figures:
        assert "…" not in figure.svg + figure.svg_narrow


def test_techniques_stand_in_the_order_of_the_protocol_in_every_figure(evidence, found):
    technique = evidence.protocol.subgroup("technique")
    order = [f"{technique.label}: {level.label[0].lower()}{level.label[1:]}" for level in technique.levels]

    for outcome in {item.outcome for item in found.estimates}:
        shown = list(dict.fromkeys(item.match for item in found.estimates if item.outcome == outcome))
        assert [match for match in shown if match in order] == [match for match in order if match in shown]
