"""Sequential boundaries for a growing set of trials: a secondary view, never the main analysis.

Cochrane advises against sequential methods for the main analyses and conclusions of an updated
review, as decisions are not made by a stopping rule and the parameters are a matter of choice.

References
----------
.. [1] Lan KKG, DeMets DL. Discrete sequential boundaries for clinical trials. Biometrika 1983.
.. [2] Wetterslev J et al. Trial sequential analysis may establish when firm evidence is reached in
   cumulative meta-analysis. J Clin Epidemiol 2008.
.. [3] Lan KKG et al. Applying the law of iterated logarithm to control type I error in cumulative
   meta-analysis. Stat Sin 2003.
.. [4] Cochrane Handbook for Systematic Reviews of Interventions, chapter 22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

__all__ = ["diversity", "iterated_logarithm", "obrien_fleming", "required_patients"]

FloatArray = npt.NDArray[np.float64]

#: Nodes of the integral between the boundaries of a look; 200 give seven digits.
_NODES = 200
#: Beyond this a boundary cannot be told from infinity in double precision.
_FARTHEST = 8.0


def obrien_fleming(fractions: Sequence[float], alpha: float = 0.05) -> FloatArray:
    """Return two-sided boundaries for z at looks, by the O'Brien-Fleming type of spending.

    Parameters
    ----------
    fractions
        Share of the required information at each look, rising; shares above one count as one, and
        looks after the first at one spend nothing more (infinite boundary).
    alpha
        Two-sided error over all looks.

    Examples
    --------
    >>> obrien_fleming([0.5, 1.0]).round(3).tolist()
    [2.963, 1.969]
    """
    from scipy.special import ndtr, ndtri

    times = np.minimum(np.asarray(fractions, dtype=float), 1.0)
    if times.size == 0 or times[0] <= 0 or (np.diff(np.asarray(fractions)) < 0).any():
        raise ValueError("fractions must be above zero and must not fall")
    # Each side spends half of alpha by its own curve, as programs for sequential designs do.
    spent = 4.0 * ndtr(-ndtri(1.0 - alpha / 4.0) / np.sqrt(times))
    bounds = np.full(times.size, np.inf)
    at, weight, before, used = np.zeros(1), np.ones(1), 0.0, 0.0
    nodes, parts = np.polynomial.legendre.leggauss(_NODES)
    for look, time in enumerate(times):
        width = time - before
        if width <= 0:
            continue
        spread = np.sqrt(width)

        bounds[look] = _edge(partial(_leaving, at, weight, time, spread), spent[look] - used)
        used = spent[look]
        edge = min(bounds[look], _FARTHEST) * np.sqrt(time)
        here = edge * nodes
        density = np.exp(-0.5 * ((here[:, None] - at) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        at, weight, before = here, edge * parts * (density @ weight), time
    return bounds


def _leaving(at: FloatArray, weight: FloatArray, time: float, spread: float, z: float) -> float:
    """Probability of lying beyond z at a look, not having crossed before."""
    from scipy.special import ndtr

    edge = z * np.sqrt(time)
    return float(weight @ (ndtr((-edge - at) / spread) + ndtr((at - edge) / spread)))


def _edge(leaving: Callable[[float], float], wanted: float) -> float:
    """Find the boundary of z that is left with the wanted probability, by bisection."""
    low, high = 0.0, _FARTHEST
    if leaving(high) >= wanted:
        return float("inf")
    for _ in range(60):
        middle = 0.5 * (low + high)
        if leaving(middle) > wanted:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def iterated_logarithm(z: npt.ArrayLike, information: npt.ArrayLike, penalty: float) -> FloatArray:
    """Return z shrunk by the law of the iterated logarithm, to be held against the usual limit.

    Where the logarithm of the logarithm of the information is not above zero the law says nothing, and
    the answer is nan.

    Examples
    --------
    >>> iterated_logarithm([3.0], [100.0], 2.0).round(4).tolist()
    [1.7166]
    """
    info = np.asarray(information, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        inner = np.log(np.log(info))
        shrunk = np.asarray(z, dtype=float) / np.sqrt(penalty * inner)
    return np.where(inner > 0, shrunk, np.nan)


def required_patients(control: float, treated: float, alpha: float = 0.05, power: float = 0.9) -> float:
    """Return the patients of two equal arms that a trial of the same question would need.

    Examples
    --------
    >>> round(required_patients(0.5, 0.6))
    1040
    """
    from scipy.special import ndtri

    if not (0 < control < 1 and 0 < treated < 1 and control != treated):
        raise ValueError("two different proportions between 0 and 1 are needed")
    middle = 0.5 * (control + treated)
    z = float(ndtri(1 - alpha / 2) + ndtri(power))
    return 4.0 * z**2 * middle * (1 - middle) / (treated - control) ** 2


def diversity(common_se: float, random_se: float) -> float:
    """Return D2: the share of the variance of the random-effects estimate that is between trials."""
    return max(0.0, 1.0 - (common_se / random_se) ** 2)
