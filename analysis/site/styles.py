"""One lean style sheet instead of a dozen: the sheets of theme and book joined, unused rules left out.

The theme's sheets hold rules for every component it could show, and each is a request of its own that
must end before anything is drawn. A rule is kept unless it names a class that stands on no page and in
no script. The font of icons goes too. The sheets themselves stay where they are, for pages that are
not rewritten.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["BUNDLE", "bundle", "keep_used", "link_bundle"]

#: The joined sheet, as seen from the root of the site.
BUNDLE = "_static/site.css"

_SHEET = re.compile(r'[ \t]*<link\b[^>]*\bhref="(?:\.\./)?(_static/[^"?]+\.css)(?:\?[^"]*)?"[^>]*>\n?')
_OPTIONS = re.compile(r'<script src="(?:\.\./)?_static/documentation_options\.js[^"]*"></script>')
_SCRIPT = re.compile(r'<script(?! defer)((?: data-[\w-]+="[^"]*")* src="\.\./_static/)')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r'@import\s+(?:url\()?["\']?([^"\')]+)["\']?\)?\s*;')
_ADDRESS = re.compile(r'url\(\s*(["\']?)(?!data:|#|[a-z]+:)([^"\')]+)\1\s*\)')
_WORD = re.compile(r"[\w-]+")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
#: Alternatives and negations say nothing of what a page must hold.
_OPEN_ENDED = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")
#: Blocks that hold rules, and so are read in turn; others, such as key frames, are kept whole.
_NESTING = ("@media", "@supports", "@container", "@layer")


def _sheets(html: str) -> list[str]:
    return [match[1] for match in _SHEET.finditer(html)]


def bundle(root: Path, pages: Iterable[str]) -> str:
    """Write the joined sheet of pages and return its text.

    Parameters
    ----------
    root
        Root of the built site.
    pages
        HTML of the pages; the sheets are joined in the order of their first use.
    """
    texts = list(pages)
    names = list(dict.fromkeys(name for html in texts for name in _sheets(html)))
    if not names:
        return (root / BUNDLE).read_text("utf-8") if (root / BUNDLE).is_file() else ""
    scripts = [path.read_text("utf-8") for path in sorted((root / "_static").rglob("*.js")) if _counts(path)]
    used = {word for text in (*texts, *scripts) for word in _WORD.findall(text)}
    css = "\n".join(keep_used(_read(root, name), used) for name in names)
    (root / BUNDLE).write_text(css, "utf-8", newline="")
    return css


def _counts(path: Path) -> bool:
    """Tell whether a script can put classes on a page: not the formula engine, nor libraries of icons."""
    return "mathjax" not in path.parts and "fontawesome" not in path.as_posix()


def _read(root: Path, name: str) -> str:
    """Read a sheet with what it imports, addresses set as seen from the joined sheet."""
    text = _COMMENT.sub("", (root / name).read_text("utf-8"))
    folder = posixpath.dirname(name)

    def include(match: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(folder, match[1].split("?")[0]))
        return _read(root, place) if (root / place).is_file() else ""

    def move(match: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(folder, match[2]))
        return f'url("{posixpath.relpath(place, posixpath.dirname(BUNDLE))}")'

    # What is imported has its addresses set already, so it is put in after those of this sheet.
    parts = _IMPORT.split(text)
    found = [_ADDRESS.sub(move, part) if turn % 2 == 0 else part for turn, part in enumerate(parts)]
    imports = iter(_IMPORT.finditer(text))
    return "".join(part if turn % 2 == 0 else include(next(imports)) for turn, part in enumerate(found))


def _blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield each statement: its head, and its body or nothing for a statement that ends in a semicolon."""
    start = depth = body = 0
    quote = ""
    for place, char in enumerate(css):
        if quote:
            quote = "" if char == quote and css[place - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char == "{":
            if depth == 0:
                body = place
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                yield css[start:body].strip(), css[body + 1 : place]
                start = place + 1
        elif char == ";" and depth == 0:
            yield css[start:place].strip(), None
            start = place + 1


def _selectors(head: str) -> list[str]:
    """Split a list of selectors at its commas, leaving those within brackets."""
    parts, depth, start = [], 0, 0
    for place, char in enumerate(head):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(head[start:place])
            start = place + 1
    return [*parts, head[start:]]


def keep_used(css: str, used: set[str]) -> str:
    """Return a sheet without the rules whose classes are never used.

    Examples
    --------
    >>> keep_used(".a, .b:not(.c) { x: y } .d { x: y } @media print { .d { x: y } }", {"b"})
    '.b:not(.c){x: y}'
    """
    kept = []
    for head, body in _blocks(css):
        if body is None:
            kept.append(f"{head};")
        elif head.startswith(_NESTING):
            inner = keep_used(body, used)
            kept += [f"{head}{{{inner}}}"] if inner else []
        elif head == "@font-face" and "Awesome" in body:
            continue  # Icons are set into the pages as pictures.
        elif head.startswith("@"):
            kept.append(f"{head}{{{body.strip()}}}")
        else:
            named = [each.strip() for each in _selectors(head)]
            named = [each for each in named if used.issuperset(_CLASS.findall(_OPEN_ENDED.sub("", each)))]
            kept += [f"{','.join(named)}{{{' '.join(body.split())}}}"] if named else []
    return "\n".join(kept)


def link_bundle(html: str, mark: str, options: str = "") -> str:
    """Return a page one folder down with its sheets replaced by the joined one and its scripts put off.

    Parameters
    ----------
    html
        The page.
    mark
        A text that changes with the sheet, so that no reader keeps an old one.
    options
        The theme's script of options, which is set into the page, as the page adds to it at once.
    """
    first = _SHEET.search(html)
    if first is None or BUNDLE in html:
        return html
    link = f'<link rel="stylesheet" href="../{BUNDLE}?v={mark}">\n'
    html = html[: first.start()] + link + _SHEET.sub("", html[first.start() :])
    if options:
        html = _OPTIONS.sub(lambda match: f"<script>{options}</script>", html)
    return _SCRIPT.sub(r"<script defer\1", html)
