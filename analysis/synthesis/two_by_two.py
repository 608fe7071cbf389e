"""Effect sizes of two-arm counts: odds ratio, risk ratio, risk difference, arcsine difference, Peto.

Ratios are on the log scale. The conventions are those of metafor's ``escalc``: 0.5 is added to all
four cells of a table with a zero cell, but for AS; tables without
events or with events only in both arms stay unless `drop00` asks for their removal.

References
----------
.. [1] Yusuf S et al. Beta blockade during and after myocardial infarction. Prog Cardiovasc Dis 1985.
.. [2] Ruecker G et al. Why add anything to nothing? The arcsine difference as a measure of treatment
   effect in meta-analysis with zero cells. Stat Med 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_number
from analysis.synthesis.counts import CountsError, check_counts
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["Measure", "Tables", "TwoArmEffects", "check_tables", "two_arm_effects"]

Measure = Literal["OR", "RR", "RD", "AS", "PETO"]

_CORRECTED = frozenset({"OR", "RR", "RD", "PETO"})


@dataclass(frozen=True, slots=True)
class Tables:
    """Counts of two arms: a of n1 in the first (treated), c of n2 in the second (control)."""

    a: FloatArray
    n1: FloatArray
    c: FloatArray
    n2: FloatArray

    @property
    def b(self) -> FloatArray:
        """Non-events of the first arm."""
        return self.n1 - self.a

    @property
    def d(self) -> FloatArray:
        """Non-events of the second arm."""
        return self.n2 - self.c

    @property
    def uninformative(self) -> np.ndarray:
        """Tables with no events in either arm, or with events only."""
        return ((self.a == 0) & (self.c == 0)) | ((self.b == 0) & (self.d == 0))

    def take(self, rows: np.ndarray) -> Tables:
        """Return some of the tables."""
        return Tables(self.a[rows], self.n1[rows], self.c[rows], self.n2[rows])


@dataclass(frozen=True, slots=True)
class TwoArmEffects(Result):
    """Estimates and sampling variances of two-arm studies; nan where `drop00` took one out."""

    yi: FloatArray
    vi: FloatArray
    tables: Tables
    measure: str
    correction: str
    amount: float
    corrected: np.ndarray

    @property
    def usable(self) -> np.ndarray:
        """Studies with a finite estimate and variance."""
        return np.isfinite(self.yi) & np.isfinite(self.vi)

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        t = self.tables
        columns = (t.a, t.n1, t.c, t.n2, self.yi, self.vi)
        return [
            dict(
                zip(
                    ("events1", "total1", "events2", "total2", "yi", "vi"),
                    map(float, row),
                    strict=True,
                )
            )
            for row in zip(*columns, strict=True)
        ]


def check_tables(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
) -> Tables:
    """Return checked counts of two arms; errors name the arm, the row and the value."""
    try:
        a, n1 = check_counts(events1, total1)
    except CountsError as error:
        raise CountsError(f"first arm: {error}", row=error.row, column=error.column) from error
    try:
        c, n2 = check_counts(events2, total2)
    except CountsError as error:
        raise CountsError(f"second arm: {error}", row=error.row, column=error.column) from error
    if a.size != c.size:
        raise CountsError(f"{a.size} studies in the first arm but {c.size} in the second")
    return Tables(a, n1, c, n2)


def two_arm_effects(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    measure: Measure = "RR",
    *,
    correction: Literal["only0", "if0all", "all", "none"] = "only0",
    amount: float | None = None,
    drop00: bool = False,
) -> TwoArmEffects:
    """Return the effect and sampling variance of each study.

    Parameters
    ----------
    events1, total1
        Counts of the first (treated) arm.
    events2, total2
        Counts of the second (control) arm.
    measure
        ``"OR"``, ``"RR"`` (log scale), ``"RD"``, ``"AS"`` or ``"PETO"`` (log odds ratio).
    correction, amount
        Rule and size of the correction, as in `analysis.synthesis.scales.effects`.
    drop00
        Take out studies without events, or with events only, in both arms.

    Examples
    --------
    >>> result = two_arm_effects([4], [20], [8], [20], "RR")
    >>> result.yi.round(6).tolist(), result.vi.round(6).tolist()
    ([-0.693147], [0.275])
    """
    tables = check_tables(events1, total1, events2, total2)
    check_choice(measure, ("OR", "RR", "RD", "AS", "PETO"), "measure")
    check_choice(correction, ("only0", "if0all", "all", "none"), "correction", "continuity correction")
    if amount is not None:
        check_number(amount, "amount", low=0.0)
    add = (0.5 if measure in _CORRECTED else 0.0) if amount is None else float(amount)
    a, b, c, d = tables.a, tables.b, tables.c, tables.d
    zero = (a == 0) | (b == 0) | (c == 0) | (d == 0)
    if drop00:
        zero = zero & ~tables.uninformative
    rules = {
        "only0": zero,
        "if0all": np.full(zero.shape, bool(zero.any())),
        "all": np.ones_like(zero),
        "none": np.zeros_like(zero),
    }
    changed = rules[correction]
    extra = np.where(changed, add, 0.0)
    yi, vi = _effect(a + extra, b + extra, c + extra, d + extra, measure)
    if drop00:
        yi = np.where(tables.uninformative, np.nan, yi)
        vi = np.where(tables.uninformative, np.nan, vi)
    return TwoArmEffects(yi, vi, tables, measure, correction, add, changed & (add != 0))


def _effect(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, measure: str
) -> tuple[FloatArray, FloatArray]:
    n1, n2 = a + b, c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "OR":
            y = np.log(a) - np.log(b) - np.log(c) + np.log(d)
            return y, 1 / a + 1 / b + 1 / c + 1 / d
        if measure == "RR":
            y = np.log(a) - np.log(n1) - np.log(c) + np.log(n2)
            return y, 1 / a - 1 / n1 + 1 / c - 1 / n2
        if measure == "RD":
            return a / n1 - c / n2, a * b / n1**3 + c * d / n2**3
        if measure == "AS":
            y = np.arcsin(np.sqrt(a / n1)) - np.arcsin(np.sqrt(c / n2))
            return y, 1 / (4 * n1) + 1 / (4 * n2)
        if measure == "PETO":
            n = n1 + n2
            expected = (a + c) * n1 / n
            variance = (a + c) * (b + d) * (n1 / n) * (n2 / n) / (n - 1)
            return (a - expected) / variance, 1 / variance
    raise AssertionError(measure)
