"""From a proposed study to a checked change of the tables, with a preview of what it would move.

Nothing is written before the changed tables have passed every check in a copy. Writing replaces each
file whole, and puts all of them back when one of them cannot be replaced.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.load import DATA, load_evidence
from analysis.evidence.rows import columns_of
from analysis.files import write_files
from analysis.living.diff import EvidenceDiff, diff_evidence
from analysis.living.ledger import Ledger, ledger_text, read_ledger
from analysis.living.proposal import Proposal
from analysis.living.propose_traces import with_citation, with_proposal
from analysis.living.versions import version_cells
from analysis.living.whole import load_whole
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["Preview", "ProposalFaults", "preview", "write_change"]

#: File -> its records, header first.
Tables = dict[str, list[list[str]]]
_FILES = ("versions", "studies", "outcomes", "double_extraction", "awaiting", "notices")
#: Bibliography of the book, from the folder of the tables.
_BIBLIOGRAPHY = "../book/references.bib"


class ProposalFaults(EvidenceFaults):
    """Raised when a proposal cannot become part of the tables; carries every fault."""


@dataclass(frozen=True, slots=True)
class Preview(Result):
    """A checked proposal: the version it would make, the files it would change, what would move.

    `added` counts the rows that each table would gain, and `files` holds the new content by the path from
    the folder of the tables.
    """

    study_id: str
    version: str
    action: str
    added: dict[str, int]
    diff: EvidenceDiff
    files: dict[str, bytes]

    def rows(self) -> list[dict[str, Any]]:
        """One row a headline result that would change."""
        return [row for row, cell in zip(self.diff.rows(), self.diff.cells, strict=True) if not cell.same]

    def to_dict(self) -> dict[str, Any]:
        """Return the preview without the files' content."""
        return {
            "study_id": self.study_id,
            "version": self.version,
            "action": self.action,
            "rows_added": self.added,
            "files": sorted(self.files),
            "diff": self.diff.to_dict(),
        }


def preview(
    proposal: Proposal,
    cut_off: date,
    *,
    directory: str | Path = DATA,
    into: str | None = None,
) -> Preview:
    """Check a proposal against the tables and return what it would change.

    Parameters
    ----------
    proposal
        The proposal as read.
    cut_off
        Last day that the new version covers.
    directory
        Folder of the tables.
    into
        Add to this version, which must be the newest, instead of making a new one.

    Raises
    ------
    ProposalFaults
        With every fault of the proposal.
    EvidenceFaults
        When the tables are faulty before the proposal.
    """
    folder = Path(directory)
    before = load_evidence(folder)
    tables = {name: _read(folder / f"{name}.csv") for name in _FILES}
    was = {name: [list(row) for row in rows] for name, rows in tables.items()}
    version = _version(before, tables, proposal, cut_off, into)
    action = _apply(before, tables, proposal, version, cut_off)
    files = {f"{name}.csv": _write(rows) for name, rows in tables.items() if rows != was[name]}
    added = {name: len(rows) - len(was[name]) for name, rows in tables.items() if rows != was[name]}
    facts = _facts(before, proposal)
    ledger, more = _ledger(folder, before, proposal, facts, version)
    if more is not None:
        files["records.csv"], added["records"] = ledger_text(ledger).encode(), more
    after = _load_changed(folder, files, proposal, was)
    judged, more_rows = _judgements(before, after)
    if more_rows:
        files["judgements.csv"], added["judgements"] = judged, more_rows
        after = _load_changed(folder, files, proposal, was)
    bibliography = folder / _BIBLIOGRAPHY
    if bibliography.is_file():
        text = bibliography.read_text("utf-8")
        cited = with_citation(text, facts)
        if cited != text:
            files[_BIBLIOGRAPHY], added[bibliography.name] = cited.encode(), 1
    # The version that the proposal joins is compared with the tables as they stand.
    return Preview(
        proposal.study["study_id"],
        version,
        action,
        added,
        diff_evidence(before, after),
        files,
    )


def write_change(change: Preview, directory: str | Path = DATA) -> tuple[Path, ...]:
    """Replace the changed files; either all are replaced, or none.

    Raises
    ------
    OSError
        When a file cannot be written; the tables are then as before.
    """
    folder = Path(directory)
    content = {folder / name: change.files[name] for name in sorted(change.files)}
    write_files(content)
    return tuple(content)


def _read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))


def _write(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _append(table: list[list[str]], values: dict[str, str]) -> None:
    table.append([values.get(name, "") for name in table[0]])


def _version(evidence: Evidence, tables: Tables, proposal: Proposal, cut_off: date, into: str | None) -> str:
    newest = evidence.versions[-1]
    if into is not None:
        if into not in (newest.id, newest.alias):
            fault = Fault(proposal.name, 0, "--into", into, "not the newest version", newest.id)
            raise ProposalFaults((fault,))
        return newest.id
    trigger = f"Counts proposed: {proposal.study.get('study_id', '')}."
    try:
        cells = version_cells(evidence, cut_off, trigger)
    except ValueError as error:
        fault = Fault(proposal.name, 0, "--cut-off", str(cut_off), "too early", str(error))
        raise ProposalFaults((fault,)) from error
    _append(tables["versions"], cells)
    return cells["id"]


def _apply(evidence: Evidence, tables: Tables, proposal: Proposal, version: str, today: date) -> str:
    """Change the tables and say in words what was done."""
    study_id = proposal.study.get("study_id", "")
    if not study_id:
        fault = Fault(proposal.name, 0, "study.study_id", "", "is missing", "first author and year")
        raise ProposalFaults((fault,))
    known = next((item for item in evidence.studies if item.study_id == study_id), None)
    study = dict(proposal.study)
    if known is None:
        _append(
            tables["studies"],
            study | {"evidence_stage": "update", "eligibility": "include", "first_version": version},
        )
        action = "a new study"
    elif known.eligibility == "exclude":
        problem = f"the study is excluded ({known.eligibility_reason})"
        expected = "a study that is not excluded, or an issue about the decision"
        fault = Fault(proposal.name, 0, "study.study_id", study_id, problem, expected)
        raise ProposalFaults((fault,))
    elif known.eligibility == "awaiting":
        _release(tables, proposal, version, today)
        action = "counts of a study that was awaited"
    else:
        action = "further counts of a study that is included"
    base = study if known is None else {name: str(getattr(known, name) or "") for name in study_columns()}
    for row in proposal.outcomes:
        _append_outcome(evidence, tables, proposal, base, row, study_id)
        if known is not None and known.eligibility == "include":
            _notice(tables, proposal, version, today, "addition", row)
    return action


def _facts(evidence: Evidence, proposal: Proposal) -> dict[str, str]:
    """Return the cells of the study, with what the tables know of it where the proposal is silent."""
    known = next((item for item in evidence.studies if item.study_id == proposal.study["study_id"]), None)
    given = {name: value for name, value in proposal.study.items() if value}
    if known is None:
        return given
    stored = {name: getattr(known, name) for name in columns_of(type(known))}
    return {name: str(value) for name, value in stored.items() if value not in (None, "")} | given


def _ledger(
    folder: Path, evidence: Evidence, proposal: Proposal, facts: dict[str, str], version: str
) -> tuple[Ledger, int | None]:
    """Return the ledger with the study in it and the number of rows added, None when it stays as it is."""
    was, faults = read_ledger(folder / "records.csv")
    if faults:
        raise EvidenceFaults(tuple(faults))
    waiting = any(
        item.study_id == facts["study_id"] and item.eligibility == "awaiting" for item in evidence.studies
    )
    now, problems = with_proposal(was, facts, version, awaited=waiting, name=proposal.name)
    if problems:
        raise ProposalFaults(tuple(problems))
    return now, None if now == was else len(now.records) - len(was.records)


def _judgements(before: Evidence, after: Evidence) -> tuple[bytes, int]:
    """Return the table of judgements with what the rules propose for the study, and the rows that this adds.

    Signed rows stay as they are; the new ones are provisional until somebody signs.
    """
    from analysis.judgement.__main__ import appraisal_rows

    rows = appraisal_rows(after)
    table = [list(rows[0]), *([row[name] for name in rows[0]] for row in rows)]
    return _write(table), len(rows) - len(before.judgements)


def study_columns() -> tuple[str, ...]:
    """Columns that an outcome row takes over from its study when it does not say otherwise."""
    return ("occlusion", "technique", "territory", "source_url", "source_kind")


def _release(tables: Tables, proposal: Proposal, version: str, today: date) -> None:
    """Turn an awaiting study into an included one, and note what stood there before."""
    study_id = proposal.study["study_id"]
    head = tables["studies"][0]
    row = next(row for row in tables["studies"] if row[0] == study_id)
    changes = {
        "eligibility": "include",
        "eligibility_reason": proposal.study.get("eligibility_reason", "") or "counts became readable",
    }
    for column, value in changes.items():
        place = head.index(column)
        _notice(tables, proposal, version, today, "correction", {}, column, row[place], value)
        row[place] = value
    waiting = tables["awaiting"]
    tables["awaiting"] = [item for item in waiting if item[waiting[0].index("study_id")] != study_id]


def _append_outcome(
    evidence: Evidence,
    tables: Tables,
    proposal: Proposal,
    study: dict[str, str],
    given: dict[str, str],
    study_id: str,
) -> None:
    numbers = [item.extractor for item in evidence.double_extraction] or [0]
    readers = [max(numbers) + 1 + i for i in range(2 if proposal.read_twice else 1)]
    outcomes = {item.key: item for item in evidence.protocol.outcomes}
    known = outcomes.get(given.get("outcome", ""))
    row = {name: study.get(name, "") for name in study_columns()}
    row |= {
        "study_id": study_id,
        "arm_id": "all",
        "unit": "patients",
        "derivation": "stated",
        "timepoint": known.timepoint if known else "not_stated",
    }
    row |= {name: value for name, value in given.items() if value}
    for bound in ("events_low", "events_high"):
        row.setdefault(bound, row.get("events", ""))
    row["extractors"] = "+".join(map(str, readers))
    row["agreement"] = "agree" if proposal.read_twice else "single"
    row["verified"] = "no"
    _append(tables["outcomes"], row)
    for reader in readers:
        _append(tables["double_extraction"], row | {"extractor": str(reader)})


def _notice(
    tables: Tables,
    proposal: Proposal,
    version: str,
    today: date,
    kind: str,
    row: dict[str, str],
    column: str = "",
    old: str = "",
    new: str = "",
) -> None:
    study_id = proposal.study["study_id"]
    place = [study_id, row.get("arm_id", "") or ("all" if row else ""), row.get("outcome", ""), column]
    name = "-".join(part for part in (version, kind, *place) if part)
    reason = "counts became readable" if kind == "correction" else "counts became readable later"
    _append(
        tables["notices"],
        {
            "notice_id": "".join(char if char.isalnum() else "-" for char in name.lower()),
            "version": version,
            "date": str(today),
            "kind": kind,
            "study_id": study_id,
            "table": "outcomes" if kind == "addition" else "studies",
            "arm_id": place[1],
            "outcome": place[2],
            "column": column,
            "old_value": old,
            "new_value": new,
            "reason": reason,
            "source_url": proposal.study.get("source_url", ""),
        },
    )


def _load_changed(folder: Path, files: dict[str, bytes], proposal: Proposal, was: Tables) -> Evidence:
    """Load the changed tables from a copy; faults are named as the proposer wrote things."""
    with tempfile.TemporaryDirectory(prefix="proposal-") as name:
        copy = Path(name) / "data"
        shutil.copytree(folder, copy)
        for file, content in files.items():
            (copy / file).write_bytes(content)
        try:
            return load_whole(copy)[0]
        except EvidenceFaults as error:
            renamed = dict.fromkeys(_renamed(fault, proposal, was) for fault in error.faults)
            named = tuple(fault for fault in renamed if not _derived(fault, proposal, set(renamed)))
            raise ProposalFaults(named) from error


def _derived(fault: Fault, proposal: Proposal, faults: set[Fault]) -> bool:
    """Tell whether a fault is in a cell that was filled from another cell, which is named already."""
    found = re.fullmatch(r"outcomes\[(\d+)\]\.(\w+)", fault.column)
    if not found or found[2] in proposal.outcomes[int(found[1])]:
        return False
    source = {"events_low": "events", "events_high": "events"}.get(found[2])
    other = f"outcomes[{found[1]}].{source}" if source else f"study.{found[2]}"
    return any(each.column == other for each in faults)


def _renamed(fault: Fault, proposal: Proposal, was: Tables) -> Fault:
    """Name a fault in a row that the proposal brought by the key of the proposal."""
    name = fault.file.removesuffix(".csv")
    if name not in was or fault.row <= len(was[name]):
        return fault
    place = fault.row - len(was[name]) - 1
    if name == "studies":
        return replace(fault, file=proposal.name, row=0, column=f"study.{fault.column}")
    if name in ("outcomes", "double_extraction"):
        if name == "double_extraction" and proposal.read_twice:
            place //= 2
        return replace(fault, file=proposal.name, row=0, column=f"outcomes[{place}].{fault.column}")
    return fault
