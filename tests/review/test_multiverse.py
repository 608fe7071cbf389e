"""The multiverse of a headline holds the primary analysis and weighs choices between nought and one."""

import numpy as np
import pytest

from analysis import review
from analysis.review.multiverse import multiverse_result


@pytest.fixture(scope="module")
def result():
    return multiverse_result(review.load(), "secondary", "reperfusion", "26.0.0")


def test_the_primary_specification_is_the_headline(result):
    cell = review.headline(review.load(), "secondary", "reperfusion", "26.0.0")

    assert result.estimate[result.primary] == pytest.approx(cell.pooled.estimate, abs=1e-9)
    assert result.low[result.primary] == pytest.approx(cell.pooled.ci.low, abs=1e-7)
    assert result.same_question[result.primary]


def test_shares_and_weights_are_proportions(result):
    weights = [result.weight_of(label) for label, _, _ in result.factors]

    assert all(0 <= weight <= 1 + 1e-12 for weight in weights)
    assert result.share_inside(0, 1) == 1.0
    assert result.share_inside(0, 1, all_questions=True) == 1.0


def test_every_specification_names_every_choice(result):
    labels = {label for label, _, _ in result.factors}

    assert all(set(choice) == labels for choice in result.choices)
    assert np.unique(result.estimate.round(12)).size > 1


def test_a_headline_without_counts_has_no_multiverse():
    assert multiverse_result(review.load(), "secondary", "sich", "26.0.0") is None
