"""A page for each study: every fact that was read about it, and where each number is used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.evidence.provenance import Trace, trace
from analysis.evidence.short_names import arm_name
from analysis.report.html import element, escape, link, slug
from analysis.report.numbers import events_of_total, ratio
from analysis.report.readable import signs
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import in_a_row, lower_first
from analysis.review.others import outcome_words
from analysis.review.provenance_words import (
    address_words,
    age_and_sex,
    comparison_words,
    kind_words,
    locator_words,
    months_in_full,
    named,
    note_words,
    period_words,
    plain,
    reader_words,
    remarks_of,
    state_words,
    time_words,
    title_words,
)
from analysis.review.rows_used import rows_used, why_unused

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol
    from analysis.evidence.tables import Evidence, Outcome, Study

__all__ = [
    "StudyPage",
    "row_anchor",
    "row_href",
    "studies_table",
    "study_href",
    "study_page",
]

Key = tuple[str, str, str]

_FOLDER = "../studies"
_DIFFERING = (
    "A number names its kind of occlusion, territory or technique where that differs from the study's."
)
_KINDS = {
    "abstract": "a text of the study itself",
    "article": "the full text of the study",
    "citing_review": "another text that cites the study",
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
    rows = _in_order(evidence, study_id)
    used = any(row.key in rows_used(evidence) for row in rows)
    parts = [
        element("h1", escape(study.label)),
        element("p", escape(state_words(evidence, study, used=used))),
        _identity(evidence, study),
        _design(study, evidence.protocol),
        _eligibility(evidence, study),
        element("h2", "Numbers", {"id": "numbers"}),
        element("p", _DIFFERING) if rows else "",
        *(_number(evidence, trace(evidence, row)) for row in rows),
    ]
    if not rows:
        parts.append(element("p", "No count of an outcome was read in a public text of this study."))
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
        Column("version", "Known since"),
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


def _identity(evidence: Evidence, study: Study) -> str:
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
            ("Title", escape(title_words(study.title)) or "not shown"),
            ("Journal", escape(months_in_full(study.journal)) or "not shown"),
            ("DOI", doi or "not shown"),
            ("PubMed", pmid),
            ("Registration", escape(study.registration)),
            ("Read at", f"{link('source', study.source_url)} ({escape(kind)})"),
            ("Remarks", escape(named(evidence, note_words(study.note)))),
        ],
    )


def _design(study: Study, protocol: Protocol) -> str:
    kind = kind_words(study, protocol)
    age, sex = age_and_sex(study.age_summary)
    return _block(
        "Patients and treatment",
        "design",
        [
            ("Design", escape(study.design)),
            ("Comparison", escape(comparison_words(study))),
            (_countries(study.country), escape(study.country)),
            ("Centres", escape(study.n_centres or "")),
            ("Enrolment", escape(period_words(study.enrolment))),
            ("Patients", escape(study.n_patients or "not shown")),
            ("Women", escape("" if study.n_female is None else study.n_female)),
            ("Age", escape(age)),
            ("Sex as printed", escape(sex)),
            ("NIHSS", escape(study.nihss_summary)),
            ("Intravenous thrombolysis", escape("" if study.ivt_n is None else study.ivt_n)),
            ("Kind of occlusion", escape(kind["Kind of occlusion"])),
            ("Territory", escape(kind["Territory"])),
            ("Segments as printed", escape(study.segments) or "not reported"),
            ("Scope", escape(plain(study.directness))),
            ("Technique", escape(kind["Technique"])),
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
        # The opening of the page has said it when the list says the same.
        if row.study_id == study.study_id and row.reason != study.eligibility_reason
    ]
    notices = [
        escape(f"{item.kind} of {item.date}, heeded since version {item.version}: {item.reason} (")
        + link("source", item.source_url)
        + ")"
        for item in evidence.notices
        if item.study_id == study.study_id
    ]
    return _block(
        "Eligibility, overlap and doubts",
        "eligibility",
        [
            ("Decision list", "; ".join(lists)),
            ("Notices", "; ".join(notices)),
            ("Evidence stage", escape(plain(study.evidence_stage))),
            ("Overlap group", members or "none"),
            ("Doubts", "; ".join(doubts) or "none noted"),
        ],
    )


def _number(evidence: Evidence, item: Trace) -> str:
    row = item.row
    protocol = evidence.protocol
    used = row.key in rows_used(evidence)
    own = kind_words(item.study, protocol)
    name = protocol.outcome(row.outcome).short_label
    shown = events_of_total(row.events, row.total) if row.has_count else "no count"
    place = locator_words(row.locator, protocol)
    readers = [
        f"reader {each.extractor}: "
        + (f"{each.events}/{each.total}" if each.events is not None else "no count")
        + reader_words(each.derivation, row.derivation)
        for each in item.extractions
    ]
    arm = arm_name(row.arm_id, row.unit)
    heading = element("h3", escape(f"{name}, {arm}: {shown}"), {"id": row_anchor(row.key)})
    facts = [
        ("Source", f"{link(place or 'source', row.source_url)} ({escape(_KINDS[row.source_kind])})"),
        ("How it was read", escape(item.derivation)),
        ("Printed percentage", escape("" if row.percent_reported is None else f"{row.percent_reported}%")),
        ("Definition", escape(row.definition) or "not printed"),
        ("Departure from the review's definition", escape(row.threshold_note)),
        ("Time", escape(time_words(row, protocol.outcome(row.outcome).timepoint, used=used))),
        ("Unit", escape(row.unit)),
        *((name, escape(value)) for name, value in kind_words(row, protocol).items() if own[name] != value),
        ("Part of", escape(arm_name(row.is_partition_of, row.unit) if row.is_partition_of else "")),
        ("Readers", escape("; ".join(readers))),
        ("Agreement", escape(item.agreement)),
        ("Checked", escape(item.verified)),
        ("Doubts", escape(in_a_row([each.doubt for each in item.doubts]))),
        ("Remarks", escape(named(evidence, remarks_of(row, used=used, doubted=bool(item.doubts))))),
        ("Used in", _uses(evidence, row)),
        ("Line", f"row {row.row} of outcomes.csv"),
    ]
    return heading + _facts(facts)


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
    newest = evidence.versions[-1].id
    if any(question.version == newest for question in rows_used(evidence).get(row.key, ())):
        return "; ".join(links)
    why = named(evidence, why_unused(evidence, row))
    if links:
        return "; ".join(links) + escape(f"; not in {newest}: {lower_first(why)}")
    return escape(f"No headline. {why}")


def _in_order(evidence: Evidence, study_id: str) -> list[Outcome]:
    """Return the rows of a study: arms as the data have them but controls last, outcomes by the protocol."""
    rows = [row for row in evidence.outcomes if row.study_id == study_id]
    arms = list(dict.fromkeys(row.arm_id for row in rows))
    outcomes = [outcome.key for outcome in evidence.protocol.outcomes]
    return sorted(
        rows,
        key=lambda row: (row.technique == "control", arms.index(row.arm_id), outcomes.index(row.outcome)),
    )


def _trial_effects(evidence: Evidence, study_id: str) -> str:
    facts = [
        (
            f"{_capital(outcome_words(evidence, row.outcome))}, {row.effect_measure}",
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
            _capital(arm_name(row.arm_id)),
            escape("; ".join(f"grade {grade}: {number}" for grade, number in enumerate(row.grades)))
            + f" (of {row.n}); {link('source', row.source_url)}. {_with_links(_capital(row.check))}",
        )
        for row in evidence.rct_mrs_distribution
        if row.study_id == study_id
    ]
    return _block("Modified Rankin scale by grade", "grades", facts) if facts else ""


def _appraisal(evidence: Evidence, study_id: str) -> str:
    facts = [
        (_ITEMS.get(row.item, plain(row.item)), escape(f"{plain(row.value)}: {row.basis}"))
        for row in evidence.appraisal
        if row.study_id == study_id
    ]
    return _block("Facts for the appraisal", "appraisal", facts) if facts else ""


def _block(title: str, anchor: str, facts: Sequence[tuple[str, str]]) -> str:
    return element("h2", escape(title), {"id": anchor}) + _facts(facts)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    """Lay out names and values; a value is HTML already, and a fact without one is left out."""
    inner = "".join(
        element("dt", signs(escape(name))) + element("dd", signs(value)) for name, value in facts if value
    )
    return element("dl", inner, {"class": "review-facts"})


def _countries(text: str) -> str:
    """Head the place of a study, which may be one country, several, or whole regions."""
    return "Countries or regions" if re.search(r"[,;]| and |countries", text) else "Country"


def _with_links(text: str) -> str:
    """Set each address in a text as a link that names what it leads to, not the whole address."""
    parts = re.split(r"(https?://[^\s()]+)", text)
    return "".join(
        link(address_words(part), part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _capital(text: str) -> str:
    """Begin with a capital, but leave a sign such as mRS as it is."""
    return text[:1].upper() + text[1:] if text.split(" ")[0].islower() else text
