"""Studies shown and not pooled, rates per so many patients, and one patient a study."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from analysis.synthesis.counts import CountsError
from analysis.synthesis.pooled import pool

EVENTS, TOTAL, LABELS = [8, 12, 7, 30], [10, 20, 14, 33], ["A", "B", "C", "D"]
by_model = pytest.mark.parametrize("model", ["glmm", "iv"])


@by_model
def test_an_excluded_study_changes_nothing_but_stays_with_the_result(model: str) -> None:
    shown = pool(EVENTS, TOTAL, labels=LABELS, model=model, exclude=[False, True, False, False])
    without = pool([8, 7, 30], [10, 14, 33], labels=["A", "C", "D"], model=model)

    assert shown.to_dict() | {"notes": []} == without.to_dict() | {"notes": []}
    assert shown.labels == ("A", "C", "D")
    assert shown.extra["excluded"]["labels"] == ("B",)
    assert shown.extra["excluded"]["events"].tolist() == [12]
    assert shown.extra["excluded"]["positions"] == (1,)
    assert shown.notes[-1] == "shown and not pooled: B"


def test_nothing_excluded_is_the_plain_result() -> None:
    found = pool(EVENTS, TOTAL, exclude=[False] * 4)

    assert "excluded" not in found.extra
    assert found.to_dict() == pool(EVENTS, TOTAL).to_dict()


def test_truth_values_must_match_the_studies() -> None:
    with pytest.raises(CountsError, match="3 truth values in exclude for 4 studies"):
        pool(EVENTS, TOTAL, exclude=[True, False, False])


def test_rates_per_thousand_are_the_proportions_times_a_thousand() -> None:
    found = pool(EVENTS, TOTAL)
    rates = found.per(1000)

    assert rates["estimate"] == 1000 * found.estimate
    assert (rates["ci_low"], rates["ci_high"]) == (1000 * found.ci.low, 1000 * found.ci.high)
    assert rates["prediction_high"] == 1000 * found.prediction.high
    with pytest.raises(ValueError, match="positive number"):
        found.per(0)


@pytest.mark.parametrize("ci_method", ["profile", "wald", "t"])
def test_one_patient_a_study_holds_tau_at_zero(ci_method: str) -> None:
    events = [1, 1, 0, 1, 1, 0, 0, 1]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        found = pool(events, [1] * 8, ci_method=ci_method)  # type: ignore[arg-type]

    assert found.estimate == pytest.approx(5 / 8)
    assert found.tau2 == 0.0
    assert math.isnan(found.ci_tau2.low)
    assert any("every study has one patient" in note for note in found.notes)
    if ci_method == "profile":
        # Twice the fall of the binomial log-likelihood at both ends is the chi-square quantile.
        for end in (found.ci.low, found.ci.high):
            fall = 5 * math.log(5 / 8 / end) + 3 * math.log(3 / 8 / (1 - end))
            assert 2 * fall == pytest.approx(3.841458820694124, rel=1e-8)
