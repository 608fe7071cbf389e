"""One plain analysis, free of batch overhead: pooled mean, DerSimonian-Laird, ML and REML search.

The search has the grid, brackets and Newton steps of `analysis.synthesis.tau2`; its sums are products
with the columns 1, y and y^2 instead of passes over a batch. It exists because a single fit is asked
for far more often than its size in code.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.synthesis.types import FloatArray

__all__ = ["dersimonian_laird_single", "maximise_single", "pooled_single"]


def pooled_single(y: FloatArray, v: FloatArray, tau2: float) -> tuple[float, float, float]:
    """Return the weighted mean, the sum of the weights and the residual sum of squares at tau2."""
    w = 1.0 / (v + tau2)
    total = float(w.sum())
    mu = float(w @ y) / total
    r = y - mu
    return mu, total, float((w * r) @ r)


def dersimonian_laird_single(y: FloatArray, v: FloatArray) -> float:
    """Return ``(Q - (k - 1)) / (S1 - S2 / S1)`` of two studies or more, cut at zero."""
    w = 1.0 / v
    total = float(w.sum())
    r = y - float(w @ y) / total
    q = float((w * r) @ r)
    return max((q - (y.size - 1)) / (total - float(w @ w) / total), 0.0)


def maximise_single(
    y: FloatArray, v: FloatArray, restricted: bool, start: float, ratio: float
) -> tuple[float, bool, int]:
    """Return tau2 at the highest maximum, whether every search ended, and the steps taken.

    Parameters
    ----------
    y, v
        Estimates and variances, (k,) with k >= 2.
    restricted
        REML instead of ML.
    start, ratio
        Of the score grid: first point as a share of the smallest variance, and largest factor between
        neighbours.
    """
    shift = y - y[y.size // 2]
    top = float(shift.max() - shift.min()) ** 2
    if top <= 0.0:
        return 0.0, True, 0
    # Centred near the equal-effects mean, the sums of squares keep their digits.
    w = 1.0 / v
    shift = shift - float(w @ shift) / float(w.sum())
    columns = np.empty((y.size, 3))
    columns[:, 0] = 1.0
    columns[:, 1] = shift
    np.multiply(shift, shift, out=columns[:, 2])
    low = min(start * float(v.min()), top)
    count = max(1, math.ceil(math.log(top / low) / math.log(ratio)))
    factor = (top / low) ** (1.0 / count)
    grid = [0.0] + [low * factor**j for j in range(count)] + [top]
    w = 1.0 / (v + np.array(grid)[:, None])
    first = w @ columns
    second = (w * w) @ columns
    scores = _scores(first, second, restricted)
    found = [0.0] if scores[0] <= 0 else []
    steps, ok = 0, True
    for j in range(len(grid) - 1):
        if scores[j] > 0 >= scores[j + 1]:
            ends = (grid[j], grid[j + 1], scores[j], scores[j + 1])
            root, used, ended = _newton(v, columns, ends, restricted)
            found.append(root)
            steps, ok = steps + used, ok and ended
    if len(found) == 1:
        return found[0], ok, steps
    if not found:
        return 0.0, ok, steps
    heights = [_height(v, columns, t, restricted) for t in found]
    return found[heights.index(max(heights))], ok, steps


def _scores(first: FloatArray, second: FloatArray, restricted: bool) -> list[float]:
    s1, s2 = first[:, 0], second[:, 0]
    mu = first[:, 1] / s1
    yppy = second[:, 2] - mu * (2.0 * second[:, 1] - mu * s2)
    value: list[float] = (yppy - (s1 - s2 / s1 if restricted else s1)).tolist()
    return value


def _newton(
    v: FloatArray,
    columns: FloatArray,
    ends: tuple[float, float, float, float],
    restricted: bool,
) -> tuple[float, int, bool]:
    low, high, at_low, at_high = ends
    t = low + (high - low) * at_low / (at_low - at_high)
    table = np.empty((3, v.size))
    for step_number in range(1, 201):
        w = np.divide(1.0, v + t, out=table[0])
        np.multiply(w, w, out=table[1])
        np.multiply(table[1], w, out=table[2])
        (s1, m1, _), (s2, m2, q2), (s3, m3, q3) = (table @ columns).tolist()
        mu = m1 / s1
        yppy = q2 - mu * (2.0 * m2 - mu * s2)
        ypppy = q3 - mu * (2.0 * m3 - mu * s3) - (m2 - mu * s2) ** 2 / s1
        if restricted:
            share = s2 / s1
            value = yppy - (s1 - share)
            slope = s2 - 2.0 * s3 / s1 + share * share - 2.0 * ypppy
        else:
            value, slope = yppy - s1, s2 - 2.0 * ypppy
        if value > 0:
            low = t
        else:
            high = t
        new = t - value / slope if slope != 0 else low - 1.0
        inside = low <= new <= high
        if not inside:
            new = 0.5 * (low + high)
        step, t = abs(new - t), new
        if step <= (1e-8 if inside else 4e-16) * t:
            return t, step_number, True
    return t, 200, False


def _height(v: FloatArray, columns: FloatArray, t: float, restricted: bool) -> float:
    total = v + t
    s1, m1, q1 = ((1.0 / total) @ columns).tolist()
    value = -0.5 * (float(np.log(total).sum()) + q1 - m1 * m1 / s1)
    return value - 0.5 * math.log(s1) if restricted else value
