"""Every other figure: words carry the numbers, nothing collides, nothing unescaped, data complete."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.figures.baujat import BaujatPoint, baujat
from analysis.figures.bubble import BubblePoint, FittedLine, bubble
from analysis.figures.change import Change, change_plot
from analysis.figures.doi import doi_plot
from analysis.figures.drapery import PValueCurve, drapery
from analysis.figures.forest_rows import Reference
from analysis.figures.funnel import FunnelLimits, funnel
from analysis.figures.gosh import gosh
from analysis.figures.grotta import RankinArm, grotta
from analysis.figures.influence import Diagnostic, influence_panel
from analysis.figures.ladder import Step, ladder, ratio_forest
from analysis.figures.orchard import orchard
from analysis.figures.raster import svg_to_png
from analysis.figures.specification import Specification, specification_curve
from analysis.figures.traffic import JUDGEMENTS, AppraisalRow, summary_bars, traffic_lights
from analysis.synthesis.doi import Doi, doi
from analysis.synthesis.scales import effects
from tests.figures.layout import beyond, overlaps
from tests.figures.samples import synthetic_pooled

NAN = float("nan")
BAD = "<script>alert(1)</script>"
LABELS = (BAD, *(f"Synthetic {number} {2010 + number}" for number in range(1, 9)))
NINE = synthetic_pooled(9, labels=LABELS)
GRID = np.linspace(0.01, 0.99, 99)
DOMAINS = ("Bias arising from the selection of participants", "Missing data", BAD)
REFERENCE = Reference("Published", 0.84, 0.76, 0.90)


def curve(label, middle, width):
    return PValueCurve(label, GRID, np.exp(-(((GRID - middle) / width) ** 2)))


def draw_funnel():
    sizes = np.arange(2.0, 120.0)
    half = 1 / np.sqrt(sizes)
    limits = FunnelLimits(sizes, 0.84 - half, 0.84 + half)
    return funnel(NINE, name="x", title="T", limits=limits, test_line="Synthetic test: p=0.12.")


def draw_ladder():
    steps = [Step(label, 0.7 + 0.01 * i, 0.5, 0.9, f"{i + 1}") for i, label in enumerate(LABELS)]
    return ladder(steps, name="x", title="T", note_head="Studies", guide=0.78, reference=REFERENCE)


def draw_subgroups():
    steps = [
        Step("One", 0.82, 0.74, 0.91, "4 studies", 0.5, 0.97, heading="First"),
        Step(BAD, 0.93, 0.88, 0.99, "4 studies", None, None, heading="Second"),
    ]
    return ladder(steps, name="x", title="T")


def draw_ratios():
    steps = [Step("Trial", 0.9, 0.67, 1.22), Step(BAD, 0.94, 0.8, 1.1, kind="pooled")]
    return ratio_forest(steps, name="x", title="T", favours=("medical better", "thrombectomy better"))


def draw_baujat():
    points = [BaujatPoint(label, 0.5 + i, 0.1 * i) for i, label in enumerate(LABELS)]
    return baujat(points, name="x", title="T")


def draw_gosh():
    draw = np.random.default_rng(3)
    rates, i2 = draw.normal(0.8, 0.03, 500), np.clip(draw.normal(0.5, 0.1, 500), 0, 1)
    rates[0] = NAN
    return gosh(rates, i2, name="x", title="T", marked=rates > 0.8, marked_name=BAD, full=(0.81, 0.55))


def draw_doi():
    study = effects(NINE.events, NINE.total)
    return doi_plot(doi(study.yi, study.vi), LABELS, name="x", title="T")


def draw_orchard():
    return orchard([("One", NINE), (BAD, synthetic_pooled(2))], name="x", title="T")


def draw_bubble():
    points = [
        BubblePoint(label, 2010 + i, float(NINE.events[i]), float(NINE.total[i]), float(NINE.weights[i]))
        for i, label in enumerate(LABELS)
    ]
    years = np.linspace(2010, 2020, 11)
    rates = np.linspace(0.7, 0.8, 11)
    line = FittedLine(years, rates, rates - 0.1, rates + 0.1)
    return bubble(points, name="x", title="T", moderator="Year", line=line, test_line="p=0.2.")


def draw_grotta():
    arms = [
        RankinArm("Trial", "thrombectomy", (36, 58, 59, 47, 26, 3, 42)),
        RankinArm("Trial", BAD, (47, 54, 46, 57, 24, 3, 38)),
        RankinArm("Other", "all", (0, 0, 0, 0, 0, 0, 0)),
    ]
    return grotta(arms, name="x", title="T")


def rows_of_appraisal():
    values = ("low", "some", "high", "unclear", "no_information", "unheard of")
    return [
        AppraisalRow(label, tuple(values[(i + j) % 6] for j in range(3))) for i, label in enumerate(LABELS)
    ]


def draw_lights():
    return traffic_lights(rows_of_appraisal(), DOMAINS, name="x", title="T")


def draw_bars():
    return summary_bars(rows_of_appraisal(), DOMAINS, name="x", title="T")


def draw_specifications():
    items = [
        Specification({"Model": model, "Scope": scope, BAD: "same"}, 0.7 + 0.01 * i, 0.6, 0.9, "equal")
        for i, (model, scope) in enumerate(
            (model, scope) for model in ("GLMM", "IV", BAD) for scope in ("all", "direct")
        )
    ]
    items.append(Specification({"Model": "GLMM", "Scope": "none"}, NAN, NAN, NAN))
    return specification_curve(items, name="x", title="T", primary=0, reference=REFERENCE)


def draw_drapery():
    studies = [curve(label, 0.6 + 0.03 * i, 0.1) for i, label in enumerate(LABELS)]
    return drapery(studies, curve("Pooled", 0.8, 0.05), name="x", title="T", prediction=(0.6, 0.9))


def draw_change():
    changes = [
        Change(BAD, (0.84, 0.7, 0.9), (0.86, 0.8, 0.91)),
        Change("New", None, (0.5, 0.4, 0.6)),
    ]
    return change_plot(changes, name="x", title="T", before="January 2023", after="November 2026")


def draw_influence():
    values = tuple(0.1 * i for i in range(9))
    diagnostics = [
        Diagnostic("Rate without it", tuple(0.8 + v / 50 for v in values), centre=0.81, proportion=True),
        Diagnostic("Standardised change", (*values[:-1], NAN), (-1.0, 0.65)),
        Diagnostic("Cook's distance", values, (None, 0.75)),
    ]
    return influence_panel(LABELS, diagnostics, name="x", title="T")


FIGURES = {
    "funnel": (draw_funnel, ("9 studies", "pooled 84% (76 to 90)", "p=0.12"), 9),
    "ladder": (draw_ladder, ("70% (50 to 90)", "78% (50 to 90)", "Published: 84% (76 to 90)"), 9),
    "subgroups": (draw_subgroups, ("One: 82% (74 to 91)",), 2),
    "ratios": (draw_ratios, ("Trial: 0.90 (0.67 to 1.22)",), 2),
    "baujat": (draw_baujat, ("9 studies", "(8.50; 0.80)"), 9),
    "gosh": (draw_gosh, ("499 subsets", "81%, I² 55%"), None),
    "doi": (draw_doi, ("9 studies from ", "stands at the top", "LFK index "), 9),
    "orchard": (draw_orchard, ("One: 84% (76 to 90) from 9 studies, prediction interval 52 to 96%",), 11),
    "bubble": (draw_bubble, ("70% (60 to 80) at 2010 to 80% (70 to 90) at 2020", "p=0.2."), 9),
    "grotta": (draw_grotta, ("Trial, thrombectomy, 271 patients: 0 13%, 1 21%",), 3),
    "lights": (draw_lights, ("Missing data: ", "high risk 2 (22%)", "not judged"), 9),
    "bars": (draw_bars, ("Missing data: ", "high risk 2 (22%)"), 3),
    "specifications": (draw_specifications, ("6 specifications", "from 70% to 75%"), 7),
    "drapery": (draw_drapery, ("9 studies", "Prediction interval 60 to 90%"), 10),
    "change": (draw_change, ("no estimate before, 50.0% (40 to 60) after",), 2),
    "influence": (draw_influence, ("Synthetic 8 2018 (Cook's distance)", "Synthetic 7 2017 (Standard"), 9),
}


@pytest.fixture(params=FIGURES, scope="module")
def drawn(request):
    function, told, lines = FIGURES[request.param]
    return function(), told, lines


def test_alt_text_holds_the_numbers(drawn):
    figure, told, _ = drawn
    for words in told:
        assert words in figure.alt
    assert figure.alt.endswith(".")


def test_texts_neither_collide_nor_leave_the_picture(drawn):
    figure, _, _ = drawn
    for svg in (figure.svg, figure.svg_narrow):
        assert overlaps(svg) == []
        assert beyond(svg) == []


def test_nothing_is_unescaped_or_undefined(drawn):
    figure, _, _ = drawn
    html = figure._repr_html_()
    assert "<script>" not in html
    assert not re.search(r"\b(nan|NaN|inf|Infinity|None)\b", html)


def test_every_line_of_a_ladder_heads_its_row_also_outside_a_block():
    steps = [Step("All", 0.8, 0.7, 0.9), Step("One", 0.7, 0.6, 0.8, heading="Parts")]
    table = ladder(steps, name="x", title="T").data_table

    assert [row[0].text for row in table.cells] == ["All", "One"]


def test_a_ladder_heads_its_notes_alike_in_figure_and_data():
    assert "Studies" in [column.head for column in draw_ladder().data_table.columns]


def test_data_table_is_complete(drawn):
    figure, _, lines = drawn
    if lines is not None:
        assert len(figure.data_table.cells) == lines
    assert figure.data_table.name == "x-data"


def test_all_pictures_become_png(drawn):
    pytest.importorskip("resvg_py")
    assert svg_to_png(drawn[0].svg, zoom=0.5).startswith(b"\x89PNG")


def test_gosh_counts_every_subset_once():
    table = draw_gosh().data_table
    assert sum(row[2].raw for row in table.cells) == 499


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ladder([], name="x", title="T"),
        lambda: baujat([], name="x", title="T"),
        lambda: bubble([], name="x", title="T", moderator="Age"),
        lambda: grotta([], name="x", title="T"),
        lambda: traffic_lights([], DOMAINS, name="x", title="T"),
        lambda: summary_bars([], DOMAINS, name="x", title="T"),
        lambda: specification_curve([], name="x", title="T"),
        lambda: change_plot([], name="x", title="T", before="a", after="b"),
        lambda: influence_panel([], [], name="x", title="T"),
    ],
)
def test_without_data_a_figure_says_so(draw):
    figure = draw()
    assert figure.alt.startswith("T: no")
    assert len(figure.data_table.cells) == 0


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: grotta([RankinArm("A", "b", (1, 2))], name="x", title="T"), "2 grades, not 7"),
        (lambda: traffic_lights([AppraisalRow("A", ("low",))], DOMAINS, name="x", title="T"), "1 judg"),
        (
            lambda: influence_panel(["A"], [Diagnostic("D", (1.0, 2.0))], name="x", title="T"),
            "2 values for 1 studies",
        ),
    ],
)
def test_input_of_the_wrong_length_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_judgements_are_told_by_symbol_as_well_as_colour():
    svg = draw_lights().svg
    for symbol in ("+", "−", "×", "?", "NI"):
        assert f">{symbol}</text>" in svg


def _dots(svg):
    """Places of the studies of an orchard plot, which are the circles that carry a tip."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"[^>]*><title>', svg)
    return [tuple(map(float, each)) for each in found]


def test_no_dot_of_an_orchard_hides_another_or_lies_under_the_pooled_rate():
    same = synthetic_pooled(5, events=(8, 8, 16, 8, 40), total=(10, 10, 20, 10, 50), estimate=0.8)
    figure = orchard([("One", same)], name="x", title="T")
    for svg in (figure.svg, figure.svg_narrow):
        dots = _dots(svg)
        pooled = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="6.5"', svg)
        dots.append((float(pooled[1]), float(pooled[2]), 6.5))
        assert len(dots) == 6
        for place, (x, y, r) in enumerate(dots):
            for at, up, size in dots[:place]:
                assert (x - at) ** 2 + (y - up) ** 2 >= (r + size) ** 2


def test_a_group_keeps_its_colour_where_another_is_missing():
    groups = [("One", synthetic_pooled(4)), ("Two", synthetic_pooled(4)), ("Three", synthetic_pooled(4))]
    gone = orchard([groups[0], groups[2]], name="x", title="T", ranks=(0, 2)).svg
    assert "f-third" in gone
    assert "f-second" not in gone


def test_each_judgement_has_its_own_look():
    for one, other in (("unclear", "no_information"), ("no_information", "not_applicable")):
        assert JUDGEMENTS[one].role != JUDGEMENTS[other].role
        assert JUDGEMENTS[one].symbol != JUDGEMENTS[other].symbol


def test_names_beside_marks_are_kept_clear_of_lines():
    svg = draw_funnel().svg
    names = [line for line in re.findall(r"<text [^>]*>[^<]*</text>", svg) if "Synthetic" in line]
    assert names
    assert all('paint-order="stroke"' in line for line in names)


def test_a_doi_plot_counts_both_limbs_round_the_study_nearest_the_middle():
    points = Doi(np.array([-1.0, 0.0, 1.0, 2.0]), np.array([-1.2, -0.1, 0.7, 1.9]), np.arange(4), -1.5, ())
    figure = doi_plot(points, ["A", "B", "C", "D"], name="x", title="T")
    assert figure.alt == (
        "Doi plot. T: 4 studies from 27% (A) to 88% (D); B with 50% stands at the top, with 1 on the side of "
        "lower and 2 on the side of higher rates. "
        "LFK index −1.50: minor asymmetry by the convention of its authors."
    )
    heights = [float(up) for up in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"[^>]*><title>', figure.svg)]
    assert heights.index(min(heights)) == 1


@pytest.mark.parametrize("draw", [draw_lights, draw_influence], ids=["lights", "influence"])
def test_no_name_is_cut_on_a_phone(draw, monkeypatch):
    monkeypatch.setitem(globals(), "LABELS", (*LABELS[1:], "[Synthetic registry of] 2019"))
    figure = draw()
    for svg in (figure.svg, figure.svg_narrow):
        assert "…" not in svg
        assert overlaps(svg) == []


def test_a_curve_of_some_specifications_says_how_many_there_are():
    items = [Specification({"Model": model}, 0.7, 0.6, 0.9) for model in ("GLMM", "IV")]

    some = specification_curve(items, name="x", title="T", of=6048)
    every = specification_curve(items, name="x", title="T", of=2)

    assert "2 of 6048 specifications" in some.svg
    assert " of 2" not in every.svg


def test_no_bubble_covers_the_numbers_of_an_axis():
    points = [
        BubblePoint(label, year, events, 40.0, 0.5)
        for label, year, events in (("A", 2018.0, 2.0), ("B", 2018.0, 0.0), ("C", 2026.0, 40.0))
    ]
    drawn = bubble(points, name="x", title="T", moderator="Year")
    for svg in (drawn.svg, drawn.svg_narrow):
        rim = [
            (float(x), float(y), float(r))
            for x, y, r in re.findall(r'<circle[^>]* cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', svg)
        ]
        rates = [float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="end">[\d%]+<', svg)]
        years = [float(y) for y in re.findall(r' y="([\d.]+)"[^>]*text-anchor="middle">20\d\d<', svg)]
        height = 8.5  # of a digit
        assert len(rim) == len(points)
        assert rates
        assert years
        assert all(x - r > max(rates) and y + r < min(years) - height for x, y, r in rim)


def test_the_table_of_a_change_gives_the_difference_of_the_figure():
    item = Change("A", (0.8394, 0.7, 0.9), (0.8036, 0.7, 0.9))
    figure = change_plot([item], name="x", title="T", before="a", after="b")
    shown = figure.data_table.cells[0][-1]

    assert shown.text == "−3.5 points"
    assert ">−3.5 points<" in figure.svg
    assert shown.raw == pytest.approx(-0.0358)
