"""Comparisons within observational studies, never mixed with trials.

Three comparisons: thrombectomy against medical treatment, one first-line technique against another, and
primary against secondary occlusions. Each compares arms of the same study; what differs between
studies is asked apart, by meta-regression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.evidence.select import Question, select
from analysis.results import Result
from analysis.review.two_arms import Contrasts, contrasts
from analysis.synthesis.counts import NoStudies
from analysis.synthesis.two_arm import TwoArmPool, pool_two_arm

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome
    from analysis.synthesis.regression import MetaRegression

__all__ = [
    "COMPARISONS",
    "Between",
    "Comparison",
    "ObservationalEvidence",
    "between_studies",
    "confounding_words",
    "observational",
]

Kind = Literal["medical", "sr_asp", "combined_asp", "combined_sr", "kind"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: the names of its arms, and how a row belongs to one."""

    key: str
    first: str
    second: str
    column: str
    first_value: str
    second_value: str


#: The comparisons by key; `column` of outcomes.csv tells the arms apart.
COMPARISONS = {
    item.key: item
    for item in (
        Comparison("medical", "thrombectomy", "medical treatment", "arm_id", "evt", "control"),
        Comparison("sr_asp", "stent retriever", "aspiration", "technique", "SR", "ASP"),
        Comparison("combined_asp", "combined technique", "aspiration", "technique", "combined", "ASP"),
        Comparison("combined_sr", "combined technique", "stent retriever", "technique", "combined", "SR"),
        Comparison("kind", "secondary occlusion", "primary occlusion", "occlusion", "secondary", "primary"),
    )
}


@dataclass(frozen=True)
class ObservationalEvidence(Result):
    """One comparison and outcome: contrasts within studies and, where they can be pooled, their pool.

    `apart` names studies that are shown but not pooled, as they count occlusions or procedures.
    """

    comparison: Comparison
    contrasts: Contrasts
    pool: TwoArmPool | None
    apart: tuple[str, ...]
    why_not: str

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return self.contrasts.rows()


@dataclass(frozen=True)
class Between(Result):
    """Primary against secondary occlusions across studies, by meta-regression.

    `both` names the studies that stand on both sides, whose patients share a hospital and a reader.
    """

    outcome: str
    fit: MetaRegression | None
    primary: int
    secondary: int
    both: tuple[str, ...]
    why_not: str

    @property
    def odds_ratio(self) -> tuple[float, float, float]:
        """Odds ratio of secondary against primary, with its limits."""
        if self.fit is None:
            return (math.nan, math.nan, math.nan)
        at = (self.fit.coefficients[1], self.fit.ci_low[1], self.fit.ci_high[1])
        return (math.exp(at[0]), math.exp(at[1]), math.exp(at[2]))

    def rows(self) -> list[dict[str, Any]]:
        """The coefficients, or nothing."""
        return self.fit.rows() if self.fit is not None else []


def observational(
    evidence: Evidence, kind: Kind, outcome: str, version: str | None = None
) -> ObservationalEvidence:
    """Return one comparison within observational studies.

    Effects are not pooled when no study uses the review's own definition and the others differ, nor when
    fewer than two can be used. Counts of occlusions or procedures are never pooled with patients.
    """
    comparison = COMPARISONS[kind]

    def side(value: str) -> Any:
        def belongs(row: Outcome) -> bool:
            treated = kind == "medical" or row.technique != "control"
            return treated and getattr(row, comparison.column) == value

        return belongs

    found = contrasts(
        evidence,
        outcome,
        lambda study: (
            study.eligibility == "include"
            and study.comparative != "randomised"
            and (kind != "medical" or study.comparative == "observational_comparison")
        ),
        side(comparison.first_value),
        side(comparison.second_value),
        version,
        (comparison.first, comparison.second),
    )
    pool, apart, why = _pool(found, evidence.protocol.primary.level)
    return ObservationalEvidence(comparison, found, pool, apart, why)


def _pool(found: Contrasts, level: float) -> tuple[TwoArmPool | None, tuple[str, ...], str]:
    """Pool what can be pooled: patients with patients, and one meaning of the outcome."""
    if not found.found:
        return None, (), "no study has counts of both arms"
    kept = [item for item in found.found if item.unit == "patients"] or list(found.found)
    apart = tuple(item.label for item in found.found if item not in kept)
    meanings = {item.threshold for item in found.found}
    if len(meanings) > 1 and "" not in meanings:
        return None, apart, "the studies do not mean the same by the outcome"
    part = Contrasts(found.outcome, tuple(kept), ())
    try:
        pool = pool_two_arm(*part.counts, "RR", labels=part.labels, level=level)
    except NoStudies:
        return None, apart, "no study has an event in either arm"
    return pool, apart, "" if pool.k > 1 else "only one study can be used"


def between_studies(evidence: Evidence, outcome: str, version: str | None = None) -> Between:
    """Compare secondary with primary occlusions across studies by logistic meta-regression."""
    from analysis.synthesis.regression import regress

    chosen = evidence.version(version).id
    primary, secondary = (
        select(evidence, Question(population, outcome, version=chosen))
        for population in ("primary", "secondary")
    )
    both = tuple(
        label
        for label, study in zip(secondary.label, secondary.study_id, strict=True)
        if study in primary.study_id
    )
    if secondary.k < 2 or primary.k < 2:
        why = (
            f"it needs two studies or more on either side, and {primary.k} of primary and "
            f"{secondary.k} of secondary occlusions have counts"
        )
        return Between(outcome, None, primary.k, secondary.k, both, why)
    moderator = np.repeat([0.0, 1.0], [primary.k, secondary.k])
    fit = regress(
        np.concatenate([primary.events, secondary.events]),
        np.concatenate([primary.total, secondary.total]),
        moderator,
        names=["secondary"],
        level=evidence.protocol.primary.level,
    )
    return Between(outcome, fit, primary.k, secondary.k, both, "")


def confounding_words(evidence: Evidence, study_id: str) -> str:
    """Say how a study made its groups alike, in the words of the appraisal facts."""
    for row in evidence.appraisal:
        if (row.study_id, row.item) == (study_id, "confounding_handled"):
            if row.value == "yes":
                return row.basis
            return "not reported" if row.value == "not_reported" else f"not handled ({row.basis})"
    return "not reported"
