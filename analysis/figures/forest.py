"""Forest plots of pooled proportions, with subgroups, and of trial effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from analysis.figures.axis import percent_axis
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.forest_draw import ForestHeads, draw_narrow, draw_wide
from analysis.figures.forest_rows import (
    ForestRow,
    Reference,
    StudyLimits,
    reference_row,
    rows_of_pooled,
    summary_rows,
)
from analysis.report.counts_lead import TOO_FEW, WIDEST, counts_lead, counts_of, rate_words, too_few
from analysis.report.numbers import count, counted, is_missing, percent, percent_range, share
from analysis.report.rare import rate_share
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import (
    counted_studies,
    heterogeneity_line,
    interval_name,
    lower_first,
    model_name,
    no_public_count,
    subgroup_line,
)
from analysis.synthesis.types import Pooled

if TYPE_CHECKING:
    from analysis.report.words import SubgroupLike

__all__ = ["Reference", "forest"]

#: Lines with a mark of their own.
_MARKED = ("study", "excluded", "pooled", "prediction")
#: Remarks longer than this, in characters, stand in the data table only.
_LONGEST_REMARKS = 220


def forest(
    result: Pooled | SubgroupLike | None,
    *,
    name: str,
    title: str,
    limits: StudyLimits | Sequence[StudyLimits] | None = None,
    flags: Sequence[Sequence[str]] | Sequence[Sequence[Sequence[str]]] = (),
    hrefs: Sequence[str] | Sequence[Sequence[str]] = (),
    reference: Reference | None = None,
    awaited: Sequence[str] = (),
    sort: str = "given",
    axis_end: float | None = None,
    marks: Sequence[str] = (),
    marks_head: str = "",
    marks_note: str = "",
) -> Figure:
    """Draw the forest plot of a pooled proportion or of a subgroup test.

    Parameters
    ----------
    result
        A pooled result, a subgroup test with one pooled result a level, or ``None`` where no study
        has a public count.
    name
        Name of the figure: its anchor and the stem of its files.
    title
        Outcome and population, as in ``"Successful reperfusion, primary DMVO"``.
    limits
        Intervals of the studies, in the order of the result; for a subgroup test one entry a level.
        Left out, Clopper-Pearson intervals are asked of the engine at the level of the result.
    flags
        Short remarks, one sequence a study in the order of the result; for a subgroup test one such
        list a level. A study with remarks carries a dagger.
    hrefs
        Address of each study's page, in the order of the result; for a subgroup test one such list a
        level.
    reference
        A published estimate to show below.
    awaited
        Studies known to be in scope whose counts are not public.
    sort
        ``"given"``, ``"estimate"`` or ``"total"``.
    axis_end
        Upper end of the axis as a proportion; left out, it is chosen to hold every estimate.
    marks, marks_head, marks_note
        Short signs a study in a column of their own, such as an appraisal, for a pooled result; the
        heading of the column; and what the signs mean, for the foot of the figure.

    Returns
    -------
    Figure
        Wide and narrow picture, alternative text, data table and caption.
    """
    if result is None or (isinstance(result, Pooled) and result.k == 0):
        return _nothing(name, title, awaited)
    groups = [("", result)] if isinstance(result, Pooled) else _levels(result)
    overall = result if isinstance(result, Pooled) else result.overall
    each_limits = _per_group(groups, limits)
    each_flags = cast("Sequence[Sequence[Sequence[str]]]", [flags] if isinstance(result, Pooled) else flags)
    each_hrefs = cast("Sequence[Sequence[str]]", [hrefs] if isinstance(result, Pooled) else hrefs)
    rows: list[ForestRow] = []
    for index, (level, pooled) in enumerate(groups):
        if level:
            rows.append(ForestRow("heading", level, group=level))
        order = _order(pooled, each_limits[index], sort)
        rows += rows_of_pooled(
            pooled,
            each_limits[index],
            group=level,
            flags=each_flags[index] if flags else (),
            hrefs=each_hrefs[index] if hrefs else (),
            marks=marks,
            order=order,
        )
        rows.append(ForestRow("gap"))
    if not isinstance(result, Pooled):
        rows += summary_rows(overall)
        rows.append(ForestRow("note", subgroup_line(result)))
    if marks:
        # The signs need the room of the weights, which stay in the data table.
        rows = [replace(row, weight_shown="") for row in rows]
    if reference is not None:
        _insert_reference(rows, reference)
    axis = percent_axis(_must_show(rows) if axis_end is None else [axis_end])
    heads = ForestHeads(
        shown=f"Per cent ({interval_name(overall.ci)} CI)",
        weight="" if marks or not overall.weight_name else "Weight",
        marks=marks_head if marks else "",
    )
    footer = _footer(overall, rows, awaited)
    if marks and marks_note:
        footer.append(marks_note)
    guide = None if too_few(overall) else overall.estimate
    wide = draw_wide(rows, axis, heads, footer=footer, guide=guide)
    narrow = draw_narrow(rows, axis, heads, footer=footer, guide=guide)
    caption = f"{title}: forest plot of {counted_studies(overall)}."
    return make_figure(
        name, wide, narrow, _alt(title, result, rows, reference), _data(name, title, rows), caption
    )


def _insert_reference(rows: list[ForestRow], reference: Reference) -> None:
    """Put the reference right below the last summary marks, above the notes."""
    last = max(index for index, row in enumerate(rows) if row.kind in _MARKED)
    rows.insert(last + 1, reference_row(reference))


def _levels(result: SubgroupLike) -> list[tuple[str, Pooled]]:
    return list(zip(result.levels, result.pooled, strict=True))


def _per_group(
    groups: Sequence[tuple[str, Pooled]], limits: StudyLimits | Sequence[StudyLimits] | None
) -> list[StudyLimits]:
    if limits is None:
        from analysis.synthesis.studies import study_intervals

        return [study_intervals(item.events, item.total, level=item.settings.level) for _, item in groups]
    return list(limits) if isinstance(limits, list | tuple) else [limits]  # type: ignore[list-item]


def _order(pooled: Pooled, limits: StudyLimits, sort: str) -> list[int]:
    keys = {"given": np.arange(pooled.k), "estimate": limits.estimate, "total": -pooled.total}
    if sort not in keys:
        raise ValueError(f"sort must be one of {', '.join(keys)}, not {sort!r}")
    return [int(index) for index in np.argsort(keys[sort], kind="stable")]


def _must_show(rows: Sequence[ForestRow]) -> list[float | None]:
    """All estimates and the ends of the summaries; long study intervals may be cut by arrows."""
    values: list[float | None] = [row.estimate for row in rows]
    values += [row.high for row in rows if row.kind in ("pooled", "prediction", "reference")]
    return values


def _footer(overall: Pooled, rows: Sequence[ForestRow], awaited: Sequence[str]) -> list[str]:
    lines = []
    if too_few(overall):
        lines.append("Fewer than three studies are counted, not pooled. Study intervals: Clopper-Pearson.")
    else:
        lines.append(f"Model: {model_name(overall.settings)}.")
        key = f"Box area: weight ({overall.weight_name}). " if overall.weight_name else ""
        bar = "Orange bar: prediction interval. " if any(row.kind == "prediction" for row in rows) else ""
        lines.append(
            f"{key}Diamond: pooled rate with its interval. {bar}Study intervals: Clopper-Pearson."
        )
        if counts_lead(overall):
            lines.append(f"The prediction interval spans more than {share(WIDEST)} points; it is not drawn.")
    if any(row.kind == "excluded" for row in rows):
        lines.append("Open grey box: a study that is shown and not pooled; it counts in no total.")
    said = {part: None for row in rows if row.kind == "study" for part in row.remark.split("; ") if part}
    remarks = "; ".join(sorted(dict.fromkeys(lower_first(part) for part in said), key=str.casefold))
    if len(remarks) > _LONGEST_REMARKS:
        remarks = "See the remarks in the data table"
    if remarks:
        lines.append(f"† {remarks}.")
    if awaited:
        lines.append(f"{no_public_count(awaited)}.".replace("No public count yet; a", "A"))
    return lines


def _alt(
    title: str,
    result: Pooled | SubgroupLike,
    rows: Sequence[ForestRow],
    reference: Reference | None,
) -> str:
    overall = result if isinstance(result, Pooled) else result.overall
    parts = [
        f"Forest plot. {title}: {counted_studies(overall)}, "
        f"{count(overall.events.sum())} events in {counted(int(overall.total.sum()), 'patient')}."
    ]
    studies = sorted((row for row in rows if row.kind == "study"), key=lambda row: row.estimate or 0.0)
    if len(studies) > 1:
        parts.append(
            f"Study rates run from {rate_share(studies[0].estimate)}% ({studies[0].label}) to "
            f"{rate_share(studies[-1].estimate)}% ({studies[-1].label})."
        )
    excluded = [f"{row.label}: {row.shown}" for row in rows if row.kind == "excluded"]
    if excluded:
        parts.append(f"Shown and not pooled: {'; '.join(excluded)}.")
    if not isinstance(result, Pooled):
        parts += [
            f"{level}: {rate_words(item, percent(item.estimate, item.ci.low, item.ci.high))} from "
            f"{counted_studies(item)}."
            for level, item in _levels(result)
        ]
        parts.append(f"{subgroup_line(result)}.")
    if too_few(overall):
        parts.append(f"Counted: {counts_of(overall)}, {TOO_FEW}.")
    else:
        parts.append(
            f"Pooled: {percent(overall.estimate, overall.ci.low, overall.ci.high)}, "
            f"{interval_name(overall.ci)} confidence interval."
        )
    reach = overall.prediction
    if not counts_lead(overall) and not (is_missing(reach.low) or is_missing(reach.high)):
        parts.append(f"{interval_name(reach)} prediction interval {percent_range(reach.low, reach.high)}%.")
    parts.append(f"{heterogeneity_line(overall)}.")
    if reference is not None:
        given = percent(reference.estimate, reference.low, reference.high)
        parts.append(f"{reference.label}: {given}.")
    return " ".join(parts)


_COLUMNS = (
    Column("label", "Study"),
    Column("group", "Group"),
    Column("events", "Events", "right"),
    Column("total", "Total", "right"),
    Column("estimate", "Estimate", "right", show=lambda value: f"{rate_share(value, 1)}%"),
    Column("low", "Lower end", "right", show=lambda value: f"{rate_share(value, 1)}%"),
    Column("high", "Upper end", "right", show=lambda value: f"{rate_share(value, 1)}%"),
    Column("weight", "Weight", "right", show=lambda value: f"{share(value, 1)}%"),
    Column("marks", "Appraisal"),
    Column("remark", "Remark"),
)


#: Columns that stand only where a row fills them.
_OPTIONAL = ("group", "weight", "marks", "remark")


def _data(name: str, title: str, rows: Sequence[ForestRow]) -> Table:
    kept = [row for row in rows if row.kind in (*_MARKED, "reference")]
    columns = [
        column
        for column in _COLUMNS
        if column.key not in _OPTIONAL or any(getattr(row, column.key) for row in kept)
    ]
    lines = []
    for row in kept:
        line: dict[str, object] = {column.key: getattr(row, column.key) for column in columns}
        for key, value in line.items():
            if value is None:
                line[key] = Cell("", "")
            elif key in ("events", "total") and float(value).is_integer():  # type: ignore[arg-type]
                line[key] = int(value)  # type: ignore[call-overload]
        if row.href:
            line["label"] = Cell(row.label, href=row.href)
        lines.append(line)
    return table_from_rows(name, f"{title}: data of the forest plot", columns, lines)


def _nothing(name: str, title: str, awaited: Sequence[str]) -> Figure:
    message = f"{title}: {no_public_count(awaited)[:1].lower()}{no_public_count(awaited)[1:]}."
    columns = [Column("study", "Study"), Column("state", "State")]
    rows = [{"study": study, "state": "no public count"} for study in awaited]
    table = table_from_rows(name, f"{title}: studies awaited", columns, rows)
    return message_figure(name, message, table, f"{title}: nothing to plot yet.")
