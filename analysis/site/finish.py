"""The last touch on a built site: words explained, heads completed, map and 404 page written."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.site.extras import not_found, sitemap
from analysis.site.glossary import explain
from analysis.site.icons import inline_icons, read_icons
from analysis.site.metadata import head_tags, page_facts, structured_data
from analysis.site.numbering import number_items, set_numbers
from analysis.site.styles import bundle, link_bundle

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["finish_page", "finish_site", "site_base"]

#: The part of a page that holds its text.
_CONTENT = re.compile(r'(<article class="bd-article">)(.*)(</article>)', re.DOTALL)
#: Pages on which an explanation would stand beside itself, or that hold no prose.
_UNEXPLAINED = frozenset({"book/glossary.html", "book/references.html", "book/api.html"})
_LANDING = "book/index.html"
_FEED = '<link rel="alternate" type="application/atom+xml" title="New versions" href="../atom.xml">'


def site_base(configured: str = "") -> str:
    """Return the address of the site with a slash at its end, or a blank.

    The variable ``REVIEW_BASE_URL`` goes before the setting ``html_baseurl``.
    """
    base = os.environ.get("REVIEW_BASE_URL", "").strip() or configured.strip()
    return f"{base.rstrip('/')}/" if base else ""


def finish_page(html: str, path: Path, evidence: Evidence, base: str = "") -> str:
    """Return a built page with words explained and its head completed; twice changes nothing more.

    Parameters
    ----------
    html, path
        The page, and its place relative to the root of the site.
    evidence
        The evidence that the site shows.
    base
        Address of the site.
    """
    name = path.as_posix()
    facts = page_facts(html, path, base, own=name.startswith("studies/") or name == _LANDING)
    if name not in _UNEXPLAINED and 'class="review-term"' not in html:
        # From one folder down, as all pages with prose lie.
        page = "glossary.html" if path.parts[0] == "book" else "../book/glossary.html"
        html = _CONTENT.sub(lambda match: match[1] + explain(match[2], page) + match[3], html, count=1)
    if _FEED not in html:
        html = html.replace("</head>", f"{_FEED}\n</head>", 1)
    data = structured_data(evidence, facts, base) if name == _LANDING else None
    return head_tags(html, facts, base, data)


def finish_site(outdir: Path, evidence: Evidence, base: str = "", order: Sequence[str] = ()) -> None:
    """Finish every page of a built site and write the files beside them.

    Parameters
    ----------
    outdir
        Root of the built site.
    evidence
        The evidence that the site shows.
    base
        Address of the site.
    order
        Names of the chapters in reading order, by which figures and tables are numbered.
    """
    icons = read_icons(outdir / "_static" / "scripts" / "fontawesome.js")
    places = [path.relative_to(outdir) for path in sorted(outdir.rglob("*.html"))]
    before = {place: (outdir / place).read_text("utf-8") for place in places if "_static" not in place.parts}
    # Pages of the theme, such as the search, lie at the root and hold no chapter.
    pages = [place for place in before if len(place.parts) == 2]
    names = {place: place.with_suffix("").as_posix() for place in pages}
    numbered = number_items({names[place]: before[place] for place in pages}, order)
    after = {}
    for place, html in before.items():
        if place in names:
            html = finish_page(html, place, evidence, base)
            html = set_numbers(html, names[place], numbered)
        after[place] = inline_icons(html, icons)
    # The sheet is made for the pages as they are now, with all that was set into them.
    sheet = bundle(outdir, [after[place] for place in pages])
    mark = hashlib.sha256(sheet.encode()).hexdigest()[:8]
    options = _options(outdir)
    for place in pages:
        after[place] = link_bundle(after[place], mark, options)
    for place, html in after.items():
        if html != before[place]:
            (outdir / place).write_text(html, "utf-8", newline="")
    changed = str(evidence.versions[-1].cut_off)
    (outdir / "sitemap.xml").write_text(sitemap(pages, base, changed), "utf-8", newline="")
    (outdir / "404.html").write_text(not_found(base), "utf-8", newline="")


def _options(outdir: Path) -> str:
    path = outdir / "_static" / "documentation_options.js"
    return path.read_text("utf-8").strip() if path.is_file() else ""
