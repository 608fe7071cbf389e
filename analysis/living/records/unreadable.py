"""Files that hold no records as text: named for what they are, with how to export them better."""

from __future__ import annotations

import io
import re
import zipfile

from analysis.evidence.faults import Fault

__all__ = ["is_workbook", "name_binary", "name_text"]

_BETTER = "the records exported again as RIS, or as CSV with a head"
#: First bytes -> what the file is, and what to do.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", _BETTER),
    (b"{\\rtf", "a document in Rich Text Format (.rtf)", "plain text, exported again as RIS"),
    (b"\x1f\x8b", "a compressed file (gzip)", "the file unpacked"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7-Zip)", "its files unpacked"),
    (b"Rar!", "an archive (RAR)", "its files unpacked"),
    (b"\x89PNG", "a picture (PNG)", _BETTER),
    (b"\xff\xd8\xff", "a picture (JPEG)", _BETTER),
    (b"GIF8", "a picture (GIF)", _BETTER),
    (b"SQLite format 3", "the database of a program such as Zotero (SQLite)", "an export from it as RIS"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook (.xls) or Word document (.doc), or a protected workbook",
        "the workbook saved as .xlsx or as CSV UTF-8",
    ),
    (b"PAR1", "a Parquet table", "CSV with a head"),
    (b"\x7fELF", "a program", _BETTER),
    (b"MZ", "a program", _BETTER),
)  # fmt: skip
#: A part of an archive -> what the archive is.
_ARCHIVES: tuple[tuple[str, str, str], ...] = (
    ("word/", "a Word document (.docx)", _BETTER),
    ("ppt/", "a presentation (.pptx)", _BETTER),
    ("content.xml", "an OpenDocument file (.ods or .odt)", "the sheet saved as CSV UTF-8 or .xlsx"),
    (".enl", "a compressed EndNote library (.enlx)", "an export of the library as RIS or XML"),
    ("sdb/", "a compressed EndNote library (.enlx)", "an export of the library as RIS or XML"),
    ("Index/", "a Numbers or Pages document", "the sheet saved as CSV UTF-8 or .xlsx"),
)
_XML = r"(?s)\s*(?:<\?xml[^>]*>\s*)?.{0,400}?"
_NBIB = "the records saved from PubMed in the format PubMed (.nbib)"
#: A pattern in the text -> what the file is, and how to export it better.
_TEXTS: tuple[tuple[str, str, str], ...] = (
    (r"(?i)\s*(?:<!DOCTYPE html|<html|<head|<table|<body)", "a web page (HTML), not an export", _BETTER),
    (
        r"(?:From|MIME-Version|Content-Type|Return-Path|Received|Subject): ",
        "a letter or a saved web page (MIME)",
        _BETTER,
    ),
    (_XML + r"<(?:PubmedArticleSet|PubmedArticle|MedlineCitationSet)\b", "PubMed XML", _NBIB),
    (
        _XML + r"<(?:clinical_study|full_studies|search_results)\b",
        "XML of ClinicalTrials.gov",
        "the search downloaded from ClinicalTrials.gov as CSV or RIS",
    ),
    (_XML + r"<rdf:RDF", "Zotero RDF", "the collection exported from Zotero as RIS"),
    (_XML + r"<(?:\w+:)?mods(?:Collection)?\b", "MODS XML", _BETTER),
    (_XML + r"<b:Sources", "a source list of Word (XML)", _BETTER),
    (_XML + r"<(?:article|pmc-articleset)\b", "the XML of an article (JATS)", _BETTER),
    (
        _XML + r"<(?:\w+:)?Workbook\b",
        "an Excel workbook saved as XML",
        "the sheet saved as CSV UTF-8 or .xlsx",
    ),
    (r"\s*<\?xml|\s*<[A-Za-z_][\w:.-]*[\s>]", "XML of a kind that is not known", _BETTER),
    (
        r"\s*[\[{][\s\[{]*\"[^\"]+\"\s*:",
        "JSON (CSL JSON, or the answer of an interface)",
        "an export as RIS or CSV",
    ),
    (r"(?s)(?=.*\bPMID:\s*\d+)\s*1\s*[.:]\s", "PubMed's text for readers (Abstract or Summary)", _NBIB),
    (
        r"(?is).{0,3000}?\n?\s*(?:<\d+\s*\.?\s*>|VN  ?- Ovid|Unique Identifier\s*\n|Ovid Technologies)",
        "Ovid citation text",
        "an export from Ovid as RIS (Citation + Abstract)",
    ),
    (
        r"(?is)(?:.{0,400}?\n)?[ \t]*TY[ \t]*-[ \t]*\w",
        "RIS whose tags are not written as programs read them",
        'two capitals, two blanks, a mark and a blank, as in "TY  - JOUR"',
    ),
    (r"(?s).{0,400}?\bRECORD 1\s*\n", "Embase text for readers", "an export from Embase as RIS or CSV"),
    (r"(?s).{0,3000}?ProQuest [Dd]ocument", "ProQuest text for readers", "an export from ProQuest as RIS"),
    (
        r"(?s).{0,3000}?(?:Record: \d+|Accession Number:)",
        "EBSCO text for readers",
        "an export from EBSCO as RIS",
    ),
    (r"(?s)\s*1\s*[.)]\s+\S.{20,3000}?\n\s*2\s*[.)]\s", "a list of references as prose", _BETTER),
)


def is_workbook(data: bytes) -> bool:
    """Whether bytes are an Excel workbook of today (.xlsx)."""
    return any(name.startswith("xl/") for name in _names(data))


def _names(data: bytes) -> list[str]:
    if not data.startswith(b"PK"):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return []


def name_binary(data: bytes, file: str) -> Fault | None:
    """Name a file by its first bytes, when these are none of a text."""
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        names = _names(data)
        for part, what, better in _ARCHIVES:
            if any(part in name for name in names):
                return _fault(file, what, better)
        if names:
            return _fault(file, f"an archive (ZIP) of {len(names)} files", "its files unpacked")
        what = "a damaged archive, perhaps an Excel workbook (.xlsx) that was cut off"
        return _fault(file, what, "the workbook opened and saved as CSV UTF-8")
    for start, what, better in _MAGIC:
        if data.startswith(start):
            return _fault(file, what, better)
    head = data[:4096]
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:4] == b"\x00\x00\xfe\xff"
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)
    # UTF-16 without its mark: every other byte is zero.
    zeros = sorted((head[0::2].count(0), head[1::2].count(0)))
    if zeros[1] > 4 * zeros[0]:
        odd -= zeros[1]
    if head and not wide and odd > 0.1 * len(head):
        return _fault(file, "a file that is no text", _BETTER)
    return None


def name_text(text: str, file: str) -> Fault:
    """Name a text that no reader knows."""
    head = text[:20_000]
    words = re.split(r"[\s,;]+", head.strip())
    if all(re.fullmatch(r"\d{4,9}", word) for word in words):
        return _fault(file, "a list of PubMed numbers alone", f"{_NBIB}, found by these numbers")
    if all(re.fullmatch(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?10\.\d{4,9}/\S+", word) for word in words):
        return _fault(file, "a list of DOIs alone", "the records of these DOIs as RIS")
    for pattern, what, better in _TEXTS:
        if re.match(pattern, head):
            return _fault(file, what, better)
    first = next((line for line in head.splitlines() if line.strip()), "")
    for mark, name in ((",", "commas"), (";", "semicolons"), ("\t", "tabs")):
        cells = [cell.strip().strip('"') for cell in first.split(mark)]
        if len(cells) > 2:
            shown = ", ".join(cell[:30] for cell in cells[:6] if cell)
            problem = f"a table separated by {name} in which no column is known to hold titles ({shown})"
            return Fault(file, 1, "", "", problem, "a head with Title and, say, Authors, Year and DOI")
    problem = "the file is text of a format that is not known"
    expected = (
        "an export as RIS, PubMed (.nbib), BibTeX, EndNote XML, Web of Science text, or CSV with a head"
    )
    return Fault(file, 1, "", first.strip()[:60], problem, expected)


def _fault(file: str, what: str, better: str) -> Fault:
    return Fault(file, 0, "", "", f"the file is {what}, which holds no records that can be read", better)
