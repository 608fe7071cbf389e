"""The multiverse: each batched entry is the single analysis of the same counts."""

import numpy as np
import pytest

from analysis.synthesis.multiverse import fit_multiverse
from analysis.synthesis.pooled import pool

#: Synthetic counts: an ordinary set, one with a study left out, one with no event in a study.
EVENTS = np.array([[5, 7, 3, 9.0], [5, 7, 0, 9], [0, 7, 3, 2]])
TOTAL = np.array([[10, 12, 9, 9.0], [10, 12, 0, 9], [4, 12, 9, 11]])


@pytest.fixture(scope="module")
def many():
    return fit_multiverse(EVENTS, TOTAL)


def test_every_entry_equals_the_single_analysis(many):
    for entry in many.rows():
        inside = TOTAL[entry["row"]] > 0
        single = pool(
            EVENTS[entry["row"]][inside],
            TOTAL[entry["row"]][inside],
            model=entry["model"],
            scale=entry["scale"],
            tau2_method=entry["tau2_method"],
            ci_method=entry["ci_method"],
        )
        expected = (single.estimate, single.ci.low, single.ci.high)
        assert (entry["estimate"], entry["low"], entry["high"]) == pytest.approx(expected, abs=1e-9)


def test_all_models_meet_all_sets(many):
    assert many.size == 3 * (3 + 3 * 5 * 4)
    assert len({tuple(row.values())[:5] for row in many.rows()}) == many.size


@pytest.mark.parametrize(
    ("events", "total", "words"),
    [([[3.0, 5.0]], [[2.0, 9.0]], "set 1: events"), ([[1.0], [0.0]], [[2.0], [0.0]], "set 2 holds no study")],
    ids=["more-events-than-patients", "empty-set"],
)
def test_unusable_sets_are_named(events, total, words):
    with pytest.raises(ValueError, match=words):
        fit_multiverse(np.array(events), np.array(total))
