"""Numbers for prose: every value that a Markdown page may quote, by its key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from analysis import __version__
from analysis.living.clock import read_clock
from analysis.report.counts_lead import rate_words
from analysis.report.numbers import count, date_text, percent
from analysis.report.words import MODELS, and_list
from analysis.review.cells import headlines
from analysis.review.session import ROOT

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["facts"]


def facts(evidence: Evidence) -> dict[str, str]:
    """Return key -> text for the substitutions of the book's pages.

    Headline cells give ``rate_<population>_<outcome>_<alias>``, with ``k_`` and ``n_`` beside it; the
    alias is ``window`` for the first version and ``today`` for the newest.
    """
    protocol = evidence.protocol
    states = Counter(study.eligibility for study in evidence.studies)
    window, today = evidence.versions[0], evidence.versions[-1]
    values = {
        "version": today.id,
        "cut_off": date_text(str(today.cut_off)),
        "window_version": window.id,
        "window_cut_off": date_text(str(window.cut_off)),
        "software_version": __version__,
        "data_hash": evidence.data_hash[:12],
        "n_studies_total": count(len(evidence.studies)),
        "n_included": count(states["include"]),
        "n_awaiting": count(states["awaiting"]),
        "n_excluded": count(states["exclude"]),
        "n_rows": count(len(evidence.outcomes)),
        "n_counts": count(sum(row.has_count for row in evidence.outcomes)),
        "n_trials": count(sum(s.comparative == "randomised" for s in evidence.studies)),
        "search_record": _search_record(evidence),
        "model_name": MODELS[protocol.primary.model],
    }
    # `paper_patients_primary` of the protocol is `paper_n_primary` on a page.
    for constant in protocol.constants:
        if constant.key.startswith("paper_"):
            key = constant.key.removeprefix("paper_").removeprefix("patients_")
            values[f"paper_n_{key}"] = count(constant.value)
    clock = read_clock(evidence, today.cut_off, ROOT / "data" / "records.csv", ROOT / "imports" / "runs.csv")
    values["next_due"] = date_text(str(clock.next_due))
    values["overdue_after"] = date_text(str(clock.last_day))
    for name, version in (("window", window), ("today", today)):
        for cell in headlines(evidence, version.id):
            key = f"{cell.question.population}_{cell.question.outcome}_{name}"
            pooled = cell.pooled
            values[f"k_{key}"] = count(cell.counts.k)
            values[f"n_{key}"] = count(pooled.total.sum()) if pooled else "0"
            values[f"rate_{key}"] = (
                rate_words(pooled, percent(pooled.estimate, pooled.ci.low, pooled.ci.high))
                if pooled
                else "no public count"
            )
    return values


def _search_record(evidence: Evidence) -> str:
    """Say behind which versions a database search with recorded hits stands."""
    searched = [item.id for item in evidence.versions if item.searched_on[:1].isdigit()]
    if not searched:
        return "No database search with recorded hits stands behind the present versions."
    if len(searched) == len(evidence.versions):
        return "A database search with recorded hits stands behind every version."
    versions = "version" if len(searched) == 1 else "versions"
    return f"A database search with recorded hits stands behind {versions} {and_list(searched)} and no other."
