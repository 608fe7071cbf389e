"""Pooled estimates under many sets of weights, by the protocol's primary model, in one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analysis.evidence.protocol import AnalysisChoice
    from analysis.synthesis.types import FloatArray

__all__ = ["Refit", "refit"]


@dataclass(frozen=True, slots=True)
class Refit:
    """One entry a set of weights: estimate and Wald limits as proportions; nan without a study."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    converged: npt.NDArray[np.bool_]


def refit(
    events: npt.ArrayLike, total: npt.ArrayLike, weights: npt.ArrayLike, choice: AnalysisChoice
) -> Refit:
    """Pool the same studies under every row of weights.

    Parameters
    ----------
    events, total
        Counts of k studies.
    weights
        (B, k); zero leaves a study out.
    choice
        The protocol's primary analysis.
    """
    from scipy.special import ndtri

    w = np.atleast_2d(np.asarray(weights, dtype=float))
    if not w.size:
        nothing = np.full(w.shape[0], np.nan)
        return Refit(nothing, nothing, nothing, np.ones(w.shape[0], bool))
    mu, se, converged, back = _fits(np.asarray(events), np.asarray(total), w, choice)
    half = float(ndtri(0.5 + choice.level / 2)) * se
    empty = w.sum(axis=1) <= 0
    # No event in any study, or events only: the estimate is 0 or 1 and has no Wald limits.
    open_ended = ~np.isfinite(mu) | empty
    with np.errstate(invalid="ignore"):
        low, high = back(mu - half), back(mu + half)
    low, high = np.where(open_ended, np.nan, low), np.where(open_ended, np.nan, high)
    return Refit(np.where(empty, np.nan, back(mu)), low, high, converged)


def _fits(
    x: npt.NDArray[np.int64], n: npt.NDArray[np.int64], w: FloatArray, choice: AnalysisChoice
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_], Callable[[FloatArray], FloatArray]]:
    if choice.model == "glmm":
        from scipy.special import expit

        from analysis.synthesis.glmm_many import fit_glmm_many

        fits = fit_glmm_many(x, n, w)
        # Rows without events, or with events only, have their maximum at infinity; that is an answer.
        return fits.mu, fits.se, fits.converged | ~np.isfinite(fits.mu), expit
    from analysis.synthesis.inverse_variance import fit_iv_many
    from analysis.synthesis.scales import back_transform, effects

    scale: Any = choice.scale
    totals = n.astype(np.float64)
    found = effects(x.astype(np.float64), totals, scale)
    # An empty row has no fit; its weights are lent and its answer is taken away by the caller.
    lent = np.where(w.sum(axis=1, keepdims=True) > 0, w, 1.0)
    iv = fit_iv_many(found.yi, found.vi, weights=lent, tau2_method=choice.tau2_method)
    return iv.mu, iv.se[:, 0], iv.converged, partial(back_transform, scale=scale, total=totals)
