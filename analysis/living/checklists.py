"""Reporting checklists as data: items in own words, an answer each, and tests where a test can decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.evidence.contracts import read_schema, read_table
from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.load import DATA
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.living.checklist_checks import State

__all__ = ["CHECKLISTS", "Checklist", "Item", "load_checklist", "load_checklists"]

#: Key (also the file) -> name and source.
CHECKLISTS: dict[str, tuple[str, str]] = {
    "prisma_2020": ("PRISMA 2020", "https://doi.org/10.1136/bmj.n71"),
    "prisma_lsr": ("PRISMA-LSR", "https://doi.org/10.1136/bmj-2024-079183"),
    "prisma_s": ("PRISMA-S", "https://doi.org/10.1186/s13643-020-01542-z"),
    "moose": ("MOOSE", "https://doi.org/10.1001/jama.283.15.2008"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One item with its answer.

    `done` says whether what is asked was done, where no test can tell. `tested` and `fact` are the verdict
    of its test; blank where it has none.
    """

    item: str
    section: str
    text: str
    kind: str
    where: str
    check: str
    answer: str
    signed_by: str
    done: str
    tested: State | Literal[""] = ""
    fact: str = ""

    @property
    def state(self) -> State:
        """Where the item stands: what a test finds, and never better than the answer says."""
        if self.tested == "missing" or not self.answer:
            return "missing"
        return "not_done" if self.tested == "not_done" or self.done == "no" else "done"


@dataclass(frozen=True, slots=True)
class Checklist(Result):
    """One checklist with all its items."""

    key: str
    name: str
    source_url: str
    items: tuple[Item, ...]

    @property
    def kinds(self) -> dict[str, int]:
        """Number of items that a test decides, that a test sees present, and that need a person."""
        found = Counter(item.kind for item in self.items)
        return {kind: found[kind] for kind in ("machine", "presence", "human")}

    @property
    def states(self) -> dict[State, int]:
        """Number of items reported and done, reported as not done, and missing."""
        found = Counter(item.state for item in self.items)
        order: tuple[State, ...] = ("done", "not_done", "missing")
        return {state: found[state] for state in order}

    @property
    def unsigned(self) -> tuple[Item, ...]:
        """Human items that nobody signed."""
        return tuple(
            item for item in self.items if item.kind == "human" and item.signed_by in ("", "nobody yet")
        )

    def rows(self) -> list[dict[str, Any]]:
        """One row an item."""
        return [{name: getattr(item, name) for name in Item.__slots__} for item in self.items]


def load_checklist(
    key: str, evidence: Evidence | None = None, directory: str | Path = DATA / "checklists"
) -> Checklist:
    """Load one checklist and, with evidence, run the tests of its items.

    Raises
    ------
    EvidenceFaults
        When a row breaks the contract, names no known test, or a machine item has none.
    """
    from analysis.living.checklist_checks import CHECKS

    folder = Path(directory)
    schema = read_schema(folder / "schema.json")
    read = read_table(folder / f"{key}.csv", schema)
    faults = [
        Fault("schema.json", 0, name, name, "an item of a checklist has no such column", "the columns known")
        for name in schema.columns
        if name not in Item.__slots__
    ]
    faults += read.faults
    if faults:  # what an item says cannot be told from a table with faults
        raise EvidenceFaults(tuple(faults))
    items = []
    for row in read.rows:
        check = row.text["check"]
        if (check and check not in CHECKS) or (row.text["kind"] == "machine" and not check):
            expected = "one of " + ", ".join(sorted(CHECKS))
            faults.append(Fault(read.file, row.number, "check", check, "names no test", expected))
            continue
        if not check and not row.text["done"]:
            problem = "no test tells whether it was done"
            faults.append(Fault(read.file, row.number, "done", "", problem, "yes or no"))
            continue
        tested: State | Literal[""] = ""
        fact = ""
        if check and evidence is not None:
            tested, fact = CHECKS[check](evidence)
        items.append(Item(**{name: row.text[name] for name in row.text}, tested=tested, fact=fact))
    if faults:
        raise EvidenceFaults(tuple(faults))
    return Checklist(key, *CHECKLISTS[key], tuple(items))


def load_checklists(evidence: Evidence | None = None) -> tuple[Checklist, ...]:
    """Load all checklists; each test runs once."""
    return tuple(load_checklist(key, evidence) for key in CHECKLISTS)
