"""Search strategies: one YAML file a source in `data/searches/`, with the items of PRISMA-S."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.shape import shape_faults
from analysis.evidence.yaml_text import read_yaml
from analysis.results import Result

__all__ = ["Strategy", "StrategyTable", "load_strategies"]

_FOLDER = Path(__file__).resolve().parents[3] / "data" / "searches"
_TEXT = {"type": "string", "minLength": 1}
#: What a file holds, as a JSON Schema.
_SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "source": _TEXT,
        "platform": _TEXT,
        "kind": {"type": "string", "enum": ["database", "register", "website", "organisation", "other"]},
        "api": {
            "type": "string",
            "enum": ["", "pubmed", "europepmc", "openalex", "clinicaltrials", "crossref"],
        },
        "query": _TEXT,
        "last_run": {
            "type": "string",
            "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|never)$",
            "description": "a day as year-month-day, or: never",
        },
        "prisma_s": {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
    },
    "required": ["source", "platform", "kind", "query", "last_run", "prisma_s"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Strategy:
    """The strategy for one source.

    `api` names the client that can run it; blank when it is run by hand and its export imported.
    """

    key: str
    source: str
    platform: str
    kind: str
    api: str
    query: str
    last_run: str
    prisma_s: tuple[tuple[str, str], ...]
    file: str

    @property
    def digest(self) -> str:
        """Short hash of the query, to tell whether a later run used the same one."""
        return hashlib.sha256(self.query.encode()).hexdigest()[:12]

    @property
    def ran(self) -> bool:
        """Whether the strategy was ever run: its last run is a day."""
        return self.last_run[:1].isdigit()

    @property
    def one_line(self) -> str:
        """The query as sent: line ends are for readers only."""
        return " ".join(self.query.split())


@dataclass(frozen=True, slots=True)
class StrategyTable(Result):
    """All strategies."""

    strategies: tuple[Strategy, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a source."""
        return [
            {
                "source": item.source,
                "platform": item.platform,
                "run_by": "this program" if item.api else "hand",
                "last_run": item.last_run,
                "file": item.file,
                "query_hash": item.digest,
            }
            for item in self.strategies
        ]

    def by_api(self, name: str) -> Strategy:
        """Return the strategy of a client by its name."""
        for item in self.strategies:
            if item.api == name:
                return item
        raise KeyError(f"no strategy for {name!r}")


def load_strategies(folder: str | Path | None = None) -> StrategyTable:
    """Read all strategies in a folder, in the order of their names.

    Raises
    ------
    EvidenceFaults
        When the folder is not there, a file is no YAML, or a part is missing, blank or unknown.
    """
    place = _FOLDER if folder is None else Path(folder)
    faults: list[Fault] = []
    found: list[Strategy] = []
    if not place.is_dir():
        expected = "a folder with one YAML file a source"
        raise EvidenceFaults((Fault(str(place), 0, "", "", "no such folder", expected),))
    for path in sorted(place.glob("*.yml")):
        read = read_yaml(path)
        wrong = list(read.faults) or shape_faults(read, path.name, _SHAPE)
        wrong += [
            Fault(path.name, read.line("api"), "api", item.api, f"{item.file} has it too", "each client once")
            for item in found
            if not wrong and item.api and item.api == read.content.get("api")
        ]
        faults += wrong
        if wrong:
            continue
        data = read.content
        items = tuple((name, str(text)) for name, text in data["prisma_s"].items())
        found.append(
            Strategy(
                path.stem, data["source"], data["platform"], data["kind"], data.get("api") or "",
                data["query"].strip(), str(data["last_run"]), items, path.name,
            )
        )  # fmt: skip
    if faults:
        raise EvidenceFaults(tuple(faults))
    return StrategyTable(tuple(found))
