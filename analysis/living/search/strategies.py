"""Search strategies: one YAML file a source in `data/searches/`, with the items of PRISMA-S."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.results import Result

__all__ = ["Strategy", "StrategyTable", "load_strategies"]

_FOLDER = Path(__file__).resolve().parents[3] / "data" / "searches"
_REQUIRED = ("source", "platform", "kind", "query", "last_run", "prisma_s")


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
        When a file is no YAML, or a part is missing or blank.
    """
    import yaml

    place = _FOLDER if folder is None else Path(folder)
    faults: list[Fault] = []
    found: list[Strategy] = []
    for path in sorted(place.glob("*.yml")):
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            shown = str(error).split("\n", 1)[0]
            faults.append(Fault(path.name, 0, "", "", f"not readable as YAML ({shown})", "YAML"))
            continue
        if not isinstance(data, dict):
            faults.append(Fault(path.name, 0, "", "", "holds no map", "keys and values"))
            continue
        missing = [name for name in _REQUIRED if not data.get(name)]
        faults += [Fault(path.name, 0, name, "", "is missing or blank", "a text") for name in missing]
        if missing:
            continue
        items = tuple((str(name), str(text)) for name, text in data["prisma_s"].items())
        found.append(
            Strategy(
                path.stem, data["source"], data["platform"], data["kind"], data.get("api") or "",
                data["query"].strip(), str(data["last_run"]), items, path.name,
            )
        )  # fmt: skip
    if faults:
        raise EvidenceFaults(tuple(faults))
    return StrategyTable(tuple(found))
