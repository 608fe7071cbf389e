"""The studies at a glance: year, size, territory, technique and evidence stage in one dot chart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.shapes import SHAPES, draw_shape, legend
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import FONT_SIZE, NARROW_WIDTH, SERIES, SMALL_SIZE, WIDE_WIDTH
from analysis.report.numbers import count, counted
from analysis.report.tables import Column, Table, table_from_rows
from analysis.report.words import and_list

__all__ = ["StudyPoint", "characteristics"]

_MARGIN = 8.0
_UNKNOWN = "not stated"
_LEAST_RADIUS = 2.6


@dataclass(frozen=True, slots=True)
class StudyPoint:
    """What the chart shows of one study."""

    label: str
    year: int | None
    patients: int | None
    territory: str
    technique: str
    stage: str = ""


def characteristics(
    points: Sequence[StudyPoint],
    *,
    name: str,
    title: str = "Included studies by year, territory, technique and size",
) -> Figure:
    """Draw one dot a study: year across, territory down, technique as shape, patients as area.

    Studies of the first stage are filled, later ones are outlined.
    """
    table = _data(name, title, points)
    if not points:
        return message_figure(name, f"{title}: no study.", table, f"{title}.")
    alt = _alt(title, points)
    wide = _draw(points, WIDE_WIDTH, 17.0, short_years=False)
    narrow = _draw(points, NARROW_WIDTH, 9.5, short_years=True)
    caption = f"{title}. Area shows the number of patients; studies without a year stand in the last column."
    return make_figure(name, wide, narrow, alt, table, caption)


def _named(text: str) -> str:
    return text or _UNKNOWN


def _draw(points: Sequence[StudyPoint], width: float, largest: float, *, short_years: bool) -> Drawing:
    lanes = [lane for lane, _ in Counter(_named(p.territory) for p in points).most_common()]
    techniques = [t for t, _ in Counter(_named(p.technique) for p in points).most_common()]
    stages = list(dict.fromkeys(point.stage for point in sorted(points, key=_age)))
    known = [point.year for point in points if point.year is not None]
    years: list[int | None] = list(range(min(known), max(known) + 1)) if known else []
    if len(known) < len(points):
        years.append(None)
    most = max((point.patients or 0 for point in points), default=0) or 1
    left = _MARGIN + max(text_width(lane, FONT_SIZE, bold=True) for lane in lanes) + 8
    step = (width - _MARGIN - left) / len(years)
    largest = min(largest, step / 2)
    drawing = Drawing(width, 0)
    y = _legends(drawing, techniques, stages, width, most, largest)
    top = y
    for lane in lanes:
        cells = {
            year: sorted(
                (p for p in points if _named(p.territory) == lane and p.year == year),
                key=lambda point: (-(point.patients or 0), point.label),
            )
            for year in years
        }
        stacks = {year: sum(2 * _radius(p, most, largest) + 2 for p in cell) for year, cell in cells.items()}
        height = max([*stacks.values(), 22.0]) + 10
        drawing.text(_MARGIN, y + height / 2 + 4, lane, bold=True)
        drawing.line(_MARGIN, y + height, width - _MARGIN, y + height, stroke="grid")
        for place, year in enumerate(years):
            x = left + step * (place + 0.5)
            spot = y + (height - stacks[year]) / 2
            for point in cells[year]:
                radius = _radius(point, most, largest)
                rank = techniques.index(_named(point.technique))
                draw_shape(
                    drawing,
                    SHAPES[rank % len(SHAPES)],
                    x,
                    spot + radius + 1,
                    radius,
                    SERIES[rank % len(SERIES)],
                    hollow=point.stage != stages[0],
                    tip=_tip(point),
                )
                spot += 2 * radius + 2
        y += height
    drawing.line(_MARGIN, top, width - _MARGIN, top, stroke="grid")
    for place, year in enumerate(years):
        text = "?" if year is None else str(year)[2:] if short_years else str(year)
        drawing.text(left + step * (place + 0.5), y + 16, text, size=SMALL_SIZE, anchor="middle")
    axis = "Year of publication"
    axis += " (last two digits)" if short_years else ""
    axis += "; ? not shown in the source" if None in years else ""
    y += 33
    for line in wrap_text(axis, SMALL_SIZE, width - 2 * _MARGIN):
        drawing.text(width / 2, y, line, size=SMALL_SIZE, fill="muted", anchor="middle")
        y += 15
    drawing.height = y
    return drawing


def _legends(
    drawing: Drawing,
    techniques: Sequence[str],
    stages: Sequence[str],
    width: float,
    most: int,
    largest: float,
) -> float:
    entries = [
        (SHAPES[rank % len(SHAPES)], SERIES[rank % len(SERIES)], False, name)
        for rank, name in enumerate(techniques)
    ]
    if len([stage for stage in stages if stage]) > 1:
        entries += [
            ("circle", "ink", rank > 0, f"{stage} (filled)" if rank == 0 else f"{stage} (outlined)")
            for rank, stage in enumerate(stages)
        ]
    y = legend(drawing, entries, _MARGIN, 20, width - _MARGIN)
    sizes = sorted({_round_size(most / 25), _round_size(most / 5), _round_size(most)})
    x = _MARGIN
    y += max(largest - 6, 0)
    drawing.text(x, y + 4, "Patients:", size=SMALL_SIZE, fill="muted")
    x += text_width("Patients:", SMALL_SIZE) + 10
    for size in sizes:
        radius = _scaled(size, most, largest)
        drawing.circle(x + radius, y, radius, fill=None, stroke="muted")
        x += 2 * radius + 4
        drawing.text(x, y + 4, count(size), size=SMALL_SIZE, fill="muted")
        x += text_width(count(size), SMALL_SIZE) + 14
    return y + largest + 10


def _round_size(value: float) -> int:
    """Round down to one leading digit, so that the key shows sizes that occur."""
    power = 10 ** max(int(math.log10(max(value, 1))), 0)
    return max(int(value // power) * power, 1)


def _scaled(patients: float, most: int, largest: float) -> float:
    return max(largest * math.sqrt(patients / most), _LEAST_RADIUS)


def _radius(point: StudyPoint, most: int, largest: float) -> float:
    return _scaled(point.patients or 0, most, largest)


def _age(point: StudyPoint) -> int:
    return point.year if point.year is not None else 9999


def _tip(point: StudyPoint) -> str:
    size = "size not stated" if point.patients is None else f"{count(point.patients)} patients"
    return f"{point.label}: {size}, {_named(point.territory)}, {_named(point.technique)}"


def _alt(title: str, points: Sequence[StudyPoint]) -> str:
    known = [point.year for point in points if point.year is not None]
    parts = [f"{title}. {counted(len(points), 'study', 'studies')}"]
    if known:
        parts[0] += f", published {min(known)} to {max(known)}"
    if len(known) < len(points):
        parts[0] += f" ({len(points) - len(known)} without a year)"
    for word, values in (
        ("Territory", [_named(point.territory) for point in points]),
        ("Technique", [_named(point.technique) for point in points]),
        ("Stage", [point.stage for point in points if point.stage]),
    ):
        if values:
            counts = [f"{name} {number}" for name, number in Counter(values).most_common()]
            parts.append(f"{word}: {and_list(counts)}")
    sized = [point for point in points if point.patients is not None]
    if sized:
        low = min(point.patients or 0 for point in sized)
        high = max(point.patients or 0 for point in sized)
        parts.append(f"Patients a study: {count(low)} to {count(high)}")
    return ". ".join(parts) + "."


def _data(name: str, title: str, points: Sequence[StudyPoint]) -> Table:
    columns = [
        Column("label", "Study"),
        Column("year", "Year"),
        Column("patients", "Patients", "right"),
        Column("territory", "Territory"),
        Column("technique", "Technique"),
        Column("stage", "Stage"),
    ]
    rows = [
        {
            "label": point.label,
            "year": point.year,
            "patients": point.patients,
            "territory": _named(point.territory),
            "technique": _named(point.technique),
            "stage": point.stage,
        }
        for point in points
    ]
    return table_from_rows(name, title, columns, rows)
