"""Where a number comes from: how one row was read, by whom, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.evidence.checks_counts import percent_agreement
from analysis.evidence.tables import DoubleExtraction, Doubt, Evidence, Outcome, Study
from analysis.results import Result

__all__ = ["Trace", "agreement_words", "derivation_words", "trace"]

_VERIFIED = {
    "yes": "a second reader opened the source again and found it matching",
    "no": "a second reader opened the source again and found it not matching",
    "not_reopened": "the source was not opened again",
}


@dataclass(frozen=True, slots=True)
class Trace(Result):
    """One number with all that is known of its origin.

    `derivation`, `agreement` and `verified` are sentences or phrases for readers; `extractions` are
    the raw rows of the readers, and `doubts` what speaks against the number.
    """

    row: Outcome
    study: Study
    derivation: str
    agreement: str
    verified: str
    extractions: tuple[DoubleExtraction, ...]
    doubts: tuple[Doubt, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the number, its source and its origin."""
        row = self.row
        return [
            {
                "study_id": row.study_id,
                "arm_id": row.arm_id,
                "outcome": row.outcome,
                "events": row.events,
                "total": row.total,
                "source_url": row.source_url,
                "locator": row.locator,
                "derivation": self.derivation,
                "definition": row.definition,
                "threshold_note": row.threshold_note,
                "timepoint": row.timepoint,
                "unit": row.unit,
                "extractors": row.extractors,
                "agreement": self.agreement,
                "verified": self.verified,
                "doubts": "; ".join(doubt.doubt for doubt in self.doubts),
                "note": row.note,
            }
        ]


def trace(evidence: Evidence, row: Outcome) -> Trace:
    """Return the origin of one row."""
    raw = [item for item in evidence.double_extraction if _key(item) == row.key]
    raw.sort(key=lambda item: item.extractor)
    return Trace(
        row=row,
        study=evidence.study(row.study_id),
        derivation=derivation_words(row),
        agreement=agreement_words(row, raw),
        verified=_VERIFIED[row.verified],
        extractions=tuple(raw),
        doubts=tuple(
            doubt
            for doubt in evidence.doubts
            if doubt.study_id == row.study_id and doubt.outcome in (row.outcome, "*")
        ),
    )


def agreement_words(row: Outcome, extractions: Sequence[DoubleExtraction]) -> str:
    """Say whether the readers of a row wrote the same, and whether the row took it as it was."""
    answers = {(item.events, item.total) for item in extractions}
    if len(answers) > 1:
        return f"the readers differed; {_taken(row)}"
    none = answers == {(None, None)}
    if len({item.extractor for item in extractions}) > 1:
        said = "two readers or more, " + ("all without a count" if none else "with the same counts")
    else:
        said = "one reader, without a count" if none else "one reader"
    changed = row.agreement == "resolved" or answers != {(row.events, row.total)}
    return f"{said}; {_taken(row)}" if changed else said


def _taken(row: Outcome) -> str:
    if row.has_count:
        return f"{row.events}/{row.total} was taken when the row was reconciled"
    return "no exact count was taken when the row was reconciled"


def derivation_words(row: Outcome) -> str:
    """Say in a sentence how the count of a row was obtained.

    The reason of a deduced or missing count stands in the row's note, which is shown beside it.
    """
    if row.derivation == "stated":
        return "Both numbers are printed" + _percent_words(row)
    if row.derivation == "from_percent":
        return (
            # The total may be that of the arm, not printed beside the percentage.
            f"The source prints {row.percent_reported}%. Of a total of {row.total}, {row.events} is the "
            "only whole number that fits" + _percent_words(row, printed=False)
        )
    if row.derivation == "deduced":
        return "The count follows from other printed facts" + _percent_words(row)
    if row.derivation == "approximate":
        # Without a printed percentage there is nothing that a number could fit.
        how = "Only a range can be read" if row.percent_reported is None else "Several whole numbers fit"
        return f"{how}: {row.events_low} to {row.events_high} of {row.total}."
    shown = f" The source prints {row.percent_reported}%." if row.percent_reported is not None else ""
    return f"No count can be given.{shown}"


def _percent_words(row: Outcome, *, printed: bool = True) -> str:
    """Say how a printed percentage goes with the count."""
    if row.percent_reported is None or not row.has_count:
        return "."
    how = percent_agreement(row.events or 0, row.total or 1, row.percent_reported)
    shown = f"; the printed {row.percent_reported}%" if printed else "; the print"
    ends = {
        "rounded": " agrees." if printed else "",
        "truncated": " cuts the decimals off instead of rounding.",
        "conflict": " does not agree with them.",
    }
    if not ends[how]:
        return "."
    return shown + ends[how]


def _key(item: DoubleExtraction) -> tuple[str, str, str]:
    return (item.study_id, item.arm_id, item.outcome)
