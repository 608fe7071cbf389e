"""Appraisal: what the recorded facts let each tool say about each study, and no more.

The tools are rows of `appraisal_tools.csv`. A domain is filled from one fact by the rule that stands
beside it; a domain that no fact settles is without information, or is not judged yet by a tool that knows
no such level. Any number of tools and domains works alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.evidence.tables import AppraisalDomain, Evidence, Judgement, Study

__all__ = [
    "NOT_JUDGED",
    "NO_INFORMATION",
    "OPEN",
    "SAFEGUARDS",
    "Derived",
    "appraised_studies",
    "departures",
    "derive",
    "overall",
    "safeguards",
    "tool_domains",
    "unsettled_value",
]

NO_INFORMATION = "no_information"
#: What stands where a tool knows no level for want of information, until somebody judges.
NOT_JUDGED = "not_judged"
#: Values that are no judgement.
OPEN = frozenset({NO_INFORMATION, NOT_JUDGED})

#: Judgements from best to worst, for the tools that have an overall judgement.
_ORDER = ("low", "some", "moderate", "high", "serious", "critical")
#: From here on one domain decides, whatever is unknown about the others.
_DECIDES = frozenset({"high", "serious", "critical"})

_UNSETTLED = "The text that could be read does not settle this"

#: Facts that guard a rate against bias, with the answer that does.
SAFEGUARDS: Mapping[str, str] = {
    "prospective": "yes",
    "consecutive": "yes",
    "independent_outcome": "yes",
    "loss_to_followup_visible": "no",
}


@dataclass(frozen=True, slots=True)
class Derived:
    """One judgement as the rule gives it."""

    study_id: str
    tool: str
    domain: str
    judgement: str
    reason: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Study, tool and domain."""
        return (self.study_id, self.tool, self.domain)


def tool_domains(evidence: Evidence, tool: str) -> tuple[AppraisalDomain, ...]:
    """Return the domains of a tool in the order of the file.

    Raises
    ------
    ValueError
        When the tool is not in the table.
    """
    found = tuple(item for item in evidence.appraisal_tools if item.tool == tool)
    if not found:
        known = ", ".join(dict.fromkeys(item.tool for item in evidence.appraisal_tools))
        raise ValueError(f"no appraisal tool {tool!r}; known: {known}")
    return found


def appraised_studies(evidence: Evidence) -> tuple[Study, ...]:
    """Return the studies that are appraised: all included, and trials that await their counts."""
    return tuple(
        study
        for study in evidence.studies
        if study.eligibility == "include"
        or (study.eligibility == "awaiting" and study.comparative == "randomised")
    )


def derive(evidence: Evidence) -> tuple[Derived, ...]:
    """Return every judgement that the rules give, study by study and tool by tool."""
    facts = _facts(evidence)
    found: list[Derived] = []
    for study in appraised_studies(evidence):
        for tool in dict.fromkeys(item.tool for item in evidence.appraisal_tools):
            values: list[str] = []
            for domain in tool_domains(evidence, tool):
                unsettled = unsettled_value(domain)
                if study.comparative not in domain.applies_to.split("+"):
                    continue
                if domain.fact == "worst_domain":
                    value, reason = overall(values, unsettled), _reason_overall(values, unsettled)
                else:
                    value, reason = _fill(domain, study, facts)
                    values.append(value)
                found.append(Derived(study.study_id, tool, domain.domain, value, reason, study.source_url))
    return tuple(found)


def unsettled_value(domain: AppraisalDomain) -> str:
    """Return what stands for a domain that no fact settles: a level of the tool, or that it is not judged."""
    return NO_INFORMATION if NO_INFORMATION in domain.levels.split("+") else NOT_JUDGED


def overall(values: Iterable[str], unsettled: str = NO_INFORMATION) -> str:
    """Return the overall judgement: never better than the worst domain.

    One domain at high, serious or critical risk decides. Otherwise a domain that is not settled leaves
    the whole `unsettled`.

    Examples
    --------
    >>> overall(["low", "moderate"]), overall(["low", "no_information"])
    ('moderate', 'no_information')
    >>> overall(["serious", "no_information"])
    'serious'
    """
    values = list(values)
    known = [value for value in values if value in _ORDER]
    worst = max(known, key=_ORDER.index, default=unsettled)
    if worst in _DECIDES:
        return worst
    return unsettled if len(known) < len(values) else worst


def safeguards(evidence: Evidence) -> dict[str, int]:
    """Return how many of `SAFEGUARDS` each appraised study is known to have."""
    facts = _facts(evidence)
    return {
        study.study_id: sum(
            facts.get((study.study_id, item), ("", ""))[0] == answer for item, answer in SAFEGUARDS.items()
        )
        for study in appraised_studies(evidence)
    }


def departures(evidence: Evidence) -> tuple[str, ...]:
    """Return what is wrong with the stored judgements against the rules, one sentence each.

    A provisional row must be what the rule gives; a signed row may differ. No row may be missing,
    and none may stand for a domain that the study's tools do not have.
    """
    stored = {(row.study_id, row.tool, row.domain): row for row in evidence.judgements}
    derived = {item.key: item for item in derive(evidence)}
    found = [f"{' '.join(key)}: no judgement is stored" for key in derived if key not in stored]
    for key, row in stored.items():
        if key not in derived:
            found.append(f"{' '.join(key)}: the tool is not used on this study")
        elif row.status == "provisional" and not _same(row, derived[key]):
            found.append(
                f"{' '.join(key)}: stored {row.judgement!r}, the rule gives "
                f"{derived[key].judgement!r} ({derived[key].reason})"
            )
    return tuple(found)


def _same(row: Judgement, item: Derived) -> bool:
    return (row.judgement, row.reason) == (item.judgement, item.reason)


def _facts(evidence: Evidence) -> dict[tuple[str, str], tuple[str, str]]:
    return {(row.study_id, row.item): (row.value, row.basis) for row in evidence.appraisal}


def _fill(
    domain: AppraisalDomain, study: Study, facts: Mapping[tuple[str, str], tuple[str, str]]
) -> tuple[str, str]:
    kind, _, name = domain.fact.partition(":")
    if kind == "studies":
        names = name.split("+")
        values = [getattr(study, column) for column in names]
        if any(value is None or value == "" for value in values):
            return unsettled_value(domain), _UNSETTLED
        pairs = zip(names, values, strict=True)
        return domain.if_yes, "; ".join(f"{_words(column)}: {value}" for column, value in pairs)
    answer, basis = facts.get((study.study_id, name), ("not_reported", ""))
    value = {"yes": domain.if_yes, "no": domain.if_no}.get(answer, "")
    if not value:
        return unsettled_value(domain), _UNSETTLED
    return value, f"{_words(name)}: {answer} ({basis})" if basis else f"{_words(name)}: {answer}"


def _words(column: str) -> str:
    return _COLUMN_WORDS.get(column, column.replace("_", " "))


_COLUMN_WORDS = {
    "age_summary": "age",
    "n_female": "women",
    "nihss_summary": "severity",
    "n_centres": "centres",
    "independent_outcome": "independent assessment of outcomes",
    "loss_to_followup_visible": "loss to follow-up visible",
}


def _reason_overall(values: list[str], unsettled: str) -> str:
    unknown = sum(value in OPEN for value in values)
    result = overall(values, unsettled)
    if result in _DECIDES:
        return f"One domain is at {result} risk, which decides"
    if unknown:
        state = "not judged" if unsettled == NOT_JUDGED else "without information"
        return f"{unknown} of {len(values)} domains {state}"
    return "The worst domain"
