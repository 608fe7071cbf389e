"""The multiverse of a headline holds the primary analysis and weighs choices between nought and one."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from analysis import review
from analysis.review.multiverse import (
    _drawn,
    multiverse_overview,
    multiverse_result,
    multiverse_section,
    script_data,
)


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


def test_the_data_for_the_page_give_back_every_specification(result):
    data = script_data(review.load(), result)
    labels = [label for label, _ in data["choices"]]
    given = []
    for place, selection in enumerate(data["selections"]):
        for column, model in enumerate(data["models"]):
            options = [*selection, *model]
            choice = {label: data["choices"][at][1][options[at]] for at, label in enumerate(labels)}
            given.append((choice, data["estimates"][data["sets"][place]][column]))

    assert [choice for choice, _ in given] == [dict(each) for each in result.choices]
    for (_, thousandths), estimate, known in zip(given, result.estimate, result.converged, strict=True):
        assert thousandths == (round(1000 * estimate) if known else -1)
    assert sum(data["same"]) * len(data["models"]) == result.same_question.sum()


@pytest.mark.parametrize("size", [56 * 80, 56 * 81, 63 * 72, 63 * 96], ids=str)
def test_the_curve_shows_every_option_that_alternates_along_it(result, size):
    spread = replace(
        result,
        choices=tuple({"Interval": "abcd"[place % 4]} for place in range(size)),
        estimate=np.linspace(0.1, 0.9, size),
        low=np.zeros(size),
        high=np.ones(size),
        converged=np.ones(size, dtype=bool),
        same_question=np.ones(size, dtype=bool),
        primary=size // 2,
    )
    items, primary = _drawn(spread)
    shown = Counter(item.choices["Interval"] for item in items)

    assert items[primary].estimate == spread.estimate[size // 2]
    assert (items[0].estimate, items[-1].estimate) == (0.1, 0.9)
    assert min(shown["abcd"[place]] for place in range(4)) > len(items) / 8


def test_a_protocol_without_choices_says_that_there_is_nothing_to_vary():
    evidence = review.load()
    text = {**evidence.protocol.text, "multiverse": {}}
    protocol = replace(evidence.protocol, text=text)
    bare = replace(evidence, protocol=protocol, data_hash="synthetic")

    assert "names no choices" in multiverse_section(bare, "any", "sich").parts[0].text
    assert multiverse_overview(bare).cells == ()
