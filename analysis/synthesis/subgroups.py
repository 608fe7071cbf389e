"""Compare subgroups of studies, with one between-study variance for all or one for each.

``tau2="common"`` fits one model with a coefficient for each level: the test is the Wald test that all
coefficients are equal (chi-square, or F after Knapp-Hartung or t). ``tau2="separate"`` pools each level
on its own and compares the estimates by ``Q = sum w (b - mean)^2`` with ``w = 1 / se^2``.

Where a level has no events or only events the GLMM has no finite estimate for it. With a common tau2
the likelihood-ratio test remains and is given instead; with separate ones that level is left out of
the test. Either is said in the notes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_choice
from analysis.synthesis.counts import CountsError, check_counts, check_labels
from analysis.synthesis.heterogeneity import FROM_TAU2, typical_variance
from analysis.synthesis.pooled import beyond_note, pool, settings_for
from analysis.synthesis.prediction import prediction_interval
from analysis.synthesis.regression import FTest, wald_test
from analysis.synthesis.scales import back_transform, effects
from analysis.synthesis.special import chi2_tail, t_quantile
from analysis.synthesis.types import (
    CiMethod,
    FloatArray,
    Interval,
    Numbers,
    Pooled,
    PredictionMethod,
    Scale,
    Tau2Method,
)

__all__ = ["SubgroupTest", "compare_subgroups"]


@dataclass(frozen=True, slots=True)
class SubgroupTest(Result):
    """Pooled results of the levels, of all studies together, and the test between them.

    `df2` is the second degree of freedom of an F test, nan otherwise.
    """

    levels: tuple[str, ...]
    pooled: tuple[Pooled, ...]
    overall: Pooled
    statistic: float
    df: int
    df2: float
    p_value: float
    test_name: str
    tau2_mode: str
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a level, then all studies."""
        parts = [*zip(self.levels, self.pooled, strict=True), ("all", self.overall)]
        return [
            {
                "level": name,
                "k": result.k,
                "events": float(result.events.sum()),
                "total": float(result.total.sum()),
                "estimate": result.estimate,
                "ci_low": result.ci.low,
                "ci_high": result.ci.high,
                "tau2": result.tau2,
            }
            for name, result in parts
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the test and the pooled object of each level and of all studies."""
        from analysis.results import to_plain

        return to_plain(
            {
                "tau2_mode": self.tau2_mode,
                "test_name": self.test_name,
                "statistic": self.statistic,
                "df": self.df,
                "df2": self.df2,
                "p_value": self.p_value,
                "levels": {
                    name: result.to_dict()
                    for name, result in zip(self.levels, self.pooled, strict=True)
                },
                "overall": self.overall.to_dict(),
                "notes": list(self.notes),
            }
        )


def compare_subgroups(
    events: Numbers,
    total: Numbers,
    group: Sequence[Hashable],
    *,
    labels: Sequence[str] | None = None,
    tau2: Literal["common", "separate"] = "common",
    model: str = "glmm",
    scale: Scale = "logit",
    tau2_method: Tau2Method | None = None,
    ci_method: CiMethod | None = None,
    prediction_method: PredictionMethod = "t-k-2",
    level: float = 0.95,
) -> SubgroupTest:
    """Pool the levels of a grouping and test whether they differ.

    Parameters
    ----------
    events, total, labels
        As for `analysis.synthesis.pooled.pool`.
    group
        Level of each study; levels are kept in order of first appearance. Where it is missing (None,
        nan, blank, "NA", "n.a.", "-"), the study is left out of the groups with a note. Levels that
        differ by capitals or blanks alone are refused with the question whether they are one.
    tau2
        ``"common"`` or ``"separate"`` between-study variance.
    model, scale, tau2_method, ci_method, prediction_method, level
        As for `analysis.synthesis.pooled.pool`.
    """
    check_choice(tau2, ("common", "separate"), "tau2")
    settings = settings_for(model, scale, tau2_method, ci_method, prediction_method, level)
    x, n = check_counts(events, total)
    names = check_labels(labels, x.size)
    keys = group_levels(group, x.size)
    levels = tuple(dict.fromkeys(key for key in keys if key))
    if not levels:
        raise CountsError("group is missing for every study: nothing to compare")
    lost = [name for name, key in zip(names, keys, strict=True) if not key]
    kept = np.array([bool(key) for key in keys])
    member = np.array([levels.index(key) for key in keys if key])
    options: dict[str, Any] = {
        "model": model,
        "scale": scale,
        "tau2_method": settings.tau2_method,
        "ci_method": settings.ci_method,
        "prediction_method": prediction_method,
        "level": level,
    }
    overall = pool(x, n, labels=names, **options)
    x, n, names = x[kept], n[kept], tuple(name for name, key in zip(names, keys, strict=True) if key)
    parts = []
    for j in range(len(levels)):
        rows = np.flatnonzero(member == j)
        parts.append(pool(x[rows], n[rows], labels=[names[i] for i in rows], **options))
    notes = [
        f"{name}: one study" for name, part in zip(levels, parts, strict=True) if part.k == 1
    ]
    if lost:
        notes.append(f"group missing, left out of the groups and of the test: {', '.join(lost)}")
    if len(levels) == 1:
        notes.append("one level: nothing to compare")
        test = FTest(math.nan, 0, math.nan, math.nan)
        return _done(levels, parts, overall, test, "none", tau2, notes)
    if tau2 == "separate":
        test = _between(levels, parts, notes)
        return _done(levels, parts, overall, test, "Q between", tau2, notes)
    design = (member[:, None] == np.arange(len(levels))).astype(float)
    fit_levels = _common_glmm if model == "glmm" else _common_iv
    shared, test, name = fit_levels(x, n, design, parts, notes)
    return _done(levels, shared, overall, test, name, tau2, notes)


#: Texts that say that a group is not known, in lower case.
_NOT_KNOWN = frozenset(
    ["", "na", "n.a.", "n.a", "n/a", "#n/a", "nan", "nat", "<na>", "null", ".", "?", "-", "\u2013", "\u2014"]
)


def group_levels(group: Sequence[Hashable], k: int) -> list[str]:
    """Return the level of each study as text, blank where it is missing.

    Examples
    --------
    >>> group_levels(["stent", None, "NA", " stent"], 4)
    ['stent', '', '', 'stent']
    """
    if isinstance(group, str):
        raise TypeError(f"group is the text {group!r}, expected one level for each of {k} studies")
    if len(group) != k:
        raise CountsError(f"{len(group)} group entries for {k} studies")
    keys = []
    for value in group:
        text = "" if value is None or value != value else str(value).strip()
        keys.append("" if text.casefold() in _NOT_KNOWN else text)
    first: dict[str, tuple[int, str]] = {}
    for row, key in enumerate(keys, start=1):
        folded = " ".join(re.sub(r"(?<=\w)[-_\u2010-\u2015](?=\w)", " ", key).casefold().split())
        other = first.setdefault(unicodedata.normalize("NFKC", folded), (row, key))
        if key and other[1] != key:
            raise CountsError(
                f"group is {other[1]!r} for study {other[0]} and {key!r} for study {row}; they differ only "
                "by capitals, blanks or dashes: are they one group? Write them alike, or name them apart",
                row=row - 1,
                column="group",
            )
    return keys


def _done(
    levels: tuple[str, ...],
    parts: Sequence[Pooled],
    overall: Pooled,
    test: FTest,
    name: str,
    mode: str,
    notes: Sequence[str],
) -> SubgroupTest:
    return SubgroupTest(
        levels,
        tuple(parts),
        overall,
        test.statistic,
        test.df,
        test.df2,
        test.p_value,
        name,
        mode,
        tuple(notes),
    )


def _between(levels: Sequence[str], parts: Sequence[Pooled], notes: list[str]) -> FTest:
    b = np.array([part.mu for part in parts])
    se = np.array([part.se for part in parts])
    usable = np.isfinite(b) & np.isfinite(se) & (se > 0)
    left = [name for name, good in zip(levels, usable, strict=True) if not good]
    if left:
        notes.append(f"left out of the test for want of a finite estimate: {', '.join(left)}")
    b, w = b[usable], 1.0 / se[usable] ** 2
    df = int(b.size) - 1
    if df < 1:
        return FTest(math.nan, max(df, 0), math.nan, math.nan)
    q = float(w @ (b - w @ b / w.sum()) ** 2)
    return FTest(q, df, math.nan, float(chi2_tail(q, df)))


def _common_iv(
    x: FloatArray,
    n: FloatArray,
    design: FloatArray,
    parts: Sequence[Pooled],
    notes: list[str],
) -> tuple[list[Pooled], FTest, str]:
    from analysis.synthesis.inverse_variance import fit_iv, safeguarded

    settings = parts[0].settings
    study = effects(x, n, settings.scale)  # type: ignore[arg-type]
    method = "wald" if settings.ci_method == "profile" else settings.ci_method
    if settings.ci_method == "profile":
        notes.append("with a common tau2 the intervals of the levels are Wald intervals")
    fit = fit_iv(
        study.yi,
        study.vi,
        design=design,
        tau2_method=settings.tau2_method,
        ci_method=method,
        level=settings.level,
    )
    fit, safe = safeguarded(fit)
    if safe:
        notes.append(safe)
    test = wald_test(fit.beta, fit.cov, _contrasts(design.shape[1]), fit.df)
    shared = []
    for j, part in enumerate(parts):
        low, high = float(fit.ci_low[j]), float(fit.ci_high[j])
        wald_se = math.sqrt(float(fit.cov_wald[j, j]))
        shared.append(
            _with_common(
                part, float(fit.beta[j]), float(fit.se[j]), wald_se, fit.tau2, low, high, design
            )
        )
    return shared, test, "Wald F" if math.isfinite(test.df2) else "Wald chi-square"


def _common_glmm(
    x: FloatArray,
    n: FloatArray,
    design: FloatArray,
    parts: Sequence[Pooled],
    notes: list[str],
) -> tuple[list[Pooled], FTest, str]:
    from analysis.synthesis.glmm import fit_equal_effects, fit_glmm, profile_interval_mu

    settings = parts[0].settings
    equal = settings.tau2_method == "ee"
    fitter = fit_equal_effects if equal else fit_glmm
    fit = fitter(x, n, design=design)
    notes.extend(fit.notes)
    method, level = settings.ci_method, settings.level
    df = float(x.size - design.shape[1]) if method not in ("wald", "profile") else math.inf
    finite = np.isfinite(fit.beta) & np.isfinite(fit.se)
    profile = method == "profile" and not equal and bool(finite.all()) and fit.converged
    if method == "profile" and not profile:
        notes.append("the intervals of the levels are Wald intervals")
    shared = []
    for j, part in enumerate(parts):
        if not finite[j]:
            shared.append(part)
            continue
        mu, se = float(fit.beta[j]), float(fit.se[j])
        half = t_quantile(level, df) * se
        low, high = mu - half, mu + half
        if profile:
            interval = profile_interval_mu(fit, level, coefficient=j)
            low, high = interval.low, interval.high
        shared.append(_with_common(part, mu, se, se, float(fit.tau2), low, high, design))
    if finite.all():
        test = wald_test(fit.beta, fit.cov, _contrasts(design.shape[1]), df)
        return shared, test, "Wald F" if math.isfinite(test.df2) else "Wald chi-square"
    notes.append("a level has no finite estimate: the test is the likelihood-ratio test")
    ratio = 2.0 * (fit.log_likelihood - fitter(x, n).log_likelihood)
    df_levels = design.shape[1] - 1
    statistic = max(0.0, float(ratio))
    test = FTest(statistic, df_levels, math.nan, float(chi2_tail(statistic, df_levels)))
    return shared, test, "likelihood ratio"


def _contrasts(p: int) -> FloatArray:
    return np.hstack([-np.ones((p - 1, 1)), np.eye(p - 1)])


def _with_common(
    part: Pooled,
    mu: float,
    se: float,
    wald_se: float,
    tau2: float,
    low: float,
    high: float,
    design: FloatArray,
) -> Pooled:
    """Put the estimate and tau2 of the common fit into the result of a level."""
    settings = part.settings
    ci_mu = Interval(low, high, settings.level, settings.ci_method)
    equal = settings.tau2_method == "ee"
    kh = settings.prediction_method == "knapp-hartung"
    if equal:
        prediction_mu = part.prediction_mu
    else:
        prediction_mu = prediction_interval(
            mu,
            se if kh else wald_se,
            tau2,
            design.shape[0],
            method=settings.prediction_method,
            level=settings.level,
            p=design.shape[1],
        )

    def back(interval: Interval) -> Interval:
        scale: Any = settings.scale
        ends = back_transform(np.array([interval.low, interval.high]), scale, part.total)
        return replace(interval, low=float(ends[0]), high=float(ends[1]))

    scale: Any = settings.scale
    spread = part.heterogeneity
    typical = typical_variance(effects(part.events, part.total, scale).vi)
    if not equal and typical > 0:
        spread = replace(
            spread,
            i2=tau2 / (tau2 + typical),
            i2_definition=FROM_TAU2,
            h2=tau2 / typical + 1.0,
        )
    notes = tuple(
        note
        for note in part.notes
        if "interval" not in note and "one study" not in note and "tau = 0" not in note
    )
    return replace(
        part,
        mu=mu,
        se=se,
        tau2=tau2,
        ci_mu=ci_mu,
        prediction_mu=prediction_mu,
        ci_tau2=replace(
            part.ci_tau2, low=math.nan, high=math.nan, method="none", note="common to all levels"
        ),
        estimate=float(back_transform(mu, scale, part.total)),
        ci=back(ci_mu),
        prediction=back(prediction_mu),
        heterogeneity=spread,
        converged=True,
        boundary=tau2 == 0.0,
        notes=(*notes, *beyond_note(scale, ci_mu, prediction_mu), "tau2 is common to all levels"),
    )
