"""Pool single-arm proportions: the binomial-normal model or inverse variance, as one result.

``model="glmm"`` is the random-intercept logistic model fitted by maximum likelihood. Its estimate,
``expit(mu)``, is the median rate over studies (the rate of a study whose intercept is average), not
the mean over patients. ``model="iv"`` transforms each proportion, pools by inverse variance and
transforms back.

The small cases are specified. No study: `NoStudies`. One study: tau2 is zero; the interval is the normal
one in place of t or Knapp-Hartung; the interval of tau2 and the prediction interval do not exist (nan,
with a note). Two
studies: no prediction interval with k - 2 degrees of freedom. No event, or events only: the GLMM has
no finite maximum; the estimate is 0 or 1 with the exact interval of the summed counts, tau2 is zero
and `converged` is False.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis import __version__
from analysis.synthesis.checks import check_choice, check_level, check_unused
from analysis.synthesis.counts import CountsError, NoStudies, check_counts, check_labels
from analysis.synthesis.heterogeneity import (
    FROM_TAU2,
    heterogeneity_of_fit,
    i2_from_q,
    typical_variance,
)
from analysis.synthesis.prediction import PREDICTION_METHODS, prediction_interval
from analysis.synthesis.scales import (
    CORRECTIONS,
    FREEMAN_TUKEY_WARNING,
    SCALES,
    Correction,
    back_transform,
    effects,
)
from analysis.synthesis.special import t_quantile
from analysis.synthesis.tau2 import TAU2_METHODS
from analysis.synthesis.types import (
    CiMethod,
    FloatArray,
    Heterogeneity,
    Interval,
    Numbers,
    Pooled,
    PredictionMethod,
    Rows,
    Scale,
    Settings,
    Tau2Method,
)

__all__ = ["CountsError", "NoStudies", "pool", "settings_for"]

_CI_METHODS = ("wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "profile")

_KH_NOTE = (
    "for the binomial model Knapp-Hartung means t quantiles with k - 1 degrees of freedom on the "
    "same standard error; there is no variance factor"
)


def settings_for(
    model: str,
    scale: str = "logit",
    tau2_method: str | None = None,
    ci_method: str | None = None,
    prediction_method: str = "t-k-2",
    level: float = 0.95,
) -> Settings:
    """Fill in the defaults of a model and refuse what it does not offer.

    Defaults: ``"ml"`` and ``"profile"`` for the GLMM, ``"reml"`` and ``"knapp-hartung"`` for inverse
    variance.
    """
    check_choice(model, ("glmm", "iv"), "model")
    check_choice(scale, SCALES, "scale")
    if tau2_method is not None:
        check_choice(tau2_method, TAU2_METHODS, "tau2_method", "tau2 method")
    tau2_method = tau2_method or ("ml" if model == "glmm" else "reml")
    ci_method = ci_method or ("profile" if model == "glmm" else "knapp-hartung")
    if model == "glmm" and tau2_method not in ("ml", "ee"):
        raise ValueError(
            f'the glmm is fitted by ml (or ee), not {tau2_method!r}; model="iv" offers other estimators'
        )
    if model == "glmm" and scale != "logit":
        raise ValueError(f'the glmm works on the logit scale, not {scale!r}; model="iv" offers other scales')
    check_choice(ci_method, _CI_METHODS, "ci_method", "interval method")
    check_choice(prediction_method, PREDICTION_METHODS, "prediction_method", "prediction method")
    level = check_level(level)
    return Settings(model, scale, tau2_method, ci_method, prediction_method, level)


def pool(
    events: Numbers,
    total: Numbers,
    *,
    labels: Sequence[str] | None = None,
    model: str = "glmm",
    scale: Scale = "logit",
    tau2_method: Tau2Method | None = None,
    ci_method: CiMethod | None = None,
    prediction_method: PredictionMethod = "t-k-2",
    level: float = 0.95,
    correction: Correction | None = None,
    amount: float | None = None,
    exclude: Sequence[bool] | None = None,
) -> Pooled:
    """Pool the proportions of k studies.

    Parameters
    ----------
    events, total
        Counts, one a study.
    labels
        Names of the studies.
    model
        ``"glmm"`` or ``"iv"``.
    scale, correction, amount
        Scale and continuity correction of inverse variance, see `analysis.synthesis.scales.effects`;
        the GLMM needs no correction and refuses one.
    tau2_method, ci_method, prediction_method, level
        See `settings_for`, `analysis.synthesis.tau2`, `analysis.synthesis.prediction`.
    exclude
        Studies that are to be shown and not pooled, one truth value a study.

    Returns
    -------
    Pooled
        With the fit itself in ``extra["fit"]``, and the excluded studies in ``extra["excluded"]``.

    Raises
    ------
    CountsError, NoStudies
        For counts that cannot be right, or none at all.

    Examples
    --------
    >>> result = pool([8, 12, 7], [10, 20, 14], model="iv", tau2_method="dl", ci_method="wald")
    >>> round(result.estimate, 6), round(result.tau2, 6)
    (0.604955, 0.018492)
    """
    settings = settings_for(model, scale, tau2_method, ci_method, prediction_method, level)
    if correction is not None:
        check_choice(correction, CORRECTIONS, "correction", "continuity correction")
    if model == "glmm":
        check_unused(correction, "correction", "the glmm needs no continuity correction")
        check_unused(amount, "amount", "the glmm needs no continuity correction")
    x, n = check_counts(events, total)
    names = check_labels(labels, x.size)
    if exclude is not None:
        out = _truth(exclude, x.size)
        chosen: dict[str, Any] = dict(model=model, scale=scale, tau2_method=tau2_method, ci_method=ci_method)
        chosen |= dict(prediction_method=prediction_method, level=level, correction=correction, amount=amount)
        return _pool_but_show(x, n, names, out, chosen)
    if model == "glmm":
        return _pool_glmm(x, n, names, settings)
    return _pool_iv(x, n, names, settings, correction or "only0", amount)


def _truth(values: Any, k: int) -> Rows:
    """Return truth values, one a study; positions or names are none."""
    out = np.asarray(values)
    if out.shape != (k,):
        raise CountsError(f"{out.size} truth values in exclude for {k} studies")
    if out.dtype != bool and not (np.isin(out, (0, 1)).all() if out.dtype.kind in "iuf" else False):
        raise TypeError("exclude holds something else than truth values, one a study")
    return out.astype(bool)


def _pool_but_show(
    x: FloatArray, n: FloatArray, names: tuple[str, ...], out: Rows, chosen: dict[str, Any]
) -> Pooled:
    """Pool the rest and keep the excluded studies beside it."""
    kept, shown = np.flatnonzero(~out), np.flatnonzero(out)
    result = pool(x[kept], n[kept], labels=[names[i] for i in kept], **chosen)
    if not shown.size:
        return result
    excluded = {
        "labels": tuple(names[i] for i in shown),
        "positions": tuple(int(i) for i in shown),
        "events": x[shown],
        "total": n[shown],
    }
    note = f"shown and not pooled: {', '.join(excluded['labels'])}"
    return replace(result, notes=(*result.notes, note), extra=result.extra | {"excluded": excluded})


def _pool_iv(
    x: FloatArray,
    n: FloatArray,
    names: tuple[str, ...],
    settings: Settings,
    correction: Correction,
    amount: float | None,
) -> Pooled:
    from analysis.synthesis.intervals import profile_interval_mu, q_profile_interval
    from analysis.synthesis.inverse_variance import fit_iv, safeguarded

    scale, level = settings.scale, settings.level
    study = effects(x, n, scale, correction=correction, amount=amount)  # type: ignore[arg-type]
    notes: list[str] = []
    if study.corrected.any():
        notes.append(
            f"{int(study.corrected.sum())} of {x.size} studies had {study.amount:g} added to events "
            f"and non-events (rule {study.correction})"
        )
    profile = settings.ci_method == "profile"
    fit = fit_iv(
        study.yi,
        study.vi,
        tau2_method=settings.tau2_method,
        ci_method="wald" if profile else settings.ci_method,
        level=level,
    )
    fit, safe = safeguarded(fit)
    mu, se, wald_se = float(fit.beta[0]), float(fit.se[0]), math.sqrt(float(fit.cov_wald[0, 0]))
    if profile:
        ci_mu = profile_interval_mu(fit)
    else:
        low, high = float(fit.ci_low[0]), float(fit.ci_high[0])
        method, note = _one_study(fit.ci_method, fit.k)
        ci_mu = Interval(low, high, level, method, note or safe)
    kh = settings.prediction_method == "knapp-hartung"
    spread = math.sqrt(fit.s2w if safe else _s2w(fit)) * wald_se if kh and fit.k > 1 else wald_se
    prediction_mu = _prediction(mu, spread, fit.tau2, fit.k, settings)
    ci_tau2 = q_profile_interval(fit)
    if settings.tau2_method == "ee":
        ci_tau2 = Interval(math.nan, math.nan, level, "none", "equal effects: tau2 is zero")
    if scale == "freeman-tukey":
        notes.append(FREEMAN_TUKEY_WARNING)
    return _result(
        x,
        n,
        names,
        settings,
        mu=mu,
        se=se,
        tau2=fit.tau2,
        ci_mu=ci_mu,
        prediction_mu=prediction_mu,
        ci_tau2=ci_tau2,
        heterogeneity=heterogeneity_of_fit(fit),
        weights=fit.study_weights,
        weight_name="inverse variance",
        log_likelihood=fit.log_likelihood,
        converged=fit.converged,
        boundary=fit.boundary,
        notes=notes,
        extra={"fit": fit, "effects": study},
    )


def _one_study(method: str, k: int) -> tuple[str, str]:
    """Return the interval method that can be used, and a note when it is another."""
    if k > 1 or method == "wald":
        return method, ""
    return "wald", f"{method} needs at least two studies; the normal interval is given"


def _s2w(fit: Any) -> float:
    return fit.residual / (fit.k - fit.p)


def _prediction(mu: float, se: float, tau2: float, k: int, settings: Settings) -> Interval:
    method, level = settings.prediction_method, settings.level
    if settings.tau2_method == "ee":
        return Interval(math.nan, math.nan, level, method, "equal effects: nothing to predict")
    if k < 2:
        return Interval(math.nan, math.nan, level, method, "needs at least two studies")
    return prediction_interval(mu, se, tau2, k, method=method, level=level)


def _result(
    x: FloatArray,
    n: FloatArray,
    names: tuple[str, ...],
    settings: Settings,
    *,
    ci_mu: Interval,
    prediction_mu: Interval,
    ci_tau2: Interval,
    notes: list[str],
    mu: float,
    **rest: Any,
) -> Pooled:
    if x.size == 1:
        notes.append("one study: the variation between studies cannot be estimated")
    for name, interval in (
        ("confidence interval", ci_mu),
        ("prediction interval", prediction_mu),
        ("interval of tau2", ci_tau2),
    ):
        if interval.note:
            notes.append(f"{name}: {interval.note}")

    scale: Any = settings.scale
    notes.extend(beyond_note(scale, ci_mu, prediction_mu))

    def back(interval: Interval) -> Interval:
        ends = back_transform(np.array([interval.low, interval.high]), scale, n)
        return Interval(float(ends[0]), float(ends[1]), interval.level, interval.method, interval.note)

    return Pooled(
        labels=names,
        events=x,
        total=n,
        settings=settings,
        mu=mu,
        ci_mu=ci_mu,
        prediction_mu=prediction_mu,
        ci_tau2=ci_tau2,
        estimate=float(back_transform(mu, scale, n)),
        ci=back(ci_mu),
        prediction=back(prediction_mu),
        notes=tuple(notes),
        version=__version__,
        **rest,
    )


def beyond_note(scale: str, ci_mu: Interval, prediction_mu: Interval) -> list[str]:
    """Name the limits that leave 0 to 1, as they can on the raw and log scales."""
    low, high = {"raw": (0.0, 1.0), "log": (-math.inf, 0.0)}.get(scale, (-math.inf, math.inf))
    beyond = [
        name
        for name, interval in (("confidence", ci_mu), ("prediction", prediction_mu))
        if interval.low < low or interval.high > high
    ]
    if not beyond:
        return []
    return [
        f"limits of the {' and '.join(beyond)} interval lie outside 0 to 1, as the {scale} scale allows; "
        "print cuts them there"
    ]


def _glmm_heterogeneity(x: FloatArray, n: FloatArray, tau2: float, fit: Any) -> Heterogeneity:
    from analysis.synthesis.glmm import heterogeneity_tests

    if x.size == 1:
        return Heterogeneity(0.0, 0, 1.0, "Wald", 0.0, FROM_TAU2, 0.0, 1.0, 0.0, 1.0)
    tests = heterogeneity_tests(fit)
    typical = typical_variance(effects(x, n).vi)
    return Heterogeneity(
        q=float(tests.wald),
        q_df=int(tests.df),
        q_p=float(tests.wald_p),
        q_method="Wald",
        i2=tau2 / (tau2 + typical) if typical > 0 else 0.0,
        i2_definition=FROM_TAU2,
        i2_from_q=i2_from_q(float(tests.wald), int(tests.df)),
        h2=tau2 / typical + 1.0 if typical > 0 else 1.0,
        lrt=float(tests.lrt),
        lrt_p=float(tests.lrt_p),
    )


def _pool_glmm(x: FloatArray, n: FloatArray, names: tuple[str, ...], settings: Settings) -> Pooled:
    if not x.any() or bool((x == n).all()):
        return _pool_one_sided(x, n, names, settings)
    from analysis.synthesis.glmm import (
        fit_equal_effects,
        fit_glmm,
        profile_interval_mu,
        profile_interval_tau2,
    )

    level, k = settings.level, int(x.size)
    # With one patient a study no spread can be told from chance: tau is held at zero throughout.
    single = bool((n == 1).all())
    equal = settings.tau2_method == "ee" or k == 1 or single
    fit = fit_equal_effects(x, n) if equal else fit_glmm(x, n)
    mu, se, tau2 = float(fit.beta[0]), float(fit.se[0]), float(fit.tau2)
    notes = list(fit.notes)
    method = settings.ci_method
    if method == "profile" and equal:
        ci_mu = _common_rate_interval(float(x.sum()), float(n.sum()), level)
    elif method == "profile":
        ci_mu = profile_interval_mu(fit, level)
    else:
        df = math.inf if method == "wald" or k == 1 else float(k - 1)
        half = t_quantile(level, df) * se
        used, note = _one_study(method, k)
        ci_mu = Interval(mu - half, mu + half, level, used, note)
        if method.startswith("knapp-hartung") and k > 1:
            notes.append(_KH_NOTE)
    if equal:
        why = "needs at least two studies" if k == 1 else "equal effects: tau2 is zero"
        if single and k > 1:
            why = "every study has one patient: tau2 cannot be told from chance"
        ci_tau2 = Interval(math.nan, math.nan, level, "none", why)
    else:
        ci_tau2 = profile_interval_tau2(fit, level)
    return _result(
        x,
        n,
        names,
        settings,
        mu=mu,
        se=se,
        tau2=tau2,
        ci_mu=ci_mu,
        prediction_mu=_prediction(mu, se, tau2, k, settings),
        ci_tau2=ci_tau2,
        heterogeneity=_glmm_heterogeneity(x, n, tau2, fit),
        weights=np.asarray(fit.information_share, dtype=float),
        weight_name="share of the information on the pooled rate",
        log_likelihood=float(fit.log_likelihood),
        converged=bool(fit.converged),
        boundary=bool(fit.boundary),
        notes=notes,
        extra={"fit": fit},
    )


def _common_rate_interval(x: float, n: float, level: float) -> Interval:
    """Likelihood interval of one binomial logit, tau2 held at zero."""
    from analysis.synthesis.roots import bracketed_root
    from analysis.synthesis.special import chi2_quantile

    centre = math.log(x) - math.log(n - x)
    drop = chi2_quantile(level, 1) / 2.0

    def height(mu: float) -> float:
        return x * mu - n * float(np.logaddexp(0.0, mu))

    floor = height(centre) - drop
    # The likelihood falls at least by its value at the edge; 800 is beyond any finite limit.
    low = bracketed_root(lambda mu: height(mu) - floor, centre, centre - 800.0)
    high = bracketed_root(lambda mu: height(mu) - floor, centre, centre + 800.0)
    return Interval(low, high, level, "profile", "likelihood with tau2 held at zero")


def _pool_one_sided(x: FloatArray, n: FloatArray, names: tuple[str, ...], settings: Settings) -> Pooled:
    """No event, or events only: the likelihood has no finite maximum on the logit scale."""
    from analysis.synthesis.studies import study_intervals

    none = not x.any()
    level = settings.level
    summed = study_intervals(np.array([x.sum()]), np.array([n.sum()]), "clopper-pearson", level)
    low, high = float(summed.low[0]), float(summed.high[0])
    with np.errstate(divide="ignore"):
        limits = np.log([low, high]) - np.log1p([-low, -high])
    ci_mu = Interval(
        float(limits[0]),
        float(limits[1]),
        level,
        "clopper-pearson",
        "exact interval of the summed counts, which supposes one common rate",
    )
    gone = Interval(math.nan, math.nan, level, "none", "no finite maximum of the likelihood")
    what = "no events in any study" if none else "events in every patient of every study"
    return _result(
        x,
        n,
        names,
        settings,
        mu=-math.inf if none else math.inf,
        se=math.nan,
        tau2=0.0,
        ci_mu=ci_mu,
        prediction_mu=gone,
        ci_tau2=gone,
        heterogeneity=Heterogeneity(0.0, int(x.size) - 1, 1.0, "Wald", 0.0, FROM_TAU2, 0.0, 1.0, 0.0, 1.0),
        weights=n / n.sum(),
        weight_name="share of patients",
        log_likelihood=0.0,
        converged=False,
        boundary=True,
        notes=[f"{what}: the estimate is at the edge and the model has no finite maximum"],
        extra={},
    )
