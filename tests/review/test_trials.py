"""The trials: counts from the tables, pools from the engine, wording that follows the interval."""

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest

from analysis import review
from analysis.review.certainty import effect_sentence
from analysis.review.effects_shown import stands
from analysis.review.grading import bodies
from analysis.review.trials import TRIAL_OUTCOMES, trial_evidence, trial_shift, what_if, whole_patients
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


def test_trials_are_told_by_their_intervals_and_not_by_their_sides(evidence):
    mixed = review.trial_section(evidence, "mrs02").parts[2].text
    open_ones = review.trial_section(evidence, "mortality90").parts[2].text

    # Risk ratios 1.26 (1.07 to 1.47), 0.92 (0.79 to 1.07), 1.03 (0.89 to 1.20).
    assert "ORIENTAL-MeVO favours thrombectomy; ESCAPE-MeVO and DISTAL show no clear difference" in mixed
    assert "The trials conflict" in mixed
    # All three lie above one, and all three intervals include it.
    assert "ESCAPE-MeVO, DISTAL and ORIENTAL-MeVO show no clear difference" in open_ones
    assert "conflict" not in open_ones


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_no_trial_leans(evidence, outcome):
    text = re.sub(r"<[^>]+>", "", review.trial_section(evidence, outcome)._repr_html_())

    assert not re.search(r"\bleans?\b|point the same way", text)


@pytest.mark.parametrize(
    ("low", "high", "better_high", "stand"),
    [
        pytest.param(0.1, 0.3, True, "favours", id="more-of-the-good"),
        pytest.param(0.1, 0.3, False, "against", id="more-of-the-bad"),
        pytest.param(-0.3, -0.1, False, "favours", id="less-of-the-bad"),
        pytest.param(-0.1, 0.3, True, "unclear", id="includes-no-difference"),
        pytest.param(0.0, 0.3, True, "unclear", id="touches-no-difference"),
        pytest.param(math.nan, math.nan, True, "unclear", id="no-interval"),
    ],
)
def test_an_interval_says_what_it_shows(low, high, better_high, stand):
    assert stands(low, high, better_high) == stand


@pytest.mark.parametrize("outcome", TRIAL_OUTCOMES)
def test_page_table_judgement_and_feed_print_the_same_integers(evidence, outcome):
    known = trial_evidence(evidence, outcome)
    part = [item for item in known.contrasts.found if item.label in known.ratio.labels]
    baseline = sum(item.events2 for item in part) / sum(item.total2 for item in part)
    # Once, from unrounded values: the risk of the control arms times the ratio less one.
    exact = [1000 * baseline * (ratio - 1) for ratio in known.effect.shown()]
    wanted = [math.floor(abs(value) + 0.5) * (1 if value > 0 else -1) for value in exact]

    section = review.trial_section(evidence, outcome)
    told = section.parts[0].text
    assert f": {_more(wanted[0])} (from {_more(wanted[1])} to {_more(wanted[2])})" in told
    table = next(part for part in section.parts if getattr(part, "name", "") == f"absolute-trials-{outcome}")
    heads = [column.key for column in table.columns]
    row = dict(zip(heads, (cell.raw for cell in table.cells[0]), strict=True))
    assert [row["difference"], row["low"], row["high"]] == wanted
    body = next(item for item in bodies(evidence) if (item.kind, item.outcome) == ("effect", outcome))
    plain = effect_sentence(evidence, body, "low")
    assert f"({_more(wanted[0])} per 1000, from {_more(wanted[1])} to {_more(wanted[2])}" in plain
    reason = body.proposals["imprecision"].reason.replace("\u2212", "-")
    ends = [int(number) for number in re.findall(r"\((-?\d+) to (-?\d+) per 1000", reason)[0]]
    assert sorted(map(abs, ends)) == sorted(map(abs, wanted[1:]))
    record = next(
        item for item in review.trial_estimates(evidence) if item["main"] and item["outcome"] == outcome
    )
    feed = record["absolute"]
    assert [feed["difference"], feed["low"], feed["high"]] == wanted
    findings = review.effect_findings_table(evidence)
    shown = {item[0].text: item for item in findings.cells}[evidence.protocol.outcome(outcome).short_label]
    assert (
        [shown[3].raw, shown[4].raw] == [row["control"], row["treated"]] == [feed["control"], feed["treated"]]
    )


def _more(value):
    return f"{abs(value)} {'more' if value > 0 else 'fewer'}"


def test_absolute_effects_are_those_recomputed_elsewhere(evidence):
    # Recomputed with R (metafor) from the counts: common effect and Mantel-Haenszel, then Knapp-Hartung.
    wanted = {
        "mrs02": ((-18, 81), 32),
        "mortality90": ((-7, 63), 110),
        "sich": ((6, 84), None),
    }
    for outcome, (limits, cautious) in wanted.items():
        known = trial_evidence(evidence, outcome)
        main = whole_patients(known.absolute[known.main])
        assert (main.low, main.high) == limits
        if cautious is not None:
            kh = whole_patients(known.absolute["knapp-hartung"])
            assert cautious in (kh.difference, kh.high)


def test_the_baseline_is_that_of_the_trials_in_the_pool(evidence):
    known = trial_evidence(evidence, "sich")
    # 6 of 272 and 7 of 272; 0 of 57 of the trial that no ratio can use is left out.
    assert known.pooled.baseline == pytest.approx(13 / 544)
    assert known.absolute[known.main].baseline == known.pooled.baseline
    note = next(
        part
        for part in review.trial_section(evidence, "sich").parts
        if getattr(part, "name", "") == "absolute-trials-sich"
    )._repr_html_()
    assert "13/544" in note
    assert "not in the baseline: DISTALS" in note


def test_estimates_are_plain_and_their_ids_differ(evidence):
    records = review.trial_estimates(evidence)
    main = [record for record in records if record["main"]]

    assert len({record["id"] for record in records}) == len(records)
    assert {record["outcome"] for record in main} == {*TRIAL_OUTCOMES, "mrs_shift"}
    assert all(math.isfinite(record["estimate"]) for record in records)
    json.dumps(records, allow_nan=False)
