"""A small SVG writer: shapes take roles instead of colours, and equal drawings give equal text.

Each shape carries the light colour as an attribute and its role as a class (``f-`` for fill, ``s-``
for stroke). A style sheet on the page may override the attribute; a file on its own needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Literal

from analysis.figures.text import clip_text
from analysis.figures.theme import FONT_FAMILY, FONT_SIZE, colour

__all__ = ["Anchor", "Drawing", "number"]

Anchor = Literal["start", "middle", "end"]
_NS = "http://www.w3.org/2000/svg"


def number(value: float) -> str:
    """Write a coordinate with at most two decimals.

    Examples
    --------
    >>> number(3.14159), number(2.0), number(-0.001)
    ('3.14', '2', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


class Drawing:
    """A drawing of a given width whose height may grow until it is written."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "accent",
        stroke: str | None = None,
        radius: float = 0.0,
        opacity: float = 1.0,
        tip: str = "",
    ) -> None:
        """Draw a rectangle."""
        corner = f' rx="{number(radius)}"' if radius else ""
        self._add(
            "rect",
            f'x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" '
            f'height="{number(max(height, 0))}"{corner}{_paint(fill, stroke, opacity=opacity)}',
            tip,
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        stroke: str = "ink",
        width: float = 1.0,
        dash: str = "",
    ) -> None:
        """Draw a straight line."""
        self._add(
            "line",
            f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
            f"{_paint(None, stroke, width, dash)}",
        )

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        *,
        fill: str | None = "accent",
        stroke: str | None = None,
        width: float = 1.0,
        opacity: float = 1.0,
        tip: str = "",
        mark: str = "",
    ) -> None:
        """Draw a circle; `mark` names what it stands for, for a script on the page."""
        known = f' data-mark="{escape(mark)}"' if mark else ""
        self._add(
            "circle",
            f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"{known}'
            f"{_paint(fill, stroke, width, opacity=opacity)}",
            tip,
        )

    def circles(
        self,
        places: Iterable[tuple[float, str]],
        y: float,
        radius: float,
        *,
        fill: str = "accent",
    ) -> None:
        """Draw circles of one look in a row, each by its place and tip; the look is written once."""
        self._parts.append(f"<g{_paint(fill, None)}>")
        for x, tip in places:
            self._add("circle", f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"', tip)
        self._parts.append("</g>")

    def polygon(
        self,
        points: Iterable[tuple[float, float]],
        *,
        fill: str | None = "accent",
        stroke: str | None = None,
        width: float = 1.0,
        opacity: float = 1.0,
        tip: str = "",
    ) -> None:
        """Draw a closed shape."""
        self._add(
            "polygon",
            f'points="{_points(points)}"{_paint(fill, stroke, width, opacity=opacity)}',
            tip,
        )

    def path(self, outline: str, *, fill: str = "accent", opacity: float = 1.0) -> None:
        """Draw a shape given by path commands."""
        self._add("path", f'd="{escape(outline)}"{_paint(fill, None, opacity=opacity)}')

    def polyline(
        self,
        points: Iterable[tuple[float, float]],
        *,
        stroke: str = "ink",
        width: float = 1.0,
        dash: str = "",
        opacity: float = 1.0,
    ) -> None:
        """Draw an open line through points."""
        self._add(
            "polyline",
            f'points="{_points(points)}"{_paint(None, stroke, width, dash, opacity)}',
        )

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        size: float = FONT_SIZE,
        fill: str = "ink",
        anchor: Anchor = "start",
        bold: bool = False,
        italic: bool = False,
        limit: float | None = None,
        upright: bool = False,
        tip: str = "",
        href: str = "",
        halo: bool = False,
    ) -> None:
        """Write one line of text with its baseline at `y`; with `href`, as a link.

        With `limit`, text that would be wider is clipped and the whole of it becomes its tip.
        `upright` turns the line to read from bottom to top; `halo` keeps lines beneath off the letters.
        """
        shown = content if limit is None else clip_text(content, size, limit, bold=bold)
        values = f'x="{number(x)}" y="{number(y)}"'
        if size != FONT_SIZE:
            values += f' font-size="{number(size)}"'
        if anchor != "start":
            values += f' text-anchor="{anchor}"'
        if bold:
            values += ' font-weight="bold"'
        if italic:
            values += ' font-style="italic"'
        if upright:
            values += f' transform="rotate(-90 {number(x)} {number(y)})"'
        if halo:
            values += f'{_paint(fill, "page", 3)} stroke-linejoin="round" paint-order="stroke"'
        elif fill != "ink":
            values += _paint(fill, None)
        whole = content if shown != content else tip
        title = f"<title>{escape(whole)}</title>" if whole else ""
        line = f"<text {values}>{title}{escape(shown)}</text>"
        self._parts.append(f'<a href="{escape(href)}">{line}</a>' if href else line)

    def texts(
        self,
        places: Iterable[float],
        y: float,
        content: str,
        *,
        size: float = FONT_SIZE,
        fill: str = "ink",
        bold: bool = False,
    ) -> None:
        """Write one word at several places of a row, each centred; the look is written once."""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(f'<g font-size="{number(size)}" text-anchor="middle"{weight}{_paint(fill, None)}>')
        self._parts += [f'<text x="{number(x)}" y="{number(y)}">{escape(content)}</text>' for x in places]
        self._parts.append("</g>")

    def render(self, alt: str) -> str:
        """Return the drawing as an ``<svg>`` element that scales with its place."""
        width, height = number(self.width), number(self.height)
        body = "\n".join(self._parts)
        # An image hides what is inside it from assistive technology, links too.
        role = "group" if "<a href=" in body else "img"
        return (
            f'<svg xmlns="{_NS}" class="figure-svg f-ink" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" fill="{colour("ink")}" '
            f'font-family="{FONT_FAMILY}" font-size="{number(FONT_SIZE)}" '
            f'role="{role}" aria-label="{escape(alt)}">\n'
            f'<rect class="f-paper" width="{width}" height="{height}" fill="{colour("paper")}"/>\n'
            f"{body}\n</svg>"
        )

    def _add(self, tag: str, values: str, tip: str = "") -> None:
        end = f"><title>{escape(tip)}</title></{tag}>" if tip else "/>"
        self._parts.append(f"<{tag} {values}{end}")


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def _paint(
    fill: str | None,
    stroke: str | None,
    width: float = 1.0,
    dash: str = "",
    opacity: float = 1.0,
) -> str:
    names = []
    values = ""
    if fill is not None:
        names.append(f"f-{fill}")
        values += f' fill="{colour(fill)}"'
    else:
        values += ' fill="none"'
    if stroke is not None:
        names.append(f"s-{stroke}")
        values += f' stroke="{colour(stroke)}"'
        if width != 1.0:
            values += f' stroke-width="{number(width)}"'
    if dash:
        values += f' stroke-dasharray="{dash}"'
    if opacity != 1.0:
        values += f' opacity="{number(opacity)}"'
    return f' class="{" ".join(names)}"{values}' if names else values
