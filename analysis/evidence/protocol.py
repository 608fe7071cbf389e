"""The protocol of the review: the one file that names the clinical topic."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

from analysis.evidence.faults import Fault
from analysis.evidence.protocol_checks import SHAPE, Columns, protocol_faults
from analysis.evidence.shape import read_shape, shape_faults
from analysis.evidence.yaml_text import load_yaml

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

#: Parts that stay nested maps; one that a review does not have is empty.
_TEXT = (
    "question", "arms", "eligibility", "multiverse", "thresholds_note", "overlap", "living", "paper",
    "certainty", "other_reviews",
)  # fmt: skip


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
    """The protocol; `text` keeps its free parts, such as question and living, as nested maps.

    `widest` is the key of the population that holds all others: the one named so in the protocol, or
    else the population `any`; None where there is neither. `name` stands in the names of releases and
    makes the ids of the feed; without one in the protocol it is made from the short title.
    """

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
    widest: str | None = None
    name: str = ""
    maintainers: str = ""

    @property
    def full_title(self) -> str:
        """The title with the kind of work, unless it says so itself."""
        kind = "living systematic review"
        return self.title if kind in self.title.lower() else f"{self.title}: a {kind}"

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


def read_protocol(
    text: str, file: str = "protocol.yml", columns: Columns | None = None
) -> tuple[Protocol | None, list[Fault]]:
    """Read the protocol from YAML.

    Parameters
    ----------
    text
        The text of the file.
    file
        Its name in the faults.
    columns
        Columns of the tables by their schemas, which subgroups and vocabularies have to fit; without
        them these are not checked.

    Returns
    -------
    protocol : Protocol or None
        None when anything is wrong.
    faults : list of Fault
        Every fault found, with the line and the path of the value.
    """
    read = load_yaml(text, file)
    faults = list(read.faults)
    if not isinstance(read.content, dict):
        whole = Fault(file, 0, "", "", "not a map", "a map of sections")
        return None, faults or [whole]
    broken = {fault.column for fault in faults}
    faults += [
        fault
        for fault in shape_faults(read, file, read_shape(SHAPE))
        if fault.column not in broken  # a value that YAML cannot give is no missing value
    ]
    faults += protocol_faults(read, file, columns or {})
    return (None, faults) if faults else (_build(read.content), [])


def _build(data: dict[str, Any]) -> Protocol:
    """Build the protocol from a map that has its shape."""
    analysis = data["analysis"]
    keys = [item["key"] for item in data["populations"]]
    return Protocol(
        title=data["title"],
        short_title=data["short_title"],
        populations=tuple(
            Population(**{**item, "occlusions": tuple(item["occlusions"])}) for item in data["populations"]
        ),
        outcomes=tuple(_outcome(item) for item in data["outcomes"]),
        subgroups=tuple(
            Subgroup(item["key"], item["label"], tuple(Level(**level) for level in item["levels"]))
            for item in data.get("subgroups", ())
        ),
        primary=AnalysisChoice(**{**analysis["primary"], "level": float(analysis["primary"]["level"])}),
        sensitivity=tuple(_sensitivity(item) for item in analysis.get("sensitivity", ())),
        constants=tuple(_constant(item) for item in data.get("constants", ())),
        text={key: data.get(key, {}) for key in _TEXT},
        canonical=json.dumps(data, sort_keys=True, ensure_ascii=False, default=str),
        widest=data.get("widest", "any" if "any" in keys else None),
        name=data.get("name") or re.sub("[^a-z0-9]+", "-", data["short_title"].lower()).strip("-"),
        maintainers=data.get("maintainers", "The maintainers of the review"),
    )


def _outcome(item: dict[str, Any]) -> OutcomeDefinition:
    thresholds = tuple(
        Threshold(float(entry["value"]), entry["meaning"]) for entry in item.get("thresholds", ())
    )
    return OutcomeDefinition(**{**item, "thresholds": thresholds})


def _sensitivity(item: dict[str, Any]) -> Sensitivity:
    changes = {
        name: tuple(sorted(item.get(name, {}).items())) for name in ("analysis", "selection", "counts")
    }
    short = item.get("short_label", item["label"])
    return Sensitivity(item["key"], item["label"], **changes, short_label=short)


def _constant(item: dict[str, Any]) -> Constant:
    value = float(item["value"])
    return Constant(**{**item, "value": int(value) if value.is_integer() else value})
