"""What a forest plot says, line by line, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from analysis.report.counts_lead import TOO_FEW, counts_lead, too_few
from analysis.report.numbers import (
    count,
    is_missing,
    percent,
    percent_range,
    share,
)
from analysis.report.words import (
    CI_METHODS,
    PREDICTION_METHODS,
    counted_studies,
    heterogeneity_line,
    interval_name,
)
from analysis.synthesis.types import FloatArray, Pooled

__all__ = ["ForestRow", "Reference", "StudyLimits", "reference_row", "rows_of_pooled"]

#: Also the interval that stands in where no finite estimate exists.
_CI_NAMES = CI_METHODS | {"clopper-pearson": "exact, of the summed counts"}

Kind = Literal["study", "excluded", "heading", "pooled", "prediction", "reference", "note", "gap"]


class StudyLimits(Protocol):
    """Estimates and interval ends of the studies, as `study_intervals` returns them."""

    @property
    def estimate(self) -> FloatArray:
        """Proportions."""

    @property
    def low(self) -> FloatArray:
        """Lower ends."""

    @property
    def high(self) -> FloatArray:
        """Upper ends."""


#: Size of the mark of an excluded study, which has no weight.
_EXCLUDED_SIZE = 0.4


@dataclass(frozen=True, slots=True)
class Reference:
    """An estimate to compare with, such as the one a published review gives."""

    label: str
    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One line of a forest plot: its words, and where its mark stands.

    `weight` is a share of one; `size` is that share beside the largest of the plot; `marks` are short
    signs in a column of their own, such as those of an appraisal.
    """

    kind: Kind
    label: str = ""
    counts: str = ""
    shown: str = ""
    weight_shown: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    size: float = 0.0
    level: int = 0
    events: float | None = None
    total: float | None = None
    weight: float | None = None
    group: str = ""
    remark: str = ""
    href: str = ""
    marks: str = ""


def rows_of_pooled(
    pooled: Pooled,
    limits: StudyLimits,
    *,
    group: str = "",
    flags: Sequence[Sequence[str]] = (),
    hrefs: Sequence[str] = (),
    marks: Sequence[str] = (),
    order: Sequence[int] | None = None,
    prediction: bool = True,
    title: str = "",
) -> list[ForestRow]:
    """Return the lines of one pooled result: its studies and its summary."""
    rows: list[ForestRow] = []
    largest = float(pooled.weights.max()) if pooled.k else 1.0
    for index in order if order is not None else range(pooled.k):
        events, total = float(pooled.events[index]), float(pooled.total[index])
        estimate, low, high = (
            float(limits.estimate[index]),
            float(limits.low[index]),
            float(limits.high[index]),
        )
        weight = float(pooled.weights[index])
        remark = "; ".join(flags[index]) if flags else ""
        rows.append(
            ForestRow(
                "study",
                pooled.labels[index],
                f"{count(events)}/{count(total)}",
                percent(estimate, low, high),
                "" if too_few(pooled) else f"{share(weight, 1)}%",
                estimate,
                low,
                high,
                weight / largest if largest > 0 else 0.0,
                1 if group else 0,
                events,
                total,
                weight,
                group,
                remark,
                hrefs[index] if hrefs else "",
                marks[index] if marks else "",
            )
        )
    rows += _excluded_rows(pooled, group)
    return [*rows, *summary_rows(pooled, group=group, prediction=prediction, title=title)]


def _excluded_rows(pooled: Pooled, group: str) -> list[ForestRow]:
    """Return the studies that `pool(exclude=...)` left out, after those that count."""
    left_out = pooled.extra.get("excluded")
    if not left_out:
        return []
    from analysis.synthesis.studies import study_intervals

    limits = study_intervals(left_out["events"], left_out["total"], level=pooled.settings.level)
    rows = []
    for place, name in enumerate(left_out["labels"]):
        events, total = float(left_out["events"][place]), float(left_out["total"][place])
        found = [float(values[place]) for values in (limits.estimate, limits.low, limits.high)]
        rows.append(
            ForestRow(
                "excluded",
                f"{name} (excluded)",
                f"{count(events)}/{count(total)}",
                percent(*found),
                estimate=found[0],
                low=found[1],
                high=found[2],
                size=_EXCLUDED_SIZE,
                level=1 if group else 0,
                events=events,
                total=total,
                group=group,
                remark="excluded: shown and not pooled",
            )
        )
    return rows


def summary_rows(
    pooled: Pooled, *, group: str = "", prediction: bool = True, title: str = ""
) -> list[ForestRow]:
    """Return the diamond, the prediction interval and the heterogeneity line of a pooled result.

    Too few studies to pool have a line with their counts and no mark; a prediction interval that says
    nothing is not drawn.
    """
    events, total = float(pooled.events.sum()), float(pooled.total.sum())
    if too_few(pooled):
        return [
            ForestRow(
                "pooled",
                f"Counted ({counted_studies(pooled)})",
                f"{count(events)}/{count(total)}",
                TOO_FEW,
                level=1 if group else 0,
                events=events,
                total=total,
                group=group,
                remark=TOO_FEW,
            )
        ]
    level = interval_name(pooled.ci)
    rows = [
        ForestRow(
            "pooled",
            title or _pooled_label(pooled, bool(group)),
            f"{count(events)}/{count(total)}",
            percent(pooled.estimate, pooled.ci.low, pooled.ci.high),
            "",
            pooled.estimate,
            pooled.ci.low,
            pooled.ci.high,
            level=1 if group else 0,
            events=events,
            total=total,
            group=group,
            remark=f"{level} confidence interval: {_CI_NAMES.get(pooled.ci.method, pooled.ci.method)}",
        )
    ]
    reach = pooled.prediction
    if prediction and not counts_lead(pooled) and not (is_missing(reach.low) or is_missing(reach.high)):
        rows.append(
            ForestRow(
                "prediction",
                f"{interval_name(reach)} prediction interval",
                shown=percent_range(reach.low, reach.high),
                low=reach.low,
                high=reach.high,
                level=1 if group else 0,
                group=group,
                remark=PREDICTION_METHODS.get(reach.method, reach.method),
            )
        )
    rows.append(ForestRow("note", heterogeneity_line(pooled), level=1 if group else 0, group=group))
    return rows


def _pooled_label(pooled: Pooled, in_group: bool) -> str:
    studies = counted_studies(pooled)
    return f"Pooled ({studies})" if in_group or pooled.k == 1 else f"All {studies}, pooled"


def reference_row(reference: Reference) -> ForestRow:
    """Return the line of an estimate to compare with."""
    return ForestRow(
        "reference",
        reference.label,
        shown=percent(reference.estimate, reference.low, reference.high),
        estimate=reference.estimate,
        low=reference.low,
        high=reference.high,
    )
