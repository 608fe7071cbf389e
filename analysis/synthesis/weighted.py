"""Weighted least squares for many analyses at once: the sums that every estimator needs.

A `Problem` holds B analyses of the same k rows. With weights ``w = 1 / (v + t)``, where ``t`` is the
between-study variance, ``W = diag(w)`` and ``P = W - W X (X' W X)^-1 X' W``, the estimators differ only
in how they combine

``y' P y``, ``y' P P y``, ``y' P P P y``, ``tr(P)`` and ``tr(P P)``.

Multiplicities (0 leaves a study out, 2 counts it twice) enter as a factor of each sum, so a resampled
or reduced analysis never copies data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analysis.synthesis.types import FloatArray, Rows

__all__ = ["Problem", "Sums"]


class Sums(NamedTuple):
    """Sums of one evaluation, one entry an analysis; ``cross`` is ``X' W X``."""

    beta: FloatArray
    cross: FloatArray
    w1: FloatArray
    ypy: FloatArray
    yppy: FloatArray
    trace_p: FloatArray
    w2: FloatArray
    ypppy: FloatArray
    trace_pp: FloatArray


_NONE = np.empty(0)


class Problem:
    """B analyses of k rows: estimates, variances, multiplicities and a design.

    Parameters
    ----------
    y, v
        Estimates and sampling variances, (k,) when all analyses share them or (B, k).
    counts
        Multiplicities, (B, k), or None for one each.
    x
        Design, (k, p) or (B, k, p); None for an intercept alone, which has a faster path.
    """

    __slots__ = ("counts", "k", "p", "shared", "size", "v", "x", "y")

    def __init__(
        self,
        y: FloatArray,
        v: FloatArray,
        counts: FloatArray | None = None,
        x: FloatArray | None = None,
    ) -> None:
        self.y = y if y.ndim == 2 else y[None, :]
        self.v = v if v.ndim == 2 else v[None, :]
        self.counts, self.x = counts, x
        size = max(self.y.shape[0], self.v.shape[0])
        if counts is not None:
            size = max(size, counts.shape[0])
        if x is not None and x.ndim == 3:
            size = max(size, x.shape[0])
        self.size = size
        self.shared = self.y.shape[0] == 1 and self.v.shape[0] == 1 and (x is None or x.ndim == 2)
        self.p = 1 if x is None else x.shape[-1]
        k = float(self.y.shape[1])
        self.k = np.full(size, k) if counts is None else counts.sum(axis=1)
        if self.k.shape[0] != size:
            self.k = np.broadcast_to(self.k, (size,))

    def take(self, rows: Rows) -> Problem:
        """Return the problem of some analyses, sharing what is common."""
        part = object.__new__(Problem)
        part.y = self.y if self.y.shape[0] == 1 else self.y[rows]
        part.v = self.v if self.v.shape[0] == 1 else self.v[rows]
        counts = self.counts
        part.counts = counts if counts is None or counts.shape[0] == 1 else counts[rows]
        x = self.x
        part.x = x[rows] if x is not None and x.ndim == 3 and x.shape[0] > 1 else x
        part.size, part.p, part.k = len(rows), self.p, self.k[rows]
        part.shared = self.shared
        return part

    def sums(self, t: FloatArray, order: int = 1) -> Sums:
        """Evaluate the sums at between-study variances ``t``, one an analysis.

        Order 1 gives beta, ``X'WX`` and ``y'Py``; order 2 adds ``y'PPy``, the sums of w and w^2 and
        ``tr(P)``; order 3 adds ``y'PPPy`` and ``tr(PP)``.
        """
        w = 1.0 / (self.v + t[:, None])
        cw = w if self.counts is None else self.counts * w
        if self.x is None:
            return self._intercept(w, cw, order)
        return self._design(w, cw, order)

    def _intercept(self, w: FloatArray, cw: FloatArray, order: int) -> Sums:
        s1 = cw.sum(axis=1)
        mu = np.vecdot(cw, self.y) / s1
        r = self.y - mu[:, None]
        cu = cw * r
        ypy = np.vecdot(cu, r)
        beta, cross = mu[:, None], s1[:, None, None]
        if order == 1:
            return Sums(beta, cross, s1, ypy, _NONE, _NONE, _NONE, _NONE, _NONE)
        u = w * r
        s2 = np.vecdot(cw, w)
        yppy = np.vecdot(cu, u)
        share = s2 / s1
        if order == 2:
            return Sums(beta, cross, s1, ypy, yppy, s1 - share, s2, _NONE, _NONE)
        cuw = cu * w
        ypppy = np.vecdot(cuw, u) - cuw.sum(axis=1) ** 2 / s1
        trace_pp = s2 - 2.0 * np.vecdot(cw * w, w) / s1 + share * share
        return Sums(beta, cross, s1, ypy, yppy, s1 - share, s2, ypppy, trace_pp)

    def _design(self, w: FloatArray, cw: FloatArray, order: int) -> Sums:
        x: Any = self.x
        cross = self._gram(cw)
        inverse = np.linalg.inv(cross)
        beta = np.einsum("bpq,bq->bp", inverse, self._project(cw * self.y))
        r = self.y - (x @ beta[..., None])[..., 0] if x.ndim == 3 else self.y - beta @ x.T
        cu = cw * r
        ypy, s1 = np.vecdot(cu, r), cw.sum(axis=1)
        if order == 1:
            return Sums(beta, cross, s1, ypy, _NONE, _NONE, _NONE, _NONE, _NONE)
        u = w * r
        s2, yppy = np.vecdot(cw, w), np.vecdot(cu, u)
        leverage = inverse @ self._gram(cw * w)
        trace_p = s1 - np.trace(leverage, axis1=1, axis2=2)
        if order == 2:
            return Sums(beta, cross, s1, ypy, yppy, trace_p, s2, _NONE, _NONE)
        cuw = cu * w
        slope = self._project(cuw)
        ypppy = np.vecdot(cuw, u) - np.einsum("bp,bpq,bq->b", slope, inverse, slope)
        cubic = inverse @ self._gram(cw * w * w)
        trace_pp = (
            s2
            - 2.0 * np.trace(cubic, axis1=1, axis2=2)
            + np.einsum("bpq,bqp->b", leverage, leverage)
        )
        return Sums(beta, cross, s1, ypy, yppy, trace_p, s2, ypppy, trace_pp)

    def _gram(self, cw: FloatArray) -> FloatArray:
        """X' diag(cw) X of each analysis."""
        x = self.x
        if x is None:
            return cw.sum(axis=1)[:, None, None]
        if x.ndim == 2:
            pairs = (x[:, :, None] * x[:, None, :]).reshape(x.shape[0], -1)
            return (cw @ pairs).reshape(-1, self.p, self.p)
        return np.swapaxes(x, 1, 2) @ (cw[:, :, None] * x)

    def _project(self, cw: FloatArray) -> FloatArray:
        """X' cw of each analysis."""
        x = self.x
        if x is None:
            return cw.sum(axis=1)[:, None]
        return cw @ x if x.ndim == 2 else np.einsum("bk,bkp->bp", cw, x)

    def traces(self, w0: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return ``y'Py``, ``tr(PV)``, ``tr(PVPV)`` and ``tr(PVP)`` for any fixed weights w0."""
        c = 1.0 if self.counts is None else self.counts
        v, w = self.v, np.broadcast_to(w0, (self.size, self.y.shape[1]))
        inverse = np.linalg.inv(self._gram(c * w))
        beta = np.einsum("bpq,bq->bp", inverse, self._project(c * w * self.y))
        r = self.y - self.fitted(beta)
        square = inverse @ self._gram(c * w * w)
        mixed = inverse @ self._gram(c * w * w * v)
        pv = (c * w * v).sum(axis=1) - np.trace(mixed, axis1=1, axis2=2)
        pvpv = (
            (c * (w * v) ** 2).sum(axis=1)
            - 2.0 * np.trace(inverse @ self._gram(c * w**3 * v**2), axis1=1, axis2=2)
            + np.einsum("bpq,bqp->b", mixed, mixed)
        )
        pvp = (
            (c * w * w * v).sum(axis=1)
            - 2.0 * np.trace(inverse @ self._gram(c * w**3 * v), axis1=1, axis2=2)
            + np.einsum("bpq,bqp->b", square, mixed)
        )
        return (c * w * r * r).sum(axis=1), pv, pvpv, pvp

    def fitted(self, beta: FloatArray) -> FloatArray:
        """Return the fitted values of each analysis, (B, k)."""
        if self.x is None:
            return beta[:, :1]
        if self.x.ndim == 3:
            return (self.x @ beta[..., None])[..., 0]
        return beta @ self.x.T

    def log_variances(self, t: FloatArray) -> FloatArray:
        """Return the sum of log(v + t) of each analysis."""
        logs = np.log(self.v + t[:, None])
        return logs.sum(axis=1) if self.counts is None else np.vecdot(self.counts, logs)
