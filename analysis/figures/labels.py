"""Names beside marks, only where there is room: a name that would collide is left to the tip."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.figures.chart import Frame
from analysis.figures.svg import Anchor, Drawing
from analysis.figures.text import text_width
from analysis.figures.theme import SMALL_SIZE

__all__ = ["place_labels"]

_Box = tuple[float, float, float, float]


def place_labels(
    drawing: Drawing,
    spots: Sequence[tuple[float, float, str]],
    frame: Frame,
    *,
    limit: int,
    radii: Sequence[float] | None = None,
) -> None:
    """Write up to `limit` names beside their marks, in the given order of importance.

    Each name is tried to the right, to the left, above and below its mark; it is dropped when it
    would cover another mark or name or leave the plot.
    """
    sizes = [6.0] * len(spots) if radii is None else [size + 1.5 for size in radii]
    taken: list[_Box] = [
        (x - size, y - size, x + size, y + size) for (x, y, _), size in zip(spots, sizes, strict=True)
    ]
    written = 0
    for place, (x, y, name) in enumerate(spots):
        if written >= limit:
            return
        width, radius = text_width(name, SMALL_SIZE), sizes[place]
        options: list[tuple[float, float, Anchor, float]] = [
            (x + radius + 2, y + 4, "start", x + radius + 2),
            (x - radius - 2, y + 4, "end", x - radius - 2 - width),
            (x, y - radius - 3, "middle", x - width / 2),
            (x, y + radius + 11, "middle", x - width / 2),
        ]
        for at_x, at_y, anchor, start in options:
            box = (start - 1, at_y - 10, start + width + 1, at_y + 3)
            inside = box[0] >= frame.left and box[2] <= frame.right
            inside = inside and box[1] >= frame.top and box[3] <= frame.bottom
            others = [other for index, other in enumerate(taken) if index != place]
            if inside and not any(_meet(box, other) for other in others):
                drawing.text(at_x, at_y, name, size=SMALL_SIZE, fill="muted", anchor=anchor, halo=True)
                taken.append(box)
                written += 1
                break


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
