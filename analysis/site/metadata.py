"""What machines read in the head of each page: description, Open Graph, schema.org."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.report.html import script_json

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["PageFacts", "describe", "head_tags", "page_facts", "structured_data"]

#: Search engines cut descriptions near here.
_LONGEST = 200
#: A shorter paragraph says too little of a page.
_SHORTEST = 50
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_ARTICLE = re.compile(r'<article class="bd-article">(.*)</article>', re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
#: The first page bears the name of the whole book, which the theme puts behind every title.
_TWICE = re.compile(r"<title>\s*([^<\s][^<]*?)\s*(?:&#8212;|—)\s*\1\s*</title>")
_TAGS = re.compile(r"<span class=\"review-tip\".*?</span>|<[^>]+>", re.DOTALL)
_DESCRIPTION = re.compile(r'<meta\b[^>]*\bname="description"[^>]*>')
_CONTENT = re.compile(r'\bcontent="([^"]*)"')


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the head of a page says: title, description and address."""

    title: str
    description: str
    address: str


def describe(html: str, fallback: str) -> str:
    """Return the first paragraph of a page that says something, cut at a word.

    Examples
    --------
    >>> page = '<article class="bd-article"><p>' + "Many words. " * 40 + "</p></article>"
    >>> describe(page, "").endswith("words. Many…"), len(describe(page, "")) <= 201
    (True, True)
    """
    article = _ARTICLE.search(html)
    for paragraph in _PARAGRAPH.findall(article[1] if article else ""):
        text = " ".join(unescape(_TAGS.sub("", paragraph)).split())
        if len(text) >= _SHORTEST:
            return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + "…"
    return fallback


def page_facts(html: str, path: Path, base: str, *, own: bool) -> PageFacts:
    """Read the facts of a built page.

    `own` keeps the description that the page has; otherwise it is taken from the first paragraph.
    `base` is the address of the site, blank when unknown: the page's address is then relative.
    """
    title = _TITLE.search(_title_once(html))
    known = _DESCRIPTION.search(html)
    content = _CONTENT.search(known[0]) if known else None
    stored = unescape(content[1]) if content else ""
    return PageFacts(
        " ".join(unescape(title[1]).split()) if title else "",
        stored if own and stored else describe(html, stored),
        f"{base}{path.as_posix()}",
    )


def _title_once(html: str) -> str:
    return _TWICE.sub(r"<title>\1</title>", html)


def structured_data(evidence: Evidence, facts: PageFacts, base: str) -> dict[str, Any]:
    """Return the schema.org description of the review: the data, and the article about them."""
    protocol = evidence.protocol
    newest = evidence.versions[-1]
    maintainers = {"@type": "Organization", "name": protocol.maintainers}
    paper = protocol.text["paper"]
    # Addresses of files are relative to the page while the site has no address of its own.
    root = base or "../"
    common = {
        "version": newest.id,
        "dateModified": str(newest.cut_off),
        "inLanguage": "en-GB",
        "isAccessibleForFree": True,
        "license": "https://creativecommons.org/licenses/by/4.0/",
    }
    files = {
        "results.json": "application/json",
        "data/outcomes.csv": "text/csv",
        "data/studies.csv": "text/csv",
    }
    dataset = {
        "@type": "Dataset",
        "@id": "#dataset",
        "name": f"{protocol.title}: study-level evidence",
        "description": facts.description,
        "creator": maintainers,
        "identifier": evidence.data_hash,
        "temporalCoverage": f"../{newest.cut_off}",
        "distribution": [
            {"@type": "DataDownload", "contentUrl": f"{root}{name}", "encodingFormat": kind}
            for name, kind in files.items()
        ],
        **common,
    }
    article = {
        "@type": "MedicalScholarlyArticle",
        "@id": "#review",
        "headline": facts.title,
        "description": facts.description,
        "author": maintainers,
        "publisher": maintainers,
        "publicationType": "Systematic Review",
        "about": [
            {"@type": "MedicalEntity", "name": protocol.text["question"][part]}
            for part in ("population", "intervention")
        ],
        "audience": [{"@type": "MedicalAudience", "audienceType": "Clinician"}],
        "isBasedOn": [{"@id": "#dataset"}, *([f"https://doi.org/{paper['doi']}"] if paper else [])],
        **common,
    }
    return {"@context": "https://schema.org", "@graph": [dataset, article]}


def head_tags(html: str, facts: PageFacts, base: str, data: dict[str, Any] | None) -> str:
    """Return the page with its description, Open Graph tags and structured data in the head.

    A page that has them already is returned as it is.
    """
    if 'property="og:title"' in html:
        return html
    html = _DESCRIPTION.sub("", _title_once(html))
    tags = [
        f'<meta name="description" content="{escape(facts.description)}">',
        f'<meta property="og:title" content="{escape(facts.title)}">',
        f'<meta property="og:description" content="{escape(facts.description)}">',
        '<meta property="og:type" content="article">',
        '<meta property="og:locale" content="en_GB">',
        '<meta name="twitter:card" content="summary">',
    ]
    if base:
        tags.append(f'<meta property="og:url" content="{escape(facts.address)}">')
    if data is not None:
        tags.append(f'<script type="application/ld+json">{script_json(data)}</script>')
    return html.replace("</head>", "\n".join(tags) + "\n</head>", 1)
