"""Double extraction as shown: agreement by field, and every row that readers saw differently."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.evidence.agreement import Kappa, extraction_agreement, resolutions
from analysis.evidence.short_names import arm_name
from analysis.report.numbers import fixed, share
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.provenance import row_href

if TYPE_CHECKING:
    from analysis.evidence.tables import DoubleExtraction, Evidence

__all__ = ["agreement_fields", "agreement_pairs", "disagreements_table"]

#: Readers who worked apart; the later ones had the earlier rows at hand.
_APART = (1, 2, 3, 4)


def agreement_fields(evidence: Evidence) -> Table:
    """Agreement and kappa of each field, for all pairs and for readers who worked apart."""
    rows: list[dict[str, Any]] = []
    for who, extractors in (("all readers", None), ("readers who worked apart", _APART)):
        for item in extraction_agreement(evidence, extractors).fields:
            found = item.measures
            rows.append(
                {
                    "field": item.field,
                    "who": who,
                    "basis": item.basis,
                    "n": found.n,
                    "agreed": found.agreed,
                    "share": Cell(f"{share(found.observed)}%", round(100 * found.observed, 2)),
                    "kappa": _kappa(found),
                }
            )
    columns = [
        Column("field", "Field"),
        Column("who", "Pairs of"),
        Column("basis", "Pairs taken"),
        Column("n", "Pairs", "right"),
        Column("agreed", "Same answer", "right"),
        Column("share", "Agreement", "right"),
        Column("kappa", "Cohen's kappa (95% interval)", "right"),
    ]
    return table_from_rows(
        "agreement-fields",
        "Agreement of the double extraction, field by field",
        columns,
        rows,
        footnotes=(
            "Kappa: agreement beyond chance, with the large-sample interval of Fleiss, Cohen and Everitt "
            "(1969), cut at 1. Where every pair agrees the interval has no width and says little. "
            "Numbers count as categories, so that only identical ones agree.",
        ),
        sortable=False,
    )


def _kappa(found: Kappa) -> Cell:
    if math.isnan(found.kappa):
        return Cell("not defined: one category", "", tone="missing")
    text = f"{fixed(found.kappa, 2)} ({fixed(found.low, 2)} to {fixed(found.high, 2)})"
    return Cell(text, round(found.kappa, 6))


def disagreements_table(evidence: Evidence) -> Table:
    """Rows of which readers gave different accounts, and how each ended."""
    rows = [
        {
            "study": Cell(evidence.study(item.row.study_id).label, href=row_href(item.row.key)),
            "outcome": evidence.protocol.outcome(item.row.outcome).short_label,
            "arm": Cell(arm_name(item.row.arm_id, item.row.unit), item.row.arm_id),
            "wrote": "; ".join(_wrote(each) for each in item.wrote),
            "final": f"{item.row.events}/{item.row.total}" if item.row.has_count else "no exact count",
            "reason": item.reason,
        }
        for item in resolutions(evidence)
    ]
    columns = [
        Column("study", "Study"),
        Column("outcome", "Outcome"),
        Column("arm", "Arm"),
        Column("wrote", "What the readers wrote"),
        Column("final", "Row in use"),
        Column("reason", "How it was resolved"),
    ]
    return table_from_rows(
        "disagreements", "Rows that readers saw differently or that changed when reconciled", columns, rows
    )


def agreement_pairs(evidence: Evidence) -> Table:
    """Every pair of accounts that differ: in the count, or in whether there is one."""
    rows = [
        {
            "study": Cell(evidence.study(pair.key[0]).label, href=row_href(pair.key)),
            "outcome": evidence.protocol.outcome(pair.key[2]).short_label,
            "arm": Cell(arm_name(pair.key[1]), pair.key[1]),
            "one": _account(pair.first, pair.readers[0]),
            "other": _account(pair.second, pair.readers[1]),
        }
        for pair in extraction_agreement(evidence).differing
    ]
    columns = [
        Column("study", "Study"),
        Column("outcome", "Outcome"),
        Column("arm", "Arm"),
        Column("one", "One reader"),
        Column("other", "The other"),
    ]
    return table_from_rows("differing-pairs", "Pairs of readers whose accounts differ", columns, rows)


def _account(item: DoubleExtraction | None, reader: int) -> str:
    return f"reader {reader}: left out" if item is None else _wrote(item)


def _wrote(item: DoubleExtraction) -> str:
    count = f"{item.events}/{item.total}" if item.events is not None else "no count"
    return f"reader {item.extractor}: {count}"
