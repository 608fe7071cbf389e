"""Synthetic results for tests of figures and words; no number here comes from a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.synthesis.types import Heterogeneity, Interval, Pooled, Settings

NAN = float("nan")


@dataclass(frozen=True)
class SyntheticLimits:
    """Rough intervals, only to have something to draw."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class SyntheticSubgroups:
    """The fields that the figures read of a subgroup test."""

    levels: tuple[str, ...]
    pooled: tuple[Pooled, ...]
    overall: Pooled
    statistic: float = 4.2
    df: int = 1
    p_value: float = 0.04
    test_name: str = "likelihood ratio"
    tau2_mode: str = "common"


def synthetic_limits(pooled: Pooled) -> SyntheticLimits:
    """Return add-two intervals around the proportions, cut at 0 and 1."""
    estimate = pooled.events / pooled.total
    middle = (pooled.events + 2) / (pooled.total + 4)
    half = 1.96 * np.sqrt(middle * (1 - middle) / (pooled.total + 4))
    return SyntheticLimits(
        estimate,
        np.minimum(np.clip(middle - half, 0, 1), estimate),
        np.maximum(np.clip(middle + half, 0, 1), estimate),
    )


def synthetic_pooled(
    k: int = 6,
    *,
    labels: tuple[str, ...] | None = None,
    events: tuple[float, ...] | None = None,
    total: tuple[float, ...] | None = None,
    estimate: float = 0.84,
    ci: tuple[float, float] = (0.76, 0.90),
    prediction: tuple[float, float] = (0.52, 0.96),
    tau2: float = 0.52,
    boundary: bool = False,
    seed: int = 7,
) -> Pooled:
    """Return a pooled result with hand-set summary numbers and, unless given, drawn counts."""
    draw = np.random.default_rng(seed)
    sizes = np.asarray(total, float) if total else draw.integers(5, 120, k).astype(float)
    rates = np.clip(draw.normal(estimate, 0.1, k), 0.02, 0.99)
    hits = np.asarray(events, float) if events else np.floor(sizes * rates)
    weights = sizes / (1 + sizes / 40)
    single = k < 3
    return Pooled(
        labels=labels or tuple(f"Synthetic study {i + 1} ({2015 + i % 10})" for i in range(k)),
        events=hits,
        total=sizes,
        settings=Settings("glmm", "logit", "ml", "profile", "t-k-2"),
        mu=float(np.log(estimate / (1 - estimate))),
        se=0.25,
        ci_mu=Interval(1.15, 2.2, 0.95, "profile"),
        prediction_mu=Interval(NAN, NAN, 0.95, "t-k-2", "needs three studies")
        if single
        else Interval(0.08, 3.2, 0.95, "t-k-2"),
        tau2=tau2,
        ci_tau2=Interval(0.12, 2.25, 0.95, "profile"),
        estimate=estimate,
        ci=Interval(*ci, 0.95, "profile"),
        prediction=Interval(NAN, NAN, 0.95, "t-k-2", "needs three studies")
        if single
        else Interval(*prediction, 0.95, "t-k-2"),
        heterogeneity=Heterogeneity(
            43.2, k - 1, 0.0004, "Wald", 0.714, "tau2/(tau2+s2)", 0.68, 3.5, 20.1, 0.0001
        ),
        weights=weights / weights.sum(),
        weight_name="share of the information",
        log_likelihood=-12.3,
        converged=True,
        boundary=boundary,
        notes=(),
        version="synthetic",
    )
