"""Fail-safe numbers: how many null studies would undo a result. Kept for comparison with older reviews.

References
----------
.. [1] Rosenthal R. The file drawer problem and tolerance for null results. Psychol Bull 1979.
.. [2] Orwin RG. A fail-safe N for effect size in meta-analysis. J Educ Stat 1983.
.. [3] Rosenberg MS. The file-drawer problem revisited. Evolution 2005.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy import special

from analysis.synthesis.checks import check_choice, check_effects, check_level, check_number
from analysis.synthesis.types import FloatArray

__all__ = ["fail_safe_n"]


def fail_safe_n(
    yi: FloatArray,
    vi: FloatArray,
    method: Literal["rosenthal", "orwin", "rosenberg"] = "rosenthal",
    *,
    alpha: float = 0.05,
    target: float | None = None,
    weighted: bool = False,
) -> int | float:
    """Return the fail-safe number.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.
    method
        ``"rosenthal"``: null studies until Stouffer's one-sided test reaches `alpha`;
        ``"rosenberg"``: until the weighted two-sided test does; ``"orwin"``: until the mean effect is
        `target`, half of it by default.
    alpha
        Significance level.
    target
        For Orwin.
    weighted
        For Orwin: weighted instead of plain mean.

    Examples
    --------
    >>> fail_safe_n(np.array([0.5, 0.4, 0.6]), np.array([0.04, 0.05, 0.03]))
    20
    """
    y, v = check_effects(yi, vi)
    check_choice(method, ("rosenthal", "orwin", "rosenberg"), "method")
    alpha = check_level(alpha, "alpha")
    if target is not None:
        target = check_number(target, "target")
    k, w = y.size, 1.0 / v
    if method == "rosenthal":
        z = abs(float((y / np.sqrt(v)).sum())) / math.sqrt(k)
        number = k * (z / float(special.ndtri(1.0 - alpha))) ** 2 - k
    elif method == "rosenberg":
        number = k * ((float(w @ y) / float(special.ndtri(alpha / 2))) ** 2 - w.sum()) / w.sum()
    elif method == "orwin":
        mean = float(w @ y / w.sum()) if weighted else float(y.mean())
        aim = mean / 2.0 if target is None else target
        if aim == 0.0:
            return math.inf
        aim = math.copysign(aim, mean)
        number = k * (mean - aim) / aim
    else:
        raise ValueError(f"unknown method {method!r}; known: rosenthal, orwin, rosenberg")
    number = max(0.0, float(number))
    # A number whole but for rounding is that number, not the next.
    return round(number) if abs(number - round(number)) < 1.5e-8 else math.ceil(number)
