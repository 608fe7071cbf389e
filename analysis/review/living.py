"""What is new, the time machine, the clock and the notices, laid out for the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.evidence.short_names import arm_name
from analysis.living.diff import CellDiff, EvidenceDiff, diff_evidence, diff_versions
from analysis.living.words import cell_change, crossing_text, study_sentence
from analysis.report.html import element, escape
from analysis.report.numbers import count, date_text, events_of_total
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.review.cells import headlines
from analysis.review.overview import rate

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure
    from analysis.living.diff import Estimate, StudyMove

__all__ = [
    "clock_section",
    "diff_section",
    "newest_diff",
    "notices_section",
    "time_machine_table",
    "whats_new_section",
]

_KINDS = {"entered": "new", "replaced": "in place of another", "left": "gone", "corrected": "corrected"}
#: A new study, or one that is gone, on the side of the version that does not pool it.
_NOT_POOLED = Cell("not pooled", "", tone="missing")


def newest_diff(evidence: Evidence) -> EvidenceDiff:
    """Compare the newest version with the one before it."""
    versions = evidence.versions
    return diff_versions(evidence, versions[-2 if len(versions) > 1 else -1].id, versions[-1].id)


def whats_new_section(evidence: Evidence) -> Section:
    """What the newest version changed, at a glance: sentences, figure and table."""
    diff = newest_diff(evidence)
    parts: list[Any] = [Paragraph(_opening(diff)), Paragraph(study_sentence(diff))]
    moved = [cell for cell in diff.cells if cell.before and cell.after and cell.change]
    if moved:
        largest = max(moved, key=lambda cell: abs(cell.change))
        told = cell_change(largest)
        parts.append(
            Paragraph(
                f"The largest change is that of {_name(evidence, largest)}: "
                f"{told.before} before, {told.after} now ({told.change})."
            )
        )
    first = [_name(evidence, cell) for cell in diff.cells if cell.after and not cell.before]
    if first:
        parts.append(Paragraph(f"There is a first estimate of {and_list(first)}."))
    parts += [Paragraph(f"{_opening_name(evidence, cell)}: {crossing_text(item)}")
              for cell in diff.cells for item in cell.crossings]  # fmt: skip
    parts += [_figure(evidence, diff), _table(evidence, diff)]
    return Section(tuple(parts))


def diff_section(evidence: Evidence, population: str) -> Section:
    """For each outcome of a population: the studies that moved its estimate, and by how much."""
    diff = newest_diff(evidence)
    parts: list[Any] = []
    for outcome in evidence.protocol.main_outcomes:
        cell = diff.cell(population, outcome.key)
        told = cell_change(cell)
        head = f"{outcome.label}: {told.before} before, {told.after} now"
        if cell.same:
            parts.append(Paragraph(f"{head}. Nothing changed."))
            continue
        parts.append(Paragraph(f"{head}, {told.change}." if cell.before and cell.after else f"{head}."))
        parts.append(_moves(cell, diff))
        if cell.left:
            gone = "; ".join(f"{item.label}. {item.reason}" for item in cell.left)
            parts.append(Note(f"No longer pooled: {gone}"))
        if not cell.converged:
            parts.append(Note("Some of the refits behind this table did not converge."))
    return Section(tuple(parts))


def time_machine_table(evidence: Evidence) -> Table:
    """Every headline estimate in every version, as it was published then."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for version in evidence.versions:
        for cell in headlines(evidence, version.id):
            key = (cell.question.population, cell.question.outcome)
            row = rows.setdefault(
                key,
                {
                    "outcome": evidence.protocol.outcome(key[1]).short_label,
                    "population": evidence.protocol.population(key[0]).short_label,
                },
            )
            row[version.id] = rate(cell)
            row[f"{version.id} k"] = cell.counts.k
    columns = [Column("outcome", "Outcome"), Column("population", "Occlusion")]
    for version in evidence.versions:
        columns += [
            Column(version.id, f"Version {version.id}", "right"),
            Column(f"{version.id} k", f"Studies, {version.id}", "right"),
        ]
    order = [item.short_label for item in evidence.protocol.main_outcomes]
    lines = sorted(rows.values(), key=lambda row: order.index(row["outcome"]))
    return table_from_rows(
        "time-machine",
        "Headline rates in every version",
        columns,
        lines,
        footnotes=("Each version stands as it was: later notices and corrections are not carried back.",),
        sortable=False,
    )


@dataclass(frozen=True, slots=True)
class _ClockLine:
    """A sentence that the reader's browser completes when a date has passed."""

    text: str
    due: str
    overdue: str

    def _repr_html_(self) -> str:
        dates = {"data-due": self.due, "data-overdue": self.overdue}
        line = element("p", escape(self.text), {"class": "review-clock"} | dates)
        return f"{line}<script>{_CLOCK_SCRIPT}</script>"


#: Dates as year-month-day sort as text, so they compare without a parser.
_CLOCK_SCRIPT = (
    "document.querySelectorAll('.review-clock').forEach(function(p){"
    "if(p.dataset.done)return;p.dataset.done='yes';"
    "var d=new Date().toISOString().slice(0,10),b=document.createElement('strong');"
    "b.textContent=d>p.dataset.overdue?' The review is overdue.':d>p.dataset.due?' The search is due.':'';"
    "if(b.textContent)p.appendChild(b);});"
)


def clock_section(evidence: Evidence) -> Section:
    """When the evidence was last searched for, when it is due again, and when the living mode ends."""
    from analysis.living.clock import read_clock
    from analysis.review.session import ROOT

    newest = evidence.versions[-1]
    # The day does not enter the text: a page that stands for months must not go wrong.
    clock = read_clock(evidence, newest.cut_off, ROOT / "data" / "records.csv", ROOT / "imports" / "runs.csv")
    if clock.retired_on is not None:
        return Section((Paragraph(f"The living mode ended on {date_text(str(clock.retired_on))}."),))
    last = max((source.last_searched for source in clock.sources if source.last_searched), default=None)
    searched = (
        f"The last recorded search was on {date_text(str(last))}."
        if last
        else "No database search is recorded."
    )
    due = (
        f"The evidence holds what was public by {date_text(str(newest.cut_off))}. {searched} The next search "
        f"is due by {date_text(str(clock.next_due))}; after {date_text(str(clock.last_day))} the review "
        "counts as overdue and its publishing job stops."
    )
    rows = [
        {
            "source": row["source"],
            "interval": f"every {row['interval_days']} days",
            "last": row["last_searched"],
            "next": row["next_due"],
        }
        for row in clock.rows()
    ]
    columns = [
        Column("source", "Source"),
        Column("interval", "Planned search"),
        Column("last", "Last searched"),
        Column("next", "Next due"),
    ]
    table = table_from_rows("clock", "Search schedule", columns, rows, sortable=False)
    line = _ClockLine(due, str(clock.next_due), str(clock.last_day))
    return Section((line, table, Note(clock.retirement)))


def notices_section(evidence: Evidence) -> Section:
    """Retractions, concerns, corrections and later rows, and what the retractions changed."""
    if not evidence.notices:
        return Section((Paragraph("There is no notice: no retraction, concern or correction is recorded."),))
    columns = [
        Column("date", "Date"),
        Column("study", "Study"),
        Column("kind", "Kind"),
        Column("what", "What changed"),
        Column("reason", "Why"),
        Column("version", "Heeded from version"),
    ]
    rows = [
        {
            "date": str(item.date),
            "study": Cell(evidence.study(item.study_id).label, href=item.source_url),
            "kind": item.kind,
            "what": _notice_text(evidence, item),
            "reason": item.reason,
            "version": item.version,
        }
        for item in evidence.notices
    ]
    parts: list[Any] = [table_from_rows("notices", "Notices", columns, rows)]
    if any(item.kind == "retraction" for item in evidence.notices):
        parts.append(_retraction_effect(evidence))
    return Section(tuple(parts))


def _notice_text(evidence: Evidence, item: Any) -> str:
    outcome = evidence.protocol.outcome(item.outcome).short_label if item.outcome else ""
    row = ", ".join(part for part in (item.arm_id and arm_name(item.arm_id), outcome) if part)
    if item.kind == "correction":
        place = ", ".join(part for part in (row, item.column.replace("_", " ")) if part)
        return f"{place}: {item.old_value or 'blank'} to {item.new_value or 'blank'}"
    if item.kind == "addition":
        return f"row added: {row}"
    return "leaves every pool" if item.kind == "retraction" else "none"


def _retraction_effect(evidence: Evidence) -> Any:
    """The newest version with the retracted studies, and without them."""
    from analysis.evidence.content import content_hash
    from analysis.evidence.tables import TABLES

    kept = tuple(item for item in evidence.notices if item.kind != "retraction")
    tables = {name: getattr(evidence, name) for name in TABLES} | {"notices": kept}
    as_if = replace(evidence, notices=kept, data_hash=content_hash(tables, evidence.protocol, TABLES))
    diff = diff_evidence(as_if, evidence)
    rows = [
        {
            "result": _opening_name(evidence, cell),
            "with": cell_change(cell).before,
            "without": cell_change(cell).after,
            "change": _change(cell),
        }
        for cell in diff.changed
    ]
    columns = [
        Column("result", "Result"),
        Column("with", "With the retracted studies", "right"),
        Column("without", "Without them, as pooled", "right"),
        Column("change", "Change", "right"),
    ]
    return table_from_rows("retractions", "What the retractions changed", columns, rows, sortable=False)


def _opening(diff: EvidenceDiff) -> str:
    return (
        f"Version {diff.after.id} holds what was {lower_first(diff.after.label)}; version {diff.before.id} "
        f"held what was {lower_first(diff.before.label)}."
    )


def _opening_name(evidence: Evidence, cell: CellDiff) -> str:
    outcome = evidence.protocol.outcome(cell.outcome).short_label
    return f"{outcome}, {evidence.protocol.population(cell.population).short_label.lower()}"


def _name(evidence: Evidence, cell: CellDiff) -> str:
    return lower_first(_opening_name(evidence, cell))


def _change(cell: CellDiff) -> Cell | None:
    """Return the change of a rate as shown, with the exact value for files."""
    if cell.before is None or cell.after is None:
        return None
    return Cell(cell_change(cell).change, round(100 * cell.change, 4))


def _figure(evidence: Evidence, diff: EvidenceDiff) -> Figure:
    from analysis.figures.change import Change, change_plot

    def triple(estimate: Estimate | None) -> tuple[float, float, float] | None:
        return (estimate.estimate, estimate.low, estimate.high) if estimate else None

    changes = [
        Change(_opening_name(evidence, cell), triple(cell.before), triple(cell.after))
        for outcome in evidence.protocol.main_outcomes
        for cell in diff.cells
        if cell.outcome == outcome.key and (cell.before or cell.after)
    ]
    return change_plot(
        changes,
        name="whats-new",
        title="Headline rates before and after",
        before=f"version {diff.before.id}",
        after=f"version {diff.after.id}",
    )


def _unmoved(cell: CellDiff) -> str | None:
    if cell.before is None:
        return "first estimate" if cell.after else None
    return "no study" if cell.same else None


def _table(evidence: Evidence, diff: EvidenceDiff) -> Table:
    rows = [
        {
            "result": _opening_name(evidence, cell),
            "before": cell_change(cell).before,
            "after": cell_change(cell).after,
            "change": _change(cell),
            "studies": f"{cell.before.k if cell.before else 0} to {cell.after.k if cell.after else 0}",
            "patients": f"{_patients(cell.before)} to {_patients(cell.after)}",
            "most": "; ".join(_moved(cell, move) for move in cell.most_moving[:3]) or _unmoved(cell),
        }
        for outcome in evidence.protocol.main_outcomes
        for cell in diff.cells
        if cell.outcome == outcome.key
    ]
    columns = [
        Column("result", "Result"),
        Column("before", f"Version {diff.before.id}", "right"),
        Column("after", f"Version {diff.after.id}", "right"),
        Column("change", "Change", "right"),
        Column("studies", "Studies", "right"),
        Column("patients", "Patients", "right"),
        Column("most", "Moved most by"),
    ]
    return table_from_rows(
        "whats-new-results", "Every headline result, before and after", columns, rows, sortable=False,
        footnotes=("What a study moved is averaged over orders in which the studies could have come in.",),
    )  # fmt: skip


def _patients(estimate: Estimate | None) -> str:
    return count(estimate.total) if estimate else "0"


def _moved(cell: CellDiff, move: StudyMove) -> str:
    return f"{move.label} ({cell_change(cell).moved(move.averaged, cell.change)})"


def _moves(cell: CellDiff, diff: EvidenceDiff) -> Fold:
    told = cell_change(cell)

    def shift(value: float) -> Cell | None:
        return Cell(told.moved(value, cell.change), round(100 * value, 4)) if value == value else None

    rows = [
        {
            "study": move.label,
            "year": str(move.year) if move.year else "not shown",
            "kind": _KINDS[move.kind],
            "before": events_of_total(*move.before) if move.before else _NOT_POOLED,
            "after": events_of_total(*move.after) if move.after else _NOT_POOLED,
            "averaged": shift(move.averaged),
            "sequential": shift(move.sequential),
            "error": shift(move.averaged_se) if not cell.exact else None,
            "why": move.reason,
        }
        for move in cell.moves
    ]
    columns = [
        Column("study", "Study"),
        Column("year", "Year"),
        Column("kind", "Change"),
        Column("before", "Before", "right"),
        Column("after", "Now", "right"),
        Column("averaged", "Moved, averaged over orders", "right"),
        Column("sequential", "Moved, in order of year", "right"),
    ]
    if not cell.exact:
        columns.append(Column("error", "Sampling error", "right"))
    columns.append(Column("why", "Why"))
    how = "all orders" if cell.exact else f"{cell.orders} orders drawn with a fixed seed"
    note = f"Averaged over {how}; both columns add up to the whole change."
    if any(move.averaged != move.averaged for move in cell.moves):
        note = "One version has no estimate, so there is no whole change to share out over the studies."
    table = table_from_rows(
        f"moves-{cell.population}-{cell.outcome}-{diff.after.id}".replace(".", "-"),
        "Studies that changed, and how far each moved the rate",
        columns,
        rows,
        footnotes=(note,),
    )
    return Fold(f"Studies that moved it ({len(cell.moves)})", table)
