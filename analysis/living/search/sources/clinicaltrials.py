"""ClinicalTrials.gov: registrations of trials, by the day on which their last update was posted."""

from __future__ import annotations

import re
from typing import Any

from analysis.living.records.plain import plain
from analysis.living.records.record import Record, clean_nct, clean_year
from analysis.living.search.client import Client
from analysis.living.search.sources.base import Page, Question, Source, part_of, told_apart, total_of

__all__ = ["CLINICALTRIALS"]

#: What the record uses; whole studies come with their results, which are many times as long.
_FIELDS = (
    "NCTId,BriefTitle,OfficialTitle,Acronym,OverallStatus,StudyFirstPostDate,StudyFirstSubmitDate,StartDate,"
    "LeadSponsorName,BriefSummary"
)
#: Texts are markdown: a mark that is meant as itself stands behind a backslash.
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def _page(client: Client, question: Question, cursor: str) -> Page:
    days = f"RANGE[{question.since},{question.until}]"
    params = {
        "query.term": question.query, "filter.advanced": f"AREA[LastUpdatePostDate]{days}",
        "pageSize": 100, "countTotal": "true", "format": "json", "fields": _FIELDS,
    }  # fmt: skip
    if cursor:
        params["pageToken"] = cursor
    # Only the first page carries the total, whether asked for or not.
    total, rows, after = client.json(f"{question.base}/studies", params, _take)
    ended = not after or after == cursor or not rows
    return Page(tuple(map(_record, rows)), "" if ended else after, total)


def _take(body: dict[str, Any]) -> tuple[int | None, list[dict[str, Any]], str]:
    total = total_of(body.get("totalCount"))
    if total != 0 and "studies" not in body:
        raise KeyError("studies")
    rows = told_apart(body.get("studies"), "protocolSection", "identificationModule", "nctId")
    return total, rows, plain(body.get("nextPageToken"))


def _text(value: Any) -> str:
    r"""Return a text without the escapes of markdown.

    Examples
    --------
    >>> _text("Adults \\(18 years\\+\\) in \\*two\\* arms")
    'Adults (18 years+) in *two* arms'
    """
    return plain(_ESCAPE.sub(r"\1", value) if isinstance(value, str) else value)


def _record(row: dict[str, Any]) -> Record:
    part = part_of(row, "protocolSection")
    names = part_of(part, "identificationModule")
    status = part_of(part, "statusModule")
    summary = _text(part_of(part, "descriptionModule").get("briefSummary"))
    number = clean_nct(plain(names.get("nctId")))
    sponsor = _text(part_of(part, "sponsorCollaboratorsModule", "leadSponsor").get("name"))
    days = (
        part_of(status, "studyFirstPostDateStruct").get("date"), status.get("studyFirstSubmitDate"),
        part_of(status, "startDateStruct").get("date"),
    )  # fmt: skip
    titles = (names.get("officialTitle"), names.get("briefTitle"), names.get("acronym"))
    return Record(
        source="ClinicalTrials.gov",
        file="clinicaltrials",
        position=0,
        kind="trial registration",
        title=next(filter(None, map(_text, titles)), ""),
        authors=(sponsor,) if sponsor else (),
        year=next(filter(None, (clean_year(plain(day)) for day in days)), None),
        abstract=summary,
        nct=number,
        accession=number or plain(names.get("nctId")),
    )


CLINICALTRIALS = Source(
    "clinicaltrials", "ClinicalTrials.gov", "register", "https://clinicaltrials.gov/api/v2", 1.3, _page
)
