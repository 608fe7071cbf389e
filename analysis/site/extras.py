"""Files beside the pages: the map of the site and the page for an address that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

__all__ = ["not_found", "sitemap"]

_NOT_FOUND = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="description" content="The page that was asked for does not exist.">
<title>Page not found</title>
<style>
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem;
  color: #1b1f24; background: #ffffff; }}
a {{ color: #0b5394; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e8eaed; background: #14181e; }}
  a {{ color: #6cb6ff; }}
}}
</style>
</head>
<body>
<main>
<h1>This page does not exist</h1>
<p>It may have been renamed when the evidence was renewed. Study pages keep their names.</p>
<ul>
<li><a href="{root}book/index.html">The first page of the review</a></li>
<li><a href="{root}search.html">Search the review</a></li>
<li><a href="{root}book/studies.html">All studies</a></li>
</ul>
</main>
</body>
</html>
"""


def not_found(base: str) -> str:
    """Return the page that a server shows for an unknown address.

    Such a page is shown at any depth, so its links need the address of the site; without one they
    start at the folder of the page.
    """
    return _NOT_FOUND.format(root=escape(base))


def sitemap(pages: Iterable[Path], base: str, changed: str) -> str:
    """Return the map of the site.

    Parameters
    ----------
    pages
        Pages relative to the root of the site.
    base
        Address of the site, with a slash at the end; blank gives relative addresses, which a
        server's own address completes.
    changed
        Date of the last change of the evidence.

    Examples
    --------
    >>> "<loc>https://x.org/a.html</loc>" in sitemap([Path("a.html")], "https://x.org/", "2026-11-22")
    True
    """
    lines = [
        f"<url><loc>{escape(base + page.as_posix())}</loc><lastmod>{escape(changed)}</lastmod></url>"
        for page in pages
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n' + "\n".join(lines) + "\n</urlset>\n"
    )
