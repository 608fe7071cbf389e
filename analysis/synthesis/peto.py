"""Peto's one-step odds ratio of two-arm counts.

References
----------
.. [1] Yusuf S et al. Beta blockade during and after myocardial infarction. Prog Cardiovasc Dis 1985.
"""

from __future__ import annotations

import math

from analysis.synthesis._two_arm_common import wald
from analysis.synthesis.checks import check_level
from analysis.synthesis.counts import CountsError
from analysis.synthesis.heterogeneity import i2_from_q
from analysis.synthesis.mantel_haenszel import CommonEffect
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.two_by_two import check_tables
from analysis.synthesis.types import Numbers

__all__ = ["peto_odds_ratio"]


def peto_odds_ratio(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    *,
    level: float = 0.95,
) -> CommonEffect:
    """Pool two-arm counts by Peto's method; the estimate is a log odds ratio.

    With O and E the observed and expected events of the first arm and V the hypergeometric variance,
    the estimate is ``sum(O - E) / sum(V)`` with variance ``1 / sum(V)``.

    Examples
    --------
    >>> fit = peto_odds_ratio([4, 3], [20, 15], [8, 5], [20, 15])
    >>> round(fit.estimate, 6), round(fit.se, 6)
    (-0.817197, 0.521918)
    """
    level = check_level(level)
    t = check_tables(events1, total1, events2, total2)
    n, events = t.n1 + t.n2, t.a + t.c
    excess = t.a - events * t.n1 / n
    v = events * (n - events) * (t.n1 / n) * (t.n2 / n) / (n - 1.0)
    whole = float(v.sum())
    if whole == 0:
        raise CountsError("no study has both events and non-events: nothing can be compared")
    estimate, se = float(excess.sum()) / whole, math.sqrt(1.0 / whole)
    use = v > 0
    q = max(0.0, float((excess[use] ** 2 / v[use]).sum()) - float(excess[use].sum()) ** 2 / whole)
    df = int(use.sum()) - 1
    return CommonEffect(
        "OR",
        "Peto",
        estimate,
        se,
        *wald(estimate, se, level),
        q,
        df,
        float(chi2_tail(q, df)) if df > 0 else 1.0,
        i2_from_q(q, df) if df > 0 else 0.0,
        q / df if df > 0 else 1.0,
        math.nan,
        math.nan,
        math.nan,
        math.nan,
        math.nan,
        math.nan,
        int(t.a.size),
        df + 1,
        level,
    )
