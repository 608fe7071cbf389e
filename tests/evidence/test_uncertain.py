"""Ranges and lost patients, on small synthetic evidence and on rows known from the real tables."""

from decimal import Decimal

import pytest

from analysis.evidence.select import Question, select
from analysis.evidence.uncertain import arm_size, bounded_counts, follow_up_counts
from tests.evidence.synthetic import evidence, outcome, study

MRS = Question("primary", "mrs02")


def percent_only(study_id, percent, **changes):
    return outcome(
        study_id,
        events=None,
        total=None,
        percent_reported=Decimal(percent),
        derivation="not_available",
        **changes,
    )


def a_range(study_id, low, high, total):
    return outcome(
        study_id, events=None, total=total, events_low=low, events_high=high, derivation="approximate"
    )


def test_a_range_enters_beside_exact_counts():
    found = bounded_counts(
        evidence([study("a"), study("b")], [outcome("a", events=4), a_range("b", 7, 9, 20)]), MRS
    )

    assert list(found.low) == [4, 7]
    assert list(found.high) == [4, 9]
    assert list(found.counts.total) == [10, 20]
    assert found.added == ((("b", "all", "mrs02"), "7 to 9 of 20"),)


def test_a_range_keeps_out_of_the_exact_counts():
    counts = select(evidence([study("b")], [a_range("b", 7, 9, 20)]), MRS)

    assert counts.k == 0
    assert "range of 7 to 9 of 20" in counts.left_out[0].reason


def test_a_percentage_is_taken_of_the_arm_only_when_asked():
    rows = [percent_only("a", "45"), outcome("a", events=9, total=189, outcome="sich")]
    synthetic = evidence([study("a")], rows)

    assert bounded_counts(synthetic, MRS).counts.k == 0
    found = bounded_counts(synthetic, MRS, "arm")
    # Of 189, only 85 rounds to 45%: 84 is 44.4% and 86 is 45.5%.
    assert (list(found.low), list(found.high), list(found.counts.total)) == ([85], [85], [189])


def test_a_percentage_that_fits_no_count_of_the_arm_is_not_used():
    rows = [percent_only("a", "39.6"), outcome("a", events=9, total=43, outcome="sich")]

    assert bounded_counts(evidence([study("a")], rows), MRS, "arm").counts.k == 0


def test_a_percentage_without_an_arm_size_is_not_used():
    assert bounded_counts(evidence([study("a")], [percent_only("a", "50")]), MRS, "arm").counts.k == 0


def test_the_rules_of_selection_hold_for_ranges_too():
    studies = [study("a", overlap_group="G"), study("b", overlap_group="G")]
    rows = [outcome("a", events=4), a_range("b", 7, 9, 20)]
    found = bounded_counts(evidence(studies, rows, groups=[("G", "registry")]), MRS)

    # The larger report stands, and it is the range.
    assert found.counts.study_id == ("b",)


@pytest.mark.parametrize(
    ("outcome_key", "case", "events"),
    [
        pytest.param("mrs02", "best", 7, id="good-outcome-best"),
        pytest.param("mrs02", "worst", 5, id="good-outcome-worst"),
        pytest.param("mortality90", "best", 5, id="death-best"),
        pytest.param("mortality90", "worst", 7, id="death-worst"),
    ],
)
def test_lost_patients_are_put_back(outcome_key, case, events):
    rows = [
        outcome("a", events=5, total=10, outcome=outcome_key),
        outcome("a", events=11, total=12, outcome="reperfusion"),
    ]
    found = follow_up_counts(evidence([study("a")], rows), Question("primary", outcome_key), case)

    assert (list(found.events), list(found.total), list(found.missing)) == ([events], [12], [2])
    assert found.unknown == ()


def test_an_arm_known_from_the_outcome_alone_cannot_show_a_loss():
    found = follow_up_counts(evidence([study("a")], [outcome("a", "evt")]), MRS, "worst")

    assert found.unknown == ("a",)
    assert list(found.total) == [10]


def test_the_study_as_a_whole_has_its_patients():
    row = outcome("a", "all", events=5, total=10)
    synthetic = evidence([study("a", n_patients=14)], [row])

    assert arm_size(synthetic, row) == 14


def test_occlusions_tell_no_arm_size():
    row = outcome("a", "evt", events=5, total=10)
    other = outcome("a", "evt", events=11, total=30, outcome="reperfusion", unit="occlusions")

    assert arm_size(evidence([study("a")], [row, other]), row) is None


def test_the_real_range_is_used(real):
    # Row of outcomes.csv: 78% of 189, which 147 and 148 both fit.
    found = bounded_counts(real, Question("primary", "reperfusion"))
    at = found.counts.study_id.index("anadani2021")

    assert (found.low[at], found.high[at], found.counts.total[at]) == (147, 148, 189)


def test_the_real_losses_of_a_study_are_seen(real):
    # palmisano2024: arms of 95 and 76, of which 91 and 72 had a 90-day score.
    found = follow_up_counts(real, Question("any", "mrs02"), "worst")

    assert found.missing[found.counts.study_id.index("palmisano2024")] == 8


def choices(rows, studies=None, groups=(), **asked):
    names = {row.study_id for row in rows}
    built = evidence(studies or [study(name) for name in sorted(names)], rows, groups=groups)
    return select(built, Question("primary", "mrs02", **asked)).study_id


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        pytest.param({"derivation": "printed"}, ("a", "b"), id="printed"),
        pytest.param({"derivation": "stated"}, ("a",), id="stated"),
        pytest.param({"source": "own"}, ("a", "b"), id="own-source"),
        pytest.param({"verified": "yes"}, ("a", "c"), id="verified"),
        pytest.param({"without": "loose words"}, ("b", "c"), id="without"),
    ],
)
def test_choices_of_rows(asked, kept):
    rows = [
        outcome("a", threshold_note="loose words here"),
        outcome("b", derivation="from_percent", verified="not_reopened"),
        outcome("c", derivation="deduced", source_kind="citing_review"),
    ]

    assert choices(rows, **asked) == kept


@pytest.mark.parametrize(("stage", "kept"), [("first", ("a",)), ("latest", ("b",)), ("any", ("a", "b"))])
def test_choices_of_stage(stage, kept):
    studies = [study("a"), study("b", first_version="26.0.0", evidence_stage="update")]

    assert choices([outcome("a"), outcome("b")], studies, stage=stage) == kept


@pytest.mark.parametrize(
    ("overlap", "kept"),
    [
        ("one_per_group", ("b", "d")), ("earliest", ("a", "c")),
        ("proven", ("b", "c", "d")), ("all", ("a", "b", "c", "d")),
    ],
)  # fmt: skip
def test_choices_of_overlap(overlap, kept):
    studies = [
        study("a", year=2019, overlap_group="proven"), study("b", year=2020, overlap_group="proven"),
        study("c", year=2019, overlap_group="loose"), study("d", year=2020, overlap_group="loose"),
    ]  # fmt: skip
    rows = [outcome("a"), outcome("b", total=20), outcome("c"), outcome("d", total=20)]
    groups = [("proven", "registry"), ("loose", "loose")]

    assert set(choices(rows, studies, groups, overlap=overlap)) == set(kept)
