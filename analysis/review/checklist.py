"""Reporting checklists laid out for the page: every item with its answer, its place and who decides."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

from analysis.living.checklists import CHECKLISTS, Checklist, load_checklist
from analysis.report.html import slug
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.session import ROOT

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
    return f"{found.name}, item by item, in our own words"


def _place(where: str) -> str:
    """Name a place by the title of its chapter and the heading of its section."""
    page, _, anchor = where.partition("#")
    name = page.removesuffix(".html")
    heads = _headings(name)
    title = "First page" if name == "index" else next(iter(heads.values()), name.replace("_", " "))
    return f"{title}: {heads.get(anchor, anchor.replace('-', ' '))}" if anchor else title


@cache
def _headings(chapter: str) -> dict[str, str]:
    """Return the headings of a chapter by their anchors, its title first."""
    notebook = ROOT / "book" / f"{chapter}.ipynb"
    page = notebook.with_suffix(".md")
    if notebook.is_file():
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = page.read_text("utf-8") if page.is_file() else ""
    found = re.findall(r"^(?:\(([\w-]+)\)=\n+)?#+ (.+)$", text, re.MULTILINE)
    return {key: head for target, head in found for key in (slug(head), target) if key}


def _verdict(passed: bool | None, fact: str, kind: str, signed_by: str) -> Cell:
    if passed is True:
        return Cell(f"holds: {fact}")
    if passed is False:
        return Cell(f"does not hold: {fact}", tone="missing")
    if kind == "human":
        return Cell(f"signed by: {signed_by or 'nobody yet'}", tone="missing")
    return Cell("linked")
