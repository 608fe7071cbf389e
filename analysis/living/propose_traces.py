"""What a proposal leaves beside the evidence: its line in the ledger and its citation.

Nothing is decided and nothing is made up here. A record that reviewers found keeps their decisions and
gets the keys of study and report; a citation holds the fields that the proposal gives, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from analysis.evidence.faults import Fault
from analysis.living.ledger import NOT_RECORDED, Ledger, LedgerRow
from analysis.living.ledger_import import add_records
from analysis.living.records.record import Record, clean_doi

__all__ = ["citation", "with_citation", "with_proposal"]

#: Source of a record that no search brought.
PROPOSED = "proposal"
#: States in which reviewers have said no.
_REFUSED = ("screen_excluded", "full_excluded")


def with_proposal(
    ledger: Ledger, study: Mapping[str, str], version: str, *, awaited: bool, name: str
) -> tuple[Ledger, list[Fault]]:
    """Return the ledger with the proposed study in it.

    Parameters
    ----------
    ledger
        The ledger as it stands.
    study
        The study's cells, those known before included.
    version
        Version that the study, or its counts, enter with.
    awaited
        Whether the study was waiting for its counts: its earlier record then keeps its place and state, and
        the page that shows the counts becomes a record of its own.
    name
        Name of the proposal, for faults.
    """
    study_id = study["study_id"]
    own = [row for row in ledger.records if row.study_id == study_id and not row.duplicate_of]
    if own and not awaited:
        # The study stands there; only a page that was not known yet is a new report of it.
        if study.get("source_url", "") in {"", *(row.url for row in own)} or any(not row.url for row in own):
            return ledger, []
        return _appended(ledger, study, version), []
    if own:
        return _appended(ledger, study, version), []
    found = add_records(
        ledger, [_record(study)], version=version, searched_on=NOT_RECORDED, source_kind="other"
    )
    known = found.added[0].duplicate_of if found.added else ""
    if not known:
        return _appended(ledger, study, version), []
    rows = {row.record_id: row for row in ledger.records}
    row = rows[known]
    if row.state in _REFUSED or row.removed:
        reason = row.full_reason or row.screen_1_reason or row.screen_2_reason or "no reason given"
        problem = f"the reviewers excluded its record {known} ({reason})"
        fault = Fault(name, 0, "study.title", study.get("title", ""), problem, "an issue about the decision")
        return ledger, [fault]
    if row.study_id not in ("", study_id):
        problem = f"its record {known} belongs to the study {row.study_id}"
        fault = Fault(name, 0, "study.study_id", study_id, problem, f"{row.study_id}, or another study")
        return ledger, [fault]
    rows[known] = replace(row, study_id=study_id, report_id=row.report_id or _report(ledger, study_id))
    return Ledger(tuple(rows[each.record_id] for each in ledger.records)), []


def _record(study: Mapping[str, str]) -> Record:
    year = study.get("year", "")
    author = study.get("first_author", "")
    return Record(
        source=PROPOSED,
        file="proposal",
        position=1,
        title=study.get("title", ""),
        authors=(author,) if author else (),
        year=int(year) if year.isascii() and year.isdigit() else None,
        journal=study.get("journal", ""),
        doi=clean_doi(study.get("doi", "")),
        pmid=study.get("pmid", ""),
        nct=study.get("registration", "") if study.get("registration", "").startswith("NCT") else "",
    )


def _appended(ledger: Ledger, study: Mapping[str, str], version: str) -> Ledger:
    """Add a record that no recorded search brought: who decided, and when, is not known."""
    number = max((int(row.record_id[1:]) for row in ledger.records), default=0) + 1
    record = _record(study)
    row = LedgerRow(
        record_id=f"r{number:06d}",
        version=version,
        source=PROPOSED,
        source_kind="other",
        hits_recorded="no",
        title=record.title,
        first_author=study.get("first_author", ""),
        year="" if record.year is None else str(record.year),
        journal=record.journal,
        doi=record.doi,
        pmid=record.pmid,
        nct=record.nct,
        url=study.get("source_url", ""),
        full_final="include",
        full_final_by=NOT_RECORDED,
        report_id=_report(ledger, study["study_id"]),
        study_id=study["study_id"],
        row=len(ledger.records) + 2,
    )
    return Ledger((*ledger.records, row))


def _report(ledger: Ledger, study_id: str) -> str:
    taken = {row.report_id for row in ledger.records}
    return next(key for place in range(1, len(taken) + 2) if (key := f"{study_id}.{place}") not in taken)


def with_citation(bibliography: str, study: Mapping[str, str]) -> str:
    """Return the bibliography with the study in it; one that has the key stays as it is."""
    from pybtex.database import parse_string

    if study["study_id"] in parse_string(bibliography, "bibtex").entries:
        return bibliography
    return bibliography.rstrip("\n") + "\n\n" + citation(study)


def citation(study: Mapping[str, str]) -> str:
    r"""Return the BibTeX entry of a study from the fields that are given.

    As in the whole bibliography, "and others" stands for authors that are not written out.

    Examples
    --------
    >>> print(citation({"study_id": "author2027", "title": "A & B", "year": "2027"}), end="")
    @misc{author2027,
      title = {A \& B},
      year = {2027},
      note = {authors not shown in the text read},
    }
    """
    author = study.get("first_author", "")
    fields = {
        "author": f"{_tex(author)} and others" if author else "",
        "title": _tex(study.get("title", "")),
        "journal": _tex(study.get("journal", "")),
        "year": study.get("year", ""),
        "doi": _plain(study.get("doi", "")),
        "url": _plain(study.get("source_url", "")),
        "note": "" if author else "authors not shown in the text read",
    }
    kind = "article" if study.get("journal") else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{study['study_id']},", *lines, "}", ""])


def _tex(text: str) -> str:
    """Protect what TeX reads as a command; braces would end the field."""
    plain = text.replace("\\", " ").replace("{", "(").replace("}", ")")
    return "".join("\\" + char if char in "&%#_" else char for char in plain)


def _plain(text: str) -> str:
    return text.replace("{", "%7B").replace("}", "%7D")
