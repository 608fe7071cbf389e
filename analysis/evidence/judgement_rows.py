"""Rows of the tables that hold judgements: appraisal tools, risk of bias, certainty."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.evidence.rows import CoreRow

__all__ = ["AppraisalDomain", "Certainty", "Judgement"]


@dataclass(frozen=True, slots=True)
class AppraisalDomain(CoreRow):
    """One domain of an appraisal tool, with the rule that fills it from a fact."""

    row: int
    tool: str
    version: str
    applies_to: str
    domain: str
    label: str
    question: str
    levels: str
    fact: str
    if_yes: str
    if_no: str
    rule: str
    source: str


@dataclass(frozen=True, slots=True)
class Judgement(CoreRow):
    """One judgement on risk of bias: a study, a tool and a domain."""

    row: int
    study_id: str
    tool: str
    domain: str
    judgement: str
    reason: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Certainty(CoreRow):
    """One judgement on certainty: a body of evidence, an outcome and a domain."""

    row: int
    body: str
    population: str
    outcome: str
    domain: str
    judgement: str
    reason: str
    state: str
    judged_version: str
    status: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Body, population, outcome and domain."""
        return (self.body, self.population, self.outcome, self.domain)
