"""The reference of functions, written from their docstrings: what can be called, and how."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from analysis.report.html import element, escape
from analysis.report.readable import signs

__all__ = ["Reference", "api_reference", "public_names", "synthesis_reference"]

_UNDERLINE = re.compile(r"^-{3,}$")
#: Sections of a docstring that list names with their meanings.
_LISTS = frozenset({"Parameters", "Returns", "Raises", "Yields", "Attributes"})
_CITED = re.compile(r"^\.\. \[\d+\] ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reference:
    """Entries in order: full name and object."""

    entries: tuple[tuple[str, Any], ...]

    def _repr_html_(self) -> str:
        parts = [_entry(name, thing) for name, thing in self.entries]
        contents = "".join(
            element("li", f'<a href="#{_anchor(name)}"><code>{_breakable(name)}</code></a>')
            for name, _ in self.entries
        )
        return element("ul", contents, {"class": "review-api-contents"}) + "\n".join(parts)


def api_reference() -> Reference:
    """Every public name of the package itself."""
    import analysis

    names = [name for name in analysis.__all__ if not name.startswith("__")]
    return Reference(tuple((f"analysis.{name}", getattr(analysis, name)) for name in names))


def synthesis_reference() -> Reference:
    """Every public function and class of the numeric core."""
    return Reference(tuple(public_names("analysis.synthesis")))


def public_names(package: str) -> Iterator[tuple[str, Any]]:
    """Yield the names that the modules of a package list as public, each where it is defined."""
    root = import_module(package)
    for found in iter_modules(root.__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{package}.{found.name}")
        for name in sorted(getattr(module, "__all__", ())):
            thing = getattr(module, name)
            defined = getattr(thing, "__module__", None) == module.__name__
            if defined and (inspect.isfunction(thing) or inspect.isclass(thing)):
                yield f"{module.__name__}.{name}", thing


def _entry(name: str, thing: Any) -> str:
    kind = "class" if inspect.isclass(thing) else "function"
    short = name.rsplit(".", 1)[-1]
    head = f'<code class="review-api-name">{escape(short)}{escape(_signature(thing))}</code>'
    body = _docstring(inspect.getdoc(thing) or "")
    where = f"{kind} in {thing.__module__}"
    label = element("p", head) + element("p", escape(where), {"class": "review-note"})
    return element("section", label + body, {"class": "review-api", "id": _anchor(name)})


def _signature(thing: Any) -> str:
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    # Defaults that are objects would print an address in memory, another in each build.
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    # Fields of a named tuple come wrapped.
    text = re.sub(r"ForwardRef\('([^']*)'\)", r"\1", text)
    # Annotations are kept as text and come in quotes; defaults keep theirs.
    return re.sub(r"""(: |-> )(['"])(.*?)\2""", r"\1\3", text)


def _breakable(name: str) -> str:
    """Let a long name break behind its dots and underscores, not within a word."""
    return re.sub(r"([._])", r"\1<wbr>", escape(name))


def _anchor(name: str) -> str:
    """Name for anchors; capitals stay, as they tell a class from a function of the same name."""
    return f"api-{name.replace('.', '-')}"


def _docstring(text: str) -> str:
    """Lay a docstring in the numpy style out as HTML."""
    parts = []
    for head, lines in _sections(text.splitlines()):
        if head:
            parts.append(element("p", element("strong", escape(head))))
        if head in _LISTS:
            parts.append(_definitions(lines))
        elif head == "References":
            cited = [" ".join(each.split()) for each in _CITED.split("\n".join(lines)) if each.strip()]
            parts.append(element("ol", "".join(element("li", _inline(each)) for each in cited)))
        else:
            parts.append(_prose(lines))
    return "".join(parts)


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    head = ""
    held: list[str] = []
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if _UNDERLINE.match(following.strip()) and line.strip():
            yield head, held
            head, held = line.strip(), []
        elif not (_UNDERLINE.match(line.strip()) and not held):
            held.append(line)
    yield head, held


def _prose(lines: list[str]) -> str:
    blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", "\n".join(lines)) if block.strip()]
    parts = []
    for block in blocks:
        if block.startswith((">>>", "    ")):
            parts.append(element("pre", escape(block), {"tabindex": "0"}))
        else:
            parts.append(element("p", _inline(" ".join(block.split()))))
    return "".join(parts)


def _definitions(lines: list[str]) -> str:
    parts: list[str] = []
    held: list[str] = []
    for line in [*lines, "end"]:
        if line and not line.startswith(" "):
            if held:
                parts.append(element("dd", _inline(" ".join(held))))
            held = []
            parts.append(element("dt", element("code", escape(line))))
        elif line.strip():
            held.append(line.strip())
    return element("dl", "".join(parts[:-1]), {"class": "review-api-list"})


def _inline(text: str) -> str:
    return "".join(
        element("code", escape(part)) if place % 2 else escape(signs(part))
        for place, part in enumerate(re.split(r"``?([^`]+)``?", text))
    )
