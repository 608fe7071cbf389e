"""One visual language: roles with colours for light pages and print, and for dark pages.

The light colours stand in the files, so a figure taken out of the book prints as it is. On a page
the style sheet ``book/_static/review.css`` sets the same roles as CSS variables and swaps them
when the reader chooses the dark theme; a test holds the two equal. The series colours differ in
lightness as well as in hue, so they stay apart for colour-blind readers and in grey print.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = [
    "FONT_FAMILY",
    "FONT_SIZE",
    "NARROW_WIDTH",
    "ROLES",
    "SERIES",
    "SMALL_SIZE",
    "WIDE_WIDTH",
    "colour",
]

#: Role -> (light, dark). Text roles keep a contrast of at least 4.5 to the page, marks at least 3.
ROLES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "paper": ("#ffffff", "transparent"),
        # The page itself, in dark mode too: for open marks and for what keeps words clear of lines.
        "page": ("#ffffff", "#121212"),
        "ink": ("#1b1f24", "#e8eaed"),
        "muted": ("#57606a", "#adb5bd"),
        "grid": ("#d5dae0", "#3d444d"),
        "shade": ("#f1f4f7", "#22272e"),
        "accent": ("#0b5394", "#6cb6ff"),
        "pale": ("#9cc3e6", "#2f5f8f"),
        "second": ("#b34700", "#ff9e57"),
        "third": ("#006d4f", "#4cc9a0"),
        "fourth": ("#8e3a80", "#e29ad6"),
        "fifth": ("#7a5c00", "#e0bf4a"),
        "sixth": ("#4a4a4a", "#c9c9c9"),
        "good": ("#1a7f5a", "#4cc9a0"),
        "unsure": ("#e0b93f", "#e0bf4a"),
        "bad": ("#b3261e", "#ff8a80"),
        "onmark": ("#ffffff", "#0d1117"),
        "dark": ("#1b1f24", "#1b1f24"),
        "light": ("#ffffff", "#ffffff"),
        "grade-0": ("#f3e9d2", "#f3e9d2"),
        "grade-1": ("#e6d3a3", "#e6d3a3"),
        "grade-2": ("#c9c48a", "#c9c48a"),
        "grade-3": ("#8fb08c", "#8fb08c"),
        "grade-4": ("#4f8f96", "#4f8f96"),
        "grade-5": ("#2b5f83", "#2b5f83"),
        "grade-6": ("#1f2d4d", "#3b4d78"),
    }
)

#: Roles for groups, in the order in which groups take them.
SERIES = ("accent", "second", "third", "fourth", "fifth", "sixth")

FONT_FAMILY = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
FONT_SIZE = 13.0
SMALL_SIZE = 11.5

#: Width in units of a figure on a desktop page and on a phone: one unit is about one CSS pixel.
WIDE_WIDTH = 760.0
NARROW_WIDTH = 350.0


def colour(role: str, *, dark: bool = False) -> str:
    """Return the colour of a role.

    Examples
    --------
    >>> colour("ink")
    '#1b1f24'
    """
    return ROLES[role][1 if dark else 0]
