"""The flow of records through the review, counted from the ledger.

The boxes are those of PRISMA 2020 for updated reviews, with both branches (databases and registers, other
methods), and three views for a living review: the last version alone, the base with all updates, and
everything combined. A box whose records were never recorded is None, which is shown as "not recorded";
it is never taken for zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.living.ledger import Ledger, LedgerRow
from analysis.results import Result

__all__ = ["VIEWS", "Box", "Flow", "View", "check_flow", "count_flow"]

View = Literal["last", "updates", "all"]
VIEWS: dict[View, str] = {
    "last": "Last version only",
    "updates": "Base version and all updates",
    "all": "All versions combined",
}

#: Box -> label, for each branch; the order is that of the diagram.
_BRANCH_BOXES = (
    ("identified", "Records identified"),
    ("duplicates", "Duplicates removed before screening"),
    ("automation", "Marked ineligible by automation tools"),
    ("removed_other", "Removed before screening for other reasons"),
    ("screened", "Records screened"),
    ("screen_excluded", "Records excluded"),
    ("screen_open", "Records not yet decided"),
    ("sought", "Reports sought for retrieval"),
    ("not_retrieved", "Reports not retrieved"),
    ("retrieval_open", "Reports not yet sought"),
    ("assessed", "Reports assessed for eligibility"),
    ("full_excluded", "Reports excluded"),
    ("awaiting", "Reports awaiting classification"),
    ("full_open", "Reports not yet decided"),
    ("extraction_open", "Reports included, to be extracted"),
    ("included", "Reports included"),
)
#: Boxes that can be counted although the hits of the search are not recorded: decisions stand in the ledger.
_DECIDED = ("full_excluded", "awaiting", "extraction_open", "included")
_STATE_BOX = {
    "duplicate": "duplicates",
    "removed_automation": "automation",
    "removed_other": "removed_other",
    "to_screen": "screen_open",
    "screen_conflict": "screen_open",
    "screen_excluded": "screen_excluded",
    "to_retrieve": "retrieval_open",
    "not_retrieved": "not_retrieved",
    "to_assess": "full_open",
    "full_conflict": "full_open",
    "full_excluded": "full_excluded",
    "awaiting": "awaiting",
    "to_extract": "extraction_open",
    "included": "included",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its count, or None when not recorded, and the parts that the count is made of."""

    key: str
    label: str
    count: int | None
    parts: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """The count as shown."""
        return "not recorded" if self.count is None else str(self.count)


@dataclass(frozen=True, slots=True)
class Flow(Result):
    """Every box of the flow diagram in one view.

    Attributes
    ----------
    view : str
        "last", "updates" or "all".
    versions : tuple of str
        Evidence versions whose records are counted as new.
    previous : tuple of str
        Versions that stand in the boxes of previous studies; empty when everything is combined.
    boxes : tuple of Box
        In the order of the diagram. Keys of branches begin with "databases." or "other.".
    """

    view: View
    versions: tuple[str, ...]
    previous: tuple[str, ...]
    boxes: tuple[Box, ...]

    def __getitem__(self, key: str) -> Box:
        """Return one box by its key."""
        for box in self.boxes:
            if box.key == key:
                return box
        raise KeyError(f"no box {key!r} in the flow")

    def count(self, key: str) -> int | None:
        """Return the count of one box."""
        return self[key].count

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a box; parts stand in one cell."""
        return [
            {
                "box": box.key,
                "label": box.label,
                "count": box.text,
                "parts": "; ".join(f"{name} {count}" for name, count in box.parts),
            }
            for box in self.boxes
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the flow as one object; a box that is not recorded is null."""
        return {
            "view": self.view,
            "versions": list(self.versions),
            "previous": list(self.previous),
            "boxes": {box.key: {"count": box.count, "parts": dict(box.parts)} for box in self.boxes},
        }


def count_flow(
    ledger: Ledger,
    versions: Sequence[str],
    view: View = "last",
    *,
    in_synthesis: Collection[str] | None = None,
    searched: Collection[str] = (),
) -> Flow:
    """Count every box of the flow from the ledger.

    Parameters
    ----------
    ledger : Ledger
        All records.
    versions : sequence of str
        Ids of the evidence versions, oldest first, up to the one that is reported.
    view : {"last", "updates", "all"}
        What is new: the last version, all versions after the first, or all.
    in_synthesis : collection of str, optional
        Keys of the studies that a meta-analysis used.
    searched : collection of str
        Versions whose database search is recorded. Only there an empty branch means no hit.

    Returns
    -------
    Flow
        The boxes; `check_flow` proves their sums.
    """
    if view not in VIEWS:
        raise ValueError(f"view {view!r} is unknown; expected one of {', '.join(VIEWS)}")
    if not versions:
        raise ValueError("the flow needs at least one version")
    cut = {"last": len(versions) - 1, "updates": min(1, len(versions) - 1), "all": 0}[view]
    previous, new = tuple(versions[:cut]), tuple(versions[cut:])
    earlier = [row for row in ledger.records if row.version in previous]
    rows = [row for row in ledger.records if row.version in new]
    boxes: list[Box] = []
    before = {row.study_id for row in earlier if row.state == "included"}
    if previous:
        reports = sum(row.state == "included" for row in earlier)
        boxes.append(Box("previous_studies", "Studies in previous versions", len(before)))
        boxes.append(Box("previous_reports", "Reports of studies in previous versions", reports))
    whole = bool(searched) and set(new) <= set(searched)
    for branch in ("databases", "other"):
        part = [row for row in rows if row.branch == branch]
        boxes += _branch(branch, part, recorded=whole and branch == "databases")
    included = [row for row in rows if row.state == "included"]
    found = {row.study_id for row in included}
    boxes.append(Box("new_studies", "New studies included", len(found - before)))
    boxes.append(Box("new_reports", "Reports of new studies, and new reports", len(included)))
    boxes.append(Box("total_studies", "Studies in the review", len(found | before)))
    total = len(included) + sum(row.state == "included" for row in earlier)
    boxes.append(Box("total_reports", "Reports of studies in the review", total))
    if in_synthesis is not None:
        boxes.append(Box("in_synthesis", "Studies in a meta-analysis", len(set(in_synthesis))))
    return Flow(view, new, previous, tuple(boxes))


def _branch(branch: str, rows: list[LedgerRow], *, recorded: bool) -> list[Box]:
    counts = Counter(_STATE_BOX[row.state] for row in rows)
    counts["identified"] = len(rows)
    counts["screened"] = len(rows) - sum(counts[key] for key in ("duplicates", "automation", "removed_other"))
    counts["sought"] = counts["screened"] - counts["screen_excluded"] - counts["screen_open"]
    counts["assessed"] = counts["sought"] - counts["not_retrieved"] - counts["retrieval_open"]
    partly = any(row.hits_recorded != "yes" for row in rows)
    boxes = []
    for key, label in _BRANCH_BOXES:
        # A branch without a row was not searched, as far as anything recorded shows; and where hits
        # are missing, all steps before the decisions are unknown.
        unknown = (not rows and not recorded) or (partly and key not in _DECIDED)
        parts: tuple[tuple[str, int], ...] = ()
        if key == "identified" and not unknown:
            parts = _tally(row.source for row in rows)
        elif key == "full_excluded" and rows:
            parts = _tally(row.full_reason for row in rows if row.state == "full_excluded")
        boxes.append(Box(f"{branch}.{key}", label, None if unknown else counts[key], parts))
    return boxes


def _tally(names: Any) -> tuple[tuple[str, int], ...]:
    """Count names, most frequent first, ties by name."""
    return tuple(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def check_flow(flow: Flow) -> tuple[str, ...]:
    """Return every sum that does not hold, in words; a sum with an unrecorded box is left out."""
    wrong: list[str] = []

    def holds(whole: str, parts: Sequence[str]) -> None:
        known = [box for box in flow.boxes if box.key in {whole, *parts}]
        counts = {box.key: box.count for box in known}
        if len(counts) < 1 + len(parts) or None in counts.values():
            return
        total = sum(counts[part] or 0 for part in parts)
        if counts[whole] != total:
            wrong.append(f"{whole} is {counts[whole]}, its parts {', '.join(parts)} make {total}")

    for name in ("databases", "other"):
        for whole, parts in _SUMS:
            holds(f"{name}.{whole}", [f"{name}.{part}" for part in parts])
        for key in ("identified", "full_excluded"):
            box = flow[f"{name}.{key}"]
            if box.count is not None and sum(count for _, count in box.parts) != box.count:
                wrong.append(f"the parts of {box.key} do not make {box.count}")
    branches = [flow.count(f"{name}.included") or 0 for name in ("databases", "other")]
    if flow.count("new_reports") != sum(branches):
        wrong.append(f"new_reports is {flow.count('new_reports')}, its branches make {sum(branches)}")
    keys = {box.key for box in flow.boxes}
    if "previous_studies" in keys:
        holds("total_studies", ["previous_studies", "new_studies"])
        holds("total_reports", ["previous_reports", "new_reports"])
    else:
        holds("total_studies", ["new_studies"])
        holds("total_reports", ["new_reports"])
    if "in_synthesis" in keys and (flow.count("in_synthesis") or 0) > (flow.count("total_studies") or 0):
        wrong.append("more studies are pooled than are in the review")
    return tuple(wrong)


_SUMS = (
    ("identified", ("duplicates", "automation", "removed_other", "screened")),
    ("screened", ("screen_excluded", "screen_open", "sought")),
    ("sought", ("not_retrieved", "retrieval_open", "assessed")),
    ("assessed", ("full_excluded", "awaiting", "full_open", "extraction_open", "included")),
)
