"""Pages that are made from the data when the book is built: one for each study.

They are set straight into the theme's frame, without a source file: nothing needs parsing, the side
bar stays free of a hundred entries, and a page cannot be older than the data. Their text is given
to the search index, so that a reader finds a study by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape, unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["collect_pages", "connect"]


def connect(app: Sphinx) -> None:
    """Ask Sphinx for the pages at the end of each build."""
    app.connect("html-collect-pages", collect_pages)


def collect_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the name, context and template of every study page."""
    from analysis import review
    from analysis.review.provenance import study_page

    evidence = review.load()
    names: list[str] = []
    for study in evidence.studies:
        page = study_page(evidence, study.study_id)
        names.append(page.name)
        _index(app, page.name, page.title, page.body)
        context = {
            "title": escape(page.title),
            "body": page.body,
            "parents": [],
            "metatags": f'<meta name="description" lang="en" content="{escape(page.description)}">',
        }
        yield page.name, context, "page.html"
    _keep(app, names)


def _index(app: Sphinx, name: str, title: str, body: str) -> None:
    """Give the words of a page to the search index, if this builder has one.

    The script of the search sets titles as HTML, so they are given escaped.
    """
    indexer = getattr(app.builder, "indexer", None)
    if indexer is None:
        return
    import re

    from docutils import nodes
    from docutils.utils import new_document

    document = new_document(name)
    section = nodes.section(ids=[name.rsplit("/", 1)[-1]])
    title = escape(title, quote=False)
    section += nodes.title(text=title)
    section += nodes.paragraph(text=unescape(re.sub(r"<[^>]+>", " ", body)))
    document += section
    indexer.feed(name, f"{name}.html", title, document)


def _keep(app: Sphinx, names: Iterable[str]) -> None:
    """Make these pages count as documents when Sphinx strikes from the index what is none."""
    indexer = getattr(app.builder, "indexer", None)
    if indexer is None:
        return
    prune = indexer.prune
    indexer.prune = lambda documents: prune({*documents, *names})
