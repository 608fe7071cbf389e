"""The lines by which a chapter's numbers are compared: each part follows its counts, and only its own."""

from dataclasses import replace

import pytest

from analysis import review
from analysis.review.checked import check_lines

PARTS = ("headlines", "primary", "secondary", "any", "subgroups", "counts")


@pytest.fixture(scope="module")
def evidence():
    return review.load()


def _planted(evidence, study, outcome):
    """The evidence with one event more (or one fewer) in every row of one study and outcome."""
    rows = tuple(
        replace(row, events=row.events - 1)
        if (row.study_id, row.outcome) == (study, outcome) and row.events
        else row
        for row in evidence.outcomes
    )
    assert rows != evidence.outcomes
    return replace(evidence, outcomes=rows, data_hash="planted")


def test_a_planted_count_moves_the_parts_that_use_it(evidence):
    population = "secondary"
    cell = review.headline(evidence, population, "reperfusion", evidence.versions[0].id)
    other = _planted(evidence, cell.counts.study_id[0], "reperfusion")
    moved = {part for part in PARTS if check_lines(other, part) != check_lines(evidence, part)}

    assert {"headlines", population, "any", "counts"} <= moved
    assert "primary" not in moved
    assert check_lines(other, "trials") == check_lines(evidence, "trials")


def test_an_unknown_part_is_named(evidence):
    with pytest.raises(ValueError, match="no part of the review is called 'primery'"):
        check_lines(evidence, "primery")
