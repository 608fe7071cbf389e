"""Proportions on the scales of an inverse-variance analysis, and the way back.

The conventions are those of metafor's ``escalc``: a correction of 0.5 is added to events and to
non-events of a study at zero or at its total on the logit, log and raw scales, none is needed for
the arcsine and Freeman-Tukey scales. The rule and the amount are always named in the result.

References
----------
.. [1] Viechtbauer W. Conducting meta-analyses in R with the metafor package. J Stat Softw 2010.
.. [2] Miller JJ. The inverse of the Freeman-Tukey double arcsine transformation. Am Stat 1978.
.. [3] Schwarzer G et al. Seriously misleading results using inverse of Freeman-Tukey double
   arcsine transformation. Res Synth Methods 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_number, check_numbers
from analysis.synthesis.counts import check_counts
from analysis.synthesis.types import FloatArray, Scale

__all__ = [
    "CORRECTIONS",
    "FREEMAN_TUKEY_WARNING",
    "SCALES",
    "Correction",
    "Effects",
    "back_transform",
    "effects",
]

Correction = Literal["only0", "if0all", "all", "none"]

#: Shown wherever a Freeman-Tukey result is transformed back.
FREEMAN_TUKEY_WARNING = (
    "Freeman-Tukey: the way back to a proportion needs one sample size for all studies (here the "
    "harmonic mean) and can mislead badly when sizes differ much; prefer the binomial model"
)

#: The scales, and the rules of the continuity correction.
SCALES: tuple[str, ...] = ("logit", "log", "arcsine", "freeman-tukey", "raw")
CORRECTIONS: tuple[str, ...] = ("only0", "if0all", "all", "none")

#: The largest number below one.
_BELOW_ONE = float(np.nextafter(1.0, 0.0))
#: Scales on which an estimate at 0 or 1 has no finite value or no variance without a correction.
_CORRECTED: frozenset[str] = frozenset({"logit", "log", "raw"})


@dataclass(frozen=True, slots=True)
class Effects(Result):
    """Study estimates and sampling variances on one scale.

    `corrected` marks the studies whose counts were changed by `amount`.
    """

    yi: FloatArray
    vi: FloatArray
    events: FloatArray
    total: FloatArray
    scale: str
    correction: str
    amount: float
    corrected: np.ndarray

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {
                "events": float(x),
                "total": float(n),
                "yi": float(y),
                "vi": float(v),
                "corrected": bool(c),
            }
            for x, n, y, v, c in zip(
                self.events, self.total, self.yi, self.vi, self.corrected, strict=True
            )
        ]


def effects(
    events: FloatArray,
    total: FloatArray,
    scale: Scale = "logit",
    *,
    correction: Correction = "only0",
    amount: float | None = None,
) -> Effects:
    """Turn counts into estimates and sampling variances on a scale.

    Parameters
    ----------
    events, total
        Counts of each study.
    scale
        ``"logit"``, ``"log"``, ``"arcsine"``, ``"freeman-tukey"`` or ``"raw"``.
    correction
        ``"only0"``: studies at 0 or at their total are changed; ``"if0all"``: all studies as soon
        as one is there; ``"all"``: always; ``"none"``: never.
    amount
        Added to events and to non-events; 0.5 on the logit, log and raw scales and 0 on the
        arcsine and Freeman-Tukey scales when not given.

    Returns
    -------
    Effects
        With ``yi`` and ``vi`` in the order given.

    Examples
    --------
    >>> effects([1, 0], [4, 9]).yi.round(6).tolist()
    [-1.098612, -2.944439]
    """
    x0, n0 = check_counts(events, total)
    check_choice(scale, SCALES, "scale")
    check_choice(correction, CORRECTIONS, "correction", "continuity correction")
    if amount is not None:
        check_number(amount, "amount", low=0.0)
    return effects_of_checked(x0, n0, scale, correction, amount)


def effects_of_checked(
    x0: FloatArray, n0: FloatArray, scale: str, correction: str = "only0", amount: float | None = None
) -> Effects:
    """Do the work of `effects` on arrays of any shape that hold counts."""
    add = (0.5 if scale in _CORRECTED else 0.0) if amount is None else float(amount)
    extreme = (x0 == 0) | (x0 == n0)
    if correction == "only0":
        changed = extreme
    elif correction == "if0all":
        changed = np.full(x0.shape, bool(extreme.any()))
    elif correction == "all":
        changed = np.ones(x0.shape, dtype=bool)
    else:
        changed = np.zeros(x0.shape, dtype=bool)
    m0 = n0 - x0
    if add == 0:
        changed = np.zeros(x0.shape, dtype=bool)
    if changed.any():
        yi, vi = _transform(np.where(changed, x0 + add, x0), np.where(changed, m0 + add, m0), scale)
    else:
        yi, vi = _transform(x0, m0, scale)
    return Effects(yi, vi, x0, n0, scale, correction, add, changed)


def _transform(x: FloatArray, m: FloatArray, scale: str) -> tuple[FloatArray, FloatArray]:
    n = x + m
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "logit":
            # The quotient first: equal proportions then have exactly equal logits.
            return np.log(x / m), 1.0 / x + 1.0 / m
        if scale == "log":
            return np.log(x) - np.log(n), 1.0 / x - 1.0 / n
        if scale == "raw":
            return x / n, x * m / n**3
        if scale == "arcsine":
            return np.arcsin(np.sqrt(x / n)), 1.0 / (4.0 * n)
        if scale == "freeman-tukey":
            double = np.arcsin(np.sqrt(x / (n + 1.0))) + np.arcsin(np.sqrt((x + 1.0) / (n + 1.0)))
            return double / 2.0, 1.0 / (4.0 * n + 2.0)
    raise ValueError(f"unknown scale {scale!r}")


def back_transform(
    values: FloatArray | float, scale: Scale, total: FloatArray | float | None = None
) -> FloatArray:
    """Turn values on a scale back into proportions.

    Values beyond the range of the scale give 0 or 1.

    Parameters
    ----------
    values
        Estimates or limits on the scale.
    scale
        As for `effects`.
    total
        Sample sizes of the studies, needed by the Freeman-Tukey scale alone, which uses their
        harmonic mean; see `FREEMAN_TUKEY_WARNING`.

    Examples
    --------
    >>> back_transform([-1.0986122886681098], "logit").round(12).tolist()
    [0.25]
    """
    check_choice(scale, SCALES, "scale")
    y = np.asarray(values, dtype=float)
    if scale == "logit":
        # The logit of 1 is infinite, so no finite value may round to it.
        return np.where(np.isinf(y), special.expit(y), np.minimum(special.expit(y), _BELOW_ONE))
    if scale == "log":
        return np.exp(y)
    if scale == "raw":
        return y.copy()
    if scale == "arcsine":
        return np.sin(np.clip(y, 0.0, np.pi / 2)) ** 2
    if scale == "freeman-tukey":
        if total is None:
            raise ValueError("the Freeman-Tukey scale needs the totals to go back")
        sizes = check_numbers(total, "total", ndim=(0, 1, 2))
        if not (sizes > 0).all():
            raise ValueError("total holds a size that is not above zero")
        return _miller(y, float(1.0 / np.mean(1.0 / sizes)))
    raise AssertionError(scale)


def _miller(y: FloatArray, n: float) -> FloatArray:
    low = np.arcsin(np.sqrt(1.0 / (n + 1.0))) / 2.0
    high = (np.arcsin(np.sqrt(n / (n + 1.0))) + np.pi / 2) / 2.0
    inside = np.clip(y, low, high)
    sine, cosine = np.sin(2.0 * inside), np.cos(2.0 * inside)
    # Rounding at the ends of the range can push the square just above one.
    square = np.minimum((sine + (sine - 1.0 / sine) / n) ** 2, 1.0)
    p = 0.5 * (1.0 - np.sign(cosine) * np.sqrt(1.0 - square))
    return np.where(np.isnan(y), np.nan, np.where(y <= low, 0.0, np.where(y >= high, 1.0, p)))
