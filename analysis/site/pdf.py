"""The whole review as one PDF: the built pages put together and printed by Chromium.

``python -m analysis.site.pdf _build/html _build/pdf/review.pdf``

The pages are taken as they were built, so no notebook runs again and the PDF cannot differ from the
site. Anchors get the name of their page, so that links between chapters lead within the document.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from analysis.site.contents import book_order
from analysis.site.pdf_fit import FIT_SCRIPT, FIT_STYLE

__all__ = ["assemble", "chapters", "main", "offer", "print_pdf"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_LIMIT = 300
_ARTICLE = re.compile(r'<article class="bd-article">(.*)</article>', re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
#: Parts that only work on a screen, or stand twice.
_DROPPED = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<script\b(?! type=\"math).*?</script>",
        r'<a class="headerlink".*?</a>',
        r'<p class="review-downloads">.*?</p>',
        r'<span class="review-tip".*?</span>',
        r'<div class="figure-narrow".*?</svg></div>',
        r'<details class="admonition hide above-input">.*?</details>',
    )
)
_DETAILS = re.compile(r"<details\b[^>]*>")
_DETAILS_TAG = re.compile(r"<details\b|</details>")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
_NUMBER = re.compile(r'<span class="review-number">(.*?)</span>')
_NAMED = re.compile(r'\b(id|for|aria-labelledby|aria-describedby)="([^"]*)"')
_HREF = re.compile(r'\bhref="([^"]*)"')
_URL = re.compile(r"url\(#([^)]+)\)")
#: Chapters that need a screen, or are looked up rather than read.
_LEFT_OUT = frozenset({"book/explore", "book/api"})
_PLACE = re.compile(r'<span class="review-pdf-place">.*?</span>', re.DOTALL)
_STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm; @bottom-center { content: counter(page); font: 9pt sans-serif; } }
html { font-size: 62.5%; }
body { padding: 0; font-size: 9.5pt; line-height: 1.4; color: #1b1f24; background: #ffffff; }
.pdf-chapter { break-before: page; }
.pdf-chapter:first-child { break-before: auto; }
h1 { font-size: 18pt; } h2 { font-size: 14pt; } h3 { font-size: 11.5pt; }
h1, h2, h3, caption, dt { break-after: avoid; }
.pdf-fold + p:not(.pdf-fold) { margin-top: 8pt; }
.pdf-fold { margin: 2pt 0; color: #57606a; font-size: 8pt; }
.cell_input, .review-table-search, .review-table-more,
.review-copy, button, .sd-tab-label, noscript { display: none !important; }
.review-table, .review-figure { container-type: normal; }
.cell_output, .output, .review-table { overflow: visible !important; max-height: none !important; }
tbody th { min-width: 9em; }
.review-table-scroll { max-height: none !important; overflow: visible !important; border: 0; }
table { width: 100% !important; table-layout: auto; font-size: 7.4pt !important; }
table :is(th, td) { padding: 1.5pt 3pt !important; overflow-wrap: anywhere; white-space: normal !important; }
table:has(thead th:nth-child(7)) { font-size: 6.6pt !important; }
table:has(thead th:nth-child(10)) { font-size: 5.8pt !important; }
thead { display: table-header-group; break-after: avoid; }
tbody tr:first-child { break-before: avoid; }
caption { font-size: 8.5pt !important; }
.review-figure > figcaption { font-size: 8.5pt; } .review-table-notes { font-size: 7pt; }
thead th { position: static !important; }
tr, figure, .review-figure, .admonition, .sd-card, .review-answers > div { break-inside: avoid; }
.review-figure .figure-wide { display: block !important; max-width: 152mm; }
.review-figure .figure-narrow { display: none !important; }
svg, img { max-width: 100%; max-height: 240mm; height: auto; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; }
mjx-container { max-width: 100%; }
a { color: #0b5394; overflow-wrap: anywhere; }
.review-answers { grid-template-columns: 1fr 1fr; }
.sd-row { flex-wrap: nowrap !important; }
.sd-row > .sd-col { flex: 1 1 0 !important; width: auto !important; }
"""


def chapters(root: Path) -> tuple[str, ...]:
    """Return the chapters of the table of contents in order, without those that need a screen."""
    return tuple(name for name in book_order(root) if name not in _LEFT_OUT)


def assemble(site: Path, names: Sequence[str]) -> str:
    """Put chapters of a built site together to one page.

    Parameters
    ----------
    site
        The built site; the page is to be stored in its root.
    names
        Chapters as in the table of contents, without the ending.
    """
    parts = []
    title = "Review"
    for name in names:
        html = (site / f"{name}.html").read_text("utf-8")
        if name == names[0] and (found := _TITLE.search(html)):
            title = found[1].split("—")[0].strip()
        article = _ARTICLE.search(html)
        if article is None:
            raise ValueError(f"{name}.html has no article")
        parts.append(_chapter(article[1], name, names))
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>{title}</title>{_sheets(site, names[0])}<style>{_STYLE}{FIT_STYLE}</style></head>"
        f'<body class="pdf">{"".join(parts)}{FIT_SCRIPT}</body></html>'
    )


def _chapter(html: str, name: str, names: Sequence[str]) -> str:
    for pattern in _DROPPED:
        html = pattern.sub("", html)
    html = _named_folds(html)
    mark = name.rsplit("/", 1)[-1]

    def rename(match: re.Match[str]) -> str:
        return f'{match[1]}="{" ".join(f"{mark}--{part}" for part in match[2].split())}"'

    html = _NAMED.sub(rename, html)
    html = _URL.sub(lambda match: f"url(#{mark}--{match[1]})", html)
    html = _HREF.sub(lambda match: f'href="{escape(_target(match[1], mark, names), quote=True)}"', html)
    return f'<section class="pdf-chapter bd-content bd-article" id="{mark}--chapter">{html}</section>'


def _named_folds(html: str) -> str:
    """Name what opens on request instead of printing it, with the numbers of its tables and figures."""
    found = []
    end = 0
    for match in _DETAILS.finditer(html):
        if match.start() < end:
            continue  # Within a part that is left out already.
        found.append(html[end : match.start()])
        depth, place = 1, match.end()
        while depth and (step := _DETAILS_TAG.search(html, place)):
            depth += -1 if step[0].startswith("</") else 1
            place = step.end()
        inside, end = html[match.end() : place], place
        summary = _SUMMARY.search(inside)
        if "review-fold" in match[0] and summary:
            labels = [label.rstrip(".") for label in _NUMBER.findall(inside)]
            where = "on the site" if not labels else f"{', '.join(labels)}, on the site"
            found.append(f'<p class="pdf-fold">{summary[1]}: {where}.</p>')
    return "".join([*found, html[end:]])


def _target(address: str, mark: str, names: Sequence[str]) -> str:
    """Lead a link to its place in the document; what the document does not hold leads nowhere."""
    from html import unescape

    address = unescape(address)
    if "://" in address or address.startswith("mailto:"):
        return address
    page, _, anchor = address.partition("#")
    page = page.removesuffix(".html")
    if not page:
        return f"#{mark}--{anchor}"
    if f"book/{page}" in names:
        return f"#{page}--{anchor or 'chapter'}"
    return f"#{mark}--chapter"


def _sheets(site: Path, first: str) -> str:
    """Return the style sheets and the formula script of the first page, as seen from the root."""
    html = (site / f"{first}.html").read_text("utf-8")
    kept = re.findall(r'<link\b[^>]*rel="stylesheet"[^>]*>', html)
    kept += re.findall(r"<script\b[^>]*mathjax/tex-svg[^>]*></script>", html)
    settings = re.findall(r"<script>window\.MathJax.*?</script>", html, re.DOTALL)
    return "".join([*settings, *kept]).replace('="../', '="')


def print_pdf(site: Path, target: Path, names: Sequence[str]) -> str:
    """Print the review; return a blank, or the reason why not in plain words."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return "no Chromium is installed"
    page = site / "review-print.html"
    page.write_text(assemble(site, names), "utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    try:
        with tempfile.TemporaryDirectory() as profile:
            options += [f"--user-data-dir={profile}", "--virtual-time-budget=20000"]
            command = [browser, *options, f"--print-to-pdf={target.resolve()}", page.resolve().as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=_LIMIT)
    except (OSError, subprocess.SubprocessError) as error:
        return f"Chromium could not print the review ({type(error).__name__})"
    finally:
        page.unlink(missing_ok=True)
    return "" if target.is_file() else "Chromium wrote no file"


def offer(site: Path, pdf: Path, landing: str = "book/index.html") -> None:
    """Lay the PDF beside the site and link it from the first page."""
    shutil.copyfile(pdf, site / "review.pdf")
    path = site / landing
    link = '<a href="../review.pdf" download>The whole review as PDF</a>.'
    html = path.read_text("utf-8")
    path.write_text(_PLACE.sub(f'<span class="review-pdf-place">{link}</span>', html), "utf-8", newline="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the review and say where it is; without Chromium say so and end well."""
    parser = argparse.ArgumentParser(prog="python -m analysis.site.pdf", description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("pdf", type=Path)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    chosen = parser.parse_args(arguments)
    reason = print_pdf(chosen.site, chosen.pdf, chapters(chosen.root))
    if reason:
        sys.stdout.write(f"No PDF was made: {reason}.\n")
        return 0
    offer(chosen.site, chosen.pdf)
    sys.stdout.write(f"The review as PDF: {chosen.pdf}, also offered on the first page of the site.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
