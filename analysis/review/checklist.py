"""Reporting checklists laid out for the page: every item with its answer, its place and who decides."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from analysis.living.checklists import Checklist, Item, load_checklist, load_checklists
from analysis.report.html import slug
from analysis.report.numbers import count, counted
from analysis.report.section import Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.session import ROOT

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.living.checklist_checks import State

__all__ = ["checklist_summary", "checklist_table"]

_KINDS = {"machine": "tested", "presence": "presence seen", "human": "a person"}
_STATES: dict[State, str] = {
    "done": "reported and done",
    "not_done": "reported as not done",
    "missing": "missing",
}


def checklist_summary(evidence: Evidence) -> Section:
    """Where the items of each checklist stand, who decides on them, and what waits for a person."""
    rows = []
    totals: Counter[State] = Counter()
    for found in load_checklists(evidence):
        totals.update(found.states)
        rows.append(
            {
                "name": Cell(found.name, href=found.source_url),
                "items": len(found.items),
                **found.kinds,
                **{str(state): number for state, number in found.states.items()},
                "unsigned": len(found.unsigned),
            }
        )
    columns = [
        Column("name", "Checklist"),
        Column("items", "Items", "right"),
        *(Column(state, f"{words[:1].upper()}{words[1:]}", "right") for state, words in _STATES.items()),
        Column("machine", "Decided by a test", "right"),
        Column("presence", "Presence seen", "right"),
        Column("human", "For a person", "right"),
        Column("unsigned", "Not signed yet", "right"),
    ]
    text = (
        f"Of {counted(totals.total(), 'item')}, {count(totals['done'])} are reported and done, "
        f"{count(totals['not_done'])} are reported as not done, and {count(totals['missing'])} are missing. "
        "An item that is reported as not done is answered; it is not fulfilled."
    )
    table = table_from_rows("checklists", "Reporting checklists", columns, rows, sortable=False)
    return Section((Paragraph(text), table))


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
            "verdict": _verdict(item),
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


def _verdict(item: Item) -> Cell:
    text = _STATES[item.state]
    if item.fact:
        text += f": {item.fact}"
    if item.kind == "human":
        text += f"; signed by {item.signed_by or 'nobody yet'}"
    return Cell(text, tone="" if item.state == "done" else "missing")
