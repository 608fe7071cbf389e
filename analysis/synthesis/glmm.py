r"""Random-intercept logistic (binomial-normal) model by maximum likelihood.

.. math:: x_i \sim \mathrm{Bin}(n_i, \mathrm{expit}(\theta_i)), \qquad
          \theta_i \sim N(X_i \beta, \tau^2), \qquad
          l(\beta, \tau) = \sum_i w_i\, l_i(X_i \beta, \tau).

The integral of each study is adaptive to double precision (see `analysis.synthesis.quadrature`), the
gradient and Hessian are analytic, and the likelihood, even in tau, is climbed without a bound.

References
----------
Stijnen T, Hamza TH, Ozdemir P (2010), Statistics in Medicine 29:3046-3067.
Louis TA (1982), Journal of the Royal Statistical Society B 44:226-233.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.synthesis import checks
from analysis.synthesis._engine import warm_up
from analysis.synthesis._glmm_input import (
    check_counts,
    check_design,
    check_weights,
    separated_studies,
)
from analysis.synthesis._glmm_single import Maximum
from analysis.synthesis._glmm_single import maximise as _maximise
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.glmm_profile import profile_interval_mu, profile_interval_tau2
from analysis.synthesis.glmm_results import GlmmFit, GlmmFits, HeterogeneityTests
from analysis.synthesis.quadrature import saturated_log_likelihood, study_terms
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.types import FloatArray

__all__ = [
    "GlmmFit",
    "GlmmFits",
    "HeterogeneityTests",
    "fit_equal_effects",
    "fit_glmm",
    "fit_glmm_many",
    "heterogeneity_tests",
    "profile_interval_mu",
    "profile_interval_tau2",
]

#: The array engine needs half a minute where totals are beyond this and rates lie far apart; the compiled
#: one, which lays its nodes from the peak outwards, needs two seconds.
LARGE_TOTAL = 1e6

NOTE_SEPARATED = (
    "no finite maximum: some coefficients run to infinity because their studies have no events or only events"
)


def fit_glmm(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    design: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    nodes: int | None = None,
) -> GlmmFit:
    """Fit one random-intercept logistic model by maximum likelihood.

    Parameters
    ----------
    events, total
        Counts of the k studies.
    design
        Design matrix (k, p); a column of ones by default.
    weights
        Multipliers of the studies' log-likelihoods; zero leaves a study out exactly.
    nodes
        Use adaptive Gauss-Hermite quadrature with so many nodes (1 is Laplace) as glmer does, instead
        of the exact integral.  For comparison with other programs only.

    Returns
    -------
    GlmmFit
        `converged` is False and `notes` say why where no finite maximum exists.

    Examples
    --------
    >>> fit = fit_glmm([3, 9, 4, 12], [20, 22, 25, 21])
    >>> round(fit.mu, 6), round(fit.tau2, 6), fit.boundary
    (-0.836168, 0.531878, False)
    """
    x, n = check_counts(events, total)
    if x.ndim != 1:
        raise ValueError("fit_glmm takes one analysis; use fit_glmm_many for several")
    x_matrix = check_design(design, x.size)
    w = check_weights(weights, x.shape)
    if not (w > 0).any():
        raise ValueError("at least one study must have positive weight")
    if nodes is not None:
        nodes = checks.check_whole(nodes, "nodes", low=1)
        from analysis.synthesis.glmm_fixed_nodes import fit_fixed_nodes

        return fit_fixed_nodes(x, n, x_matrix, w, nodes)
    return _fit(x, n, x_matrix, w, hold_zero=False)


def fit_equal_effects(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    design: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> GlmmFit:
    """Fit the model with tau fixed at zero (logistic regression of the counts).

    Examples
    --------
    >>> round(float(fit_equal_effects([1, 2], [10, 10]).beta[0]), 6)
    -1.734601
    """
    x, n = check_counts(events, total)
    x_matrix = check_design(design, x.size)
    w = check_weights(weights, x.shape)
    return _fit(x, n, x_matrix, w, hold_zero=True)


def heterogeneity_tests(fit: GlmmFit) -> HeterogeneityTests:
    """Test that the studies share one rate, given the design (as ``rma.glmm`` does).

    Examples
    --------
    >>> tests = heterogeneity_tests(fit_glmm([3, 9], [20, 22]))
    >>> round(tests.wald, 5), round(tests.lrt, 5), tests.df
    (3.22023, 3.57914, 1)
    """
    fit = checks.check_fit(fit, GlmmFit)
    x, n, w = fit.events, fit.total, fit.weights
    use = (w > 0) & (x > 0) & (x < n)
    y = np.log(x[use] / (n[use] - x[use]))
    a = w[use] * x[use] * (n[use] - x[use]) / n[use]
    design, kept = fit.design[use], fit.design[w > 0]
    wald = 0.0
    if use.any():
        root = np.sqrt(a)
        solved = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        wald = float((a * (y - design @ solved) ** 2).sum())
    df = int(kept.shape[0] - np.linalg.matrix_rank(kept))
    lrt = max(0.0, 2 * (fit.log_likelihood_saturated - fit.log_likelihood_equal))
    lrt_tau = max(0.0, 2 * (fit.log_likelihood - fit.log_likelihood_equal))
    return HeterogeneityTests(
        wald=wald,
        wald_p=float(chi2_tail(wald, df)) if df else float("nan"),
        lrt=lrt,
        lrt_p=float(chi2_tail(lrt, df)) if df else float("nan"),
        df=df,
        lrt_tau=lrt_tau,
        p_tau=0.5 * float(chi2_tail(lrt_tau, 1)) if lrt_tau > 0 else 1.0,
    )


def _fit(x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray, *, hold_zero: bool) -> GlmmFit:
    if n.size and n.max() > LARGE_TOTAL:
        warm_up()
    used = w > 0
    p = design.shape[1]
    if p > 1 and np.linalg.matrix_rank(design[used]) < p:
        raise ValueError("the design has linearly dependent columns")
    notes: list[str] = []
    lost = np.zeros(x.size, bool)
    lost[used] = separated_studies(x[used], n[used], design[used])
    keep = used & ~lost
    active = np.ones(p, bool)
    beta = np.full(p, np.nan)
    if lost.any():
        notes.append(NOTE_SEPARATED)
        active = np.abs(design[keep]).sum(0) > 0
        if keep.any() and np.linalg.matrix_rank(design[keep]) < active.sum():
            active[:] = False
            keep = np.zeros(x.size, bool)
        beta[~active] = _signed_infinity(x[lost], n[lost], design[np.ix_(lost, ~active)])
    constant = float(w @ saturated_log_likelihood(x, n))
    if keep.any():
        part = design[keep][:, active]
        s = _maximise(x[keep], n[keep], part, w[keep], hold_zero)
    else:
        limit = 0.0 if lost[used].all() else float("nan")
        s = Maximum.missing(limit, limit)
    if s.note:
        notes.append(s.note)
    q = s.beta.size
    hessian, inverse = s.hessian, np.empty((0, 0))
    share = np.zeros(x.size)
    se_tau, norm = float("nan"), float("nan")
    if q:
        inverse = _inverse(-s.hessian[:q, :q] if s.boundary else -s.hessian)
        free = s.gradient[: inverse.shape[0]]
        norm = abs(float(free @ inverse @ free)) ** 0.5
        if not s.boundary:
            se_tau = abs(float(inverse[q, q])) ** 0.5
        eta = part @ s.beta
        terms = study_terms(x[keep], n[keep], eta, np.full(eta.size, s.tau), saturated=False)
        information = -terms.ee * w[keep]
        share[keep] = information / information.sum()
    else:
        share[used & ~lost] = np.nan
    if q == p:
        beta, cov = s.beta, inverse[:p, :p]
        se = np.sqrt(np.abs(cov.diagonal()))
    else:
        # put what is finite in its place among the coefficients that run off
        at = np.append(active, True)
        hessian, cov = np.full((p + 1, p + 1), np.nan), np.full((p, p), np.nan)
        se = np.full(p, np.inf)
        if q:
            beta[active] = s.beta
            hessian[np.ix_(at, at)] = s.hessian
            cov[np.ix_(active, active)] = inverse[:q, :q]
            se[active] = np.sqrt(np.abs(inverse.diagonal()[:q]))
    return GlmmFit(
        events=x, total=n, design=design, weights=w, beta=beta, cov=cov, se=se, tau=s.tau,
        tau2=s.tau * s.tau, se_tau=se_tau, log_likelihood=s.value + constant,
        log_likelihood_equal=s.value_equal + constant, log_likelihood_saturated=constant,
        converged=s.converged and not lost.any(), boundary=s.boundary, iterations=s.iterations,
        gradient_norm=norm, information_share=share, hessian=hessian, notes=tuple(notes),
    )  # fmt: skip


def _signed_infinity(x: FloatArray, n: FloatArray, design: FloatArray) -> FloatArray:
    """Return -inf or +inf for columns whose studies all pull one way, else nan."""
    pull = np.where(x == 0, -1.0, np.where(x == n, 1.0, 0.0))[:, None] * design
    out = np.full(design.shape[1], np.nan)
    out[(pull <= 0).all(0) & (pull < 0).any(0)] = -np.inf
    out[(pull >= 0).all(0) & (pull > 0).any(0)] = np.inf
    return out


def _inverse(information: FloatArray) -> FloatArray:
    """Return the inverse of a scaled information matrix, nan where it has none."""
    scale = np.sqrt(np.abs(information.diagonal()))
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return np.full(information.shape, np.nan)
    if scale.size == 2:
        # mu and tau, the usual case, without the price of a general solver
        s0, s1 = scale.tolist()
        (a, b), (_, d) = information.tolist()
        a, b, d = a / s0 / s0, b / s0 / s1, d / s1 / s1
        over = a * d - b * b
        if over == 0:
            return np.full((2, 2), np.nan)
        cross = -b / over / s0 / s1
        return np.array([[d / over / s0 / s0, cross], [cross, a / over / s1 / s1]])
    scale = scale[:, None] * scale
    try:
        return np.linalg.inv(information / scale) / scale
    except np.linalg.LinAlgError:
        return np.full(information.shape, np.nan)
