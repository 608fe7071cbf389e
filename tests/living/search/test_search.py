"""Searching against a faulty local server: nothing lost, nothing doubled, resumed after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from analysis.living.records.readers import read_file
from analysis.living.search.client import Client, SearchError, ShapeChanged
from analysis.living.search.run import last_searched, run_search
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


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fault", ["429", "500", "503", "cut", "half", "drop", "renamed"])
def test_a_fault_on_any_request_loses_and_doubles_nothing(tmp_path, key, fault):
    with FaultyServer(total=250, faults={1: fault, 3: fault, 4: fault}) as server:
        run = _run(key, server, tmp_path)
    with FaultyServer(total=250) as server:
        clean = _run(key, server, tmp_path / "clean") if (tmp_path / "clean").mkdir() is None else None
    assert run.hits == 250
    assert run.sha256 == clean.sha256


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
    assert len(gaps) == 2
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


@pytest.mark.parametrize("key", ["europepmc", "clinicaltrials", "openalex", "pubmed"])
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


def test_a_stale_cursor_starts_the_search_anew(tmp_path):
    with FaultyServer(total=450, faults={2: "400"}) as server:
        with pytest.raises(SearchError, match="starts anew"):
            _run("openalex", server, tmp_path)
        assert _run("openalex", server, tmp_path).hits == 450


def test_a_record_added_while_searching_is_noticed(tmp_path):
    with FaultyServer(total=450) as server:
        client = _client("Europe PMC")
        original = SOURCES["europepmc"].page
        calls = []

        def growing(asked, question, cursor):
            page = original(asked, question, cursor)
            calls.append(cursor)
            return page._replace(total=page.total + len(calls))

        source = type(SOURCES["europepmc"])("europepmc", "Europe PMC", "database", "", 0.0, growing)
        with client, pytest.raises(SearchError, match="promised"):
            run_search(load_strategies().by_api("europepmc"), source, tmp_path, base=server.url,
                       client=client, **DAYS)  # fmt: skip
    assert not list(tmp_path.glob("*.ris"))


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
