"""The tables as frozen rows, and the evidence that holds them all.

Blank numbers are ``None`` and blank texts are empty. `row` is the row number that a spreadsheet
shows, so any number can be traced to its line in `data/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.evidence.content import content_hash
from analysis.evidence.judgement_rows import AppraisalDomain, Certainty, Judgement
from analysis.evidence.rows import CoreRow
from analysis.evidence.short_names import label_ending, short_name

if TYPE_CHECKING:
    from analysis.evidence.faults import CheckResult
    from analysis.evidence.protocol import Protocol

__all__ = [
    "TABLES",
    "Appraisal",
    "AppraisalDomain",
    "Awaiting",
    "Certainty",
    "DoubleExtraction",
    "Doubt",
    "Evidence",
    "Excluded",
    "Judgement",
    "MetaEstimate",
    "MrsDistribution",
    "Notice",
    "Outcome",
    "OverlapGroup",
    "Published",
    "RivalEstimate",
    "Row",
    "Study",
    "TrialEffect",
    "Version",
]


@dataclass(frozen=True, slots=True)
class Study(CoreRow):
    """One study of `studies.csv`."""

    row: int
    study_id: str
    first_author: str
    year: int | None
    title: str
    journal: str
    doi: str
    pmid: str
    registration: str
    country: str
    n_centres: int | None
    design: str
    enrolment: str
    occlusion: str
    territory: str
    segments: str
    technique: str
    device: str
    n_patients: int | None
    n_female: int | None
    age_summary: str
    nihss_summary: str
    ivt_n: int | None
    evidence_stage: str
    comparative: str
    directness: str
    overlap_group: str
    eligibility: str
    eligibility_reason: str
    source_url: str
    source_kind: str
    note: str
    first_version: str

    @property
    def label(self) -> str:
        """Short name for figures; words of the title in brackets where the text read shows no author."""
        year = self.year or "undated"
        if not self.first_author:
            return f"{short_name(self.study_id)} {year}"
        # A key with a word after the year tells two reports of one author and year apart.
        word = re.sub(r"^[a-z]+(\d{4}|-nd)", "", self.study_id)
        return f"{self.first_author} {year} {label_ending(word)}".rstrip()


@dataclass(frozen=True, slots=True)
class Outcome(CoreRow):
    """One row of `outcomes.csv`: a study, an arm and an outcome."""

    row: int
    study_id: str
    arm_id: str
    occlusion: str
    technique: str
    territory: str
    outcome: str
    events: int | None
    total: int | None
    events_low: int | None
    events_high: int | None
    percent_reported: Decimal | None
    derivation: str
    unit: str
    definition: str
    threshold_note: str
    timepoint: str
    extractors: str
    agreement: str
    is_partition_of: str
    verified: str
    source_url: str
    source_kind: str
    locator: str
    note: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Study, arm and outcome."""
        return (self.study_id, self.arm_id, self.outcome)

    @property
    def has_count(self) -> bool:
        """Whether an exact count can be read."""
        return self.events is not None and self.total is not None


@dataclass(frozen=True, slots=True)
class DoubleExtraction(CoreRow):
    """One raw row of one extractor."""

    row: int
    extractor: int
    study_id: str
    arm_id: str
    outcome: str
    events: int | None
    total: int | None
    derivation: str


@dataclass(frozen=True, slots=True)
class Excluded(CoreRow):
    """One study left out."""

    row: int
    study_id: str
    study: str
    reason: str
    in_studies_csv: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Awaiting(CoreRow):
    """One study without a usable count."""

    row: int
    study_id: str
    study: str
    reason: str
    in_studies_csv: str
    doi: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Appraisal(CoreRow):
    """One fact on risk of bias."""

    row: int
    study_id: str
    item: str
    value: str
    basis: str


@dataclass(frozen=True, slots=True)
class TrialEffect(CoreRow):
    """One effect printed by a trial."""

    row: int
    study_id: str
    trial: str
    outcome: str
    effect_measure: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    adjusted: str
    source_url: str
    source_kind: str
    locator: str


@dataclass(frozen=True, slots=True)
class MrsDistribution(CoreRow):
    """The modified Rankin scale of one trial arm by grade."""

    row: int
    trial: str
    study_id: str
    arm_id: str
    n: int
    mrs0: int
    mrs1: int
    mrs2: int
    mrs3: int
    mrs4: int
    mrs5: int
    mrs6: int
    source_url: str
    check: str

    @property
    def grades(self) -> tuple[int, ...]:
        """Patients by grade, 0 to 6."""
        return (self.mrs0, self.mrs1, self.mrs2, self.mrs3, self.mrs4, self.mrs5, self.mrs6)


@dataclass(frozen=True, slots=True)
class MetaEstimate(CoreRow):
    """One pooled effect of another meta-analysis, as printed."""

    row: int
    review: str
    doi: str
    outcome: str
    measure: str
    model: str
    estimate: str
    ci_low: str
    ci_high: str
    i2: float | None
    trials: str
    n: int | None
    source_url: str
    locator: str


@dataclass(frozen=True, slots=True)
class RivalEstimate(CoreRow):
    """One pooled rate of another review."""

    row: int
    review: str
    doi: str
    population: str
    outcome: str
    estimate_percent: float | None
    ci_low_percent: float | None
    ci_high_percent: float | None
    n_studies: int | None
    n_patients: int | None
    i2: str
    source_locator: str
    source_url: str
    note: str


@dataclass(frozen=True, slots=True)
class Published(CoreRow):
    """One pooled estimate of the published review."""

    row: int
    population: str
    outcome: str
    estimate_percent: float
    ci_low_percent: float
    ci_high_percent: float
    n_studies: int | None
    n_patients: int | None
    i2: float | None
    source_locator: str


@dataclass(frozen=True, slots=True)
class Version(CoreRow):
    """One evidence version."""

    row: int
    id: str
    alias: str
    label: str
    cut_off: date
    stage: str
    searched_on: str
    trigger: str
    methods_changes: str
    people: str = ""


@dataclass(frozen=True, slots=True)
class Notice(CoreRow):
    """One notice: a retraction, a concern, a correction of one cell, or a row added later.

    `version` is the first version that heeds the notice; every earlier version keeps what was known
    then.
    """

    row: int
    notice_id: str
    version: str
    date: date
    kind: str
    study_id: str
    table: str
    arm_id: str
    outcome: str
    column: str
    old_value: str
    new_value: str
    reason: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Doubt(CoreRow):
    """One doubtful fact."""

    row: int
    study_id: str
    outcome: str
    kind: str
    doubt: str
    source: str


@dataclass(frozen=True, slots=True)
class OverlapGroup(CoreRow):
    """One group of studies that may share patients."""

    row: int
    group: str
    kind: str
    basis: str
    source: str


Row = (
    Study
    | Outcome
    | DoubleExtraction
    | Excluded
    | Awaiting
    | Appraisal
    | TrialEffect
    | MrsDistribution
    | MetaEstimate
    | RivalEstimate
    | Published
    | Version
    | Notice
    | Doubt
    | OverlapGroup
    | AppraisalDomain
    | Judgement
    | Certainty
)

#: Table name (also the name of its file and schema) -> class of its rows, in loading order.
TABLES: dict[str, type] = {
    "versions": Version,
    "overlap": OverlapGroup,
    "studies": Study,
    "outcomes": Outcome,
    "double_extraction": DoubleExtraction,
    "excluded": Excluded,
    "awaiting": Awaiting,
    "appraisal": Appraisal,
    "rct_effects": TrialEffect,
    "rct_mrs_distribution": MrsDistribution,
    "rct_meta_published": MetaEstimate,
    "rival_reviews": RivalEstimate,
    "published": Published,
    "doubts": Doubt,
    "notices": Notice,
    "appraisal_tools": AppraisalDomain,
    "judgements": Judgement,
    "certainty": Certainty,
}


@dataclass(frozen=True, repr=False)
class Evidence:
    """Everything that was read, checked and frozen.

    `data_hash` is a SHA-256 of the content of all tables and of the protocol. It does not depend on
    the order of rows, on line ends or on quoting, and it changes with any other change.
    """

    versions: tuple[Version, ...]
    overlap: tuple[OverlapGroup, ...]
    studies: tuple[Study, ...]
    outcomes: tuple[Outcome, ...]
    double_extraction: tuple[DoubleExtraction, ...]
    excluded: tuple[Excluded, ...]
    awaiting: tuple[Awaiting, ...]
    appraisal: tuple[Appraisal, ...]
    rct_effects: tuple[TrialEffect, ...]
    rct_mrs_distribution: tuple[MrsDistribution, ...]
    rct_meta_published: tuple[MetaEstimate, ...]
    rival_reviews: tuple[RivalEstimate, ...]
    published: tuple[Published, ...]
    doubts: tuple[Doubt, ...]
    notices: tuple[Notice, ...]
    appraisal_tools: tuple[AppraisalDomain, ...]
    judgements: tuple[Judgement, ...]
    certainty: tuple[Certainty, ...]
    protocol: Protocol
    data_hash: str
    checks: tuple[CheckResult, ...] = ()

    @cached_property
    def _study_index(self) -> dict[str, Study]:
        return {study.study_id: study for study in self.studies}

    def __repr__(self) -> str:
        return (
            f"Evidence({len(self.studies)} studies, {len(self.outcomes)} outcome rows, "
            f"version {self.versions[-1].id}, data {self.data_hash[:12]})"
        )

    def study(self, study_id: str) -> Study:
        """Return one study by its key."""
        try:
            return self._study_index[study_id]
        except KeyError:
            raise KeyError(f"no study {study_id!r} in the evidence") from None

    def version(self, name: str | None = None) -> Version:
        """Return a version by its id or alias; without a name, the newest."""
        if name is None:
            return self.versions[-1]
        for version in self.versions:
            if name in (version.id, version.alias):
                return version
        known = ", ".join(version.id for version in self.versions)
        raise ValueError(f"no evidence version {name!r}; known: {known}")

    def in_version(self, study: Study, version: Version) -> bool:
        """Return whether a study counts in a version."""
        order = [item.id for item in self.versions]
        return order.index(study.first_version) <= order.index(version.id)

    def published_for(self, population: str, outcome: str) -> Published | None:
        """Return the published review's estimate for a population and outcome of the protocol."""
        name = self.protocol.population(population).published_name
        for estimate in self.published:
            if (estimate.population, estimate.outcome) == (name, outcome):
                return estimate
        return None

    def as_of(self, version: str) -> Evidence:
        """Return the evidence as it stood in a version: a cut of the same tables.

        Studies that entered later are left out, and what later notices changed is put back.
        """
        from analysis.evidence.notices import as_known

        chosen = self.version(version)
        place = self.versions.index(chosen)
        then = as_known(self, chosen)
        kept = {item.study_id for item in then.studies if self.in_version(item, chosen)}
        tables = {name: getattr(then, name) for name in TABLES}
        cut: dict[str, Any] = {
            name: tuple(row for row in rows if _belongs(row, kept)) for name, rows in tables.items()
        }
        cut["versions"] = self.versions[: place + 1]
        return replace(self, **cut, data_hash=content_hash(cut, self.protocol, TABLES), checks=())


def _belongs(row: Row, kept: set[str]) -> bool:
    """Keep rows of kept studies, and rows that belong to no study of `studies.csv`."""
    study_id = getattr(row, "study_id", "")
    return not study_id or study_id in kept
