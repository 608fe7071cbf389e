"""Words of a study's page: times, titles, kinds of patients, and what became of a reader's request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol
    from analysis.evidence.tables import Evidence, Outcome, Study

__all__ = [
    "kind_words",
    "note_words",
    "plain",
    "reader_words",
    "remarks_of",
    "state_words",
    "time_words",
    "title_words",
]

_TIMES = {
    "90d": "90 days",
    "90d_assumed": "90 days, assumed: the source prints no time",
    "24h": "24 hours",
    "end_of_procedure": "end of the procedure",
    "in_hospital": "in hospital",
    "discharge": "discharge",
    "not_stated": "not stated in the text read",
}
_OCCLUSIONS = {
    "primary": "primary occlusions",
    "secondary": "secondary occlusions",
    "mixed": "primary and secondary occlusions together",
    "not_stated": "not stated",
    "iatrogenic": "occlusions caused by a procedure",
}
_READ = {
    "stated": "both numbers printed",
    "from_percent": "from the percentage",
    "not_available": "",
}
_STATES = {
    "include": ("Included", "It enters with evidence version"),
    "awaiting": ("Awaiting usable counts", "It enters no pool; it has been listed since evidence version"),
    "exclude": ("Excluded", "It enters no pool; it has been listed since evidence version"),
}
#: What a reader wrote in place of a title, or beside it.
_NOT_THE_TITLE = re.compile(
    r"(?P<words>.+?) \((?:(?P<kind>[^()]+); )?(?:full )?title (?P<how>not shown|paraphrased)\)"
)
_A_TIME = re.compile(r"\bday[- ]?\d+\b|\b\d+[- ]?(?:h|hours?|d|days?|weeks?|months?)\b", re.IGNORECASE)
_REQUEST = re.compile(r"(?:to be )?check(?:ed)? before pooling", re.IGNORECASE)


def plain(code: Any) -> str:
    """Write a code of the data with spaces.

    Examples
    --------
    >>> plain("mixed_segments")
    'mixed segments'
    """
    return str(code).replace("_", " ")


def kind_words(row: Outcome | Study, protocol: Protocol) -> dict[str, str]:
    """Return the occlusions, the territory and the technique of a row or of a study, by name."""
    return {
        "Kind of occlusion": _OCCLUSIONS.get(row.occlusion, plain(row.occlusion)),
        "Territory": _levels(protocol, "territory").get(row.territory, "mixed or not stated"),
        "Technique": "no thrombectomy"
        if row.technique == "control"
        else _levels(protocol, "technique").get(row.technique, "mixed or not stated"),
    }


def time_words(row: Outcome, wanted: str, *, used: bool) -> str:
    """Say when an outcome was read.

    Parameters
    ----------
    row
        One number.
    wanted
        Time that the protocol sets for its outcome.
    used
        Whether a headline uses the row: one without a time is then taken as if it had the wanted one.
    """
    words = _TIMES.get(row.timepoint, plain(row.timepoint))
    if row.timepoint != "not_stated":
        return words
    if _A_TIME.search(row.definition):
        words += "; the definition names one"
    if used and wanted != "not_stated":
        words += f"; pooled with the counts at {_TIMES.get(wanted, plain(wanted))}"
    return words


def title_words(title: str) -> str:
    """Say whether a title is that of the report, or words of the readers in its place.

    Examples
    --------
    >>> title_words("RED 43 for aspiration (title not shown)")
    'not shown in the text read; about: RED 43 for aspiration'
    >>> title_words("Early and late (preprint; title paraphrased)")
    'Early and late (preprint; in words of the readers)'
    """
    found = _NOT_THE_TITLE.fullmatch(title)
    if found is None:
        return title
    kind = found["kind"]
    if found["how"] == "paraphrased":
        return f"{found['words']} ({kind + '; ' if kind else ''}in words of the readers)"
    return f"not shown in the text read; about: {found['words']}" + (f" ({kind})" if kind else "")


def note_words(note: str) -> str:
    """Write the remarks on a study; a code of the data is written with spaces.

    Examples
    --------
    >>> note_words("identity_incomplete (authors not shown). 43 of 196.")
    'Identity incomplete (authors not shown). 43 of 196.'
    """
    text = note.replace("identity_incomplete", "identity incomplete")
    return text[:1].upper() + text[1:]


def remarks_of(row: Outcome, *, used: bool, doubted: bool) -> str:
    """Write the remarks on a number; a request to check it is told with what became of it."""
    kept = [part for part in row.note.split("; ") if not _REQUEST.fullmatch(part)]
    if len(kept) == len(row.note.split("; ")):
        return row.note
    done = (
        "a second reader opened the source again and found the count as written"
        if row.verified == "yes"
        else "the source has not been opened again"
    )
    fate = "it is pooled" if used else "no headline uses it"
    if used and doubted:
        fate += ", and left out where doubtful rows are"
    return "; ".join([*kept, f"a reader asked to check the count: {done}; {fate}"])


def reader_words(derivation: str) -> str:
    """Say in brackets how a reader came to a count; nothing for one that could not be read."""
    words = _READ.get(derivation, plain(derivation))
    return f" ({words})" if words else ""


def state_words(evidence: Evidence, study: Study) -> str:
    """Say whether a study is in, why, and since which version it is known."""
    state, since = _STATES.get(study.eligibility, (plain(study.eligibility), "Listed since evidence version"))
    version = evidence.version(study.first_version)
    label = f"{version.label[:1].lower()}{version.label[1:]}"
    return f"{state}: {study.eligibility_reason}. {since} {version.id} ({label})."


def _levels(protocol: Protocol, subgroup: str) -> dict[str, str]:
    """Return the levels of a subgroup by key, as they stand within a sentence."""
    return {
        level.key: level.label[:1].lower() + level.label[1:]
        for item in protocol.subgroups
        if item.key == subgroup
        for level in item.levels
    }
