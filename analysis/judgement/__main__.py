"""Write the rows that the rules propose: ``python -m analysis.judgement``.

Signed rows are kept as they are. Provisional rows of the appraisal are renewed, since they are nothing but
the rule; provisional judgements on certainty are renewed only with ``--certainty``, after somebody has read
what the rules propose.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from analysis.evidence.rows import columns_of
from analysis.evidence.tables import TABLES, Evidence
from analysis.files import csv_text, write_file
from analysis.judgement.appraise import derive
from analysis.living.lock import locked
from analysis.review.grading import proposed_rows
from analysis.review.session import ROOT, load

__all__ = ["appraisal_rows", "certainty_rows", "main", "write_rows"]


def appraisal_rows(evidence: Evidence) -> list[dict[str, str]]:
    """Return the rows of `judgements.csv`: signed ones as they stand, the others by the rules."""
    signed = {
        (row.study_id, row.tool, row.domain): row for row in evidence.judgements if row.status == "signed"
    }
    rows = []
    for item in derive(evidence):
        kept: Any = signed.get(item.key, item)
        rows.append(
            {
                "study_id": item.study_id,
                "tool": item.tool,
                "domain": item.domain,
                "judgement": kept.judgement,
                "reason": kept.reason,
                "source": kept.source,
                "status": "signed" if item.key in signed else "provisional",
            }
        )
    return rows


def certainty_rows(evidence: Evidence) -> list[dict[str, str]]:
    """Return the rows of `certainty.csv`: signed ones as they stand, the others as proposed."""
    signed = {row.key: row for row in evidence.certainty if row.status == "signed"}
    rows = []
    for row in proposed_rows(evidence):
        kept = signed.get((row["body"], row["population"], row["outcome"], row["domain"]))
        rows.append(row if kept is None else {name: str(getattr(kept, name)) for name in row})
    return rows


def write_rows(table: str, rows: list[dict[str, str]], folder: Path) -> None:
    """Write one table in the order of its columns."""
    columns = columns_of(TABLES[table])
    write_file(folder / f"{table}.csv", csv_text(columns, ([row[name] for name in columns] for row in rows)))


def main(arguments: list[str] | None = None) -> None:
    """Renew the proposals in `data/`."""
    parser = argparse.ArgumentParser(prog="python -m analysis.judgement", description=__doc__)
    parser.add_argument("--certainty", action="store_true", help="renew provisional judgements on certainty")
    chosen = parser.parse_args(arguments)
    with locked(ROOT / "data", "judgement"):
        evidence = load()
        write_rows("judgements", appraisal_rows(evidence), ROOT / "data")
        if chosen.certainty:
            load.cache_clear()
            write_rows("certainty", certainty_rows(load()), ROOT / "data")


if __name__ == "__main__":
    main()
