"""Comparisons within observational studies, never mixed with trials.

Three kinds of comparison: treated against control, one technique against another, and one population
against another. Each compares arms of the same study; what differs between studies is asked apart, by
meta-regression. Which rows make up an arm, and what it is called, is read from the protocol.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.evidence.compared import compared_arms
from analysis.evidence.select import Question, select
from analysis.report.words import lower_first
from analysis.results import Result
from analysis.review.two_arms import Contrasts, contrasts
from analysis.synthesis.counts import NoStudies
from analysis.synthesis.two_arm import TwoArmPool, pool_two_arm

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome, Study
    from analysis.synthesis.regression import MetaRegression

__all__ = [
    "MEDICAL",
    "POPULATIONS",
    "Between",
    "Comparison",
    "ObservationalEvidence",
    "between_studies",
    "comparative_studies",
    "comparison",
    "comparisons",
    "confounding_words",
    "observational",
]

#: Key of a comparison: these two, or two levels of the technique as in ``sr_asp``.
MEDICAL, POPULATIONS = "medical", "kind"
_TECHNIQUE = "technique"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: the names of its arms, and the values of a column that make up each."""

    key: str
    first: str
    second: str
    column: str
    first_values: tuple[str, ...]
    second_values: tuple[str, ...]

    def side(self, row: Outcome) -> int | None:
        """Return 0 when a row belongs to the first arm, 1 for the second, else ``None``."""
        value = getattr(row, self.column)
        for place, values in enumerate((self.first_values, self.second_values)):
            if value in values:
                return place
        return None


def comparisons(evidence: Evidence) -> dict[str, Comparison]:
    """Return every comparison that the protocol allows, by its key."""
    arms = compared_arms(evidence.protocol)
    treated, control = arms.treated, arms.control
    found = [Comparison(MEDICAL, treated.label, control.label, "arm_id", treated.keys, control.keys)]
    levels = [
        level for item in evidence.protocol.subgroups if item.key == _TECHNIQUE for level in item.levels
    ]
    for one, other in permutations(levels, 2):
        key = f"{one.key}_{other.key}".lower()
        names = (lower_first(one.label), lower_first(other.label))
        found.append(Comparison(key, *names, _TECHNIQUE, (one.key,), (other.key,)))
    first, second, *_ = (*evidence.protocol.populations, None, None)
    if first is not None and second is not None:
        words = [f"{lower_first(item.short_label)} occlusion" for item in (second, first)]
        found.append(Comparison(POPULATIONS, *words, "occlusion", second.occlusions, first.occlusions))
    return {item.key: item for item in found}


def comparison(evidence: Evidence, key: str) -> Comparison:
    """Return one comparison.

    Raises
    ------
    ValueError
        When the protocol knows no such comparison.
    """
    known = comparisons(evidence)
    if key not in known:
        raise ValueError(f"no comparison {key!r}; known: {', '.join(known)}")
    return known[key]


def comparative_studies(evidence: Evidence, *, medical: bool) -> tuple[Study, ...]:
    """Return the observational comparisons included: of treated with control, or of anything else.

    What a study compares is read from its rows, whether or not they hold a count.
    """
    against = comparison(evidence, MEDICAL)
    sides: dict[str, set[int | None]] = {}
    for row in evidence.outcomes:
        sides.setdefault(row.study_id, set()).add(against.side(row))
    return tuple(
        study
        for study in evidence.studies
        if study.comparative == "observational_comparison"
        and study.eligibility == "include"
        and ({0, 1} <= sides.get(study.study_id, set())) == medical
    )


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
    evidence: Evidence, kind: str, outcome: str, version: str | None = None
) -> ObservationalEvidence:
    """Return one comparison within observational studies.

    Effects are not pooled when no study uses the review's own definition and the others differ, nor when
    fewer than two can be used. Counts of occlusions or procedures are never pooled with patients.
    """
    asked = comparison(evidence, kind)
    controls = comparison(evidence, MEDICAL).second_values

    def side(place: int) -> Callable[[Outcome], bool]:
        def belongs(row: Outcome) -> bool:
            treated = kind == MEDICAL or row.arm_id not in controls
            return treated and asked.side(row) == place

        return belongs

    found = contrasts(
        evidence,
        outcome,
        lambda study: (
            study.eligibility == "include"
            and study.comparative != "randomised"
            and (kind != MEDICAL or study.comparative == "observational_comparison")
        ),
        side(0),
        side(1),
        version,
        (asked.first, asked.second),
    )
    pool, apart, why = _pool(found, evidence.protocol.primary.level)
    return ObservationalEvidence(asked, found, pool, apart, why)


def _pool(found: Contrasts, level: float) -> tuple[TwoArmPool | None, tuple[str, ...], str]:
    """Pool what can be pooled: patients with patients, and one meaning of the outcome."""
    if not found.found:
        return None, (), "no study has counts of both arms"
    kept = [item for item in found.found if item.unit == "patients"] or list(found.found)
    apart = tuple(item.label for item in found.found if item not in kept)
    meanings = {item.threshold for item in found.found}
    if len(meanings) > 1 and "" not in meanings:
        return None, apart, "the studies do not mean the same by the outcome"
    part = found.part({item.label for item in kept})
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
    """Say how a study made its groups alike, in the words of the appraisal facts.

    Where the words are those of the whole design, the clause that names the method is taken from them.
    """
    for row in evidence.appraisal:
        if (row.study_id, row.item) == (study_id, "confounding_handled"):
            if row.value == "yes":
                return _method(row.basis)
            return "not reported" if row.value == "not_reported" else f"not handled ({row.basis})"
    return "not reported"


#: Words of a method that makes groups alike.
_ALIKE = re.compile(r"propensity|match|weight|iptw|adjust|regress|stratif|randomi[sz]", re.IGNORECASE)


def _method(basis: str) -> str:
    """Return the clauses that name a method, or all the words when none does.

    Examples
    --------
    >>> _method("registry, one centre; propensity matching (age, sex)"), _method("as the authors say")
    ('propensity matching (age, sex)', 'as the authors say')
    """
    clauses = re.split(r"[;,]\s*(?![^()]*\))", basis)
    return ", ".join(clause for clause in clauses if _ALIKE.search(clause)) or basis
