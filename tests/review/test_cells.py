"""Headline cells: what is pooled, what is awaited, and that nothing is borrowed."""

import pytest

from analysis import review
from analysis.evidence.select import Question, select
from analysis.review.cells import pool_counts


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.mark.parametrize("outcome", ["mortality90", "sich"])
def test_a_cell_without_public_counts_is_empty_and_names_who_is_awaited(evidence, outcome):
    cell = review.headline(evidence, "secondary", outcome, "23.0.0")

    assert cell.pooled is None
    assert cell.counts.k == 0
    assert "meyer2022secondary" in {item.study_id for item in cell.awaited}
    assert cell.published is not None


def test_all_cells_cover_versions_populations_and_main_outcomes(evidence):
    cells = review.headlines(evidence)

    assert len({cell.key for cell in cells}) == len(cells) == 2 * 3 * 4


@pytest.mark.parametrize("population", ["primary", "secondary"])
def test_the_window_holds_no_study_of_the_update(evidence, population):
    for outcome in evidence.protocol.main_outcomes:
        cell = review.headline(evidence, population, outcome.key, "23.0.0")
        versions = {evidence.study(study).first_version for study in cell.counts.study_id}
        assert versions <= {"23.0.0"}


def test_any_has_no_published_counterpart(evidence):
    assert review.headline(evidence, "any", "sich", "26.0.0").published is None


def test_primary_reperfusion_in_the_window_agrees_with_its_rows_added_by_hand(evidence):
    # altenbernd 31/31, uno 5/5, ACA series 3/3, meyer 37/43, rikhtegar 24/34, baig 17/21,
    # pca2022 33/48, brouwer 13/20: read from outcomes.csv and added on paper.
    cell = review.headline(evidence, "primary", "reperfusion", "23.0.0")

    assert (int(cell.counts.events.sum()), int(cell.counts.total.sum())) == (163, 205)


def test_settings_of_the_protocol_are_in_force_and_can_be_changed(evidence):
    counts = select(evidence, Question("any", "sich"))
    primary = pool_counts(evidence, counts)
    changed = pool_counts(evidence, counts, model="iv", tau2_method="dl", ci_method="wald")

    assert primary.settings.model == evidence.protocol.primary.model
    assert (changed.settings.model, changed.settings.tau2_method) == ("iv", "dl")
    assert changed.estimate != primary.estimate
