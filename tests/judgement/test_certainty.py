"""Stored judgements: complete, with reasons, held against the data, and tripped by a planted change."""

import csv
import dataclasses
import re
import shutil

import pytest

from analysis import review
from analysis.evidence.load import DATA, load_evidence
from analysis.judgement.levels import DOMAINS
from analysis.judgement.recheck import faults_of_certainty
from analysis.review.certainty import effect_sentence, rate_sentence
from analysis.review.grading import bodies, judge_again, stored_certainty

OUTCOMES = ("reperfusion", "mrs02", "mortality90", "sich")


@pytest.fixture(scope="module")
def evidence():
    return review.load()


def test_every_body_has_every_domain_and_a_reason(evidence):
    stored = stored_certainty(evidence)
    wanted = {("rate", name, outcome) for name in ("primary", "secondary", "any") for outcome in OUTCOMES}
    wanted |= {("effect", "trials", name) for name in ("mrs01", "mrs02", "mortality90", "sich", "mrs_shift")}

    assert {key[:3] for key in stored} == wanted
    assert len(stored) == len(wanted) * (len(DOMAINS) + 1)
    assert faults_of_certainty(stored) == ()


def test_nothing_is_signed_and_no_name_stands_in_a_reason(evidence):
    assert {row.status for row in evidence.certainty} == {"provisional"}


def test_stored_judgements_stand_on_the_present_data(evidence):
    assert judge_again(evidence) == (), "read the flagged rows again, then store what is judged"


def test_an_overall_level_that_does_not_follow_is_found(evidence):
    stored = stored_certainty(evidence)
    key = ("effect", "trials", "sich", "overall")
    changed = {**stored, key: dataclasses.replace(stored[key], judgement="high")}

    assert faults_of_certainty(changed) == ("effect trials sich: overall is high, the domains give very_low",)


def test_a_lost_domain_and_an_empty_reason_are_found(evidence):
    stored = stored_certainty(evidence)
    key = ("rate", "any", "sich", "imprecision")
    lost = {name: row for name, row in stored.items() if name != key}
    bare = {**stored, key: dataclasses.replace(stored[key], reason=" ")}

    assert faults_of_certainty(lost) == ("rate any sich: no judgement on imprecision",)
    assert faults_of_certainty(bare) == ("rate any sich imprecision: no reason",)


@pytest.fixture
def changed_data(tmp_path):
    """Return a function that loads a copy of the data after changes to outcomes.csv."""
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)

    def load(changes):
        path = folder / "outcomes.csv"
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        left = dict(changes)
        for row in rows:
            row.update(left.pop((row["study_id"], row["arm_id"], row["outcome"]), {}))
        assert not left, "the planted change found no row"
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return load_evidence(folder)

    return load


def _count(events, percent):
    text = str(events)
    agreement = {"agreement": "resolved", "note": "synthetic"}
    counts = {"events": text, "events_low": text, "events_high": text, "percent_reported": percent}
    return counts | agreement


def test_a_planted_change_of_data_trips_judge_again(changed_data):
    # Synthetic: many more haemorrhages after thrombectomy in one trial, which lift the whole interval past
    # the smallest difference that matters.
    cells = _count(40, "15.6")
    changed = changed_data({("goyal2025", "evt", "sich"): cells})
    flagged = {item.key: item for item in judge_again(changed)}

    imprecision = flagged[("effect", "trials", "sich", "imprecision")]
    assert "high: trivial when judged, harm now" in imprecision.words
    assert "judge again" in review.certainty_reasons_table(changed, "effect")._repr_html_()
    assert "must be made again" in review.judge_again_section(changed).parts[0].text


def test_a_small_change_that_crosses_no_rule_flags_nothing(changed_data):
    cells = _count(15, "5.8")
    changed = changed_data({("goyal2025", "evt", "sich"): cells})

    assert [item.key for item in judge_again(changed) if item.key[0] == "effect"] == []


def test_findings_tables_show_every_body(evidence):
    for population in ("primary", "secondary", "any"):
        table = review.rate_findings_table(evidence, population)
        assert len(table.cells) == len(OUTCOMES)
        assert ">nan<" not in table._repr_html_()
    assert len(review.effect_findings_table(evidence).cells) == 5


def test_rate_sentences_never_speak_of_effects(evidence):
    for body in bodies(evidence):
        if body.kind == "rate":
            for level in ("high", "moderate", "low", "very_low"):
                text = rate_sentence(evidence, body, level)
                assert not re.search(r"\b(effect|cause|raise|lower|improve|reduce|thanks)", text)


@pytest.mark.parametrize(
    ("outcome", "level", "words"),
    [
        ("sich", "high", "Thrombectomy raises the chance of symptomatic intracranial haemorrhage"),
        ("sich", "moderate", "Thrombectomy probably raises the chance of symptomatic"),
        ("sich", "low", "Thrombectomy may raise the chance of symptomatic"),
        (
            "sich",
            "very_low",
            "The evidence is very uncertain about the effect of thrombectomy on symptomatic",
        ),
        ("mrs02", "low", "Thrombectomy may make little or no difference to functional"),
        ("mrs02", "moderate", "Thrombectomy probably makes little or no difference to functional"),
    ],
    ids=["sich-high", "sich-moderate", "sich-low", "sich-very-low", "mrs02-low", "mrs02-moderate"],
)
def test_effect_sentences_follow_size_and_level(evidence, outcome, level, words):
    body = next(item for item in bodies(evidence) if item.kind == "effect" and item.outcome == outcome)

    text = effect_sentence(evidence, body, level)
    assert words in text
    # Said by the interval, whatever side the estimate lies on.
    assert ("the interval includes no difference" in text) == (outcome == "mrs02")


def test_risk_of_bias_that_nobody_judged_is_never_rated_as_none(evidence):
    judged = {row.study_id: row.judgement for row in evidence.judgements if row.tool == "rob2"}
    for row in evidence.certainty:
        if row.body == "effect" and row.domain == "risk_of_bias":
            assert row.judgement == "serious"
            assert "not assessable" in row.reason
    assert judged


def test_trials_judged_overall_are_assessable(evidence):
    # Synthetic: every trial signed at low risk overall.
    rows = tuple(
        dataclasses.replace(row, judgement="low", status="signed", reason="synthetic")
        if (row.tool, row.domain) == ("rob2", "overall")
        else row
        for row in evidence.judgements
    )
    signed = dataclasses.replace(evidence, judgements=rows, data_hash="synthetic: judged")
    found = {item.outcome: item.proposals for item in bodies(signed) if item.kind == "effect"}

    assert {proposals["risk_of_bias"].judgement for proposals in found.values()} == {"not_serious"}
