"""Attribution: what each change moved adds up, is fair, and is the same again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.living.attribution import EXACT_UP_TO, Toggle, attribute
from analysis.living.refit import refit
from analysis.synthesis.pooled import pool


def _additive(values):
    return lambda weights: weights @ np.asarray(values, dtype=float)


def _mean(values):
    values = np.asarray(values, dtype=float)
    return lambda weights: (weights @ values) / weights.sum(axis=1)


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6))
def test_where_effects_only_add_both_views_give_each_its_own(values):
    start = np.zeros(len(values))
    moves = attribute(start, [Toggle((i,)) for i in range(len(values))], _additive(values))

    assert moves.sequential == pytest.approx(values, abs=1e-9)
    assert moves.averaged == pytest.approx(values, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12),
    st.integers(1, 4),
)
def test_both_views_add_up_to_the_whole_change(values, known):
    known = min(known, len(values) - 1)
    start = (np.arange(len(values)) < known).astype(float)
    toggles = [Toggle((i,)) for i in range(known, len(values))]
    moves = attribute(start, toggles, _mean(values), pairs=4)
    change = np.mean(values) - np.mean(values[:known])

    assert moves.sequential.sum() == pytest.approx(change, abs=1e-12)
    assert moves.averaged.sum() == pytest.approx(change, abs=1e-12)
    assert moves.exact == (len(toggles) <= EXACT_UP_TO)


def test_equal_studies_move_equally_when_averaged_but_not_in_order():
    # The first of two equal studies moves a mean more than the second; by hand: 0 -> 0.5 -> 2/3.
    moves = attribute([1, 0, 0], [Toggle((1,)), Toggle((2,))], _mean([0.0, 1.0, 1.0]))

    assert moves.path == pytest.approx([0, 1 / 2, 2 / 3])
    assert moves.sequential == pytest.approx([1 / 2, 1 / 6])
    assert moves.averaged == pytest.approx([1 / 3, 1 / 3])
    assert moves.averaged_se.tolist() == [0, 0]


def test_a_replacement_is_one_step():
    moves = attribute([1, 1, 0], [Toggle((2,), (1,))], _mean([0.0, 0.4, 1.0]))

    assert moves.sequential == pytest.approx([0.5 - 0.2])


def test_the_sampled_average_lies_near_the_exact_one():
    rng = np.random.default_rng(3)
    values = rng.random(EXACT_UP_TO + 4)
    start = (np.arange(values.size) < 4).astype(float)
    toggles = [Toggle((i,)) for i in range(4, values.size)]
    exact = attribute(start, toggles, _mean(values))
    drawn = attribute([*start, 1], [*toggles, Toggle((values.size,), ())], _mean([*values, 0.5]))

    assert exact.exact
    assert not drawn.exact
    # One more change, of a study that already stands: its toggle does nothing.
    assert (drawn.averaged_se < 0.02).all()


def test_the_same_call_gives_the_same_answer():
    values = np.linspace(0.1, 0.9, 12)
    start = (np.arange(12) < 2).astype(float)
    toggles = [Toggle((i,)) for i in range(2, 12)]
    first, second = (attribute(start, toggles, _mean(values)) for _ in range(2))

    assert first.averaged.tobytes() == second.averaged.tobytes()


def test_without_an_estimate_before_only_later_steps_are_known():
    moves = attribute([0, 0], [Toggle((0,)), Toggle((1,))], _nan_mean([0.2, 0.6]))

    assert np.isnan(moves.sequential[0])
    assert moves.sequential[1] == pytest.approx(0.2)
    assert np.isnan(moves.averaged).all()


def _nan_mean(values):
    values = np.asarray(values)

    def mean(weights):
        size = weights.sum(axis=1)
        return np.where(size > 0, (weights @ values) / np.maximum(size, 1), np.nan)

    return mean


def test_no_change_moves_nothing():
    moves = attribute([1, 1], [], _mean([0.1, 0.3]))

    assert moves.path == pytest.approx([0.2])
    assert moves.sequential.size == moves.averaged.size == 0


COUNTS = ([3, 9, 4, 12, 0], [20, 22, 25, 21, 9])


@pytest.mark.parametrize("model", ["glmm", "iv"])
def test_a_refit_is_the_pool_of_the_studies_kept(real, model):
    from dataclasses import replace

    choice = replace(real.protocol.primary, model=model, tau2_method="ml" if model == "glmm" else "reml")
    weights = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]], float)
    found = refit(*COUNTS, weights, choice)
    for row in (0, 1):
        keep = weights[row] > 0
        known = pool(
            np.array(COUNTS[0])[keep], np.array(COUNTS[1])[keep], model=model,
            tau2_method=choice.tau2_method, ci_method="wald",
        )  # fmt: skip
        assert found.estimate[row] == pytest.approx(known.estimate, abs=1e-7)
        assert found.low[row] == pytest.approx(known.ci.low, abs=1e-6)
        assert found.high[row] == pytest.approx(known.ci.high, abs=1e-6)
    assert np.isnan(found.estimate[2])
    if model == "glmm":
        assert found.estimate[3] == 0
        assert np.isnan(found.low[3])
