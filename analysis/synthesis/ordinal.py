"""Ordinal shift between two arms: the proportional-odds model, one trial at a time.

With grades ordered from best to worst, ``logit P(grade <= j) = a_j + b * treated``. One `b` holds at
every cut of the scale; ``exp(b)`` is the common odds ratio of a better grade, above 1 when the first
arm fares better. Newton's method on the exact likelihood; the score and the information are analytic.

References
----------
.. [1] McCullagh P. Regression models for ordinal data. J R Stat Soc B 1980.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from analysis.results import Result
from analysis.synthesis.checks import check_level
from analysis.synthesis.counts import CountsError
from analysis.synthesis.special import chi2_tail, normal_quantile, normal_two_sided
from analysis.synthesis.types import FloatArray

__all__ = ["ProportionalOdds", "proportional_odds"]

#: A step that promises less log-likelihood than this is the last one: the gain falls with the square of
#: the error, so the estimate is then right to rounding.
_ENOUGH = 1e-20
#: Rounding of the log-likelihood, as a share of it; a fall within it is none.
_ROUNDING = 1e-13
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class ProportionalOdds(Result):
    """A proportional-odds fit of two arms.

    `estimate` is the log odds ratio of a better (lower) grade in the first arm. `lack_of_fit` is twice
    the log-likelihood that the saturated model gains, with `lack_df` degrees of freedom: small when one
    odds ratio serves all cuts. `cuts` are the log odds ratios cut by cut, nan where a cut has an empty
    cell.
    """

    first: FloatArray
    second: FloatArray
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    thresholds: FloatArray
    log_likelihood: float
    lack_of_fit: float
    lack_df: int
    lack_p: float
    cuts: FloatArray
    level: float
    steps: int

    @property
    def ratio(self) -> float:
        """Common odds ratio of a better grade."""
        return math.exp(self.estimate)

    def rows(self) -> list[dict[str, Any]]:
        """One row: estimate, interval and lack of fit."""
        names = ("estimate", "se", "ci_low", "ci_high", "p_value", "log_likelihood", "lack_of_fit")
        return [{name: getattr(self, name) for name in names} | {"lack_p": self.lack_p}]


def proportional_odds(
    first: Sequence[float], second: Sequence[float], *, level: float = 0.95
) -> ProportionalOdds:
    """Fit the proportional-odds model to two arms.

    Parameters
    ----------
    first, second
        Patients by grade, best grade first; first is the treated arm.
    level
        Level of the interval.

    Raises
    ------
    CountsError
        When the counts cannot be right, or all patients of both arms share one grade.

    Examples
    --------
    With two grades it is the odds ratio of the fourfold table.

    >>> fit = proportional_odds([12, 8], [6, 14])
    >>> round(fit.ratio, 6), round(fit.se, 6)
    (3.5, 0.668153)
    """
    level = check_level(level)
    one, two = _checked(first, second)
    # A grade that nobody has carries no information on the effect, only an undefined threshold.
    seen = (one + two) > 0
    counts = np.stack([one[seen], two[seen]])
    if counts.shape[1] < 2:
        raise CountsError("all patients have the same grade: there is no shift to estimate")
    places = [np.flatnonzero(arm) for arm in counts]
    if places[0][-1] <= places[1][0] or places[1][-1] <= places[0][0]:
        raise CountsError("the arms do not overlap: the common odds ratio is zero or infinite")
    start = special.logit(np.cumsum(counts.sum(0))[:-1] / counts.sum())
    theta = np.append(start, 0.0)
    best, score, info = _likelihood(counts, theta)
    steps = 0
    while steps < _MOST_STEPS:
        steps += 1
        move = np.linalg.solve(info, score)
        share = 1.0
        while True:
            trial = theta + share * move
            value, new_score, new_info = _likelihood(counts, trial)
            if value >= best - _ROUNDING * abs(best) or share < 1e-10:
                break
            share /= 2.0
        gain = float(score @ move)
        theta, best, score, info = trial, value, new_score, new_info
        if gain < _ENOUGH:
            break
    se = math.sqrt(float(np.linalg.inv(info)[-1, -1]))
    estimate = float(theta[-1])
    half = normal_quantile(level) * se
    lack = max(0.0, 2.0 * (_saturated(counts) - best))
    df = counts.shape[1] - 2
    return ProportionalOdds(
        one,
        two,
        estimate,
        se,
        estimate - half,
        estimate + half,
        float(normal_two_sided(estimate / se)),
        theta[:-1],
        best,
        lack,
        df,
        float(chi2_tail(lack, df)) if df else 1.0,
        _cut_by_cut(one, two),
        level,
        steps,
    )


def _checked(first: Sequence[float], second: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    arms = (("first", first), ("second", second))
    for name, values in arms:
        if any(isinstance(value, str) for value in values):
            raise CountsError(f"{name} arm: a count is text")
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != two.shape or one.ndim != 1 or one.size < 2:
        raise CountsError("the two arms need the same grades, at least two")
    for name, arm in (("first", one), ("second", two)):
        if not np.isfinite(arm).all() or (arm < 0).any():
            raise CountsError(f"{name} arm: a count is negative or not a number")
        if arm.sum() == 0:
            raise CountsError(f"{name} arm: no patients")
    return one, two


def _likelihood(counts: FloatArray, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood, score and observed information; minus infinity for crossed thresholds."""
    size = theta.size
    value, score, info = 0.0, np.zeros(size), np.zeros((size, size))
    for treated, row in ((1.0, counts[0]), (0.0, counts[1])):
        at = theta[:-1] + treated * theta[-1]
        below = np.concatenate([[0.0], special.expit(at), [1.0]])
        slope = np.concatenate([[0.0], below[1:-1] * (1.0 - below[1:-1]), [0.0]])
        bend = slope * (1.0 - 2.0 * below)
        share = np.diff(below)
        used = row > 0
        if (share[used] <= 0.0).any():
            return -math.inf, score, info
        value += float(row[used] @ np.log(share[used]))
        # Derivatives of each share by the cut above it and the cut below it.
        lines = np.zeros((row.size, size))
        for grade in range(row.size):
            for cut, sign in ((grade + 1, 1.0), (grade, -1.0)):
                if 0 < cut < row.size:
                    lines[grade, cut - 1] += sign * slope[cut]
                    lines[grade, -1] += sign * slope[cut] * treated
        weight = np.where(used, row / np.where(used, share, 1.0), 0.0)
        score += weight @ lines
        squares = np.where(used, weight / np.where(used, share, 1.0), 0.0)
        info += (squares[:, None] * lines).T @ lines
        pull = bend[1:-1] * (weight[:-1] - weight[1:])
        cuts = np.arange(size - 1)
        info[cuts, cuts] -= pull
        info[cuts, -1] -= treated * pull
        info[-1, cuts] -= treated * pull
        info[-1, -1] -= treated * float(pull.sum())
    return value, score, info


def _saturated(counts: FloatArray) -> float:
    share = counts / counts.sum(axis=1, keepdims=True)
    return float(special.xlogy(counts, share).sum())


def _cut_by_cut(one: FloatArray, two: FloatArray) -> FloatArray:
    a, c = np.cumsum(one)[:-1], np.cumsum(two)[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = np.log(a) - np.log(one.sum() - a) - np.log(c) + np.log(two.sum() - c)
    return np.where(np.isfinite(cuts), cuts, np.nan)
