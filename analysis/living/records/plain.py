"""Plain text of a title, a name or an abstract: entities read, marks of layout taken out, control signs gone.

Only tags that are known to set text are taken out, so that "P<0.05" and "a<b and c>d" stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from typing import Any

__all__ = ["plain"]

#: Tags that stand within a line, and tags that begin a new one; a prefix as in "jats:p" is passed over.
_WITHIN = (
    "a|abbr|alternatives|b|bold|cite|em|ext-link|fixed-case|font|i|inline-formula|italic|math|mfenced|mfrac|mi|"
    "mn|mo|monospace|mover|mrow|ms|mspace|msqrt|mstyle|msub|msubsup|msup|mtext|munder|munderover|named-content|"
    "overline|roman|s|sc|scp|semantics|small|span|strike|strong|styled-content|sub|sup|tt|u|ulink|underline|xref"
)
_BLOCK = (
    "abstract|abstracttext|article-title|br|break|caption|dd|def|def-item|def-list|disp-formula|disp-quote|div|"
    "dl|dt|h[1-6]|head|hr|item|label|li|list|list-item|mtable|mtd|mtr|ol|p|para|preformat|sec|section|subtitle|"
    "table|tbody|td|th|thead|title|tr|trans-title|ul"
)
#: Attributes carry a value: "a<b and c>d" holds no tag.
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*"""
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->|<\?[^>]*\?>", re.DOTALL)
#: The source of a formula that stands beside its readable form.
_SOURCE = re.compile(r"<((?:\w+:)?(?:annotation|tex-math))\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
#: A power of ten must not become another number: 10<sup>5</sup> is 10^5, not 105.
_POWER = re.compile(r"(?<=\b10)<(?:\w+:)?sup>\s*([-−+]?\d+)\s*</(?:\w+:)?sup>", re.IGNORECASE)
_HEADED = re.compile(r"^\s*<(?:\w+:)?(title|h[1-6])>\s*abstract\s*[:.]?\s*</(?:\w+:)?\1>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:\w+:)?(?:{_BLOCK}){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
_WITHIN_TAG = re.compile(rf"</?(?:\w+:)?(?:{_WITHIN}){_ATTRIBUTES}\s*/?>", re.IGNORECASE)


def plain(text: Any) -> str:
    """Return text as one line without markup, entities, control signs or signs without a shape.

    Parameters
    ----------
    text : str or None
        What a source sent; anything that is no text and no number counts as nothing.

    Examples
    --------
    >>> plain("Growth of &lt;em&gt;E. coli&lt;/em&gt; on B<sub>12</sub> &amp;amp; salt")
    'Growth of E. coli on B12 & salt'
    >>> plain("<h4>Results</h4>Fewer (p&lt;0.01) than 10<sup>5</sup> cells")
    'Results Fewer (p<0.01) than 10^5 cells'
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return ""
    shown = str(text)
    for _ in range(3):  # text that was escaped twice is read twice
        if not _ENTITY.search(shown):
            break
        shown = unescape(shown)
    if "<" in shown:
        shown = _CDATA.sub(r"\1", _COMMENT.sub(" ", shown))
        shown = _SOURCE.sub("", _HEADED.sub("", shown))
        shown = _POWER.sub(r"^\1", shown)
        shown = _WITHIN_TAG.sub("", _BLOCK_TAG.sub(" ", shown))
    if not shown.isascii() or not shown.isprintable():
        kinds = ((sign, unicodedata.category(sign)) for sign in shown)
        shown = "".join(" " if kind == "Cc" else sign for sign, kind in kinds if kind not in ("Cf", "Cs"))
    return " ".join(shown.split())
