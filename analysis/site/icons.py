"""Icons of the theme as drawings in the page, in place of a script with all icons that exist.

The theme loads half a megabyte of icons (compressed) to show a dozen. The few that a page uses are
read from that script when the book is built and set in, so that they also show without a script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

__all__ = ["inline_icons", "read_icons"]

Icon = tuple[int, int, str]

_DRAWING = re.compile(r'[{,]"?([a-z][a-z0-9-]*)"?:\[(\d+),(\d+),\[([^\]]*)\],"[0-9a-f]+","([^"]+)"\]')
_ELEMENT = re.compile(
    r'<(?:i\b(?=[^>]*>\s*</i>)|span\b(?=[^>]*>\s*</span>))([^>]*?)\bclass="([^"]*\bfa-[^"]*)"([^>]*)>\s*</\w+>'
)
_SCRIPT = re.compile(r'\s*<(?:script|link)\b[^>]*scripts/fontawesome\.js[^>]*>(?:</script>)?')
_STYLES = frozenset({"fas", "far", "fab", "fa", "fa-solid", "fa-regular", "fa-brands"})
_SIZES = re.compile(r"fa-(?:lg|sm|xs|\dx|fw)")


@lru_cache(maxsize=2)
def read_icons(script: Path) -> Mapping[str, Icon]:
    """Return name -> width, height and path of every icon in the theme's script.

    Where a name has several drawings the last one counts, which is the solid one.
    """
    icons: dict[str, Icon] = {}
    if not script.is_file():
        return icons
    for match in _DRAWING.finditer(script.read_text("utf-8")):
        drawing = (int(match[2]), int(match[3]), match[5])
        icons[match[1]] = drawing
        for alias in re.findall(r'"([a-z][a-z0-9-]*)"', match[4]):
            icons[alias] = drawing
    return icons


def inline_icons(html: str, icons: Mapping[str, Icon]) -> str:
    """Set the icons of a page in; the script goes when none is left that needs it.

    Examples
    --------
    >>> page = '<script src="scripts/fontawesome.js"></script><i class="fa-solid fa-x"></i>'
    >>> inline_icons(page, {"x": (8, 8, "M0 0")}).startswith("<svg")
    True
    """

    def draw(match: re.Match[str]) -> str:
        names = match[2].split()
        for name in names:
            known = icons.get(name.removeprefix("fa-")) if name not in _STYLES else None
            if name.startswith("fa-") and not _SIZES.fullmatch(name) and known:
                kept = " ".join(["svg-inline--fa", *(each for each in names if each not in _STYLES)])
                width, height, path = known
                return (
                    f'<svg{match[1].rstrip()} class="{kept}"{match[3]} aria-hidden="true" focusable="false" '
                    f'viewBox="0 0 {width} {height}"><path fill="currentColor" d="{path}"></path></svg>'
                )
        return match[0]

    html = _ELEMENT.sub(draw, html)
    return html if _ELEMENT.search(html) else _SCRIPT.sub("", html)
