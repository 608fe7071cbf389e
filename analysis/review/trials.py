"""Randomised evidence: pooled effects, absolute effects, one trial left out, and one trial more.

Pooled here are the crude counts of both arms. What the trials print as adjusted effects is pooled apart
and never mixed with them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.compared import compared_arms
from analysis.report.numbers import whole
from analysis.results import Result, to_plain
from analysis.review.cells import hashed
from analysis.review.two_arms import Contrasts, trial_contrasts
from analysis.synthesis.absolute import AbsoluteEffect, absolute_effect
from analysis.synthesis.ordinal import ProportionalOdds, proportional_odds
from analysis.synthesis.special import normal_quantile
from analysis.synthesis.two_arm import Effect, TwoArmPool, pool_effects, pool_two_arm

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, TrialEffect
    from analysis.review.cells import HashedEvidence

__all__ = [
    "RARE",
    "TRIAL_OUTCOMES",
    "Shift",
    "TrialEvidence",
    "WhatIf",
    "WholePatients",
    "trial_estimates",
    "trial_evidence",
    "trial_shift",
    "what_if",
    "whole_patients",
]

#: Outcomes of the trials, in the order in which they are shown.
TRIAL_OUTCOMES = ("mrs01", "mrs02", "mortality90", "sich")
#: Below this risk without treatment, sums of counts serve better than weights from each trial.
RARE = 0.05
_MEASURES = ("RR", "OR", "RD")


@dataclass(frozen=True, slots=True)
class WholePatients:
    """An absolute effect in whole patients per `per`, each number rounded once from its unrounded value.

    The one source of every absolute effect that is shown: sentences, tables, judgements and the feed.
    """

    control: int
    treated: int
    difference: int
    low: int
    high: int


def whole_patients(effect: AbsoluteEffect) -> WholePatients:
    """Return an absolute effect in whole patients."""
    return WholePatients(
        whole(effect.per * effect.baseline),
        whole(effect.per * effect.risk),
        whole(effect.difference),
        whole(effect.difference_low),
        whole(effect.difference_high),
    )


@dataclass(frozen=True)
class TrialEvidence(Result):
    """One outcome in the trials: counts, pools by measure, absolute effects, one trial left out.

    `main` is the method read first, `cautious` the one whose interval shows how far few trials can
    mislead. `left_out` maps each trial to the pool of the others.
    """

    contrasts: Contrasts
    pools: dict[str, TwoArmPool]
    main: str
    absolute: dict[str, AbsoluteEffect]
    left_out: dict[str, TwoArmPool]

    @property
    def outcome(self) -> str:
        """Key of the outcome."""
        return self.contrasts.outcome

    @property
    def ratio(self) -> TwoArmPool:
        """The pool of risk ratios."""
        return self.pools["RR"]

    @property
    def pooled(self) -> Contrasts:
        """Counts of the trials that the pool of risk ratios rests on, and no others."""
        return self.contrasts.part(self.ratio.labels)

    @property
    def effect(self) -> Effect:
        """The risk ratio by the main method."""
        return self.ratio.effects[self.main]

    def rows(self) -> list[dict[str, Any]]:
        """One row a measure and method."""
        return [{"outcome": self.outcome, **row} for pool in self.pools.values() for row in pool.rows()]


@dataclass(frozen=True)
class Shift(Result):
    """The shift over the whole scale: each trial, the crude pool, and the published effects apart.

    `printed` are the adjusted common odds ratios as the trials print them; `published` pools them when
    there are two or more.
    """

    trials: dict[str, ProportionalOdds]
    study_ids: tuple[str, ...]
    pool: TwoArmPool
    printed: tuple[TrialEffect, ...]
    published: TwoArmPool | None
    unread: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a trial."""
        return [{"trial": name, **fit.rows()[0]} for name, fit in self.trials.items()]


@dataclass(frozen=True)
class WhatIf(Result):
    """The pool with one more made-up trial; none of it is evidence."""

    label: str
    risk_ratio: float
    counts: tuple[int, int, int, int]
    pool: TwoArmPool

    def rows(self) -> list[dict[str, Any]]:
        """One row a method."""
        return [{"what_if": self.label, **row} for row in self.pool.rows()]


def trial_evidence(evidence: Evidence, outcome: str, version: str | None = None) -> TrialEvidence | None:
    """Return one outcome in the trials, or ``None`` when no trial has counts in both arms.

    The main method is the common effect by inverse variance; for outcomes rarer than `RARE` without
    treatment it is Mantel-Haenszel, whose sums need no correction. Random effects with the
    Knapp-Hartung interval stand beside it: with two or three trials that interval can be far wider or
    far narrower than the data warrant.
    """
    return _trial_evidence(hashed(evidence), outcome, evidence.version(version).id)


@lru_cache(maxsize=64)
def _trial_evidence(key: HashedEvidence, outcome: str, version: str) -> TrialEvidence | None:
    found = trial_contrasts(key.evidence, outcome, version)
    if not found.found:
        return None
    level = key.evidence.protocol.primary.level
    pools = {
        measure: pool_two_arm(*found.counts, measure, labels=found.labels, level=level)  # type: ignore[arg-type]
        for measure in _MEASURES
    }
    ratio = pools["RR"]
    # A risk ratio says something of the trials it was pooled from; so does the risk that it multiplies.
    baseline = found.part(ratio.labels).baseline
    main = "mantel-haenszel" if baseline < RARE else "common"
    absolute = {
        name: absolute_effect(*ratio.effects[name].shown(), baseline, "RR")
        for name in dict.fromkeys((main, "knapp-hartung"))
    }
    return TrialEvidence(found, pools, main, absolute, _left_out(found, ratio.labels, level))


def _left_out(found: Contrasts, used: tuple[str, ...], level: float) -> dict[str, TwoArmPool]:
    if len(used) < 2:
        return {}
    pools = {}
    for name in used:
        part = found.part({label for label in used if label != name})
        pools[name] = pool_two_arm(*part.counts, "RR", labels=part.labels, level=level)
    return pools


def what_if(evidence: Evidence, outcome: str, version: str | None = None) -> tuple[WhatIf, ...]:
    """Return the pools with one more trial of the mean size: a neutral one, and a positive one.

    Size and risk are those of the trials in the pool. Neutral: risk ratio 1 at that risk.
    Positive: the best risk ratio of a trial so far. Events are rounded to whole patients.
    """
    known = trial_evidence(evidence, outcome, version)
    if known is None:
        return ()
    found, part, ratio = known.contrasts, known.pooled, known.ratio
    better_high = evidence.protocol.outcome(outcome).direction == "better-high"
    effects = [] if ratio.study is None else [float(y) for y in ratio.study.yi if math.isfinite(y)]
    if not effects:
        return ()
    best = max(effects) if better_high else min(effects)
    most = ratio.labels[effects.index(best)]
    n1 = round(sum(item.total1 for item in part.found) / len(part.found))
    n2 = round(sum(item.total2 for item in part.found) / len(part.found))
    cases = (("One more neutral trial", 1.0), (f"One more trial like {most}", math.exp(best)))
    made = []
    for label, risk_ratio in cases:
        control = round(part.baseline * n2)
        treated = min(n1, round(risk_ratio * part.baseline * n1))
        extra = (treated, n1, control, n2)
        a, b, c, d = ([*column, new] for column, new in zip(found.counts, extra, strict=True))
        pool = pool_two_arm(a, b, c, d, "RR", labels=[*found.labels, label], level=ratio.level)
        made.append(WhatIf(label, risk_ratio, extra, pool))
    return tuple(made)


def trial_shift(evidence: Evidence) -> Shift | None:
    """Return the ordinal shift in the trials whose distribution is public, or ``None``.

    The published effects are those printed as adjusted common odds ratios of improvement at 90 days.
    """
    sides = compared_arms(evidence.protocol)
    controls = {
        row.study_id: row for row in evidence.rct_mrs_distribution if row.arm_id in sides.control.keys
    }
    fits: dict[str, ProportionalOdds] = {}
    ids: list[str] = []
    level = evidence.protocol.primary.level
    for row in evidence.rct_mrs_distribution:
        control = controls.get(row.study_id)
        if row.arm_id in sides.treated.keys and control is not None:
            fits[row.trial] = proportional_odds(row.grades, control.grades, level=level)
            ids.append(row.study_id)
    if not fits:
        return None
    pool = pool_effects(
        [fit.estimate for fit in fits.values()],
        [fit.se**2 for fit in fits.values()],
        "common OR",
        labels=list(fits),
        level=level,
    )
    trials = [study for study in evidence.studies if study.comparative == "randomised"]
    unread = tuple(study.study_id for study in trials if study.study_id not in ids)
    printed = tuple(
        row
        for row in evidence.rct_effects
        if row.effect_measure.startswith("common OR") and row.adjusted == "yes" and "90 d" in row.outcome
    )
    return Shift(fits, tuple(ids), pool, printed, _published_shift(printed, level), unread)


def _published_shift(printed: tuple[TrialEffect, ...], level: float) -> TwoArmPool | None:
    """Pool what the trials print; their standard errors follow from the printed intervals."""
    rows = [row for row in printed if row.estimate and row.ci_low and row.ci_high]
    if len(rows) < 2:
        return None
    quantile = normal_quantile(level)
    errors = [math.log(row.ci_high / row.ci_low) / (2 * quantile) for row in rows]  # type: ignore[operator]
    return pool_effects(
        [math.log(row.estimate) for row in rows],  # type: ignore[arg-type]
        [error**2 for error in errors],
        "common OR",
        labels=[row.trial for row in rows],
        level=level,
    )


def trial_estimates(evidence: Evidence) -> list[dict[str, Any]]:
    """Return every pooled effect of the trials as plain records, ratios and differences as shown."""
    records: list[dict[str, Any]] = []
    for outcome in TRIAL_OUTCOMES:
        known = trial_evidence(evidence, outcome)
        if known is None:
            continue
        for measure, pool in known.pools.items():
            for effect in pool.effects.values():
                record = _record(outcome, measure, pool, effect, known.main)
                if measure == "RR" and effect.method in known.absolute:
                    record["absolute"] = _absolute_record(known, known.absolute[effect.method])
                records.append(record)
    shift = trial_shift(evidence)
    if shift is not None:
        records += [
            _record("mrs_shift", "common OR", shift.pool, effect, "common")
            for effect in shift.pool.effects.values()
        ]
    return [to_plain(record | {"data_hash": evidence.data_hash}) for record in records]


def _absolute_record(known: TrialEvidence, effect: AbsoluteEffect) -> dict[str, Any]:
    """Return an absolute effect as shown, in whole patients, and the counts that its baseline rests on."""
    part = known.pooled
    return {
        "per": effect.per,
        "baseline": effect.baseline,
        "baseline_events": sum(item.events2 for item in part.found),
        "baseline_total": sum(item.total2 for item in part.found),
        **asdict(whole_patients(effect)),
    }


def _record(outcome: str, measure: str, pool: TwoArmPool, effect: Effect, main: str) -> dict[str, Any]:
    estimate, low, high = effect.shown()
    return {
        "id": f"trials-{outcome}-{measure.replace(' ', '-')}-{effect.method}".lower(),
        "kind": "trial_effect",
        "outcome": outcome,
        "measure": measure,
        "method": effect.method,
        "main": effect.method == main and measure in ("RR", "common OR"),
        "k": pool.k,
        "studies": list(pool.labels),
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "p_value": effect.p_value,
        "tau2": pool.tau2,
        "i2": pool.fit.i2,
    }
