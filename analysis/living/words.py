"""A diff in plain sentences, for the command line, the page and the Atom feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.numbers import RateChange, counted, percent, rate_change
from analysis.report.words import and_list

if TYPE_CHECKING:
    from analysis.living.diff import CellDiff, Crossing, Estimate, EvidenceDiff, StudyMove

__all__ = [
    "cell_change",
    "cell_lines",
    "cell_name",
    "crossing_text",
    "diff_heading",
    "move_text",
    "study_sentence",
    "summary_lines",
]

_DECISIONS = {"include": "included", "awaiting": "awaiting a readable count", "exclude": "excluded"}


def diff_heading(diff: EvidenceDiff) -> str:
    """Name the two sides."""
    return f"Version {diff.before.id} to {diff.after.id}\n{study_sentence(diff)}"


def study_sentence(diff: EvidenceDiff) -> str:
    """Say how many studies became known, and what was decided on them."""
    if not diff.entered:
        return "No new study became known."
    parts = [
        f"{number} {_DECISIONS.get(decision, decision)}"
        for decision, number in sorted(diff.decisions.items(), key=lambda item: -item[1])
    ]
    base = f"{counted(len(diff.entered), 'study', 'studies')} became known: {and_list(parts)}."
    if diff.left:
        base += f" {counted(len(diff.left), 'study', 'studies')} left: {and_list(list(diff.left))}."
    return base


def cell_name(cell: CellDiff) -> str:
    """Name a headline result by the keys of the protocol."""
    return f"{cell.population}, {cell.outcome}"


def cell_change(cell: CellDiff) -> RateChange:
    """Return both rates of a headline result as shown, and the change between them."""
    return rate_change(_triple(cell.before), _triple(cell.after), "no public count")


def _triple(estimate: Estimate | None) -> tuple[float, float, float] | None:
    return None if estimate is None else (estimate.estimate, estimate.low, estimate.high)


def move_text(cell: CellDiff, move: StudyMove) -> str:
    """Say how far a study moved the estimate."""
    words = {"entered": "new", "left": "gone", "replaced": "in place of another", "corrected": "corrected"}
    shown = cell_change(cell)
    averaged, sequential = (shown.moved(part, cell.change) for part in (move.averaged, move.sequential))
    return f"{move.label} ({words[move.kind]}): {averaged} averaged, {sequential} in order"


def crossing_text(crossing: Crossing) -> str:
    """Say which threshold a result now lies differently to."""
    sides = {"around": "on both sides of"}
    before, after = (sides.get(side, side) for side in (crossing.before, crossing.after))
    value = percent(crossing.threshold)
    return f"The {crossing.what} was {before} {value} and is now {after} it. {crossing.meaning}."


def cell_lines(cell: CellDiff, most: int = 5) -> list[str]:
    """Return the change of one headline result in lines."""
    told = cell_change(cell)
    head = f"{cell_name(cell)}: {told.before} -> {told.after}"
    if cell.before and cell.after:
        head += f", {told.change}; {cell.before.k} -> {cell.after.k} studies"
    lines = [head]
    shown = cell.most_moving[:most]
    lines += [f"  {move_text(cell, move)}" for move in shown]
    if not shown and cell.moves:
        lines.append("  " + "; ".join(f"{move.label} ({move.kind})" for move in cell.moves))
    elif len(cell.moves) > len(shown):
        lines.append(f"  and {len(cell.moves) - len(shown)} more")
    lines += [f"  left: {item.label}. {item.reason}" for item in cell.left]
    lines += [f"  {crossing_text(item)}" for item in cell.crossings]
    return lines


def summary_lines(diff: EvidenceDiff) -> list[str]:
    """Return one line a changed headline result."""
    return [cell_lines(cell, 0)[0] for cell in diff.changed]
