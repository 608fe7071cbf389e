"""The numbers behind a chapter as plain lines: stored with it, and compared each time it runs again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from analysis.living.ledger import load_ledger
from analysis.review.cells import headlines
from analysis.review.estimates import subgroup_estimates
from analysis.review.observational import comparisons, observational
from analysis.review.sensitivity import sensitivity_table
from analysis.review.trials import trial_estimates

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.review.cells import Headline

__all__ = ["check_lines"]


def check_lines(evidence: Evidence, part: str) -> str:
    """Return the numbers of one part of the review, rounded, one result a line.

    Parameters
    ----------
    evidence
        What the numbers rest on.
    part
        A population's key, or one of ``headlines``, ``subgroups``, ``sensitivity``, ``trials``,
        ``observational``, ``counts``, ``studies`` and ``records``.
    """
    if part in {item.key for item in evidence.protocol.populations}:
        cells = (cell for cell in headlines(evidence) if cell.question.population == part)
        return "\n".join(map(_headline, cells))
    if part not in _PARTS:
        raise ValueError(f"no part of the review is called {part!r}; there are {', '.join(_PARTS)}")
    return "\n".join(_PARTS[part](evidence))


def _headline(cell: Headline) -> str:
    pooled = cell.pooled
    if pooled is None:
        return f"{cell.key}: no public count"
    events, total = int(sum(cell.counts.events)), int(sum(cell.counts.total))
    shown = _percent(pooled.estimate, pooled.ci.low, pooled.ci.high)
    return f"{cell.key}: k={pooled.k}, {events}/{total}, {shown}"


def _percent(estimate: float | None, low: float | None, high: float | None) -> str:
    return " ".join("-" if each is None else f"{100 * each:.1f}%" for each in (estimate, low, high))


def _ratio(*values: float) -> str:
    return " ".join(f"{each:.2f}" for each in values)


def _headlines(evidence: Evidence) -> Iterator[str]:
    return map(_headline, headlines(evidence))


def _subgroups(evidence: Evidence) -> Iterator[str]:
    for each in subgroup_estimates(evidence):
        shown = _percent(each["estimate"], each["ci_low"], each["ci_high"])
        yield f"{each['id']}: k={each['k']}, {each['events']}/{each['total']}, {shown}"


def _sensitivity(evidence: Evidence) -> Iterator[str]:
    for cell in headlines(evidence, evidence.versions[-1].id):
        question = cell.question
        table = sensitivity_table(evidence, question.population, question.outcome, question.version)
        if table is not None:
            rows = (table.primary, *table.choices)
            yield f"{table.key}: " + ", ".join(
                f"{row.key} {row.k}/{row.n} {_percent(row.estimate, None, None).split()[0]}" for row in rows
            )


def _trials(evidence: Evidence) -> Iterator[str]:
    for each in trial_estimates(evidence):
        if each["main"]:
            shown = _ratio(each["estimate"], each["ci_low"], each["ci_high"])
            yield f"{each['id']}: k={each['k']}, {shown}"


def _observational(evidence: Evidence) -> Iterator[str]:
    for kind in comparisons(evidence):
        for outcome in evidence.protocol.main_outcomes:
            found = observational(evidence, kind, outcome.key)
            if found.pool is not None:
                shown = [_ratio(*each.shown()) for each in found.pool.effects.values()]
                yield f"{kind}, {outcome.key}: k={found.pool.k}, {'; '.join(shown)}"


def _counts(evidence: Evidence) -> Iterator[str]:
    for outcome in sorted({row.outcome for row in evidence.outcomes}):
        rows = [row for row in evidence.outcomes if row.outcome == outcome]
        events, total = (sum(getattr(row, name) or 0 for row in rows) for name in ("events", "total"))
        yield f"{outcome}: {len(rows)} rows, {events}/{total}"


def _studies(evidence: Evidence) -> Iterator[str]:
    sizes = [study.n_patients for study in evidence.studies if study.n_patients is not None]
    yield f"{len(evidence.studies)} studies, {len(sizes)} with a size, {sum(sizes)} patients"


def _records(evidence: Evidence) -> Iterator[str]:
    yield f"{len(load_ledger().records)} records"


_PARTS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "headlines": _headlines,
    "subgroups": _subgroups,
    "sensitivity": _sensitivity,
    "trials": _trials,
    "observational": _observational,
    "counts": _counts,
    "studies": _studies,
    "records": _records,
}
