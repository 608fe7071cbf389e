"""Certainty of an effect in the trials: the numbers, where they stand, and what that suggests.

Spread between trials is counted once, as inconsistency: imprecision is read from the interval of the
main method, which does not widen with it.

References
----------
.. [1] Zeng L et al. GRADE guidance 34: update on rating imprecision using a minimally contextualized
   approach. J Clin Epidemiol 2022.
.. [2] Whitehead J. Sample size calculations for ordered categorical data. Stat Med 1993.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.judgement.levels import Proposal, clamp, join_state
from analysis.report.numbers import count, fixed, i_squared, ratio, share
from analysis.results import Result
from analysis.synthesis.special import normal_quantile

if TYPE_CHECKING:
    from analysis.judgement.cuts import Cuts

__all__ = [
    "EffectInputs",
    "disjoint",
    "propose_effect",
    "shift_size",
    "trial_size",
    "zone",
]


@dataclass(frozen=True, slots=True)
class EffectInputs(Result):
    """What the rules read about one outcome of the trials; shares are of the weight unless said otherwise.

    `low` and `high` are the interval of the main method turned so that larger is better: a difference in
    patients per 1,000, or for the shift a log common odds ratio; `important` is on the same scale.
    `judged` is the share of trials with an overall judgement on risk of bias.
    `unread` is the share of trials without a readable count.
    """

    outcome: str
    k: int
    n: int
    ratio: float
    ratio_low: float
    ratio_high: float
    estimate: float
    low: float
    high: float
    important: float
    i2: float
    both_sides: bool
    apart: bool
    size_needed: int
    judged: float
    high_risk: float
    blinded: float
    mixed: float
    unread: float


def zone(value: float, important: float) -> str:
    """Say what a difference means, larger being better: ``benefit``, ``trivial`` or ``harm``.

    Examples
    --------
    >>> zone(60, 50), zone(-10, 50), zone(-50, 50)
    ('benefit', 'trivial', 'harm')
    """
    if value >= important:
        return "benefit"
    return "harm" if value <= -important else "trivial"


def disjoint(intervals: list[tuple[float, float]]) -> bool:
    """Tell whether two of the intervals have no value in common.

    Examples
    --------
    >>> disjoint([(0, 2), (1, 3)]), disjoint([(0, 1), (2, 3)])
    (False, True)
    """
    return max(low for low, _ in intervals) > min(high for _, high in intervals)


def trial_size(baseline: float, change: float, power: float, level: float = 0.95) -> int:
    """Return the patients, both arms together, that show a relative change of a risk with a given power.

    `change` is signed: 0.25 for a rise by a quarter, -0.25 for a fall.

    Examples
    --------
    >>> trial_size(0.2, -0.25, 0.8)
    1806
    """
    other = min(max(baseline * (1.0 + change), 0.0), 1.0)
    # normal_quantile is two-sided: the level 2 * power - 1 has its upper end at `power`.
    total = normal_quantile(level) + normal_quantile(2.0 * power - 1.0)
    variance = baseline * (1.0 - baseline) + other * (1.0 - other)
    return 2 * math.ceil(total**2 * variance / (baseline - other) ** 2)


def shift_size(shares: list[float], odds_ratio: float, power: float, level: float = 0.95) -> int:
    """Return Whitehead's number of patients, both arms together, that show a common odds ratio.

    `shares` are the shares of patients by grade, both arms taken together.

    Examples
    --------
    >>> shift_size([0.25, 0.25, 0.25, 0.25], 2.0, 0.9)
    280
    """
    total = normal_quantile(level) + normal_quantile(2.0 * power - 1.0)
    left = 1.0 - sum(value**3 for value in shares)
    return math.ceil(12.0 * total**2 / (math.log(odds_ratio) ** 2 * left))


def propose_effect(inputs: EffectInputs, cuts: Cuts) -> dict[str, Proposal]:
    """Return what the rules suggest for each domain of one outcome of the trials."""
    return {name: rule(inputs, cuts) for name, rule in _DOMAIN_RULES.items()}


def _bias(x: EffectInputs, cuts: Cuts) -> Proposal:
    """Lower for high risk, and for outcomes not assessed blind; what is not assessable is serious."""
    judged = "majority" if x.judged >= cuts.majority else "minority"
    high = "majority" if x.high_risk >= cuts.majority else "minority"
    blinded = "majority" if x.blinded >= cuts.majority else "minority"
    reason = (
        f"{share(x.judged)}% of the weight comes from trials with an overall judgement on risk of bias"
        f"{', so it is not assessable and counts as serious' if judged == 'minority' else ''}; "
        f"{share(x.high_risk)}% from trials judged at high risk; {share(x.blinded)}% from trials whose "
        "outcomes were assessed blind"
    )
    levels = int(high == "majority") + int("minority" in (judged, blinded))
    return Proposal(clamp(levels), reason, join_state(judged=judged, high_risk=high, blinded=blinded))


def _inconsistency(x: EffectInputs, cuts: Cuts) -> Proposal:
    if x.k == 1:
        return Proposal("not_serious", "One trial: nothing to be inconsistent with", join_state(trials="one"))
    large = "yes" if x.i2 >= cuts.i2 else "no"
    sides = "both" if x.both_sides else "one"
    apart = "yes" if x.apart else "no"
    reason = (
        f"I² {i_squared(x.i2)}; estimates lie on {'both sides' if x.both_sides else 'one side'} of no "
        "difference; "
        f"{'some' if x.apart else 'no'} intervals of trials lie apart; {count(x.k)} trials"
    )
    levels = 0
    if x.i2 >= cuts.i2:
        levels = int(x.both_sides or x.apart) + int(x.both_sides and x.apart)
    return Proposal(clamp(levels), reason, join_state(i2_large=large, sides=sides, apart=apart))


def _indirectness(x: EffectInputs, cuts: Cuts) -> Proposal:
    side = "majority" if x.mixed >= cuts.majority else "minority"
    reason = f"{share(x.mixed)}% of the weight comes from trials that include M2 trunk, A1 or P1"
    return Proposal(clamp(int(side == "majority")), reason, join_state(mixed=side))


def _imprecision(x: EffectInputs, cuts: Cuts) -> Proposal:
    low, high = zone(x.low, x.important), zone(x.high, x.important)
    size = "enough" if x.n >= x.size_needed else "short"
    zones = 0 if low == high else 2 if {low, high} == {"harm", "benefit"} else 1
    if x.outcome == "mrs_shift":
        span = f"{ratio(x.ratio, x.ratio_low, x.ratio_high)} as common odds ratio"
        cut = f"{fixed(cuts.important_ratio, 2)} or its inverse"
    else:
        ends = sorted((x.low, x.high))
        span = f"{fixed(ends[0])} to {fixed(ends[1])} per 1000, larger being better"
        cut = f"{count(x.important)} per 1000"
    reason = (
        f"The interval ({span}) reaches from {low} to {high}, where {cut} is the smallest difference that "
        "matters; "
        f"{count(x.n)} patients, {count(x.size_needed)} needed"
    )
    levels = max(zones, int(size == "short"))
    return Proposal(clamp(levels), reason, join_state(low=low, high=high, size=size))


def _missing_results(x: EffectInputs, cuts: Cuts) -> Proposal:
    side = "majority" if x.unread >= cuts.majority else "minority"
    reason = (
        f"For {share(x.unread)}% of the trials known no count can be read; too few trials for a "
        "small-study test"
    )

    return Proposal(clamp(int(side == "majority")), reason, join_state(unread=side))


_DOMAIN_RULES = {
    "risk_of_bias": _bias,
    "inconsistency": _inconsistency,
    "indirectness": _indirectness,
    "imprecision": _imprecision,
    "publication_bias": _missing_results,
}
