"""Checks of counts, scales of proportions and absolute effects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis.absolute import absolute_effect
from analysis.synthesis.counts import CountsError, NoStudies, check_counts, check_labels
from analysis.synthesis.scales import back_transform, effects


@pytest.mark.parametrize(
    ("events", "total", "message", "row", "column"),
    [
        pytest.param([1, 2], [3], "2 events but 1 totals", None, None, id="lengths"),
        pytest.param([1, 2.5], [3, 4], "row 2: events is 2.5, not a whole number", 1, "events", id="half"),
        pytest.param([1, 2], [3, math.inf], "row 2: total is inf", 1, "total", id="endless"),
        pytest.param([0], [0], "row 1: total is 0, below one", 0, "total", id="nobody"),
        pytest.param([1, -1], [3, 4], "row 2: events is -1, below zero", 1, "events", id="negative"),
        pytest.param([4, 1], [3, 4], "row 1: events is 4, more than the total of 3", 0, "events", id="more"),
        pytest.param([1, "x"], [3, 4], "row 2: events is 'x', not a number", 1, "events", id="word"),
        pytest.param([1, 2], [3, None], "row 2: total is nan", 1, "total", id="none"),
        pytest.param([[1, 2]], [[3, 4]], "events has 2 dimensions", None, None, id="table"),
        pytest.param(
            [[1], [2, 3]], [1, 2], r"row 1: events is \[1\], not a number", 0, "events", id="ragged"
        ),
    ],
)
def test_faulty_counts_name_row_and_column(
    events: list, total: list, message: str, row: int | None, column: str | None
) -> None:
    with pytest.raises(CountsError, match=message) as caught:
        check_counts(events, total)

    assert (caught.value.row, caught.value.column) == (row, column)


def test_counts_at_their_limits_pass() -> None:
    x, n = check_counts([0, 1, 7], [1, 1, 7])

    assert x.tolist() == [0, 1, 7]
    assert n.dtype == float


def test_no_studies_is_an_error_of_its_own() -> None:
    with pytest.raises(NoStudies, match="nothing to pool"):
        check_counts([], [])


def test_labels_are_made_or_checked() -> None:
    assert check_labels(None, 2) == ("study 1", "study 2")
    assert check_labels(["a", 2], 2) == ("a", "2")
    with pytest.raises(CountsError, match="1 labels for 2 studies"):
        check_labels(["a"], 2)


def test_one_extreme_study_corrects_all_as_escalc() -> None:
    # escalc(measure = "PLO", add = 1/2, to = "if0all") of metafor 3.8-1
    made = effects([0, 3, 9, 10], [10, 20, 22, 10], correction="if0all")

    assert made.yi.tolist() == pytest.approx(
        [-3.04452243772342, -1.6094379124341, -0.351397886837888, 3.04452243772342], rel=1e-12
    )
    assert made.vi.tolist() == pytest.approx(
        [2.0952380952381, 0.342857142857143, 0.179337231968811, 2.0952380952381], rel=1e-12
    )
    row = made.rows()[0]
    assert (row["events"], row["yi"], row["corrected"]) == (0, made.yi[0], True)


def test_another_amount_is_added_and_named() -> None:
    made = effects([0, 3], [10, 20], amount=0.1)

    assert made.yi[0] == pytest.approx(math.log(0.1 / 10.1))
    assert made.amount == 0.1
    assert not effects([0, 3], [10, 20], "arcsine").corrected.any()


def test_freeman_tukey_has_limits_at_nought_and_one() -> None:
    size = [10.0, 40.0]
    ends = back_transform([-1.0, 0.0, np.pi, np.nan], "freeman-tukey", size)

    assert ends[:3].tolist() == [0, 0, 1]
    assert np.isnan(ends[3])


def test_freeman_tukey_goes_back_by_the_harmonic_mean() -> None:
    y = effects([4], [16], "freeman-tukey").yi

    # the harmonic mean of 12 and 24 is 16
    assert back_transform(y, "freeman-tukey", [12, 24])[0] == pytest.approx(0.25, rel=1e-12)


@given(st.sampled_from(["logit", "log", "arcsine", "raw"]), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_way_back_rises(scale: str, p: float) -> None:
    y = {"logit": math.log(p / (1 - p)), "log": math.log(p), "arcsine": math.asin(math.sqrt(p)), "raw": p}[
        scale
    ]
    below, at = back_transform([y - 1e-3, y], scale)

    assert at == pytest.approx(p, rel=1e-9)
    assert below < at


def test_arcsine_beyond_its_range_gives_nought_and_one() -> None:
    assert back_transform([-0.2, 2.0], "arcsine").tolist() == [0, 1]


def test_only_an_infinite_logit_is_a_rate_of_one():
    far, infinite = back_transform([60.0, np.inf], "logit")

    assert far < 1
    assert infinite == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: effects([1], [2], "probit"), "unknown scale 'probit'", id="scale"),
        pytest.param(lambda: back_transform(0.1, "probit"), "unknown scale 'probit'", id="way back"),
        pytest.param(
            lambda: effects([1], [2], correction="x"), "unknown continuity correction", id="correction"
        ),
        pytest.param(lambda: back_transform(0.1, "freeman-tukey"), "needs the totals", id="totals"),
        pytest.param(lambda: absolute_effect(1, 1, 1, 1.2), "baseline risk 1.2", id="baseline above one"),
        pytest.param(
            lambda: absolute_effect(1, 1, 1, -0.1), "baseline risk -0.1", id="baseline below nought"
        ),
        pytest.param(lambda: absolute_effect(1, 1, 1, 0.2, "HR"), "unknown measure 'HR'", id="measure"),
        pytest.param(lambda: absolute_effect(0.2, -0.1, 1, 0.2), "left on the log scale", id="log scale"),
    ],
)
def test_unknown_names_and_impossible_values_are_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_risk_difference_is_added_and_cut() -> None:
    made = absolute_effect(0.1, -0.5, 0.9, 0.2, "RD", per=100)

    assert (made.risk, made.risk_low, made.risk_high) == pytest.approx((0.3, 0.0, 1.0))
    assert (made.difference, made.difference_low, made.difference_high) == pytest.approx((10, -20, 80))
    assert made.nnt == pytest.approx(10)
    assert math.isnan(made.nnt_low) and math.isnan(made.nnt_high)


def test_limits_of_the_number_needed_to_treat_run_from_the_larger_effect() -> None:
    made = absolute_effect(2.0, 1.5, 3.0, 0.1)

    assert (made.nnt_low, made.nnt, made.nnt_high) == pytest.approx((5, 10, 20))
    assert made.rows()[0]["nnt_low"] == made.nnt_low


def test_an_endless_odds_ratio_means_certainty() -> None:
    made = absolute_effect(1.0, 0.0, math.inf, 0.25, "OR")

    assert (made.risk_low, made.risk, made.risk_high) == pytest.approx((0.0, 0.25, 1.0))
    assert made.nnt == math.inf


def test_a_limit_of_no_effect_counts_as_crossing() -> None:
    assert math.isnan(absolute_effect(2.0, 1.0, 3.0, 0.1).nnt_low)
