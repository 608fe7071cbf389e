"""The review itself: protocol questions put to the evidence, pooled, and laid out for the chapters.

This is the one room that knows both the data and the engine. Chapters import it as a façade
(``from analysis import review``) and only call and show.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Public name -> module that defines it.
_PUBLIC: dict[str, str] = {
    "load": "analysis.review.session",
    "check_lines": "analysis.review.checked",
    "headline": "analysis.review.cells",
    "headlines": "analysis.review.cells",
    "answers": "analysis.review.landing",
    "overview_figure": "analysis.review.landing",
    "headline_table": "analysis.review.overview",
    "reproduction_studies": "analysis.review.overview",
    "reproduction_table": "analysis.review.overview",
    "versions_table": "analysis.review.overview",
    "pooled_section": "analysis.review.sections",
    "results_section": "analysis.review.sections",
    "subgroup_section": "analysis.review.sections",
    "characteristics_table": "analysis.review.described",
    "completeness_table": "analysis.review.described",
    "doubts_table": "analysis.review.described",
    "left_out_table": "analysis.review.described",
    "studies_flow": "analysis.review.described",
    "characteristics_figure": "analysis.review.described",
    "dictionary": "analysis.review.described",
    "trials_table": "analysis.review.others",
    "trial_counts_table": "analysis.review.others",
    "trial_section": "analysis.review.trials_shown",
    "shift_section": "analysis.review.trials_shown",
    "missing_trials_table": "analysis.review.trials_shown",
    "trial_estimates": "analysis.review.trials",
    "observational_section": "analysis.review.observational_shown",
    "between_section": "analysis.review.observational_shown",
    "confounding_table": "analysis.review.observational_shown",
    "appraisal_tools_table": "analysis.review.appraisal",
    "appraisal_section": "analysis.review.appraisal",
    "appraisal_forest": "analysis.review.appraisal",
    "levels_section": "analysis.review.appraisal",
    "rate_findings_table": "analysis.review.certainty",
    "effect_findings_table": "analysis.review.certainty",
    "certainty_reasons_table": "analysis.review.certainty",
    "certainty_cuts_table": "analysis.review.certainty",
    "judge_again_section": "analysis.review.certainty",
    "records_flow": "analysis.review.described",
    "rivals_table": "analysis.review.others",
    "multiverse_overview": "analysis.review.multiverse",
    "multiverse_section": "analysis.review.multiverse",
    "methods_text": "analysis.review.methods",
    "citation_text": "analysis.review.methods",
    "studies_table": "analysis.review.provenance",
    "study_page": "analysis.review.provenance",
    "audit_sentence": "analysis.review.audit",
    "audit_checks": "analysis.review.audit",
    "audit_explained": "analysis.review.audit",
    "overlap_table": "analysis.review.audit",
    "agreement_fields": "analysis.review.agreement",
    "agreement_pairs": "analysis.review.agreement",
    "disagreements_table": "analysis.review.agreement",
    "sensitivity_section": "analysis.review.sensitivity_shown",
    "sensitivity_summary": "analysis.review.sensitivity_shown",
    "sensitivity_table": "analysis.review.sensitivity",
    "comparison_figures": "analysis.review.comparison",
    "comparison_table": "analysis.review.comparison",
    "comparison_left_out": "analysis.review.comparison",
    "whats_new_section": "analysis.review.living",
    "diff_section": "analysis.review.living",
    "time_machine_table": "analysis.review.living",
    "clock_section": "analysis.review.living",
    "notices_section": "analysis.review.living",
    "cumulative_section": "analysis.review.cumulative",
    "trials_over_time": "analysis.review.cumulative",
    "sequential_section": "analysis.review.cumulative",
    "checklist_summary": "analysis.review.checklist",
    "checklist_table": "analysis.review.checklist",
    "strategies_section": "analysis.review.strategies_shown",
    "facts": "analysis.review.prose",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'analysis.review' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
