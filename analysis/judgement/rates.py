"""Certainty of a pooled single-arm rate, read as prognosis: the numbers and what they suggest.

Certainty here says how sure the rate is. It never says that the treatment caused it.

References
----------
.. [1] Iorio A et al. Use of GRADE for assessment of evidence about prognosis. BMJ 2015.
.. [2] Foroutan F et al. GRADE guidelines 28: use of GRADE for the assessment of evidence about
   prognostic factors. J Clin Epidemiol 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.judgement.appraise import safeguards
from analysis.judgement.levels import Proposal, clamp, join_state
from analysis.report.numbers import count, fixed, is_missing, p_value, percent_range, share
from analysis.results import Result
from analysis.synthesis.bias import regression_test
from analysis.synthesis.prediction import share_beyond
from analysis.synthesis.scales import effects
from analysis.synthesis.special import normal_quantile

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence
    from analysis.judgement.cuts import Cuts
    from analysis.synthesis.types import Pooled

__all__ = ["RateInputs", "information_size", "interval_side", "propose_rate", "rate_inputs"]

#: Safeguards that a study must be known to have to count as guarded.
_ENOUGH_SAFEGUARDS = 2
#: From so many studies on, the spread between them is told with some confidence.
_SEVERAL = 5
_NONE = "No public count, so nothing can be rated"


@dataclass(frozen=True, slots=True)
class RateInputs(Result):
    """What the rules read about one pooled rate; shares are of the weight unless said otherwise.

    `minority` is the share of true rates on the other side of the threshold than the estimate;
    `unread` the share of studies known to hold the patients whose count cannot be read.
    """

    population: str
    outcome: str
    k: int
    n: int
    estimate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    i2: float
    threshold: float
    minority: float
    size_needed: int
    guarded: float
    mixed: float
    unread: float
    small_study_p: float


def rate_inputs(
    evidence: Evidence, counts: Counts, pooled: Pooled | None, awaited: int, cuts: Cuts
) -> RateInputs:
    """Return the inputs of the rules for one headline cell.

    Parameters
    ----------
    evidence, counts, pooled
        The evidence, and the counts and pooled rate of one question.
    awaited
        Number of studies in scope whose count cannot be read.
    cuts
        The cuts of the protocol.
    """
    question = counts.question
    threshold = evidence.protocol.outcome(question.outcome).thresholds[0].value
    unread = awaited / (awaited + counts.k) if awaited + counts.k else math.nan
    nan = math.nan
    if pooled is None:
        return RateInputs(
            question.population, question.outcome, 0, 0, nan, nan, nan, nan, nan, nan, threshold,
            nan, 0, nan, nan, unread, nan,
        )  # fmt: skip
    guards = safeguards(evidence)
    weights = pooled.weights
    guarded = [guards.get(study, 0) >= _ENOUGH_SAFEGUARDS for study in counts.study_id]
    mixed = [evidence.study(study).directness != "direct" for study in counts.study_id]
    above = share_beyond(float(special.logit(threshold)), pooled.mu, pooled.tau2)
    return RateInputs(
        question.population,
        question.outcome,
        pooled.k,
        int(pooled.total.sum()),
        pooled.estimate,
        pooled.ci.low,
        pooled.ci.high,
        pooled.prediction.low,
        pooled.prediction.high,
        pooled.heterogeneity.i2,
        threshold,
        1.0 - above if pooled.estimate >= threshold else above,
        information_size(pooled.estimate, cuts.rate_margin, pooled.settings.level),
        float(weights[np.array(guarded)].sum()),
        float(weights[np.array(mixed)].sum()),
        unread,
        _small_study_p(counts, cuts.small_study_k),
    )


def information_size(rate: float, margin: float, level: float = 0.95) -> int:
    """Return the patients needed to know a rate to within a margin, in one study without clustering.

    Examples
    --------
    >>> information_size(0.5, 0.05)
    385
    """
    return math.ceil(normal_quantile(level) ** 2 * rate * (1.0 - rate) / margin**2)


def interval_side(low: float, high: float, threshold: float) -> str:
    """Say on which side of a threshold an interval lies: ``above``, ``below`` or ``crosses``.

    An interval that only touches the threshold does not cross it.
    """
    if low >= threshold:
        return "above"
    return "below" if high <= threshold else "crosses"


def propose_rate(inputs: RateInputs, cuts: Cuts) -> dict[str, Proposal]:
    """Return what the rules suggest for each domain of one pooled rate."""
    if inputs.k == 0:
        unrated = Proposal("not_rated", _NONE, join_state(count="none"))
        return dict.fromkeys(_DOMAIN_RULES, unrated)
    return {name: rule(inputs, cuts) for name, rule in _DOMAIN_RULES.items()}


def _side(value: float, cut: float) -> str:
    return "majority" if value >= cut else "minority"


def _bias(x: RateInputs, cuts: Cuts) -> Proposal:
    side = _side(x.guarded, cuts.majority)
    reason = (
        f"{share(x.guarded)}% of the weight comes from studies known to have at least two of four "
        "safeguards (prospective, consecutive, outcome judged independently, nobody lost); the others lack "
        "them, or the texts do not say"
    )
    return Proposal(clamp(int(side == "minority")), reason, join_state(guarded=side))


def _inconsistency(x: RateInputs, cuts: Cuts) -> Proposal:
    studies = "one" if x.k == 1 else "few" if x.k < _SEVERAL else "several"
    if x.k == 1:
        return Proposal(
            "not_serious", "One study: nothing to be inconsistent with", join_state(studies=studies)
        )
    split = "yes" if x.minority >= cuts.minority_share else "no"
    missing = is_missing(x.prediction_low) or is_missing(x.prediction_high)
    width = math.nan if missing else x.prediction_high - x.prediction_low
    wide = "unknown" if missing else "yes" if width >= cuts.prediction_width else "no"
    reason = (
        f"{share(x.minority)}% of true rates are estimated on the other side of the threshold of "
        f"{share(x.threshold)}%; "
        + (
            "no prediction interval from so few studies"
            if missing
            else f"a new centre could lie anywhere from {percent_range(x.prediction_low, x.prediction_high)}%"
        )
        + f"; {count(x.k)} studies"
    )
    levels = int(split == "yes") + int(wide == "yes")
    return Proposal(clamp(levels), reason, join_state(studies=studies, split=split, wide=wide))


def _indirectness(x: RateInputs, cuts: Cuts) -> Proposal:
    side = _side(x.mixed, cuts.majority)
    reason = (
        f"{share(x.mixed)}% of the weight comes from studies that include proximal segments or do not name "
        "theirs"
    )
    return Proposal(clamp(int(side == "majority")), reason, join_state(mixed=side))


def _imprecision(x: RateInputs, cuts: Cuts) -> Proposal:
    side = interval_side(x.low, x.high, x.threshold)
    size = "enough" if x.n >= x.size_needed else "short"
    verb = "crosses" if side == "crosses" else f"lies {side}"
    reason = (
        f"The interval of {percent_range(x.low, x.high)}% {verb} the threshold of {share(x.threshold)}%; "
        f"{count(x.n)} patients, {count(x.size_needed)} needed to know the rate to within "
        f"{fixed(100 * cuts.rate_margin)} points"
    )
    levels = int(side == "crosses") + int(size == "short")
    return Proposal(clamp(levels), reason, join_state(ci=side, size=size))


def _missing_results(x: RateInputs, cuts: Cuts) -> Proposal:
    side = _side(x.unread, cuts.majority)
    if is_missing(x.small_study_p):
        test, words = "none", f"fewer than {count(cuts.small_study_k)} studies, so no small-study test"
    else:
        test = "signal" if x.small_study_p < cuts.small_study_p else "quiet"
        words = f"small-study test {p_value(x.small_study_p)}"
    reason = (
        f"For {share(x.unread)}% of the studies known to hold such patients no count can be read; {words}"
    )
    levels = int(side == "majority" or test == "signal")
    return Proposal(clamp(levels), reason, join_state(unread=side, test=test))


_DOMAIN_RULES = {
    "risk_of_bias": _bias,
    "inconsistency": _inconsistency,
    "indirectness": _indirectness,
    "imprecision": _imprecision,
    "publication_bias": _missing_results,
}


def _small_study_p(counts: Counts, at_least: int) -> float:
    """P-value of the regression of logits on 1 / sqrt(n), with random effects.

    The standard error of a logit depends on the rate itself, so sample size stands in its place.
    """
    if counts.k < at_least or len({int(n) for n in counts.total}) < 2:
        return math.nan
    total = counts.total.astype(float)
    study = effects(counts.events.astype(float), total)
    test = regression_test(study.yi, study.vi, predictor="sqrtninv", model="rma", ni=total)
    return test.p_value
