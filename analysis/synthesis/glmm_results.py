"""Frozen results of the random-intercept logistic model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis.types import FloatArray

__all__ = ["GlmmFit", "GlmmFits", "HeterogeneityTests"]


@dataclass(frozen=True, slots=True)
class GlmmFit(Result):
    """Maximum likelihood fit of one random-intercept logistic model.

    Attributes
    ----------
    events, total, design, weights
        The data as given.
    beta, cov, se
        Coefficients on the logit scale.  `cov` is the beta block of the inverse of the full observed
        information of (beta, tau); where tau is zero, tau and beta are uncorrelated and it is the
        inverse information of beta alone.
    tau, tau2, se_tau
        Between-study standard deviation, its square, and the standard error of `tau` (``nan`` at zero).
    log_likelihood
        At the estimate, with all binomial constants.
    log_likelihood_equal, log_likelihood_saturated
        At tau = 0 with its own beta, and with a free rate for every study.
    converged
        False where no finite maximum exists or the ascent did not finish; `notes` say which.
    boundary
        True where the maximum is at tau = 0.
    gradient_norm
        Root of the Newton decrement: the distance left to the top in standard errors.
    information_share
        Each study's ``-w_i d2 l_i / d eta_i^2`` at the estimate (tau held), over their sum.  Every
        ``l_i`` is concave in ``eta_i``, so shares are never negative; they add to one.
    hessian
        Second derivatives of the log-likelihood by (beta, tau).
    nodes
        Number of Gauss-Hermite nodes if that rule was asked for; ``None`` for the exact integral.
    """

    events: FloatArray
    total: FloatArray
    design: FloatArray
    weights: FloatArray
    beta: FloatArray
    cov: FloatArray
    se: FloatArray
    tau: float
    tau2: float
    se_tau: float
    log_likelihood: float
    log_likelihood_equal: float
    log_likelihood_saturated: float
    converged: bool
    boundary: bool
    iterations: int
    gradient_norm: float
    information_share: FloatArray
    hessian: FloatArray
    notes: tuple[str, ...] = ()
    nodes: int | None = None

    @property
    def mu(self) -> float:
        """First coefficient: the pooled logit when the design is an intercept."""
        return float(self.beta[0])

    @property
    def k(self) -> int:
        """Number of studies with positive weight."""
        return int((self.weights > 0).sum())

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per coefficient."""
        return [
            {
                "coefficient": j,
                "beta": float(self.beta[j]),
                "se": float(self.se[j]),
                "tau2": self.tau2,
                "log_likelihood": self.log_likelihood,
                "converged": self.converged,
            }
            for j in range(self.beta.size)
        ]


@dataclass(frozen=True, slots=True)
class GlmmFits(Result):
    """Many intercept-only fits; every attribute has one entry per fit."""

    mu: FloatArray
    se: FloatArray
    tau2: FloatArray
    log_likelihood: FloatArray
    converged: npt.NDArray[np.bool_]
    boundary: npt.NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of fits."""
        return int(self.mu.size)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per fit."""
        return [
            {
                "mu": float(self.mu[i]),
                "se": float(self.se[i]),
                "tau2": float(self.tau2[i]),
                "log_likelihood": float(self.log_likelihood[i]),
                "converged": bool(self.converged[i]),
                "boundary": bool(self.boundary[i]),
            }
            for i in range(self.size)
        ]


@dataclass(frozen=True, slots=True)
class HeterogeneityTests(Result):
    """Wald and likelihood-ratio tests that all studies share one true rate (given the design).

    Both test the same thing in the model without a random effect: the Wald statistic is Cochran's Q
    with the binomial information ``n p (1 - p)`` as weight (studies at 0 or 100 % add nothing), and the
    likelihood ratio compares the saturated with the equal-effects model.  `lrt_tau`, with `p_tau`, is
    the likelihood-ratio test of tau = 0 in the random-intercept model; its null distribution is half a
    point mass at zero and half a chi-square with one degree of freedom.
    """

    wald: float
    wald_p: float
    lrt: float
    lrt_p: float
    df: int
    lrt_tau: float
    p_tau: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per test."""
        return [
            {"test": "Wald", "statistic": self.wald, "df": self.df, "p": self.wald_p},
            {"test": "likelihood ratio", "statistic": self.lrt, "df": self.df, "p": self.lrt_p},
            {"test": "tau = 0", "statistic": self.lrt_tau, "df": 1, "p": self.p_tau},
        ]
