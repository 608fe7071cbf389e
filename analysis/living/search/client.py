"""A polite HTTP client: it waits between calls, heeds Retry-After, and tries again with backoff.

Built on httpx. What the server may do wrong and still be asked again: too many requests (429), errors of
its own (5xx), a connection that breaks, a body that ends early, and JSON that does not end.
"""

from __future__ import annotations

import email.utils
import json
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self

import httpx

__all__ = ["Client", "Refused", "SearchError", "ShapeChanged"]

_AGAIN = {408, 425, 429, 500, 502, 503, 504}
#: Longest wait that a server may ask for; beyond it the search stops and is resumed later.
_LONGEST_WAIT = 900.0


class SearchError(Exception):
    """A source could not be searched; what was fetched so far is kept for the next run."""


class Refused(SearchError):
    """The server understood the request and refused it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ShapeChanged(SearchError):
    """The answer lacks a field that the search rests on."""


class Client:
    """Fetch texts and JSON from one source.

    Parameters
    ----------
    name : str
        Source, for messages.
    pause : float
        Least seconds between two calls, as the source asks.
    tries : int
        How often one call is tried.
    backoff : float
        Seconds before the second try; doubled each time.
    timeout : float
        Seconds without a byte after which a call is given up.
    """

    def __init__(
        self,
        name: str,
        *,
        pause: float,
        tries: int = 6,
        backoff: float = 1.0,
        timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._pause = pause
        self._tries = tries
        self._backoff = backoff
        self._sleep = sleep
        self._clock = clock
        self._next = 0.0
        agent = "dmvo-living-review (systematic review search; see the repository for contact)"
        self._http = httpx.Client(timeout=timeout, follow_redirects=True, headers={"User-Agent": agent})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def text(self, url: str, params: Mapping[str, Any], *, post: bool = False) -> str:
        """Return the body of an answer as text."""
        return self._ask(url, params, post, lambda body: body)

    def json(
        self, url: str, params: Mapping[str, Any], check: Callable[[Any], Any], *, post: bool = False
    ) -> Any:
        """Return what `check` takes from a JSON answer.

        `check` raises KeyError or TypeError when a field is missing. The call is then tried again, as a
        server under load can answer with half an object; when it stays so, the format has changed.
        """

        def take(body: str) -> Any:
            found = json.loads(body)
            try:
                return check(found)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ShapeChanged(f"{self.name}: the answer has changed, no field {error}") from error

        return self._ask(url, params, post, take)

    def _ask(self, url: str, params: Mapping[str, Any], post: bool, take: Callable[[str], Any]) -> Any:
        last: Exception = SearchError(f"{self.name}: not tried")
        for attempt in range(self._tries):
            self._wait_turn()
            wait = self._backoff * 2**attempt
            try:
                if post:
                    answer = self._http.post(url, data=dict(params))
                else:
                    answer = self._http.get(url, params=dict(params))
                if answer.status_code in _AGAIN:
                    last = SearchError(f"{self.name}: status {answer.status_code}")
                    wait = max(wait, _retry_after(answer.headers.get("Retry-After", "")))
                elif answer.status_code >= 400:
                    shown = " ".join(answer.text.split())[:200]
                    message = f"{self.name}: status {answer.status_code}: {shown}"
                    raise Refused(message, answer.status_code)
                else:
                    return take(answer.text)
            except httpx.TransportError as error:
                last = SearchError(f"{self.name}: {type(error).__name__}: {error}")
            except json.JSONDecodeError:
                last = SearchError(f"{self.name}: the answer is not whole JSON")
            except ShapeChanged as error:
                last = error
            if wait > _LONGEST_WAIT:
                raise SearchError(f"{self.name}: asked to wait {wait:.0f} s; try again later")
            if attempt + 1 < self._tries:
                self._sleep(wait)
        raise last

    def _wait_turn(self) -> None:
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
            now = max(now, self._next)
        self._next = now + self._pause


@cache
def _trust() -> ssl.SSLContext:
    """Return the trusted certificates, read once: reading them takes longer than a call."""
    return httpx.create_ssl_context()


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, in either of its forms."""
    value = value.strip()
    if value.isdigit():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
