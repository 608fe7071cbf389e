"""PNG files from the SVG of a figure, the same on every machine.

resvg draws the text with the DejaVu fonts that come with matplotlib, so no system font matters.
Where resvg is not installed no PNG is made, and the caller is told by ``None``.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["svg_to_png"]

#: Twice the size on the page: sharp on dense screens and at journal column width.
_ZOOM = 2.0
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf")


def svg_to_png(svg: str, *, zoom: float = _ZOOM) -> bytes | None:
    """Return the drawing as PNG bytes, or ``None`` when resvg is not installed."""
    if find_spec("resvg_py") is None:
        return None
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=zoom,
            skip_system_fonts=True,
            font_files=[str(_font_folder() / name) for name in _FONTS],
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )
    )


def _font_folder() -> Path:
    """Find matplotlib's fonts without importing matplotlib, which takes seconds."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("PNG files need the fonts that come with matplotlib")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
