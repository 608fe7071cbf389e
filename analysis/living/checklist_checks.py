"""Tests of checklist items: each looks at the data or at computed results, never at prose alone.

A test returns where the item stands, and the fact that shows it: reported and done, reported as not done,
or missing from the report. Equal tests on equal data run once.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Literal

from analysis.evidence.load import DATA
from analysis.report.words import CI_METHODS, MODELS

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["CHECKS", "State", "Verdict"]

#: Where an item stands: what it asks is reported and done, reported as not done, or missing.
State = Literal["done", "not_done", "missing"]
Verdict = tuple[State, str]
#: What a test may return; one that can only hold or not is read as done or missing.
Found = tuple[bool | State, str]
_ROOT = DATA.parent

#: Name -> test.
CHECKS: dict[str, Callable[[Evidence], Verdict]] = {}


def _check(function: Callable[[Evidence], Found]) -> Callable[[Evidence], Verdict]:
    @lru_cache(maxsize=4)
    def cached(key: Any) -> Verdict:
        found, fact = function(key.evidence)
        return found if isinstance(found, str) else "done" if found else "missing", fact

    @wraps(function)
    def check(evidence: Evidence) -> Verdict:
        from analysis.review.cells import hashed

        return cached(hashed(evidence))

    CHECKS[function.__name__] = check
    return check


def _settings() -> str:
    return (_ROOT / "_config.yml").read_text("utf-8")


@_check
def title(evidence: Evidence) -> Found:
    """The title of the book and of the citation file."""
    cited = (_ROOT / "CITATION.cff").read_text("utf-8")
    found = [bool(re.search(r"^title:.*systematic review", text, re.M)) for text in (_settings(), cited)]
    return all(found), "title of the book and of the citation file"


@_check
def title_living(evidence: Evidence) -> Found:
    """The word living in the title."""
    return bool(re.search(r"^title:.*\bliving\b", _settings(), re.M)), "title of the book"


@_check
def version(evidence: Evidence) -> Found:
    """A version number for each version."""
    newest = evidence.versions[-1]
    return bool(newest.id), f"version {newest.id}"


@_check
def question(evidence: Evidence) -> Found:
    """Question, population, intervention, comparator and setting."""
    parts = evidence.protocol.text["question"]
    wanted = ("text", "population", "intervention", "comparator", "setting")
    return all(parts.get(name) for name in wanted), f"{len(parts)} parts in the protocol"


@_check
def eligibility(evidence: Evidence) -> Found:
    """Every study has a decision and its reason."""
    good = [study.eligibility and study.eligibility_reason for study in evidence.studies]
    return all(good), f"{len(good)} studies with decision and reason"


@_check
def search_dates(evidence: Evidence) -> Found:
    """Each source has a day of search that is not after the cut-off's clock, or says there is none."""
    from analysis.living.clock import read_clock

    clock = read_clock(evidence, evidence.versions[-1].cut_off, DATA / "records.csv")
    known = [source.last_searched for source in clock.sources if source.last_searched]
    stated = all(source["last_searched"] for source in evidence.protocol.text["living"]["sources"])
    fact = f"{len(clock.sources)} sources, {len(known)} with a recorded search"
    if stated and len(known) < len(clock.sources):
        return "not_done", fact
    return stated, fact


@_check
def strategies(evidence: Evidence) -> Found:
    """Each planned source has a file with its strategy, and the strategy was run."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.search.strategies import load_strategies

    try:
        found = load_strategies(DATA / "searches").strategies
    except EvidenceFaults as error:
        return "missing", str(error).splitlines()[-1]
    # A file may name a source by its short name, as CENTRAL.
    planned = [item["name"].lower() for item in evidence.protocol.text["living"]["sources"]]
    missing = [name for name in planned if not any(item.source.lower() in name for item in found)]
    if missing or not found:
        return "missing", f"no strategy for {', '.join(missing) or 'any source'}"
    ran = sum(item.ran for item in found)
    fact = f"{len(found)} strategies, {ran} of them run"
    return ("done" if ran == len(found) else "not_done"), fact


@_check
def registers(evidence: Evidence) -> Found:
    """A register of trials among the sources, and it was searched."""
    from analysis.living.clock import read_clock

    clock = read_clock(evidence, evidence.versions[-1].cut_off, DATA / "records.csv")
    found = [source for source in clock.sources if source.name == "ClinicalTrials.gov"]
    if not found:
        return "missing", "no register among the sources"
    day = found[0].last_searched
    said = f"searched on {day}" if day else "not searched yet"
    return ("done" if day else "not_done"), f"{found[0].name}, {said}"


@_check
def schedule(evidence: Evidence) -> Found:
    """An interval for each source, and triggers."""
    living = evidence.protocol.text["living"]
    intervals = [item.get("interval_days", 0) for item in living["sources"]]
    return min(intervals) > 0 and bool(living["triggers"]), f"every {max(intervals)} days at most"


@_check
def retirement(evidence: Evidence) -> Found:
    """A rule for the end of living mode."""
    return bool(evidence.protocol.text["living"]["retirement"]), "rule in the protocol"


@_check
def clock(evidence: Evidence) -> Found:
    """A state can be told for the day of the cut-off."""
    from analysis.living.clock import read_clock

    found = read_clock(evidence, evidence.versions[-1].cut_off)
    return bool(found.state), f"next search due by {found.next_due}"


#: States of a record that somebody still has to decide on.
_PENDING = ("to_screen", "screen_conflict", "to_retrieve", "to_assess", "full_conflict")


@_check
def ledger_decisions(evidence: Evidence) -> Found:
    """Each record of the ledger carries a final decision."""
    from analysis.living.ledger import load_ledger

    rows = load_ledger(DATA).records
    pending = [row.record_id for row in rows if row.state in _PENDING]
    if pending:
        return False, f"{len(pending)} records without a decision, the first {pending[0]}"
    return True, f"{len(rows)} records with a decision"


@_check
def flow(evidence: Evidence) -> Found:
    """All sums of the flow hold in all three views, and the hits of a search stand in it."""
    from analysis.living.flow import check_flow, count_flow
    from analysis.living.ledger import load_ledger

    ledger = load_ledger(DATA)
    versions = tuple(item.id for item in evidence.versions)
    views: tuple[Any, ...] = ("last", "updates", "all")
    wrong = [text for view in views for text in check_flow(count_flow(ledger, versions, view))]
    if wrong:
        return "missing", wrong[0]
    hits = sum(row.hits_recorded == "yes" for row in ledger.records)
    known = len(ledger.records)
    fact = f"the sums of three views hold; {hits} of {known} records come from a recorded search"
    return ("done" if hits else "not_done"), fact


@_check
def dedup(evidence: Evidence) -> Found:
    """Every duplicate of the ledger names the rule that found it; without any, none was looked for."""
    with (DATA / "records.csv").open(encoding="utf-8", newline="") as file:
        twice = [row for row in csv.DictReader(file) if row["duplicate_of"]]
    if not twice:
        return "not_done", "no duplicate in the ledger yet"
    return all(row["duplicate_rule"] for row in twice), f"{len(twice)} duplicates, each with its rule"


@_check
def extraction(evidence: Evidence) -> Found:
    """Each row names its extractors and where it was read."""
    good = [row.extractors and row.agreement and row.locator for row in evidence.outcomes]
    return all(good), f"{len(good)} rows with extractors and place"


@_check
def outcomes_defined(evidence: Evidence) -> Found:
    """Each outcome in use is defined with its time."""
    defined = {item.key for item in evidence.protocol.outcomes if item.definition and item.timepoint}
    used = {row.outcome for row in evidence.outcomes}
    return used <= defined, f"{len(defined)} outcomes defined"


@_check
def populations(evidence: Evidence) -> Found:
    """Each population is defined."""
    found = evidence.protocol.populations
    return all(item.definition for item in found), f"{len(found)} populations defined"


@_check
def dictionary(evidence: Evidence) -> Found:
    """Every column of every table is explained."""
    from analysis.evidence.dictionary import dictionary_rows

    rows = dictionary_rows()
    return all(row["meaning"] for row in rows), f"{len(rows)} columns explained"


@_check
def appraisal_tools(evidence: Evidence) -> Found:
    """The tools stand in the data with a version."""
    path = DATA / "appraisal_tools.csv"
    if not path.is_file():
        return False, "no file of tools"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tools = {row["tool"] for row in rows}
    return bool(tools) and all(row["version"] for row in rows), f"{len(tools)} tools"


@_check
def appraisal(evidence: Evidence) -> Found:
    """Every included study is put to a tool, and most questions of the tools are judged."""
    from analysis.judgement.appraise import OPEN

    included = {item.study_id for item in evidence.studies if item.eligibility == "include"}
    missing = sorted(included - {row.study_id for row in evidence.judgements if row.reason})
    if missing:
        return "missing", "no judgement of " + ", ".join(missing)
    rows = [row for row in evidence.judgements if row.study_id in included]
    judged = sum(row.judgement not in OPEN for row in rows)
    fact = f"{len(included)} studies; {judged} of {len(rows)} questions judged"
    return ("done" if 2 * judged > len(rows) else "not_done"), fact


@_check
def certainty(evidence: Evidence) -> Found:
    """Every main outcome of the named populations is rated, with a reason for each domain."""
    with (DATA / "certainty.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rated = {(row["population"], row["outcome"]) for row in rows if row["body"] == "rate"}
    cells = {
        (population.key, outcome.key)
        for population in evidence.protocol.populations
        for outcome in evidence.protocol.main_outcomes
        if population.published_name
    }
    return cells <= rated and all(row["reason"] for row in rows), f"{len(rows)} judgements with a reason"


@_check
def effect_measure(evidence: Evidence) -> Found:
    """Model and scale are fixed."""
    choice = evidence.protocol.primary
    name = MODELS.get(choice.model, choice.model)
    return bool(choice.model and choice.scale), f"{name} on the {choice.scale} scale"


@_check
def model(evidence: Evidence) -> Found:
    """Model, reason and locked software."""
    choice = evidence.protocol.primary
    packages = _pins()
    name = MODELS.get(choice.model, choice.model)
    interval = CI_METHODS.get(choice.ci_method, choice.ci_method)
    return bool(choice.reason and packages), f"{name}, {interval} interval; {packages} packages locked"


@_check
def locked(evidence: Evidence) -> Found:
    """All packages are pinned."""
    packages = _pins()
    return packages > 0, f"{packages} packages locked"


def _pins() -> int:
    text = (_ROOT / "requirements.txt").read_text("utf-8")
    return len(re.findall(r"^[A-Za-z0-9_.-]+==", text, re.M))


@_check
def selection(evidence: Evidence) -> Found:
    """Every row about an outcome is used or left out with a reason."""
    from analysis.review.cells import headlines

    rows = 0
    for cell in headlines(evidence, evidence.versions[-1].id):
        counts = cell.counts
        used = [key for keys in counts.rows_used for key in keys]
        about = [row for row in evidence.outcomes if row.outcome == cell.question.outcome]
        if len(used) + len(counts.left_out) != len(about) or not all(item.reason for item in counts.left_out):
            return False, f"{cell.key} does not account for its rows"
        rows += len(about)
    return True, f"{rows} decisions on rows, each with its reason"


@_check
def derivation(evidence: Evidence) -> Found:
    """Each row says how its count was reached."""
    return all(row.derivation for row in evidence.outcomes), "derivation of each row"


@_check
def subgroups(evidence: Evidence) -> Found:
    """Subgroups are named in the protocol."""
    names = [item.label for item in evidence.protocol.subgroups]
    return bool(names), ", ".join(names)


@_check
def sensitivity(evidence: Evidence) -> Found:
    """Planned departures are named in the protocol."""
    number = len(evidence.protocol.sensitivity)
    return number > 0, f"{number} planned analyses"


@_check
def thresholds(evidence: Evidence) -> Found:
    """Each main outcome has a threshold, and its standing is said."""
    good = all(item.thresholds for item in evidence.protocol.main_outcomes)
    status = evidence.protocol.text["thresholds_note"].get("status", "")
    return good and bool(status), f"thresholds, {status or 'standing not said'}"


@_check
def awaited(evidence: Evidence) -> Found:
    """Studies whose count is awaited are named with a reason."""
    from analysis.review.cells import headlines

    found = [item for cell in headlines(evidence, evidence.versions[-1].id) for item in cell.awaited]
    studies = len({item.study_id for item in found})
    return all(item.reason for item in found), f"{studies} studies awaited in one pool or more"


@_check
def excluded(evidence: Evidence) -> Found:
    """Each excluded study has a reason."""
    return all(row.reason for row in evidence.excluded), f"{len(evidence.excluded)} studies with a reason"


@_check
def cited(evidence: Evidence) -> Found:
    """Each included study has an address, and an identifier or a note that it lacks one."""
    studies = [item for item in evidence.studies if item.eligibility == "include"]
    bare = [item.study_id for item in studies if not item.source_url]
    named = sum(bool(item.doi or item.pmid or item.registration) for item in studies)
    return not bare, f"{len(studies)} studies with an address, {named} with an identifier"


@_check
def designs(evidence: Evidence) -> Found:
    """Each study has a design."""
    return all(item.design for item in evidence.studies), f"{len(evidence.studies)} studies with a design"


@_check
def study_results(evidence: Evidence) -> Found:
    """Each pooled study has events within its patients."""
    from analysis.review.cells import headlines

    cells = [cell for cell in headlines(evidence, evidence.versions[-1].id) if cell.pooled]
    good = all((cell.counts.events <= cell.counts.total).all() for cell in cells)
    return good, f"{sum(cell.counts.k for cell in cells)} study results in {len(cells)} pools"


@_check
def pooled_complete(evidence: Evidence) -> Found:
    """Each pool carries estimate, interval, between-study variance and a test."""
    from analysis.review.cells import headlines

    cells = [cell for cell in headlines(evidence, evidence.versions[-1].id) if cell.pooled]
    good = all(
        cell.pooled.ci.low <= cell.pooled.estimate <= cell.pooled.ci.high
        and cell.pooled.tau2 >= 0
        and (cell.counts.k < 2 or cell.pooled.heterogeneity.q == cell.pooled.heterogeneity.q)
        for cell in cells
        if cell.pooled
    )
    return good, f"{len(cells)} pools complete"


@_check
def protocol(evidence: Evidence) -> Found:
    """The protocol is a file of the data."""
    return (DATA / "protocol.yml").is_file(), "data/protocol.yml"


@_check
def methods_changes(evidence: Evidence) -> Found:
    """Each version says what changed in the methods."""
    found = evidence.versions
    return all(item.methods_changes for item in found), f"{len(found)} versions"


@_check
def trigger(evidence: Evidence) -> Found:
    """Each version says what caused it."""
    found = evidence.versions
    return all(item.trigger for item in found), f"{len(found)} versions"


@_check
def people(evidence: Evidence) -> Found:
    """Each version says who made it, in which roles."""
    return all(item.people for item in evidence.versions), evidence.versions[-1].people


@_check
def diff(evidence: Evidence) -> Found:
    """The newest version is compared with the one before, in every headline."""
    from analysis.living.diff import diff_versions

    if len(evidence.versions) < 2:
        return True, "one version only"
    before, after = evidence.versions[-2].id, evidence.versions[-1].id
    found = diff_versions(evidence, before, after)
    wanted = len(evidence.protocol.populations) * len(evidence.protocol.main_outcomes)
    return len(found.cells) == wanted, f"{wanted} headline results, {before} to {after}"


@_check
def notices(evidence: Evidence) -> Found:
    """Notices name a version and a reason."""
    found = evidence.notices
    return all(item.version and item.reason for item in found), f"{len(found)} notices"


@_check
def sequential(evidence: Evidence) -> Found:
    """The secondary view states its parameters."""
    chosen = evidence.protocol.text["living"]["sequential"]
    return all(chosen.get(name) for name in ("alpha", "power", "relative_change", "role")), chosen["role"]


@_check
def doubts(evidence: Evidence) -> Found:
    """Doubtful facts name their source."""
    return all(item.doubt and item.source for item in evidence.doubts), f"{len(evidence.doubts)} doubts"


@_check
def public_data(evidence: Evidence) -> Found:
    """Every table of the package of data exists."""
    package = json.loads((DATA / "datapackage.json").read_text("utf-8"))
    files = [DATA / item["path"] for item in package["resources"]]
    return all(path.is_file() for path in files), f"{len(files)} tables"
