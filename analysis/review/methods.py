"""The methods paragraphs, written from the protocol and the settings in force, with their references."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis.report.copyable import Copyable
from analysis.report.html import escape
from analysis.report.readable import plain_note
from analysis.report.references import cite, full_reference
from analysis.report.words import CI_METHODS, MODELS, PREDICTION_METHODS, TAU2_METHODS, and_list, lower_first

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol
    from analysis.evidence.tables import Evidence

__all__ = ["METHOD_REFERENCES", "citation_text", "methods_text"]

#: Setting -> key of the reference that describes it.
METHOD_REFERENCES = {
    "glmm": "stijnen2010",
    "reml": "viechtbauer2005",
    "dl": "dersimonian1986",
    "profile": "hardy1996",
    "knapp-hartung": "knapp2003",
    "t-k-2": "higgins2009",
    "clopper-pearson": "clopper1934",
    "prisma": "page2021",
    "prisma-lsr": "akl2024",
}


def methods_text(evidence: Evidence) -> Copyable:
    """Say how the numbers were pooled, in sentences that follow the protocol, ready to be copied."""
    used: list[str] = []

    def reference(setting: str) -> str:
        """Cite what describes a setting, where something is known to."""
        key = METHOD_REFERENCES.get(setting)
        if key is None:
            return ""
        if key not in used:
            used.append(key)
        return f" {cite(key)}"

    paragraphs = _paragraphs(evidence, reference)
    sources = [escape(text) for text in full_reference(used)]
    return Copyable("methods", "methods text", (*paragraphs, "References", *sources))


def citation_text(evidence: Evidence) -> Copyable:
    """Say how to cite this version of the review."""
    newest = evidence.versions[-1]
    text = (
        f"{evidence.protocol.maintainers}. {evidence.protocol.full_title}. "
        f"Version {newest.id}, evidence public by {newest.cut_off}, data {evidence.data_hash[:12]}."
    )
    return Copyable.of_text("citation", "citation", text)


def _overlap(protocol: Protocol) -> str:
    """Return what the protocol says of reports that share patients, or nothing where it says nothing."""
    said = protocol.text["overlap"]
    words = f"{escape(said['rule'].strip())} " if said.get("rule") else ""
    if said.get("precedence"):
        order = escape(plain_note(", ".join(said["precedence"])))
        words += f"When studies of one group compete, the order of precedence is: {order}. "
    return words


def _paragraphs(evidence: Evidence, note: Callable[[str], str]) -> tuple[str, ...]:
    protocol = evidence.protocol
    choice = protocol.primary
    outcomes = and_list([lower_first(item.label) for item in protocol.main_outcomes])
    subgroups = and_list([lower_first(item.label) for item in protocol.subgroups])
    sensitivity = "; ".join(lower_first(item.label) for item in protocol.sensitivity)
    newest = evidence.versions[-1]
    return (
        f"This living systematic review follows PRISMA{note('prisma')} and its extension for living "
        f"reviews{note('prisma-lsr')}. These are the methods of evidence version {escape(newest.id)}, "
        f"data {escape(evidence.data_hash[:12])}.",
        f"We pooled {escape(outcomes)} with a {escape(MODELS[choice.model])}{note(choice.model)} by "
        f"{escape(TAU2_METHODS[choice.tau2_method])}{note(choice.tau2_method)}. Intervals of the pooled "
        f"rate are {escape(CI_METHODS[choice.ci_method])} intervals{note(choice.ci_method)} at the "
        f"{choice.level:.0%} level; prediction intervals use the "
        f"{escape(PREDICTION_METHODS[choice.prediction_method])}{note(choice.prediction_method)}. "
        f"Intervals of single studies are Clopper-Pearson intervals{note('clopper-pearson')}. "
        f"{escape(choice.reason.strip())}",
        f"{_overlap(protocol)}Counts are of patients; rows that count "
        "occlusions or procedures are left out of the primary analysis. A study's total is never pooled "
        "with its parts.",
        f"Prespecified subgroups are {escape(subgroups or 'none')}. Planned sensitivity analyses: "
        f"{escape(sensitivity or 'none')}.",
    )
