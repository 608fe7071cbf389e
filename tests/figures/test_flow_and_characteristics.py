"""The flow of studies and the chart of their characteristics."""

from __future__ import annotations

import pytest

from analysis.figures.characteristics import StudyPoint, characteristics
from analysis.figures.flow import FlowBox, flow
from tests.figures.layout import beyond, overlaps

STAGES = (
    FlowBox("Records found", None),
    FlowBox("Reports assessed <all>", 12345, (("Not about distal vessels", 40), ("No count", None))),
    FlowBox("Studies included", 53, detail="of which 22 held primary occlusions only"),
)


def test_flow_says_what_was_not_recorded():
    figure = flow(STAGES, name="flow", title="Flow of synthetic studies")
    assert figure.alt == (
        "Flow of synthetic studies. Records found: not recorded. Reports assessed <all>: "
        "12\u202f345 (left here: Not about distal vessels 40; No count not recorded). "
        "Studies included: 53."
    )
    for svg in (figure.svg, figure.svg_narrow):
        assert ">not recorded</text>" in svg
        assert "n = 12\u202f345" in svg
        assert "Not about distal vessels (n\u00a0=\u00a040)" in svg
        assert "&lt;all&gt;" in svg
        assert overlaps(svg) == []
        assert beyond(svg) == []


def test_flow_data_keeps_raw_numbers():
    rows = flow(STAGES, name="flow", title="Flow").data_table.cells
    assert [row[2].raw for row in rows] == ["", 12345, 40, "", 53]
    assert [row[1].text for row in rows] == ["remaining", "remaining", "left", "left", "remaining"]


@pytest.mark.parametrize("number", [1, 2, 7])
def test_flow_takes_any_number_of_stages(number):
    boxes = [FlowBox(f"Stage {place}", 10 - place, (("Out", 1),)) for place in range(number)]
    figure = flow(boxes, name="flow", title="Flow")
    assert figure.svg.count(">n = ") == number
    assert overlaps(figure.svg) == overlaps(figure.svg_narrow) == []


POINTS = [
    StudyPoint("Synthetic A", 2016, 6, "PCA", "SR", "First"),
    StudyPoint("Synthetic B", 2024, 1373, "mixed", "mixed", "Second"),
    StudyPoint("Synthetic C & D", None, None, "mixed", "ASP", "Second"),
    StudyPoint("Synthetic E", 2024, 80, "mixed", "", "First"),
]


def test_characteristics_in_words():
    alt = characteristics(POINTS, name="map").alt
    assert "4 studies, published 2016 to 2024 (1 without a year)" in alt
    assert "Territory: mixed 3 and PCA 1" in alt
    assert "Technique: SR 1, mixed 1, ASP 1 and not stated 1" in alt
    assert "Patients a study: 6 to 1373" in alt


def test_characteristics_draw_each_study_once():
    figure = characteristics(POINTS, name="map")
    for svg in (figure.svg, figure.svg_narrow):
        for point in POINTS:
            assert svg.count(f"<title>{point.label.replace('&', '&amp;')}:") == 1
        assert overlaps(svg) == []
        assert beyond(svg) == []


def test_characteristics_without_studies_is_a_message():
    assert "no study" in characteristics([], name="map").alt


def test_crowded_characteristics_keep_their_order():
    crowd = [
        StudyPoint(f"Synthetic {i:02}", 2010 + i % 17, 10 * i, f"T{i % 4}", f"K{i % 6}", "First")
        for i in range(80)
    ]
    figure = characteristics(crowd, name="map")
    assert overlaps(figure.svg) == overlaps(figure.svg_narrow) == []


def test_what_is_counted_stands_in_caption_and_words():
    figure = flow(STAGES, name="flow", title="Flow", note="Counts synthetic reports.")
    assert figure.caption == "Flow. Counts synthetic reports."
    assert figure.alt.endswith(". Counts synthetic reports.")
