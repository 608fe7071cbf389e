"""Shape of a parsed YAML file: held against a JSON Schema, with every fault at its line.

Only the words of JSON Schema that the schemas here use are read (`KEYWORDS`). The jsonschema package
takes seconds to load and cannot name a line or a near match; a test holds both against each other.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from analysis.evidence.cells import near
from analysis.evidence.faults import Fault
from analysis.evidence.yaml_text import YamlText

__all__ = ["KEYWORDS", "read_shape", "shape_faults"]

KEYWORDS = frozenset(
    {
        "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required",
        "additionalProperties", "items", "enum", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
        "minProperties",
    }
)  # fmt: skip

_WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "map of keys and values",
    "null": "blank",
}
#: Keyword -> whether a value breaks it, the problem, and the words before the limit.
_LIMITS = {
    "minimum": (lambda value, limit: value < limit, "too small", "at least"),
    "maximum": (lambda value, limit: value > limit, "too large", "at most"),
    "exclusiveMinimum": (lambda value, limit: value <= limit, "too small", "above"),
    "exclusiveMaximum": (lambda value, limit: value >= limit, "too large", "below"),
}
_TYPES = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
_Problem = tuple[str, object, str, str]


@cache
def read_shape(path: Path) -> dict[str, Any]:
    """Return a JSON Schema from its file."""
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def shape_faults(read: YamlText, file: str, schema: dict[str, Any]) -> list[Fault]:
    """Return every departure of a file from its schema."""
    return [
        Fault(file, read.line(path), path, "" if value is None else str(value), problem, expected)
        for path, value, problem, expected in _look(read.content, schema, schema, "")
    ]


def _look(value: Any, rule: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[_Problem]:
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]] | {k: v for k, v in rule.items() if k != "$ref"}
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    # YAML makes a day of a text that looks like one; where a form is asked for, it may be one.
    day = isinstance(value, date) and "pattern" in rule
    if kinds and not day and not any(_is(value, kind) for kind in kinds):
        expected = rule.get("description") or "a " + " or a ".join(_WORDS[kind] for kind in kinds)
        problem = "value is missing" if value is None else "value has the wrong kind"
        yield path, value, problem, expected
    elif isinstance(value, dict):
        yield from _map(value, rule, root, path)
    elif isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", math.inf):
            yield path, f"{len(value)} items", "wrong length of a list", _length(rule)
        for place, item in enumerate(value):
            yield from _look(item, rule.get("items", {}), root, f"{path}[{place}]")
    else:
        yield from _scalar(value, rule, path)


def _length(rule: dict[str, Any]) -> str:
    least, most = rule.get("minItems", 0), rule.get("maxItems")
    return f"at least {least} items" if most is None else f"{least} to {most} items"


def _is(value: Any, kind: str) -> bool:
    if kind in ("number", "integer"):
        kinds = (int, float) if kind == "number" else (int,)
        return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, _TYPES[kind])


def _map(value: dict[str, Any], rule: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[_Problem]:
    known = rule.get("properties", {})
    other = rule.get("additionalProperties", True)
    unknown = [key for key in value if key not in known]
    missing = [key for key in rule.get("required", []) if key not in value]
    for key in missing:
        meant = near(key, unknown) if other is False else ""
        hint = f" (is {meant!r} meant for it?)" if meant else ""
        inner = known.get(key, {})
        if "$ref" in inner:
            inner = root["$defs"][inner["$ref"].rsplit("/", 1)[1]]
        kind = inner.get("type", "string")
        words = _WORDS[kind if isinstance(kind, str) else kind[0]]
        yield _at(path, key), None, f"value is missing{hint}", f"a {words}"
    if len(value) < rule.get("minProperties", 0):
        yield path, "", "map is empty", "at least one key"
    for key, inner in value.items():
        if key in known:
            yield from _look(inner, known[key], root, _at(path, key))
        elif other is False:
            meant = near(key, [each for each in known if each not in value])
            hint = f" (near: {meant})" if meant else ""
            yield _at(path, key), key, "unknown key", "one of " + ", ".join(known) + hint
        elif isinstance(other, dict):
            yield from _look(inner, other, root, _at(path, key))


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _scalar(value: Any, rule: dict[str, Any], path: str) -> Iterator[_Problem]:
    if "enum" in rule and value not in rule["enum"]:
        words = [str(each) for each in rule["enum"]]
        meant = near(str(value), words)
        hint = f" (near: {meant})" if meant else ""
        yield path, value, "not in the vocabulary", "one of " + ", ".join(words) + hint
    if isinstance(value, int | float) and not isinstance(value, bool):
        for word, (breaks, problem, before) in _LIMITS.items():
            if word in rule and breaks(value, rule[word]):
                yield path, value, problem, rule.get("description") or f"{before} {rule[word]}"
    elif isinstance(value, str | date):
        text = str(value)
        if len(text.strip()) < rule.get("minLength", 0):
            yield path, text, "text is blank", rule.get("description") or "a text"
        elif len(text) > rule.get("maxLength", math.inf):
            yield path, text, "text is too long", f"at most {rule['maxLength']} characters"
        elif "pattern" in rule and not re.search(rule["pattern"], text):
            expected = rule.get("description") or f"the pattern {rule['pattern']}"
            yield path, text, "not in the right form", expected
