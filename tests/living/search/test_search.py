"""Searching against a faulty local server: nothing lost, nothing doubled, resumed after a kill."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from analysis.living.records.readers import read_file
from analysis.living.search.client import Client, SearchError, ShapeChanged
from analysis.living.search.run import last_searched, run_search
from analysis.living.search.runs import SearchRun, add_run, read_runs
from analysis.living.search.sources import SOURCES
from analysis.living.search.strategies import load_strategies
from tests.living.search.faulty import FaultyServer

KEYS = sorted(SOURCES)
DAYS = {"since": date(2026, 1, 1), "until": date(2026, 2, 1)}


def _client(name, waits=None):
    slept = (lambda seconds: waits.append(seconds)) if waits is not None else (lambda seconds: None)
    return Client(name, pause=0.0, backoff=0.01, timeout=5.0, sleep=slept)


def _run(key, server, folder, **options):
    source = SOURCES[key]
    client = options.pop("client", None) or _client(source.name)
    with client:
        return run_search(
            load_strategies().by_api(key), source, folder, base=server.url, client=client, **DAYS | options
        )


def _accessions(folder, run):
    read = read_file(folder / run.file)
    assert read.complete
    return [record.accession for record in read.records]


@pytest.mark.parametrize("key", KEYS)
def test_every_record_comes_once(tmp_path, key):
    with FaultyServer(total=450) as server:
        run = _run(key, server, tmp_path)
    found = _accessions(tmp_path, run)
    assert (run.hits, len(found), len(set(found))) == (450, 450, 450)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".unfinished", run.file, "runs.csv"]
    assert not list((tmp_path / ".unfinished").iterdir())


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("total", [0, 1, 100, 200, 201])
def test_page_borders(tmp_path, key, total):
    with FaultyServer(total=total) as server:
        run = _run(key, server, tmp_path)
    assert run.hits == total
    text = (tmp_path / run.file).read_text(encoding="utf-8")
    assert text.count("TY  - ") == total


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Return the run of each source on a server without faults."""
    with FaultyServer(total=250) as server:
        return {key: _run(key, server, tmp_path_factory.mktemp(key)) for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", ["429", "500", "503", "cut", "half", "drop", "renamed"])
def test_a_fault_on_any_request_loses_and_doubles_nothing(tmp_path, clean, key, fault):
    with FaultyServer(total=250, faults={1: fault, 3: fault, 4: fault}) as server:
        run = _run(key, server, tmp_path)
    assert (run.hits, run.sha256) == (250, clean[key].sha256)


def test_retry_after_is_heeded(tmp_path):
    waits = []
    with FaultyServer(total=1, faults={1: "429"}) as server:
        _run("europepmc", server, tmp_path, client=_client("Europe PMC", waits))
    assert waits == [1.0]


def test_calls_keep_their_pace(tmp_path):
    with FaultyServer(total=250) as server:
        client = Client("OpenAlex", pause=0.2, backoff=0.01)
        _run("openalex", server, tmp_path, client=client)
    gaps = [later - earlier for earlier, later in zip(server.times, server.times[1:], strict=False)]
    assert len(gaps) == 2  # three numbered pages, as there is no key
    # The pace is kept where calls leave; the way to the server may shorten a gap by a little.
    assert min(gaps) > 0.15


@pytest.mark.parametrize("key", KEYS)
def test_a_server_that_stays_broken_leaves_no_import_file(tmp_path, key):
    with FaultyServer(total=50, always=lambda path: "500") as server, pytest.raises(SearchError, match="500"):
        _run(key, server, tmp_path)
    assert not list(tmp_path.glob("*.ris"))
    assert last_searched(tmp_path, SOURCES[key].name) is None
    with FaultyServer(total=50) as server:
        assert _run(key, server, tmp_path).hits == 50


@pytest.mark.parametrize("key", KEYS)
def test_a_changed_field_is_named(tmp_path, key):
    with (
        FaultyServer(total=50, always=lambda path: "renamed") as server,
        pytest.raises(ShapeChanged, match="changed, no field"),
    ):
        _run(key, server, tmp_path)
    assert not list(tmp_path.glob("*.ris"))


def test_a_search_that_fails_midway_goes_on_where_it_stopped(tmp_path):
    with (
        FaultyServer(total=450, faults=dict.fromkeys(range(3, 99), "500")) as server,
        pytest.raises(SearchError),
    ):
        _run("europepmc", server, tmp_path)
    with FaultyServer(total=450) as server:
        run = _run("europepmc", server, tmp_path)
        assert len(server.requests) == 1
    assert run.hits == len(set(_accessions(tmp_path, run))) == 450


@pytest.mark.parametrize("key", ["europepmc", "clinicaltrials", "openalex", "crossref"])
def test_a_stale_cursor_starts_the_pages_anew(tmp_path, key):
    said = []
    with FaultyServer(total=450, faults={2: "400"}) as server:
        run = _run(key, server, tmp_path, say=said.append, api_key="synthetic-key")
    assert (run.hits, run.promised, run.state) == (450, 450, "done")
    assert any("start anew" in text for text in said)


def test_a_cursor_that_is_stale_twice_ends_the_call(tmp_path):
    with FaultyServer(total=450, faults={2: "400", 4: "400"}) as server:
        with pytest.raises(SearchError, match="starts anew next time"):
            _run("europepmc", server, tmp_path)
        assert _run("europepmc", server, tmp_path).hits == 450


def test_a_400_of_pubmed_keeps_the_pages(tmp_path):
    # PubMed's cursor is a list of numbers, which cannot go stale.
    with FaultyServer(total=450, faults={3: "400"}) as server, pytest.raises(SearchError, match="400"):
        _run("pubmed", server, tmp_path)
    with FaultyServer(total=450) as server:
        assert _run("pubmed", server, tmp_path).hits == 450
        assert [path for path, _ in server.requests] == ["/efetch.fcgi", "/efetch.fcgi"]


@pytest.mark.parametrize(("key", "age"), [("pubmed", 86_401), ("europepmc", 86_401), ("crossref", 301)])
def test_pages_that_are_too_old_are_asked_anew(tmp_path, key, age):
    with (
        FaultyServer(total=450, faults=dict.fromkeys(range(3, 99), "500")) as server,
        pytest.raises(SearchError),
    ):
        _run(key, server, tmp_path)
    kept = list((tmp_path / ".unfinished").rglob("*.json"))
    assert len(kept) == 2
    for path in kept:
        os.utime(path, (time.time() - age, time.time() - age))
    said = []
    with FaultyServer(total=449) as server:
        assert _run(key, server, tmp_path, say=said.append).hits == 449
    assert any("too old" in text for text in said)


def _odd_pages(alter):
    """Return Europe PMC as a source whose pages `alter` changes, given the number of the call from 1."""
    original, calls = SOURCES["europepmc"], []

    def page(client, question, cursor):
        found = original.page(client, question, cursor)
        calls.append(cursor)
        return alter(found, len(calls))

    return dataclasses.replace(original, page=page)


def _run_odd(source, server, folder, said=None):
    say = (lambda text: None) if said is None else said.append
    with _client(source.name) as client:
        return run_search(
            load_strategies().by_api(source.key),
            source,
            folder,
            base=server.url,
            client=client,
            say=say,
            **DAYS,
        )


@pytest.mark.parametrize("moved", [1, -1])
def test_a_total_that_moves_by_one_keeps_what_came(tmp_path, moved):
    said = []
    with FaultyServer(total=450) as server:
        source = _odd_pages(lambda page, call: page._replace(total=page.total + moved))
        run = _run_odd(source, server, tmp_path, said)
    assert (run.hits, run.promised) == (450, 450 + moved)
    assert run.state == f"done, {450 + moved} promised and 450 received"
    assert len(_accessions(tmp_path, run)) == 450
    assert f"second pass: {450 + moved} promised, 450 received" in run.said
    assert any(run.said in text for text in said)
    (again,) = read_runs(tmp_path)
    assert again == run
    assert not list((tmp_path / ".unfinished").iterdir())


def test_a_record_that_one_pass_lost_comes_with_the_second(tmp_path):
    with FaultyServer(total=450) as server:
        # In the first pass the last row of page one stands there twice in place of another.
        double = _odd_pages(
            lambda page, call: (
                page._replace(records=(*page.records[:-1], page.records[0])) if call == 1 else page
            )
        )
        run = _run_odd(double, server, tmp_path)
    assert (run.hits, run.promised, run.state) == (450, 450, "done")
    assert "first pass: 450 promised, 449 received" in run.said


def test_a_search_that_lacks_many_records_is_no_search(tmp_path):
    with FaultyServer(total=450) as server:
        source = _odd_pages(lambda page, call: page._replace(total=600))
        with pytest.raises(SearchError, match="600 records promised, 450 received in two passes"):
            _run_odd(source, server, tmp_path)
    assert not list(tmp_path.glob("*.ris"))
    assert last_searched(tmp_path, "Europe PMC") is None


def test_a_source_without_a_total_says_so(tmp_path):
    with FaultyServer(total=450) as server:
        run = _run_odd(_odd_pages(lambda page, call: page._replace(total=None)), server, tmp_path)
    assert (run.hits, run.promised, run.state) == (450, None, "done, no total was given")
    assert read_runs(tmp_path) == [run]


def test_pages_that_go_in_a_circle_end(tmp_path):
    with FaultyServer(total=200) as server:
        source = _odd_pages(lambda page, call: page._replace(cursor=f"c{call % 2}", total=None))
        assert _run_odd(source, server, tmp_path).hits == 200
        assert len(server.requests) <= 4


def test_a_run_keeps_what_was_asked_and_no_key(tmp_path):
    with FaultyServer(total=1) as server:
        run = _run("openalex", server, tmp_path, api_key="secret-of-the-key", email="a@example.org")
        (sent,) = [query for _, query in server.requests]
    assert sent["api_key"] == ["secret-of-the-key"]
    assert load_strategies().by_api("openalex").one_line in run.asked
    assert "published 2024-01-01 to 2026-02-01" in run.asked
    stored = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file())
    assert "secret-of-the-key" not in stored and "a@example.org" not in stored


def test_two_lists_of_runs_at_once_lose_no_row(tmp_path):
    runs = [
        SearchRun(
            "Synthetic", "database", "2026-02-01", "2026-01-01", "2026-02-01", "s.yml", "0", 0, f"{i}", ""
        )
        for i in range(24)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: add_run(tmp_path, run), runs))
    assert {run.file for run in read_runs(tmp_path)} == {run.file for run in runs}


def test_an_older_list_of_runs_is_read_and_a_broken_one_is_named(tmp_path):
    head = "source,kind,searched_on,since,until,strategy,query_hash,hits,file,sha256"
    path = tmp_path / "runs.csv"
    path.write_text(f"{head}\nPubMed,database,2026-02-01,2026-01-01,2026-02-01,p.yml,0,4,p.ris,0\n", "utf-8")
    (run,) = read_runs(tmp_path)
    assert (run.hits, run.promised, run.asked) == (4, None, "")
    path.write_text(path.read_text("utf-8").replace(",4,", ",four,"), "utf-8")
    with pytest.raises(ValueError, match=r"runs\.csv: row 2: .*four"):
        read_runs(tmp_path)
    path.write_text("source,until\nPubMed,2026-02-01\n", "utf-8")
    with pytest.raises(ValueError, match="the column 'file' is missing"):
        read_runs(tmp_path)


def test_a_finished_search_is_not_repeated(tmp_path):
    with FaultyServer(total=10) as server:
        first = _run("openalex", server, tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        again = _run("openalex", server, tmp_path)
        assert len(server.requests) == 1
    assert again == first
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert last_searched(tmp_path, "OpenAlex") == DAYS["until"]


def test_a_half_written_page_is_fetched_again(tmp_path):
    with (
        FaultyServer(total=450, faults=dict.fromkeys(range(3, 99), "500")) as server,
        pytest.raises(SearchError),
    ):
        _run("europepmc", server, tmp_path)
    page = next((tmp_path / ".unfinished").rglob("000001.json"))
    page.write_text(page.read_text(encoding="utf-8")[:100], encoding="utf-8")
    with FaultyServer(total=450) as server:
        run = _run("europepmc", server, tmp_path)
    assert len(set(_accessions(tmp_path, run))) == 450


@pytest.mark.parametrize("key", ["pubmed", "openalex"])
def test_a_killed_program_is_resumed(tmp_path, key):
    command = [
        sys.executable, "-m", "analysis", "search", "--source", key, "--since", "2026-01-01",
        "--until", "2026-02-01", "--out", str(tmp_path), "--pause", "0",
    ]  # fmt: skip
    with FaultyServer(total=2000, slow=0.1) as server:
        command += ["--base", f"{key}={server.url}"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(server.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        stored = len(list((tmp_path / ".unfinished").rglob("*.json")))
        assert stored >= 2
        assert not list(tmp_path.glob("*.ris"))
        asked = len(server.requests)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        needed = (1 + 10 if key == "pubmed" else 20) - stored
        assert len(server.requests) - asked == needed
    (file,) = tmp_path.glob("*.ris")
    found = [record.accession for record in read_file(file).records]
    assert (len(found), len(set(found))) == (2000, 2000)


def test_strategies_say_that_they_were_never_run():
    table = load_strategies().strategies
    assert {item.api for item in table} == {*SOURCES, ""}
    assert {item.last_run for item in table} == {"never"}
    assert all(len(item.prisma_s) == 16 for item in table)
