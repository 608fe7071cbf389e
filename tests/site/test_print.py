"""What the style sheet of the review says for whole-page pictures and for paper."""

from __future__ import annotations

import re
from pathlib import Path

CSS = (Path(__file__).parents[2] / "book" / "_static" / "review.css").read_text("utf-8")


def _on_paper() -> str:
    """Rules within `@media print`."""
    found = []
    for match in re.finditer(r"@media print \{", CSS):
        depth, place = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(CSS[place], 0)
            place += 1
        found.append(CSS[match.end() : place - 1])
    return "\n".join(found)


def _rule(selector: str, declared: str) -> bool:
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", _on_paper(), flags=re.DOTALL))
    return any(
        selector in (part.strip() for part in heads.split(",")) and declared in body for heads, body in rules
    )


def test_nothing_waits_for_a_reader_to_scroll():
    assert "content-visibility" not in CSS


def test_the_head_that_repeats_on_paper_keeps_its_words():
    """Chromium paints no button and no sticky cell in a repeated head."""
    assert _rule(".review-table thead th", "position: static")
    assert _rule(".review-table thead button", "display: contents")


def test_paper_has_no_scroll_bar_and_no_second_title():
    assert _rule(".bd-article .cell_output > .output", "overflow: visible")
    assert _rule(".review-table-scroll", "overflow: visible")
    assert _rule("#jb-print-toc", "display: none")


def test_a_closed_fold_is_mentioned_on_paper():
    assert _rule(".review-fold:not([open]) > summary::after", "not printed")
