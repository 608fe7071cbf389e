"""Which tag of which tagged format holds what: tables, one a format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "COCHRANE", "ENDNOTE_TAGGED", "ERIC", "OVID", "REFWORKS", "REFWORKS_KNOWN", "RIS",
    "RIS_BY_DATABASE", "RIS_KNOWN", "WOS", "WOS_KNOWN", "TagTable", "fields_of",
]  # fmt: skip

#: Field -> tags that hold it, in order of preference.
TagTable = Mapping[str, tuple[str, ...]]
#: Of these fields only the first tag that says something counts: the others repeat it.
_ONE_TAG = {"authors", "abstract", "kind"}


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


RIS: TagTable = {
    "title": ("TI", "T1", "CT", "BT", "TT", "ST"),
    "authors": ("AU", "A1", "AF"),
    "year": ("PY", "Y1", "YR", "DA"),
    "journal": ("T2", "JF", "JO", "JA", "J2", "J1", "SO", "NJ", "J9", "JI", "T3"),
    "volume": ("VL", "VO"),
    "issue": ("IS",),
    "first_page": ("SP", "BP"),
    "last_page": ("EP",),
    "pages": ("PG",),
    "article_number": ("C7", "AR"),
    "abstract": ("AB", "N2"),
    "doi": ("DO", "DOI", "DI", "L3"),
    "doi_elsewhere": ("M3",),
    "pmid": ("PM", "PMID"),
    "nct": ("NCT",),
    "accession": ("AN", "UT"),
    "kind": ("M3", "DT", "PT"),
    "language": ("LA",),
    "source": ("DB",),
    "urls": ("UR", "LK", "L2", "L1", "US"),
    "notes": ("N1", "U1", "U2", "C3", "RN"),
}
#: Tags of RIS beyond the table, of the standard and of programs that write it.
RIS_KNOWN = frozenset(tag for tags in RIS.values() for tag in tags) | _tags(
    """
    DP
    TY ER ID A2 A3 A4 A5 A6 AD AV C1 C2 C4 C5 C6 C8 CA CN CP CY ED ET FD IP J3 KW L4 LB LL M1 M2 NV OP
    PB PP PU PI PA RD RP RI SE SN ST TA TT U3 U4 U5 VN WE WT Y2 FU FX AI PMC PMCID EA FA
    """
)
#: What a tag means in files of one database only: pattern of its name -> tag -> field.
RIS_BY_DATABASE: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = (
    (re.compile(r"embase", re.I), {"C5": "pmid", "U2": "accession"}),
    (re.compile(r"scopus|web of science", re.I), {"C2": "pmid"}),
)
WOS: TagTable = {
    "title": ("TI",),
    "authors": ("AU", "AF", "CA", "BA", "GP"),
    "year": ("PY", "EA"),
    "journal": ("SO", "JI", "J9"),
    "volume": ("VL",),
    "issue": ("IS", "SI"),
    "first_page": ("BP",),
    "last_page": ("EP",),
    "article_number": ("AR", "MA"),
    "abstract": ("AB",),
    "doi": ("DI", "D2"),
    "pmid": ("PM",),
    "accession": ("UT",),
    "kind": ("DT", "PT"),
    "language": ("LA",),
}
#: All tags that Web of Science is known to write.
WOS_KNOWN = _tags(
    """
    FN VR PT AU AF BA BF CA GP BE TI SO SE BS LA DT CT CY CL SP HO DE ID AB C1 C3 RP EM RI OI FU FP FX
    CR NR TC Z9 U1 U2 PU PI PA SN EI BN J9 JI PD PY VL IS PN SU SI MA BP EP AR DI DL D2 EA EY PG WC SC
    WE GA PM UT OA HC HP DA P2 ER EF
    """
)
ENDNOTE_TAGGED: TagTable = {
    "title": ("T", "!"),
    "authors": ("A",),
    "year": ("D", "8"),
    "journal": ("J", "B"),
    "volume": ("V",),
    "issue": ("N",),
    "pages": ("P",),
    "article_number": ("]",),
    "abstract": ("X",),
    "doi": ("R",),
    "accession": ("M",),
    "kind": ("9", "0"),
    "language": ("G",),
    "source": ("~", "W"),
    "urls": ("U",),
    "notes": ("Z", "<", "1", "2", "3"),
}
REFWORKS: TagTable = {
    "title": ("T1", "TI"),
    "authors": ("A1", "AU"),
    "year": ("YR", "FD"),
    "journal": ("JF", "JO", "T2"),
    "volume": ("VO",),
    "issue": ("IS",),
    "first_page": ("SP",),
    "last_page": ("OP",),
    "abstract": ("AB",),
    "doi": ("DO",),
    "pmid": ("PMID",),
    "accession": ("AN",),
    "kind": ("RT",),
    "language": ("LA",),
    "source": ("DB", "DS"),
    "urls": ("LK", "UL"),
    "notes": ("NO", "U1", "U2", "U3", "U4", "U5"),
}
#: All tags of RefWorks: a line of an abstract may begin with two capitals.
REFWORKS_KNOWN = _tags(
    """
    RT SR ID A1 T1 TI AU JF JO YR FD VO IS SP OP K1 AB NO A2 T2 ED PB PP A3 A4 A5 A6 T3 SN AV AD AN LA
    CL SF OT LK DO CN DB DS IP RD ST U1 U2 U3 U4 U5 U6 U7 U8 U9 UL SL LL CR WT WV WP OL PMID PMCID
    """
)
OVID: TagTable = {
    "title": ("TI", "OT", "TT"),
    "authors": ("AU", "FA", "FN", "AF"),
    "year": ("YR", "DP", "PY"),
    "journal": ("JN", "NJ", "JT"),
    "volume": ("VO", "VI"),
    "issue": ("IP",),
    "pages": ("PG",),
    "abstract": ("AB",),
    "doi": ("DO",),
    "pmid": ("PM", "PMID"),
    "accession": ("UI", "AN"),
    "kind": ("PT", "DT"),
    "language": ("LG", "LA"),
    "source": ("DB",),
    "nct": ("CN", "TN", "SI"),
    "urls": ("UR", "XL"),
    "notes": ("EM", "NT"),
    "citation": ("SO",),
}
ERIC: TagTable = {
    "title": ("TI",),
    "authors": ("AU", "FAU"),
    "year": ("DP",),
    "journal": ("JT", "TA"),
    "volume": ("VI",),
    "issue": ("IP",),
    "pages": ("PG",),
    "abstract": ("AB",),
    "doi": ("AID",),
    "accession": ("OID",),
    "kind": ("PT",),
    "language": ("LA",),
    "citation": ("SO",),
}
COCHRANE: TagTable = {
    "title": ("TI",),
    "authors": ("AU",),
    "year": ("YR", "PY"),
    "journal": ("SO",),
    "volume": ("VL",),
    "issue": ("NO",),
    "pages": ("PG",),
    "abstract": ("AB",),
    "doi": ("DOI",),
    "notes": ("XR", "PM"),
    "accession": ("ID",),
    "kind": ("PT",),
    "language": ("LA",),
}


def fields_of(tags: Iterable[tuple[str, str]], table: TagTable) -> dict[str, list[str]]:
    """Sort the tagged values of a record under the names of their fields."""
    held: dict[str, list[str]] = {}
    for tag, value in tags:
        held.setdefault(tag, []).append(value)
    return {field: _of_field(held, names, field in _ONE_TAG) for field, names in table.items()}


def _of_field(held: Mapping[str, Sequence[str]], names: Iterable[str], one: bool) -> list[str]:
    found: list[str] = []
    for name in names:
        values = [value for value in held.get(name, ()) if value.strip() and value.strip().upper() != "NA"]
        found += values
        if one and found:
            break
    return found
