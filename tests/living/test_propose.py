"""Proposals: from YAML or an issue to checked rows, all or none."""

import csv
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from analysis.__main__ import main
from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import load_evidence
from analysis.judgement.appraise import departures
from analysis.living.flow import check_flow, count_flow
from analysis.living.flow_figure import flow_columns
from analysis.living.ledger import Ledger, LedgerRow, write_ledger
from analysis.living.proposal import FORM, columns, form_labels, read_proposal
from analysis.living.propose import ProposalFaults, preview, write_change
from analysis.living.propose_traces import with_citation
from analysis.living.versions import with_search
from analysis.living.whole import load_whole
from analysis.review.cells import headline

SAMPLES = Path(__file__).with_name("samples")
YAML_TEXT = (SAMPLES / "proposal.yml").read_text("utf-8")
ISSUE_TEXT = (SAMPLES / "issue.txt").read_text("utf-8")
DAY = date(2027, 3, 1)


def _filled(part):
    return {key: value for key, value in part.items() if value}


def test_the_issue_says_the_same_as_the_yaml():
    (one, faults), (other, more) = (read_proposal(text) for text in (YAML_TEXT, ISSUE_TEXT))

    assert faults == more == []
    assert _filled(one.study) == _filled(other.study)
    assert [_filled(row) for row in one.outcomes] == [_filled(row) for row in other.outcomes]
    assert one.read_twice
    assert other.read_twice


def test_every_field_of_the_form_has_a_column():
    assert set(form_labels().values()) <= {*columns("studies").all, "outcomes", "read_twice"}


def test_choices_of_the_form_are_those_of_the_tables(real):
    from analysis.evidence.load import DATA

    schema = json.loads((DATA / "schemas" / "studies.json").read_text("utf-8"))
    allowed = {
        item["name"]: item["constraints"]["enum"]
        for item in schema["fields"]
        if "enum" in item.get("constraints", {})
    }
    for item in yaml.safe_load(FORM.read_text("utf-8"))["body"]:
        if item["type"] == "dropdown" and item["id"] in allowed:
            offered = [str(choice).split(":")[0] for choice in item["attributes"]["options"]]
            assert set(offered) <= set(allowed[item["id"]]), item["id"]


@pytest.mark.parametrize("text", [YAML_TEXT, ISSUE_TEXT], ids=["yaml", "issue"])
def test_a_sound_proposal_enters_the_pools(copy_of_data, text):
    proposal, _ = read_proposal(text)
    change = preview(proposal, DAY, directory=copy_of_data)
    before = load_evidence(copy_of_data)
    assert before.data_hash == load_evidence().data_hash, "a preview writes nothing"

    write_change(change, copy_of_data)

    after = load_evidence(copy_of_data)
    assert change.version == after.versions[-1].id == "27.0.0"
    counts = headline(after, "primary", "mrs02", "27.0.0").counts
    place = counts.study_id.index("synthetic2027")
    assert (counts.events[place], counts.total[place]) == (36, 60)
    assert "synthetic2027" not in headline(after, "primary", "mrs02", "26.0.0").counts.study_id
    moves = change.diff.cell("primary", "mrs02").moves
    assert [move.study_id for move in moves] == ["synthetic2027"]


def _spoilt(edit):
    content = yaml.safe_load(YAML_TEXT)
    edit(content)
    return yaml.safe_dump(content)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda c: c["outcomes"][1].update(events=61), "outcomes[1].events: '61'"),
        (lambda c: c["outcomes"][1].update(total=0), "outcomes[1].total: '0'"),
        (lambda c: c["outcomes"][0].update(outcome="mrs2"), "outcomes[0].outcome: 'mrs2'"),
        (lambda c: c["outcomes"][0].pop("locator"), "outcomes[0].locator: ''"),
        (lambda c: c["study"].update(occlusion="primry"), "study.occlusion: 'primry'"),
        (lambda c: c["study"].update(yaer=2027), "study.yaer: 'yaer': unknown key; expected year"),
        (lambda c: c["study"].update(year=2031), "study.year: '2031'"),
        (lambda c: c["study"].update(doi="10.1161/SVIN.121.000115"), "study.doi"),
        (lambda c: c["study"].update(overlap_group="Nosuch"), "study.overlap_group: 'Nosuch'"),
        (lambda c: c["study"].update(source_url="example.org"), "study.source_url"),
        (lambda c: c["study"].pop("title"), "study.title"),
        (lambda c: c["study"].pop("study_id"), "study.study_id"),
        (lambda c: c.pop("outcomes"), "outcomes: ''"),
        (lambda c: c.update(read_twice="perhaps"), "read_twice: 'perhaps'"),
        (lambda c: c["study"].update(study_id="complete2023"), "the study is excluded"),
    ],
    ids=[
        "events above total", "no patients", "unknown outcome", "no place", "vocabulary",
        "mistyped key", "year after the cut-off", "known DOI", "unknown group", "no address",
        "no title", "no key", "no counts", "not yes or no", "excluded study",
    ],
)  # fmt: skip
def test_a_fault_is_named_as_the_proposer_wrote_it(tmp_path, capsys, edit, named):
    file = tmp_path / "proposal.yml"
    file.write_text(_spoilt(edit), "utf-8")

    assert main(["propose", str(file), "--cut-off", str(DAY)]) == 1
    assert named in capsys.readouterr().err


def test_all_faults_come_at_once():
    def edit(content):
        content["study"]["occlusion"] = "primry"
        content["outcomes"][1]["events"] = 61
        content["outcomes"][3]["locator"] = ""

    proposal, _ = read_proposal(_spoilt(edit))

    with pytest.raises(ProposalFaults) as caught:
        preview(proposal, DAY)

    columns = {fault.column for fault in caught.value.faults}
    assert {"study.occlusion", "outcomes[1].events", "outcomes[3].locator"} <= columns
    # What is filled from another cell is not named twice.
    assert not columns & {"outcomes[0].occlusion", "outcomes[1].events_high"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("study: [", "not readable as YAML"),
        ("- a list", "not a map"),
        ("", "not a map"),
        (ISSUE_TEXT.replace("### Short key", "### Short kee"), "unknown heading"),
        (ISSUE_TEXT.replace("mrs02 | | | 36 | 60 | | table 2, row 2", "mrs02 36/60"), "has 1 parts"),
    ],
    ids=["broken", "list", "empty", "heading", "line"],
)
def test_a_text_that_cannot_be_read_says_why(text, problem):
    _, faults = read_proposal(text)

    assert any(problem in fault.problem for fault in faults)


def test_a_file_that_cannot_be_read_is_told_from_a_faulty_one(tmp_path, capsys):
    (tmp_path / "x.yml").write_bytes(b"%PDF-1.7 synthetic")

    assert main(["propose", str(tmp_path / "x.yml")]) == 2
    assert main(["propose", str(tmp_path / "nosuch.yml")]) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_proposal_in_another_encoding_is_read_and_said(tmp_path, capsys, encoding):
    file = tmp_path / "proposal.yml"
    text = YAML_TEXT.replace("first_author: Synthetic", "first_author: Synthétique").replace(
        "occlusion: primary", "occlusion: primry"
    )
    file.write_bytes(text.replace("\n", "\r\n").encode(encoding))

    assert main(["propose", str(file), "--cut-off", str(DAY)]) == 1
    said = capsys.readouterr().err
    assert "study.occlusion: 'primry'" in said
    assert said.count("\n") == (2 if encoding == "utf-8-sig" else 3)
    assert {"utf-16": "UTF-16", "cp1252": "Windows-1252", "utf-8-sig": ""}[encoding] in said


def test_a_study_that_was_missed_enters_with_the_version_in_which_it_was_found(copy_of_data):
    proposal, _ = read_proposal(YAML_TEXT.replace("year: 2027", "year: 2019"))
    change = preview(proposal, DAY, directory=copy_of_data)
    write_change(change, copy_of_data)

    study = load_evidence(copy_of_data).study("synthetic2027")
    assert (study.year, study.first_version) == (2019, "27.0.0")


def _awaited(study_id):
    content = yaml.safe_load(YAML_TEXT)
    content["study"] = {"study_id": study_id, "source_url": "https://example.org/notice"}
    proposal, faults = read_proposal(yaml.safe_dump(content))
    assert not faults
    return proposal


def test_counts_of_an_awaited_study_take_it_off_the_list(copy_of_data, real):
    waiting = next(
        item for item in real.studies
        if item.eligibility == "awaiting" and item.first_version == "26.0.0"
        and item.occlusion == "primary" and not item.overlap_group
        and not any(row.study_id == item.study_id for row in real.outcomes)
    )  # fmt: skip
    change = preview(_awaited(waiting.study_id), DAY, directory=copy_of_data)
    write_change(change, copy_of_data)
    after = load_evidence(copy_of_data)

    assert change.action == "counts of a study that was awaited"
    assert after.study(waiting.study_id).eligibility == "include"
    assert waiting.study_id not in {item.study_id for item in after.awaiting}
    assert waiting.study_id in headline(after, "primary", "mrs02", "27.0.0").counts.study_id
    # The version before still has it waiting.
    assert after.as_of("26.0.0").study(waiting.study_id).eligibility == "awaiting"
    assert waiting.study_id not in headline(after, "primary", "mrs02", "26.0.0").counts.study_id


def test_further_counts_of_an_included_study_are_known_from_their_version_on(copy_of_data, real):
    known = next(
        item for item in real.studies
        if item.eligibility == "include" and item.occlusion == "primary" and not item.overlap_group
        and item.comparative == "single_arm"
        and "sich" not in {row.outcome for row in real.outcomes if row.study_id == item.study_id}
        and "all" in {row.arm_id for row in real.outcomes if row.study_id == item.study_id}
    )  # fmt: skip
    proposal = _awaited(known.study_id)
    only = ({"outcome": "sich", "events": "0", "total": "4", "locator": "synthetic"},)
    change = preview(replace(proposal, outcomes=only), DAY, directory=copy_of_data)
    write_change(change, copy_of_data)
    after = load_evidence(copy_of_data)

    assert change.action == "further counts of a study that is included"
    pooled = [
        known.study_id in headline(after, "primary", "sich", version).counts.study_id
        for version in ("26.0.0", "27.0.0")
    ]
    assert pooled == [False, True]


def test_two_proposals_can_share_a_version(copy_of_data):
    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)
    second = replace(
        proposal, study=proposal.study | {"study_id": "synthetic2028", "title": "Another synthetic series"}
    )
    change = preview(second, DAY, directory=copy_of_data, into="27.0.0")
    write_change(change, copy_of_data)

    assert [item.id for item in load_evidence(copy_of_data).versions] == ["23.0.0", "26.0.0", "27.0.0"]


@pytest.mark.parametrize(
    ("cut_off", "into", "problem"),
    [(date(2026, 11, 22), None, "too early"), (DAY, "23.0.0", "not the newest version")],
)
def test_a_version_that_cannot_be_made_is_refused(cut_off, into, problem):
    proposal, _ = read_proposal(YAML_TEXT)

    with pytest.raises(ProposalFaults, match=problem):
        preview(proposal, cut_off, into=into)


def test_faulty_tables_are_named_as_such(copy_of_data):
    (copy_of_data / "versions.csv").unlink()
    proposal, _ = read_proposal(YAML_TEXT)

    with pytest.raises(EvidenceFaults, match=r"versions\.csv"):
        preview(proposal, DAY, directory=copy_of_data)


def _with_book(data):
    """Put the bibliography where it lies in the repository."""
    path = data.parent / "book" / "references.bib"
    path.parent.mkdir()
    path.write_text((Path(__file__).parents[2] / "book" / "references.bib").read_text("utf-8"), "utf-8")
    return path


@pytest.mark.parametrize("at", [0, 3, 6])
def test_when_a_file_cannot_be_replaced_none_is(copy_of_data, monkeypatch, at):
    proposal, _ = read_proposal(YAML_TEXT)
    bibliography = _with_book(copy_of_data)
    change = preview(proposal, DAY, directory=copy_of_data)
    files = [*copy_of_data.glob("*.*"), bibliography]
    before = {path: path.read_bytes() for path in files}
    swap, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) > at:
            raise OSError("synthetic: disk is full")
        swap(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk is full"):
        write_change(change, copy_of_data)

    assert len(change.files) == 7
    assert {path: path.read_bytes() for path in files} == before
    assert not [*copy_of_data.glob(".*.part"), *bibliography.parent.glob(".*.part")]


def test_only_rows_are_appended(copy_of_data):
    proposal, _ = read_proposal(YAML_TEXT)
    before = {name: (copy_of_data / f"{name}.csv").read_text("utf-8") for name in ("studies", "outcomes")}
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    for name, text in before.items():
        after = (copy_of_data / f"{name}.csv").read_text("utf-8")
        assert after.startswith(text)
        assert len(list(csv.reader(after[len(text) :].splitlines()))) == (1 if name == "studies" else 4)


def test_the_study_is_cited_with_what_was_given_and_nothing_else(copy_of_data):
    from pybtex.database import parse_string

    bibliography = _with_book(copy_of_data)
    old = bibliography.read_text("utf-8")
    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    new = bibliography.read_text("utf-8")
    entry = parse_string(new, "bibtex").entries["synthetic2027"]
    assert new.startswith(old)
    assert entry.type == "article"
    assert dict(entry.fields) == {
        "title": "A synthetic series for the tests",
        "journal": "Journal of Examples",
        "year": "2027",
        "url": "https://example.org/synthetic2027",
    }
    assert [str(person) for person in entry.persons["author"]] == ["Synthetic", "others"]


@pytest.mark.parametrize(
    "title",
    ["A & B: 50% of #1_x", "Braces {inside} it", "A $5 trial", "Back\\slash", "Größe und ﬁnesse — ü"],
)
def test_a_title_with_signs_of_tex_can_be_read_back(title):
    from pybtex.database import parse_string
    from pybtex.richtext import Text

    text = with_citation("@misc{other, title = {Other}}\n", {"study_id": "x2027", "title": title})
    entry = parse_string(text, "bibtex").entries["x2027"]
    shown = str(Text.from_latex(entry.fields["title"]))

    assert entry.type == "misc"
    assert shown == title.replace("{", "(").replace("}", ")").replace("\\", " ")


def test_a_study_that_no_search_brought_gets_a_row_in_the_ledger(copy_of_data):
    before = load_whole(copy_of_data)[1]
    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    after = load_whole(copy_of_data)[1]
    (row,) = after.records[len(before.records) :]
    assert after.records[: len(before.records)] == before.records
    assert (row.version, row.source, row.source_kind, row.hits_recorded) == (
        "27.0.0",
        "proposal",
        "other",
        "no",
    )
    assert (row.study_id, row.report_id, row.state) == ("synthetic2027", "synthetic2027.1", "included")
    # Who decided is not known to a program.
    assert (row.full_final_by, row.searched_on) == ("not recorded", "not recorded")


def _found(data, **cells):
    """Add the record of the sample to the ledger, as an import would."""
    ledger = load_whole(data)[1]
    row = LedgerRow(
        record_id="r900001", version="26.0.0", source="Synthetic base", source_kind="database",
        searched_on="2026-12-01", title="A synthetic series for the tests.", first_author="Synthetic, A.",
        year="2027", journal="Journal of Examples", row=len(ledger.records) + 2,
    )  # fmt: skip
    write_ledger(Ledger((*ledger.records, replace(row, **cells))), data / "records.csv")
    versions = data / "versions.csv"
    versions.write_text(with_search(versions, row.version, row.searched_on), "utf-8", newline="")


def test_a_record_that_was_found_is_linked_and_keeps_its_decisions(copy_of_data):
    decided = {"screen_1_by": "A", "screen_1": "include", "screen_2_by": "B", "screen_2": "include"}
    _found(copy_of_data, **decided, retrieved="yes")
    size = len(load_whole(copy_of_data)[1].records)
    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    ledger = load_whole(copy_of_data)[1]
    row = ledger.records[-1]
    assert len(ledger.records) == size
    assert (row.study_id, row.report_id) == ("synthetic2027", "synthetic2027.1")
    assert {name: getattr(row, name) for name in decided} == decided
    # The report was not assessed; a proposal does not do that.
    assert row.state == "to_assess"


def test_reports_that_wait_for_extraction_are_no_fault_and_hold_no_study_up(copy_of_data):
    kept = {"screen_final": "include", "screen_final_by": "A", "retrieved": "yes", "full_final": "include",
            "full_final_by": "A"}  # fmt: skip
    _found(copy_of_data, **kept)
    evidence, ledger = load_whole(copy_of_data)
    other = replace(ledger.records[-1], record_id="r900002", title="Another synthetic series that waits",
                    first_author="Other, B", row=len(ledger.records) + 2)  # fmt: skip
    write_ledger(Ledger((*ledger.records, other)), copy_of_data / "records.csv")

    evidence, ledger = load_whole(copy_of_data)
    assert [row.state for row in ledger.records[-2:]] == ["to_extract", "to_extract"]
    flow = count_flow(ledger, [item.id for item in evidence.versions])
    assert (flow.count("databases.extraction_open"), check_flow(flow)) == (2, ())
    assert ("reports included, to be extracted", 2) in [
        pair for column in flow_columns(flow) for box in column.boxes for pair in box.aside
    ]

    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)
    rows = {row.record_id: row for row in load_whole(copy_of_data)[1].records}
    assert (rows["r900001"].state, rows["r900001"].study_id) == ("included", "synthetic2027")
    assert (rows["r900002"].state, rows["r900002"].study_id) == ("to_extract", "")


def test_a_record_that_reviewers_excluded_is_not_let_in_by_a_proposal(copy_of_data):
    _found(copy_of_data, screen_final="exclude", screen_final_by="A")
    proposal, _ = read_proposal(YAML_TEXT)

    with pytest.raises(ProposalFaults, match="the reviewers excluded its record r900001"):
        preview(proposal, DAY, directory=copy_of_data)


def test_a_record_of_another_study_is_named(copy_of_data):
    known = load_whole(copy_of_data)[1].records[0].study_id
    _found(copy_of_data, study_id=known)
    proposal, _ = read_proposal(YAML_TEXT)

    with pytest.raises(ProposalFaults, match=f"belongs to the study {known}"):
        preview(proposal, DAY, directory=copy_of_data)


def test_the_earlier_record_of_an_awaited_study_stays_as_it_was(copy_of_data):
    ledger = load_whole(copy_of_data)[1]
    old = next(row for row in ledger.records if row.state == "awaiting" and row.study_id)
    few = ({"outcome": "mrs02", "events": "2", "total": "4", "locator": "synthetic"},)
    proposal = replace(_awaited(old.study_id), outcomes=few)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    after = load_whole(copy_of_data)[1]
    assert old in after.records
    assert (after.records[-1].study_id, after.records[-1].state) == (old.study_id, "included")
    versions = ["23.0.0", "26.0.0", "27.0.0"]
    flow = count_flow(after, versions, "last")
    assert check_flow(flow) == ()
    assert flow.count("new_studies") == 1
    assert count_flow(after, versions[:2], "all") == count_flow(ledger, versions[:2], "all")


def test_the_rules_judge_the_new_study_and_leave_every_other_judgement(copy_of_data, real):
    proposal, _ = read_proposal(YAML_TEXT)
    write_change(preview(proposal, DAY, directory=copy_of_data), copy_of_data)

    after = load_evidence(copy_of_data)
    new = [row for row in after.judgements if row.study_id == "synthetic2027"]
    old = {(row.study_id, row.tool, row.domain): row.judgement for row in real.judgements}
    assert new
    assert {row.status for row in new} == {"provisional"}
    assert departures(after) == ()
    assert {
        (row.study_id, row.tool, row.domain): row.judgement
        for row in after.judgements
        if row.study_id != "synthetic2027"
    } == old
