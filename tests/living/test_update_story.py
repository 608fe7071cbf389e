"""One update from export files to the pages, on a copy: ledger, diff, feed and first page agree.

The human commands are those of COMMANDS; all else that people do is decide, in the ledger. Building,
testing and releasing are `make`; here the functions that the pages call run on the copy instead.
"""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis.__main__ import main
from analysis.evidence.load import load_evidence
from analysis.living.atom import atom_feed
from analysis.living.diff import diff_versions
from analysis.living.flow import check_flow, count_flow
from analysis.living.ledger import load_ledger
from analysis.report.feed import check_feed, feed
from analysis.review.cells import headline
from analysis.review.living import whats_new_section
from analysis.review.overview import headline_table

pytestmark = pytest.mark.slow

#: What people type, in order; DATA is the folder of the tables.
COMMANDS = (
    "versions --open 2027-03-01 --trigger Synthetic.",
    "import EXPORTS --searched-on 2027-02-20",
    "propose PROPOSAL --into 27.0.0 --write",
    "make book",
    "make test",
    "make release VERSION=27.0.0",
)

TITLE = "A synthetic series for the tests"
DOI = "10.9999/synthetic.2027.1"
#: Title, authors, DOI and databases of each record that the three searches found.
RECORDS = (
    (TITLE, "Synthetic, Ada", DOI, ("PubMed", "Embase", "Scopus")),
    ("Thrombectomy of synthetic arteries", "Invented, Ben", "10.9999/synthetic.2", ("PubMed", "Embase")),
    ("Outcome of nobody after no stroke", "Invented, Cat", "10.9999/synthetic.3", ("Embase",)),
    ("A model artery in the laboratory", "Invented, Dan", "10.9999/synthetic.4", ("Scopus",)),
)  # fmt: skip


def _ris(title, author, doi, database):
    lines = ["TY  - JOUR", f"TI  - {title}", f"AU  - {author}", "PY  - 2027", "JO  - Journal of Examples"]
    return "\n".join([*lines, f"DO  - {doi}", f"DB  - {database}", "ER  - ", "", ""])


def _nbib(title, author, doi, place):
    return (
        f"PMID- 9000{place}\nTI  - {title}\nFAU - {author}\nDP  - 2027\nJT  - Journal of Examples\n"
        f"LID - {doi} [doi]\n\n"
    )


@pytest.fixture
def exports(tmp_path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
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


def _decide(data, decisions):
    """Write decisions into the ledger as reviewers would, by DOI."""
    path = data / "records.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        head, rows = reader.fieldnames, list(reader)
    for row in rows:
        if row["version"] == "27.0.0" and not row["duplicate_of"]:
            row |= decisions(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, head, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _screened(row):
    said = "include" if row["doi"] == DOI else "exclude"
    reason = "" if said == "include" else "wrong_population"
    return {
        "screen_1_by": "reviewer A", "screen_1": said, "screen_1_reason": reason,
        "screen_2_by": "reviewer B", "screen_2": said, "screen_2_reason": reason,
    }  # fmt: skip


def _assessed(row):
    if row["doi"] != DOI:
        return {}
    return {
        "retrieved": "yes", "full_1_by": "reviewer A", "full_1": "include",
        "full_2_by": "reviewer B", "full_2": "include",
    }  # fmt: skip


def test_an_update_is_at_most_six_commands():
    assert len(COMMANDS) <= 6


def test_one_update_tells_one_story(copy_of_data, exports, tmp_path, capsys):
    proposal = Path(__file__).with_name("samples") / "proposal.yml"
    words = {"EXPORTS": str(exports), "PROPOSAL": str(proposal)}

    def run(place):
        arguments = [words.get(word, word) for word in COMMANDS[place].split()]
        extra = ["--out", str(tmp_path / "imports")] if arguments[0] == "import" else []
        assert main([*arguments, "--data", str(copy_of_data), *extra]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    assert "opened version 27.0.0: Public by 1 March 2027" in run(0)
    run(1)
    _decide(copy_of_data, _screened)
    told = run(2)
    _decide(copy_of_data, _assessed)

    evidence = load_evidence(copy_of_data)
    ledger = load_ledger(copy_of_data)
    versions = tuple(item.id for item in evidence.versions)

    # The flow: seven records found in three databases, three of them twice.
    flow = count_flow(ledger, versions, "last", searched=("27.0.0",))
    assert check_flow(flow) == ()
    counts = {key: flow.count(f"databases.{key}") for key in ("identified", "duplicates", "screened")}
    assert counts == {"identified": 7, "duplicates": 3, "screened": 4}
    assert flow.count("databases.screen_excluded") == 3
    assert (flow.count("new_studies"), flow.count("new_reports")) == (1, 1)

    # The diff, the page on what is new, and the preview name the study and the same numbers.
    diff = diff_versions(evidence, "26.0.0", "27.0.0")
    cell = diff.cell("primary", "mrs02")
    assert [move.study_id for move in cell.moves] == ["synthetic2027"]
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", whats_new_section(evidence)._repr_html_()))
    assert "1 study became known: 1 included" in page
    shown = f"{cell.after.k} studies"
    assert shown in told

    # The first page and the results carry the pool with the study.
    now = headline(evidence, "primary", "mrs02", "27.0.0")
    assert "synthetic2027" in now.counts.study_id
    assert now.pooled.estimate == cell.after.estimate
    html = headline_table(evidence)._repr_html_()
    assert "Public by 1 March 2027" in html
    document = feed(evidence, ledger)
    assert check_feed(document) == []
    assert document["current_version"] == "27.0.0"
    (record,) = [item for item in document["results"] if item["id"] == "primary-mrs02-27.0.0"]
    assert record["estimate"] == pytest.approx(now.pooled.estimate, rel=1e-11)
    assert "synthetic2027" in record["studies"]

    # The Atom feed opens with the version; the version before stands as it was.
    entry = ElementTree.fromstring(atom_feed(evidence)).find("{http://www.w3.org/2005/Atom}entry")
    assert "Version 27.0.0" in entry.find("{http://www.w3.org/2005/Atom}title").text
    before = load_evidence()
    estimates = [headline(each, "primary", "mrs02", "26.0.0").pooled.estimate for each in (evidence, before)]
    assert estimates[0] == pytest.approx(estimates[1], abs=1e-12)
    assert json.loads(json.dumps(diff.to_dict()))["after"]["id"] == "27.0.0"
