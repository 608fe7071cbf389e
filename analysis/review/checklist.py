"""Reporting checklists laid out for the page: every item with its answer, its place and who decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.living.checklists import CHECKLISTS, Checklist, load_checklist
from analysis.report.tables import Cell, Column, Table, table_from_rows

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["checklist_summary", "checklist_table"]

_KINDS = {"machine": "tested", "presence": "presence seen", "human": "a person"}


def checklist_summary(evidence: Evidence) -> Table:
    """How many items of each checklist a test decides, and how many wait for a person."""
    rows = []
    for key in CHECKLISTS:
        found = load_checklist(key, evidence)
        rows.append(
            {
                "name": Cell(found.name, href=found.source_url),
                "items": len(found.items),
                **found.kinds,
                "failed": len(found.failed),
                "unsigned": len(found.unsigned),
            }
        )
    columns = [
        Column("name", "Checklist"),
        Column("items", "Items", "right"),
        Column("machine", "Decided by a test", "right"),
        Column("presence", "Presence seen", "right"),
        Column("human", "For a person", "right"),
        Column("failed", "Tests that fail", "right"),
        Column("unsigned", "Not signed yet", "right"),
    ]
    return table_from_rows("checklists", "Reporting checklists", columns, rows, sortable=False)


def checklist_table(evidence: Evidence, key: str) -> Table:
    """All items of one checklist.

    Raises
    ------
    KeyError
        When there is no such checklist.
    """
    found = load_checklist(key, evidence)
    rows = [
        {
            "item": item.item,
            "text": item.text,
            "answer": item.answer,
            "where": Cell(_place(item.where), href=f"../book/{item.where}"),
            "kind": _KINDS[item.kind],
            "verdict": _verdict(item.passed, item.fact, item.kind, item.signed_by),
        }
        for item in found.items
    ]
    columns = [
        Column("item", "Item"),
        Column("text", "What is asked"),
        Column("answer", "Answer"),
        Column("where", "Where"),
        Column("kind", "Decided by"),
        Column("verdict", "Verdict"),
    ]
    return table_from_rows(f"checklist-{key}", _caption(found), columns, rows)


def _caption(found: Checklist) -> str:
    return f"{found.name}, item by item, in own words"


def _place(where: str) -> str:
    page, _, anchor = where.partition("#")
    name = page.removesuffix(".html").replace("_", " ")
    return f"{name}: {anchor.replace('-', ' ')}" if anchor else name


def _verdict(passed: bool | None, fact: str, kind: str, signed_by: str) -> Cell:
    if passed is True:
        return Cell(f"holds: {fact}")
    if passed is False:
        return Cell(f"does not hold: {fact}", tone="missing")
    if kind == "human":
        return Cell(f"signed by: {signed_by or 'nobody yet'}", tone="missing")
    return Cell("linked")
