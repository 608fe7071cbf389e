"""The counted flow as stages for the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.living.flow import VIEWS, Flow

if TYPE_CHECKING:
    from analysis.figures.figure import Figure
    from analysis.figures.flow import FlowBox

__all__ = ["draw_flow", "flow_stages"]

_BRANCHES = {"databases": "databases and registers", "other": "other methods"}
#: Stage of a branch -> its label, and the boxes that leave the flow there.
_STAGES = (
    ("identified", "Records identified", ("duplicates", "automation", "removed_other")),
    ("screened", "Records screened", ("screen_excluded", "screen_open")),
    ("sought", "Reports sought for retrieval", ("not_retrieved", "retrieval_open")),
    (
        "assessed",
        "Reports assessed for eligibility",
        ("full_excluded", "awaiting", "full_open", "extraction_open"),
    ),
)


def flow_stages(flow: Flow) -> tuple[FlowBox, ...]:
    """Return the stages of a flow from top to bottom, both branches after each other."""
    from analysis.figures.flow import FlowBox

    keys = {box.key for box in flow.boxes}
    stages: list[FlowBox] = []
    if "previous_studies" in keys:
        aside = (("reports", flow.count("previous_reports")),)
        stages.append(FlowBox("Studies in previous versions", flow.count("previous_studies"), aside))
    for branch, name in _BRANCHES.items():
        for key, label, leaving in _STAGES:
            box = flow[f"{branch}.{key}"]
            sources = "; ".join(f"{source}: {count}" for source, count in box.parts)
            stages.append(FlowBox(f"{label} ({name})", box.count, _aside(flow, branch, leaving), sources))
    stages.append(
        FlowBox(
            "New studies included",
            flow.count("new_studies"),
            (("reports", flow.count("new_reports")),),
        )
    )
    stages.append(
        FlowBox(
            "Studies in the review",
            flow.count("total_studies"),
            (("reports", flow.count("total_reports")),),
        )
    )
    if "in_synthesis" in keys:
        stages.append(FlowBox("Studies in a meta-analysis", flow.count("in_synthesis")))
    return tuple(stages)


def _aside(flow: Flow, branch: str, keys: tuple[str, ...]) -> tuple[tuple[str, int | None], ...]:
    """Name what leaves the flow at a stage; an exclusion is split by its reasons.

    A box of open decisions is shown only while something is open.
    """
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
    from analysis.figures.flow import flow as draw

    through = f"version {flow.versions[-1]}"
    title = f"Flow of records, {VIEWS[flow.view].lower()}, to {through}"
    return draw(flow_stages(flow), name=f"flow-{flow.view}", title=title, note=note)
