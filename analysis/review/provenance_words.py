"""Words of a study's page: times, titles, kinds of patients, and what became of a reader's request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol
    from analysis.evidence.tables import Evidence, Outcome, Study

__all__ = [
    "address_words",
    "age_and_sex",
    "comparison_words",
    "kind_words",
    "locator_words",
    "months_in_full",
    "named",
    "note_words",
    "period_words",
    "plain",
    "reader_words",
    "remarks_of",
    "state_words",
    "time_words",
    "title_words",
]

_TIMES = {
    "90d": "90 days",
    "90d_assumed": "90 days, assumed: the source prints no time beside the count",
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
_COMPARISONS = {
    "single_arm": "none (single arm)",
    "observational_comparison": "observational",
    "randomised": "randomised",
}
_READ = {
    "stated": "both numbers printed",
    "from_percent": "from the percentage",
    "not_available": "",
}
#: For a count of which the row, once reconciled, says otherwise.
_READ_OTHERWISE = {
    "stated": "taken as printed",
    "from_percent": "worked out from the percentage",
    "not_available": "",
}
_STATES = {
    "include": ("Included", "It enters with evidence version"),
    "include_without": (
        "Included",
        "No count of it enters a pool; it has been listed since evidence version",
    ),
    "awaiting": ("Awaiting usable counts", "It enters no pool; it has been listed since evidence version"),
    "exclude": ("Excluded", "It enters no pool; it has been listed since evidence version"),
}
#: What a reader wrote in place of a title, or beside it.
_NOT_THE_TITLE = re.compile(
    r"(?P<words>.+?) \((?:(?P<kind>[^()]+); )?(?:full )?title (?P<how>not shown|paraphrased)\)"
)
#: Names of columns that stand in remarks.
_COLUMNS = {"n_female": "number of women", "n_patients": "number of patients"}
_CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ISO_MONTH = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])\b(?!-)")
_SHORT_MONTH = re.compile(rf"\b({'|'.join(name[:3] for name in _MONTHS)})\b(?= \d{{4}}|-[A-Z][a-z]+ \d{{4}})")
_A_TIME = re.compile(
    r"\bintra-?procedural\b|\bday[- ]?\d+\b|\b\d+[- ]?(?:h|hours?|d|days?|weeks?|months?)\b", re.IGNORECASE
)
#: A name of a field in a file that a source points into, such as "safetyFindings.mortality".
_FIELD = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+(?:\.[A-Za-z]+)+\b")
_TO_CHECK = re.compile(r"[:,] check (?:against )?the (article|full text)\b")
_REQUEST = re.compile(r"(?:to be )?check(?:ed)? before pooling", re.IGNORECASE)


def plain(code: Any) -> str:
    """Write a code of the data with spaces.

    Examples
    --------
    >>> plain("mixed_segments")
    'mixed segments'
    """
    return str(code).replace("_", " ")


def comparison_words(study: Study) -> str:
    """Say what a study compares."""
    return _COMPARISONS.get(study.comparative, plain(study.comparative))


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
        # A row as it was delivered is shown as it is; the reader sees that its time is not the outcome's.
        fits = wanted in ("not_stated", row.timepoint, row.timepoint.removesuffix("_assumed"))
        ends = f" in the data, where the protocol has {_TIMES.get(wanted, plain(wanted))}"
        return words if fits else words + ends
    if _A_TIME.search(row.definition):
        words = "only in the definition"
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
        return title.removesuffix(".")
    kind = found["kind"]
    if found["how"] == "paraphrased":
        return f"{found['words']} ({kind + '; ' if kind else ''}in words of the readers)"
    return f"not shown in the text read; about: {found['words']}" + (f" ({kind})" if kind else "")


def note_words(note: str) -> str:
    """Write the remarks on a study; codes of the data are written with spaces and months in full.

    Examples
    --------
    >>> note_words("identity_incomplete (authors not shown). 43 of 196; online 2 Aug 2022.")
    'Identity incomplete (authors not shown). 43 of 196; online 2 August 2022.'
    """
    text = _CODE.sub(lambda code: _COLUMNS.get(code[0], plain(code[0])), _unchecked(note))
    text = months_in_full(text)
    return text[:1].upper() + text[1:]


def period_words(text: str) -> str:
    """Write the months of a period of enrolment in full.

    Examples
    --------
    >>> period_words("2020-01 to 2023-08"), period_words("1 Jan 2022-31 Dec 2022"), period_words("2017-2020")
    ('January 2020 to August 2023', '1 January 2022 to 31 December 2022', '2017-2020')
    """
    words = _ISO_MONTH.sub(lambda found: f"{_MONTHS[int(found[2]) - 1]} {found[1]}", text)
    words = months_in_full(words)
    months = "|".join(_MONTHS)
    return re.sub(rf"(\d{{4}}|{months})-(?=(?:\d+ )?(?:{months}) \d{{4}})", r"\1 to ", words)


def named(evidence: Evidence, text: str) -> str:
    """Write the studies that a text names by key with their names."""
    labels = {study.study_id: study.label for study in evidence.studies}
    keys = "|".join(re.escape(key) for key in sorted(labels, key=len, reverse=True))
    return re.sub(rf"\b(?:{keys})\b", lambda key: labels[key[0]], text)


def remarks_of(row: Outcome, *, used: bool, doubted: bool) -> str:
    """Write the remarks on a number; a request to check it is told with what became of it."""
    parts = _unchecked(row.note).split("; ")
    kept = [part for part in parts if not _REQUEST.fullmatch(part)]
    if len(kept) == len(parts):
        return "; ".join(parts)
    done = (
        "a second reader opened the source again and found the count as written"
        if row.verified == "yes"
        else "the source has not been opened again"
    )
    fate = "it is pooled" if used else "no headline uses it"
    if used and doubted:
        fate += ", and left out where doubtful rows are"
    return "; ".join([*kept, f"a reader asked to check the count: {done}; {fate}"])


def locator_words(locator: str, protocol: Protocol) -> str:
    """Write the place of a number in its source; a field of a file is told in words."""
    labels = {outcome.key: outcome.short_label for outcome in protocol.outcomes}

    def field(found: re.Match[str]) -> str:
        parts = [re.sub("([A-Z])", r" \1", part).lower() for part in found[0].split(".")]
        return ", ".join(labels.get(part, part) for part in parts)

    return _FIELD.sub(field, locator)


def reader_words(derivation: str, settled: str) -> str:
    """Say in brackets how a reader came to a count; nothing for one that could not be read.

    Parameters
    ----------
    derivation
        How the reader came to the count, in the words of the readers' sheets.
    settled
        How the row says that it was read, once reconciled; where it says otherwise, what the reader
        wrote is told as the reader's.

    Examples
    --------
    >>> reader_words("stated", "stated"), reader_words("stated", "deduced")
    (' (both numbers printed)', ' (taken as printed)')
    """
    words = (_READ if derivation == settled else _READ_OTHERWISE).get(derivation, plain(derivation))
    return f" ({words})" if words else ""


def address_words(address: str) -> str:
    """Name what an address leads to: a file by its name, and the site that has it.

    Examples
    --------
    >>> address_words("https://example.org/a/Trials%20of%202025.pdf"), address_words("https://example.org/a")
    ('"Trials of 2025.pdf" at example.org', 'example.org')
    """
    parts = urlsplit(address)
    file = unquote(parts.path).rsplit("/", 1)[-1]
    return f'"{file}" at {parts.netloc}' if "." in file else parts.netloc


def state_words(evidence: Evidence, study: Study, *, used: bool) -> str:
    """Say whether a study is in, why, and since which version it is known.

    Parameters
    ----------
    evidence
        Tables of the review.
    study
        One study.
    used
        Whether a headline uses a number of the study: without one an included study enters no pool.
    """
    key = "include_without" if study.eligibility == "include" and not used else study.eligibility
    state, since = _STATES.get(key, (plain(study.eligibility), "Listed since evidence version"))
    version = evidence.version(study.first_version)
    label = f"{version.label[:1].lower()}{version.label[1:]}"
    return f"{state}: {named(evidence, study.eligibility_reason)}. {since} {version.id} ({label})."


def age_and_sex(summary: str) -> tuple[str, str]:
    """Part what a source prints of age from a percentage of men or women that stands behind it.

    Examples
    --------
    >>> age_and_sex("median 75 (IQR 65-82); 56.1% male"), age_and_sex("65 and older")
    (('median 75 (IQR 65-82)', '56.1% male'), ('65 and older', ''))
    """
    found = re.fullmatch(r"(.*?)[;,] (\d[\d.]*% (?:(?:fe)?male|(?:wo)?men))", summary)
    return (found[1], found[2]) if found else (summary, "")


def months_in_full(text: str) -> str:
    """Write the short name of a month before a year in full.

    Examples
    --------
    >>> months_in_full("Interv Neuroradiol (online 17 Dec 2023)")
    'Interv Neuroradiol (online 17 December 2023)'
    """
    full = {name[:3]: name for name in _MONTHS}
    return _SHORT_MONTH.sub(lambda found: full[found[1]], text)


def _unchecked(text: str) -> str:
    """Tell a request to look into the full text as what it says of the number: nobody has."""
    return _TO_CHECK.sub(r", not yet checked against the \1", text)


def _levels(protocol: Protocol, subgroup: str) -> dict[str, str]:
    """Return the levels of a subgroup by key, as they stand within a sentence."""
    return {
        level.key: level.label[:1].lower() + level.label[1:]
        for item in protocol.subgroups
        if item.key == subgroup
        for level in item.levels
    }
