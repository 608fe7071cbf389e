"""The parts of all figures: text widths, axes, shapes, and colours."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.axis import linear_axis, percent_axis, ratio_axis
from analysis.figures.svg import Drawing, number
from analysis.figures.text import clip_text, text_width, wrap_text
from analysis.figures.theme import ROLES, SERIES

STYLE = Path(__file__).parents[2] / "book" / "_static" / "review.css"


@given(text=st.text(min_size=1, max_size=60), limit=st.floats(20, 300))
def test_clipped_text_fits(text, limit):
    assert text_width(clip_text(text, 13, limit), 13) <= limit


@given(words=st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=20))
def test_wrapped_text_fits_and_loses_nothing(words):
    lines = wrap_text(" ".join(words), 10, 120)
    assert " ".join(lines) == " ".join(words)
    assert all(text_width(line, 10) <= 120 for line in lines)


def test_text_widths_agree_with_the_font():
    """The table was read from DejaVu Sans; matplotlib carries the font."""
    from fontTools.ttLib import TTFont
    from matplotlib import get_data_path

    font = TTFont(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    names, metrics, units = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    for char in map(chr, range(32, 127)):
        width = 1000 * metrics[names[ord(char)]][0] / units
        assert text_width(char, 1000) == pytest.approx(width, abs=1), char


@pytest.mark.parametrize(
    ("values", "end", "last"),
    [
        pytest.param([0.03], 0.05, "5%", id="rare"),
        pytest.param([0.12, 0.37], 0.4, "40%", id="middle"),
        pytest.param([0.61], 0.8, "80%", id="two-thirds"),
        pytest.param([0.84, None, float("nan")], 1.0, "100%", id="common-with-gaps"),
        pytest.param([], 1.0, "100%", id="nothing-known"),
    ],
)
def test_percent_axis_holds_what_it_must(values, end, last):
    axis = percent_axis(values)
    assert axis.high == end
    assert axis.ticks[-1][1] == last
    assert axis.ticks[-1][0] == pytest.approx(end)


def test_ratio_axis_is_even_in_ratios():
    axis = ratio_axis([0.6, 1.9])
    assert axis.holds(1.0)
    assert axis.share(1.0) - axis.share(0.5) == pytest.approx(axis.share(2.0) - axis.share(1.0))
    assert axis.share(0.0) == 0.0


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_linear_axis_holds_all_values(values):
    axis = linear_axis(values)
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low - slack <= min(values)
    assert max(values) <= axis.high + slack
    assert 2 <= len(axis.ticks) <= 12


@pytest.mark.parametrize("values", [[0.0, 0.25], [0.0, 2.5], [0.0, 25.0], [0.0, 0.7]])
def test_linear_ticks_are_told_apart(values):
    texts = [text for _, text in linear_axis(values).ticks]
    assert len(set(texts)) == len(texts)


def test_drawing_escapes_text_and_writes_no_noise():
    drawing = Drawing(100, 50)
    drawing.text(1 / 3, 2, "<script>")
    svg = drawing.render('alt "quoted" & more')
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    assert 'x="0.33"' in svg
    assert 'aria-label="alt &quot;quoted&quot; &amp; more"' in svg
    assert number(-1e-9) == "0"


def test_clipped_text_keeps_its_whole_as_tip():
    drawing = Drawing(100, 50)
    drawing.text(0, 10, "Synthetic registry with a long name", limit=80)
    assert "<title>Synthetic registry with a long name</title>" in drawing.render("x")


def _declared(block: str) -> dict[str, str]:
    return dict(re.findall(r"--fig-([a-z0-9-]+):\s*([^;]+);", block))


def test_style_sheet_repeats_the_theme():
    style = STYLE.read_text(encoding="utf-8")
    dark_start = style.index('html[data-theme="dark"]')
    light, dark = _declared(style[:dark_start]), _declared(style[dark_start:])
    assert light == {role: pair[0] for role, pair in ROLES.items()}
    assert dark == {role: pair[1] for role, pair in ROLES.items()}
    for role in ROLES:
        assert f".f-{role} {{ fill: var(--fig-{role}); }}" in style
        assert f".s-{role} {{ stroke: var(--fig-{role}); }}" in style


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


#: The page colours of the book's theme.
PAGES = ("#ffffff", "#121212")


@pytest.mark.parametrize("role", ["ink", "muted", *SERIES])
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_and_series_colours_stand_out(role, mode):
    assert _contrast(ROLES[role][mode], PAGES[mode]) >= 4.5


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_neighbouring_mrs_grades_differ(mode):
    grades = [ROLES[f"grade-{grade}"][mode] for grade in range(7)]
    assert all(_contrast(one, other) > 1.1 for one, other in itertools.pairwise(grades))
