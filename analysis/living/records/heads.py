"""Which column of which table holds what: one table of heads, and what single producers mean by them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["COLUMNS", "PRODUCERS", "Producer", "bare", "columns_of", "is_head", "producer_of"]

#: Field -> heads that hold it in any table, in order of preference, without case, accents and marks.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "title": (
        "title", "articletitle", "documenttitle", "itemtitle", "studytitle", "titleprimary", "primarytitle",
        "publictitle", "officialtitle", "brieftitle", "scientifictitle", "titles", "papertitle", "doctitle",
        "ti", "t1", "displayname", "titleofarticle", "titleofpublication", "titleenglish", "originaltitle",
        "titulo", "titel", "titre", "titolo", "tituloprincipal", "citationtitle",
    ),
    "authors": (
        "authors", "authornames", "author", "authorfullnames", "au", "a1", "authorsfullname", "af",
        "authorstring", "authorlist", "authorsprimary", "primaryauthors", "firstauthors",
        "contributors", "creator", "creators", "authorshipsauthordisplayname", "firstauthor", "authorname",
        "autores", "autor", "autoren", "auteurs", "auteur", "autori", "citationauthors",
    ),
    "year": (
        "year", "publicationyear", "publishedyear", "pubyear", "py", "yr", "y1", "yearpublished",
        "yearofpublication", "dateofpublication", "publicationdate", "pubdate", "datepublished", "published",
        "date", "dateregistration3", "dateregistration", "firstposted", "startdate", "ano", "annee", "jahr",
        "anno", "anodepublicacion", "dp", "coverdate", "earlyaccessdate",
        "issued", "publishedprint", "publishedonline", "citationpubyear",
    ),
    "journal": (
        "sourcetitle", "journal", "journalbook", "journaltitle", "publicationname", "pubtitle", "so",
        "secondarytitle", "publication", "source", "venue", "journalname", "parenttitle",
        "primarylocationsourcedisplayname", "hostvenuedisplayname", "journalabbreviation",
        "jt", "ta", "jf", "t2", "jo",
        "anthologytitle", "booktitle", "conferencename", "proceedingstitle", "container", "containertitle",
        "altjournal", "revista", "zeitschrift", "revue", "rivista", "citationjournalname",
    ),
    "volume": ("volume", "journalvolume", "volumenumber", "vl", "vo", "vi", "vol", "bibliovolume", "volumen",
               "band", "jahrgang", "citationjournalvolume"),
    "issue": (
        "issue", "number", "issuenumber", "journalissue", "is", "ip", "no", "num", "biblioissue", "numero",
        "heft", "citationjournalissue",
    ),
    "pages": ("pages", "pagination", "pageinfo", "pg", "page", "pagerange", "paginas", "seiten", "pp",
              "pagenumbers"),
    "first_page": (
        "pagestart", "startpage", "firstpage", "bp", "beginningpage", "beginpage", "sp", "bibliofirstpage",
        "spage", "startingpage",
    ),
    "last_page": ("pageend", "endpage", "lastpage", "ep", "endingpage", "bibliolastpage", "epage"),
    "article_number": ("articlenumber", "artno", "ar", "c7", "elocationid", "meetingabstract"),
    "abstract": (
        "abstract", "abstractnote", "ab", "notesabstract", "n2", "briefsummary", "summary", "abstracttext",
        "description", "resumo", "resumen", "resume", "zusammenfassung",
        "citationabstract",
    ),
    "doi": (
        "doi", "itemdoi", "di", "digitalobjectidentifier", "digitalobjectidentifierdoi", "do", "doilink",
        "electronicresourcenum", "electronicresourcenumber", "doiurl", "articledoi", "idsdoi", "citationdoi",
    ),
    "pmid": (
        "pubmedid", "pmid", "medlinepmid", "pm", "pubmedpmid", "pubmed", "pmids", "pubmednumber", "idspmid",
        "pubmedids", "pubmedidpmid",
    ),
    "nct": (
        "nctnumber", "nctid", "clinicaltrialnumbers", "clinicaltrialnumber", "ctgovid", "ictrpid", "trialid",
        "registrationnumber", "secondaryid", "otherids",
    ),
    "accession": (
        "eid", "utuniquewosid", "uniquewosid", "ut", "pui", "embaseaccessionid", "embaseaccessionnumber",
        "centralid", "cochraneid", "lensid", "publicationid", "storeid", "accessionnumber", "accessionno",
        "an",
        "nctnumber", "nctid", "trialid", "isrctn", "documentid", "ui", "uniqueidentifier", "ericnumber",
    ),
    "number": ("id", "key", "recordid", "sourceid"),
    "kind": (
        "documenttype", "typeofdocument", "doctype", "doctypes", "publicationtype", "publicationtypes",
        "pubtype", "dt", "itemtype", "typeofwork", "typeofreference", "referencetype", "contenttype",
        "sourcetype",
        "entrytype", "articletype", "documentidentifier", "typeofpublication", "type", "studytype", "pt",
        "typename",
    ),
    "language": (
        "languageoforiginaldocument", "articlelanguage", "language", "languages", "la", "idioma", "sprache",
    ),
    "source": (
        "databasename", "nameofdatabase", "database", "db", "sourcedatabase", "databaseprovider",
        "remotedatabasename", "librarycatalog", "basededatos",
    ),
    "urls": (
        "url", "urls", "link", "links", "doilink", "articleurl", "fulltexturl", "fulltextlink", "weblink",
        "plink", "ur", "permalink", "externalurl",
    ),
    "notes": ("extra", "notes", "note", "userdefined1", "custom1", "custom2", "n1", "u1", "otherid",
              "externalids"),
    "citation": ("citation", "fullcitation"),
}  # fmt: skip


@dataclass(frozen=True)
class Producer:
    """A program or database that writes tables, recognised by heads that it alone writes together.

    Attributes
    ----------
    name : str
        As it is printed.
    heads : set of str
        All of them stand in its tables.
    database : str
        Where its records come from, when the producer is a database.
    columns : mapping
        Field -> heads, where they differ from `COLUMNS`; without heads the field is not in the table.
    kind : str
        What all its records are.
    """

    name: str
    heads: frozenset[str]
    database: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = ""


def _of(name: str, heads: str, database: str = "", all_are: str = "", **columns: tuple[str, ...]) -> Producer:
    return Producer(name, frozenset(heads.split()), database, columns, all_are)


_REGISTRATION = "Trial registration"
#: The first whose heads all stand in a table has written it.
PRODUCERS: tuple[Producer, ...] = (
    _of("Covidence", "title covidence study"),
    _of("Rayyan", "key title pubmedid pmcid", accession=()),
    _of("Zotero", "key itemtype title publicationtitle abstractnote",
        journal=("publicationtitle", "proceedingstitle", "conferencename", "journalabbreviation"),
        year=("publicationyear", "date"), kind=("itemtype", "type"), accession=()),
    _of("Publish or Perish", "title source gsrank", journal=("source",), accession=(), kind=()),
    _of("SpringerLink", "itemtitle publicationtitle contenttype", "SpringerLink",
        title=("itemtitle",), journal=("publicationtitle", "bookseriestitle")),
    _of("IEEE Xplore", "documenttitle publicationtitle", "IEEE Xplore",
        title=("documenttitle",), journal=("publicationtitle",), kind=("documentidentifier",), accession=()),
    _of("Scopus", "eid title", "Scopus", journal=("sourcetitle", "abbreviatedsourcetitle"), source=()),
    _of("Web of Science", "articletitle utuniquewosid", "Web of Science",
        kind=("documenttype", "publicationtype")),
    _of("Web of Science", "pt ti so ut", "Web of Science", kind=("dt", "pt"), journal=("so", "ji", "j9"),
        first_page=("bp",), year=("py", "ea"), issue=("is",), notes=(), source=(), urls=()),
    *(
        _of("Embase", f"title {number}", "Embase", journal=("sourcetitle", "journal"), citation=("source",))
        for number in ("pui", "embaseaccessionid", "embaseaccessionnumber")
    ),
    _of("CENTRAL", "title centralid", "CENTRAL", journal=("source",), source=()),
    _of("CENTRAL", "title cochraneid", "CENTRAL", source=()),
    _of("abstrackr", "internalid sourceid title", accession=(), notes=()),
    _of("Dimensions", "publicationid title pubyear", "Dimensions", source=()),
    _of("PubMed", "pmid title journalbook", "PubMed", accession=("pmid",)),
    _of("Lens.org", "lensid title", "Lens.org", accession=("lensid",)),
    _of("ClinicalTrials.gov", "nctnumber", "ClinicalTrials.gov", _REGISTRATION,
        authors=(), journal=(), source=(), doi=()),
    _of("WHO ICTRP", "trialid publictitle", "WHO ICTRP", _REGISTRATION, authors=(), journal=(),
        title=("publictitle", "scientifictitle"), source=(), nct=("trialid", "secondaryid", "secondaryids")),
    _of("WHO ICTRP", "trialid scientifictitle", "WHO ICTRP", _REGISTRATION, authors=(), journal=()),
    _of("ISRCTN", "isrctn title", "ISRCTN", _REGISTRATION, authors=(), journal=()),
    _of("Europe PMC", "authorstring title", "Europe PMC", accession=("id",), source=(),
        journal=("journaltitle", "bookorreportdetails")),
    *(
        _of("Europe PMC", f"source {number} title", "Europe PMC", accession=(number,), source=(),
            journal=("journaltitle", "bookorreportdetails"))
        for number in ("externalid", "extid")
    ),
    _of("OpenAlex", "displayname id", "OpenAlex", accession=("id",)),
    _of("OpenAlex", "title id idsopenalex", "OpenAlex", accession=("id",)),
    _of("LILACS (BVS)", "id title authors fulltexturl database", accession=("id",),
        journal=("journal", "source")),
    _of("EBSCO", "articletitle journaltitle accessionnumber", accession=("accessionnumber",)),
    _of("EBSCO", "an title contributors", accession=("an",), journal=("source", "journal")),
    _of("ProQuest", "title storeid", "ProQuest", journal=("pubtitle",),
        accession=("accessionnumber", "storeid")),
    _of("ASReview", "title asreviewranking", accession=()),
    _of("ASReview", "title asreviewlabel", accession=()),
    _of("EPPI-Reviewer", "title itemid", accession=()),
    _of("DistillerSR", "title refid", accession=()),
    _of("EndNote", "title referencetype", accession=("accessionnumber",),
        journal=("secondarytitle", "journal", "alternatetitle"), kind=("typeofwork", "referencetype")),
    _of("Ovid", "vn ti so", citation=("so",), journal=("jn", "jt", "nj"), kind=("pt",)),
    _of("Ovid", "ui ti so", citation=("so",), journal=("jn", "jt", "nj"), kind=("pt",)),
    _of("Google Scholar", "authors title publication number pages year publisher", accession=()),
)  # fmt: skip
_TITLES = frozenset((*COLUMNS["title"], "publicationtitle"))
_KNOWN = frozenset(head for heads in COLUMNS.values() for head in heads) | frozenset(
    head for producer in PRODUCERS for head in producer.heads
)


def bare(head: str) -> str:
    """Return a head in lower case, without accents, blanks and marks.

    Examples
    --------
    >>> bare("UT (Unique WOS ID)"), bare("Título")
    ('utuniquewosid', 'titulo')
    """
    parts = unicodedata.normalize("NFKD", head.casefold())
    return re.sub(r"[^a-z0-9]", "", parts)


def is_head(cells: Sequence[str]) -> int:
    """Return how many cells of a row are heads that are known; 0 when the row is no head of records."""
    bares = [bare(cell) for cell in cells if len(cell) <= 80]
    found = {cell for cell in bares if cell in _KNOWN}
    return len(found) if found & _TITLES and len(found) >= 2 else 0


def producer_of(heads: Iterable[str]) -> Producer | None:
    """Return who wrote a table with these bare heads, if somebody known did."""
    held = set(heads)
    return next((producer for producer in PRODUCERS if producer.heads <= held), None)


def columns_of(heads: Iterable[str], producer: Producer | None) -> dict[str, tuple[str, ...]]:
    """Return field -> the heads of this table that hold it, in order of preference."""
    held = set(heads)
    meant = {**COLUMNS, **(producer.columns if producer else {})}
    found = {name: tuple(head for head in names if head in held) for name, names in meant.items()}
    if "publicationtitle" in held and producer is None:
        # The name of a journal beside a title of its own, the title where there is no other.
        if found["title"]:
            found["journal"] = ("publicationtitle", *found["journal"])
        else:
            found["title"] = ("publicationtitle",)
    if producer is None and not found["accession"] and {"id", "database"} <= held:
        found["accession"] = ("id",)
    return found
