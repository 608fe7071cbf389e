"""Counts within bounds: the plain model in the limit, brute force, invariants, and coverage."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, gammaln

from analysis.synthesis import interval_censored_profile
from analysis.synthesis._engine import warm_up
from analysis.synthesis.glmm import fit_glmm, profile_interval_mu
from analysis.synthesis.interval_censored import fit_interval_censored
from analysis.synthesis.interval_censored_profile import (
    interval_censored_log_likelihood,
    profile_interval_censored_mu,
    profile_log_likelihood,
)

EXAMPLES = {
    "heterogeneous": ([8, 14, 30, 5, 50], [10, 20, 33, 12, 77]),
    "rare": ([0, 1, 0, 2, 1, 0], [15, 40, 22, 61, 18, 9]),
    "alike": ([5, 11, 20], [10, 20, 41]),
    "large": ([612, 700, 288], [2000, 1900, 1200]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_equal_bounds_are_the_plain_model(name):
    events, total = EXAMPLES[name]
    found, plain = fit_interval_censored(events, events, total), fit_glmm(events, total)

    assert found.converged
    assert found.mu == pytest.approx(plain.mu, abs=1e-10)
    assert found.tau == pytest.approx(plain.tau, abs=1e-10)
    assert found.se == pytest.approx(float(plain.se[0]), abs=1e-10)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-10)
    assert found.boundary == plain.boundary


@pytest.mark.parametrize("name", ["heterogeneous", "rare"])
def test_equal_bounds_give_the_plain_profile_interval(name):
    events, total = EXAMPLES[name]
    found = profile_interval_censored_mu(fit_interval_censored(events, events, total))
    plain = profile_interval_mu(fit_glmm(events, total))

    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=1e-8)


def brute_force(low, high, total, mu, tau):
    """Sum the binomial over its counts, and integrate over a wide fine grid."""
    u = np.linspace(-12, 12, 24001)
    density = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi) * (u[1] - u[0])
    p = expit(mu + tau * u)
    value = 0.0
    for a, b, n in zip(low, high, total, strict=True):
        mass = np.zeros_like(u)
        for x in range(a, b + 1):
            choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
            mass += np.exp(choose + x * np.log(p) + (n - x) * np.log1p(-p))
        value += math.log(float((density * mass).sum()))
    return value


@pytest.mark.parametrize("tau", [0.0, 0.4, 1.7])
@pytest.mark.parametrize("mu", [-1.1, 0.6])
def test_the_likelihood_against_brute_force(mu, tau):
    low, high, total = [7, 14, 0], [9, 14, 3], [20, 25, 30]
    found = interval_censored_log_likelihood(low, high, total, mu, tau)

    assert found == pytest.approx(brute_force(low, high, total, mu, tau), abs=1e-9)


@pytest.mark.parametrize("shift", [-0.6, 0.0, 0.9])
def test_the_profile_is_the_best_over_tau(shift):
    fit = fit_interval_censored([7, 14, 0, 3], [9, 14, 3, 3], [20, 25, 30, 11])
    found = profile_log_likelihood(fit, fit.mu + shift)
    grid = [
        interval_censored_log_likelihood(fit.events_low, fit.events_high, fit.total, fit.mu + shift, tau)
        for tau in np.linspace(0.0, 4.0, 401)
    ]

    assert found >= max(grid) - 1e-10
    assert found == pytest.approx(max(grid), abs=1e-3)


def test_no_point_near_the_maximum_is_higher():
    low, high, total = [7, 14, 0, 3], [9, 14, 3, 3], [20, 25, 30, 11]
    fit = fit_interval_censored(low, high, total)

    for step in (1e-3, 0.1):
        for mu, tau in ((fit.mu + step, fit.tau), (fit.mu - step, fit.tau), (fit.mu, fit.tau + step)):
            assert interval_censored_log_likelihood(low, high, total, mu, tau) < fit.log_likelihood


def test_bounds_that_say_nothing_change_nothing():
    events, total = EXAMPLES["heterogeneous"]
    found = fit_interval_censored([*events, 0], [*events, 60], [*total, 60])
    plain = fit_glmm(events, total)

    assert found.mu == pytest.approx(plain.mu, abs=1e-9)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.integers(1, 25)), min_size=3, max_size=6))
def test_events_and_non_events_mirror(rows):
    low = np.array([a for a, _, _ in rows])
    high = np.array([a + b for a, b, _ in rows])
    total = high + np.array([c for _, _, c in rows])
    one = fit_interval_censored(low, high, total)
    other = fit_interval_censored(total - high, total - low, total)

    if one.converged and other.converged:
        assert one.mu == pytest.approx(-other.mu, abs=1e-6)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)


def test_wider_bounds_never_lower_the_likelihood():
    low, total = np.array([8, 14, 30, 5]), np.array([10, 20, 33, 12])
    exact = fit_interval_censored(low, low, total)
    wide = fit_interval_censored(low - 1, low + 1, total)

    assert wide.log_likelihood > exact.log_likelihood


@pytest.mark.parametrize(
    ("low", "high", "total"),
    [
        pytest.param([5], [4], [9], id="crossed"),
        pytest.param([5], [10], [9], id="above-total"),
        pytest.param([1.5], [2], [9], id="fraction"),
        pytest.param([1, 2], [2], [9, 9], id="lengths"),
    ],
)
def test_bounds_that_cannot_be(low, high, total):
    with pytest.raises(ValueError, match="events_low"):
        fit_interval_censored(low, high, total)


@pytest.mark.parametrize(("low", "high"), [([0, 0], [0, 0]), ([9, 8], [9, 8])], ids=["none", "all"])
def test_the_edge_has_no_finite_maximum(low, high):
    found = fit_interval_censored(low, high, [9, 8])

    assert not found.converged
    assert "no finite maximum" in found.notes[0]
    assert math.isnan(profile_interval_censored_mu(found).low)


def test_one_study_has_no_variation_between_studies():
    found = fit_interval_censored([147], [148], [189])

    assert found.boundary
    # One binomial rate between 147/189 and 148/189.
    assert 147 / 189 < expit(found.mu) < 148 / 189


def coverage_of_rounded_percentages(times: int, k: int = 40, seed: int = 20261122) -> dict[str, float]:
    """Simulate studies of which half print a whole percentage only; return coverage and its error.

    The interval holds the truth when the likelihood-ratio statistic at the true mean is below its 95%
    point, so no root need be found. The same studies with their exact counts are the yardstick.
    """
    warm_up()
    rng = np.random.default_rng(seed)
    mu, tau, limit = 1.2, 0.5, 3.841458820694124
    held, tried = {"rounded": 0, "exact": 0}, {"rounded": 0, "exact": 0}
    widths = []
    for turn in range(times):
        total = rng.integers(120, 600, k)
        events = rng.binomial(total, expit(mu + tau * rng.standard_normal(k)))
        percent = np.floor(100 * events / total + 0.5)
        low = np.ceil((percent - 0.5) * total / 100 - 1e-9)
        high = np.minimum(total, np.floor((percent + 0.5) * total / 100 - 1e-9))
        low[::2] = high[::2] = events[::2]
        widths.append(float((high - low + 1)[1::2].mean()))
        # The yardstick needs less precision, so a quarter of the studies serve for it.
        kinds = {"rounded": (low, high)} | ({} if turn % 4 else {"exact": (events, events)})
        for name, (a, b) in kinds.items():
            a, b, n = (np.asarray(each, float) for each in (a, b, total))
            assert (a <= events).all()
            assert (b >= events).all()
            fit = fit_interval_censored(a, b, n)
            tried[name] += 1
            held[name] += 2 * (fit.log_likelihood - profile_log_likelihood(fit, mu)) <= limit
    rounded, exact = (held[name] / tried[name] for name in ("rounded", "exact"))
    error, error_exact = (
        math.sqrt(share * (1 - share) / tried[name])
        for share, name in ((rounded, "rounded"), (exact, "exact"))
    )
    return {
        "times": times,
        "rounded": rounded,
        "exact": exact,
        "monte_carlo_error": error,
        "monte_carlo_error_exact": error_exact,
        "counts_that_fit": float(np.mean(widths)),
    }


@pytest.mark.slow
def test_intervals_of_rounded_percentages_cover(capsys):
    found = coverage_of_rounded_percentages(2000)
    with capsys.disabled():
        sys.stdout.write(f"\ninterval-censored counts: {found}\n")

    assert found["counts_that_fit"] > 2
    assert abs(found["rounded"] - 0.95) <= 3 * found["monte_carlo_error"], found
    assert abs(found["rounded"] - found["exact"]) <= 3 * found["monte_carlo_error_exact"], found


def test_bounds_that_say_next_to_nothing_leave_both_ends_open():
    # Far out the best tau makes "not all" and "not none" as likely as not, and log(1/4) lies above the limit.
    interval = profile_interval_censored_mu(fit_interval_censored([0, 1], [8, 9], [9, 9]))
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert "infinite" in interval.note


@pytest.mark.parametrize(
    ("low", "high", "total"),
    [
        pytest.param([0, 1], [0, 1], [1, 1], id="one-patient-each"),
        pytest.param([0, 1, 0, 1], [0, 1, 0, 1], [1] * 4, id="four-of-one-patient"),
        pytest.param([0, 1, 0, 1, 1], [0, 2, 1, 1, 1], [1, 2, 2, 1, 1], id="one-or-two-patients"),
    ],
)
def test_a_likelihood_that_rises_with_tau_without_end_is_left_soon(low, high, total, monkeypatch):
    steps = []
    climb = interval_censored_profile._Counts.climb
    monkeypatch.setattr(
        interval_censored_profile._Counts, "climb", lambda *given: steps.append(1) or climb(*given)
    )
    interval = profile_interval_censored_mu(fit_interval_censored(low, high, total))

    # With tau without end every patient is an even chance at any mu: nothing is ruled out.
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert len(steps) < 500


@pytest.mark.parametrize("mu", [0.5, -2.0])
def test_the_profile_tends_to_even_chances_as_tau_grows(mu):
    fit = fit_interval_censored([0, 1], [0, 1], [1, 1])
    found = profile_log_likelihood(fit, mu)

    assert found < math.log(1 / 4)
    assert found == pytest.approx(math.log(1 / 4), abs=0.01)


def test_weights_count_in_the_profile_as_in_the_fit():
    low, high, total = [3, 8, 4, 12], [3, 10, 4, 12], [20, 22, 25, 21]
    weighed = fit_interval_censored(low, high, total, weights=[1, 2, 0, 1])
    listed = fit_interval_censored([3, 8, 8, 12], [3, 10, 10, 12], [20, 22, 22, 21])
    one, other = profile_interval_censored_mu(weighed), profile_interval_censored_mu(listed)

    assert weighed.mu == pytest.approx(listed.mu, abs=1e-8)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-7)
    assert profile_log_likelihood(weighed, weighed.mu) == pytest.approx(weighed.log_likelihood, abs=1e-9)
