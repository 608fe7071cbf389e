"""Numbers of figures and tables through the whole book, and references to them by name.

Figures and tables are numbered on the built pages in the order of the table of contents, so no number
is ever typed. Prose refers to one by its name, ``{fig}`forest-primary-reperfusion` `` or
``{tab}`headline` ``, and receives its number and a link to its page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.report.html import element, escape

__all__ = ["Numbered", "number_items", "reference_mark", "set_numbers"]

#: A figure as a whole, so that the data table beneath it gets no number of its own; or the head of a table.
_ITEM = re.compile(
    r'<figure class="review-figure" id="(?P<figure>figure-[^"]+)".*?</figure>'
    r'|<div class="review-table" id="(?P<table>table-[^"]+)".*?</caption>',
    re.DOTALL,
)
_PLACE = {"Figure": "<figcaption>", "Table": "<caption>"}
_LABEL = re.compile(r'<span class="review-number">.*?</span> ')
_MARK = re.compile(r'<a class="review-reference" href="[^"]*" data-item="([^"]+)">.*?</a>')


@dataclass(frozen=True, slots=True)
class Numbered:
    """A figure or table with its number and the page on which it first stands."""

    kind: str
    number: int
    page: str

    @property
    def label(self) -> str:
        """The name in print, such as "Figure 3", kept on one line."""
        return f"{self.kind}\N{NO-BREAK SPACE}{self.number}"


def number_items(pages: Mapping[str, str], order: Sequence[str]) -> dict[str, Numbered]:
    """Number every figure and every table of the book, each kind from one.

    Parameters
    ----------
    pages
        HTML by the name of the page, such as ``book/trials``.
    order
        Names of the pages in reading order. One shown again on a later page keeps its number.

    Examples
    --------
    >>> page = '<figure class="review-figure" id="figure-a"><figcaption>A</figcaption></figure>'
    >>> number_items({"book/x": page}, ["book/x"])["figure-a"].number
    1
    """
    found: dict[str, Numbered] = {}
    counts = {"Figure": 0, "Table": 0}
    for name in order:
        for match in _ITEM.finditer(pages.get(name, "")):
            kind, anchor = _identify(match)
            if anchor not in found:
                counts[kind] += 1
                found[anchor] = Numbered(kind, counts[kind], name)
    return found


def set_numbers(html: str, name: str, numbered: Mapping[str, Numbered]) -> str:
    """Write the numbers into the captions of a page and fill its references; twice changes nothing more.

    Raises
    ------
    ValueError
        When a reference names a figure or table that no page shows.
    """

    def label(match: re.Match[str]) -> str:
        kind, anchor = _identify(match)
        item = numbered.get(anchor)
        text = _LABEL.sub("", match[0])
        if item is None:
            return text
        place = _PLACE[kind]
        return text.replace(place, f'{place}<span class="review-number">{item.label}.</span> ', 1)

    html = _ITEM.sub(label, html)
    here = {_identify(match)[1] for match in _ITEM.finditer(html)}

    def refer(match: re.Match[str]) -> str:
        anchor = match[1]
        item = numbered.get(anchor)
        if item is None:
            raise ValueError(f"{name} refers to {anchor}, which no page shows")
        page = "" if anchor in here else f"{item.page.rsplit('/', 1)[-1]}.html"
        return _mark(f"{page}#{anchor}", anchor, item.label)

    return _MARK.sub(refer, html)


def reference_mark(anchor: str) -> str:
    """Return the mark in a page that `set_numbers` turns into a numbered reference."""
    return _mark(f"#{anchor}", anchor, anchor)


def _mark(address: str, anchor: str, text: str) -> str:
    values = {"class": "review-reference", "href": address, "data-item": anchor}
    return element("a", escape(text), values)


def _identify(match: re.Match[str]) -> tuple[str, str]:
    return ("Figure", match["figure"]) if match["figure"] else ("Table", match["table"])
