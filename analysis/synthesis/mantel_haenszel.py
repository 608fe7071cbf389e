"""Mantel-Haenszel pooling of two-arm counts: odds ratio, risk ratio and risk difference.

Zero cells are not corrected by default: the sums need no correction as long as both arms have events.
The variances are those of Robins, Breslow and Greenland (OR), Greenland and Robins (RR), and Sato,
Greenland and Robins (RD); meta prints Greenland and Robins for RD, which `variance` offers.

References
----------
.. [1] Robins J, Breslow N, Greenland S. Estimators of the Mantel-Haenszel variance consistent in both
   sparse data and large-strata limiting models. Biometrics 1986.
.. [2] Greenland S, Robins JM. Estimation of a common effect parameter from sparse follow-up data.
   Biometrics 1985.
.. [3] Sato T. On the variance estimator for the Mantel-Haenszel risk difference. Biometrics 1989.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.results import Result
from analysis.synthesis._two_arm_common import wald
from analysis.synthesis.checks import check_choice, check_level, check_number
from analysis.synthesis.heterogeneity import i2_from_q
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.two_by_two import Tables, check_tables, two_arm_effects
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["CommonEffect", "mantel_haenszel"]


@dataclass(frozen=True, slots=True)
class CommonEffect(Result):
    """A common effect of two-arm studies with its tests; ratios are on the log scale.

    `association` is the Cochran-Mantel-Haenszel statistic, `breslow_day` and `tarone` test that the
    odds ratios are equal; they are nan where they do not apply. `k` counts all studies, `k_q` those
    that enter Q.
    """

    measure: str
    method: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float
    association: float
    association_p: float
    breslow_day: float
    breslow_day_p: float
    tarone: float
    tarone_p: float
    k: int
    k_q: int
    level: float
    notes: tuple[str, ...] = ()


def mantel_haenszel(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    measure: Literal["OR", "RR", "RD"] = "RR",
    *,
    amount: float = 0.0,
    variance: Literal["sato", "greenland-robins"] = "sato",
    continuity: bool = True,
    drop00: bool = True,
    level: float = 0.95,
) -> CommonEffect:
    """Pool two-arm counts by Mantel-Haenszel.

    Parameters
    ----------
    events1, total1, events2, total2
        Counts of the two arms.
    measure
        ``"OR"``, ``"RR"`` or ``"RD"``.
    amount
        Added to all cells of studies with a zero cell. Zero: nothing is added.
    variance
        Of the risk difference.
    continuity
        Whether the association test takes 0.5 off the difference.
    drop00
        Leave studies without events, or with events only, in both arms out of Q.
    level
        Level of the interval.

    Examples
    --------
    >>> fit = mantel_haenszel([4, 3], [20, 15], [8, 5], [20, 15], "RR")
    >>> round(fit.estimate, 6), round(fit.se, 6)
    (-0.619039, 0.403283)
    """
    level = check_level(level)
    amount = check_number(amount, "amount", low=0.0)
    check_choice(variance, ("sato", "greenland-robins"), "variance")
    check_choice(measure, ("OR", "RR", "RD"), "measure")
    raw = check_tables(events1, total1, events2, total2)
    tables = raw
    if amount:
        zero = (raw.a == 0) | (raw.b == 0) | (raw.c == 0) | (raw.d == 0)
        add = np.where(zero, amount, 0.0)
        tables = Tables(raw.a + add, raw.n1 + 2 * add, raw.c + add, raw.n2 + 2 * add)
    estimate, se = _ESTIMATORS[measure](tables, variance)
    q, df = _cochran(raw, measure, estimate, drop00)
    association = association_p = day = day_p = tarone = tarone_p = math.nan
    if measure == "OR":
        association, association_p = _association(tables, continuity)
        day, day_p, tarone, tarone_p = _homogeneity(tables, estimate)
    notes = () if math.isfinite(estimate) else ("no events in an arm: the ratio has no estimate",)
    return CommonEffect(
        measure,
        "Mantel-Haenszel",
        estimate,
        se,
        *wald(estimate, se, level),
        q,
        df,
        float(chi2_tail(q, df)),
        i2_from_q(q, df),
        q / df if df > 0 else 1.0,
        association,
        association_p,
        day,
        day_p,
        tarone,
        tarone_p,
        int(raw.a.size),
        df + 1,
        level,
        notes,
    )


def _odds_ratio(t: Tables, _: str) -> tuple[float, float]:
    n = t.n1 + t.n2
    p, q = (t.a + t.d) / n, (t.b + t.c) / n
    r, s = t.a * t.d / n, t.b * t.c / n
    top, bottom = float(r.sum()), float(s.sum())
    if top == 0 or bottom == 0:
        return math.nan, math.nan
    v = (p @ r) / top**2 + (p @ s + q @ r) / (top * bottom) + (q @ s) / bottom**2
    return math.log(top) - math.log(bottom), math.sqrt(float(v) / 2.0)


def _risk_ratio(t: Tables, _: str) -> tuple[float, float]:
    n = t.n1 + t.n2
    top, bottom = float((t.a * t.n2 / n).sum()), float((t.c * t.n1 / n).sum())
    if top == 0 or bottom == 0:
        return math.nan, math.nan
    v = float((t.n1 * t.n2 / n**2 * (t.a + t.c) - t.a * t.c / n).sum())
    return math.log(top) - math.log(bottom), math.sqrt(v / (top * bottom))


def _risk_difference(t: Tables, variance: str) -> tuple[float, float]:
    n = t.n1 + t.n2
    weight = t.n1 * t.n2 / n
    whole = float(weight.sum())
    estimate = float((t.a * t.n2 / n - t.c * t.n1 / n).sum()) / whole
    if variance == "greenland-robins":
        v = float((weight**2 * (t.a * t.b / t.n1**3 + t.c * t.d / t.n2**3)).sum())
        return estimate, math.sqrt(v) / whole
    if variance != "sato":
        raise ValueError(f"unknown variance {variance!r}; known: sato, greenland-robins")
    u, w = t.n1 / n, t.n2 / n
    first = float((t.c * u**2 - t.a * w**2 + u * w * (t.n2 - t.n1) / 2.0).sum())
    second = float((t.a * t.d / n + t.c * t.b / n).sum()) / 2.0
    return estimate, math.sqrt(estimate * first + second) / whole


_ESTIMATORS = {"OR": _odds_ratio, "RR": _risk_ratio, "RD": _risk_difference}


def _cochran(raw: Tables, measure: str, estimate: float, drop00: bool) -> tuple[float, int]:
    """Q about the pooled estimate, zero cells corrected by 0.5."""
    pick: Any = measure
    study = two_arm_effects(raw.a, raw.n1, raw.c, raw.n2, pick, drop00=drop00)
    use = study.usable
    df = int(use.sum()) - 1
    if df < 1:
        return 0.0, max(df, 0)
    if not math.isfinite(estimate):
        return math.nan, df
    return float(((study.yi[use] - estimate) ** 2 / study.vi[use]).sum()), df


def _association(t: Tables, continuity: bool) -> tuple[float, float]:
    n, events = t.n1 + t.n2, t.a + t.c
    if not events.any() or not (n - events).any():
        return math.nan, math.nan
    spread = t.n1 / n * (t.n2 / n) * (events * ((n - events) / (n - 1.0)))
    shift = abs(float((t.a - t.n1 / n * events).sum())) - (0.5 if continuity else 0.0)
    statistic = shift**2 / float(spread.sum())
    return statistic, float(chi2_tail(statistic, 1))


def _homogeneity(t: Tables, estimate: float) -> tuple[float, float, float, float]:
    """Breslow-Day statistic and Tarone's correction of it."""
    if not math.isfinite(estimate):
        return math.nan, math.nan, math.nan, math.nan
    ratio, events = math.exp(estimate), t.a + t.c
    expected = _expected(t, ratio, events)
    use = (expected > 0) & (events > 0) & (t.b + t.d > 0)
    e, x, n1, m = expected[use], t.a[use], t.n1[use], events[use]
    v = 1.0 / (1 / e + 1 / (n1 - e) + 1 / (m - e) + 1 / (t.n2[use] - m + e))
    day = max(0.0, float(((x - e) ** 2 / v).sum()))
    tarone = max(0.0, day - float((x - e).sum()) ** 2 / float(v.sum()))
    df = int(use.sum()) - 1
    if df < 1:
        return day, math.nan, tarone, math.nan
    return day, float(chi2_tail(day, df)), tarone, float(chi2_tail(tarone, df))


def _expected(t: Tables, ratio: float, events: FloatArray) -> FloatArray:
    """Events of the first arm that give the common odds ratio with the margins kept."""
    a = ratio * (t.n1 + events) + (t.n2 - events)
    root = np.sqrt(a * a - 4.0 * t.n1 * events * ratio * (ratio - 1.0))
    # The smaller root without the difference of near-equal numbers.
    return 2.0 * t.n1 * events * ratio / (a + root)
