"""The protocol as tables: who is counted where, what is counted, when the review looks again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from analysis.report.section import Paragraph
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import lower_first

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol
    from analysis.evidence.tables import Evidence

__all__ = ["PROTOCOL_PARTS", "protocol_table", "retirement_text"]

_ROLES = {
    "main": "main outcome",
    "secondary": "secondary outcome",
    "not_pooled": "kept, never pooled",
}
_DIRECTIONS = {"better-high": "more is better", "better-low": "fewer is better"}
_TIMEPOINTS = {
    "end_of_procedure": "end of the procedure",
    "90d": "90 days",
    "24h": "24 hours",
    "in_hospital": "in hospital",
    "discharge": "discharge",
    "not_stated": "as printed",
}


def protocol_table(evidence: Evidence, part: str) -> Table:
    """Lay out one part of the protocol as a table.

    Parameters
    ----------
    evidence
        The evidence that carries the protocol.
    part
        One of `PROTOCOL_PARTS`.

    Raises
    ------
    ValueError
        When there is no such part.
    """
    if part not in _PARTS:
        raise ValueError(f"no part {part!r} of the protocol; known: {', '.join(_PARTS)}")
    caption, columns, rows = _PARTS[part]
    return table_from_rows(f"protocol-{part}", caption, columns, rows(evidence.protocol), sortable=False)


def retirement_text(evidence: Evidence) -> Paragraph:
    """Return the protocol's words on when the living mode ends."""
    return Paragraph(evidence.protocol.text["living"]["retirement"])


def _question(protocol: Protocol) -> list[dict[str, Any]]:
    heads = {"text": "Question"}
    return [
        {"part": heads.get(key, key.capitalize()), "text": text}
        for key, text in protocol.text["question"].items()
    ]


def _populations(protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {
            "label": item.label,
            "definition": item.definition,
            "occlusions": ", ".join(name.replace("_", " ") for name in item.occlusions),
        }
        for item in protocol.populations
    ]


def _outcomes(protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {
            "label": item.label,
            "definition": item.definition,
            "timepoint": _TIMEPOINTS.get(item.timepoint, item.timepoint.replace("_", " ")),
            "role": _ROLES[item.role],
            "direction": _DIRECTIONS[item.direction],
            "thresholds": "; ".join(
                f"{round(100 * each.value)}%: {lower_first(each.meaning)}" for each in item.thresholds
            )
            or Cell("none set", ""),
        }
        for item in protocol.outcomes
    ]


def _subgroups(protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {"label": item.label, "levels": "; ".join(level.label for level in item.levels)}
        for item in protocol.subgroups
    ]


def _eligibility(protocol: Protocol) -> list[dict[str, Any]]:
    text = protocol.text["eligibility"]
    return [
        {"column": column, "value": value.replace("_", " "), "meaning": meaning}
        for column, values in (("eligibility", text["values"]), ("directness", text["directness"]))
        for value, meaning in values.items()
    ]


def _sources(protocol: Protocol) -> list[dict[str, Any]]:
    return [
        {
            "name": item["name"],
            "interval": f"every {item['interval_days']} days",
            "last": str(item["last_searched"]),
        }
        for item in protocol.text["living"]["sources"]
    ]


def _triggers(protocol: Protocol) -> list[dict[str, Any]]:
    return [{"trigger": text} for text in protocol.text["living"]["triggers"]]


_Part: TypeAlias = tuple[str, tuple[Column, ...], Callable[["Protocol"], list[dict[str, Any]]]]

_PARTS: dict[str, _Part] = {
    "question": (
        "The question of the review",
        (Column("part", "Part"), Column("text", "As the protocol says it")),
        _question,
    ),
    "populations": (
        "Populations of the review",
        (
            Column("label", "Population"),
            Column("definition", "Definition"),
            Column("occlusions", "Kinds of occlusion held"),
        ),
        _populations,
    ),
    "outcomes": (
        "Outcomes of the review",
        (
            Column("label", "Outcome"),
            Column("definition", "Definition"),
            Column("timepoint", "Time"),
            Column("role", "Role"),
            Column("direction", "Reads as"),
            Column("thresholds", "Threshold (provisional)"),
        ),
        _outcomes,
    ),
    "eligibility": (
        "Rules of eligibility and of directness",
        (Column("value", "Value"), Column("column", "Column"), Column("meaning", "Meaning")),
        _eligibility,
    ),
    "subgroups": (
        "Subgroups and their levels",
        (Column("label", "Subgroup"), Column("levels", "Levels")),
        _subgroups,
    ),
    "sources": (
        "Sources and how often they are to be searched",
        (
            Column("name", "Source"),
            Column("interval", "Planned search"),
            Column("last", "Last searched"),
        ),
        _sources,
    ),
    "triggers": ("Triggers of a new version", (Column("trigger", "Trigger"),), _triggers),
}

#: Names of the parts that `protocol_table` knows.
PROTOCOL_PARTS = tuple(_PARTS)
