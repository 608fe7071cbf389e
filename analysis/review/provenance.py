"""A page for each study: every fact that was read about it, and where each number is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.provenance import Trace, trace
from analysis.evidence.select import Question, select
from analysis.report.html import element, escape, link, slug
from analysis.report.numbers import events_of_total, ratio
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import lower_first
from analysis.review.cells import hashed

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome, Study
    from analysis.review.cells import HashedEvidence

__all__ = [
    "StudyPage",
    "row_anchor",
    "row_href",
    "rows_used",
    "studies_table",
    "study_href",
    "study_page",
]

Key = tuple[str, str, str]

_FOLDER = "../studies"
_TIMES = {
    "90d": "90 days",
    "90d_assumed": "90 days, assumed: the source prints no time",
    "24h": "24 hours",
    "end_of_procedure": "end of the procedure",
    "in_hospital": "in hospital",
    "discharge": "discharge",
    "not_stated": "not stated",
}
_KINDS = {
    "abstract": "a text of the study itself",
    "article": "the full text of the study",
    "citing_review": "another text that cites the study",
}
_ELIGIBILITY = {"include": "included", "awaiting": "awaiting counts", "exclude": "excluded"}
#: Arms that many studies have; others go by the word that the data give them.
_ARMS = {
    "all": "all patients",
    "evt": "thrombectomy arm",
    "control": "control arm",
    "primary": "primary occlusions",
    "secondary": "secondary occlusions",
    "sr": "stent retriever",
    "asp": "aspiration",
    "combined": "stent retriever with aspiration",
}
_ITEMS = {
    "randomised": "Randomised",
    "prospective": "Prospective",
    "consecutive": "Consecutive patients",
    "multicentre": "Several centres",
    "independent_outcome": "Outcome judged independently",
    "sich_definition": "Definition of symptomatic haemorrhage given",
    "loss_to_followup_visible": "Loss to follow-up visible",
    "unit_other_than_patients": "Counts other units than patients",
    "confounding_handled": "Confounding handled",
}


@dataclass(frozen=True, slots=True)
class StudyPage:
    """A page ready to be set into the book's frame: its name, title, description and body."""

    name: str
    title: str
    description: str
    body: str

    def _repr_html_(self) -> str:
        return self.body


def study_href(study_id: str) -> str:
    """Return the address of a study's page as seen from a chapter."""
    return f"{_FOLDER}/{study_id}.html"


def row_anchor(key: Key) -> str:
    """Return the anchor of one number on the page of its study."""
    return f"row-{slug(key[1])}-{slug(key[2])}"


def row_href(key: Key) -> str:
    """Return the address of one number on the page of its study."""
    return f"{study_href(key[0])}#{row_anchor(key)}"


def study_page(evidence: Evidence, study_id: str) -> StudyPage:
    """Gather everything that was read about one study."""
    study = evidence.study(study_id)
    rows = [row for row in evidence.outcomes if row.study_id == study_id]
    parts = [
        element("h1", escape(study.label)),
        element("p", escape(_state(evidence, study))),
        _identity(study),
        _design(study),
        _eligibility(evidence, study),
        element("h2", "Numbers", {"id": "numbers"}),
        *(_number(evidence, trace(evidence, row)) for row in rows),
    ]
    if not rows:
        parts.append(element("p", "No outcome was read in a public text of this study."))
    parts += [_trial_effects(evidence, study_id), _grades(evidence, study_id), _appraisal(evidence, study_id)]
    back = '<p><a href="../book/studies.html">All studies</a></p>'
    body = element("section", "\n".join([*filter(None, parts), back]), {"class": "review-study"})
    description = (
        f"{study.label}: source, derivation, definition, readers and doubts of every number read from "
        "this study."
    )
    return StudyPage(f"studies/{study_id}", study.label, description, body)


def studies_table(evidence: Evidence) -> Table:
    """All studies with their state, each leading to its page."""
    columns = [
        Column("study", "Study"),
        Column("year", "Year", "right", show=str),
        Column("state", "State"),
        Column("version", "Enters with"),
        Column("territory", "Territory"),
        Column("n", "Patients", "right"),
        Column("rows", "Outcome rows", "right"),
        Column("counts", "With a count", "right"),
        Column("source", "Source"),
    ]
    words = {"include": "included", "awaiting": "awaiting counts", "exclude": "excluded"}
    rows = []
    for study in sorted(evidence.studies, key=lambda each: each.study_id):
        own = [row for row in evidence.outcomes if row.study_id == study.study_id]
        rows.append(
            {
                "study": Cell(study.label, href=study_href(study.study_id)),
                "year": study.year,
                "state": words[study.eligibility],
                "version": study.first_version,
                "territory": study.territory,
                "n": study.n_patients,
                "rows": len(own),
                "counts": sum(row.has_count for row in own),
                "source": Cell("source", href=study.source_url),
            }
        )
    return table_from_rows("studies", "All studies; each name leads to a page with its facts", columns, rows)


@lru_cache(maxsize=8)
def _used(key: HashedEvidence) -> dict[Key, tuple[Question, ...]]:
    evidence = key.evidence
    found: dict[Key, list[Question]] = {}
    for version in evidence.versions:
        for population in evidence.protocol.populations:
            for outcome in evidence.protocol.main_outcomes:
                question = Question(population.key, outcome.key, version=version.id)
                for keys in select(evidence, question).rows_used:
                    for each in keys:
                        found.setdefault(each, []).append(question)
    return {name: tuple(questions) for name, questions in found.items()}


def rows_used(evidence: Evidence) -> dict[Key, tuple[Question, ...]]:
    """Return every row that a headline uses, with the questions that use it."""
    return _used(hashed(evidence))


def _state(evidence: Evidence, study: Study) -> str:
    words = {"include": "Included", "awaiting": "Awaiting usable counts", "exclude": "Excluded"}
    version = evidence.version(study.first_version)
    return (
        f"{words[study.eligibility]}: {study.eligibility_reason}. It enters with evidence version "
        f"{version.id} ({version.label[:1].lower()}{version.label[1:]})."
    )


def _identity(study: Study) -> str:
    doi = link(study.doi, f"https://doi.org/{study.doi}") if study.doi else ""
    pmid = link(study.pmid, f"https://pubmed.ncbi.nlm.nih.gov/{study.pmid}/") if study.pmid else ""
    kind = _KINDS.get(study.source_kind, study.source_kind)
    return _block(
        "Report",
        "report",
        [
            ("Key in the data", f"<code>{escape(study.study_id)}</code> (row {study.row} of studies.csv)"),
            ("First author", escape(study.first_author) or "not shown"),
            ("Year", escape(study.year or "not shown")),
            ("Title", escape(study.title) or "not shown"),
            ("Journal", escape(study.journal) or "not shown"),
            ("DOI", doi or "not shown"),
            ("PubMed", pmid),
            ("Registration", escape(study.registration)),
            ("Read at", f"{link('source', study.source_url)} ({escape(kind)})"),
            ("Remarks", escape(_capital(study.note.replace("identity_incomplete", "identity incomplete")))),
        ],
    )


def _design(study: Study) -> str:
    return _block(
        "Patients and treatment",
        "design",
        [
            ("Design", escape(study.design)),
            ("Compared", escape(_plain(study.comparative))),
            ("Country", escape(study.country)),
            ("Centres", escape(study.n_centres or "")),
            ("Enrolment", escape(study.enrolment)),
            ("Patients", escape(study.n_patients or "not shown")),
            ("Women", escape("" if study.n_female is None else study.n_female)),
            ("Age", escape(study.age_summary)),
            ("NIHSS", escape(study.nihss_summary)),
            ("Intravenous thrombolysis", escape("" if study.ivt_n is None else study.ivt_n)),
            ("Kind of occlusion", escape(_plain(study.occlusion))),
            ("Territory", escape(study.territory)),
            ("Segments as printed", escape(study.segments) or "not reported"),
            ("Scope", escape(_plain(study.directness))),
            ("Technique", escape(study.technique)),
            ("Device", escape(study.device)),
        ],
    )


def _eligibility(evidence: Evidence, study: Study) -> str:
    group = next((each for each in evidence.overlap if each.group == study.overlap_group), None)
    members = ""
    if group is not None:
        others = [
            link(other.label, f"{_FOLDER}/{other.study_id}.html")
            for other in evidence.studies
            if other.overlap_group == group.group and other is not study
        ]
        members = f"{escape(group.group)} ({escape(group.kind)}): {escape(group.basis)}. "
        members += "Other reports: " + (", ".join(others) or "none") + "."
    doubts = [
        escape(f"{_outcome_name(evidence, each.outcome)}: {lower_first(each.doubt)}")
        for each in evidence.doubts
        if each.study_id == study.study_id
    ]
    lists = [
        f"{name}: {escape(row.reason)}"
        for name, rows in (("Excluded", evidence.excluded), ("Awaiting", evidence.awaiting))
        for row in rows
        if row.study_id == study.study_id
    ]
    return _block(
        "Eligibility, overlap and doubts",
        "eligibility",
        [
            (
                "Eligibility",
                escape(
                    f"{_ELIGIBILITY.get(study.eligibility, study.eligibility)}: {study.eligibility_reason}"
                ),
            ),
            ("Decision list", "; ".join(lists)),
            ("Evidence stage", escape(_plain(study.evidence_stage))),
            ("First version", escape(study.first_version)),
            ("Overlap group", members or "none"),
            ("Doubts", "; ".join(doubts) or "none noted"),
        ],
    )


def _number(evidence: Evidence, item: Trace) -> str:
    row = item.row
    name = evidence.protocol.outcome(row.outcome).short_label
    shown = events_of_total(row.events, row.total) if row.has_count else "no count"
    readers = [
        f"reader {each.extractor}: "
        + (f"{each.events}/{each.total}" if each.events is not None else "no count")
        + f" ({_plain(each.derivation)})"
        for each in item.extractions
    ]
    heading = element("h3", escape(f"{name}, {_arm(row.arm_id)}: {shown}"), {"id": row_anchor(row.key)})
    facts = [
        ("Source", f"{link(row.locator or 'source', row.source_url)} ({escape(_KINDS[row.source_kind])})"),
        ("How it was read", escape(item.derivation)),
        ("Printed percentage", escape("" if row.percent_reported is None else f"{row.percent_reported}%")),
        ("Definition", escape(row.definition) or "not printed"),
        ("Departs from the review's", escape(row.threshold_note)),
        ("Time", escape(_TIMES.get(row.timepoint, row.timepoint))),
        ("Unit", escape(row.unit)),
        (
            "Occlusion, territory, technique",
            escape(f"{_plain(row.occlusion)}, {row.territory}, {row.technique}"),
        ),
        ("Part of", escape(_arm(row.is_partition_of) if row.is_partition_of else "")),
        ("Readers", escape("; ".join(readers))),
        ("Agreement", escape(item.agreement)),
        ("Checked", escape(item.verified)),
        ("Doubts", escape("; ".join(each.doubt for each in item.doubts))),
        ("Remarks", escape(row.note)),
        ("Used in", _uses(evidence, row)),
        ("Line", f"row {row.row} of outcomes.csv"),
    ]
    return heading + _facts(facts)


def _arm(arm_id: str) -> str:
    """Name an arm in words; one without words of its own goes by its key."""
    return _ARMS.get(arm_id, f"arm “{_plain(arm_id)}”")


def _outcome_name(evidence: Evidence, key: str) -> str:
    return "every outcome" if key == "*" else evidence.protocol.outcome(key).short_label


def _uses(evidence: Evidence, row: Outcome) -> str:
    links = []
    for question in rows_used(evidence).get(row.key, ()):
        version = evidence.version(question.version)
        population = evidence.protocol.population(question.population)
        anchor = f"figure-forest-{question.population}-{question.outcome}-{version.alias}"
        href = f"../book/pooling_{question.population}.html#{slug(anchor)}"
        links.append(link(f"{population.short_label.lower()}, {version.id}", href))
    return "; ".join(links) or "no headline"


def _trial_effects(evidence: Evidence, study_id: str) -> str:
    facts = [
        (
            f"{row.outcome}, {row.effect_measure}",
            f"{escape(ratio(row.estimate, row.ci_low, row.ci_high))}; "
            + link(row.locator or "source", row.source_url),
        )
        for row in evidence.rct_effects
        if row.study_id == study_id
    ]
    return _block("Effects that the trial prints", "effects", facts) if facts else ""


def _grades(evidence: Evidence, study_id: str) -> str:
    facts = [
        (
            _capital(_arm(row.arm_id)),
            escape("; ".join(f"grade {grade}: {number}" for grade, number in enumerate(row.grades)))
            + f" (of {row.n}); {link('source', row.source_url)}. {escape(row.check)}",
        )
        for row in evidence.rct_mrs_distribution
        if row.study_id == study_id
    ]
    return _block("Modified Rankin scale by grade", "grades", facts) if facts else ""


def _appraisal(evidence: Evidence, study_id: str) -> str:
    facts = [
        (_ITEMS.get(row.item, _plain(row.item)), escape(f"{_plain(row.value)} ({row.basis})"))
        for row in evidence.appraisal
        if row.study_id == study_id
    ]
    return _block("Facts for the appraisal", "appraisal", facts) if facts else ""


def _block(title: str, anchor: str, facts: Sequence[tuple[str, str]]) -> str:
    return element("h2", escape(title), {"id": anchor}) + _facts(facts)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    """Lay out names and values; a value is HTML already, and a fact without one is left out."""
    inner = "".join(element("dt", escape(name)) + element("dd", value) for name, value in facts if value)
    return element("dl", inner, {"class": "review-facts"})


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(code: Any) -> str:
    return str(code).replace("_", " ")
