r"""The same model with a fixed number of adaptive Gauss-Hermite nodes, as other programs fit it.

``glmer`` and ``rma.glmm`` use seven nodes by default and one node is Laplace's approximation; their
answer is the maximum of an approximate likelihood.  This module finds that maximum to full precision,
so that a difference from another program can be told from a difference of optimisers.

With mode :math:`\hat u` and scale ``s`` of a study's integrand ``g``, the rule is
:math:`\log s + \log \sum_j \omega_j \exp(g(\hat u + s z_j) + z_j^2/2)`.  Its gradient has the movement
of :math:`\hat u` and ``s`` with the parameters in it; the Hessian is differenced from that gradient.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.special import expit

from analysis.synthesis.glmm_results import GlmmFit
from analysis.synthesis.quadrature import hermite_rule, saturated_log_likelihood
from analysis.synthesis.types import FloatArray

__all__ = ["fit_fixed_nodes"]

#: Step of the differences and number of halvings in Richardson's scheme.
STEP = 2e-3
LEVELS = 4
MAX_ITERATIONS = 100
#: Starts in tau beside the exact answer.
STARTS = (0.05, 0.5, 1.2)


class _Rule:
    """Approximate log-likelihood and its gradient by (beta, tau)."""

    def __init__(self, x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray, nodes: int) -> None:
        self.x, self.n, self.design, self.w = x, n, design, w
        self.z, weight = hermite_rule(nodes)
        self.log_weight = np.log(weight) + 0.5 * self.z**2
        self.constant = float(w @ saturated_log_likelihood(x, n))
        inner = (x > 0) & (x < n)
        p = np.where(inner, x / n, 0.5)
        self.base = np.where(inner, x * np.log(p) + (n - x) * np.log1p(-p), 0.0)

    def _mode(self, eta: FloatArray, tau: float) -> FloatArray:
        x, n = self.x, self.n
        far = tau * (x - n * expit(eta))
        low, high = np.minimum(far, 0.0), np.maximum(far, 0.0)
        u, moved = np.clip(far, -1.0, 1.0), high - low
        for _ in range(200):
            p = expit(eta + tau * u)
            g = tau * (x - n * p) - u
            low, high = np.where(g >= 0, u, low), np.where(g <= 0, u, high)
            new = u + g / (1 + tau * tau * n * p * (1 - p))
            poor = (new < low) | (new > high) | (np.abs(new - u) > 0.5 * moved)
            new = np.where(poor, 0.5 * (low + high), new)
            moved = np.where(poor, 0.5 * (high - low), np.abs(new - u))
            u = new
            if (moved < 1e-14 * (1 + np.abs(u))).all():
                break
        return u

    def __call__(self, at: FloatArray) -> tuple[float, FloatArray]:
        x, n, z = self.x, self.n, self.z
        tau = float(at[-1])
        eta = self.design @ at[:-1]
        u = self._mode(eta, tau)
        p = expit(eta + tau * u)
        pq, score = n * p * (1 - p), x - n * p
        bend = 1 + tau * tau * pq
        s = bend**-0.5
        u_eta, u_tau = -tau * pq / bend, (score - tau * pq * u) / bend
        skew = tau * tau * pq * (1 - 2 * p)
        s_eta = -0.5 * s**3 * skew * (1 + tau * u_eta)
        s_tau = -0.5 * s**3 * (2 * tau * pq + skew * (u + tau * u_tau))
        at_nodes = u[:, None] + s[:, None] * z
        theta = eta[:, None] + tau * at_nodes
        log_f = (
            x[:, None] * theta
            - n[:, None] * np.logaddexp(0, theta)
            - self.base[:, None]
            - 0.5 * at_nodes**2
            + self.log_weight
        )
        top = log_f.max(1)
        weight = np.exp(log_f - top[:, None])
        total = weight.sum(1)
        weight /= total[:, None]
        s_nodes = x[:, None] - n[:, None] / (1 + np.exp(-theta))
        slope = tau * s_nodes - at_nodes
        value = float(self.w @ (np.log(s * total) + top))

        def partial(direct: FloatArray, du: FloatArray, ds: FloatArray) -> FloatArray:
            moving = slope * (du[:, None] + ds[:, None] * z)
            return (weight * (direct + moving)).sum(1) + ds / s

        by_eta = partial(s_nodes, u_eta, s_eta)
        by_tau = partial(s_nodes * at_nodes, u_tau, s_tau)
        gradient = np.append((self.w * by_eta) @ self.design, self.w @ by_tau)
        return value, gradient

    def hessian(self, at: FloatArray, levels: int = LEVELS) -> FloatArray:
        """Difference the gradient, with Richardson's extrapolation over so many halvings."""
        rows = []
        for j in range(at.size):
            table = []
            for level in range(levels):
                move = np.zeros(at.size)
                move[j] = STEP / 2**level
                table.append((self(at + move)[1] - self(at - move)[1]) / (2 * move[j]))
            for order in range(1, levels):
                table = [(4**order * b - a) / (4**order - 1) for a, b in pairwise(table)]
            rows.append(table[0])
        h = np.array(rows)
        return 0.5 * (h + h.T)

    def climb(self, at: FloatArray) -> tuple[FloatArray, float, FloatArray, FloatArray, int, bool]:
        """Return the end of a damped Newton ascent from `at`."""
        value, gradient = self(at)
        for iteration in range(1, MAX_ITERATIONS + 1):
            # A plain difference will do on the way up; the end gets the full precision.
            hessian = self.hessian(at, 1)
            values, vectors = np.linalg.eigh(-hessian)
            step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-8))
            if values[0] > 0 and gradient @ step < 1e-18:
                return at, value, gradient, self.hessian(at), iteration, True
            step *= min(1.0, 2.0 / np.abs(step).max())
            for _ in range(40):
                trial = at + step
                new_value, new_gradient = self(trial)
                if new_value >= value - 1e-13 * (1 + abs(value)):
                    break
                step *= 0.4
            else:
                return at, value, gradient, self.hessian(at), iteration, bool(gradient @ step < 1e-10)
            at, value, gradient = trial, new_value, new_gradient
        return at, value, gradient, hessian, MAX_ITERATIONS, False


def fit_fixed_nodes(x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray, nodes: int) -> GlmmFit:
    """Fit with `nodes` adaptive Gauss-Hermite nodes a study; see `analysis.synthesis.glmm.fit_glmm`.

    Examples
    --------
    >>> from analysis.synthesis.glmm import fit_glmm
    >>> laplace = fit_glmm([3, 9, 4, 12], [20, 22, 25, 21], nodes=1)
    >>> laplace.nodes
    1
    """
    from analysis.synthesis.glmm import fit_glmm

    exact = fit_glmm(x, n, design=design, weights=w)
    if not np.isfinite(exact.beta).all() or not np.isfinite(exact.tau):
        return replace(exact, nodes=nodes)
    use = w > 0
    rule = _Rule(x[use], n[use], design[use], w[use], nodes)
    p = design.shape[1]
    zero = _equal_effects(x, n, design, w)
    best = (np.append(zero.beta, 0.0), zero.log_likelihood - rule.constant + 1e-11)
    end = None
    for tau in ([exact.tau] if exact.tau > 0 else []) + list(STARTS):
        got = rule.climb(np.append(exact.beta, tau))
        if got[5] and got[1] > best[1] and abs(got[0][-1]) > 1e-5:
            best, end = (got[0], got[1] + 1e-11), got
    if end is None:
        return replace(zero, nodes=nodes, boundary=True)
    at, value, gradient, hessian, iterations, converged = end
    inverse: FloatArray = np.asarray(np.linalg.inv(-hessian), float)
    tau = abs(float(at[-1]))
    return replace(
        exact,
        beta=at[:-1],
        cov=inverse[:p, :p],
        se=np.sqrt(np.diag(inverse)[:p]),
        tau=tau,
        tau2=tau * tau,
        se_tau=float(np.sqrt(inverse[p, p])),
        log_likelihood=value + rule.constant,
        converged=converged,
        boundary=False,
        iterations=iterations,
        gradient_norm=float(np.sqrt(abs(gradient @ inverse @ gradient))),
        hessian=hessian,
        notes=(f"adaptive Gauss-Hermite with {nodes} nodes: an approximation",),
        nodes=nodes,
    )


def _equal_effects(x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray) -> GlmmFit:
    """Return the fit at tau = 0, where every rule is exact."""
    from analysis.synthesis.glmm import fit_equal_effects

    return fit_equal_effects(x, n, design=design, weights=w)
