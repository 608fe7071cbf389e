"""The trials: counts from the tables, pools from the engine, wording that follows the interval."""

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest

from analysis import review
from analysis.review.trials import TRIAL_OUTCOMES, trial_evidence, trial_shift, what_if
from analysis.review.two_arms import trial_contrasts

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "trials" / "reference.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_the_reference_of_r_rests_on_the_counts_of_the_tables(evidence, outcome):
    found = {item.study_id: item for item in trial_contrasts(evidence, outcome).found}
    counts = REFERENCE["pooled"][outcome]["counts"]

    assert set(found) == {row["study_id"] for row in counts}, "run tests/reference/trials/make.R again"
    for row in counts:
        item = found[row["study_id"]]
        ours = (item.events1, item.total1, item.events2, item.total2)
        assert ours == (row["events1"], row["total1"], row["events2"], row["total2"])


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_every_trial_is_pooled_or_named_as_missing(evidence, outcome):
    found = trial_contrasts(evidence, outcome)
    trials = {study.study_id for study in evidence.studies if study.comparative == "randomised"}

    assert {item.study_id for item in found.found} | {item.study_id for item in found.unread} == trials
    assert all(item.reason for item in found.unread)
    assert not any(re.search(r"percentage \([\d.]+\)", item.reason) for item in found.unread)


def test_no_observational_study_stands_among_the_trials(evidence):
    for outcome in TRIAL_OUTCOMES:
        for item in trial_contrasts(evidence, outcome).found:
            assert evidence.study(item.study_id).comparative == "randomised"


def test_trials_carry_their_names(evidence):
    names = {item.label for outcome in TRIAL_OUTCOMES for item in trial_contrasts(evidence, outcome).found}
    missing = {item.label for item in trial_contrasts(evidence, "mrs02").unread}

    assert names == {"ESCAPE-MeVO", "DISTAL", "ORIENTAL-MeVO", "DISTALS"}
    assert missing == {"DISCOUNT", "DISTALS"}


def test_a_trial_without_any_event_counts_in_the_difference_alone(evidence):
    known = trial_evidence(evidence, "sich")

    assert known.ratio.dropped == ("DISTALS",)
    assert "DISTALS" in known.pools["RD"].labels


def test_rare_outcomes_are_led_by_mantel_haenszel_and_others_by_the_common_effect(evidence):
    assert trial_evidence(evidence, "sich").main == "mantel-haenszel"
    assert {trial_evidence(evidence, name).main for name in ("mrs01", "mrs02", "mortality90")} == {"common"}


def test_absolute_effects_follow_from_the_baseline_of_the_control_arms(evidence):
    known = trial_evidence(evidence, "mrs02")
    # 161 of 274, 147 of 269 and 132 of 283, read from outcomes.csv and added on paper.
    assert known.contrasts.baseline == pytest.approx(440 / 826)
    absolute = known.absolute["common"]
    assert absolute.difference == pytest.approx(1000 * (440 / 826) * (known.effect.shown()[0] - 1))


def test_leaving_one_out_uses_all_the_others(evidence):
    known = trial_evidence(evidence, "mrs02")

    assert set(known.left_out) == set(known.ratio.labels)
    for name, pool in known.left_out.items():
        assert set(pool.labels) == set(known.ratio.labels) - {name}


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_one_more_neutral_trial_draws_the_common_effect_towards_no_difference(evidence, outcome):
    known = trial_evidence(evidence, outcome)
    neutral = what_if(evidence, outcome)[0]
    before = known.ratio.effects["common"]
    after = neutral.pool.effects["common"]

    assert abs(after.estimate) < abs(before.estimate)
    assert after.se < before.se
    events1, total1, events2, total2 = neutral.counts
    assert events1 / total1 == pytest.approx(events2 / total2, abs=1 / min(total1, total2))


def test_a_positive_trial_repeats_the_most_favourable_one(evidence):
    positive = what_if(evidence, "mrs02")[1]

    assert positive.label == "One more trial like ORIENTAL-MeVO"
    assert positive.risk_ratio == pytest.approx((164 / 280) / (132 / 283))


def test_shift_uses_the_two_public_distributions_and_names_the_rest(evidence):
    shift = trial_shift(evidence)

    assert set(shift.trials) == {"DISTAL", "ESCAPE-MeVO"}
    assert set(shift.unread) == {"hu2026", "distals2026", "clarencon2026"}
    assert shift.published is None
    assert [row.trial for row in shift.printed] == ["DISTAL"]


def test_published_shifts_are_pooled_apart_when_there_are_two(evidence):
    printed = trial_shift(evidence).printed[0]
    second = dataclasses.replace(printed, trial="SYNTHETIC", estimate=1.2, ci_low=0.9, ci_high=1.6)
    more = dataclasses.replace(evidence, rct_effects=(*evidence.rct_effects, second), data_hash="synthetic")
    shift = trial_shift(more)

    assert shift.published.labels == ("DISTAL", "SYNTHETIC")
    assert shift.pool.labels == trial_shift(evidence).pool.labels


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_sections_speak_of_the_trials_and_leave_no_bare_nan(evidence, outcome):
    html = review.trial_section(evidence, outcome)._repr_html_()

    assert "risk ratio" in html
    assert ">nan<" not in html
    assert "DISTAL" in html


def test_the_answer_follows_the_interval(evidence):
    settled = review.trial_section(evidence, "sich").parts[0].text
    open_question = review.trial_section(evidence, "mrs02").parts[0].text

    assert "against thrombectomy" in settled
    assert "do not settle" in open_question


def test_conflict_is_said_where_trials_lie_on_both_sides(evidence):
    assert "The trials conflict" in review.trial_section(evidence, "mrs02").parts[2].text
    assert "point the same way" in review.trial_section(evidence, "mortality90").parts[2].text


def test_estimates_are_plain_and_their_ids_differ(evidence):
    records = review.trial_estimates(evidence)
    main = [record for record in records if record["main"]]

    assert len({record["id"] for record in records}) == len(records)
    assert {record["outcome"] for record in main} == {*TRIAL_OUTCOMES, "mrs_shift"}
    assert all(math.isfinite(record["estimate"]) for record in records)
    json.dumps(records, allow_nan=False)
