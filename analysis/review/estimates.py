"""Every estimate that the book shows, as one flat list: the source of the feed and of the tests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.report.html import slug
from analysis.results import DIGITS, to_plain
from analysis.review.cells import headlines
from analysis.review.sensitivity import sensitivity_table
from analysis.review.subgroup import subgroup_results

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.review.cells import Headline
    from analysis.review.subgroup import SubgroupResult

__all__ = ["all_estimates", "all_sensitivities", "subgroup_estimates"]


def all_estimates(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one plain record per estimate shown: headline cells, then subgroup levels.

    A cell without a public count stands in the list with ``status`` "no_public_count", ``k`` 0, null
    estimates and the studies awaited, so that a reader of the feed sees the gap too.
    """
    return [_headline_record(cell, evidence) for cell in headlines(evidence)] + subgroup_estimates(evidence)


def subgroup_estimates(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one plain record per level of every subgroup analysis."""
    return [record for result in subgroup_results(evidence) for record in _subgroup_records(result, evidence)]


def all_sensitivities(evidence: Evidence) -> list[dict[str, Any]]:
    """Return each headline of the newest version under every planned choice, as plain records.

    `strongest` names the choice that moves the estimate most, and `strongest_of_many` the one among those
    that keep half of the patients or more; null where none moves it.
    """
    version = evidence.versions[-1].id
    records = []
    for population in evidence.protocol.populations:
        for outcome in evidence.protocol.main_outcomes:
            table = sensitivity_table(evidence, population.key, outcome.key, version)
            if table is None:
                continue
            primary, *choices = table.rows()
            records.append(
                {
                    "id": f"sensitivity-{table.key}",
                    "result": table.key,
                    "population": table.population,
                    "outcome": table.outcome,
                    "evidence_version": table.version,
                    "data_hash": evidence.data_hash,
                    "primary": {name: primary[name] for name in ("estimate", "low", "high", "k", "n")},
                    "strongest": table.strongest.key if table.strongest else None,
                    "strongest_of_many": table.strongest_of_many.key if table.strongest_of_many else None,
                    "choices": [_without(row, "short_label") for row in choices],
                }
            )
    return records


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _headline_record(cell: Headline, evidence: Evidence) -> dict[str, Any]:
    question = cell.question
    record: dict[str, Any] = {
        "id": cell.key,
        "kind": "headline",
        "population": question.population,
        "outcome": question.outcome,
        "subgroup": None,
        "level": None,
        "evidence_version": question.version,
        "status": "estimated" if cell.pooled else "no_public_count",
        "data_hash": evidence.data_hash,
        "studies": list(cell.counts.study_id),
        "awaited": [item.study_id for item in cell.awaited],
        "published": _published(cell.published),
        **_numbers(cell.pooled),
    }
    return to_plain(record)


def _subgroup_records(result: SubgroupResult, evidence: Evidence) -> list[dict[str, Any]]:
    question = result.question
    test = result.test
    if test is None:
        return []
    records = []
    for level, pooled in zip(test.levels, test.pooled, strict=True):
        members = [
            study
            for study, group in zip(result.counts.study_id, result.groups, strict=True)
            if group == level
        ]
        records.append(
            to_plain(
                {
                    "id": f"{result.key}-{slug(level)}",
                    "kind": "subgroup",
                    "population": question.population,
                    "outcome": question.outcome,
                    "subgroup": question.subgroup,
                    "level": level,
                    "evidence_version": question.version,
                    "status": "estimated",
                    "data_hash": evidence.data_hash,
                    "studies": members,
                    "awaited": [],
                    "published": None,
                    "subgroup_test": {
                        "name": test.test_name,
                        "statistic": test.statistic,
                        "df": test.df,
                        "p": test.p_value,
                        "tau2": test.tau2_mode,
                    },
                    **_numbers(pooled),
                }
            )
        )
    return records


#: Fields of a pooled result that the feed carries.
_FIELDS = (
    "k",
    "events",
    "total",
    "model",
    "scale",
    "tau2_method",
    "ci_method",
    "prediction_method",
    "mu",
    "se",
    "ci_low_mu",
    "ci_high_mu",
    "estimate",
    "ci_low",
    "ci_high",
    "prediction_low",
    "prediction_high",
    "tau2",
    "tau2_ci_low",
    "tau2_ci_high",
    "tau2_ci_method",
    "i2",
    "i2_definition",
    "i2_from_q",
    "q",
    "q_df",
    "q_p",
    "q_method",
    "lrt",
    "lrt_p",
    "log_likelihood",
    "converged",
    "boundary",
    "notes",
)


def _numbers(pooled: Any) -> dict[str, Any]:
    if pooled is None:
        empty: dict[str, Any] = dict.fromkeys(_FIELDS)
        return empty | {"confidence_level": None, "k": 0, "n": 0, "events": 0, "total": 0, "notes": []}
    values = pooled.to_dict()
    numbers = {name: values[name] for name in _FIELDS}
    # Studies with equal effects have no heterogeneity; what the sum of squares leaves is rounding error.
    if values["q"] is not None and values["q"] < 10.0**-DIGITS:
        numbers["q"] = 0.0
    numbers["n"] = numbers["total"]
    # "level" names the level of a subgroup in the feed.
    numbers["confidence_level"] = values["level"]
    return numbers


def _published(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "estimate_percent": row.estimate_percent,
        "ci_low_percent": row.ci_low_percent,
        "ci_high_percent": row.ci_high_percent,
        "population_n": row.n_patients,
        "source": row.source_locator,
    }
