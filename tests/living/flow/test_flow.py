"""The flow of records: sums on the real ledger and on random synthetic ledgers, and honest gaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evidence.load import load_evidence
from analysis.living.flow import VIEWS, check_flow, count_flow
from analysis.living.ledger import Ledger, LedgerRow, load_ledger, reasons

VERSIONS = ("20.0.0", "21.0.0", "22.0.0")


def _row(number, **cells):
    fixed = {"version": "20.0.0", "source": "Synthetic base", "source_kind": "database"} | cells
    return LedgerRow(record_id=f"r{number:06d}", row=number + 1, **fixed)


def _included(study, report):
    return {
        "screen_final": "include", "retrieved": "yes", "full_final": "include",
        "study_id": study, "report_id": report,
    }  # fmt: skip


#: Cells that put a record into each state.
_STATES = {
    "duplicate": {"duplicate_of": "r000000"},
    "removed_automation": {"removed": "automation"},
    "removed_other": {"removed": "other"},
    "to_screen": {},
    "half_screened": {"screen_1": "include", "screen_1_by": "A"},
    "screen_conflict": {"screen_1": "include", "screen_2": "exclude"},
    "screen_excluded": {"screen_1": "exclude", "screen_2": "exclude"},
    "to_retrieve": {"screen_1": "unsure", "screen_2": "include"},
    "not_retrieved": {"screen_final": "include", "retrieved": "no"},
    "to_assess": {"screen_final": "include", "retrieved": "yes"},
    "full_conflict": {
        "screen_final": "include", "retrieved": "yes", "full_1": "include", "full_2": "exclude",
    },
    "full_excluded": {"screen_final": "include", "retrieved": "yes", "full_final": "exclude"},
    "awaiting": {"screen_final": "include", "retrieved": "yes", "full_final": "awaiting"},
    "to_extract": {"screen_final": "include", "retrieved": "yes", "full_final": "include"},
    "included": {"screen_final": "include", "retrieved": "yes", "full_final": "include"},
}  # fmt: skip


@st.composite
def synthetic_ledgers(draw):
    """Any ledger that the checks allow: records in any state, in any version, from any source."""
    rows = []
    for number in range(draw(st.integers(0, 40))):
        name = draw(st.sampled_from(sorted(_STATES)))
        cells = dict(_STATES[name])
        if name == "full_excluded":
            cells["full_final_reason"] = draw(st.sampled_from(reasons()))
        if name == "included":
            cells |= {"study_id": f"s{draw(st.integers(1, 6))}", "report_id": f"p{number}"}
        cells["version"] = draw(st.sampled_from(VERSIONS))
        cells["source"] = draw(st.sampled_from(["Base A", "Base B", "Register C", "Site D"]))
        cells["source_kind"] = {"R": "register", "S": "website"}.get(cells["source"][0], "database")
        rows.append(_row(number + 1, **cells))
    return Ledger(tuple(rows))


@settings(max_examples=500, deadline=None)
@given(synthetic_ledgers(), st.sampled_from(sorted(VIEWS)), st.integers(1, 3))
def test_every_sum_holds_on_random_ledgers(ledger, view, last):
    versions = VERSIONS[:last]
    flow = count_flow(ledger, versions, view, searched=versions)
    assert check_flow(flow) == ()
    # An independent count of the same facts, straight from the rows.
    new = [row for row in ledger.records if row.version in flow.versions]
    known = sum(box.count or 0 for box in flow.boxes if box.key.endswith(".identified"))
    assert known == len(new)
    shown = [row for row in ledger.records if row.version in versions and row.state == "included"]
    assert flow.count("total_studies") == len({row.study_id for row in shown})
    assert flow.count("total_reports") == len(shown)
    assert set(flow.versions) | set(flow.previous) == set(versions)


@settings(max_examples=100, deadline=None)
@given(synthetic_ledgers())
def test_order_of_rows_changes_nothing(ledger):
    turned = Ledger(tuple(reversed(ledger.records)))
    assert count_flow(turned, VERSIONS, "all") == count_flow(ledger, VERSIONS, "all")


def test_the_check_sees_a_wrong_box():
    flow = count_flow(Ledger((_row(1, **_included("s1", "p1")),)), ["20.0.0"], "all")
    boxes = tuple(replace(b, count=7) if b.key == "databases.screened" else b for b in flow.boxes)
    found = check_flow(replace(flow, boxes=boxes))
    assert [text.split(" ")[0] for text in found] == ["databases.identified", "databases.screened"]


def test_a_worked_example_by_hand():
    rows = (
        _row(1, **_included("s1", "p1")),
        _row(2, duplicate_of="r000001"),
        _row(3, screen_1="exclude", screen_2="exclude"),
        _row(4, version="21.0.0", **_included("s1", "p2")),
        _row(5, version="21.0.0", **_included("s2", "p3")),
        _row(6, version="21.0.0", screen_final="include", retrieved="no"),
        _row(7, version="21.0.0", source="Site", source_kind="website", **_included("s3", "p4")),
    )
    last = count_flow(Ledger(rows), ["20.0.0", "21.0.0"], "last", in_synthesis={"s1", "s2"})
    wanted = {
        "previous_studies": 1, "previous_reports": 1, "databases.identified": 3,
        "databases.screened": 3, "databases.sought": 3, "databases.not_retrieved": 1,
        "databases.assessed": 2, "databases.included": 2, "other.identified": 1, "other.included": 1,
        "new_studies": 2, "new_reports": 3, "total_studies": 3, "total_reports": 4, "in_synthesis": 2,
    }  # fmt: skip
    assert {key: last.count(key) for key in wanted} == wanted
    whole = count_flow(Ledger(rows), ["20.0.0", "21.0.0"], "all")
    assert (whole.count("databases.duplicates"), whole.count("databases.screen_excluded")) == (1, 1)
    assert whole.count("new_studies") == whole.count("total_studies") == 3
    assert whole.previous == ()


def test_unrecorded_is_never_zero():
    flow = count_flow(Ledger((_row(1, hits_recorded="no", source_kind="website", full_final="exclude",
                                   full_final_reason="other"),)), ["20.0.0"], "all")  # fmt: skip
    assert flow["other.identified"].text == "not recorded"
    assert (flow.count("other.full_excluded"), flow.count("databases.identified")) == (1, None)
    searched = count_flow(Ledger(()), ["20.0.0"], "all", searched=["20.0.0"])
    assert searched.count("databases.identified") == 0


def test_the_real_ledger_in_all_views():
    evidence = load_evidence()
    ledger = load_ledger()
    versions = [version.id for version in evidence.versions]
    kept = {study.study_id for study in evidence.studies if study.eligibility == "include"}
    for view in VIEWS:
        flow = count_flow(ledger, versions, view)
        assert check_flow(flow) == ()
        assert flow.count("total_studies") == len(kept)
        assert flow.count("databases.identified") is None
        assert flow.count("other.screened") is None


def test_the_real_ledger_says_what_the_tables_say():
    evidence = load_evidence()
    rows = {row.study_id: row for row in load_ledger().records if row.study_id}
    assert set(rows) == {study.study_id for study in evidence.studies}
    for study in evidence.studies:
        assert rows[study.study_id].full_final == study.eligibility
        assert rows[study.study_id].version == study.first_version
    seen = [item for item in (*evidence.excluded, *evidence.awaiting) if item.in_studies_csv == "no"]
    extra = [row for row in load_ledger().records if not row.study_id]
    assert [(row.title, row.note) for row in extra] == [(item.study, item.reason) for item in seen]
    by = {row.full_final_by for row in rows.values()} | {row.searched_on for row in rows.values()}
    assert by == {"not recorded"}
    assert not any(row.screen_1 or row.full_1 or row.retrieved for row in load_ledger().records)


def test_a_flow_without_versions_or_with_an_unknown_view_is_an_error():
    with pytest.raises(ValueError, match="view"):
        count_flow(Ledger(()), ["20.0.0"], "new")
    with pytest.raises(ValueError, match="version"):
        count_flow(Ledger(()), [])
