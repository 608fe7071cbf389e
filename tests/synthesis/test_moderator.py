"""One moderator: its likelihood-ratio test against an integral of its own, and single studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from analysis.synthesis.moderator import moderator

#: Synthetic counts.
EVENTS, TOTAL = np.array([4, 9, 12, 20, 30, 5]), np.array([20, 30, 33, 40, 52, 25])
VALUES = np.array([-2.0, -1.0, 0.0, 1.0, 2.5, -0.5])


def _height(slope):
    """Maximum of the log-likelihood by Gauss-Hermite nodes and a general optimiser, written for this test."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    chosen = special.binom(TOTAL, EVENTS)

    def minus(theta):
        line = theta[0] + (theta[2] * VALUES if slope else 0.0 * VALUES)
        rate = special.expit(line[:, None] + np.exp(theta[1]) * nodes)
        each = chosen[:, None] * rate ** EVENTS[:, None] * (1 - rate) ** (TOTAL - EVENTS)[:, None]
        return -float(np.log(each @ weights).sum())

    start = [0.0, -1.0, 0.2] if slope else [0.0, -1.0]
    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000}
    return -optimize.minimize(minus, start, method="Nelder-Mead", options=options).fun


def test_the_statistic_is_twice_the_gain_in_log_likelihood():
    found = moderator(EVENTS, TOTAL, VALUES).test
    gain = 2 * (_height(True) - _height(False))

    assert found.statistic == pytest.approx(gain, abs=1e-4)
    assert found.p_value == pytest.approx(stats.chi2.sf(gain, 1), abs=1e-4)


def test_the_profile_interval_agrees_with_the_test():
    found = moderator(EVENTS, TOTAL, VALUES)

    assert (found.fit.ci_low[1] > 0 or found.fit.ci_high[1] < 0) == (found.test.p_value < 0.05)


def test_without_a_study_is_the_regression_on_the_others():
    found = moderator(EVENTS, TOTAL, VALUES)
    rest = moderator(EVENTS[1:], TOTAL[1:], VALUES[1:])

    assert found.without[0].slope == pytest.approx(rest.test.slope)
    assert found.without[0].p_value == pytest.approx(rest.test.p_value)


def test_the_study_that_carries_a_slope_is_found():
    events, total = [5, 6, 5, 4, 6, 5, 90], [20, 20, 20, 20, 20, 20, 100]
    values = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 3.0]

    assert moderator(events, total, values).carried_by() == 6


def test_without_a_slope_no_study_carries_it():
    assert moderator([5, 5, 5, 5, 5], [20] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]).carried_by() is None


def test_a_moderator_that_only_one_study_varies_has_no_test_without_it():
    found = moderator([5, 6, 7, 9], [20, 20, 20, 20], [0.0, 0.0, 0.0, 1.0])

    assert found.without[3] is None
