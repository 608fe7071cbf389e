"""Absolute effects from a relative one and a baseline risk, per 1,000 patients, and number needed to treat.

References
----------
.. [1] Higgins JPT et al (eds). Cochrane Handbook for Systematic Reviews of Interventions, section 15.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_number

__all__ = ["AbsoluteEffect", "absolute_effect"]


@dataclass(frozen=True, slots=True)
class AbsoluteEffect(Result):
    """Risks of both arms and their difference per `per` patients, with limits from the relative effect.

    `nnt` is the number needed to treat for one patient more (positive) or fewer (negative) with the
    outcome; its limits are nan when the interval of the difference includes zero.
    """

    measure: str
    baseline: float
    risk: float
    risk_low: float
    risk_high: float
    difference: float
    difference_low: float
    difference_high: float
    per: int
    nnt: float
    nnt_low: float
    nnt_high: float


def absolute_effect(
    estimate: float,
    low: float,
    high: float,
    baseline: float,
    measure: Literal["OR", "RR", "RD"] = "RR",
    *,
    per: int = 1000,
) -> AbsoluteEffect:
    """Return what a relative effect means for patients with a baseline risk.

    The interval carries the uncertainty of the relative effect alone; the baseline is taken as given.

    Parameters
    ----------
    estimate, low, high
        Relative effect and limits: ratios for ``"OR"`` and ``"RR"``, a difference for ``"RD"``.
    baseline
        Risk without the treatment, between 0 and 1.
    measure
        Of the relative effect.
    per
        Patients that the difference is counted in.

    Examples
    --------
    >>> effect = absolute_effect(0.8, 0.7, 0.9, 0.2)
    >>> round(effect.difference, 6), round(effect.nnt, 6)
    (-40.0, -25.0)
    """
    if not 0.0 <= baseline <= 1.0:
        raise ValueError(f"baseline risk {baseline!r} is not between 0 and 1")
    check_choice(measure, ("OR", "RR", "RD"), "measure")
    check_number(per, "per", low=0.0, open_low=True)
    for name, value in (("estimate", estimate), ("low", low), ("high", high)):
        if math.isnan(value):
            raise ValueError(f"{name} is nan, not a number")
    if measure != "RD" and min(estimate, low, high) < 0:
        raise ValueError("a ratio cannot be negative; was it left on the log scale?")

    def risk_of(effect: float) -> float:
        if measure == "RD":
            value = baseline + effect
        elif measure == "RR":
            value = baseline * effect
        elif math.isinf(effect):
            value = 1.0
        else:
            value = baseline * effect / (1.0 - baseline + baseline * effect)
        return min(1.0, max(0.0, value))

    risks = [risk_of(value) for value in (estimate, low, high)]
    differences = [risk - baseline for risk in risks]
    crosses = differences[1] <= 0.0 <= differences[2]
    nnt = [math.inf if d == 0 else 1.0 / d for d in differences]
    # Of two limits on one side the larger difference is the smaller number of patients.
    limits = (math.nan, math.nan) if crosses else (nnt[2], nnt[1])
    return AbsoluteEffect(
        measure=measure,
        baseline=baseline,
        risk=risks[0],
        risk_low=risks[1],
        risk_high=risks[2],
        difference=per * differences[0],
        difference_low=per * differences[1],
        difference_high=per * differences[2],
        per=per,
        nnt=nnt[0],
        nnt_low=limits[0],
        nnt_high=limits[1],
    )
