"""A synthetic update: what three databases export, what reviewers decide, and what people type."""

import csv
from pathlib import Path

__all__ = [
    "COMMANDS",
    "DOI",
    "PROPOSAL",
    "RECORDS",
    "STUDY",
    "VERSION",
    "assessed",
    "decide",
    "screened",
    "write_exports",
]

#: What people type, in order. `make test` builds the book before it tests it.
COMMANDS = (
    "python -m analysis versions --open 2027-03-01 --trigger Synthetic.",
    "python -m analysis import EXPORTS --searched-on 2026-11-20",
    "python -m analysis propose PROPOSAL --into 27.0.0 --write",
    "make test",
    "git commit -am Update",
    "make release VERSION=27.0.0",
)
VERSION, STUDY = "27.0.0", "synthetic2027"
PROPOSAL = Path(__file__).with_name("samples") / "proposal.yml"
TITLE = "A synthetic series for the tests"
DOI = "10.9999/synthetic.2027.1"
#: Title, authors, DOI and databases of each record that the three searches found.
RECORDS = (
    (TITLE, "Synthetic, Ada", DOI, ("PubMed", "Embase", "Scopus")),
    ("Thrombectomy of synthetic arteries", "Invented, Ben", "10.9999/synthetic.2", ("PubMed", "Embase")),
    ("Outcome of nobody after no stroke", "Invented, Cat", "10.9999/synthetic.3", ("Embase",)),
    ("A model artery in the laboratory", "Invented, Dan", "10.9999/synthetic.4", ("Scopus",)),
)


def _ris(title, author, doi, database):
    lines = ["TY  - JOUR", f"TI  - {title}", f"AU  - {author}", "PY  - 2027", "JO  - Journal of Examples"]
    return "\n".join([*lines, f"DO  - {doi}", f"DB  - {database}", "ER  - ", "", ""])


def _nbib(title, author, doi, place):
    return (
        f"PMID- 9000{place}\nTI  - {title}\nFAU - {author}\nDP  - 2027\nJT  - Journal of Examples\n"
        f"LID - {doi} [doi]\n\n"
    )


def write_exports(folder: Path) -> Path:
    """Write the export files of PubMed, Embase and Scopus, each in its own format."""
    folder.mkdir(parents=True)
    found = {name: [r for r in RECORDS if name in r[3]] for name in ("PubMed", "Embase", "Scopus")}
    pubmed = "".join(_nbib(t, a, d, i) for i, (t, a, d, _) in enumerate(found["PubMed"], start=1))
    (folder / "pubmed.nbib").write_text(pubmed, "utf-8")
    embase = "".join(_ris(t, a, d, "Embase") for t, a, d, _ in found["Embase"])
    (folder / "embase.ris").write_text("\ufeff" + embase, "utf-8")
    with (folder / "scopus.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Authors", "Title", "Year", "Source title", "DOI"])
        writer.writerows([a, t, "2027", "Journal of Examples", d] for t, a, d, _ in found["Scopus"])
    return folder


def decide(data: Path, decisions) -> None:
    """Write decisions into the ledger as reviewers would."""
    path = data / "records.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        head, rows = reader.fieldnames, list(reader)
    for row in rows:
        if row["version"] == VERSION and not row["duplicate_of"]:
            row |= decisions(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, head, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def screened(row):
    """Two reviewers on title and abstract: the new study stays, the others go."""
    said = "include" if row["doi"] == DOI else "exclude"
    reason = "" if said == "include" else "wrong_population"
    return {
        "screen_1_by": "reviewer A", "screen_1": said, "screen_1_reason": reason,
        "screen_2_by": "reviewer B", "screen_2": said, "screen_2_reason": reason,
    }  # fmt: skip


def assessed(row):
    """Two reviewers on the report of the new study."""
    if row["doi"] != DOI:
        return {}
    return {
        "retrieved": "yes", "full_1_by": "reviewer A", "full_1": "include",
        "full_2_by": "reviewer B", "full_2": "include",
    }  # fmt: skip
