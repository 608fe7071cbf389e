"""What the fits of two-arm counts share: the tables that enter, interval and test, rows of plain results."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.synthesis._two_arm_common import error_of, usable_tables, wald
from analysis.synthesis.counts import CountsError
from analysis.synthesis.glmm_random_studies import fit_random_studies_glmm
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.henmi_copas import henmi_copas
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.penalised_logistic import penalised_odds_ratio
from analysis.synthesis.reconstruct import table_from_margins

#: Two studies without information beside three with.
COUNTS = [4, 0, 9, 12, 3], [20, 15, 30, 12, 22], [8, 0, 5, 10, 6], [20, 17, 31, 10, 25]
NOTHING = [0, 12], [15, 12], [0, 10], [17, 10]


@pytest.mark.parametrize("drop00", [True, False])
def test_tables_without_information_are_counted(drop00: bool) -> None:
    found = usable_tables(*COUNTS, drop00=drop00)

    assert (found.k, found.used, found.tables.a.size) == (5, *((3, 3) if drop00 else (5, 5)))
    assert found.notes == (["2 studies without information left out"] if drop00 else [])


@pytest.mark.parametrize(
    "fit",
    [
        fit_two_arm_glmm,
        fit_random_studies_glmm,
        penalised_odds_ratio,
        lambda *counts: fit_random_studies_glmm(*counts, drop00=False),
        lambda *counts: penalised_odds_ratio(*counts, drop00=False),
    ],
    ids=["fixed-studies", "random-studies", "penalised", "random-studies-kept", "penalised-kept"],
)
def test_nothing_to_compare_is_refused_by_every_fit(fit) -> None:
    with pytest.raises(CountsError, match="nothing can be compared"):
        fit(*NOTHING)


def test_the_wald_interval_by_hand() -> None:
    made = wald(0.5, 0.25, 0.95)

    assert (made.low, made.high) == pytest.approx((0.5 - 0.489991, 0.5 + 0.489991), abs=1e-6)
    assert made.statistic == 2.0
    assert made.p_value == pytest.approx(0.0455003, abs=1e-7)


@pytest.mark.parametrize("se", [0.0, math.nan], ids=["zero", "missing"])
def test_no_error_no_test(se: float) -> None:
    made = wald(0.5, se, 0.95)

    assert math.isnan(made.statistic)
    assert math.isnan(made.p_value)


@pytest.mark.parametrize(
    ("information", "error"),
    [
        pytest.param([[4.0, 0.0], [0.0, 1.0]], 0.5, id="peak"),
        pytest.param([[4.0, 0.0], [0.0, -1.0]], math.nan, id="saddle"),
        pytest.param([[4.0, 2.0], [2.0, 1.0]], math.nan, id="ridge"),
        pytest.param([[math.nan, 0.0], [0.0, 1.0]], math.nan, id="missing"),
    ],
)
def test_there_is_an_error_only_at_a_peak(information: list, error: float) -> None:
    assert error_of(np.array(information), 0) == pytest.approx(error, nan_ok=True)


@pytest.mark.parametrize(
    "fit",
    [lambda *counts: fit_two_arm_glmm(*counts, "CM.EL"), lambda *counts: fit_two_arm_glmm(*counts, "CM.AL")],
    ids=["exact", "approximate"],
)
def test_a_likelihood_that_runs_off_is_told_and_raises_nothing(fit) -> None:
    found = fit([0, 10, 0, 10], [10] * 4, [9, 0, 10, 0], [10] * 4)

    assert not found.converged
    assert "no finite maximum" in found.notes[0]
    assert found.se > 0 or (math.isnan(found.ci_low) and "no standard error" in found.notes[-1])


def test_an_effect_too_flat_to_have_a_curvature_leaves_the_test_of_effects() -> None:
    found = fit_random_studies_glmm([10, 5, 0], [10, 5, 9], [2, 0, 0], [10, 9, 7], drop00=False, coding=1)

    assert math.isfinite(found.lrt)
    assert 0 < found.lrt_p < 1


@pytest.mark.parametrize("fit", [fit_two_arm_glmm, fit_random_studies_glmm], ids=["fixed", "random"])
def test_interval_and_test_by_t_agree_on_significance(fit) -> None:
    plain, found = fit(*COUNTS), fit(*COUNTS, ci_method="t")

    half = stats.t.ppf(0.975, 2) * plain.se
    assert (found.ci_low, found.ci_high) == pytest.approx((plain.estimate - half, plain.estimate + half))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(plain.statistic), 2), rel=1e-9)
    assert plain.p_value == pytest.approx(2 * stats.norm.sf(abs(plain.statistic)), rel=1e-9)


@pytest.mark.parametrize(
    "result",
    [
        fit_two_arm_glmm(*COUNTS),
        mantel_haenszel(*COUNTS),
        henmi_copas(np.array([0.1, 0.4, 0.9]), np.array([0.1, 0.2, 0.1])),
        table_from_margins(20, 30, 15, odds_ratio=2.0),
        penalised_odds_ratio(*COUNTS),
    ],
    ids=lambda result: type(result).__name__,
)
def test_one_row_holds_the_plain_fields(result) -> None:
    (row,) = result.rows()

    assert "notes" not in row
    kept = {name for name in result.__slots__ if name not in ("notes", "profile")}
    assert kept <= set(row)
    for name in kept:
        assert row[name] == pytest.approx(getattr(result, name), nan_ok=True)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_opposite_tables_without_mixed_cells_have_no_finite_maximum(model):
    # Each study pulls without end, in turns to either side, so the likelihood grows with tau.
    fit = fit_two_arm_glmm([0, 10, 0, 10], [10] * 4, [9, 0, 10, 0], [10] * 4, model)

    assert not fit.converged
    assert any("no finite maximum" in note for note in fit.notes)
