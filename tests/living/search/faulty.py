"""A local server that speaks as the five sources do, with faults on demand. All its records are synthetic."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class FaultyServer:
    """Serves `total` synthetic records a source.

    `faults` maps the number of a request (from 1) to what goes wrong with it: "429", "500", "cut" (the
    body ends early), "half" (well-formed headers, half the body), "renamed" (a field has another name),
    "slow", "drop" (the connection closes). `always` does the same to every request whose path it matches.
    """

    def __init__(self, total=450, faults=None, always=None, slow=0.0):
        self.total = total
        self.faults = dict(faults or {})
        self.always = always or (lambda path: "")
        self.slow = slow
        self.requests = []
        self.times = []
        self.answered = Counter()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                """Answer a query in the address."""
                self._serve(parse_qs(urlsplit(self.path).query))

            def do_POST(self):
                """Answer a query in the body."""
                size = int(self.headers.get("Content-Length", 0))
                self._serve(parse_qs(self.rfile.read(size).decode()))

            def _serve(self, query):
                path = urlsplit(self.path).path
                with owner._lock:
                    owner.requests.append((path, query))
                    owner.times.append(time.monotonic())
                    fault = owner.faults.get(len(owner.requests)) or owner.always(path)
                if owner.slow:
                    time.sleep(owner.slow)
                if fault in ("429", "500", "503", "400"):
                    self.send_response(int(fault))
                    if fault == "429":
                        self.send_header("Retry-After", "1")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if fault == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                body = owner.body(path, query, renamed=fault == "renamed").encode()
                length = len(body)
                if fault in ("half", "cut"):
                    body = body[: length // 2]
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(length if fault == "cut" else len(body)))
                self.end_headers()
                self.wfile.write(body)
                if fault == "cut":
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self):
        """Address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def body(self, path, query, renamed=False):
        """Return the whole body of an answer."""
        makers: dict[str, Callable] = {
            "/esearch.fcgi": self._esearch,
            "/efetch.fcgi": self._efetch,
            "/search": self._europepmc,
            "/studies": self._trials,
            "/works": self._crossref if "rows" in query else self._openalex,
        }
        return makers[path](query, renamed)

    def _esearch(self, query, renamed):
        ids = [str(1000 + i) for i in range(self.total)]
        found = {"count": str(self.total), "ids" if renamed else "idlist": ids}
        return json.dumps({"esearchresult": found})

    def _efetch(self, query, renamed):
        blocks = [
            f"PMID- {number}\nTI  - Synthetic record {number} on thrombectomy\nFAU - Name, Given\n"
            f"DP  - 2024\nJT  - Synthetic journal\nLID - 10.5555/p{number} [doi]\n"
            for number in query["id"][0].split(",")
        ]
        return "\n" + "\n".join(blocks)

    def _page(self, query, size_name, cursor_name):
        size = int(query[size_name][0])
        mark = query.get(cursor_name, ["*"])[0]
        start = 0 if mark == "*" else int(mark[1:])
        end = min(start + size, self.total)
        return range(start, end), f"c{end}" if end < self.total else None, mark

    def _europepmc(self, query, renamed):
        rows, after, mark = self._page(query, "pageSize", "cursorMark")
        found = [
            {"id": f"E{i}", "source": "MED", "title": f"Synthetic record {i}", "pubYear": "2024",
             "authorString": "Name G.", "doi": f"10.5555/e{i}"}
            for i in rows
        ]  # fmt: skip
        return json.dumps({
            "hitCount": self.total, "nextCursorMark": after or mark,
            "results" if renamed else "resultList": {"result": found},
        })  # fmt: skip

    def _trials(self, query, renamed):
        rows, after, mark = self._page(query, "pageSize", "pageToken")
        name = "protocol" if renamed else "protocolSection"
        found = [
            {name: {"identificationModule": {"nctId": f"NCT{i:08d}", "briefTitle": f"Synthetic trial {i}"}}}
            for i in rows
        ]
        answer = {"studies": found}
        if mark == "*":
            answer["totalCount"] = self.total
        if after:
            answer["nextPageToken"] = after
        return json.dumps(answer)

    def _openalex(self, query, renamed):
        if "cursor" in query:
            rows, after, _ = self._page(query, "per-page", "cursor")
        else:
            size, number = int(query["per-page"][0]), int(query["page"][0])
            rows, after = range((number - 1) * size, min(number * size, self.total)), None
        found = [
            {"id": f"https://openalex.org/W{i}", "title": f"Synthetic work {i}", "publication_year": 2024,
             "abstract_inverted_index": {"two": [1], "words": [2], "first": [0]}}
            for i in rows
        ]  # fmt: skip
        return json.dumps({"meta": {"count": self.total, "next_cursor": after},
                           "works" if renamed else "results": found})  # fmt: skip

    def _crossref(self, query, renamed):
        rows, after, _ = self._page(query, "rows", "cursor")
        found = [
            {"DOI": f"10.5555/c{i}", "title": [f"Synthetic work {i}"], "type": "journal-article",
             "issued": {"date-parts": [[2024]]}}
            for i in rows
        ]  # fmt: skip
        message = {"total-results": self.total, "next-cursor": after or f"c{self.total}",
                   "works" if renamed else "items": found}  # fmt: skip
        return json.dumps({"status": "ok", "message-type": "work-list", "message": message})
