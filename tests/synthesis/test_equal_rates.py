"""Studies with equal rates: no interval of any series has width zero (synthetic counts)."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.synthesis.influence import cumulative, leave_one_out
from analysis.synthesis.inverse_variance import SAFEGUARDED, fit_iv
from analysis.synthesis.multiverse import fit_multiverse
from analysis.synthesis.scales import effects
from analysis.synthesis.two_arm import pool_two_arm

EVENTS, TOTAL = [3.0, 6.0, 9.0, 12.0], [11.0, 22.0, 33.0, 44.0]


def _fit(ci_method: str):
    found = effects(EVENTS, TOTAL, "logit")
    return fit_iv(found.yi, found.vi, ci_method=ci_method)


@pytest.mark.parametrize("series", [leave_one_out, cumulative], ids=["leave-one-out", "cumulative"])
def test_a_series_of_equal_rates_is_not_narrower_than_the_common_effect(series):
    safe, normal = series(_fit("knapp-hartung")), series(_fit("wald"))
    assert (safe.ci_high - safe.ci_low >= normal.ci_high - normal.ci_low - 1e-12).all()
    assert (safe.se > 0).all() and np.isfinite(safe.p_value).all()
    assert safe.notes == (SAFEGUARDED,) and normal.notes == ()


def test_no_analysis_of_many_has_width_zero_for_equal_rates():
    many = fit_multiverse(np.array([EVENTS]), np.array([TOTAL]))
    assert many.converged.all() and (many.high - many.low > 0.05).all()
    assert many.notes == (SAFEGUARDED,)


def test_many_analyses_of_rates_that_differ_carry_no_note():
    assert fit_multiverse(np.array([[1.0, 9.0, 20.0]]), np.array([[20.0, 30.0, 40.0]])).notes == ()


def test_two_arms_of_equal_ratios_have_an_interval_by_every_method():
    pool = pool_two_arm([4, 8, 16], [20, 40, 80], [2, 4, 8], [20, 40, 80], "RR")
    for name, effect in pool.effects.items():
        low, high = effect.shown()[1:3]
        assert high - low > 0.05, name
