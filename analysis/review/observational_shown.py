"""Observational comparisons as sections of a chapter; nothing here is worded as an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.notes import note_sentence
from analysis.report.numbers import counted, i_squared, p_value, ratio
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.review.effects_shown import (
    counts_table,
    effect_cell,
    effects_table,
    ratio_figure,
    unread_table,
    unstable_note,
)
from analysis.review.observational import (
    MEDICAL,
    POPULATIONS,
    ObservationalEvidence,
    between_studies,
    comparative_studies,
    comparison,
    confounding_words,
    observational,
)
from analysis.review.provenance import study_href

if TYPE_CHECKING:
    from analysis.evidence.protocol import OutcomeDefinition
    from analysis.evidence.tables import Evidence

__all__ = ["between_section", "confounding_table", "observational_section"]


def observational_section(evidence: Evidence, kind: str, outcome: str) -> Section:
    """One comparison and outcome within studies."""
    words = evidence.protocol.outcome(outcome)
    known = observational(evidence, kind, outcome)
    stem = f"within-{kind}-{outcome}".replace("_", "-")
    first, second = known.comparison.first, known.comparison.second
    heads = (first.capitalize(), second.capitalize())
    parts: list[object] = [Paragraph(_sentence(known, words))]
    if known.contrasts.found:
        if known.pool is not None and known.pool.k > 1:
            title = f"{heads[0]} against {second}, observational"
            parts.append(
                ratio_figure(known.pool, "wald", words, stem, title, arms=(first, second), causal=False)
            )
            parts.append(Note(unstable_note(known.pool, "study", "studies")))
            parts += [Note(note_sentence(note)) for note in known.pool.notes]
        parts.append(counts_table(known.contrasts, stem, heads))
        if known.pool is not None and known.pool.k > 1:
            effects = effects_table({"RR": known.pool}, stem)
            parts.append(Fold("Pooled risk ratio by every method", effects))
        if known.apart:
            parts.append(Note(f"Shown but not pooled, as patients are not counted: {and_list(known.apart)}."))
    if known.contrasts.unread:
        caption = "Studies of this comparison without readable counts in both arms"
        table = unread_table(known.contrasts, f"unread-{stem}", caption)
        parts.append(Fold(f"Not readable ({len(known.contrasts.unread)})", table))
    return Section(tuple(parts))


def _sentence(known: ObservationalEvidence, words: OutcomeDefinition) -> str:
    name = lower_first(words.label)
    first, second = known.comparison.first, known.comparison.second
    if not known.contrasts.found:
        return f"No study has readable counts of {name} with {first} and with {second}."
    studies = counted(len(known.contrasts.found), "study", "studies", words=True)
    listed = (
        f"{studies.capitalize()} counted {name} with {first} and with {second} "
        f"({and_list(known.contrasts.labels)})."
    )
    if known.pool is None or known.pool.k < 2:
        return f"{listed} Nothing is pooled: {known.why_not}."
    pool = known.pool
    return (
        f"{listed} {_pooled_of(known)} The pooled risk ratio was {effect_cell(pool.effects['wald']).text} "
        f"(random effects, Wald; I² {i_squared(pool.fit.i2)}). Patients were not allocated at random, so a "
        "difference need not come from what the groups are named after."
    )


def _pooled_of(known: ObservationalEvidence) -> str:
    """Say which of the studies counted the pool rests on, and why the others stand outside."""
    pool = known.pool
    if pool is None or pool.k == len(known.contrasts.found):
        return "All of them are pooled."
    text = f"{counted(pool.k, 'of them is', 'of them are', words=True).capitalize()} pooled"
    reasons = []
    if known.apart:
        verb = "does" if len(known.apart) == 1 else "do"
        reasons.append(f"{and_list(known.apart)} {verb} not count patients")
    if pool.dropped:
        reasons.append(f"no ratio can be computed from {and_list(pool.dropped)}")
    return f"{text} ({and_list(pool.labels)}): {'; '.join(reasons)}."


def between_section(evidence: Evidence, outcome: str) -> Section:
    """Secondary against primary occlusions: within studies, then across studies."""
    words = evidence.protocol.outcome(outcome)
    within = observational_section(evidence, POPULATIONS, outcome)
    across = between_studies(evidence, outcome)
    if across.fit is None:
        text = f"Across studies the comparison cannot be made: {across.why_not}."
        return Section((*within.parts, Paragraph(text)))
    text = (
        f"Across studies ({counted(across.primary, 'study', 'studies')} of primary and "
        f"{across.secondary} of secondary occlusions), the odds of {lower_first(words.short_label)} were "
        f"{ratio(*across.odds_ratio)} times as high in secondary occlusions (logistic meta-regression, "
        f"{p_value(float(across.fit.p_value[1]))}). Whole studies differ in more than this."
    )
    parts: list[object] = [*within.parts, Paragraph(text)]
    if across.both:
        parts.append(Note(f"On both sides, and so not independent: {and_list(across.both)}."))
    return Section(tuple(parts))


def confounding_table(evidence: Evidence, kind: str = MEDICAL) -> Table:
    """How the observational comparisons made their groups alike, as far as can be read.

    `kind` is the comparison of treated with control, or anything else for the studies that compare
    something else.
    """
    medical = kind == MEDICAL
    arms = comparison(evidence, MEDICAL)
    rows = [
        {
            "study": Cell(study.label, href=study_href(study.study_id)),
            "design": study.design,
            "handled": confounding_words(evidence, study.study_id),
        }
        for study in comparative_studies(evidence, medical=medical)
    ]
    columns = [
        Column("study", "Study"),
        Column("design", "Design as printed"),
        Column("handled", "How the groups were made alike"),
    ]
    note = (
        "Counts enter as the sources print them: after matching where a study matched. Weights cannot be "
        "applied to printed counts, so a weighted study does not enter with its weighted result. "
        "IPTW: inverse probability of treatment weighting."
    )
    if medical:
        name, caption = "confounding", f"Comparisons of {arms.first} with {arms.second}, and confounding"
    else:
        name, caption = "confounding-others", "Comparisons between techniques, and confounding"
    return table_from_rows(name, caption, columns, rows, footnotes=[note] if medical else ())
