"""A local server that gives prepared answers in turn: shapes of the sources, all contents synthetic."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from analysis.living.records.readers import read_file
from analysis.living.search.client import Client, SearchError
from analysis.living.search.run import run_search
from analysis.living.search.sources import SOURCES
from analysis.living.search.strategies import load_strategies

DAYS = {"since": date(2026, 1, 1), "until": date(2026, 2, 1)}


@dataclass
class Answer:
    """One answer: a text, bytes, or a piece of JSON, with its status and its head."""

    body: object = ""
    status: int = 200
    head: dict = field(default_factory=dict)

    def sent(self):
        """Return the bytes that are sent."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Outcome:
    """What became of a search: its run or its error, its records by accession, what was said and asked."""

    run: object
    error: SearchError | None
    records: dict
    said: str
    asked: list
    waits: list


class _Server:
    def __init__(self, answers):
        self.asked = []
        left = {
            path: [item if isinstance(item, Answer) else Answer(item) for item in items]
            for path, items in answers.items()
        }
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                """Answer a query in the address."""
                self._give(parse_qs(urlsplit(self.path).query))

            def do_POST(self):
                """Answer a query in the body."""
                size = int(self.headers.get("Content-Length", 0))
                self._give(parse_qs(self.rfile.read(size).decode()))

            def _give(self, query):
                path = urlsplit(self.path).path
                owner.asked.append((path, {name: values[0] for name, values in query.items()}))
                item = left[path].pop(0) if len(left[path]) > 1 else left[path][0]
                self.send_response(item.status)
                for name, value in item.head.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(item.sent())))
                self.end_headers()
                self.wfile.write(item.sent())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@cache
def _strategies():
    return load_strategies()


def search(key, folder, answers, **options):
    """Run the search of one source against answers by path; the last answer of a path is repeated."""
    server, said, waits = _Server(answers), [], []
    source = SOURCES[key]
    run, error = None, None
    try:
        with Client(source.name, pause=0.0, backoff=0.01, timeout=5.0, sleep=waits.append) as client:
            run = run_search(
                _strategies().by_api(key),
                source,
                folder,
                base=server.url,
                client=client,
                say=said.append,
                **DAYS | options,
            )
    except SearchError as found:
        error = found
        said.append(str(found))
    finally:
        server.stop()
    records = {}
    if run and run.hits:
        read = read_file(folder / run.file)
        assert read.complete
        records = {record.accession: record for record in read.records}
        assert len(records) == run.hits
    return Outcome(run, error, records, "\n".join(said), server.asked, waits)
