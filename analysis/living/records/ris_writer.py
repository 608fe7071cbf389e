"""Records as RIS text, so that what a program found is read back like any export."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.living.records.record import Record

__all__ = ["to_ris"]


def to_ris(records: Iterable[Record], *, abstracts: bool = True) -> str:
    """Return RIS text; every field that a record carries is read back unchanged.

    Parameters
    ----------
    records : iterable of Record
        What to write.
    abstracts : bool
        Whether to write abstracts, which belong to their publishers.
    """
    lines: list[str] = []
    for record in records:
        start, _, end = record.pages.partition("-")
        fields = [
            ("TY", "JOUR"),
            ("M3", record.kind),
            ("TI", record.title),
            *(("AU", name) for name in record.authors),
            ("PY", "" if record.year is None else str(record.year)),
            ("T2", record.journal),
            ("VL", record.volume),
            ("IS", record.issue),
            ("SP", start.strip()),
            ("EP", end.strip()),
            ("DO", record.doi),
            ("PM", record.pmid),
            ("AN", record.accession),
            ("U1", record.nct),
            ("LA", record.language),
            ("AB", record.abstract if abstracts else ""),
            ("DB", record.source),
        ]
        lines += [f"{tag}  - {' '.join(value.split())}" for tag, value in fields if value]
        lines += ["ER  - ", ""]
    return "\n".join(lines)
