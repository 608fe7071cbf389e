"""One update from export files to the pages, on a copy: ledger, diff, feed and first page agree.

The human commands are those of COMMANDS; all else that people do is decide, in the ledger. Building,
testing and releasing are `make`; here the functions that the pages call run on the copy instead, and
`test_update_rebuild.py` builds the book too.
"""

import json
import re
from xml.etree import ElementTree

import pytest

from analysis.__main__ import main
from analysis.evidence.load import DATA, load_evidence
from analysis.living.atom import atom_feed
from analysis.living.diff import diff_versions
from analysis.living.flow import check_flow, count_flow
from analysis.living.ledger import load_ledger
from analysis.living.whole import load_whole
from analysis.report.feed import check_feed, feed
from analysis.review.cells import headline
from analysis.review.landing import answers
from analysis.review.living import whats_new_section
from analysis.review.overview import headline_table
from tests.living.update import COMMANDS, PROPOSAL, assessed, decide, screened, write_exports

pytestmark = pytest.mark.slow


@pytest.fixture
def exports(tmp_path):
    return write_exports(tmp_path / "exports")


def test_an_update_is_at_most_six_commands():
    assert len(COMMANDS) <= 6


def test_the_chapter_on_updates_lists_at_most_six_commands():
    chapter = (DATA.parent / "book" / "updating.md").read_text("utf-8")
    (steps,) = re.findall(r"^## The steps\n(.*?)^## ", chapter, re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"```\{code-block\} bash\n(.*?)```", steps, re.DOTALL)
    listed = [line.strip() for block in blocks for line in block.strip().splitlines()]

    assert 0 < len(listed) <= 6
    # They are those that the test of the whole update types.
    first = [
        [line.split()[: 4 if line.startswith("python") else 2] for line in lines]
        for lines in (listed, COMMANDS)
    ]
    assert first[0] == first[1]


def test_one_update_tells_one_story(copy_of_data, exports, tmp_path, capsys):
    words = {"EXPORTS": str(exports), "PROPOSAL": str(PROPOSAL)}

    def run(place):
        python, option, module, *rest = COMMANDS[place].split()
        assert (python, option, module) == ("python", "-m", "analysis")
        arguments = [words.get(word, word) for word in rest]
        extra = ["--out", str(tmp_path / "imports")] if arguments[0] == "import" else []
        assert main([*arguments, "--data", str(copy_of_data), *extra]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    assert "opened version 27.0.0: Public by 1 March 2027" in run(0)
    run(1)
    decide(copy_of_data, screened)
    told = run(2)
    decide(copy_of_data, assessed)

    evidence = load_evidence(copy_of_data)
    assert load_whole(copy_of_data)[1].content_hash == load_ledger(copy_of_data).content_hash
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
    changed = dict(answers(evidence).items)["What changed"]
    assert changed[0].startswith("1 study became known after 22 November 2026, 1 of them included")
    html = headline_table(evidence)._repr_html_()
    assert "Public by 1 March 2027" in html
    assert evidence.versions[-1].searched_on == "2026-11-20"
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
