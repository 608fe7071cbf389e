"""Search strategies printed: each source with its platform, its last run, and the query as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.living.search.strategies import load_strategies
from analysis.report.html import element, escape
from analysis.report.numbers import count, counted
from analysis.report.section import Fold, Paragraph, Section
from analysis.report.tables import Column, table_from_rows

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.living.search.strategies import Strategy

__all__ = ["strategies_section"]


@dataclass(frozen=True, slots=True)
class _Query:
    """A query, line by line as its file holds it."""

    text: str

    def _repr_html_(self) -> str:
        return element("pre", element("code", escape(self.text)))


def strategies_section(folder: Path | None = None) -> Section:
    """Every strategy in full, and what PRISMA-S asks of it; whether it was ever run is said first."""
    found = load_strategies(folder).strategies
    ran = sum(item.ran for item in found)
    text = (
        f"{counted(len(found), 'strategy', 'strategies', words=True).capitalize()} "
        f"{'stands' if len(found) == 1 else 'stand'} ready for the updates; "
        f"{f'{count(ran)} of them' if ran else 'none'} {'have' if ran > 1 else 'has'} been run."
    )
    rows = [
        {
            "source": item.source,
            "platform": item.platform,
            "kind": item.kind,
            "by": "this program" if item.api else "hand",
            "last": item.last_run if item.ran else "not run",
        }
        for item in found
    ]
    columns = [
        Column("source", "Source"),
        Column("platform", "Platform"),
        Column("kind", "Kind"),
        Column("by", "Run by"),
        Column("last", "Last run"),
    ]
    table = table_from_rows("strategies", "Search strategies", columns, rows, sortable=False)
    return Section((Paragraph(text), table, *(Fold(_head(item), _in_full(item)) for item in found)))


def _head(item: Strategy) -> str:
    return f"{item.source}, in full ({f'last run on {item.last_run}' if item.ran else 'not run'})"


def _in_full(item: Strategy) -> Section:
    columns = [Column("item", "PRISMA-S"), Column("answer", "Answer")]
    rows = [{"item": name, "answer": text} for name, text in item.prisma_s]
    caption = f"{item.source}: what PRISMA-S asks"
    table = table_from_rows(f"strategy-{item.key}", caption, columns, rows, sortable=False)
    return Section((_Query(item.query), table))
