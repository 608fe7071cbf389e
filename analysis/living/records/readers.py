"""Reading export files: find the format, read each record, and count that none was lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records import bibtex, endnote, registers
from analysis.living.records.decode import decode, split_lines
from analysis.living.records.delimited import is_delimited, read_delimited
from analysis.living.records.fields import Reading, drop_shared
from analysis.living.records.nbib import read_nbib
from analysis.living.records.record import Record
from analysis.living.records.ris import read_ris
from analysis.living.records.tagged import TAGGED, read_tagged
from analysis.living.records.unreadable import is_workbook, name_binary, name_text
from analysis.living.records.workbook import read_workbook
from analysis.results import Result

__all__ = ["FORMATS", "FileRead", "Imported", "read_file", "read_files", "sniff"]

Reader = Callable[[str, str, str], Reading]


def _read_nbib(text: str, file: str, source: str) -> Reading:
    records, faults, notes = read_nbib(text, file, source)
    return Reading(records, faults=faults, notes=notes)


def _read_kind(kind: str, text: str, file: str, source: str) -> Reading:
    return read_tagged(text, file, source, kind)


#: Format -> its name, its reader, and what begins a record (None where rows are counted otherwise).
FORMATS: dict[str, tuple[str, Reader, re.Pattern[str] | None]] = {
    "ris": ("RIS", read_ris, re.compile(r"^[ \t]{0,2}TY[ \t]{1,2}-", re.MULTILINE)),
    "nbib": ("PubMed (MEDLINE)", _read_nbib, re.compile(r"^PMID\s{0,3}-", re.MULTILINE)),
    "endnote": ("EndNote XML", endnote.read_endnote, endnote.BEGINS),
    "bibtex": ("BibTeX", bibtex.read_bibtex, bibtex.BEGINS),
    "ictrp": ("WHO ICTRP XML", registers.read_ictrp, registers.BEGINS),
    **{kind: (form.name, partial(_read_kind, kind), form.begins) for kind, form in TAGGED.items()},
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
    """One file: how it was read, how many records it holds, and what became of each.

    `expected` counts the records of the file; it is the sum of those read, of `skipped` (they say nothing)
    and of `lost` (they could not be read). `faults` name all that went wrong, the lost records among it, and
    `notes` what was mended. `between` counts the lines that belong to no record, and `unknown` the tags or
    columns that are not known, whose values were left out.
    """

    file: str
    format: str
    encoding: str
    expected: int
    records: tuple[Record, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()
    skipped: tuple[Fault, ...] = ()
    lost: tuple[Fault, ...] = ()
    between: int = 0
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every record that the file holds was read, or says nothing."""
        return not self.faults and len(self.records) + len(self.skipped) == self.expected

    def account(self) -> str:
        """Return in one line what became of everything in the file."""
        read = f"{_counted(self.expected, 'record')} in the file: {len(self.records)} read"
        parts = [read, f"{len(self.skipped)} skipped", f"{len(self.lost)} not readable"]
        text = f"{self.file}: " + ", ".join(parts)
        if self.between:
            text += f"; {_counted(self.between, 'line')} between records left out"
        if self.unknown:
            shown = ", ".join(f"{tag[:30]} ({count})" for tag, count in sorted(self.unknown.items())[:12])
            more = f" and {len(self.unknown) - 12} more" if len(self.unknown) > 12 else ""
            what = (
                "columns that are not used" if self.format.startswith("table") else "tags that are not known"
            )
            text += f"; {what}: {shown}{more}"
        return text


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


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
                "skipped": len(item.skipped),
                "not_readable": len(item.lost),
                "faults": len(item.faults),
                "mended": len(item.notes),
            }
            for item in self.files
        ]


def sniff(text: str, name: str = "") -> str:
    """Return the format of a text by its content, or nothing.

    The ending of the file's name is not trusted: databases give ".txt" to everything.
    """
    head = text[:40_000]
    if re.search(r"<Trials_downloaded_from_ICTRP|<TrialID>", head, re.IGNORECASE):
        return "ictrp"
    if _is_endnote(head):
        return "endnote"
    # A line TY makes it RIS, whatever other lines a program or a hand put between.
    if FORMATS["ris"][2].search(head):  # type: ignore[union-attr]
        return "ris"
    if re.search(r"^PMID {0,3}- ?\d", head, re.MULTILINE):
        return "nbib"
    for kind in ("eric", "endnote_tagged", "cochrane"):
        if TAGGED[kind].begins.search(head):
            return kind
    if TAGGED["ovid"].begins.search(head) and re.search(r"^(?:UI|AN|TI|VN) {1,2}- ", head, re.MULTILINE):
        return "ovid"
    if re.match(r"\s*FN ", head) or re.search(r"^PT [A-Z]\s*$", head, re.MULTILINE):
        return "wos"
    if re.search(r"^RT \S", head, re.MULTILINE) and re.search(r"^(?:T1|A1) ", head, re.MULTILINE):
        return "refworks"
    if re.search(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", head, re.MULTILINE):
        return "bibtex"
    if not re.match(r"\s*<", head) and is_delimited(text):
        return "delimited"
    # A file that holds one record without its first line still has the shape of RIS.
    return "ris" if re.search(r"^ER[ \t]{1,2}-", head, re.MULTILINE) else ""


def _is_endnote(head: str) -> bool:
    if re.match(r"\s*(<\?xml[^>]*>\s*)?<xml>", head):
        return True
    return bool(endnote.BEGINS.search(head)) and bool(
        re.search(r"<xml>|<records>\s*<record|<ref-type|<rec-number|<titles>", head)
    )


def _mixed(text: str, kind: str, file: str) -> Fault | None:
    """Name a file in which records of two formats were joined."""
    if kind == "ris" and re.search(r"^PMID {0,3}- ?\d.*\n(?:OWN|STAT|DCOM) ?- ", text, re.MULTILINE):
        problem = "records of two formats were joined in this file (RIS and PubMed)"
        return Fault(file, 0, "", "", problem, "one file for each format")
    return None


def read_file(path: str | Path, *, source: str = "") -> FileRead:
    """Read one export file.

    Parameters
    ----------
    path : path
        The file, in any of the formats of `FORMATS`, in any common encoding, or an Excel workbook.
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
        return _unusable(path.name, Fault(path.name, 0, "", "", reason, "a file"))
    if is_workbook(data):
        reading = read_workbook(data, path.name, source)
        return _file_read(path.name, "table (Excel workbook)", "", reading, source)
    if named := name_binary(data, path.name):
        return _unusable(path.name, named)
    text, encoding, odd = decode(data)
    del data
    if "\r" in text:
        text = "\n".join(split_lines(text))
    if not text.strip():
        empty = Fault(path.name, 0, "", "", "the file is empty", "at least one record")
        return _unusable(path.name, empty, encoding)
    kind = sniff(text, path.name)
    fault = _mixed(text, kind, path.name) if kind else name_text(text, path.name)
    if fault:
        return _unusable(path.name, fault, encoding)
    name, reader, begins = FORMATS[kind]
    reading = reader(text, path.name, source)
    reading.notes += [
        Fault(path.name, line, "", "", "the line is not UTF-8 as the rest is", encoding) for line in odd
    ]
    if not reading.count and not reading.faults:
        problem = f"the file is {name} without a record"
        reading.faults.append(Fault(path.name, 0, "", "", problem, "at least one record"))
    # Marks that begin a record are counted apart from the reader, which must not lose one.
    begun = len(begins.findall(text)) if begins else 0
    return _file_read(path.name, name, encoding, reading, source, begun)


def _unusable(file: str, fault: Fault, encoding: str = "") -> FileRead:
    return FileRead(file, "", encoding, 0, (), (fault,))


def _file_read(
    file: str, name: str, encoding: str, reading: Reading, source: str, begun: int = 0
) -> FileRead:
    if begun > reading.count:
        lost = f"{begun} records begin in the file, {reading.count} were found"
        reading.faults.append(Fault(file, 0, "", "", lost, "as many records as begin"))
    hint = source or next((full for part, full in _NAMED if part in file.lower()), "")
    records = [item if item.source else replace(item, source=hint) for item in reading.records]
    records = drop_shared(records, reading.notes)
    reading.notes += [
        Fault(file, item.line, "title", "", "the record has no title", "a title")
        for item in records
        if not item.title
    ]
    return FileRead(
        file,
        name,
        encoding,
        max(reading.count, begun),
        tuple(records),
        (*reading.lost, *reading.faults),
        tuple(reading.notes),
        tuple(reading.skipped),
        tuple(reading.lost),
        reading.between,
        dict(Counter(reading.unknown)),
    )


def read_files(paths: Iterable[str | Path], *, source: str = "") -> Imported:
    """Read many export files; a folder stands for all files in it, in the order of their names."""
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(item for item in path.iterdir() if item.is_file()) if path.is_dir() else [path]
    return Imported(tuple(read_file(path, source=source) for path in files))
