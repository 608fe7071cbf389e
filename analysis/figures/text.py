"""How wide text is, without a font: lines are clipped and wrapped before they are drawn.

The widths are those of DejaVu Sans, the widest of the fonts in `theme.FONT_FAMILY`, so that text
which fits here fits with every other font of the family too.
"""

from __future__ import annotations

__all__ = ["clip_text", "text_width", "wrap_text"]

#: Advance widths of the characters from space to tilde, in thousandths of the font size.
_ASCII = (
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 "
    "636 636 636 636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 "
    "557 863 748 787 603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 "
    "635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 "
    "592 592 525 636 337 636 838 "
)
_WIDTHS = {chr(32 + index): int(width) for index, width in enumerate(_ASCII.split())}
#: Other characters in use; one that is not listed counts as wide as a capital letter.
_WIDTHS |= {"\u2212": 838, "\u2013": 500, "\u2026": 1000, "\u00b2": 401, "\u00b7": 318}
_WIDTHS |= {"\u2019": 318, "\u2018": 318, "\u201c": 518, "\u201d": 518, "\u202f": 200, "\u00a0": 318}
_WIDTHS |= {"\u03c4": 602, "\u2265": 838, "\u2264": 838, "\u00d7": 838, "\u2020": 500}
_OTHER = 800
#: Bold DejaVu Sans is at most this much wider than the regular cut.
_BOLD = 1.13
_ELLIPSIS = "\u2026"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line of text in the units of its font size.

    Examples
    --------
    >>> round(text_width("84%", 10), 2)
    22.22
    """
    total = sum(_WIDTHS.get(char, _OTHER) for char in text)
    return total * size / 1000 * (_BOLD if bold else 1.0)


def clip_text(text: str, size: float, limit: float, *, bold: bool = False) -> str:
    """Shorten text with an ellipsis until it is no wider than `limit`.

    Examples
    --------
    >>> clip_text("Multicentre registry of distal occlusions", 10, 100)
    'Multicentre regist…'
    """
    if text_width(text, size, bold=bold) <= limit:
        return text
    kept = text
    while kept and text_width(kept.rstrip() + _ELLIPSIS, size, bold=bold) > limit:
        kept = kept[:-1]
    return kept.rstrip() + _ELLIPSIS


def wrap_text(text: str, size: float, limit: float, *, bold: bool = False) -> tuple[str, ...]:
    """Break text at spaces into lines no wider than `limit`; a longer word is clipped.

    Examples
    --------
    >>> wrap_text("one two three", 10, 45)
    ('one two', 'three')
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, size, bold=bold) <= limit:
            line = longer
            continue
        if line:
            lines.append(line)
        line = clip_text(word, size, limit, bold=bold)
    return (*lines, line) if line or not lines else tuple(lines)
