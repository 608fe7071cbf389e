"""When a pooled rate is not worth leading with: the counts stand in its place.

One rule for every page. Below `FEWEST` studies the variation between studies cannot be told; where the
prediction interval spans more than `WIDEST`, the studies do not answer one question alike. In both cases a
reader is given what was counted, and the estimate stays in the feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.numbers import count, counted, events_of_total, is_missing, share

if TYPE_CHECKING:
    from analysis.synthesis.types import Pooled

__all__ = [
    "FEWEST",
    "TOO_FEW",
    "WIDEST",
    "counts_lead",
    "counts_of",
    "lead_people",
    "lead_reason",
    "rate_words",
    "too_few",
]

#: Fewer studies than this are counted, not pooled.
FEWEST = 3
#: A prediction interval wider than this, as a proportion, says nothing of a new study.
WIDEST = 0.90
#: What stands beside the counts of so few studies.
TOO_FEW = "too few to pool"


def too_few(result: Pooled) -> bool:
    """Tell whether a result holds fewer studies than can be pooled; rows of one study count once."""
    return len(set(result.labels)) < FEWEST


def counts_lead(result: Pooled) -> bool:
    """Tell whether the counts of a result lead, and not its estimate."""
    reach = result.prediction
    if too_few(result):
        return True
    if is_missing(reach.low) or is_missing(reach.high):
        return False
    return float(reach.high - reach.low) > WIDEST


def counts_of(result: Pooled) -> str:
    """Return what was counted in all studies of a result, as events of patients."""
    return events_of_total(result.events.sum(), result.total.sum())


def rate_words(result: Pooled, shown: str) -> str:
    """Return a rate for a table or a list: `shown`, or the counts where they lead."""
    if too_few(result):
        return f"{counts_of(result)}, {TOO_FEW}"
    if counts_lead(result):
        return f"{counts_of(result)}; rates too far apart for one"
    return shown


def lead_people(result: Pooled, studies: str) -> str:
    """Return who had the outcome, as counted: ``"31 of 75 patients (41%; 5 studies)"``."""
    events, total = float(result.events.sum()), float(result.total.sum())
    return f"{count(events)} of {counted(int(total), 'patient')} ({share(events / total)}%; {studies})"


def lead_reason(result: Pooled, shown: str) -> str:
    """Say why the counts lead; `shown` is the estimate with its interval."""
    if too_few(result):
        return f"These are {TOO_FEW}."
    return (
        "The rates of the studies lie too far apart for one rate to stand for them: the prediction interval "
        f"spans more than {share(WIDEST)} points. The random-effects estimate is {shown}."
    )
