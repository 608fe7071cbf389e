"""Safe HTML: everything is escaped; links lead to the web or to another page of the book."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape as _escape
from typing import Any
from urllib.parse import urlsplit

__all__ = ["attributes", "element", "escape", "is_site_link", "is_web_link", "link", "script_json", "slug"]

_SCHEMES = frozenset({"http", "https"})
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"'<>`\\]")
_SITE = re.compile(r"\.\./[a-z]+/[A-Za-z0-9_-]+\.html(#[A-Za-z0-9_-]+)?")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def escape(value: object) -> str:
    """Escape text for use in element content and quoted attributes.

    Examples
    --------
    >>> escape("<script>")
    '&lt;script&gt;'
    """
    return _escape(str(value), quote=True)


def attributes(values: Mapping[str, object]) -> str:
    """Write attributes in the given order; ``None`` and ``False`` drop out, ``True`` stands alone.

    Examples
    --------
    >>> attributes({"class": "num", "hidden": True, "title": None})
    ' class="num" hidden'
    """
    parts = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        parts.append(f" {name}" if value is True else f' {name}="{escape(value)}"')
    return "".join(parts)


def element(tag: str, content: str = "", values: Mapping[str, object] | None = None) -> str:
    """Wrap content that is HTML already in an element."""
    return f"<{tag}{attributes(values or {})}>{content}</{tag}>"


def is_web_link(href: str | None) -> bool:
    """Tell whether an address is an absolute http or https link without odd characters.

    Examples
    --------
    >>> is_web_link("https://doi.org/10.1136/x"), is_web_link("javascript:alert(1)")
    (True, False)
    """
    if not href or _UNSAFE.search(href):
        return False
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.netloc)


def is_site_link(href: str | None) -> bool:
    """Tell whether an address means another page of the book, as seen from a page in a folder.

    Examples
    --------
    >>> is_site_link("../studies/memon2020.html#row-all-sich"), is_site_link("../../etc/passwd")
    (True, False)
    """
    return bool(href and _SITE.fullmatch(href))


def link(text: object, href: str | None) -> str:
    """Link text to a web address or to a page of the book; any other address leaves plain text.

    Examples
    --------
    >>> link("a", "ftp://x"), link("a", "https://x.org/?a=1&b=2")
    ('a', '<a href="https://x.org/?a=1&amp;b=2">a</a>')
    """
    shown = escape(text)
    return f'<a href="{escape(href)}">{shown}</a>' if is_web_link(href) or is_site_link(href) else shown


def script_json(data: Any) -> str:
    r"""Write JSON that can stand inside a script element whatever its texts hold.

    Not the closing tag alone is unsafe: after ``<!--<script>`` the element stays open past its end.

    Examples
    --------
    >>> script_json({"title": "<!--<script>"})
    '{"title":"\\u003c!--\\u003cscript>"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def slug(text: str) -> str:
    """Turn text into a name for files and anchors.

    Examples
    --------
    >>> slug("Forest: primary, mRS 0–2")
    'forest-primary-mrs-0-2'
    """
    return _NOT_SLUG.sub("-", text.lower()).strip("-") or "item"
