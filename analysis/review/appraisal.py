"""Appraisal shown: traffic lights, summary bars, reasons, and pooled rates by what guards a study."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.judgement.appraise import OPEN, SAFEGUARDS, safeguards, tool_domains
from analysis.report.counts_lead import rate_words
from analysis.report.numbers import counted, p_value, percent
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.review.cells import headline, primary_settings
from analysis.review.provenance import study_href

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Judgement
    from analysis.figures.figure import Figure

__all__ = [
    "TOOLS",
    "appraisal_forest",
    "appraisal_levels",
    "appraisal_section",
    "appraisal_tools_table",
    "levels_section",
]

#: Names of the tools for readers.
TOOLS = {
    "jbi_case_series": "JBI checklist for case series",
    "minors": "MINORS",
    "robins_i": "ROBINS-I",
    "rob2": "RoB 2",
}


def appraisal_tools_table(evidence: Evidence) -> Table:
    """Every domain of every tool, with the rule that fills it."""
    columns = [
        Column("tool", "Tool"),
        Column("domain", "Domain"),
        Column("question", "What it asks"),
        Column("rule", "How it is filled"),
        Column("version", "Version"),
        Column("source", "Publication"),
    ]
    rows = [
        {
            "tool": TOOLS.get(item.tool, item.tool),
            "domain": item.label,
            "question": item.question,
            "rule": item.rule,
            "version": item.version,
            "source": item.source,
        }
        for item in evidence.appraisal_tools
    ]
    return table_from_rows("appraisal-tools", "Appraisal tools and the rules that fill them", columns, rows)


def appraisal_section(evidence: Evidence, tool: str) -> Section:
    """The judgements by one tool: how much is known, the lights, the bars and the reasons."""
    from analysis.figures.traffic import AppraisalRow, summary_bars, traffic_lights

    rows = [row for row in evidence.judgements if row.tool == tool]
    used = {row.domain for row in rows}
    domains = [item for item in tool_domains(evidence, tool) if item.domain in used]
    by_study: dict[str, dict[str, Judgement]] = {}
    for row in rows:
        by_study.setdefault(row.study_id, {})[row.domain] = row
    lights = [
        AppraisalRow(
            evidence.study(study).label,
            tuple(
                found[item.domain].judgement if item.domain in found else "not_applicable" for item in domains
            ),
        )
        for study, found in by_study.items()
    ]
    title, stem = TOOLS.get(tool, tool), tool.replace("_", "-")
    heads = [item.label for item in domains]
    signed = sum(row.status == "signed" for row in rows)
    known = sum(row.judgement not in OPEN for row in rows)
    unknown = len(rows) - known
    text = (
        f"{_studies_words(evidence, by_study)}, {counted(len(rows), 'question')}: {known} "
        f"{'is' if known == 1 else 'are'} answered from a fact that could be read, {unknown} "
        f"{'is' if unknown == 1 else 'are'} not judged, as the text that could be read does not settle them; "
        f"{signed or 'none'} {'is' if signed < 2 else 'are'} signed by an appraiser."
    )
    return Section(
        (
            Paragraph(text),
            summary_bars(lights, heads, name=f"bars-{stem}", title=title),
            Fold("Study by study", traffic_lights(lights, heads, name=f"lights-{stem}", title=title)),
            Fold("Reasons", _reasons(evidence, rows, heads, domains, stem)),
        )
    )


def _studies_words(evidence: Evidence, study_ids: Iterable[str]) -> str:
    """Count the studies appraised, and name those that are not included yet."""
    studies = [evidence.study(study_id) for study_id in study_ids]
    waiting = [study.label for study in studies if study.eligibility != "include"]
    text = counted(len(studies), "study", "studies")
    if not waiting:
        return text
    verb = "awaits its counts" if len(waiting) == 1 else "await their counts"
    return f"{text} ({len(studies) - len(waiting)} included; {and_list(waiting)} {verb})"


def _reasons(
    evidence: Evidence, rows: list[Judgement], heads: list[str], domains: list[Any], stem: str
) -> Table:
    from analysis.figures.traffic import JUDGEMENTS

    names = {item.domain: head for item, head in zip(domains, heads, strict=True)}
    lines = [
        {
            "study": Cell(evidence.study(row.study_id).label, href=study_href(row.study_id)),
            "domain": names[row.domain],
            "judgement": JUDGEMENTS[row.judgement].words,
            "reason": row.reason,
            "status": row.status,
        }
        for row in rows
        if row.judgement not in OPEN
    ]
    columns = [
        Column("study", "Study"),
        Column("domain", "Domain"),
        Column("judgement", "Judgement"),
        Column("reason", "Why"),
        Column("status", "Status"),
    ]
    note = "Left out here: domains without information or not judged, all for the same reason."
    return table_from_rows(
        f"reasons-{stem}", "Judgements that rest on a fact, with the reason", columns, lines, footnotes=[note]
    )


def appraisal_levels(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> list[dict[str, Any]]:
    """Pool one headline cell by the number of safeguards that each study is known to have.

    Returns
    -------
    list of dict
        One entry a level: ``level``, ``pooled``, and for all studies the ``test`` between levels. The
        levels share one between-study variance.
    """
    from analysis.synthesis.subgroups import compare_subgroups

    cell = headline(evidence, population, outcome, evidence.version(version).id)
    if cell.pooled is None:
        return []
    counts = cell.counts
    known = safeguards(evidence)
    group = np.array([min(known.get(study, 0), 2) for study in counts.study_id])
    names = {0: "no safeguard known", 1: "one safeguard known", 2: "two or more safeguards known"}
    if len(set(group.tolist())) < 2:
        level = f"all studies: {names[int(group[0])]}"
        return [{"level": level, "pooled": cell.pooled, "test": None}]
    # By level, so that the levels stand in their order.
    order = np.argsort(group, kind="stable")
    test = compare_subgroups(
        counts.events[order],
        counts.total[order],
        [names[int(group[place])] for place in order],
        labels=[counts.label[place] for place in order],
        model=primary_settings(evidence)["model"],
    )
    found: list[dict[str, Any]] = [{"level": "all studies", "pooled": cell.pooled, "test": test}]
    found += [
        {"level": level, "pooled": pooled, "test": None}
        for level, pooled in zip(test.levels, test.pooled, strict=True)
    ]
    return found


def appraisal_forest(evidence: Evidence, population: str, outcome: str) -> Figure:
    """Forest plot of today's rates with what is known to guard each study beside it."""
    from analysis.figures.forest import forest

    cell = headline(evidence, population, outcome, evidence.versions[-1].id)
    words = evidence.protocol.outcome(outcome)
    label = lower_first(evidence.protocol.population(population).label)
    facts = {(row.study_id, row.item): row.value for row in evidence.appraisal}
    marks = [" ".join(_sign(facts, study, item) for item in SAFEGUARDS) for study in cell.counts.study_id]
    return forest(
        cell.pooled,
        name=f"forest-appraised-{population}-{outcome}",
        title=f"{words.label} with appraisal; {label}",
        hrefs=[study_href(study) for study in cell.counts.study_id],
        awaited=() if cell.pooled else [item.label for item in cell.awaited],
        marks=marks,
        marks_head="P C I F",
        marks_note=(
            "Appraisal: P prospective, C consecutive, I outcome judged independently, F nobody lost to "
            "follow-up; +\u00a0known to be so, −\u00a0known not to be, "
            "?\u00a0not in the text that could be read."
        ),
    )


def _sign(facts: dict[tuple[str, str], str], study: str, item: str) -> str:
    value = facts.get((study, item), "not_reported")
    return "?" if value == "not_reported" else "+" if value == SAFEGUARDS[item] else "−"


def levels_section(evidence: Evidence) -> Section:
    """Pooled rates of today by what is known to guard each study against bias."""
    rows: list[dict[str, Any]] = []
    for population in evidence.protocol.populations:
        for outcome in evidence.protocol.main_outcomes:
            for item in appraisal_levels(evidence, population.key, outcome.key):
                pooled, test = item["pooled"], item["test"]
                rows.append(
                    {
                        "population": population.short_label,
                        "outcome": outcome.short_label,
                        "level": item["level"],
                        "k": pooled.k,
                        "n": int(pooled.total.sum()),
                        "rate": Cell(
                            rate_words(pooled, percent(pooled.estimate, pooled.ci.low, pooled.ci.high)),
                            pooled.estimate,
                        ),
                        "p": Cell(p_value(test.p_value), test.p_value) if test is not None else Cell("", ""),
                    }
                )
    columns = [
        Column("population", "Population"),
        Column("outcome", "Outcome"),
        Column("level", "Appraisal"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("rate", "Pooled rate (95% interval)", "right"),
        Column("p", "Test between levels", "right"),
    ]
    note = Note(
        "Safeguards: prospective, consecutive, outcome judged independently, nobody lost to follow-up. A "
        "safeguard that no text mentions counts as not known, so the levels tell reporting apart as much as "
        "conduct."
    )
    return Section((note, table_from_rows("appraisal-levels", "Pooled rates by appraisal", columns, rows)))
