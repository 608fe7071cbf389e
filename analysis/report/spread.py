"""Why the interval of the variance between studies may begin at zero while a test finds differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.report.counts_lead import too_few
from analysis.report.numbers import count, is_missing, p_value, share, statistic

if TYPE_CHECKING:
    from analysis.synthesis.types import Pooled

__all__ = ["interval_from_zero"]

_NOTE = "interval of tau2: the interval includes tau2 = 0"
#: Below this p the test finds that the studies differ.
_DIFFER = 0.05
#: The studies named make this share of the statistic, unless that takes more than `_MOST` of them.
_SHARE, _MOST = 0.6, 3


def interval_from_zero(result: Pooled, note: str) -> str:
    """Return the reason for an interval of τ² from zero, from the counts; empty for another remark.

    The likelihood-ratio test asks whether the studies differ in any way. The interval asks for a spread
    that one normal distribution describes. A few studies far from the others move the first more than the
    second; they are named with what they add.
    """
    found = result.heterogeneity
    if note != _NOTE or result.settings.model != "glmm":
        return ""
    start = "The interval of the variance between studies begins at zero"
    if is_missing(found.lrt) or too_few(result):
        return f"{start}."
    if not found.lrt_p < _DIFFER:
        return f"{start}, and the likelihood-ratio test shows no difference between them either."
    from analysis.synthesis.deviance import common_rate

    common = common_rate(result.events, result.total)
    whole = float(common.deviance.sum())
    order = np.argsort(-common.deviance, kind="stable")
    parts = np.cumsum(common.deviance[order]) / whole
    needed = min(int(np.searchsorted(parts, _SHARE)) + 1, _MOST)
    names = [
        f"{result.labels[place]} ({count(result.events[place])}/{count(result.total[place])})"
        for place in order[:needed]
    ]
    listed = names[0] if needed == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    zero = max(0.0, 2 * (result.log_likelihood - common.log_likelihood))
    return (
        f"{start}, although the likelihood-ratio test finds that they differ ({p_value(found.lrt_p)}). That "
        f"test asks for any departure from one common rate of {share(common.rate)}%, and "
        f"{share(float(parts[needed - 1]))}% of its statistic of {statistic(whole)} comes from {listed}. The "
        "interval asks for a spread that a normal distribution of all the studies describes: against none "
        f"the likelihood ratio is {statistic(zero)}, too little to rule out zero."
    )
