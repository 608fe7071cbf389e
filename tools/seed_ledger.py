"""Make the first ledger from the tables of studies, mechanically.

The studies of this review were found by reading public text; no database search with recorded hits stands
behind them. So each study gets one record that says so, and nothing is added: no reviewer, no date, no hit.

    python tools/seed_ledger.py data
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from analysis.living.ledger import NOT_RECORDED, Ledger, LedgerRow, write_ledger

SOURCE = "public text search, hits not recorded"
#: Reason in words, as the tables give it -> the reason's name in the closed list.
REASONS = (
    (r"\bM2\b|proximal PCA|any anterior|basilar", "segments_out_of_scope"),
    (r"selected for|only patients with", "selected_on_result"),
    (r"subset of|already listed", "overlapping_patients"),
    (r"three cases", "case_report"),
    (r"no thrombectomy", "wrong_intervention"),
)


def _reason(text: str) -> str:
    return next((name for pattern, name in REASONS if re.search(pattern, text)), "other")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _row(number: int, version: str, decision: str, reason: str, **cells: str) -> LedgerRow:
    return LedgerRow(
        record_id=f"r{number:06d}",
        version=version,
        source=SOURCE,
        source_kind="website",
        hits_recorded="no",
        full_final=decision,
        full_final_reason={"exclude": _reason(reason), "awaiting": "no_usable_count"}.get(decision, ""),
        full_final_by=NOT_RECORDED,
        note=reason,
        **cells,
    )


def main(folder: Path) -> None:
    """Write `records.csv` from `studies.csv`, `excluded.csv` and `awaiting.csv`."""
    rows: list[LedgerRow] = []
    for study in _read(folder / "studies.csv"):
        rows.append(
            _row(
                len(rows) + 1,
                study["first_version"],
                study["eligibility"],
                study["eligibility_reason"],
                report_id=f"{study['study_id']}.1",
                **{
                    name: study[name]
                    for name in ("study_id", "title", "first_author", "year", "journal", "pmid")
                },
                doi=study["doi"].lower(),
                nct=study["registration"] if re.fullmatch(r"NCT\d{8}", study["registration"]) else "",
                url=study["source_url"],
            )
        )
    last = _read(folder / "versions.csv")[-1]["id"]
    for name, decision in (("excluded", "exclude"), ("awaiting", "awaiting")):
        for item in _read(folder / f"{name}.csv"):
            if item["in_studies_csv"] == "no":
                rows.append(
                    _row(
                        len(rows) + 1,
                        last,
                        decision,
                        item["reason"],
                        title=item["study"],
                        doi=item.get("doi", "").lower(),
                        url=item["source_url"],
                    )
                )
    write_ledger(Ledger(tuple(rows)), folder / "records.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
