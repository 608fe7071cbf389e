"""Many defensible analyses of one question at once: every set of counts under every model.

The sets of counts (rows of a matrix) come from the choices of selection; the models are crossed with
them here. All inverse-variance fits of one scale and estimator are one batched call, and so are all
likelihood fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_level, check_numbers
from analysis.synthesis.glmm import fit_glmm
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.glmm_profile import profile_interval_mu
from analysis.synthesis.inverse_variance import SAFEGUARDED, IvFits, fit_iv_many
from analysis.synthesis.scales import back_transform, effects_of_checked
from analysis.synthesis.special import normal_quantile, t_quantile
from analysis.synthesis.types import FloatArray, Scale

__all__ = ["CI_METHODS", "GLMM_CI_METHODS", "SCALES", "TAU2_METHODS", "Multiverse", "fit_multiverse"]

#: Scales of the two-step models.
SCALES: tuple[str, ...] = ("logit", "arcsine", "freeman-tukey")
#: Between-study variances of the two-step models.
TAU2_METHODS: tuple[str, ...] = ("dl", "pm", "ml", "reml", "sj")
#: Intervals of the two-step models.
CI_METHODS: tuple[str, ...] = ("wald", "t", "knapp-hartung", "knapp-hartung-adhoc")
#: Intervals of the binomial-normal model.
GLMM_CI_METHODS: tuple[str, ...] = ("wald", "t", "profile")


@dataclass(frozen=True, slots=True)
class Multiverse(Result):
    """One entry an analysis: which set of counts, which model, and the pooled proportion.

    `row` is the row of the matrices of counts; `estimate`, `low` and `high` are proportions; an entry
    that could not be computed holds ``nan`` and `converged` is false.
    """

    row: np.ndarray
    model: tuple[str, ...]
    scale: tuple[str, ...]
    tau2_method: tuple[str, ...]
    ci_method: tuple[str, ...]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    converged: np.ndarray
    level: float
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of analyses."""
        return int(self.estimate.size)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an analysis."""
        return [
            {
                "row": int(self.row[i]),
                "model": self.model[i],
                "scale": self.scale[i],
                "tau2_method": self.tau2_method[i],
                "ci_method": self.ci_method[i],
                "estimate": float(self.estimate[i]),
                "low": float(self.low[i]),
                "high": float(self.high[i]),
                "converged": bool(self.converged[i]),
            }
            for i in range(self.size)
        ]


def fit_multiverse(events: FloatArray, total: FloatArray, *, level: float = 0.95) -> Multiverse:
    """Fit every model to every set of counts.

    Parameters
    ----------
    events, total
        (B, k) counts; a total of zero leaves the study out of that set.
    level
        Level of the intervals.

    Returns
    -------
    Multiverse
        B times 63 analyses: the binomial-normal model with three intervals, and the two-step model
        on three scales with five variances and four intervals.

    Raises
    ------
    ValueError
        When a set holds no study, or a count is not between zero and its total.

    Examples
    --------
    >>> import numpy as np
    >>> fit_multiverse(np.array([[5.0, 7.0, 3.0]]), np.array([[10.0, 12.0, 9.0]])).size
    63
    """
    level = check_level(level)
    x, n = (
        np.atleast_2d(check_numbers(values, name, ndim=(1, 2)))
        for values, name in ((events, "events"), (total, "total"))
    )
    if x.shape != n.shape or (n >= 2.0**53).any():
        shapes = f"{x.shape} and {n.shape}"
        raise ValueError(f"events and total differ in shape ({shapes}), or a total is beyond 2^53")
    wrong = np.flatnonzero(((x < 0) | (x > n)).any(axis=1))
    if wrong.size:
        raise ValueError(f"set {wrong[0] + 1}: events must lie between zero and the total")
    empty = np.flatnonzero((n > 0).sum(axis=1) == 0)
    if empty.size:
        raise ValueError(f"set {empty[0] + 1} holds no study")
    parts = [_likelihood(x, n, level)]
    for scale in SCALES:
        parts.extend(_two_step(x, n, scale, level))
    return _join(parts, level)


_Part = tuple[tuple[str, str, str, str], FloatArray, FloatArray, FloatArray, np.ndarray, bool]


def _likelihood(x: FloatArray, n: FloatArray, level: float) -> list[_Part]:
    inside = n > 0
    # A study of one patient without weight stands in for one left out: its counts are valid.
    fits = fit_glmm_many(
        np.where(inside, x, 0.0), np.where(inside, n, 1.0), inside.astype(float)
    )
    k = inside.sum(axis=1)
    parts = []
    estimate = _expit(fits.mu)
    for method in ("wald", "t"):
        reach = _reach(k, method, level) * fits.se
        # Sets without an event, or without a patient free of one, have no finite estimate.
        with np.errstate(invalid="ignore"):
            limits = _expit(fits.mu - reach), _expit(fits.mu + reach)
        good = fits.converged & np.isfinite(limits).all(axis=0)
        parts.append((("glmm", "logit", "ml", method), estimate, *limits, good, False))
    ends = np.full((k.size, 2), np.nan)
    for place in range(k.size):
        keep = inside[place]
        fit = fit_glmm(x[place, keep], n[place, keep])
        interval = profile_interval_mu(fit, level)
        ends[place] = interval.low, interval.high
    parts.append(
        (
            ("glmm", "logit", "ml", "profile"),
            estimate,
            _expit(ends[:, 0]),
            _expit(ends[:, 1]),
            fits.converged & np.isfinite(ends).all(axis=1),
            False,
        )
    )
    return parts


def _two_step(x: FloatArray, n: FloatArray, scale: str, level: float) -> list[list[_Part]]:
    inside = n > 0
    found = effects_of_checked(np.where(inside, x, 1.0), np.where(inside, n, 2.0), scale)
    k = inside.sum(axis=1)
    with np.errstate(divide="ignore"):
        mean_n = k / np.where(inside, 1.0 / np.where(inside, n, 1.0), 0.0).sum(axis=1)
    parts = []
    for tau2_method in TAU2_METHODS:
        fits = fit_iv_many(found.yi, found.vi, weights=inside.astype(float), tau2_method=tau2_method)
        parts.append(
            [_two_step_part(fits, k, mean_n, scale, tau2_method, method, level) for method in CI_METHODS]
        )
    return parts


def _two_step_part(
    fits: IvFits,
    k: np.ndarray,
    mean_n: FloatArray,
    scale: str,
    tau2_method: str,
    ci_method: str,
    level: float,
) -> _Part:
    # One study leaves no degree of freedom: its interval is the normal one, as elsewhere.
    factor = np.where(k == 1, 1.0, fits.safe_s2w(ci_method))
    safe = bool((fits.too_alike(ci_method) & (k > 1)).any())
    reach = _reach(k, ci_method, level) * fits.se[:, 0] * np.sqrt(factor)
    values = [
        _back(fits.mu + sign * reach if sign else fits.mu, scale, mean_n) for sign in (0, -1, 1)
    ]
    good = fits.converged & np.isfinite(values).all(axis=0)
    return (("iv", scale, tau2_method, ci_method), values[0], values[1], values[2], good, safe)


def _back(values: FloatArray, scale: str, mean_n: FloatArray) -> FloatArray:
    return np.array(
        [
            float(back_transform(float(value), cast(Scale, scale), float(size)))
            for value, size in zip(values, mean_n, strict=True)
        ]
    )


def _reach(k: np.ndarray, ci_method: str, level: float) -> FloatArray:
    normal = normal_quantile(level)
    if ci_method == "wald":
        return np.full(k.size, normal)
    known = {int(size): t_quantile(level, float(size - 1)) if size > 1 else normal for size in set(k)}
    return np.array([known[int(size)] for size in k])


def _expit(values: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-values))


def _join(groups: list[list[_Part]], level: float) -> Multiverse:
    parts = [part for group in groups for part in group]
    size = parts[0][1].size
    names = [part[0] for part in parts for _ in range(size)]
    return Multiverse(
        row=np.tile(np.arange(size), len(parts)),
        model=tuple(name[0] for name in names),
        scale=tuple(name[1] for name in names),
        tau2_method=tuple(name[2] for name in names),
        ci_method=tuple(name[3] for name in names),
        estimate=np.concatenate([part[1] for part in parts]),
        low=np.concatenate([part[2] for part in parts]),
        high=np.concatenate([part[3] for part in parts]),
        converged=np.concatenate([part[4] for part in parts]),
        level=level,
        notes=(SAFEGUARDED,) if any(part[5] for part in parts) else (),
    )
