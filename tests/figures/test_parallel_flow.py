"""The two-column flow: no arrow leaves its column before both meet in what was included."""

from __future__ import annotations

import re

import pytest

from analysis.figures.flow import FlowBox
from analysis.figures.parallel_flow import FlowColumn, parallel_flow
from tests.figures.layout import beyond, overlaps

LEFT = FlowColumn(
    "Databases and registers",
    (
        FlowBox("Records identified", 40, (("duplicates", 4), ("other reasons", None)), "Synthetic base: 40"),
        FlowBox("Records screened", 36, (("records excluded", 20),)),
        FlowBox("Reports sought for retrieval", None, (("reports not retrieved", None),)),
        FlowBox("Reports assessed for eligibility", 12, (("reports excluded", 5),)),
    ),
)
RIGHT = FlowColumn("Other methods", tuple(FlowBox(box.label, None, box.aside) for box in LEFT.boxes))
INCLUDED, TOTAL = FlowBox("New studies included", 9), FlowBox("Studies in the review", 20)


def _drawn(previous: FlowBox | None = None):
    return parallel_flow((LEFT, RIGHT), INCLUDED, TOTAL, previous, name="flow", title="Synthetic flow")


def _attributes(svg: str, name: str) -> list[dict[str, str]]:
    return [
        dict(re.findall(r'([a-z0-9]+)="([^"]*)"', found)) for found in re.findall(rf"<{name} ([^>]*)", svg)
    ]


def _top(svg: str, text: str) -> float:
    """Height at which a text stands."""
    (found,) = re.findall(rf"<text ([^>]*)>{text}<", svg)
    return float(re.findall(r'\by="([^"]*)"', found)[0])


def test_no_arrow_crosses_from_one_column_into_the_other():
    svg = _drawn(FlowBox("Studies in previous versions", 11)).svg
    width = float(re.search(r'viewBox="0 0 (\S+)', svg)[1])
    end = _top(svg, "New studies included") - 20
    lines = [{key: float(item[key]) for key in ("x1", "x2", "y1", "y2")} for item in _attributes(svg, "line")]
    above = [item for item in lines if min(item["y1"], item["y2"]) < end]

    assert len(above) >= 16
    for item in above:
        assert (item["x1"] < width / 2) == (item["x2"] < width / 2)
        assert item["x1"] == item["x2"] or item["y1"] == item["y2"]


def test_both_columns_stand_beside_each_other_and_lead_into_the_included():
    svg = _drawn().svg
    heads = [_top(svg, column.heading) for column in (LEFT, RIGHT)]
    box = next(item for item in _attributes(svg, "rect") if float(item["width"]) > 400)
    top, left, right = float(box["y"]), float(box["x"]), float(box["x"]) + float(box["width"])
    into = [item for item in _attributes(svg, "line") if abs(float(item["y2"]) - (top - 5)) < 0.1]

    assert heads[0] == heads[1]
    assert len(into) == 2
    assert all(left < float(item["x2"]) < right for item in into)


def test_on_a_phone_no_arrow_reaches_from_one_heading_to_the_next():
    svg = _drawn().svg_narrow
    heads = [_top(svg, text) for text in ("Databases and registers", "Other methods", "Included, from both")]

    assert heads == sorted(heads)
    for item in _attributes(svg, "line"):
        low, high = sorted((float(item["y1"]), float(item["y2"])))
        assert not any(low < head < high for head in heads)


@pytest.mark.parametrize("previous", [None, FlowBox("Studies in previous versions", 11)])
def test_words_stay_apart_and_inside(previous):
    figure = _drawn(previous)
    for svg in (figure.svg, figure.svg_narrow):
        assert overlaps(svg) == []
        assert beyond(svg) == []


def test_a_number_that_was_not_recorded_is_short_and_grey():
    figure = _drawn()
    assert "not recorded" not in figure.svg
    grey, ink = (re.findall(rf"<text ([^>]*)>{text}", figure.svg)[0] for text in ("Reports sought", "New studies"))
    assert f'fill="{LIGHT["muted"]}"' in grey
    assert f'fill="{LIGHT["muted"]}"' not in ink
    assert "Other methods: Records identified: not recorded" in figure.alt
