"""The protocol of the review: the one file that names the clinical topic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.evidence.faults import Fault

if TYPE_CHECKING:
    import yaml

__all__ = [
    "AnalysisChoice",
    "Constant",
    "Level",
    "OutcomeDefinition",
    "Population",
    "Protocol",
    "Sensitivity",
    "Subgroup",
    "Threshold",
    "read_protocol",
]

T = TypeVar("T")

_DIRECTIONS = ("better-high", "better-low")
_ROLES = ("main", "secondary", "not_pooled")
_UNCERTAIN = {"uncertain": ("printed", "arm"), "follow_up": ("best", "worst")}
_OCCLUSIONS = ("primary", "secondary", "mixed", "not_stated", "iatrogenic")


@dataclass(frozen=True, slots=True)
class Population:
    """A population that is pooled: its kinds of occlusion and its published counterpart."""

    key: str
    label: str
    short_label: str
    occlusions: tuple[str, ...]
    definition: str
    published_name: str = ""
    published_patients: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A proportion that decides how a result reads; provisional until a clinician signs."""

    value: float
    meaning: str


@dataclass(frozen=True, slots=True)
class OutcomeDefinition:
    """An outcome: its key in the tables, its labels, and what is better.

    `happened` continues "about 84 in 100 patients" in a sentence.
    """

    key: str
    label: str
    short_label: str
    role: str
    definition: str
    unit: str
    direction: str
    timepoint: str
    thresholds: tuple[Threshold, ...] = ()
    happened: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a subgroup variable."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A subgroup variable and its levels in display order."""

    key: str
    label: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class AnalysisChoice:
    """The primary analysis, in the names of `analysis.synthesis.types`."""

    model: str
    scale: str
    tau2_method: str
    ci_method: str
    prediction_method: str
    level: float
    reason: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One planned departure from the primary analysis, selection or counts.

    `counts` says how uncertain counts are used: ``uncertain`` takes ranges (``"printed"``) or also
    percentages of the arm (``"arm"``), ``follow_up`` puts lost patients back (``"best"``,
    ``"worst"``).
    """

    key: str
    label: str
    analysis: tuple[tuple[str, str], ...] = ()
    selection: tuple[tuple[str, str], ...] = ()
    counts: tuple[tuple[str, str], ...] = ()
    short_label: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that prose may carry as typed text."""

    key: str
    value: float
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """The protocol; `text` keeps its free parts, such as question and living, as nested maps."""

    title: str
    short_title: str
    populations: tuple[Population, ...]
    outcomes: tuple[OutcomeDefinition, ...]
    subgroups: tuple[Subgroup, ...]
    primary: AnalysisChoice
    sensitivity: tuple[Sensitivity, ...]
    constants: tuple[Constant, ...]
    text: dict[str, Any]
    canonical: str

    def population(self, key: str) -> Population:
        """Return a population by its key."""
        return _pick(self.populations, key, "population")

    def outcome(self, key: str) -> OutcomeDefinition:
        """Return an outcome by its key."""
        return _pick(self.outcomes, key, "outcome")

    def subgroup(self, key: str) -> Subgroup:
        """Return a subgroup variable by its key."""
        return _pick(self.subgroups, key, "subgroup")

    def constant(self, key: str) -> float:
        """Return the value of a declared constant."""
        return _pick(self.constants, key, "constant").value

    @property
    def main_outcomes(self) -> tuple[OutcomeDefinition, ...]:
        """Outcomes of the headline table, in display order."""
        return tuple(item for item in self.outcomes if item.role == "main")


def _pick(items: tuple[T, ...], key: str, what: str) -> T:
    for item in items:
        if getattr(item, "key", None) == key:
            return item
    known = ", ".join(str(getattr(item, "key", "")) for item in items)
    raise ValueError(f"no {what} {key!r} in the protocol; known: {known}")


def read_protocol(text: str, file: str = "protocol.yml") -> tuple[Protocol | None, list[Fault]]:
    """Read the protocol from YAML.

    Returns
    -------
    protocol : Protocol or None
        None when a part that everything else needs is missing or broken.
    faults : list of Fault
        Every fault found, with the line and the path of the value.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
        content = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        problem = str(getattr(error, "problem", error))
        return None, [Fault(file, line, "", "", f"not readable as YAML ({problem})", "valid YAML")]
    if not isinstance(content, dict):
        return None, [Fault(file, 0, "", "", "not a map", "a map of sections")]
    lines: dict[str, int] = {}
    reader = _Reader(file, lines)
    _index(node, "", lines, reader)
    protocol = reader.build(content)
    return (None if reader.faults else protocol), reader.faults


def _index(node: yaml.Node, path: str, lines: dict[str, int], reader: _Reader) -> None:
    """Note the line of every value, and any key written twice, which YAML lets pass."""
    lines[path] = node.start_mark.line + 1
    if node.id == "mapping":
        seen: set[str] = set()
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else key.value
            if key.value in seen:
                reader.add(name, key.value, "key stands twice", "each key once", key.start_mark.line + 1)
            seen.add(key.value)
            _index(value, name, lines, reader)
    elif node.id == "sequence":
        for place, value in enumerate(node.value):
            _index(value, f"{path}[{place}]", lines, reader)


class _Reader:
    """Builds the protocol and gathers faults; a fault never stops the reading."""

    def __init__(self, file: str, lines: dict[str, int]) -> None:
        self.file = file
        self.lines = lines
        self.faults: list[Fault] = []

    def add(self, path: str, value: object, problem: str, expected: str, line: int = 0) -> None:
        """Add a fault at a path."""
        row = line or self.lines.get(path, self.lines.get(path.rsplit(".", 1)[0], 0))
        self.faults.append(Fault(self.file, row, path, str(value), problem, expected))

    def get(self, data: object, path: str, key: str, kind: type[T], default: T | None = None) -> T:
        """Return a value of the right kind, or note the fault and return a stand-in."""
        place = f"{path}.{key}" if path else key
        value = data.get(key) if isinstance(data, dict) else None
        if value is None:
            if default is None:
                self.add(place, "", "value is missing", f"a {_KINDS[kind]}")
                return kind()
            return default
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            self.add(place, value, "value has the wrong kind", f"a {_KINDS[kind]}")
            return kind()
        return value

    def items(self, data: object, path: str, key: str, optional: bool = False) -> list[tuple[str, dict]]:
        """Return the maps of a list with their paths; keys must differ."""
        place = f"{path}.{key}" if path else key
        found = self.get(data, path, key, list, [] if optional else None)
        maps = [(f"{place}[{i}]", item) for i, item in enumerate(found) if isinstance(item, dict)]
        if len(maps) != len(found):
            self.add(place, found, "an item is not a map", "a list of maps")
        keys = [item["key"] for _, item in maps if "key" in item]
        for twice in sorted({str(item) for item in keys if keys.count(item) > 1}):
            self.add(place, twice, "key stands twice", "each key once")
        return maps

    def choice(self, data: object, path: str, key: str, allowed: tuple[str, ...]) -> str:
        """Return one word of a vocabulary."""
        value = self.get(data, path, key, str)
        if value and value not in allowed:
            self.add(f"{path}.{key}", value, "not in the vocabulary", "one of " + ", ".join(allowed))
        return value

    def build(self, data: dict[str, Any]) -> Protocol:
        """Build the protocol from the parsed YAML."""
        return Protocol(
            title=self.get(data, "", "title", str),
            short_title=self.get(data, "", "short_title", str),
            populations=tuple(self._population(*at) for at in self.items(data, "", "populations")),
            outcomes=tuple(self._outcome(*at) for at in self.items(data, "", "outcomes")),
            subgroups=tuple(self._subgroup(*at) for at in self.items(data, "", "subgroups")),
            primary=self._primary(self.get(data, "", "analysis", dict)),
            sensitivity=tuple(
                self._sensitivity(*at) for at in self.items(data.get("analysis"), "analysis", "sensitivity")
            ),
            constants=tuple(self._constant(*at) for at in self.items(data, "", "constants")),
            text={
                key: self.get(data, "", key, dict)
                for key in (
                    "question",
                    "eligibility",
                    "multiverse",
                    "thresholds_note",
                    "overlap",
                    "living",
                    "paper",
                )
            }
            | {
                key: self.get(data, "", key, dict, {}) for key in ("arms", "certainty", "other_reviews")
            },
            canonical=json.dumps(data, sort_keys=True, ensure_ascii=False, default=str),
        )

    def _population(self, path: str, item: dict[str, Any]) -> Population:
        kinds = self.get(item, path, "occlusions", list)
        for kind in kinds:
            if kind not in _OCCLUSIONS:
                expected = "one of " + ", ".join(_OCCLUSIONS)
                self.add(f"{path}.occlusions", kind, "not in the vocabulary", expected)
        return Population(
            key=self.get(item, path, "key", str),
            label=self.get(item, path, "label", str),
            short_label=self.get(item, path, "short_label", str),
            occlusions=tuple(kinds),
            definition=self.get(item, path, "definition", str),
            published_name=self.get(item, path, "published_name", str, ""),
            published_patients=self.get(item, path, "published_patients", str, ""),
        )

    def _outcome(self, path: str, item: dict[str, Any]) -> OutcomeDefinition:
        thresholds = []
        for place, entry in self.items(item, path, "thresholds", optional=True):
            value = self.get(entry, place, "value", float)
            if not 0 < value < 1:
                self.add(f"{place}.value", value, "not a proportion", "a number between 0 and 1")
            thresholds.append(Threshold(value, self.get(entry, place, "meaning", str)))
        return OutcomeDefinition(
            key=self.get(item, path, "key", str),
            label=self.get(item, path, "label", str),
            short_label=self.get(item, path, "short_label", str),
            role=self.choice(item, path, "role", _ROLES),
            definition=self.get(item, path, "definition", str),
            unit=self.get(item, path, "unit", str),
            direction=self.choice(item, path, "direction", _DIRECTIONS),
            timepoint=self.get(item, path, "timepoint", str),
            thresholds=tuple(thresholds),
            happened=self.get(item, path, "happened", str, ""),
        )

    def _subgroup(self, path: str, item: dict[str, Any]) -> Subgroup:
        levels = tuple(
            Level(self.get(entry, place, "key", str), self.get(entry, place, "label", str))
            for place, entry in self.items(item, path, "levels")
        )
        return Subgroup(self.get(item, path, "key", str), self.get(item, path, "label", str), levels)

    def _primary(self, analysis: dict[str, Any]) -> AnalysisChoice:
        data = self.get(analysis, "analysis", "primary", dict)
        names = ("model", "scale", "tau2_method", "ci_method", "prediction_method")
        words = {name: self.get(data, "analysis.primary", name, str) for name in names}
        return AnalysisChoice(
            **words,
            level=self.get(data, "analysis.primary", "level", float),
            reason=self.get(data, "analysis.primary", "reason", str),
        )

    def _sensitivity(self, path: str, item: dict[str, Any]) -> Sensitivity:
        changes = {
            name: tuple(sorted(self.get(item, path, name, dict, {}).items()))
            for name in ("analysis", "selection", "counts")
        }
        if not any(changes.values()):
            self.add(path, item.get("key", ""), "changes nothing", "analysis, selection or counts")
        for name, value in changes["counts"]:
            allowed = _UNCERTAIN.get(name, ())
            if value not in allowed:
                expected = "one of " + ", ".join(allowed) if allowed else ", ".join(_UNCERTAIN)
                self.add(f"{path}.counts", f"{name}: {value}", "not in the vocabulary", expected)
        key, label = (self.get(item, path, name, str) for name in ("key", "label"))
        return Sensitivity(
            key, label, **changes, short_label=self.get(item, path, "short_label", str, label)
        )

    def _constant(self, path: str, item: dict[str, Any]) -> Constant:
        value = self.get(item, path, "value", float)
        return Constant(
            self.get(item, path, "key", str),
            int(value) if value.is_integer() else value,
            self.get(item, path, "meaning", str),
            self.get(item, path, "source", str),
        )


_KINDS: dict[type, str] = {str: "text", float: "number", list: "list", dict: "map"}
