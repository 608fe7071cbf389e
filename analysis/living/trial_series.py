"""Cumulative randomised evidence: risk ratios at the end of each year, with sequential limits beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.living.cumulative import year_weights
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.synthesis.types import FloatArray

__all__ = ["Look", "TrialSeries", "TwoArms", "trial_arms", "trial_series"]


@dataclass(frozen=True, slots=True)
class TwoArms:
    """Counts of one randomised trial for one outcome: treated arm, then control."""

    study_id: str
    label: str
    year: int | None
    events1: int
    total1: int
    events2: int
    total2: int


@dataclass(frozen=True, slots=True)
class Look:
    """The pooled risk ratio at the end of one year.

    The ratio and its limits are those of the main method of the trials; `tau2` and `z`, the Wald statistic,
    are those of the random-effects model; `boundary` is the O'Brien-Fleming limit at the share `information`
    of the patients required; `penalised` is z by the law of the iterated logarithm.
    """

    year: int
    trials: int
    patients: int
    ratio: float
    low: float
    high: float
    tau2: float
    z: float
    information: float
    boundary: float
    penalised: float
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrialSeries(Result):
    """The looks at one outcome, and the parameters of the sequential view."""

    outcome: str
    version: str
    looks: tuple[Look, ...]
    undated: tuple[str, ...]
    control_rate: float
    relative: float
    required: float
    diversity: float
    alpha: float
    power: float

    def rows(self) -> list[dict[str, Any]]:
        """One row a look."""
        return [
            {name: getattr(look, name) for name in Look.__slots__ if name != "added"} for look in self.looks
        ]


def trial_arms(evidence: Evidence, outcome: str, version: str | None = None) -> tuple[TwoArms, ...]:
    """Return the randomised trials with a readable count in both arms, in order of publication."""
    from analysis.review.two_arms import trial_contrasts

    return tuple(
        TwoArms(
            item.study_id,
            item.label,
            evidence.study(item.study_id).year,
            item.events1,
            item.total1,
            item.events2,
            item.total2,
        )
        for item in trial_contrasts(evidence, outcome, version).found
    )


def _informative(item: TwoArms) -> bool:
    return 0 < item.events1 + item.events2 < item.total1 + item.total2


def trial_series(evidence: Evidence, outcome: str, version: str | None = None) -> TrialSeries | None:
    """Pool the trials as they were published, year by year, by the main method of the trials.

    A trial in which nobody, or everybody, in both arms had the event says nothing on a ratio and is
    left out, as in the main pool. Returns ``None`` when no trial remains.
    """
    from analysis.living.sequential import diversity, iterated_logarithm, obrien_fleming, required_patients
    from analysis.synthesis.inverse_variance import fit_iv_many
    from analysis.synthesis.two_by_two import two_arm_effects

    arms = tuple(item for item in trial_arms(evidence, outcome, version) if _informative(item))
    years, weights = year_weights([item.year for item in arms])
    if not years:
        return None
    treated, control = (
        ([getattr(item, f"events{arm}") for item in arms], [getattr(item, f"total{arm}") for item in arms])
        for arm in (1, 2)
    )
    effects = two_arm_effects(*treated, *control, measure="RR")
    fits = fit_iv_many(effects.yi, effects.vi, weights=weights, tau2_method="reml")
    common = fit_iv_many(effects.yi, effects.vi, weights=weights, tau2_method="ee")
    chosen = evidence.protocol.text["living"]["sequential"]
    alpha, power = float(chosen["alpha"]), float(chosen["power"])
    better_high = evidence.protocol.outcome(outcome).direction == "better-high"
    relative = 1 + float(chosen["relative_change"]) * (1 if better_high else -1)
    control_rate = sum(control[0]) / sum(control[1])
    spread = diversity(float(common.se[-1, 0]), float(fits.se[-1, 0]))
    required = required_patients(control_rate, control_rate * relative, alpha, power) / (1 - spread)
    patients = weights @ (np.array(treated[1]) + np.array(control[1]))
    z = fits.mu / fits.se[:, 0]
    boundaries = obrien_fleming(patients / required, alpha)
    penalised = iterated_logarithm(z, 1 / fits.se[:, 0] ** 2, float(chosen["penalty"]))
    shown = _main_effects(evidence, outcome, version, arms, weights)
    looks = tuple(
        Look(
            year,
            int(weights[i].sum()),
            int(patients[i]),
            *shown[i],
            float(fits.tau2[i]),
            float(z[i]),
            float(patients[i] / required),
            float(boundaries[i]),
            float(penalised[i]),
            tuple(item.label for item in arms if item.year == year),
        )
        for i, year in enumerate(years)
    )
    return TrialSeries(
        outcome,
        evidence.version(version).id,
        looks,
        tuple(item.label for item in arms if item.year is None),
        control_rate,
        relative,
        required,
        spread,
        alpha,
        power,
    )


def _main_effects(
    evidence: Evidence, outcome: str, version: str | None, arms: tuple[TwoArms, ...], weights: FloatArray
) -> list[tuple[float, float, float]]:
    """Return ratio and limits at each look, by the method that leads in the chapter on the trials."""
    from analysis.review.trials import trial_evidence
    from analysis.synthesis.two_arm import pool_two_arm

    known = trial_evidence(evidence, outcome, version)
    method = known.main if known is not None else "common"
    level = evidence.protocol.primary.level
    found = []
    for row in weights:
        part = [item for item, weight in zip(arms, row, strict=True) if weight > 0]
        pooled = pool_two_arm(
            [item.events1 for item in part],
            [item.total1 for item in part],
            [item.events2 for item in part],
            [item.total2 for item in part],
            "RR",
            level=level,
        )
        found.append(pooled.effects[method].shown())
    return found
