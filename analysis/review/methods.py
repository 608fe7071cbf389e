"""The methods paragraph, written from the protocol and the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.section import Paragraph, Section
from analysis.report.words import CI_METHODS, MODELS, PREDICTION_METHODS, TAU2_METHODS, and_list, lower_first

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["methods_text"]


def methods_text(evidence: Evidence) -> Section:
    """Say how the numbers were pooled, in sentences that follow the protocol."""
    return Section(tuple(Paragraph(text) for text in _paragraphs(evidence)))


def _paragraphs(evidence: Evidence) -> list[str]:
    protocol = evidence.protocol
    choice = protocol.primary
    outcomes = and_list([lower_first(item.label) for item in protocol.main_outcomes])
    subgroups = and_list([lower_first(item.label) for item in protocol.subgroups])
    sensitivity = and_list([lower_first(item.label) for item in protocol.sensitivity])
    return [
        f"We pooled {outcomes} with a {MODELS[choice.model]} by "
        f"{TAU2_METHODS[choice.tau2_method]}. Intervals of the pooled rate are "
        f"{CI_METHODS[choice.ci_method]} intervals at the {choice.level:.0%} level; prediction "
        f"intervals use the {PREDICTION_METHODS[choice.prediction_method]}. Intervals of single "
        "studies are Clopper-Pearson intervals. "
        f"{choice.reason.strip()}",
        f"{protocol.text['overlap']['rule'].strip()} When studies of one group compete, the order "
        f"of precedence is: {', '.join(protocol.text['overlap']['precedence'])}. Counts are of "
        "patients; rows that count occlusions or procedures are left out of the primary analysis. "
        "A study's total is never pooled with its parts.",
        f"Prespecified subgroups are {subgroups}. Planned sensitivity analyses: {sensitivity}.",
    ]
