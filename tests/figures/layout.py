"""Where the texts of a picture stand, to find those that collide or leave it."""

from __future__ import annotations

import re
from html import unescape

from analysis.figures.text import text_width


def texts(svg):
    """Text elements with their place: (x, y, anchor, size, content)."""
    found = []
    # What a group says holds for the texts in it.
    spread = re.sub(
        r"<g([^>]*)>(.*?)</g>",
        lambda group: group[2].replace("<text ", f"<text{group[1]} "),
        svg,
        flags=re.DOTALL,
    )
    for match in re.finditer(r"<text ([^>]*)>(?:<title>.*?</title>)?([^<]*)</text>", spread):
        values = dict(re.findall(r'([a-z-]+)="([^"]*)"', match[1]))
        size = float(values.get("font-size", 13))
        bold = values.get("font-weight") == "bold"
        content = unescape(match[2])
        width = text_width(content, size, bold=bold)
        x = float(values["x"])
        left = {"start": x, "middle": x - width / 2, "end": x - width}[values.get("text-anchor", "start")]
        found.append((left, left + width, float(values["y"]), size, content))
    return found


def overlaps(svg):
    """Pairs of texts on the same line that run into each other."""
    items = texts(svg)
    return [
        (one[4], other[4])
        for place, one in enumerate(items)
        for other in items[place + 1 :]
        if abs(one[2] - other[2]) < 0.75 * min(one[3], other[3])
        and one[0] < other[1] - 0.5
        and other[0] < one[1] - 0.5
    ]


def beyond(svg):
    """Texts that leave the picture."""
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    return [item[4] for item in texts(svg) if item[0] < -0.5 or item[1] > width + 0.5]
