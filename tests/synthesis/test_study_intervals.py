"""Intervals of single proportions against statsmodels and against their defining equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.synthesis.studies import STUDY_METHODS, study_intervals

COUNTS = [(0, 7), (1, 7), (3, 10), (50, 100), (99, 100), (12, 12), (4, 390)]
#: Names of the same methods in statsmodels.
PEERS = {
    "clopper-pearson": "beta",
    "wilson": "wilson",
    "agresti-coull": "agresti_coull",
    "jeffreys": "jeffreys",
    "wald": "normal",
}


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("method", sorted(PEERS))
def test_limits_equal_statsmodels(method: str, level: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    x, n = np.array(COUNTS, dtype=float).T
    made = study_intervals(x, n, method, level)
    low, high = proportion_confint(x, n, 1 - level, PEERS[method])
    if method == "jeffreys":
        # Brown, Cai and DasGupta set the limit to 0 or 1 there; statsmodels keeps the quantile.
        low, high = np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)

    np.testing.assert_allclose(made.low, np.clip(low, 0, 1), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(made.high, np.clip(high, 0, 1), rtol=1e-10)


@pytest.mark.parametrize(("x", "n"), [c for c in COUNTS if 0 < c[0] < c[1]])
def test_mid_p_limits_solve_their_equation(x: int, n: int) -> None:
    made = study_intervals([x], [n], "mid-p", 0.9)
    low, high = float(made.low[0]), float(made.high[0])

    assert stats.binom.sf(x, n, low) + stats.binom.pmf(x, n, low) / 2 == pytest.approx(0.05, rel=1e-10)
    assert stats.binom.cdf(x - 1, n, high) + stats.binom.pmf(x, n, high) / 2 == pytest.approx(0.05, rel=1e-10)


def test_mid_p_of_no_and_of_all_events() -> None:
    made = study_intervals([0, 8], [8, 8], "mid-p")

    # With half the probability of the count itself: (1 - p)^8 / 2 = 0.025.
    assert made.low[0] == 0
    assert made.high[0] == pytest.approx(1 - 0.05 ** (1 / 8), rel=1e-12)
    assert made.low[1] == pytest.approx(0.05 ** (1 / 8), rel=1e-12)
    assert made.high[1] == 1


@settings(deadline=None)
@given(st.integers(1, 400), st.data(), st.sampled_from(sorted(STUDY_METHODS)), st.floats(0.5, 0.999))
def test_events_and_non_events_mirror(n: int, data: st.DataObject, method: str, level: float) -> None:
    x = data.draw(st.integers(0, n))
    one, two = study_intervals([x], [n], method, level), study_intervals([n - x], [n], method, level)

    assert one.low[0] == pytest.approx(1 - two.high[0], abs=1e-12)
    assert one.high[0] == pytest.approx(1 - two.low[0], abs=1e-12)


@settings(deadline=None)
@given(st.integers(1, 60), st.data(), st.sampled_from(sorted(STUDY_METHODS)))
def test_estimates_lie_inside_and_wider_levels_hold_narrower(
    n: int, data: st.DataObject, method: str
) -> None:
    x = data.draw(st.integers(0, n))
    narrow, wide = (study_intervals([x], [n], method, level) for level in (0.8, 0.95))

    assert wide.low[0] <= narrow.low[0] <= x / n <= narrow.high[0] <= wide.high[0]
    assert wide.low[0] >= 0 and wide.high[0] <= 1


def test_rows_name_counts_and_limits() -> None:
    made = study_intervals([3, 0], [10, 4], "wilson")
    first, second = made.rows()

    assert first == {"events": 3, "total": 10, "estimate": 0.3, "low": made.low[0], "high": made.high[0]}
    assert second["low"] == 0


@pytest.mark.parametrize(
    ("x", "n", "options", "message"),
    [
        pytest.param([1], [2], {"method": "guess"}, "unknown study interval 'guess'", id="method"),
        pytest.param([1], [2], {"level": 1.0}, "level is 1.0", id="level of one"),
        pytest.param([1], [2], {"level": 0.0}, "level is 0.0", id="level of zero"),
        pytest.param([1, 2], [3], {}, "2 events but 1 totals", id="lengths"),
        pytest.param([1, 5], [3, 4], {}, "row 2: events is 5, more than the total of 4", id="too many"),
        pytest.param([0, -1], [3, 4], {}, "row 2: events is -1, below zero", id="negative"),
        pytest.param([0], [0], {}, "row 1: total is 0, below one", id="empty"),
    ],
)
def test_faulty_counts_are_named(x: list, n: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        study_intervals(x, n, **options)
