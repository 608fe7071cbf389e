"""The arithmetic audit: ten planted contradictions, each found; and the real data, all accounted for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from analysis.evidence.audit import audit, selection_checks
from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import load_evidence
from tests.evidence.synthetic import evidence, outcome, study
from tests.evidence.test_planted_faults import Table


class Contradiction(NamedTuple):
    """Where a contradiction must be found, and words of its message."""

    file: str
    row: int
    column: str
    words: str


def change(folder: Path, name: str, wanted: dict[str, str], cells: dict[str, str]) -> int:
    table = Table(folder, name)
    row = table.set(table.find(**wanted), **cells)
    table.save()
    return row


def key(study_id: str, arm_id: str, outcome_key: str) -> dict[str, str]:
    return {"study_id": study_id, "arm_id": arm_id, "outcome": outcome_key}


def more_events_than_patients(folder: Path) -> Contradiction:
    cells = {"events": "90", "events_low": "90", "events_high": "90"}
    row = change(folder, "outcomes.csv", key("brouwer2023", "all", "mortality90"), cells)
    return Contradiction("outcomes.csv", row, "events", "events in a total of")


def percentage_that_no_rounding_gives(folder: Path) -> Contradiction:
    row = change(folder, "outcomes.csv", key("pca2022", "all", "reperfusion"), {"percent_reported": "86.8"})
    return Contradiction("outcomes.csv", row, "percent_reported", "contradicts its count")


def more_patients_in_arms_than_in_the_study(folder: Path) -> Contradiction:
    change(folder, "studies.csv", {"study_id": "palmisano2024"}, {"n_patients": "100"})
    table = Table(folder, "outcomes.csv")
    row = table.find(**key("palmisano2024", "combined", "mrs02")) + 1
    return Contradiction("outcomes.csv", row, "total", "the study 100")


def part_larger_than_its_whole(folder: Path) -> Contradiction:
    cells = {"events": "28", "events_low": "28", "events_high": "28", "percent_reported": "87.5"}
    row = change(folder, "outcomes.csv", key("qcatheter2024", "secondary", "mrs02"), cells)
    return Contradiction("outcomes.csv", row, "events", "a part exceeds its whole")


def grades_that_do_not_add_up(folder: Path) -> Contradiction:
    wanted = {"study_id": "goyal2025", "arm_id": "evt"}
    row = change(folder, "rct_mrs_distribution.csv", wanted, {"mrs3": "64"})
    return Contradiction("rct_mrs_distribution.csv", row, "n", "grades add up to 273")


def grades_against_the_dichotomy(folder: Path) -> Contradiction:
    wanted = {"study_id": "goyal2025", "arm_id": "control"}
    change(folder, "rct_mrs_distribution.csv", wanted, {"mrs1": "79", "mrs2": "44"})
    row = Table(folder, "outcomes.csv").find(**key("goyal2025", "control", "mrs01")) + 1
    return Contradiction("outcomes.csv", row, "events", "give 117 of 274")


def deaths_against_grade_six(folder: Path) -> Contradiction:
    wanted = {"study_id": "psychogios2025", "arm_id": "evt"}
    change(folder, "rct_mrs_distribution.csv", wanted, {"mrs5": "4", "mrs6": "41"})
    row = Table(folder, "outcomes.csv").find(**key("psychogios2025", "evt", "mortality90")) + 1
    return Contradiction("outcomes.csv", row, "events", "give 41 of 271")


def published_before_it_was_enrolled(folder: Path) -> Contradiction:
    row = change(folder, "studies.csv", {"study_id": "kurre2013"}, {"year": "2011"})
    return Contradiction("studies.csv", row, "year", "enrolled until 2012")


def one_report_under_two_keys(folder: Path) -> Contradiction:
    table = Table(folder, "studies.csv")
    titles = table.rows[0].index("title")
    title = table.rows[table.find(study_id="memon2020")][titles]
    row = table.set(table.find(study_id="onal2020"), title=title.upper())
    table.save()
    return Contradiction("studies.csv", row, "title", "same title as memon2020")


def total_unmarked_beside_its_parts(folder: Path) -> Contradiction:
    # A mark in any row of the arm counts for all of its outcomes, so every one is taken away.
    for outcome_key in ("mrs02", "reperfusion"):
        for arm in ("secondary", "primary"):
            row = change(folder, "outcomes.csv", key("uno2018", arm, outcome_key), {"is_partition_of": ""})
    return Contradiction("outcomes.csv", row, "is_partition_of", "total beside its parts")


def excellent_more_often_than_good(folder: Path) -> Contradiction:
    cells = {"events": "300", "events_low": "300", "events_high": "300", "percent_reported": ""}
    row = change(folder, "outcomes.csv", key("radiology2025", "control", "mrs01"), cells)
    return Contradiction("outcomes.csv", row, "events", "which contains it")


def agreement_that_the_readers_do_not_show(folder: Path) -> Contradiction:
    row = change(folder, "outcomes.csv", key("memon2020", "all", "sich"), {"total": "16"})
    return Contradiction("outcomes.csv", row, "agreement", "raw extractions differ")


def cut_offs_out_of_order(folder: Path) -> Contradiction:
    row = change(folder, "versions.csv", {"id": "26.0.0"}, {"cut_off": "2022-11-22"})
    return Contradiction("versions.csv", row, "cut_off", "not after that of 23.0.0")


def ratio_outside_a_balanced_interval(folder: Path) -> Contradiction:
    wanted = {"study_id": "goyal2025", "outcome": "death at 90 d"}
    row = change(folder, "rct_effects.csv", wanted, {"ci_high": "9.12"})
    return Contradiction("rct_effects.csv", row, "ci_low", "lopsided")


PLANTS: tuple[Callable[[Path], Contradiction], ...] = (
    more_events_than_patients,
    percentage_that_no_rounding_gives,
    more_patients_in_arms_than_in_the_study,
    part_larger_than_its_whole,
    grades_that_do_not_add_up,
    grades_against_the_dichotomy,
    deaths_against_grade_six,
    published_before_it_was_enrolled,
    one_report_under_two_keys,
    total_unmarked_beside_its_parts,
    excellent_more_often_than_good,
    agreement_that_the_readers_do_not_show,
    cut_offs_out_of_order,
    ratio_outside_a_balanced_interval,
)


def is_named(planted: Contradiction, error: EvidenceFaults) -> bool:
    return any(
        (fault.file, fault.row, fault.column) == planted[:3] and planted.words in fault.problem
        for fault in error.faults
    )


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_contradiction_is_found(copy_of_data, plant):
    planted = plant(copy_of_data)

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    assert is_named(planted, caught.value), caught.value.text()


def test_all_planted_contradictions_are_found_in_one_run(copy_of_data):
    planted = [plant(copy_of_data) for plant in PLANTS]

    with pytest.raises(EvidenceFaults) as caught:
        load_evidence(copy_of_data)

    assert len(planted) >= 10
    assert [item for item in planted if not is_named(item, caught.value)] == []


@pytest.fixture(scope="module")
def audited(real):
    return audit(real)


def test_the_real_data_have_no_fault_and_a_reason_for_each_departure(audited):
    assert audited.faults == ()
    assert audited.explained
    assert all(":" in finding.message for finding in audited.explained)


def test_counts_of_the_audit_add_up(audited):
    assert audited.ran == audited.passed + len(audited.explained)
    assert audited.ran == sum(row["ran"] for row in audited.rows())
    assert all(row["ran"] > 0 for row in audited.rows())
    assert len({check.key for check in audited.checks}) == len(audited.checks)


def test_truncation_is_told_from_rounding(audited):
    # 17/21 = 80.95%: rounded 81.0, printed 80.9. 36/42 = 85.7%: printed 88.7, neither.
    percent = next(check for check in audited.checks if check.key == "percent")
    by_study = {finding.study_id: finding.message for finding in percent.explained}

    assert "cuts decimals off" in by_study["baig2022"]
    assert "contradicts" in by_study["distalsr2023"]


def test_a_selection_that_counts_a_part_with_its_whole_is_a_fault(monkeypatch):
    rows = [
        outcome("a", "all", 5, 10),
        outcome("a", "sr", 3, 6, is_partition_of="all"),
    ]
    synthetic = evidence([study("a")], rows)
    used = (tuple(row.key for row in rows),)
    _spoil(monkeypatch, lambda counts: {"rows_used": used, "left_out": ()})

    _, (complete, parts, _) = selection_checks(synthetic)

    assert not complete.faults
    assert parts.faults
    assert "its whole all" in parts.faults[0].message


def test_a_selection_that_loses_a_row_is_a_fault(monkeypatch):
    synthetic = evidence([study("a")], [outcome("a")])
    _spoil(monkeypatch, lambda counts: {"rows_used": ((),), "left_out": ()})

    _, (complete, _, _) = selection_checks(synthetic)

    assert complete.faults
    assert "0 times" in complete.faults[0].message


def test_a_selection_with_two_reports_of_a_group_is_a_fault(monkeypatch):
    studies = [study("a", overlap_group="G"), study("b", overlap_group="G")]
    rows = [outcome("a"), outcome("b")]
    synthetic = evidence(studies, rows, groups=[("G", "registry")])
    _spoil(monkeypatch, lambda counts: {"rows_used": tuple((row.key,) for row in rows), "left_out": ()})

    _, (_, _, overlap) = selection_checks(synthetic)

    assert overlap.faults
    assert "counted together with" in overlap.faults[0].message


def _spoil(monkeypatch, changes):
    """Let the audit see selections of mRS 0-2 that break a promise."""
    import analysis.evidence.audit as module

    honest = module.select

    def spoilt(evidence_, question):
        counts = honest(evidence_, question)
        return replace(counts, **changes(counts)) if question.outcome == "mrs02" else counts

    monkeypatch.setattr(module, "select", spoilt)
