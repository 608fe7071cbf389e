"""Bodies of evidence to be graded, with their inputs and what the rules suggest for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from analysis.judgement.appraise import NOT_JUDGED, OPEN, derive
from analysis.judgement.cuts import read_cuts
from analysis.judgement.effects import EffectInputs, disjoint, propose_effect, shift_size, trial_size
from analysis.judgement.levels import DOMAINS, LOWERS, Proposal, overall_level
from analysis.judgement.rates import RateInputs, propose_rate, rate_inputs
from analysis.judgement.recheck import Recheck, recheck
from analysis.review.cells import hashed, headline
from analysis.review.trials import TRIAL_OUTCOMES, Shift, TrialEvidence, trial_evidence, trial_shift
from analysis.synthesis.special import normal_quantile

if TYPE_CHECKING:
    from analysis.evidence.tables import Certainty, Evidence
    from analysis.judgement.cuts import Cuts
    from analysis.review.cells import HashedEvidence
    from analysis.synthesis.two_arm import TwoArmPool

__all__ = ["Body", "bodies", "judge_again", "proposed_rows", "stored_certainty"]

Key = tuple[str, str, str, str]
_SHIFT = "mrs_shift"


@dataclass(frozen=True)
class Body:
    """One body of evidence: a rate in a population, or an effect in the trials."""

    kind: str
    population: str
    outcome: str
    inputs: RateInputs | EffectInputs
    proposals: dict[str, Proposal]

    def key(self, domain: str) -> Key:
        """Return the key of one domain in `certainty.csv`."""
        return (self.kind, self.population, self.outcome, domain)


def bodies(evidence: Evidence) -> tuple[Body, ...]:
    """Return every body of evidence in the newest version: all headline rates, then the trials."""
    return _bodies(hashed(evidence))


@lru_cache(maxsize=8)
def _bodies(key: HashedEvidence) -> tuple[Body, ...]:
    evidence = key.evidence
    cuts = read_cuts(evidence.protocol)
    version = evidence.versions[-1].id
    found = []
    for population in evidence.protocol.populations:
        for outcome in evidence.protocol.main_outcomes:
            cell = headline(evidence, population.key, outcome.key, version)
            rate = rate_inputs(evidence, cell.counts, cell.pooled, len(cell.awaited), cuts)
            found.append(Body("rate", population.key, outcome.key, rate, propose_rate(rate, cuts)))
    for name in TRIAL_OUTCOMES:
        known = trial_evidence(evidence, name)
        if known is not None:
            effect = _effect_inputs(evidence, known, cuts)
            found.append(Body("effect", "trials", name, effect, propose_effect(effect, cuts)))
    shift = trial_shift(evidence)
    if shift is not None:
        effect = _shift_inputs(evidence, shift, cuts)
        found.append(Body("effect", "trials", _SHIFT, effect, propose_effect(effect, cuts)))
    return tuple(found)


def stored_certainty(evidence: Evidence) -> dict[Key, Certainty]:
    """Return the stored judgements by key."""
    return {row.key: row for row in evidence.certainty}


def judge_again(evidence: Evidence) -> tuple[Recheck, ...]:
    """Return the stored judgements whose inputs crossed a rule since they were made."""
    proposals = {
        body.key(domain): proposal for body in bodies(evidence) for domain, proposal in body.proposals.items()
    }
    return recheck(stored_certainty(evidence), proposals)


def proposed_rows(evidence: Evidence) -> list[dict[str, str]]:
    """Return rows as the rules would write them, for the maintainers to read, change and store."""
    version = evidence.versions[-1].id
    rows = []
    for body in bodies(evidence):
        judged = {domain: item.judgement for domain, item in body.proposals.items()}
        level = overall_level(judged.values())
        lowered = [DOMAINS[name].lower() for name, value in judged.items() if LOWERS.get(value)]
        overall = (
            "Not rated: no public count"
            if level == "not_rated"
            else f"Starts high; lowered for {', '.join(lowered)}"
            if lowered
            else "Starts high; nothing lowers it"
        )
        for domain in (*DOMAINS, "overall"):
            item = body.proposals.get(domain, Proposal(level, overall, ""))
            rows.append(
                dict(
                    zip(("body", "population", "outcome", "domain"), body.key(domain), strict=True),
                    judgement=item.judgement,
                    reason=item.reason,
                    state=item.state,
                    judged_version=version,
                    status="provisional",
                )
            )
    return rows


def _effect_inputs(evidence: Evidence, known: TrialEvidence, cuts: Cuts) -> EffectInputs:
    pool, found = known.ratio, known.contrasts
    study = pool.study
    part = known.pooled
    better_high = evidence.protocol.outcome(known.outcome).direction == "better-high"
    sign = 1.0 if better_high else -1.0
    absolute = known.absolute[known.main]
    near, far = sorted((sign * absolute.difference_low, sign * absolute.difference_high))
    values = [] if study is None else [float(y) for y in study.yi if math.isfinite(y)]
    errors = [] if study is None else [math.sqrt(v) for v in study.vi if math.isfinite(v)]
    shares = _weighted_shares(evidence, [item.study_id for item in part.found], pool)
    change = cuts.relative_change if better_high else -cuts.relative_change
    return EffectInputs(
        known.outcome,
        pool.k,
        part.patients,
        *known.effect.shown(),
        sign * absolute.difference,
        near,
        far,
        cuts.important[known.outcome],
        pool.fit.i2,
        *_spread(values, errors, pool.level),
        trial_size(part.baseline, change, cuts.power, pool.level),
        *shares,
        len(found.unread) / (len(found.found) + len(found.unread)),
    )


def _shift_inputs(evidence: Evidence, shift: Shift, cuts: Cuts) -> EffectInputs:
    pool = shift.pool
    effect = pool.effects["common"]
    fits = list(shift.trials.values())
    grades = np.sum([fit.first + fit.second for fit in fits], axis=0)
    total = float(grades.sum())
    shares = _weighted_shares(evidence, list(shift.study_ids), pool)
    return EffectInputs(
        _SHIFT,
        pool.k,
        round(total),
        *effect.shown(),
        effect.estimate,
        effect.low,
        effect.high,
        math.log(cuts.important_ratio),
        pool.fit.i2,
        *_spread([fit.estimate for fit in fits], [fit.se for fit in fits], pool.level),
        shift_size([float(g) / total for g in grades], cuts.important_ratio, cuts.power, pool.level),
        *shares,
        len(shift.unread) / (len(shift.unread) + len(fits)),
    )


def _spread(values: list[float], errors: list[float], level: float) -> tuple[bool, bool]:
    half = normal_quantile(level)
    intervals = [(y - half * se, y + half * se) for y, se in zip(values, errors, strict=True)]
    return min(values) < 0 < max(values), len(values) > 1 and disjoint(intervals)


def _weighted_shares(
    evidence: Evidence, study_ids: list[str], pool: TwoArmPool
) -> tuple[float, float, float, float]:
    """Return shares of the weight: judged overall, at high risk, with blinded assessment, not direct."""
    judged = {item.key: item.judgement for item in derive(evidence)}
    judged |= {(row.study_id, row.tool, row.domain): row.judgement for row in evidence.judgements}
    weights = pool.fit.study_weights
    known = high = blinded = mixed = 0.0
    for study_id, weight in zip(study_ids, weights, strict=True):
        known += float(weight) * (judged.get((study_id, "rob2", "overall"), NOT_JUDGED) not in OPEN)
        high += float(weight) * (judged.get((study_id, "rob2", "overall")) == "high")
        blinded += float(weight) * (judged.get((study_id, "rob2", "measurement")) == "low")
        mixed += float(weight) * (evidence.study(study_id).directness != "direct")
    return known, high, blinded, mixed
