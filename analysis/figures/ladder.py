"""One estimate a line: cumulative and leave-one-out results, subgroups, versions, models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.figures.axis import Axis, percent_axis, ratio_axis
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.forest_draw import ForestHeads, draw_narrow, draw_wide
from analysis.figures.forest_rows import ForestRow, Reference, reference_row
from analysis.report.numbers import count, counted, is_missing, percent, percent_range, ratio
from analysis.report.rare import rate_share
from analysis.report.tables import Column, Table, table_from_rows

__all__ = ["Step", "ladder", "ratio_forest"]


@dataclass(frozen=True, slots=True)
class Step:
    """One line: an estimate with its interval and, where it has one, its prediction interval.

    `kind` ``"pooled"`` draws a diamond. `words` stand where the estimate would, as for counts that are too
    few to pool. `note` is a short text beside the label, such as ``"9 studies"``.
    """

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    note: str = ""
    prediction_low: float | None = None
    prediction_high: float | None = None
    size: float = 0.4
    kind: Literal["study", "pooled"] = "study"
    heading: str = ""
    words: str = ""


def ladder(
    steps: Sequence[Step],
    *,
    name: str,
    title: str,
    label_head: str = "Studies",
    note_head: str = "",
    guide: float | None = None,
    reference: Reference | None = None,
    footer: Sequence[str] = (),
    level: str = "95%",
) -> Figure:
    """Draw pooled proportions one below the other.

    Serves the cumulative plot (one step a study added), the leave-one-out plot, the dot plot of
    subgroups and the comparison of versions or models.

    Parameters
    ----------
    steps
        Lines from top to bottom; a `Step` with a new `heading` starts a block.
    name, title
        Name of the figure; what is compared.
    label_head, note_head
        Headings of the label and note columns.
    guide
        Value of the dashed line, as a proportion.
    reference
        A published estimate to show below.
    footer
        Lines below the plot.
    level
        Level of the intervals, for the heading.
    """
    values = [step.estimate for step in steps] + [guide]
    values += [step.high for step in steps] + [step.prediction_high for step in steps]
    values += [reference.high, reference.estimate] if reference else []
    heads = ForestHeads(label_head, note_head, f"Per cent ({level} CI)", "", "Per cent of patients")
    return _ladder(steps, name, title, percent_axis(values), heads, guide, reference, footer, True)


def ratio_forest(
    steps: Sequence[Step],
    *,
    name: str,
    title: str,
    measure: str = "Risk ratio",
    note_head: str = "",
    label_head: str = "Trial",
    favours: tuple[str, str] = ("", ""),
    footer: Sequence[str] = (),
    level: str = "95%",
) -> Figure:
    """Draw ratios of randomised or comparative evidence on a logarithmic axis around 1.

    `label_head` heads the names of the studies; `favours` names what lies left and right of 1.
    """
    limits = [value for step in steps for value in (step.estimate, step.low, step.high)]
    limits += [value for step in steps for value in (step.prediction_low, step.prediction_high)]
    axis_title = measure
    if all(favours):
        axis_title += f" (below 1: {favours[0]}; above 1: {favours[1]})"
    heads = ForestHeads(label_head, note_head, f"{measure} ({level} CI)", "", axis_title)
    return _ladder(steps, name, title, ratio_axis(limits), heads, 1.0, None, footer, False)


def _ladder(
    steps: Sequence[Step],
    name: str,
    title: str,
    axis: Axis,
    heads: ForestHeads,
    guide: float | None,
    reference: Reference | None,
    footer: Sequence[str],
    proportions: bool,
) -> Figure:
    table = _data(name, title, steps, heads.counts or "Note", proportions)
    if not steps:
        return message_figure(name, f"{title}: nothing to plot.", table, f"{title}.")
    show = percent if proportions else ratio
    rows: list[ForestRow] = []
    heading = ""
    for step in steps:
        if step.heading and step.heading != heading:
            heading = step.heading
            rows.append(ForestRow("heading", heading))
        rows.append(
            ForestRow(
                step.kind,
                step.label,
                step.note,
                step.words or show(step.estimate, step.low, step.high),
                "",
                step.estimate,
                step.low,
                step.high,
                step.size,
                1 if step.heading else 0,
            )
        )
        low, high = step.prediction_low, step.prediction_high
        if low is not None and high is not None and not (is_missing(low) or is_missing(high)):
            shown = percent_range(low, high) if proportions else f"{ratio(low)} to {ratio(high)}"
            rows.append(
                ForestRow(
                    "prediction",
                    "prediction interval",
                    shown=shown,
                    low=low,
                    high=high,
                    level=2 if step.heading else 1,
                )
            )
    if reference is not None:
        rows.append(reference_row(reference))
    wide = draw_wide(rows, axis, heads, footer=footer, guide=guide)
    narrow = draw_narrow(rows, axis, heads, footer=footer, guide=guide)
    parts = [
        f"{f'{step.heading}, {step.label}' if step.heading else step.label}: "
        f"{step.words or show(step.estimate, step.low, step.high)}"
        for step in steps
    ]
    if len(parts) > _MOST_SPOKEN:
        first, last = parts[0], parts[-1]
        known = [step.estimate for step in steps if step.estimate is not None]
        span = (
            f"{rate_share(min(known))}% to {rate_share(max(known))}%"
            if proportions
            else f"{ratio(min(known))} to {ratio(max(known))}"
        )
        parts = [first, f"{count(len(steps) - 2)} lines between", last, f"estimates from {span}"]
    alt = f"{title}. {counted(len(steps), 'line')}. {'; '.join(parts)}."
    if reference is not None:
        alt += f" {reference.label}: "
        alt += f"{percent(reference.estimate, reference.low, reference.high)}."
    return make_figure(name, wide, narrow, alt, table, f"{title}.")


#: Longer ladders are summed up in the alternative text; the data table has every line.
_MOST_SPOKEN = 12


def _data(name: str, title: str, steps: Sequence[Step], note_head: str, proportions: bool) -> Table:
    def show(value: float) -> str:
        return f"{rate_share(value, 1)}%" if proportions else ratio(value)

    columns = [
        # The name of the line heads its card on a phone, where not every line stands in a block.
        Column("label", "Line"),
        Column("heading", "Block"),
        Column("note", note_head),
        Column("words", "Remark"),
        Column("estimate", "Estimate", "right", show=show),
        Column("low", "Lower end", "right", show=show),
        Column("high", "Upper end", "right", show=show),
        Column("prediction_low", "Prediction from", "right", show=show),
        Column("prediction_high", "Prediction to", "right", show=show),
    ]
    optional = ("heading", "note", "words", "prediction_low", "prediction_high")
    kept = [
        column
        for column in columns
        if column.key not in optional or any(getattr(step, column.key) not in ("", None) for step in steps)
    ]
    rows = [{column.key: getattr(step, column.key) for column in kept} for step in steps]
    return table_from_rows(name, f"{title}: data", kept, rows)
