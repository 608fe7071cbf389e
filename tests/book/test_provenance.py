"""Every count behind an estimate reaches its source in one click from the page that shows it."""

import json
import sys
from html.parser import HTMLParser

import pytest

from analysis import review
from analysis.evidence.select import Question, select
from analysis.review.provenance import row_anchor
from tests.book.pages import target_of

pytestmark = pytest.mark.site


class _PooledTables(HTMLParser):
    """The links of each row of the tables of pooled rows, by the name of the table."""

    def __init__(self, text):
        super().__init__()
        self.tables = {}
        self._name = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "div" and values.get("class") == "review-table":
            name = values.get("data-name") or ""
            self._name = name if name.startswith("pooled-") else None
            if self._name:
                self.tables[self._name] = []
        elif self._name and tag == "tr":
            self.tables[self._name].append([])
        elif self._name and tag == "a" and self.tables[self._name]:
            self.tables[self._name][-1].append(values.get("href", ""))

    def handle_endtag(self, tag):
        if tag == "table":
            self._name = None


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.fixture(scope="module")
def estimates(site, evidence):
    """The estimates whose rows the pages show: of the first version and of the newest."""
    records = json.loads((site / "results.json").read_text("utf-8"))["results"]
    shown = (evidence.versions[0].id, evidence.versions[-1].id)
    return [
        record
        for record in records
        if record["kind"] in ("headline", "subgroup") and record["k"] and record["evidence_version"] in shown
    ]


def _cells(evidence, estimates):
    """Yield the name of the table that shows an estimate, and each row of the data behind it."""
    rows = {row.key: row for row in evidence.outcomes}
    for record in estimates:
        asked = Question(
            record["population"], record["outcome"], record["evidence_version"], record["subgroup"]
        )
        counts = select(evidence, asked)
        alias = evidence.version(record["evidence_version"]).alias
        parts = (record["subgroup"], record["population"], record["outcome"], alias)
        name = "pooled-" + "-".join(part for part in parts if part)
        labels = {}
        if record["subgroup"]:
            labels = {each.key: each.label for each in evidence.protocol.subgroup(record["subgroup"]).levels}
        used = set()
        for place, keys in enumerate(counts.rows_used):
            if record["subgroup"] and labels[counts.group[place]] != record["level"]:
                continue
            used.add(counts.study_id[place])
            for key in keys:
                yield name.lower(), rows[key]
        # The feed and the selection must speak of the same studies.
        assert used == set(record["studies"]), record["id"]


def test_every_count_reaches_its_source_in_one_click(site, pages, evidence, estimates, capsys):
    tables = {}
    for path in pages:
        for name, rows in _PooledTables(path.read_text("utf-8")).tables.items():
            tables[name] = (path, rows)
    anchors = {path.resolve(): set(page.ids) for path, page in pages.items()}
    missing, links, cells, studies = [], 0, set(), set()
    for name, row in _cells(evidence, estimates):
        cells.add(row.key)
        studies.add(row.study_id)
        if name not in tables:
            missing.append(f"{name} is shown on no page")
            continue
        path, shown = tables[name]
        target = (site / "studies" / f"{row.study_id}.html").resolve()
        direct = [
            addresses
            for addresses in shown
            if row.source_url in addresses
            and any(target_of(path, each) == (target, row_anchor(row.key)) for each in addresses)
        ]
        if not direct:
            missing.append(f"{path.name}, {name}: no row leads to {row.key} and its source")
        elif row_anchor(row.key) not in anchors.get(target, ()):
            missing.append(f"{target.name}: no place for {row.key}")
        else:
            links += 1

    assert not missing, "\n".join(dict.fromkeys(missing))
    with capsys.disabled():
        sys.stdout.write(
            f"\nprovenance: {len(cells)} outcome cells of {len(studies)} studies behind "
            f"{len(estimates)} estimates; {links} places lead to their source in one click\n"
        )


def test_every_study_has_a_page_that_leads_to_its_sources(site, pages, evidence):
    known = {path.resolve(): page for path, page in pages.items()}
    for study in evidence.studies:
        page = known[(site / "studies" / f"{study.study_id}.html").resolve()]
        wanted = {row.source_url for row in evidence.outcomes if row.study_id == study.study_id}

        assert wanted | {study.source_url} <= set(page.links), study.study_id
        assert page.description, study.study_id


def test_forest_plots_lead_to_the_studies(pages, site):
    page = pages[site / "book" / "pooling_primary.html"]

    assert any(address.startswith("../studies/") and "#row-" in address for address in page.links)
