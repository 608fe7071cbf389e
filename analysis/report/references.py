"""Citations in generated text: author and year, linked to the bibliography, and the entries in full."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.report.html import escape

__all__ = ["BIBLIOGRAPHY", "author_year", "cite", "full_reference"]

_BOOK = Path(__file__).resolve().parents[2] / "book"
#: The bibliographies of the book: what the review read, and the methods that it names.
BIBLIOGRAPHY = (_BOOK / "references.bib", _BOOK / "methods.bib")


@lru_cache(maxsize=1)
def _entries() -> dict[str, Any]:
    from pybtex.database import parse_file

    found: dict[str, Any] = {}
    for path in BIBLIOGRAPHY:
        if path.is_file():
            found |= parse_file(str(path), "bibtex").entries
    return found


def author_year(key: str) -> str:
    """Return how an entry is called in a sentence.

    Raises
    ------
    KeyError
        When the bibliography has no such entry.
    """
    entry = _entries()[key]
    names = [_plain(" ".join(person.last_names)) for person in entry.persons.get("author", [])]
    year = entry.fields.get("year", "no year")
    if not names:
        title = _plain(entry.fields["title"]).split(":")[0]
        return title if year in title else f"{title} {year}"
    if len(names) > 2 or names[-1] == "others":
        return f"{names[0]} et al. {year}"
    return f"{' and '.join(names)} {year}"


def _plain(text: str) -> str:
    from pybtex.richtext import Text

    return str(Text.from_latex(text))


def cite(key: str) -> str:
    """Return a citation in brackets as HTML, linked to its entry on the page of references."""
    return f'(<a href="references.html#cite-{escape(key)}">{escape(author_year(key))}</a>)'


def full_reference(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the entries as plain text in the order of the bibliography's style."""
    from pybtex.database import BibliographyData
    from pybtex.plugin import find_plugin

    from analysis.sphinxbib import ReviewStyle

    known = _entries()
    data = BibliographyData(entries={key: known[key] for key in keys})
    plain = find_plugin("pybtex.backends", "plaintext")()
    return tuple(item.text.render(plain) for item in ReviewStyle().format_bibliography(data))
