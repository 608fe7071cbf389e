"""Checks of the protocol that its shape cannot say: keys, and words of the tables that exist.

Each check takes the parsed file as it is, whatever is wrong with it elsewhere, so that all faults are
named at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from analysis.evidence.cells import near
from analysis.evidence.faults import Fault
from analysis.evidence.shape import read_shape
from analysis.evidence.yaml_text import YamlText

__all__ = ["SHAPE", "Columns", "protocol_faults"]

#: The JSON Schema of the protocol.
SHAPE = Path(__file__).with_name("protocol.schema.json")

#: Table -> column -> its field in the schema.
Columns = Mapping[str, Mapping[str, Mapping[str, Any]]]
_Found = Iterator[tuple[str, object, str, str]]

#: What the binomial model offers; everything else is for inverse variance.
_GLMM = {"tau2_method": ("ml", "ee"), "scale": ("logit",)}
#: Most specifications of the multiverse before methods are crossed: each is a selection to make.
_MOST_CHOICES = 1000


def protocol_faults(read: YamlText, file: str, columns: Columns) -> list[Fault]:
    """Return what is wrong between the parts of the protocol, and against the tables' schemas."""
    data = read.content if isinstance(read.content, dict) else {}
    found = (
        *_twice(data),
        *_references(data),
        *_vocabularies(data, columns),
        *_subgroup_columns(data, columns),
        *_settings(data),
        *_selections(data),
        *_matches(data),
    )
    return [
        Fault(file, read.line(path), path, "" if value is None else str(value), problem, expected)
        for path, value, problem, expected in found
    ]


def _part(data: Any, path: str) -> Any:
    """Return a part of the protocol, or None where there is none of the kind."""
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _maps(data: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the maps of a list with their paths."""
    found = _part(data, path) if path else data
    items = found if isinstance(found, list) else []
    return [(f"{path}[{place}]", item) for place, item in enumerate(items) if isinstance(item, dict)]


def _levels(path: str, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path}.{place}", level) for place, level in _maps(item, "levels")]


def _keys(data: Any, path: str) -> list[str]:
    return [str(item["key"]) for _, item in _maps(data, path) if "key" in item]


def _twice(data: dict[str, Any]) -> _Found:
    """Name keys and labels that stand twice: the second would never be found."""
    lists = [("populations", "key"), ("outcomes", "key"), ("subgroups", "key"), ("constants", "key")]
    lists += [("analysis.sensitivity", "key"), ("multiverse.factors", "key"), ("multiverse.factors", "label")]
    lists += [("populations", "label"), ("outcomes", "label"), ("analysis.sensitivity", "label")]
    groups = [(name, _maps(data, path)) for path, name in lists]
    groups += [
        (name, _levels(path, item)) for path, item in _maps(data, "subgroups") for name in ("key", "label")
    ]
    for name, items in groups:
        seen: set[str] = set()
        for path, item in items:
            value = item.get(name)
            if isinstance(value, str) and value in seen:
                yield f"{path}.{name}", value, f"{name} stands twice", f"each {name} once"
            elif isinstance(value, str):
                seen.add(value)


def _known(path: str, value: object, words: Iterable[str], what: str) -> _Found:
    words = list(words)
    if isinstance(value, str) and value not in words:
        meant = near(value, words)
        hint = f" (near: {meant})" if meant else ""
        yield path, value, f"no such {what}", "one of " + ", ".join(words) + hint


def _references(data: dict[str, Any]) -> _Found:
    """Hold keys that name another part of the protocol against that part."""
    populations, outcomes = _keys(data, "populations"), _keys(data, "outcomes")
    constants = _keys(data, "constants")
    yield from _known("widest", data.get("widest"), populations, "population")
    for path, item in _maps(data, "populations"):
        place = f"{path}.published_patients"
        yield from _known(place, item.get("published_patients"), constants, "constant")
    treated = _part(data, "arms.treated.keys")
    control = _part(data, "arms.control.keys")
    for at, key in enumerate(control if isinstance(control, list) else ()):
        if isinstance(treated, list) and key in treated:
            yield f"arms.control.keys[{at}]", key, "an arm stands on both sides", "one side"
    important = _part(data, "certainty.cuts.important_per_1000")
    for key in important if isinstance(important, dict) else ():
        yield from _known(f"certainty.cuts.important_per_1000.{key}", key, outcomes, "outcome")


def _vocabularies(data: dict[str, Any], columns: Columns) -> _Found:
    """Hold words that the tables use against the lists of their schemas."""
    for path, item in _maps(data, "outcomes"):
        for name in ("unit", "timepoint"):
            words = _words(columns, "outcomes", name)
            what = f"{name} of outcomes.csv"
            yield from _known(f"{path}.{name}", item.get(name), words, what) if words else ()
    for path, item in _maps(data, "populations"):
        words = _words(columns, "outcomes", "occlusion")
        kinds = item.get("occlusions")
        for place, kind in enumerate(kinds if isinstance(kinds, list) and words else ()):
            yield from _known(f"{path}.occlusions[{place}]", kind, words, "occlusion of outcomes.csv")
        names = _words(columns, "published", "population")
        place_ = f"{path}.published_name"
        what = "population of published.csv"
        yield from _known(place_, item.get("published_name"), names, what) if names else ()
    directness = _part(data, "eligibility.directness")
    words = _words(columns, "studies", "directness")
    for key in directness if isinstance(directness, dict) and words else ():
        yield from _known(f"eligibility.directness.{key}", key, words, "directness of studies.csv")


def _words(columns: Columns, table: str, name: str) -> list[str]:
    field = columns.get(table, {}).get(name, {})
    return [str(word) for word in field.get("constraints", {}).get("enum", ())]


def _subgroup_columns(data: dict[str, Any], columns: Columns) -> _Found:
    """A subgroup is a column of text in outcomes.csv or studies.csv, and its levels words of it."""
    tables = [columns[name] for name in ("outcomes", "studies") if columns.get(name)]
    if len(tables) < 2:
        return
    usable = [name for table in tables for name, field in table.items() if field["type"] == "string"]
    for path, item in _maps(data, "subgroups"):
        key = item.get("key")
        what = "column of text in outcomes.csv or studies.csv"
        if not isinstance(key, str):
            continue
        if key not in usable:
            meant = near(key, usable)
            hint = f" (near: {meant})" if meant else ""
            yield f"{path}.key", key, f"no such {what}", f"a column that a schema declares{hint}"
            continue
        words = _words(columns, "outcomes" if key in tables[0] else "studies", key)
        for place, level in _levels(path, item) if words else ():
            yield from _known(f"{place}.key", level.get("key"), words, f"word of the column {key}")


def _settings(data: dict[str, Any]) -> _Found:
    """Hold each analysis, with what it takes over from the primary one, against what its model offers."""
    primary = _part(data, "analysis.primary")
    primary = primary if isinstance(primary, dict) else {}
    yield from _fits("analysis.primary", primary, primary)
    for path, item in _maps(data, "analysis.sensitivity"):
        changes = item.get("analysis")
        if isinstance(changes, dict):
            yield from _fits(f"{path}.analysis", changes, {**primary, **changes})
        if not any(name in item for name in ("analysis", "selection", "counts")):
            yield path, item.get("key"), "changes nothing", "analysis, selection or counts"


def _fits(path: str, given: dict[str, Any], settings: dict[str, Any]) -> _Found:
    if settings.get("model") != "glmm":
        return
    words = read_shape(SHAPE)["properties"]["analysis"]["properties"]["primary"]["properties"]
    for name, allowed in _GLMM.items():
        value = settings.get(name)
        # A word that nobody knows is named by the shape, a value that is taken over where it stands.
        own = name in given or "model" in given
        if own and value in words[name]["enum"] and value not in allowed:
            place = f"{path}.{name}" if name in given else path
            yield place, value, f"the model glmm has no such {name}", "one of " + ", ".join(allowed)


def _selections(data: dict[str, Any]) -> _Found:
    """Hold choices of selection against what a question to the evidence can ask."""
    # Imported here, as selection is a step above the checks of what it selects from.
    from analysis.evidence.select import Question

    hints = get_type_hints(Question)
    choices = {item.name: item.default for item in fields(Question) if item.default not in (None, "")}
    choices = {name: str(value) for name, value in choices.items() if get_args(hints[name])}
    for path, item in _maps(data, "analysis.sensitivity"):
        selection = item.get("selection")
        for name, value in selection.items() if isinstance(selection, dict) else ():
            place = f"{path}.selection.{name}"
            yield from _known(place, name, [*choices, "without"], "choice of selection")
            if name in choices:
                yield from _known(place, value, get_args(hints[name]), f"choice of {name}")
    size = 1
    for path, item in _maps(data, "multiverse.factors"):
        name, options = item.get("key"), item.get("options")
        yield from _known(f"{path}.key", name, choices, "choice of selection")
        if not isinstance(options, dict) or name not in choices:
            continue
        size *= max(1, len(options))
        for option in options:
            what = f"choice of {name}"
            yield from _known(f"{path}.options.{option}", option, get_args(hints[name]), what)
        first = next(iter(options), "")
        if first in get_args(hints[name]) and first != choices[name]:
            problem = "the first option is not that of the primary analysis"
            yield f"{path}.options", first, problem, f"{choices[name]} first"
    if size > _MOST_CHOICES:
        problem = f"the options make {size} selections"
        yield "multiverse.factors", "", problem, f"at most {_MOST_CHOICES}"


def _matches(data: dict[str, Any]) -> _Found:
    """Hold the populations of other reviews against those of this one."""
    populations, subgroups = _keys(data, "populations"), dict(_subgroups(data))
    for path, item in _maps(data, "other_reviews.matches"):
        if ("is" in item) == ("holds" in item):
            yield path, "", "needs either `is` or `holds`", "one of both"
        if sum(name in item for name in ("context", "subgroup", "population")) != 1:
            yield path, "", "names no pool, or several", "one of context, subgroup, population"
        if ("subgroup" in item) != ("level" in item):
            yield path, "", "needs both `subgroup` and `level`", "both or none"
        yield from _known(f"{path}.population", item.get("population"), populations, "population")
        subgroup = item.get("subgroup")
        yield from _known(f"{path}.subgroup", subgroup, subgroups, "subgroup")
        if isinstance(subgroup, str) and subgroup in subgroups:
            yield from _known(f"{path}.level", item.get("level"), subgroups[subgroup], "level")


def _subgroups(data: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for path, item in _maps(data, "subgroups"):
        if isinstance(item.get("key"), str):
            yield item["key"], [str(level.get("key")) for _, level in _levels(path, item)]
