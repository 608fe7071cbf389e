"""Pool two-arm counts in every way that the review shows, as one result.

The main model is inverse variance with REML and the Knapp-Hartung interval; beside it stand the Wald
interval of the same model, the common effect, Mantel-Haenszel and Peto, so that a reader sees what the
choice does. Ratios are on the log scale throughout; `Effect.shown` turns them back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_effects, check_level, check_names
from analysis.synthesis.counts import NoStudies, check_labels
from analysis.synthesis.inverse_variance import IvFit, fit_iv, safeguarded
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from analysis.synthesis.prediction import prediction_interval
from analysis.synthesis.two_by_two import TwoArmEffects, two_arm_effects
from analysis.synthesis.types import Interval

__all__ = ["Effect", "TwoArmPool", "pool_effects", "pool_two_arm"]

Measure = Literal["OR", "RR", "RD"]

_KEPT = (
    "{} of {} studies with events in every patient of both arms have no inverse-variance ratio with the "
    "others and are left out of it; the Mantel-Haenszel risk ratio counts them"
)
_DROPPED = "{} of {} studies without events in either arm say nothing on a ratio and are left out"


@dataclass(frozen=True, slots=True)
class Effect:
    """One pooled effect on the analysis scale: log ratio, or difference."""

    method: str
    measure: str
    estimate: float
    se: float
    low: float
    high: float
    p_value: float

    def shown(self) -> tuple[float, float, float]:
        """Return estimate and limits as a ratio, or as the difference that they are."""
        values = (self.estimate, self.low, self.high)
        if self.measure == "RD":
            return values
        return (_exp(values[0]), _exp(values[1]), _exp(values[2]))


@dataclass(frozen=True)
class TwoArmPool(Result):
    """Effects of studies with two arms, pooled in several ways.

    `effects` holds the methods by name: ``knapp-hartung``, ``wald``, ``common``, ``mantel-haenszel`` and,
    for odds ratios, ``peto``. `labels` are those of the studies used; `dropped` those that a ratio
    cannot use.
    """

    measure: str
    labels: tuple[str, ...]
    dropped: tuple[str, ...]
    study: TwoArmEffects | None
    fit: IvFit
    effects: dict[str, Effect]
    prediction: Interval
    level: float
    notes: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies used."""
        return len(self.labels)

    def k_of(self, method: str) -> int:
        """Return the number of studies that a method uses.

        Mantel-Haenszel counts every study whose table adds to its sums: for a risk ratio those with
        events in every patient of both arms too, for a difference all.
        """
        if method != "mantel-haenszel" or self.study is None or self.measure == "OR":
            return self.k
        t = self.study.tables
        return int(t.a.size if self.measure == "RD" else ((t.a > 0) | (t.c > 0)).sum())

    @property
    def tau2(self) -> float:
        """Between-study variance by REML."""
        return self.fit.tau2

    def rows(self) -> list[dict[str, Any]]:
        """One row a method."""
        return [
            {
                "measure": self.measure,
                "method": effect.method,
                "k": self.k_of(effect.method),
                "estimate": effect.estimate,
                "se": effect.se,
                "ci_low": effect.low,
                "ci_high": effect.high,
                "p_value": effect.p_value,
                "tau2": self.tau2 if effect.method in ("knapp-hartung", "wald") else 0.0,
            }
            for effect in self.effects.values()
        ]


def pool_two_arm(
    events1: Sequence[float],
    total1: Sequence[float],
    events2: Sequence[float],
    total2: Sequence[float],
    measure: Measure = "RR",
    *,
    labels: Sequence[str] | None = None,
    level: float = 0.95,
) -> TwoArmPool:
    """Pool two-arm counts.

    Parameters
    ----------
    events1, total1
        Counts of the first (treated) arm.
    events2, total2
        Counts of the second (control) arm.
    measure
        ``"OR"``, ``"RR"`` or ``"RD"``. A study without events in either arm, or with events only, is
        left out of inverse-variance ratios; it stays in differences, and one with events only stays in
        the Mantel-Haenszel risk ratio.
    labels
        Names of the studies.
    level
        Level of the intervals.

    Examples
    --------
    >>> pool = pool_two_arm([4, 3], [20, 15], [8, 5], [20, 15], "RR")
    >>> round(pool.effects["common"].shown()[0], 6)
    0.538554
    """
    level = check_level(level)
    check_choice(measure, ("OR", "RR", "RD"), "measure")
    study = two_arm_effects(events1, total1, events2, total2, measure, drop00=measure != "RD")
    names = check_labels(labels, study.yi.size)
    use = study.usable
    if not use.any():
        raise NoStudies("no study has an event in one arm and not the other: nothing to pool")
    dropped = tuple(name for name, kept in zip(names, use, strict=True) if not kept)
    kept = tuple(name for name, kept in zip(names, use, strict=True) if kept)
    pool = pool_effects(study.yi[use], study.vi[use], measure, labels=kept, level=level)
    t = study.tables
    effects = dict(pool.effects)
    mh = mantel_haenszel(t.a, t.n1, t.c, t.n2, measure, level=level)
    if math.isfinite(mh.estimate):
        effects["mantel-haenszel"] = _common("mantel-haenszel", measure, mh)
    if measure == "OR":
        peto = peto_odds_ratio(t.a, t.n1, t.c, t.n2, level=level)
        effects["peto"] = _common("peto", measure, peto)
    notes = pool.notes
    full = (t.b == 0) & (t.d == 0) & ~use
    counted = int(full.sum()) if measure == "RR" and "mantel-haenszel" in effects else 0
    if len(dropped) > counted:
        notes = (*notes, _DROPPED.format(len(dropped) - counted, len(names)))
    if counted:
        notes = (*notes, _KEPT.format(counted, len(names)))
    if study.corrected[use].any():
        number = int(study.corrected[use].sum())
        notes = (*notes, f"{number} of {len(names)} studies with a zero cell had 0.5 added")
    return replace(pool, study=study, dropped=dropped, effects=effects, notes=notes)


def pool_effects(
    yi: Sequence[float],
    vi: Sequence[float],
    measure: str,
    *,
    labels: Sequence[str],
    level: float = 0.95,
) -> TwoArmPool:
    """Pool effects with their variances: random effects by REML, and the common effect."""
    level = check_level(level)
    y, v = check_effects(yi, vi)
    # Any ratio on the log scale can be pooled here: odds, risk and hazard ratios, common odds ratios.
    if not isinstance(measure, str) or not measure.strip():
        raise ValueError(f"measure is {measure!r}; expected its name, such as 'OR', 'HR' or 'RD'")
    labels = check_names(labels, y.size, "labels", "studies")
    plain = fit_iv(y, v, tau2_method="reml", ci_method="knapp-hartung", level=level)
    fit, safe = safeguarded(plain)
    wald = fit_iv(y, v, level=level, tau2=fit.tau2)
    equal = fit_iv(y, v, tau2_method="ee", level=level)
    effects = {
        name: Effect(
            name,
            measure,
            float(one.beta[0]),
            float(one.se[0]),
            float(one.ci_low[0]),
            float(one.ci_high[0]),
            float(one.p_value[0]),
        )
        for name, one in (("knapp-hartung", fit), ("wald", wald), ("common", equal))
    }
    notes: list[str] = [safe] if safe else []
    if fit.k > 1 and fit.tau2 == 0 and fit.s2w < 1:
        # The factor alone narrows; the t quantile widens, and with few studies it may outweigh the factor.
        widths = [float(one.ci_high[0] - one.ci_low[0]) for one in (fit, equal)]
        side = "still wider" if widths[0] > widths[1] else "narrower"
        notes.append(
            "the studies differ by less than chance would make them, so the Knapp-Hartung factor is "
            f"below one and lowers the standard error; with its t quantile the interval is {side} than "
            "that of the common effect"
        )
    mu, se = float(wald.beta[0]), float(wald.se[0])
    prediction = prediction_interval(mu, se, fit.tau2, fit.k, method="t-k-2", level=level)
    return TwoArmPool(measure, tuple(labels), (), None, fit, effects, prediction, level, tuple(notes))


def _common(method: str, measure: str, fit: Any) -> Effect:
    return Effect(method, measure, fit.estimate, fit.se, fit.ci_low, fit.ci_high, fit.p_value)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf
