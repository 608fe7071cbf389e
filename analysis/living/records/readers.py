"""Reading export files: find the format, read each record, and count that none was lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records.bibtex import read_bibtex
from analysis.living.records.decode import decode, split_lines
from analysis.living.records.delimited import is_delimited, read_delimited
from analysis.living.records.endnote import read_endnote
from analysis.living.records.nbib import read_cochrane, read_nbib
from analysis.living.records.record import Record
from analysis.living.records.ris import read_ris, read_wos
from analysis.results import Result

__all__ = ["FORMATS", "FileRead", "Imported", "read_file", "read_files", "sniff"]

Reader = Callable[[str, str, str], tuple[list[Record], list[Fault], list[Fault]]]

#: Format -> its name, its reader, and what begins a record (None where rows are counted otherwise).
FORMATS: dict[str, tuple[str, Reader, re.Pattern[str] | None]] = {
    "ris": ("RIS", read_ris, re.compile(r"^\s{0,2}TY\s{1,2}-", re.MULTILINE)),
    "nbib": ("PubMed (MEDLINE)", read_nbib, re.compile(r"^PMID\s{0,3}-", re.MULTILINE)),
    "endnote": ("EndNote XML", read_endnote, re.compile(r"<record(?:\s[^>]*)?>")),
    "bibtex": (
        "BibTeX",
        read_bibtex,
        re.compile(r"^[ \t]*@[ \t]*(?!comment\b|string\b|preamble\b)\w+[ \t]*[{(]", re.M | re.I),
    ),
    "wos": ("Web of Science text", read_wos, re.compile(r"^PT(?: |$)", re.MULTILINE)),
    "cochrane": ("Cochrane text", read_cochrane, re.compile(r"^\s*Record #\d+ of \d+", re.M)),
    "delimited": ("table (CSV or tab)", read_delimited, None),
}
_NAMED = (
    ("pubmed", "PubMed"), ("medline", "MEDLINE"), ("embase", "Embase"), ("scopus", "Scopus"),
    ("wos", "Web of Science"), ("webofscience", "Web of Science"), ("savedrecs", "Web of Science"),
    ("central", "CENTRAL"), ("cochrane", "CENTRAL"), ("clinicaltrials", "ClinicalTrials.gov"),
    ("ctgov", "ClinicalTrials.gov"), ("europepmc", "Europe PMC"), ("openalex", "OpenAlex"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file: how it was read, how many records it holds, and what went wrong.

    `faults` name what was lost or could not be read, `notes` what was mended.
    """

    file: str
    format: str
    encoding: str
    expected: int
    records: tuple[Record, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every record that the file holds was read."""
        return not self.faults and len(self.records) == self.expected


@dataclass(frozen=True, slots=True)
class Imported(Result):
    """All files of one import."""

    files: tuple[FileRead, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        """All records in the order of the files."""
        return tuple(record for file in self.files for record in file.records)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults in the order of the files."""
        return tuple(fault for file in self.files for fault in file.faults)

    @property
    def complete(self) -> bool:
        """Whether no record of any file was lost."""
        return all(file.complete for file in self.files)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a file with its counts."""
        return [
            {
                "file": item.file,
                "format": item.format,
                "encoding": item.encoding,
                "source": "; ".join(sorted({record.source for record in item.records})),
                "in_file": item.expected,
                "read": len(item.records),
                "faults": len(item.faults),
                "mended": len(item.notes),
            }
            for item in self.files
        ]


def sniff(text: str, name: str = "") -> str:
    """Return the format of a text by its content, or nothing.

    The ending of the file's name is not trusted: databases give ".txt" to everything.
    """
    head = text[:20_000]
    if re.search(r"^\s*Record #\d+ of \d+", head, re.MULTILINE):
        return "cochrane"
    if re.search(r"<record(?:\s[^>]*)?>", head) or re.match(r"\s*(<\?xml[^>]*>\s*)?<xml>", head):
        return "endnote"
    if re.search(r"^PMID {0,3}- ?\d", head, re.MULTILINE):
        return "nbib"
    if re.search(r"^\s{0,2}TY\s{1,2}-", head, re.MULTILINE):
        return "ris"
    if re.match(r"\s*FN ", head) or re.search(r"^PT [A-Z]\s*$", head, re.MULTILINE):
        return "wos"
    if re.search(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", head, re.MULTILINE):
        return "bibtex"
    if is_delimited(text):
        return "delimited"
    # A file that holds one record without its first line still has the shape of RIS.
    return "ris" if re.search(r"^ER\s{1,2}-", head, re.MULTILINE) else ""


def read_file(path: str | Path, *, source: str = "") -> FileRead:
    """Read one export file.

    Parameters
    ----------
    path : path
        The file, in any of the formats of `FORMATS` and in any common encoding.
    source : str
        Name of the database; by default what the file or its name says.

    Returns
    -------
    FileRead
        The records with every fault; a file that cannot be used gives one fault and no record.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        return FileRead(path.name, "", "", 0, (), (Fault(path.name, 0, "", "", reason, "a file"),))
    text, encoding, odd = decode(data)
    del data
    if "\r" in text:
        text = "\n".join(split_lines(text))
    if not text.strip():
        empty = Fault(path.name, 0, "", "", "the file is empty", "at least one record")
        return FileRead(path.name, "", encoding, 0, (), (empty,))
    kind = sniff(text, path.name)
    if not kind:
        known = ", ".join(name for name, _, _ in FORMATS.values())
        fault = Fault(path.name, 1, "", text.strip()[:60], "the format is not known", known)
        return FileRead(path.name, "", encoding, 0, (), (fault,))
    name, reader, begins = FORMATS[kind]
    records, faults, notes = reader(text, path.name, source)
    unstarted = sum("has no" in note.problem and "line" in note.problem for note in notes)
    expected = len(begins.findall(text)) + unstarted if begins else len(records)
    if expected != len(records) and not faults:
        lost = f"{expected} records begin in the file, {len(records)} were read"
        faults.append(Fault(path.name, 0, "", "", lost, "as many records as begin"))
    notes += [
        Fault(path.name, line, "", "", "the line is not UTF-8 as the rest is", encoding) for line in odd
    ]
    notes += [
        Fault(path.name, item.line, "title", "", "the record has no title", "a title")
        for item in records
        if not item.title
    ]
    hint = source or next((full for part, full in _NAMED if part in path.name.lower()), "")
    records = [item if item.source else replace(item, source=hint) for item in records]
    return FileRead(path.name, name, encoding, expected, tuple(records), tuple(faults), tuple(notes))


def read_files(paths: Iterable[str | Path], *, source: str = "") -> Imported:
    """Read many export files; a folder stands for all files in it, in the order of their names."""
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(item for item in path.iterdir() if item.is_file()) if path.is_dir() else [path]
    return Imported(tuple(read_file(path, source=source) for path in files))
