"""Integrated likelihoods of two-arm counts with first and second derivatives in (mu, tau).

For one study the integrand is ``exp(h(mu + tau u)) phi(u)``. With weights proportional to it,

- the gradient of the log integral is the mean of ``h' (1, u)``,
- the second derivative is the mean of ``(h'' + h'^2) (1, u) (1, u)'`` less the gradient's outer product,

and likewise with the study's own intercept as a third parameter, which is then profiled out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from analysis.synthesis.special import log_choose
from analysis.synthesis.two_by_two import Tables
from analysis.synthesis.types import FloatArray

__all__ = ["Conditional", "ConditionalApproximate", "Evaluation", "Unconditional"]

_POINTS = 161

#: The integrand is cut where it is below its top by this much in logarithm.
_DEPTH = 40.0


class Evaluation(NamedTuple):
    """Log-likelihood at a point with gradient and second derivatives."""

    point: FloatArray
    value: float
    gradient: FloatArray
    hessian: FloatArray


def _nodes(
    height: Callable[[FloatArray], FloatArray], mode: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return nodes (k, m) covering each integrand, and the spacing of each row."""
    top = height(mode[:, None])[:, 0]

    def edge(sign: float) -> FloatArray:
        reach = np.full(mode.size, 1.0)
        for _ in range(60):
            inside = height((mode + sign * reach)[:, None])[:, 0] > top - _DEPTH
            if not inside.any():
                break
            reach[inside] *= 1.5
        short = np.zeros(mode.size)
        for _ in range(12):
            middle = 0.5 * (short + reach)
            inside = height((mode + sign * middle)[:, None])[:, 0] > top - _DEPTH
            short, reach = np.where(inside, middle, short), np.where(inside, reach, middle)
        return mode + sign * reach

    low, high = edge(-1.0), edge(1.0)
    step = (high - low) / (_POINTS - 1)
    return low[:, None] + step[:, None] * np.arange(_POINTS), step


def _mode(
    slopes: Callable[[FloatArray], tuple[FloatArray, FloatArray]], tau: float, k: int
) -> FloatArray:
    """Mode of each log-concave integrand in u, by bounded Newton steps."""
    u = np.zeros(k)
    for _ in range(100):
        first, second = slopes(u)
        step = np.clip((tau * first - u) / (tau * tau * second - 1.0), -2.0, 2.0)
        u = u - step
        if np.abs(step).max() < 1e-10:
            break
    return u


class Conditional:
    """Non-central hypergeometric likelihood of the first arm's events, margins given."""

    def __init__(self, tables: Tables) -> None:
        a, n1, n2 = tables.a, tables.n1, tables.n2
        events = a + tables.c
        low, high = np.maximum(0.0, events - n2), np.minimum(n1, events)
        width = int((high - low).max()) + 1
        support = low[:, None] + np.arange(width)
        there = support <= high[:, None]
        inside = np.where(there, support, low[:, None])
        weight = log_choose(n1[:, None], inside) + log_choose(
            n2[:, None], events[:, None] - inside
        )
        self._support = np.where(there, support, 0.0)
        self._weight = np.where(there, weight, -np.inf)
        self._a = a
        # Relative to the smallest count, so that large margins do not lose digits.
        self._constant = log_choose(n1, a) + log_choose(n2, tables.c)
        self._tables = tables

    def start(self) -> float:
        """Peto's estimate, held near zero."""
        t = self._tables
        n, events = t.n1 + t.n2, t.a + t.c
        v = events * (n - events) * (t.n1 / n) * (t.n2 / n) / np.maximum(n - 1.0, 1.0)
        return float(np.clip((t.a - events * t.n1 / n).sum() / v.sum(), -3.0, 3.0))

    def _terms(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """H and two derivatives at theta (k, m)."""
        value, first, second = (np.empty_like(theta) for _ in range(3))
        for i in range(theta.shape[0]):
            use = np.isfinite(self._weight[i])
            x, w = self._support[i, use], self._weight[i, use]
            exponent = w + np.multiply.outer(theta[i], x)
            top = exponent.max(axis=1, keepdims=True)
            p = np.exp(exponent - top)
            total = p.sum(axis=1)
            mean = p @ x / total
            spread = ((x - mean[:, None]) ** 2 * p).sum(axis=1) / total
            log_total = top[:, 0] + np.log(total)
            value[i] = self._constant[i] + self._a[i] * theta[i] - log_total
            first[i], second[i] = self._a[i] - mean, -spread
        return value, first, second

    def saturated(self) -> float:
        """Log-likelihood with a free odds ratio for each study."""
        theta = np.zeros((self._a.size, 1))
        for _ in range(200):
            _, first, second = self._terms(theta)
            step = np.clip(first / np.minimum(second, -1e-12), -2.0, 2.0)
            theta = np.clip(theta - step, -60.0, 60.0)
            if np.abs(step).max() < 1e-12:
                break
        return float(self._terms(theta)[0].sum())

    def evaluate(self, point: FloatArray) -> Evaluation:
        """Log-likelihood and derivatives at (mu, tau)."""
        mu, tau = float(point[0]), float(point[1])
        k = self._a.size
        if tau == 0.0:
            value, first, second = (a[:, 0] for a in self._terms(np.full((k, 1), mu)))
            hessian = np.diag([second.sum(), (second + first**2).sum()])
            return Evaluation(point, float(value.sum()), np.array([first.sum(), 0.0]), hessian)

        def slopes(u: FloatArray) -> tuple[FloatArray, FloatArray]:
            _, first, second = self._terms((mu + tau * u)[:, None])
            return first[:, 0], second[:, 0]

        def height(u: FloatArray) -> FloatArray:
            return self._terms(mu + tau * u)[0] - 0.5 * u * u

        u, step = _nodes(height, _mode(slopes, tau, k))
        value, first, second = self._terms(mu + tau * u)
        log_integral, weight = _weigh(value - 0.5 * u * u, step)
        g1, g2 = (weight * first).sum(axis=1), (weight * first * u).sum(axis=1)
        curve = weight * (second + first**2)
        hessian = np.array(
            [
                [curve.sum() - g1 @ g1, (curve * u).sum() - g1 @ g2],
                [(curve * u).sum() - g1 @ g2, (curve * u * u).sum() - g2 @ g2],
            ]
        )
        gradient = np.array([g1.sum(), g2.sum()])
        return Evaluation(point, float(log_integral.sum()), gradient, hessian)


class ConditionalApproximate(Conditional):
    """Binomial stand-in for the non-central hypergeometric: near it where events are rare."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._a = tables.a
        self._events = tables.a + tables.c
        self._offset = np.log(tables.n1 / tables.n2)
        self._constant = log_choose(self._events, tables.a)

    def _terms(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        a, n = self._a[:, None], self._events[:, None]
        eta = theta + self._offset[:, None]
        p = special.expit(eta)
        value = self._constant[:, None] + a * eta - n * np.logaddexp(0.0, eta)
        return value, a - n * p, -n * p * (1.0 - p)


class Unconditional:
    """Two binomials a study with a free intercept, which is profiled out."""

    def __init__(self, tables: Tables) -> None:
        t = tables
        self._t = t
        self._constant = log_choose(t.n1, t.a) + log_choose(t.n2, t.c)
        share = (t.a + t.c + 0.5) / (t.n1 + t.n2 + 1.0)
        self._intercept = np.log(share) - np.log1p(-share)

    def start(self) -> float:
        """Start at no effect."""
        return 0.0

    def saturated(self) -> float:
        """Log-likelihood with a free rate for each arm."""
        t = self._t
        parts = (
            special.xlogy(t.a, t.a / t.n1)
            + special.xlogy(t.b, t.b / t.n1)
            + special.xlogy(t.c, t.c / t.n2)
            + special.xlogy(t.d, t.d / t.n2)
        )
        return float((self._constant + parts).sum())

    def _height(self, intercept: FloatArray, theta: FloatArray) -> FloatArray:
        t = self._t
        up, down = intercept[:, None] + theta / 2, intercept[:, None] - theta / 2
        return (
            self._constant[:, None]
            + t.a[:, None] * up
            - t.n1[:, None] * np.logaddexp(0.0, up)
            + t.c[:, None] * down
            - t.n2[:, None] * np.logaddexp(0.0, down)
        )

    def _scores(self, intercept: FloatArray, theta: FloatArray) -> tuple[FloatArray, ...]:
        """First derivatives by theta and intercept, and the three second ones."""
        t = self._t
        p1 = special.expit(intercept[:, None] + theta / 2)
        p0 = special.expit(intercept[:, None] - theta / 2)
        r1, r0 = t.a[:, None] - t.n1[:, None] * p1, t.c[:, None] - t.n2[:, None] * p0
        v1, v0 = t.n1[:, None] * p1 * (1 - p1), t.n2[:, None] * p0 * (1 - p0)
        return (r1 - r0) / 2, r1 + r0, -(v1 + v0) / 4, -(v1 - v0) / 2, -(v1 + v0)

    def evaluate(self, point: FloatArray) -> Evaluation:
        """Log-likelihood, profiled over the intercepts, and derivatives at (mu, tau)."""
        mu, tau = float(point[0]), float(point[1])
        alpha = self._intercept.copy()
        for _ in range(200):
            parts = self._integrate(alpha, mu, tau)
            score, curve = parts[2][:, 0], parts[3][:, 0, 0]
            step = np.clip(-score / np.minimum(curve, -1e-10), -1.0, 1.0)
            alpha = alpha + step
            if np.abs(step).max() < 1e-12:
                break
        self._intercept = alpha
        value, _, gradient, second = self._integrate(alpha, mu, tau)
        # Schur complement of the intercepts, each of which touches its own study alone.
        cross = second[:, 0, 1:]
        hessian = second[:, 1:, 1:].sum(axis=0) - np.einsum(
            "ki,kj,k->ij", cross, cross, 1.0 / second[:, 0, 0]
        )
        return Evaluation(point, float(value.sum()), gradient[:, 1:].sum(axis=0), hessian)

    def _integrate(
        self, alpha: FloatArray, mu: float, tau: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Log integral of each study with derivatives by (intercept, mu, tau)."""
        k = alpha.size
        if tau == 0.0:
            u, weight = np.zeros((k, 1)), np.ones((k, 1))
            log_integral = self._height(alpha, np.full((k, 1), mu))[:, 0]
        else:

            def slopes(z: FloatArray) -> tuple[FloatArray, FloatArray]:
                first, _, second, _, _ = self._scores(alpha, (mu + tau * z)[:, None])
                return first[:, 0], second[:, 0]

            def height(z: FloatArray) -> FloatArray:
                return self._height(alpha, mu + tau * z) - 0.5 * z * z

            u, step = _nodes(height, _mode(slopes, tau, k))
            log_integral, weight = _weigh(height(u), step)
        theta = mu + tau * u
        by_theta, by_alpha, tt, ta, aa = self._scores(alpha, theta)
        scores = np.stack([by_alpha, by_theta, by_theta * u])
        second = np.empty((3, 3, *u.shape))
        second[0, 0], second[0, 1], second[0, 2] = aa, ta, ta * u
        second[1, 1], second[1, 2], second[2, 2] = tt, tt * u, tt * u * u
        second[1, 0], second[2, 0], second[2, 1] = second[0, 1], second[0, 2], second[1, 2]
        if tau == 0.0:
            # The random effect has mean zero and variance one: moments instead of nodes.
            second[2, 2] = tt + by_theta**2
        gradient = np.einsum("km,ikm->ki", weight, scores)
        hessian = np.einsum("km,ijkm->kij", weight, second)
        hessian += np.einsum("km,ikm,jkm->kij", weight, scores, scores)
        hessian -= gradient[:, :, None] * gradient[:, None, :]
        return log_integral, u, gradient, hessian


def _weigh(log_height: FloatArray, step: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Trapezoid sum in logarithm and the normalised weights of the nodes."""
    top = log_height.max(axis=1, keepdims=True)
    mass = np.exp(log_height - top)
    total = mass.sum(axis=1)
    log_integral = top[:, 0] + np.log(total * step) - 0.5 * np.log(2.0 * np.pi)
    return log_integral, mass / total[:, None]
