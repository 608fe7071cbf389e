r"""Doi plot and LFK index of asymmetry, with the caution that belongs to them.

Studies are ranked by effect, each as many times as its precision (100 for the least precise); a study's
percentile is that of the middle of its ranks, and its folded normal quantile is the height in the plot.
The index compares both limbs round the study at the top:

.. math:: \frac{5}{2k} \sum_i \left\{ z_i + \frac{\max z - \min z}{\max y - \min y} (y_i - y_{top}) \right\}.

The limits of 1 and 2 are conventions and the index is no test: simulations find that its error rate depends
on the number of studies and on the heterogeneity, so it should not be read as one.

References
----------
.. [1] Furuya-Kanamori L, Barendregt JJ, Doi SAR. A new improved graphical and quantitative method for
   detecting bias in meta-analysis. Int J Evid Based Healthc 2018.
.. [2] Schwarzer G, Ruecker G, Semaca C. LFK index does not reliably detect small-study effects in
   meta-analysis: a simulation study. Res Synth Methods 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from analysis.results import Result
from analysis.synthesis.checks import check_effects
from analysis.synthesis.types import FloatArray, Numbers, Rows

__all__ = ["CAUTION", "LIMITS", "Doi", "doi"]

#: Sizes of the index up to which its authors speak of no and of minor asymmetry.
LIMITS = (1, 2)

CAUTION = (
    "the LFK index is not a test: how often it calls studies asymmetric by chance depends on their number "
    "and on heterogeneity"
)


@dataclass(frozen=True, slots=True)
class Doi(Result):
    """Points of a Doi plot in order of effect, and the LFK index.

    `z` is the normal quantile of each study's percentile; the plot shows its size, smallest at the top.
    """

    yi: FloatArray
    z: FloatArray
    order: Rows
    lfk: float
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The index in the words of its authors."""
        size = abs(self.lfk)
        none, minor = LIMITS
        return "no asymmetry" if size <= none else "minor asymmetry" if size <= minor else "major asymmetry"

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {"study": int(i), "yi": float(y), "z": float(z)}
            for i, y, z in zip(self.order, self.yi, self.z, strict=True)
        ]


def doi(yi: Numbers, vi: Numbers) -> Doi:
    """Return the Doi plot and the LFK index.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.

    Examples
    --------
    >>> round(doi([-4.27, -1.71, -0.58, -0.19, 0.0], [0.158, 0.076, 0.018, 0.022, 0.04]).lfk, 2)
    -3.31
    """
    y, v = check_effects(yi, vi)
    if y.size < 2:
        raise ValueError("at least two effects are needed")
    if y.max() == y.min():
        raise ValueError("all effects are equal: there are no limbs to compare")
    order = np.argsort(y, kind="stable")
    y, v = y[order], v[order]
    size = 100.0 * v.max() / v
    middle = np.cumsum(size) - size / 2.0
    z: FloatArray = ndtri((middle - 0.5) / size.sum())
    top = y[np.argmin(np.abs(z))]
    slope = (z.max() - z.min()) / (y.max() - y.min())
    lfk = 2.5 / y.size * float((z + slope * (y - top)).sum())
    return Doi(y, z, order, lfk, (CAUTION,))
