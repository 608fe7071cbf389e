"""Two-arm pooling: equality with R metafor on the trials, and what must hold for any counts."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis.counts import NoStudies
from analysis.synthesis.two_arm import pool_two_arm

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "trials" / "reference.json").read_text("utf-8")
)["pooled"]

CASES = [(outcome, measure) for outcome in REFERENCE for measure in ("OR", "RR", "RD")]
by_case = pytest.mark.parametrize(("outcome", "measure"), CASES, ids=[" ".join(case) for case in CASES])
tables = st.lists(
    st.tuples(st.integers(1, 20), st.integers(21, 90), st.integers(1, 20), st.integers(21, 90)),
    min_size=2,
    max_size=6,
)


def _counts(outcome):
    rows = REFERENCE[outcome]["counts"]
    return [[row[name] for row in rows] for name in ("events1", "total1", "events2", "total2")]


def _equal(ours, theirs):
    assert ours.estimate == pytest.approx(theirs["estimate"], abs=1e-6)
    assert ours.se == pytest.approx(theirs["se"], abs=1e-6)
    assert (ours.low, ours.high) == pytest.approx((theirs["ci_low"], theirs["ci_high"]), abs=1e-6)
    assert ours.p_value == pytest.approx(theirs["p_value"], abs=1e-6)


@by_case
@pytest.mark.parametrize(
    ("method", "key"),
    [("knapp-hartung", "knapp_hartung"), ("wald", "wald"), ("common", "equal")],
    ids=["knapp-hartung", "wald", "common"],
)
def test_inverse_variance_equals_metafor(outcome, measure, method, key):
    theirs = REFERENCE[outcome]["iv"][measure]
    ours = pool_two_arm(*_counts(outcome), measure)

    _equal(ours.effects[method], theirs[key])
    assert ours.tau2 == pytest.approx(theirs["tau2"], abs=1e-6)
    assert ours.fit.i2 == pytest.approx(theirs["i2"], abs=1e-6)
    assert (ours.fit.q, ours.fit.q_p) == pytest.approx((theirs["q"], theirs["q_p"]), abs=1e-6)


@by_case
def test_mantel_haenszel_equals_metafor(outcome, measure):
    pool = pool_two_arm(*_counts(outcome), measure)

    _equal(pool.effects["mantel-haenszel"], REFERENCE[outcome]["mh"][measure])


@pytest.mark.parametrize("outcome", REFERENCE)
def test_peto_equals_metafor(outcome):
    pool = pool_two_arm(*_counts(outcome), "OR")

    _equal(pool.effects["peto"], REFERENCE[outcome]["peto"])


@given(tables)
@settings(max_examples=30, deadline=None)
def test_swapping_the_arms_turns_ratios_and_differences(rows):
    a, n1, c, n2 = zip(*rows, strict=True)
    for measure in ("OR", "RR", "RD"):
        there = pool_two_arm(a, n1, c, n2, measure)
        back = pool_two_arm(c, n2, a, n1, measure)
        for method, effect in there.effects.items():
            assert back.effects[method].estimate == pytest.approx(-effect.estimate, abs=1e-6)
            assert back.effects[method].se == pytest.approx(effect.se, rel=1e-5, abs=1e-9)


def test_a_trial_of_events_only_counts_in_the_mantel_haenszel_risk_ratio():
    """Metafor's rma.mh and the sums of Mantel and Haenszel count it: four trials, not three."""
    a, n1, c, n2 = [3, 8, 12, 10], [50, 40, 30, 10], [5, 9, 10, 12], [50, 41, 30, 12]
    pooled = pool_two_arm(a, n1, c, n2, "RR")
    k = {row["method"]: row["k"] for row in pooled.rows()}
    n = [one + two for one, two in zip(n1, n2, strict=True)]
    over = sum(x * m / whole for x, m, whole in zip(a, n2, n, strict=True))
    under = sum(x * m / whole for x, m, whole in zip(c, n1, n, strict=True))

    assert k == {"knapp-hartung": 3, "wald": 3, "common": 3, "mantel-haenszel": 4}
    assert pooled.effects["mantel-haenszel"].estimate == pytest.approx(math.log(over / under), rel=1e-12)
    assert not any("without events" in note for note in pooled.notes)
    assert any("the Mantel-Haenszel risk ratio counts them" in note for note in pooled.notes)


def test_a_trial_without_events_is_left_out_of_ratios_and_named():
    counts = ([3, 0], [50, 61], [1, 0], [50, 57])
    ratio = pool_two_arm(*counts, "RR", labels=["A", "B"])
    difference = pool_two_arm(*counts, "RD", labels=["A", "B"])

    assert (ratio.labels, ratio.dropped) == (("A",), ("B",))
    assert any("say nothing on a ratio" in note for note in ratio.notes)
    assert difference.labels == ("A", "B")


def test_no_event_anywhere_gives_no_ratio():
    with pytest.raises(NoStudies):
        pool_two_arm([0, 0], [10, 12], [0, 0], [11, 9], "OR")


@pytest.mark.parametrize(
    ("events1", "total1", "events2", "total2", "side"),
    [
        pytest.param([14, 16], [257, 271], [6, 7], [272, 272], "narrower", id="nearly-alike"),
        pytest.param([15, 20], [250, 260], [10, 9], [250, 260], "still wider", id="quantile-outweighs"),
    ],
)
def test_near_equal_studies_say_what_became_of_the_interval(events1, total1, events2, total2, side):
    pool = pool_two_arm(events1, total1, events2, total2, "RR")
    cautious, common = pool.effects["knapp-hartung"], pool.effects["common"]

    assert (cautious.high - cautious.low > common.high - common.low) is (side == "still wider")
    note = next(note for note in pool.notes if "Knapp-Hartung factor is below one" in note)
    assert f"is {side} than" in note


def test_shown_turns_logarithms_back_but_not_differences():
    ratio = pool_two_arm([4, 3], [20, 15], [8, 5], [20, 15], "RR").effects["common"]
    difference = pool_two_arm([4, 3], [20, 15], [8, 5], [20, 15], "RD").effects["common"]

    assert ratio.shown()[0] == pytest.approx(math.exp(ratio.estimate))
    assert difference.shown()[0] == difference.estimate
