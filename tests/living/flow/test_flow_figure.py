"""The figure of the flow says what the counted flow says."""

from __future__ import annotations

import pytest

from analysis.living.flow import VIEWS, count_flow
from analysis.living.flow_figure import draw_flow, flow_columns
from analysis.living.ledger import Ledger, LedgerRow, load_ledger


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_the_real_flow_is_drawn_with_its_gaps(view):
    flow = count_flow(load_ledger(), ["23.0.0", "26.0.0"], view)
    figure = draw_flow(flow)
    assert figure.name == f"flow-{view}"
    assert "not recorded" in figure.alt
    assert f"Studies in the review: {flow.count('total_studies')}" in figure.alt


def test_each_count_stands_in_one_stage_of_its_column():
    row = LedgerRow("r000001", "20.0.0", "Synthetic base", "database", screen_1="exclude", screen_2="exclude")
    flow = count_flow(Ledger((row,)), ["20.0.0"], "all", searched=["20.0.0"])
    databases, other = ({stage.label: stage for stage in column.boxes} for column in flow_columns(flow))
    assert databases["Records identified"].detail == "Synthetic base: 1"
    assert databases["Records screened"].aside == (("records excluded", 1),)
    assert other["Records identified"].number is None
    assert other["Records identified"].aside == ()


def test_other_methods_have_no_stage_of_screening_and_lose_nobody():
    row = LedgerRow("r000001", "20.0.0", "Synthetic site", "website", screen_1="exclude", screen_2="exclude")
    flow = count_flow(Ledger((row,)), ["20.0.0"], "all", searched=["20.0.0"])
    databases, other = ([stage.label for stage in column.boxes] for column in flow_columns(flow))
    assert "Records screened" in databases
    assert other == [label for label in databases if label != "Records screened"]
    assert flow_columns(flow)[1].boxes[0].aside == (("records excluded", 1),)


def test_a_flow_that_stands_above_is_named_and_not_drawn_again(real):
    from analysis.report.section import Paragraph
    from analysis.review.described import records_flow

    assert len(real.versions) == 2
    assert isinstance(records_flow(real, "updates"), Paragraph)
    assert not isinstance(records_flow(real, "last"), Paragraph)
