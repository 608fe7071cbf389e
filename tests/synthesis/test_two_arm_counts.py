"""Mantel-Haenszel, Peto and effect sizes of two arms: options and edges.

Values: metafor 3.8-1 under R 4.2.2 (`rma.mh`, `rma.peto`), with ``drop00 = TRUE``; the variance of Greenland
and Robins is written out from their paper.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis.counts import CountsError
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from analysis.synthesis.two_by_two import check_tables, two_arm_effects

ARMS = ([4, 1, 12, 0, 7], [40, 25, 80, 30, 33], [9, 2, 17, 3, 6], [41, 24, 78, 29, 35])

#: measure: estimate, se, Q, p of Q.
COMMON = {
    "OR": (-0.513095291189189, 0.285885105901379, 3.10118840211224, 0.541036871016056),
    "RR": (-0.429934180226599, 0.24012029750167, 3.22912728751981, 0.520239276150754),
    "RD": (-0.0623637940467394, 0.0343446097036767, 2.12641490925665, 0.712521162225786),
}
#: measure: estimate and se with 0.5 in all cells of the trial without events in an arm.
CORRECTED = {
    "OR": (-0.504669032095986, 0.283164015710816),
    "RR": (-0.42330877873556, 0.238119487984109),
    "RD": (-0.0621351607315032, 0.0344763568358308),
}


@pytest.mark.parametrize("measure", COMMON)
def test_mantel_haenszel_with_an_empty_arm_equals_metafor(measure: str) -> None:
    made = mantel_haenszel(*ARMS, measure)

    assert (made.estimate, made.se, made.q, made.q_p) == pytest.approx(COMMON[measure], rel=1e-10)
    assert made.statistic == pytest.approx(made.estimate / made.se)
    assert made.ci_high - made.estimate == pytest.approx(1.959963984540054 * made.se, rel=1e-12)
    assert made.estimate - made.ci_low == pytest.approx(1.959963984540054 * made.se, rel=1e-12)
    assert made.h2 == pytest.approx(made.q / 4, rel=1e-12)
    assert (made.k, made.k_q, made.q_df, made.i2) == (5, 5, 4, 0.0)


@pytest.mark.parametrize("measure", CORRECTED)
def test_a_correction_changes_the_sums_as_in_metafor(measure: str) -> None:
    made = mantel_haenszel(*ARMS, measure, amount=0.5)

    assert (made.estimate, made.se) == pytest.approx(CORRECTED[measure], rel=1e-10)


def test_tests_of_association_and_homogeneity_equal_metafor() -> None:
    made, plain = mantel_haenszel(*ARMS, "OR"), mantel_haenszel(*ARMS, "OR", continuity=False)

    assert made.association == pytest.approx(2.77706067966466, rel=1e-10)
    assert made.association_p == pytest.approx(0.0956235159041158, rel=1e-10)
    assert plain.association == pytest.approx(3.26186511232895, rel=1e-10)
    assert plain.association_p == pytest.approx(0.0709084323194968, rel=1e-10)
    # metafor expects the empty cell of the fourth trial too
    assert made.breslow_day == pytest.approx(4.10142741619588, rel=1e-9)
    assert made.breslow_day_p == pytest.approx(0.392453138125713, rel=1e-9)
    assert made.tarone == pytest.approx(4.10128897615445, rel=1e-9)
    assert made.tarone_p == pytest.approx(0.392471399388799, rel=1e-9)


def test_corrected_tests_of_homogeneity_equal_metafor() -> None:
    made = mantel_haenszel(*ARMS, "OR", amount=0.5)

    assert made.association == pytest.approx(2.7357519799656, rel=1e-10)
    assert made.breslow_day == pytest.approx(3.35311200044852, rel=1e-9)
    assert made.tarone == pytest.approx(3.3529807342868, rel=1e-9)


@pytest.mark.parametrize("measure", ["RR", "RD"])
def test_tests_of_the_odds_ratio_belong_to_it_alone(measure: str) -> None:
    made = mantel_haenszel(*ARMS, measure)

    assert math.isnan(made.association) and math.isnan(made.breslow_day) and math.isnan(made.tarone_p)


def test_variance_of_greenland_and_robins_is_that_of_independent_arms() -> None:
    a, n1, c, n2 = (np.array(column, dtype=float) for column in ARMS)
    weight = n1 * n2 / (n1 + n2)
    variance = a * (n1 - a) / n1**3 + c * (n2 - c) / n2**3
    by_hand = math.sqrt(float((weight**2 * variance).sum())) / weight.sum()

    made = mantel_haenszel(*ARMS, "RD", variance="greenland-robins")

    assert made.se == pytest.approx(by_hand, rel=1e-12)
    assert made.estimate == mantel_haenszel(*ARMS, "RD").estimate


def test_one_trial_gives_its_own_odds_ratio() -> None:
    made = mantel_haenszel([4], [20], [8], [20], "OR")

    assert made.estimate == pytest.approx(math.log(4 * 12 / (16 * 8)), rel=1e-12)
    # The variance of Robins, Breslow and Greenland is Woolf's in a single table.
    assert made.se == pytest.approx(math.sqrt(1 / 4 + 1 / 16 + 1 / 8 + 1 / 12), rel=1e-12)
    assert (made.q, made.q_df, made.h2) == (0.0, 0, 1.0)
    assert made.breslow_day == pytest.approx(0.0, abs=1e-20)
    assert math.isnan(made.breslow_day_p)


def test_equal_arms_have_an_odds_ratio_of_one() -> None:
    made = mantel_haenszel([4, 2], [20, 10], [4, 2], [20, 10], "OR")

    assert (made.estimate, made.breslow_day, made.tarone) == (0.0, 0.0, 0.0)
    assert (made.breslow_day_p, made.tarone_p) == (1.0, 1.0)


@pytest.mark.parametrize("measure", ["OR", "RR"])
@pytest.mark.parametrize("swap", [False, True], ids=["first arm", "second arm"])
def test_an_arm_without_any_event_has_no_ratio(measure: str, swap: bool) -> None:
    arms = ([0, 0], [20, 30]), ([3, 4], [20, 30])
    first, second = arms[::-1] if swap else arms
    made = mantel_haenszel(*first, *second, measure)

    assert math.isnan(made.estimate) and math.isnan(made.se) and math.isnan(made.p_value)
    assert math.isnan(made.q) and math.isnan(made.breslow_day)
    assert made.notes == ("no events in an arm: the ratio has no estimate",)


@pytest.mark.parametrize("events", [[0, 0], [20, 30]], ids=["none", "all"])
def test_no_contrast_at_all_leaves_no_association(events: list) -> None:
    made = mantel_haenszel(events, [20, 30], events, [20, 30], "OR")

    assert math.isnan(made.association)
    assert (made.q, made.q_df, made.k) == (0.0, 0, 2)


def test_trials_without_events_leave_q_or_stay_in_it() -> None:
    padded = tuple([*column, extra] for column, extra in zip(ARMS, (0, 12, 0, 11), strict=True))
    dropped, kept = mantel_haenszel(*padded, "OR"), mantel_haenszel(*padded, "OR", drop00=False)

    assert (dropped.k, dropped.k_q, dropped.q) == (6, 5, mantel_haenszel(*ARMS, "OR").q)
    assert (kept.k_q, kept.q_df) == (6, 5)
    assert kept.q > dropped.q


def test_peto_with_an_empty_arm_equals_metafor() -> None:
    made = peto_odds_ratio(*ARMS)

    ours = (
        made.estimate,
        made.se,
        made.q,
        made.q_p,
        made.h2,
        made.statistic,
        made.p_value,
        made.ci_low,
        made.ci_high,
    )
    assert ours == pytest.approx(
        (
            -0.5042959170776, 0.279223812833444, 3.85246855868204, 0.426340092582386, 0.96311713967051,
            -1.80606342976346, 0.0709084323194967, -1.0515645338571, 0.0429726997019029,
        ),
        rel=1e-10,
    )  # fmt: skip
    assert (made.k, made.k_q, made.i2) == (5, 5, 0.0)


def test_peto_of_one_trial_has_no_heterogeneity() -> None:
    made = peto_odds_ratio([4, 0], [20, 9], [8, 0], [20, 8])

    # O - E = -2, V = 12 x 28 x 1/4 / 39
    assert made.estimate == pytest.approx(-2 * 39 / 84, rel=1e-12)
    assert (made.q_p, made.i2, made.h2, made.k, made.k_q) == (1.0, 0.0, 1.0, 2, 1)


def test_peto_without_any_contrast_is_refused() -> None:
    with pytest.raises(CountsError, match="both events and non-events"):
        peto_odds_ratio([0, 5], [20, 5], [0, 7], [20, 7])


@pytest.mark.parametrize(
    ("correction", "changed"),
    [("only0", [3]), ("if0all", [0, 1, 2, 3, 4]), ("all", [0, 1, 2, 3, 4]), ("none", [])],
)
def test_each_rule_corrects_its_trials(correction: str, changed: list) -> None:
    made = two_arm_effects(*ARMS, "OR", correction=correction)

    assert np.flatnonzero(made.corrected).tolist() == changed
    a, b, c, d = 0.5, 30.5, 3.5, 26.5
    if changed:
        assert made.yi[3] == pytest.approx(math.log(a * d / (b * c)), rel=1e-12)
        assert made.vi[3] == pytest.approx(1 / a + 1 / b + 1 / c + 1 / d, rel=1e-12)
    else:
        assert made.usable.tolist() == [True, True, True, False, True]


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "AS", "PETO"])
def test_trials_without_events_are_taken_out_on_request(measure: str) -> None:
    padded = tuple([*column, extra] for column, extra in zip(ARMS, (0, 12, 0, 11), strict=True))
    made, kept = (two_arm_effects(*padded, measure, drop00=drop) for drop in (True, False))

    assert np.isnan(made.yi[5]) and np.isnan(made.vi[5])
    assert not made.corrected[5]
    assert kept.corrected[5] == (measure != "AS")
    np.testing.assert_array_equal(made.yi[:5], two_arm_effects(*ARMS, measure).yi)


def test_an_amount_of_nothing_marks_no_trial() -> None:
    assert not two_arm_effects(*ARMS, "RD", amount=0.0).corrected.any()


def test_rows_of_trials_hold_counts_and_effect() -> None:
    row = two_arm_effects([4], [20], [8], [20], "RD").rows()[0]

    assert row == {
        "events1": 4, "total1": 20, "events2": 8, "total2": 20, "yi": pytest.approx(-0.2),
        "vi": pytest.approx(0.2 * 0.8 / 20 + 0.4 * 0.6 / 20),
    }  # fmt: skip


def test_exchanging_arms_turns_ratios_round() -> None:
    turned = (*ARMS[2:], *ARMS[:2])
    for measure in ("OR", "RR", "RD"):
        one, two = mantel_haenszel(*ARMS, measure), mantel_haenszel(*turned, measure)
        assert two.estimate == pytest.approx(-one.estimate, rel=1e-12)
        assert two.se == pytest.approx(one.se, rel=1e-12)
    assert peto_odds_ratio(*turned).estimate == pytest.approx(-peto_odds_ratio(*ARMS).estimate, rel=1e-12)


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        pytest.param(([3], [2], [1], [4]), "first arm: row 1: events is 3", id="first arm"),
        pytest.param(([1], [2], [5], [4]), "second arm: row 1: events is 5", id="second arm"),
        pytest.param(([1], [2], [1, 1], [4, 4]), "1 studies in the first arm but 2", id="lengths"),
    ],
)
def test_the_arm_of_a_faulty_count_is_named(arms: tuple, message: str) -> None:
    with pytest.raises(CountsError, match=message):
        check_tables(*arms)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: mantel_haenszel(*ARMS, "HR"), "unknown measure 'HR'", id="Mantel-Haenszel"),
        pytest.param(
            lambda: mantel_haenszel(*ARMS, "RD", variance="x"), "unknown variance 'x'", id="variance"
        ),
        pytest.param(lambda: two_arm_effects(*ARMS, "HR"), "unknown measure 'HR'", id="effects"),
        pytest.param(
            lambda: two_arm_effects(*ARMS, correction="x"),
            "unknown continuity correction 'x'",
            id="correction",
        ),
    ],
)
def test_unknown_names_are_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
