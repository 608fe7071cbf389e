"""The counted flow as the two columns of the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.living.flow import VIEWS, Flow
from analysis.report.numbers import counted

if TYPE_CHECKING:
    from analysis.figures.figure import Figure
    from analysis.figures.flow import FlowBox
    from analysis.figures.parallel_flow import FlowColumn

__all__ = ["draw_flow", "flow_columns"]

_BRANCHES = {"databases": "Databases and registers", "other": "Other methods"}
#: Ways out before screening; where none of them is counted they are named in one.
_BEFORE = ("duplicates", "automation", "removed_other")
_SCREENED = ("screen_excluded", "screen_open")
#: Stage of a branch -> its label, and the boxes that leave the flow there.
_STAGES = (
    ("identified", "Records identified", _BEFORE),
    ("screened", "Records screened", _SCREENED),
    ("sought", "Reports sought for retrieval", ("not_retrieved", "retrieval_open")),
    (
        "assessed",
        "Reports assessed for eligibility",
        ("full_excluded", "awaiting", "full_open", "extraction_open"),
    ),
)


def flow_columns(flow: Flow) -> tuple[FlowColumn, FlowColumn]:
    """Return the stages of both branches, each from top to bottom."""
    from analysis.figures.flow import FlowBox
    from analysis.figures.parallel_flow import FlowColumn

    columns = []
    for branch, heading in _BRANCHES.items():
        stages = []
        for key, label, leaving in _STAGES:
            if branch == "other" and key == "screened":
                continue  # PRISMA 2020 goes from identification to retrieval here
            box = flow[f"{branch}.{key}"]
            aside = _aside(flow, branch, leaving)
            if branch == "other" and key == "identified":
                left = aside + _aside(flow, branch, _SCREENED)
                aside = tuple((reason, number) for reason, number in left if number)
            sources = "; ".join(f"{source}: {count}" for source, count in box.parts)
            stages.append(FlowBox(label, box.count, aside, sources))
        columns.append(FlowColumn(heading, tuple(stages)))
    return columns[0], columns[1]


def _with_reports(flow: Flow, label: str, kind: str) -> FlowBox:
    """Return a box of studies; how many reports they are stands within it."""
    from analysis.figures.flow import FlowBox

    reports = flow.count(f"{kind}_reports")
    return FlowBox(label, flow.count(f"{kind}_studies"), detail=f"in {counted(reports or 0, 'report')}")


def _aside(flow: Flow, branch: str, keys: tuple[str, ...]) -> tuple[tuple[str, int | None], ...]:
    """Name what leaves the flow at a stage; an exclusion is split by its reasons.

    A box of open decisions is shown only while something is open.
    """
    if keys == _BEFORE and all(flow.count(f"{branch}.{key}") is None for key in keys):
        return (("removed before screening", None),)
    found: list[tuple[str, int | None]] = []
    for key in keys:
        box = flow[f"{branch}.{key}"]
        if box.parts:
            found += [(f"excluded: {name.replace('_', ' ')}", count) for name, count in box.parts]
        elif not (key.endswith("_open") and not box.count):
            found.append((box.label.lower(), box.count))
    return tuple(found)


def draw_flow(flow: Flow, note: str = "") -> Figure:
    """Draw a flow with its view and versions in the title; `note` says what is counted."""
    from dataclasses import replace

    from analysis.figures.parallel_flow import parallel_flow

    keys = {box.key for box in flow.boxes}
    total = _with_reports(flow, "Studies in the review", "total")
    if "in_synthesis" in keys:
        pooled = counted(flow.count("in_synthesis") or 0, "study", "studies")
        total = replace(total, detail=f"{total.detail}; {pooled} in a meta-analysis")
    before = _with_reports(flow, "Studies in previous versions", "previous") if flow.previous else None
    return parallel_flow(
        flow_columns(flow),
        _with_reports(flow, "New studies included", "new"),
        total,
        before,
        name=f"flow-{flow.view}",
        title=f"Flow of records, {VIEWS[flow.view].lower()}, to version {flow.versions[-1]}",
        note=f"{note} A question mark stands for a number that was not recorded.".strip(),
    )
