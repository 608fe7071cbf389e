"""Synthetic evidence for tests: small studies, never mixed with the real tables."""

from dataclasses import replace
from datetime import date
from functools import cache

from analysis.evidence.content import content_hash
from analysis.evidence.load import DATA
from analysis.evidence.protocol import Protocol, read_protocol
from analysis.evidence.tables import (
    TABLES,
    Doubt,
    Evidence,
    Outcome,
    OverlapGroup,
    Study,
    Version,
)


@cache
def protocol() -> Protocol:
    found, faults = read_protocol((DATA / "protocol.yml").read_text(encoding="utf-8"))
    assert not faults
    return found


def study(study_id: str, **changes) -> Study:
    plain = Study(
        row=0, study_id=study_id,
        first_author="Synthetic", year=2020, title="Synthetic", journal="",
        doi="", pmid="", registration="", country="", n_centres=None, design="synthetic",
        enrolment="", occlusion="primary", territory="mixed", segments="", technique="mixed",
        device="", n_patients=None, n_female=None, age_summary="", nihss_summary="", ivt_n=None,
        evidence_stage="original_window", comparative="single_arm", directness="mixed_segments",
        overlap_group="", eligibility="include", eligibility_reason="synthetic",
        source_url="https://example.org", source_kind="abstract", note="", first_version="23.0.0",
    )  # fmt: skip
    return replace(plain, **changes)


def outcome(study_id: str, arm_id: str = "all", events=5, total=10, **changes) -> Outcome:
    plain = Outcome(
        row=0, study_id=study_id, arm_id=arm_id, occlusion="primary", technique="mixed",
        territory="mixed", outcome="mrs02", events=events, total=total, events_low=events,
        events_high=events, percent_reported=None, derivation="stated", unit="patients",
        definition="", threshold_note="", timepoint="90d", extractors="1", agreement="single",
        is_partition_of="", verified="yes", source_url="https://example.org",
        source_kind="abstract", locator="synthetic", note="",
    )  # fmt: skip
    return replace(plain, **changes)


def doubt(study_id: str, outcome_key: str = "*", kind: str = "count") -> Doubt:
    return Doubt(0, study_id, outcome_key, kind, "Synthetic doubt", "synthetic")


def evidence(studies, outcomes, *, doubts=(), groups=()) -> Evidence:
    versions = (
        Version(2, "23.0.0", "2023-01", "old", date(2023, 1, 31), "original_window", "", "", ""),
        Version(3, "26.0.0", "2026-11", "new", date(2026, 11, 22), "update", "", "", ""),
    )
    tables = dict.fromkeys(TABLES, ())
    tables |= {
        "versions": versions,
        "studies": tuple(studies),
        "outcomes": tuple(outcomes),
        "doubts": tuple(doubts),
        "overlap": tuple(OverlapGroup(0, name, kind, "", "") for name, kind in groups),
    }
    return Evidence(**tables, protocol=protocol(), data_hash=content_hash(tables, protocol(), TABLES))
