"""Bibliography style that prints what was read and says nothing about fields that were not.

The styles shipped with pybtex warn about an entry without author, journal or year. Here such gaps
are honest (an abstract page may show no author), and the note of the entry names them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.richtext import Tag, Text
from pybtex.style.formatting.unsrt import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from pybtex.style.template import field, join, node, optional, optional_field, sentence, tag
from sphinxcontrib.bibtex.plugin import register_plugin as register_citation_plugin
from sphinxcontrib.bibtex.style.referencing import PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from analysis.report.readable import signs

__all__ = ["ReviewStyle", "register"]

_VOLUME = optional[join[field("volume"), optional["(", field("number"), ")"], optional[":", field("pages")]]]


@node
def _year(children: list[Any], context: dict[str, Any]) -> str:
    """Give the year, unless what stands before it ends with it already."""
    del children
    fields = context["entry"].fields
    year = str(fields.get("year", ""))
    before = fields.get("journal") or fields.get("title", "")
    return "" if re.search(rf"\b{re.escape(year)}\b", before) else year


def _with_signs(title: Text) -> Text:
    """Write comparisons of a title with one sign, as the tables do."""
    for plain in (">=", "<="):
        title = Text(signs(plain)).join(title.split(plain))
    return title


@node
def _et_al(children: list[Any], context: dict[str, Any]) -> Any:
    """Write "and others", as BibTeX spells authors that are not named, the way journals do."""
    (names,) = children
    text = names.format_data(context)
    for ending, comma in ((", and others", ","), (" and others", "")):
        if text.endswith(ending):
            return Text(text[: -len(ending)], f"{comma} ", Tag("em", "et al."))
    return text


class KeyLabels(BaseLabelStyle):
    """Label each entry by its key, which is the ``study_id`` of the data."""

    def format_labels(self, sorted_entries: list[Any]) -> Iterator[str]:
        """Yield one label an entry."""
        return (entry.key for entry in sorted_entries)


class ByAuthorOrTitle(BaseSortingStyle):
    """Sort by the first author, or by the title where no author was shown, then by year."""

    def sorting_key(self, entry: Any) -> tuple[str, str, str]:
        """Return what an entry is sorted by."""
        people = entry.persons.get("author", [])
        name = " ".join(people[0].last_names) if people else entry.fields.get("title", entry.key)
        return _letters(name), entry.fields.get("year", ""), entry.key


def _letters(name: str) -> str:
    """Return a name without the marks on its letters, so that Ö stands with O."""
    apart = unicodedata.normalize("NFKD", str(Text.from_latex(name)))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


class ReviewStyle(PlainStyle):
    """Authors, title, journal, year, volume, pages, note and addresses, each only when present."""

    default_sorting_style = ByAuthorOrTitle
    default_label_style = KeyLabels

    def format_names(self, role: str, as_sentence: bool = True) -> Any:
        """Return the people of an entry."""
        names = _et_al[super().format_names(role, as_sentence=False)]
        return sentence[names] if as_sentence else names

    def get_article_template(self, entry: Any) -> Any:
        """Return the template of an article, and of everything else."""
        return join(sep=" ")[
            optional[sentence[self.format_names("author", as_sentence=False)]],
            # The title keeps its capitals, which tell names of devices and trials from words.
            sentence[field("title", apply_func=_with_signs)],
            sentence[
                optional[tag("em")[field("journal")]],
                _year(),
                _VOLUME,
            ],
            sentence(capfirst=True)[optional_field("note")],
            self.format_web_refs(entry),
        ]

    get_misc_template = get_article_template


class CitedPeople(PersonStyle):
    """People in a citation, with "et al." also where the bibliography names one author only."""

    def names(self, role: str, full: bool) -> Any:
        """Return the people of one role."""
        return _et_al[super().names(role, full)]

    def author_or_editor_or_title(self, full: bool) -> Any:
        """Return whom, or what, a citation names."""
        return _et_al[super().author_or_editor_or_title(full)]


@dataclass
class CitationStyle(AuthorYearReferenceStyle):
    """Author and year."""

    person: PersonStyle = attribute(default_factory=CitedPeople)


def register() -> None:
    """Make the styles of bibliography and citations known under the name ``review``."""
    register_plugin("pybtex.style.formatting", "review", ReviewStyle)
    register_citation_plugin("sphinxcontrib.bibtex.style.referencing", "review", CitationStyle)
