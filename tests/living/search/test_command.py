"""The command `search`: what it refuses at once, what it reaches back to, and what it prints."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest

from analysis.__main__ import main
from analysis.cli.search import _KEYS
from analysis.living.search.client import Client
from analysis.living.search.sources import SOURCES
from tests.living.search.faulty import FaultyServer

TODAY = date.today()


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENALEX_API_KEY", "NCBI_API_KEY", "CONTACT_EMAIL"):
        monkeypatch.delenv(name, raising=False)


def _call(out, *words, since="2026-01-01"):
    return main(["search", "--since", since, "--out", str(out), "--pause", "0", *words])


def _rows(out):
    with (out / "runs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_names_of_the_sources_are_those_of_the_client():
    assert tuple(SOURCES) == _KEYS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "pubmed=nonsense"], "'pubmed=nonsense': expected an address that begins with https://"),
        (["--base", "pubmed=file:///etc/hosts"], "expected an address that begins with https://"),
        (["--base", "pubmed=ftp://example.org"], "expected an address that begins with https://"),
        (["--base", "pubmed=https://"], "expected an address"),
        (["--base", "pubmed=http://a b"], "expected an address"),
        (["--base", "pubmed=http://a:port"], "expected an address"),
        (["--base", "pubmed"], "expected an address"),
        (["--base", "nowhere=https://example.org"], "expected SOURCE=URL with one of pubmed, europepmc"),
        (["--until", "2025-12-31"], "--since 2026-01-01 is after --until 2025-12-31"),
        (["--until", str(TODAY + timedelta(days=1))], "is after today"),
        (["--strategies", "missing"], "--strategies missing: no such folder"),
        (["--email", "nobody"], "'nobody' is no address"),
    ],
)
def test_a_call_that_cannot_work_is_refused_at_once(tmp_path, capsys, words, said):
    assert _call(tmp_path, *words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("since", ["soon", "2026-02-30", "9999-12-31"])
def test_a_first_day_that_cannot_be_is_refused(tmp_path, capsys, since):
    assert _call(tmp_path, since=since) == 2
    assert (
        f"--since {since!r}" in (error := capsys.readouterr().err)
        or f"--since {since} is after today" in error
    )


@pytest.mark.parametrize("pause", ["-1", "nan", "inf", "soon"])
def test_a_pause_that_cannot_be_is_refused(tmp_path, capsys, pause):
    with pytest.raises(SystemExit) as ended:
        main(["search", "--since", "2026-01-01", "--out", str(tmp_path), f"--pause={pause}"])
    assert ended.value.code == 2
    assert "no number of seconds" in capsys.readouterr().err


def test_a_file_is_no_folder(tmp_path, capsys):
    path = tmp_path / "taken"
    path.write_text("synthetic", "utf-8")
    assert _call(path) == 2
    assert _call(path / "below") == 2
    assert capsys.readouterr().err.count("there is a file of that name; expected a folder") == 2
    assert path.read_text("utf-8") == "synthetic"


def test_a_folder_without_a_strategy_is_named(tmp_path, capsys):
    (tmp_path / "own").mkdir()
    assert _call(tmp_path / "out", "--strategies", str(tmp_path / "own"), "--source", "crossref") == 2
    assert "no strategy for crossref; expected a file with 'api: crossref'" in capsys.readouterr().err


def test_a_broken_list_of_runs_is_named(tmp_path, capsys):
    (tmp_path / "runs.csv").write_text("source\nPubMed\n", "utf-8")
    assert _call(tmp_path) == 2
    assert "runs.csv: row 1: the column 'file' is missing" in capsys.readouterr().err


def test_a_place_that_cannot_be_reached_ends_soon(tmp_path, capsys, monkeypatch):
    # Port 9 of this machine is closed; a source that refuses calls is tried three times.
    waits = []
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "sleep", waits.append)
    assert _call(tmp_path, "--source", "crossref", "--base", "crossref=http://127.0.0.1:9") == 1
    assert "Crossref: cannot be reached" in capsys.readouterr().out
    assert waits == [1.0, 2.0]


def test_a_search_since_the_last_reaches_back_two_weeks(tmp_path, capsys):
    with FaultyServer(total=2) as server:
        options = ["--source", "pubmed", "--base", f"pubmed={server.url}"]
        assert _call(tmp_path, "--until", "2026-02-01", *options) == 0
        assert _call(tmp_path, "--until", "2026-03-01", *options, since="last") == 0
        asked = [query["term"][0] for path, query in server.requests if path == "/esearch.fcgi"]
        assert '"2026/01/18"[crdt] : "2026/03/01"[crdt]' in asked[-1]
        calls = len(server.requests)
        assert _call(tmp_path, "--until", "2026-03-01", *options, since="last") == 0
        assert len(server.requests) == calls
    captured = capsys.readouterr()
    assert "PubMed: already searched to 2026-03-01" in captured.err
    assert [row["until"] for row in _rows(tmp_path)] == ["2026-02-01", "2026-03-01"]


def test_openalex_reaches_back_24_months_and_takes_its_key_from_the_environment(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("OPENALEX_API_KEY", " synthetic-key-7 ")
    with FaultyServer(total=2) as server:
        assert _call(tmp_path, "--source", "openalex", "--base", f"openalex={server.url}") == 0
        ((_, query),) = server.requests
    assert query["api_key"] == ["synthetic-key-7"]
    assert "from_publication_date:2024-01-01" in query["filter"][0]
    captured = capsys.readouterr()
    assert "synthetic-key-7" not in captured.out + captured.err + (tmp_path / "runs.csv").read_text("utf-8")


def test_another_strategy_than_last_time_is_said(tmp_path, capsys):
    with FaultyServer(total=2) as server:
        options = ["--source", "pubmed", "--base", f"pubmed={server.url}"]
        assert _call(tmp_path, "--until", "2026-02-01", *options) == 0
        path = tmp_path / "runs.csv"
        path.write_text(
            path.read_text("utf-8").replace(_rows(tmp_path)[0]["query_hash"], "0123456789ab"), "utf-8"
        )
        assert _call(tmp_path, "--until", "2026-02-01", *options, since="last") == 0
    assert "the strategy is not that of the search to 2026-02-01" in capsys.readouterr().err
    assert [row["since"] for row in _rows(tmp_path)] == ["2026-01-01", "2026-01-18"]


def test_a_source_that_was_never_searched_is_named(tmp_path, capsys):
    assert _call(tmp_path, "--source", "pubmed", since="last") == 2
    assert "PubMed was never searched; give --since a day" in capsys.readouterr().err
