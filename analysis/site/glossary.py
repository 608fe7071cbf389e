"""The glossary: one file of definitions, its page, and explained words all over the book."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from pathlib import Path
from typing import Any

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.shape import shape_faults
from analysis.evidence.yaml_text import YamlText, load_yaml
from analysis.report.html import element, slug
from analysis.report.section import Section
from analysis.report.tables import Column, Table, table_from_rows

__all__ = ["GLOSSARY", "Glossary", "Term", "abbreviations_table", "explain", "glossary", "read_glossary"]

#: The file of all definitions.
GLOSSARY = Path(__file__).resolve().parents[2] / "data" / "glossary.yml"

_TEXT = {"type": "string", "minLength": 1}
#: What the file holds, as a JSON Schema.
_SHAPE: dict[str, Any] = {
    "type": ["object", "null"],
    "properties": {
        "terms": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "term": _TEXT,
                    "abbreviation": _TEXT,
                    "matches": {"type": "array", "items": _TEXT},
                    "definition": _TEXT,
                },
                "required": ["term", "definition"],
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}
#: Text within these is never explained: links, code, headings, tables, controls, formulas, pictures.
_CLOSED = frozenset(
    (
        *("a", "abbr", "button", "code", "h1", "h2", "h3", "h4", "h5", "h6", "label", "math", "nav"),
        *("mjx-container", "option", "pre", "script", "select", "style", "summary", "sup", "svg"),
        *("table", "textarea"),
    )
)
_CLOSED_CLASS = re.compile(r'class="[^"]*\b(?:math|headerlink|sd-card-title|admonition-title|toctree)\b')
#: Text within these is: prose, lists, captions.
_OPEN = frozenset(("p", "li", "dd", "figcaption"))
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"))
_TOKEN = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: its name, its definition, and the forms under which it stands in prose."""

    term: str
    definition: str
    abbreviation: str = ""
    matches: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name for anchors."""
        return f"term-{slug(self.term)}"


@dataclass(frozen=True, slots=True)
class Glossary:
    """All entries in alphabetical order."""

    terms: tuple[Term, ...]

    def _repr_html_(self) -> str:
        parts = []
        for item in self.terms:
            short = f" ({escape(item.abbreviation)})" if item.abbreviation else ""
            head = element("dt", escape(item.term) + short, {"id": item.key})
            parts.append(head + element("dd", escape(item.definition)))
        return element("dl", "\n".join(parts), {"class": "review-glossary"})


def read_glossary(text: str, name: str = GLOSSARY.name) -> Glossary:
    """Read the entries and check them.

    Raises
    ------
    EvidenceFaults
        With every fault, one a line.
    """
    read = load_yaml(text, name)
    faults = list(read.faults) or [*shape_faults(read, name, _SHAPE), *_entry_faults(read, name)]
    if faults:
        raise EvidenceFaults(tuple(faults))
    terms = [
        Term(
            row["term"],
            row["definition"].strip(),
            row.get("abbreviation", ""),
            tuple(row.get("matches", ())),
        )
        for row in (read.content or {}).get("terms") or ()
    ]
    return Glossary(tuple(sorted(terms, key=lambda item: item.term.casefold())))


def _entry_faults(read: YamlText, file: str) -> Iterator[Fault]:
    """Name definitions that are no sentence, and names and forms that stand twice."""
    rows = read.content.get("terms") if isinstance(read.content, dict) else None
    names: dict[str, str] = {}
    forms: dict[str, str] = {}
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        path = f"terms[{place}]"
        text = row.get("definition")
        if isinstance(text, str) and text.strip() and not text.strip().endswith("."):
            at = f"{path}.definition"
            problem = "the definition is no sentence"
            yield Fault(file, read.line(at), at, text, problem, "a full stop at its end")
        given = {key: row[key] for key in ("term", "abbreviation") if isinstance(row.get(key), str)}
        matches = row.get("matches")
        found = [(f"{path}.{key}", value.casefold(), names, "name") for key, value in given.items()]
        found = list({entry[1]: entry for entry in reversed(found)}.values())
        found += [
            (f"{path}.matches[{at}]", form, forms, "form")
            for at, form in enumerate(matches if isinstance(matches, list) else ())
            if isinstance(form, str)
        ]
        for at, value, seen, what in found:
            if value in seen:
                yield Fault(file, read.line(at), at, value, f"{what} stands twice", f"each {what} once")
            seen.setdefault(value, at)


@lru_cache(maxsize=1)
def _stored() -> Glossary:
    return read_glossary(GLOSSARY.read_text("utf-8"))


def glossary() -> Section:
    """The glossary of the book with its list of abbreviations."""
    return Section((_stored(),))


def abbreviations_table() -> Table:
    """The abbreviations in alphabetical order."""
    rows = [
        {"short": item.abbreviation, "long": item.term} for item in _stored().terms if item.abbreviation
    ]
    rows.sort(key=lambda row: row["short"].casefold())
    columns = [Column("short", "Abbreviation"), Column("long", "Meaning")]
    return table_from_rows("abbreviations", "Abbreviations", columns, rows, sortable=False)


def explain(html: str, page: str, terms: Sequence[Term] | None = None) -> str:
    """Explain each term where it first stands in the prose or a caption of a page.

    The word becomes a link to the glossary, which keyboards reach and which works without a script;
    its definition stands beside it as a tooltip.

    Parameters
    ----------
    html
        The content of a page.
    page
        Address of the glossary as seen from the page.
    terms
        The entries; by default those of the book.

    Examples
    --------
    >>> entry = Term("Logit", "The log of the odds.", matches=("logit",))
    >>> explain("<p>On the logit scale.</p>", "g.html", [entry]).count("review-term")
    1
    """
    finder = _Finder(_stored().terms if terms is None else terms, page)
    out: list[str] = []
    opened = 0
    closed: list[str] = []
    for token in _TOKEN.split(html):
        if token.startswith("<"):
            out.append(token)
            match = _TAG.match(token)
            if not match or token.endswith("/>"):
                continue
            leaving, name = bool(match[1]), match[2].lower()
            if name in _VOID:
                continue
            if closed:
                # Only the nesting matters until the closed part ends.
                if leaving and closed[-1] == name:
                    closed.pop()
                elif not leaving and name == closed[-1]:
                    closed.append(name)
            elif not leaving and (name in _CLOSED or _CLOSED_CLASS.search(token)):
                closed.append(name)
            elif name in _OPEN:
                opened += -1 if leaving else 1
        else:
            out.append(token if closed or opened <= 0 else finder.mark(token))
    return "".join(out)


class _Finder:
    """Finds the forms of the terms that a page has not explained yet, the longest form first."""

    def __init__(self, terms: Sequence[Term], page: str) -> None:
        self._page = page
        self._by_form: dict[str, Term] = {}
        exact: list[str] = []
        loose: list[str] = []
        for item in terms:
            for form in item.matches:
                as_written = any(char.isupper() or char.isdigit() for char in form)
                self._by_form[form if as_written else form.casefold()] = item
                (exact if as_written else loose).append(form)
        # Longest first, so that "successful reperfusion" is one term.
        known = [(form, False) for form in exact] + [(form, True) for form in loose]
        known.sort(key=lambda pair: -len(pair[0]))
        parts = [f"(?i:{_pattern(form)})" if any_case else _pattern(form) for form, any_case in known]
        self._pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])") if parts else None
        self._done: set[str] = set()

    def mark(self, text: str) -> str:
        return self._pattern.sub(self._replace, text) if self._pattern else text

    def _replace(self, match: re.Match[str]) -> str:
        word = match[0]
        form = " ".join(unescape(word).split())
        item = self._by_form.get(form) or self._by_form.get(form.casefold())
        if item is None or item.key in self._done:
            return word
        self._done.add(item.key)
        tip = f"tip-{item.key.removeprefix('term-')}"
        return (
            f'<span class="review-explained"><a class="review-term" href="{self._page}#{item.key}" '
            f'aria-describedby="{tip}">{word}</a><span class="review-tip" role="tooltip" id="{tip}">'
            f"{escape(item.definition)}</span></span>"
        )


def _pattern(form: str) -> str:
    """Match a form also where a line breaks inside it."""
    return r"\s+".join(re.escape(escape(word)) for word in form.split())
