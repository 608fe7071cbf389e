"""Specification curve: every defensible analysis, sorted by its result, above the choices behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.figures.axis import Axis, tight_percent_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.forest_rows import Reference
from analysis.figures.shapes import LegendEntry, legend
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width
from analysis.figures.theme import SMALL_SIZE
from analysis.report.numbers import count, is_missing, percent
from analysis.report.rare import rate_share
from analysis.report.tables import Column, Table, table_from_rows

__all__ = ["Specification", "specification_curve"]

_MARGIN = 8.0
_CHOICE_LINE = 16.0
_WIDEST_OPTION = 270.0


@dataclass(frozen=True, slots=True)
class Specification:
    """One analysis: its choices by name, and its result; `tag` says how far it counts as equal."""

    choices: Mapping[str, str]
    estimate: float
    low: float
    high: float
    tag: str = ""


def specification_curve(
    specifications: Sequence[Specification],
    *,
    name: str,
    title: str,
    primary: int | None = None,
    reference: Reference | None = None,
    of: int = 0,
) -> Figure:
    """Draw all specifications in the order of their estimates.

    Parameters
    ----------
    specifications
        The analyses; all name the same choices.
    name, title
        Name of the figure; outcome and population.
    primary
        Index of the primary analysis, which is marked.
    reference
        A published estimate, drawn as a line with its interval as a band.
    of
        How many specifications there are, where only some of them are given to be drawn.
    """
    table = _data(name, title, specifications)
    known = [index for index, item in enumerate(specifications) if not is_missing(item.estimate)]
    if not known:
        return message_figure(name, f"{title}: no specification.", table, f"{title}.")
    order = sorted(known, key=lambda index: specifications[index].estimate)
    items = [specifications[index] for index in order]
    values: list[float | None] = [value for item in items for value in (item.estimate, item.high)]
    values += [item.low for item in items]
    if reference is not None:
        values += [reference.estimate, reference.low, reference.high]
    y_axis = tight_percent_axis(values)
    x_axis = Axis(0.5, len(items) + 0.5, _ranks(len(items)))
    options = _options(items)
    x_title = "Specifications in the order of their estimate"
    drawn = count(len(items))
    if of > len(items):
        drawn = f"{drawn} of {count(of)}"
        x_title = f"{drawn} specifications, in the order of their estimate"
    place_of_primary = order.index(primary) if primary in order else None

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        words = max(text_width(text, SMALL_SIZE) for group in options.values() for text in group)
        words = min(words, _WIDEST_OPTION)
        ticks = max(text_width(text, SMALL_SIZE) for _, text in y_axis.ticks)
        left = _MARGIN if place.narrow else max(_MARGIN, words + 8 - ticks)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=6,
            height=place.plot_height * 0.7,
            x_title=x_title,
            y_title="Pooled per cent of patients, with confidence interval",
            left=left,
        )
        if reference is not None:
            if reference.low is not None and reference.high is not None:
                low, high = frame.y(reference.low), frame.y(reference.high)
                width = frame.right - frame.left
                drawing.rect(frame.left, high, width, low - high, fill="third", opacity=0.15)
            frame.across(reference.estimate, role="third")
        step = (frame.right - frame.left) / len(items)
        thick = max(min(step * 0.6, 3.0), 0.6)
        for rank, item in enumerate(items, start=1):
            x = frame.x(rank)
            if not (is_missing(item.low) or is_missing(item.high)):
                drawing.line(x, frame.y(item.low), x, frame.y(item.high), stroke="pale", width=thick)
        for rank, item in enumerate(items, start=1):
            main = place_of_primary == rank - 1
            drawing.circle(
                frame.x(rank),
                frame.y(item.estimate),
                5.0 if main else max(min(step * 0.5, 3.0), 1.0),
                fill="second" if main else "accent",
                tip=percent(item.estimate, item.low, item.high),
                # The number of the specification in the data table.
                mark=str(order[rank - 1] + 1),
            )
        y = end + 6
        for choice, texts in options.items():
            y += 16
            drawing.text(_MARGIN, y, choice, size=SMALL_SIZE, bold=True)
            for text in texts:
                if place.narrow:
                    y += 15
                    drawing.text(_MARGIN, y, text, size=SMALL_SIZE, fill="muted", limit=place.width - 16)
                    y += 14
                else:
                    y += _CHOICE_LINE
                    drawing.text(frame.left - 8, y, text, size=SMALL_SIZE, anchor="end", limit=words)
                ranks = [r for r, item in enumerate(items, 1) if item.choices.get(choice) == text]
                for start, stop in _runs(ranks):
                    drawing.rect(
                        frame.x(start - 0.5),
                        y - 9,
                        (stop - start + 1) * step,
                        9,
                        fill="accent",
                    )
                drawing.line(frame.left, y + 2, frame.right, y + 2, stroke="grid")
            y += 4
        if place_of_primary is not None or reference is not None:
            y = _key(drawing, place, y + 22, place_of_primary is not None, reference)
        drawing.height = y + 8
        return drawing

    wide, narrow = both_widths(draw)
    alt = (
        f"Specification curve. {title}: {drawn} specifications with estimates from "
        f"{rate_share(items[0].estimate)}% to {rate_share(items[-1].estimate)}%."
    )
    if place_of_primary is not None:
        main = items[place_of_primary]
        alt += f" Primary analysis: {percent(main.estimate, main.low, main.high)}."
    if reference is not None:
        alt += f" {reference.label}: "
        alt += f"{percent(reference.estimate, reference.low, reference.high)}."
    return make_figure(name, wide, narrow, alt, table, f"{title}: specification curve.")


def _ranks(number: int) -> tuple[tuple[float, str], ...]:
    marks = sorted({1, *(round(number * part / 4) for part in range(1, 5))} - {0})
    return tuple((float(mark), count(mark)) for mark in marks)


def _options(items: Sequence[Specification]) -> dict[str, list[str]]:
    """Return the options of every choice that differs between specifications."""
    found: dict[str, list[str]] = {}
    for item in items:
        for choice, text in item.choices.items():
            options = found.setdefault(choice, [])
            if text not in options:
                options.append(text)
    varied = {choice: sorted(texts) for choice, texts in found.items() if len(texts) > 1}
    return varied or {choice: texts for choice, texts in list(found.items())[:1]}


def _runs(ranks: Sequence[int]) -> list[tuple[int, int]]:
    """Join neighbouring ranks, so that a long curve stays light."""
    runs: list[tuple[int, int]] = []
    for rank in ranks:
        if runs and runs[-1][1] == rank - 1:
            runs[-1] = (runs[-1][0], rank)
        else:
            runs.append((rank, rank))
    return runs


def _key(drawing: Drawing, place: Place, y: float, primary: bool, reference: Reference | None) -> float:
    entries: list[LegendEntry] = []
    if primary:
        entries.append(("circle", "second", False, "Primary analysis"))
    if reference is not None:
        entries.append(("dash", "third", False, reference.label))
    return legend(drawing, entries, _MARGIN, y, place.width - _MARGIN) - 14


def _data(name: str, title: str, items: Sequence[Specification]) -> Table:
    names = list(dict.fromkeys(choice for item in items for choice in item.choices))
    columns = [Column("number", "Specification")]
    columns += [Column(f"choice {choice}", choice) for choice in names]
    columns += [
        Column(key, head, "right", show=lambda value: f"{rate_share(value, 1)}%")
        for key, head in (("estimate", "Estimate"), ("low", "Lower end"), ("high", "Upper end"))
    ]
    if any(item.tag for item in items):
        columns.append(Column("tag", "Tag"))
    rows = [
        {"number": rank, "estimate": item.estimate, "low": item.low, "high": item.high}
        | {f"choice {choice}": item.choices.get(choice) for choice in names}
        | {"tag": item.tag}
        for rank, item in enumerate(items, start=1)
    ]
    return table_from_rows(name, f"{title}: all specifications", columns, rows)
