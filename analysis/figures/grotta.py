"""Stacked bars of the modified Rankin scale ("Grotta bars"), two arms of each trial together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.chart import Place, both_widths
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width
from analysis.figures.theme import FONT_SIZE, SMALL_SIZE
from analysis.report.numbers import count, share
from analysis.report.tables import Cell, Column, Table, table_from_rows

__all__ = ["GRADES", "RankinArm", "grotta"]

#: The grades of the scale from no symptoms to death.
GRADES = (
    "0 no symptoms",
    "1 no disability",
    "2 slight disability",
    "3 moderate disability",
    "4 moderately severe",
    "5 severe disability",
    "6 death",
)
_MARGIN = 8.0
_BAR = 30.0
_BETWEEN = 26.0
#: Grades from this one on are dark enough for white words; the same colours hold on dark pages.
_LIGHT_WORDS_FROM = 4


@dataclass(frozen=True, slots=True)
class RankinArm:
    """Patients of one arm in each of the seven grades."""

    trial: str
    arm: str
    grades: tuple[int, ...]

    @property
    def total(self) -> int:
        """All patients of the arm with a known grade."""
        return sum(self.grades)


def grotta(
    arms: Sequence[RankinArm], *, name: str, title: str, connect_after: Sequence[int] = (2,)
) -> Figure:
    """Draw one bar an arm; arms of one trial that follow each other are joined by lines.

    Parameters
    ----------
    arms
        Arms in order; each with seven counts.
    name, title
        Name of the figure; what is shown.
    connect_after
        Grades after which a line joins the two bars of a trial, as 2 for independence.

    Raises
    ------
    ValueError
        When an arm does not have seven counts.
    """
    for arm in arms:
        if len(arm.grades) != len(GRADES):
            raise ValueError(f"{arm.trial}, {arm.arm}: {len(arm.grades)} grades, not {len(GRADES)}")
    table = _data(name, title, arms)
    shown = [arm for arm in arms if arm.total]
    if not shown:
        return message_figure(name, f"{title}: no distribution is public.", table, f"{title}.")

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        y = _key(drawing, place)
        left = _MARGIN if place.narrow else _MARGIN + _label_width(shown)
        right = place.width - _MARGIN
        before: tuple[RankinArm, float] | None = None
        for arm in shown:
            new = before is None or before[0].trial != arm.trial
            if new:
                y += 26
                drawing.text(_MARGIN, y - 8, arm.trial, bold=True)
            words = f"{arm.arm} (n = {count(arm.total)})"
            if place.narrow:
                drawing.text(_MARGIN, y + 12, words, size=SMALL_SIZE)
                top = y + 18
            else:
                drawing.text(_MARGIN, y + _BAR / 2 + 4, words)
                top = y
            if before is not None and not new and not place.narrow:
                _join(drawing, before[0], arm, before[1] + _BAR, top, left, right, connect_after)
            _bar(drawing, arm, top, left, right)
            before = (arm, top)
            y = top + _BAR + (8 if place.narrow else _BETWEEN)
        y = y - (8 if place.narrow else _BETWEEN)
        for tick in range(0, 101, 25):
            x = left + (right - left) * tick / 100
            drawing.line(x, y + 4, x, y + 9)
            anchor = "start" if tick == 0 else "end" if tick == 100 else "middle"
            text = f"{tick}%" if tick == 100 else str(tick)
            drawing.text(x, y + 22, text, size=SMALL_SIZE, anchor=anchor)  # type: ignore[arg-type]
        drawing.text(
            (left + right) / 2,
            y + 38,
            "Per cent of patients",
            size=SMALL_SIZE,
            fill="muted",
            anchor="middle",
        )
        drawing.height = y + 46
        return drawing

    wide, narrow = both_widths(draw)
    parts = []
    for arm in shown:
        grades = ", ".join(f"{grade} {share(number / arm.total)}%" for grade, number in enumerate(arm.grades))
        parts.append(f"{arm.trial}, {arm.arm}, {count(arm.total)} patients: {grades}")
    alt = f"Stacked bars. {title}. Grades 0 to 6. {'. '.join(parts)}."
    return make_figure(name, wide, narrow, alt, table, f"{title}.")


def _label_width(arms: Sequence[RankinArm]) -> float:
    return 12 + max(text_width(f"{arm.arm} (n = {count(arm.total)})", FONT_SIZE) for arm in arms)


def _bar(drawing: Drawing, arm: RankinArm, y: float, left: float, right: float) -> None:
    x = left
    for grade, number in enumerate(arm.grades):
        width = (right - left) * number / arm.total
        tip = f"{arm.trial}, {arm.arm}: grade {GRADES[grade]}, {count(number)} of {count(arm.total)}"
        drawing.rect(x, y, width, _BAR, fill=f"grade-{grade}", stroke="paper", tip=tip)
        words = share(number / arm.total)
        if width > text_width(words, SMALL_SIZE) + 3:
            drawing.text(
                x + width / 2,
                y + _BAR / 2 + 4,
                words,
                size=SMALL_SIZE,
                fill="light" if grade >= _LIGHT_WORDS_FROM else "dark",
                anchor="middle",
            )
        x += width


def _join(
    drawing: Drawing,
    upper: RankinArm,
    lower: RankinArm,
    top: float,
    bottom: float,
    left: float,
    right: float,
    grades: Sequence[int],
) -> None:
    for grade in grades:
        ends = [left + (right - left) * sum(arm.grades[: grade + 1]) / arm.total for arm in (upper, lower)]
        drawing.line(ends[0], top, ends[1], bottom, stroke="muted", dash="4 3")


def _key(drawing: Drawing, place: Place) -> float:
    x, y = _MARGIN, 18.0
    for grade, words in enumerate(GRADES):
        used = 22 + text_width(words, SMALL_SIZE)
        if x > _MARGIN and x + used > place.width - _MARGIN:
            x, y = _MARGIN, y + 19
        drawing.rect(x, y - 11, 14, 14, fill=f"grade-{grade}", stroke="muted")
        drawing.text(x + 18, y, words, size=SMALL_SIZE)
        x += used + 12
    return y + 8


def _data(name: str, title: str, arms: Sequence[RankinArm]) -> Table:
    columns = [
        Column("trial", "Trial"),
        Column("arm", "Arm"),
        Column("total", "Patients", "right"),
        *(Column(f"g{grade}", f"mRS {grade}", "right") for grade in range(len(GRADES))),
    ]
    rows = []
    for arm in arms:
        row: dict[str, object] = {"trial": arm.trial, "arm": arm.arm, "total": arm.total}
        for grade, number in enumerate(arm.grades):
            part = f" ({share(number / arm.total)}%)" if arm.total else ""
            row[f"g{grade}"] = Cell(f"{count(number)}{part}", number)
        rows.append(row)
    return table_from_rows(name, f"{title}: patients by grade", columns, rows, sortable=False)
