"""Reading YAML: what a file says, the line of each value, and every fault instead of an exception.

YAML lets pass what nobody means: a key written twice (the last one counts), a key that is a number
or a day, days that do not exist, `012` for ten, files that unfold to many gigabytes. Each is a
fault with its line here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.evidence.characters import character_name, hidden_character
from analysis.evidence.faults import Fault
from analysis.evidence.text_files import read_text

if TYPE_CHECKING:
    import yaml

__all__ = ["YamlText", "load_yaml", "read_yaml"]

Scalars = Literal["typed", "text"]

#: Deepest nesting, and most values after aliases are unfolded. A protocol has some 600 values.
_DEEPEST = 50
_MOST = 200_000
_TAG = "tag:yaml.org,2002:"
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_COMMENT = re.compile(r"[ \t]+#[ \t]*(.*?)[ \t]*")
_EXPECTED = "valid YAML"


@dataclass(frozen=True, slots=True)
class YamlText:
    """What a YAML file says.

    Attributes
    ----------
    content
        Maps, lists and values; None when the file cannot be read at all. What a fault is about is
        left out.
    faults
        Every fault, with its line as the row and its path as the column.
    lines
        Path of a value, such as ``outcomes[0].key``, to its line. The inside of an alias has the
        line of its anchor under the first path only.
    comments
        Line and text of each comment that follows an unquoted value on its line. ``see #3`` is
        such a value with a comment, so a sign that belongs to the text may be lost.
    """

    content: Any
    faults: tuple[Fault, ...]
    lines: dict[str, int]
    comments: tuple[tuple[int, str], ...]

    def line(self, path: str) -> int:
        r"""Return the line of a value, or of the nearest part above it that has one.

        Examples
        --------
        >>> load_yaml("a:\n  - b: 1\n", "x.yml").line("a[0].c")
        2
        """
        while path and path not in self.lines:
            path = re.sub(r"(^|\.)[^.\[]*$|\[\d+\]$", "", path)
        return self.lines.get(path, 1)


def read_yaml(path: Path, *, scalars: Scalars = "typed") -> YamlText:
    """Read a YAML file; one that is missing or in another encoding is a fault."""
    text, faults = read_text(path, "YAML as plain UTF-8")
    if text is None:
        return YamlText(None, faults, {}, ())
    read = load_yaml(text, path.name, scalars=scalars)
    return YamlText(read.content, (*faults, *read.faults), read.lines, read.comments)


def load_yaml(text: str, name: str, *, scalars: Scalars = "typed") -> YamlText:
    r"""Read YAML from text.

    Parameters
    ----------
    text
        The text of one document.
    name
        Name of the file in the faults.
    scalars
        With ``"typed"`` an unquoted value is a number, a day, true, false or blank where YAML says
        so. With ``"text"`` every value is the text as it is written, so that ``012``, ``On`` and
        ``2021-02-30`` stay as they are; a value left out is an empty text.

    Returns
    -------
    YamlText
        Content, faults, lines and comments.

    Examples
    --------
    >>> load_yaml("a: 012", "x.yml", scalars="text").content
    {'a': '012'}
    >>> print(load_yaml("a: 1\na: 2", "x.yml").faults[0].text())
    x.yml:2:a: 'a': key stands twice, in lines 1 and 2; expected each key once
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = text.removeprefix("\ufeff")
    try:
        deep = _too_deep(yaml.parse(text, Loader=loader))
        node = None if deep else yaml.compose(text, Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return YamlText(None, (_unreadable(text, name, error),), {}, ())
    if deep:
        problem = f"brackets or blocks stand more than {_DEEPEST} deep in each other"
        return YamlText(None, (Fault(name, deep, "", "", problem, "a flat text"),), {}, ())
    builder = _Builder(name, text, scalars)
    content = None if node is None else builder.whole(node)
    return YamlText(content, tuple(builder.faults), builder.lines, tuple(builder.comments))


def _too_deep(events: Iterator[Any]) -> int:
    """Return the line where nesting passes the limit, or 0."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name in ("MappingStartEvent", "SequenceStartEvent")
        depth -= name in ("MappingEndEvent", "SequenceEndEvent")
        if depth > _DEEPEST:
            return int(event.start_mark.line) + 1
    return 0


def _unreadable(text: str, name: str, error: Exception) -> Fault:
    mark = getattr(error, "problem_mark", None)
    hidden = hidden_character(text)
    if hidden:
        return _hidden_fault(name, _line_of(text, hidden), "", hidden)
    line = mark.line + 1 if mark else 0
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    lines = _LINE_END.split(text)
    value = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Fault(name, line, "", value, f"not readable as YAML ({problem})", _EXPECTED)


def _line_of(text: str, mark: str) -> int:
    return len(_LINE_END.findall(text[: text.index(mark)])) + 1


def _hidden_fault(name: str, line: int, path: str, mark: str) -> Fault:
    problem = f"holds a character that shows nothing ({character_name(mark)})"
    return Fault(name, line, path, mark, problem, "the text without it")


class _Builder:
    """Turns the nodes of one file into values, and gathers faults, lines and comments."""

    def __init__(self, name: str, text: str, scalars: Scalars) -> None:
        self.name = name
        self.text_lines = _LINE_END.split(text)
        self.as_text = scalars == "text"
        self.faults: list[Fault] = []
        self.lines: dict[str, int] = {}
        self.comments: list[tuple[int, str]] = []
        self.done: dict[int, Any] = {}
        self.open: set[int] = set()

    def whole(self, node: yaml.Node) -> Any:
        """Return the content of the file."""
        if self._size(node, {}, set()) > _MOST:
            self._add(node, "", "", "aliases unfold to too many values", "the values written out")
            return None
        return self._value(node, "")

    def _size(self, node: yaml.Node, known: dict[int, float], above: set[int]) -> float:
        if id(node) not in known:
            if id(node) in above:
                return 0  # an alias inside its own anchor is named when it is built
            inner: list[Any] = []
            if node.id == "mapping":
                inner = [part for pair in node.value for part in pair]
            elif node.id == "sequence":
                inner = node.value
            above = above | {id(node)}
            known[id(node)] = 1 + sum(self._size(part, known, above) for part in inner)
        return known[id(node)]

    def _add(self, node: yaml.Node, path: str, value: object, problem: str, expected: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(Fault(self.name, line, path, str(value), problem, expected))

    def _value(self, node: yaml.Node, path: str) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self.open:
            self._add(node, path, "", "an alias stands inside its own anchor", "the value written out")
            return None
        if id(node) not in self.done:
            if node.id != "scalar" and node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
                self._add(node, path, node.tag, "tag is not read", "a plain list or map")
            self.open.add(id(node))
            if node.id == "mapping":
                self.done[id(node)] = self._mapping(node, path)
            elif node.id == "sequence":
                items = [self._value(item, f"{path}[{at}]") for at, item in enumerate(node.value)]
                self.done[id(node)] = items
            else:
                self.done[id(node)] = self._scalar(node, path)
            self.open.discard(id(node))
        return self.done[id(node)]

    def _mapping(self, node: yaml.Node, path: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge" and not self.as_text:
                self._merge(value_node, path, merged)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            place = f"{path}.{key}" if path else key
            line = key_node.start_mark.line + 1
            if key in first:
                problem = f"key stands twice, in lines {first[key]} and {line}"
                self._add(key_node, place, key, problem, "each key once")
                continue
            first[key] = line
            own[key] = self._value(value_node, place)
            self.lines[place] = line
        return {**merged, **own}

    def _merge(self, node: yaml.Node, path: str, merged: dict[str, Any]) -> None:
        parts = node.value if node.id == "sequence" else [node]
        for part in parts:
            value = self._value(part, f"{path}.<<" if path else "<<")
            if isinstance(value, dict):
                for key, each in value.items():
                    merged.setdefault(key, each)
            else:
                self._add(part, path, "<<", "a merge key takes no value but a map", "keys and values")

    def _key(self, node: yaml.Node, path: str) -> str | None:
        """Return a key that is text; any other key breaks what is computed from the map."""
        if node.id != "scalar":
            self._add(node, path, "", "a key is a list or a map", "a word as key")
            return None
        self._look(node, path)
        if self.as_text or node.tag == f"{_TAG}str":
            return str(node.value)
        expected = f"a word as key, or the key in quotes ({str(node.value)[:40]!r})"
        self._add(node, path, node.value, "key is not text", expected)
        return None

    def _look(self, node: yaml.Node, path: str) -> None:
        """Note characters that show nothing, and a comment right after an unquoted value."""
        hidden = hidden_character(node.value)
        if hidden:
            self.faults.append(_hidden_fault(self.name, node.start_mark.line + 1, path, hidden))
        end = node.end_mark
        if not node.style and node.value and end.line < len(self.text_lines):
            comment = _COMMENT.fullmatch(self.text_lines[end.line][end.column :])
            if comment:
                self.comments.append((end.line + 1, comment.group(1)))

    def _scalar(self, node: yaml.Node, path: str) -> Any:
        self._look(node, path)
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if self.as_text or kind in ("str", "value", "merge"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("yes", "true", "on")
        if kind == "int":
            if _INTEGER.fullmatch(text):
                return int(text)
            self._add(node, path, text, "not a plain whole number", "digits alone, or quotes for a text")
        elif kind == "float":
            return self._number(node, path, text)
        elif kind == "timestamp":
            return self._day(node, path, text)
        else:
            self._add(node, path, text, f"tag {node.tag!r} is not read", "a plain value")
        return None

    def _number(self, node: yaml.Node, path: str, text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and "_" not in text:
            return value
        self._add(node, path, text, "not a plain finite number", "digits with a point")
        return None

    def _day(self, node: yaml.Node, path: str, text: str) -> Hashable:
        import yaml

        try:
            day = yaml.constructor.SafeConstructor().construct_yaml_timestamp(node)
        except (ValueError, OverflowError):
            self._add(node, path, text, "no such day", "a day of the calendar, or quotes for a text")
            return None
        return day  # type: ignore[no-any-return]
