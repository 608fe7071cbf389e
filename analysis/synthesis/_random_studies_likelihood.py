"""Likelihood of two-arm counts with a random intercept and a random effect for each study.

The log odds of the arms of a study are ``c + w1 theta`` and ``c + w2 theta`` with ``c = alpha + s z1`` and
``theta = mu + r z1 + t z2``, where z1 and z2 are independent standard normal. Parameters are the five
numbers ``(alpha, mu, s, t, r)``; they enter the log odds linearly, so derivatives of the log integral are
means of products of the arms' residuals with 1, z1 and z2 under the integrand's own weights.

The integral over (z1, z2) is a trapezoid rule on a grid turned and scaled by the curvature at the mode. The
grid covers the region where the log-concave integrand is above rounding; its spacing is a fraction of
the distance to the nearest singularity of the integrand in the complex plane, on which the rule's error
depends exponentially.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.synthesis.special import log_choose
from analysis.synthesis.two_by_two import Tables
from analysis.synthesis.types import FloatArray, Rows

__all__ = ["PARAMETERS", "RandomStudies", "Terms"]

PARAMETERS = ("alpha", "mu", "s", "t", "r")

#: The integrand is cut where it is below its top by this much in logarithm.
_DEPTH = 38.0
#: Largest spacing in units of the mode's own scale, and the part of the distance to a singularity.
_SPACING, _PART = 0.5, 8.0
#: Sizes of one axis of the grid; studies of one size are integrated together.
_SIZES = (32, 40, 50, 64, 90, 128, 200, 320, 500, 800)
#: Numbers held at once by one array.
_CHUNK = 400_000

# What a parameter multiplies: the intercept (0) or the effect (1), and which of 1, z1, z2.
_PART_OF = (0, 1, 0, 1, 1)
_TIMES = (0, 0, 1, 2, 1)
# Position of the product of two of (1, z1, z2) among 1, z1, z2, z1^2, z1 z2, z2^2.
_PRODUCT = ((0, 1, 2), (1, 3, 4), (2, 4, 5))


class Terms(NamedTuple):
    """Log integral of each study with first and second derivatives by the five parameters."""

    value: FloatArray  # (k,)
    gradient: FloatArray  # (k, 5)
    hessian: FloatArray  # (k, 5, 5)


class _Frame(NamedTuple):
    """Log odds of the arms as linear functions of (z1, z2), and the mode with its scale."""

    base: FloatArray  # (2, k)
    slopes: FloatArray  # (2, 2): arm, axis
    mode: FloatArray  # (2, k)
    scale: FloatArray  # (k, 2, 2) lower triangular, its product with itself is the inverse curvature
    top: FloatArray  # (k,)


class RandomStudies:
    """Two binomials a study; `coding` is the part of the effect that lies in the first arm."""

    def __init__(self, tables: Tables, coding: float = 0.5) -> None:
        self._events = np.stack([tables.a, tables.c])
        self._total = np.stack([tables.n1, tables.n2])
        self._constant = log_choose(tables.n1, tables.a) + log_choose(tables.n2, tables.c)
        self._share = np.array([coding, coding - 1.0])
        self.k = tables.a.size

    def terms(self, alpha: float, mu: float | FloatArray, s: float, t: float, r: float) -> Terms:
        """Log integrals and their derivatives; `mu` may differ by study."""
        frame = self._frame(alpha, mu, s, t, r)
        flat = t == 0.0 and r == 0.0
        low, high = self._reach(frame)
        sizes = self._sizes(frame, low, high, flat)
        value, gradient = np.empty(self.k), np.empty((self.k, 5))
        hessian = np.empty((self.k, 5, 5))
        for size in np.unique(sizes, axis=0):
            members = np.flatnonzero((sizes == size).all(axis=1))
            room = max(1, _CHUNK // int(size.prod()))
            for first in range(0, members.size, room):
                rows = members[first : first + room]
                part = self._integrate(frame, rows, low[:, rows], high[:, rows], size, flat)
                value[rows], gradient[rows], hessian[rows] = part
        return Terms(value, gradient, hessian)

    def laplace(
        self, alpha: float, mu: float | FloatArray, s: float, t: float, r: float
    ) -> tuple[FloatArray, FloatArray]:
        """Laplace's approximation of each log integral, and its gradient (k, 5).

        The gradient follows the mode as it moves with the parameters, and with it the curvature.
        """
        frame = self._frame(alpha, mu, s, t, r)
        value = frame.top + np.log(frame.scale[:, 0, 0] * frame.scale[:, 1, 1])
        p = _expit(frame.base + frame.slopes @ frame.mode)
        residual, v = self._events - self._total * p, self._total * p * (1.0 - p)
        inverse = frame.scale @ frame.scale.swapaxes(1, 2)
        # Derivatives at a fixed point: of the log odds (arm, parameter, k) and of the slopes.
        part = np.column_stack([np.ones(2), self._share])[:, _PART_OF]
        times = np.stack([np.ones(self.k), *frame.mode])[list(_TIMES)]
        direct = part[:, :, None] * times
        turn = np.zeros((2, 5, 2))
        turn[:, 2, 0], turn[:, 3, 1], turn[:, 4, 0] = 1.0, self._share, self._share
        mixed = np.einsum("jk,jia->ika", residual, turn) - np.einsum(
            "jk,ja,jik->ika", v, frame.slopes, direct
        )
        moved = np.einsum("kab,ikb->ika", inverse, mixed)
        total = direct + np.einsum("ja,ika->jik", frame.slopes, moved)
        spread = np.einsum("kab,jb->jka", inverse, frame.slopes)
        leverage = np.einsum("ja,jka->jk", frame.slopes, spread)
        bend = np.einsum("jk,jk,jik->ik", v * (1.0 - 2.0 * p), leverage, total)
        bend += 2.0 * np.einsum("jk,jia,jka->ik", v, turn, spread)
        return value, (np.einsum("jk,jik->ik", residual, direct) - 0.5 * bend).T

    def _height(self, eta: FloatArray, z: FloatArray, rows: Rows | slice) -> FloatArray:
        """Log integrand: eta and z are (2, k, ...)."""
        shape = (2, -1) + (1,) * (eta.ndim - 2)
        x, n = self._events[:, rows].reshape(shape), self._total[:, rows].reshape(shape)
        body: FloatArray = (x * eta - n * np.logaddexp(0.0, eta) - 0.5 * z * z).sum(axis=0)
        return body + self._constant[rows].reshape(shape[1:])

    def _frame(self, alpha: float, mu: float | FloatArray, s: float, t: float, r: float) -> _Frame:
        mean = np.broadcast_to(np.asarray(mu, dtype=float), (self.k,))
        base = alpha + self._share[:, None] * mean
        slopes = np.column_stack([s + self._share * r, self._share * t])
        mode = self._mode(base, slopes)
        eta = base + slopes @ mode
        curve = self._curvature(eta, slopes)
        scale = np.linalg.cholesky(np.linalg.inv(curve))
        return _Frame(base, slopes, mode, scale, self._height(eta, mode, slice(None)))

    def _curvature(self, eta: FloatArray, slopes: FloatArray) -> FloatArray:
        """Minus the second derivatives of the log integrand in (z1, z2)."""
        p = _expit(eta)
        v = self._total * p * (1.0 - p)
        return np.einsum("jk,ja,jb->kab", v, slopes, slopes) + np.eye(2)

    def _mode(self, base: FloatArray, slopes: FloatArray) -> FloatArray:
        """Mode of each log-concave integrand, by Newton steps that are shortened until they climb."""
        z = np.zeros((2, self.k))
        eta = base + slopes @ z
        height, share = self._height(eta, z, slice(None)), np.ones(self.k)
        for _ in range(200):
            slope = slopes.T @ (self._events - self._total * _expit(eta)) - z
            step = np.linalg.solve(self._curvature(eta, slopes), slope.T[:, :, None])[:, :, 0].T
            if np.abs(step).max() < 1e-11:
                break
            new = z + share * step
            new_eta = base + slopes @ new
            new_height = self._height(new_eta, new, slice(None))
            # So near the mode Newton's step is right, and rounding alone may tell a fall.
            climbs = (new_height >= height - 1e-13 * np.abs(height)) | (np.abs(step).max(axis=0) < 1e-8)
            z, eta = np.where(climbs, new, z), np.where(climbs, new_eta, eta)
            height = np.where(climbs, new_height, height)
            share = np.where(climbs, np.minimum(1.0, 2.0 * share), 0.25 * share)
        return z

    def _reach(self, frame: _Frame) -> tuple[FloatArray, FloatArray]:
        """Ends of the level set along the two axes of the turned grid, each (2, k)."""
        turned = np.einsum("ja,kab->bjk", frame.slopes, frame.scale)  # axis, arm, k
        at_mode = frame.base + frame.slopes @ frame.mode
        curve = np.array([[0, 0, 1, 1], [1, 1, 0, 0]])  # fixed axis and free axis of four searches
        sign = np.array([-1.0, 1.0, -1.0, 1.0])[:, None]
        fixed, free = curve
        x, n = self._events[:, None], self._total[:, None]
        along, across = turned[fixed].swapaxes(0, 1), turned[free].swapaxes(0, 1)  # arm, search, k
        # Back to z: the prior's part of the height needs the same turn.
        z_along = np.stack([frame.scale[:, :, a].T for a in fixed], axis=1)  # z axis, search, k
        z_across = np.stack([frame.scale[:, :, a].T for a in free], axis=1)

        def best(distance: FloatArray, start: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
            """Height at a distance along the fixed axis, highest over the free one."""
            w = start
            for _ in range(steps):
                eta = at_mode[:, None] + along * distance + across * w
                z = frame.mode[:, None] + z_along * distance + z_across * w
                p = _expit(eta)
                slope = (across * (x - n * p)).sum(axis=0) - (z_across * z).sum(axis=0)
                bend = (across**2 * n * p * (1.0 - p)).sum(axis=0) + (z_across**2).sum(axis=0)
                w = w + np.clip(slope / bend, -3.0, 3.0)
            eta = at_mode[:, None] + along * distance + across * w
            z = frame.mode[:, None] + z_along * distance + z_across * w
            height = (x * eta - n * np.logaddexp(0.0, eta) - 0.5 * z * z).sum(axis=0)
            return height + self._constant, w

        reach = sign * np.full((4, self.k), 9.0)
        short, w = np.zeros((4, self.k)), np.zeros((4, self.k))
        for _ in range(40):
            height, w = best(reach, w, 7)
            inside = height > frame.top - _DEPTH
            if not inside.any():
                break
            short, reach = np.where(inside, reach, short), np.where(inside, 1.5 * reach, reach)
        last = reach
        for _ in range(6):
            middle = 0.5 * (short + reach)
            # The free axis follows the fixed one nearly in proportion, so few steps are left.
            height, w = best(middle, w * (middle / last), 3)
            last = middle
            inside = height > frame.top - _DEPTH
            short, reach = np.where(inside, middle, short), np.where(inside, reach, middle)
        return reach[[0, 2]], reach[[1, 3]]

    def _sizes(self, frame: _Frame, low: FloatArray, high: FloatArray, flat: bool) -> FloatArray:
        """Numbers of nodes of each study along both axes, (k, 2)."""
        turned = np.abs(np.einsum("ja,kab->jkb", frame.slopes, frame.scale)).max(axis=0).T
        spacing = np.minimum(_SPACING, np.pi / _PART / np.maximum(turned, 1e-12))
        wanted = np.ceil((high - low) / spacing) + 1.0
        place = np.minimum(np.searchsorted(_SIZES, wanted), len(_SIZES) - 1)
        sizes = np.asarray(_SIZES)[place].T
        if flat:
            sizes[:, 1] = 1
        return sizes

    def _integrate(
        self, frame: _Frame, rows: Rows, low: FloatArray, high: FloatArray, size: FloatArray, flat: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        m1, m2 = int(size[0]), int(size[1])
        w1 = low[0][:, None] + (high[0] - low[0])[:, None] * np.linspace(0.0, 1.0, m1)
        step = (high[0] - low[0]) / (m1 - 1)
        if flat:
            # Nothing depends on the second axis: its normal density integrates to one.
            w2, area = np.zeros((rows.size, 1)), step * np.sqrt(2.0 * np.pi)
        else:
            w2 = low[1][:, None] + (high[1] - low[1])[:, None] * np.linspace(0.0, 1.0, m2)
            area = step * (high[1] - low[1]) / (m2 - 1)
        turn = frame.scale[rows]
        # The scale is lower triangular: z1 does not depend on the second axis.
        z1 = frame.mode[0, rows][:, None, None] + (turn[:, 0, 0, None] * w1)[:, :, None] + 0.0 * w2[:, None]
        z2 = (
            frame.mode[1, rows][:, None, None]
            + (turn[:, 1, 0, None] * w1)[:, :, None]
            + (turn[:, 1, 1, None] * w2)[:, None]
        )
        z = np.stack([z1, z2]).reshape(2, rows.size, -1)
        eta = frame.base[:, rows, None] + np.einsum("ja,akm->jkm", frame.slopes, z)
        log_f = self._height(eta, z, rows)
        top = log_f.max(axis=1, keepdims=True)
        weight = np.exp(log_f - top)
        total = weight.sum(axis=1)
        weight /= total[:, None]
        area = area * turn[:, 0, 0] * turn[:, 1, 1]
        value = top[:, 0] + np.log(total * area) - np.log(2.0 * np.pi)
        return value, *self._derivatives(eta, z, weight, rows, flat)

    def _derivatives(
        self, eta: FloatArray, z: FloatArray, weight: FloatArray, rows: Rows, flat: bool
    ) -> tuple[FloatArray, FloatArray]:
        p = _expit(eta)
        n = self._total[:, rows, None]
        residual, v = self._events[:, rows, None] - n * p, n * p * (1.0 - p)
        one, two = self._share
        by_c, by_t = residual[0] + residual[1], one * residual[0] + two * residual[1]
        parts = np.stack(
            [
                by_c,
                by_t,
                by_c**2 - v[0] - v[1],
                by_c * by_t - one * v[0] - two * v[1],
                by_t**2 - one * one * v[0] - two * two * v[1],
            ],
            axis=1,
        )
        z1, z2 = z
        if flat:
            square = [np.zeros_like(z1), np.ones_like(z1)]
            z2 = np.zeros_like(z1)
        else:
            square = [z1 * z2, z2 * z2]
        monomials = np.stack([np.ones_like(z1), z1, z2, z1 * z1, *square], axis=1)
        mean = (parts * weight[:, None]) @ monomials.swapaxes(1, 2)
        gradient = np.stack([mean[:, a, b] for a, b in zip(_PART_OF, _TIMES, strict=True)], axis=1)
        hessian = np.empty((rows.size, 5, 5))
        for i in range(5):
            for j in range(5):
                kind = 2 + _PART_OF[i] + _PART_OF[j]
                hessian[:, i, j] = mean[:, kind, _PRODUCT[_TIMES[i]][_TIMES[j]]]
        return gradient, hessian - gradient[:, :, None] * gradient[:, None, :]


def _expit(eta: FloatArray) -> FloatArray:
    """Inverse logit without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * eta))
