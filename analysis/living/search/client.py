"""A polite HTTP client: it waits between calls, heeds what the source says of its pace, and tries again.

Built on httpx. What the server may do wrong and still be asked again: too many requests (429, and 403 as
OpenAlex has it), errors of its own (5xx, or an error that passes under any status), a connection that
breaks, a body that ends early, and JSON that does not end. A key is never part of what is said.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self

import httpx

from analysis.living.search.answers import complaint, decode, read_json, said_in

__all__ = ["Busy", "Client", "Refused", "SearchError", "ShapeChanged"]

_AGAIN = {403, 408, 425, 429, 500, 502, 503, 504}
#: Longest wait that a server may ask for; beyond it the search stops and is resumed later.
_LONGEST_WAIT = 900.0
#: How often a place is tried that cannot be reached at all.
_UNREACHED_TRIES = 3
#: Parameters whose values are nobody's business.
_SECRETS = ("api_key", "email", "mailto")


class SearchError(Exception):
    """A source could not be searched; what was fetched so far is kept for the next run."""


class Refused(SearchError):
    """The server understood the request and refused it.

    `status` is that of the answer, or the one that an error of status 200 names, else 0.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Busy(SearchError):
    """The answer is an error that may pass; the same is asked again."""


class ShapeChanged(SearchError):
    """The answer lacks a field that the search rests on."""


class Client:
    """Fetch texts and JSON from one source.

    Parameters
    ----------
    name : str
        Source, for messages.
    pause : float
        Least seconds between two calls, as the source asks; raised when an answer asks for more.
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
        self._sent = -math.inf
        agent = "living-systematic-review (scheduled search of a systematic review)"
        headers = {"User-Agent": agent}
        self._http = httpx.Client(timeout=timeout, follow_redirects=True, headers=headers, verify=_trust())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def text(
        self,
        url: str,
        params: Mapping[str, Any],
        take: Callable[[str], Any] = lambda body: body,
        *,
        post: bool = False,
    ) -> Any:
        """Return what `take` makes of the body of an answer; it raises Busy to have it asked again."""
        return self._ask(url, params, post, take)

    def json(
        self, url: str, params: Mapping[str, Any], check: Callable[[Any], Any], *, post: bool = False
    ) -> Any:
        """Return what `check` takes from a JSON answer.

        `check` raises KeyError or TypeError when a field is missing. The call is then tried again, as a
        server under load can answer with half an object; when it stays so, the format has changed. An error
        that comes with status 200 is told in the source's words.
        """

        def take(body: str) -> Any:
            try:
                found = read_json(body)
            except json.JSONDecodeError as error:
                said = said_in(body).text
                if not said:
                    raise Busy("the answer is empty") from error
                odd = "is not whole JSON" if body.lstrip()[:1] in "{[" else f"is no JSON: {said}"
                raise Busy(f"the answer {odd}") from error
            wrong = complaint(found)
            if wrong and wrong.passing:
                raise Busy(wrong.text)
            if wrong:
                raise Refused(wrong.text, wrong.status)
            try:
                return check(found)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ShapeChanged(f"the answer has changed, no field {error}") from error

        return self._ask(url, params, post, take)

    def _ask(self, url: str, params: Mapping[str, Any], post: bool, take: Callable[[str], Any]) -> Any:
        last: SearchError = SearchError(f"{self.name}: not tried")
        tries = self._tries
        attempt = 0
        while attempt < tries:
            self._wait_turn()
            wait = self._backoff * 2**attempt
            attempt += 1
            try:
                sent = {"data": dict(params)} if post else {"params": dict(params)}
                answer = self._http.request("POST" if post else "GET", url, **sent)  # type: ignore[arg-type]
                self._keep_pace(answer.headers)
                body = decode(answer.content, answer.charset_encoding)
                if answer.status_code < 400:
                    return take(body)
                said = said_in(body)
                text = f"status {answer.status_code}{f': {said.text}' if said.text else ''}"
                passes = said.passing and answer.status_code == 400
                if answer.status_code not in _AGAIN and not passes:
                    raise Refused(text, answer.status_code)
                last = Refused(text, 400) if passes else SearchError(text)
                wait = max(wait, _asked_wait(answer.headers, body))
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise Refused(self._told(f"the address cannot be used: {error}", params), 0) from error
            except httpx.ConnectError as error:
                tries = min(tries, _UNREACHED_TRIES)
                last = SearchError(f"cannot be reached: {error}")
            except httpx.HTTPError as error:
                last = SearchError(f"{type(error).__name__}: {error}")
            except Refused as error:
                raise self._told_error(error, params) from error
            except (Busy, ShapeChanged) as error:
                last = error
            if wait > _LONGEST_WAIT:
                text = f"{last}; asked to wait {wait:.0f} s; try again later"
                raise SearchError(self._told(text, params))
            if attempt < tries:
                self._sleep(wait)
        raise self._told_error(last, params) from last

    def _told_error(self, error: SearchError, params: Mapping[str, Any]) -> SearchError:
        """Return an error of the same kind with a message that may be shown."""
        text = self._told(str(error), params)
        return Refused(text, error.status) if isinstance(error, Refused) else type(error)(text)

    def _told(self, text: str, params: Mapping[str, Any]) -> str:
        """Return a message under the name of the source, without keys and addresses."""
        for name in _SECRETS:
            value = str(params.get(name) or "")
            if len(value) > 3:
                text = text.replace(value, "***")
        return text if text.startswith(f"{self.name}: ") else f"{self.name}: {text}"

    def _wait_turn(self) -> None:
        now = self._clock()
        turn = self._sent + self._pause
        if now < turn:
            self._sleep(turn - now)
            now = max(now, turn)
        self._sent = now

    def _keep_pace(self, headers: Mapping[str, str]) -> None:
        """Slow down to the pace that the answer names, as Crossref does; never go faster."""
        calls = re.match(r"\s*(\d+)", headers.get("X-Rate-Limit-Limit", ""))
        seconds = re.match(r"\s*(\d+)\s*s?", headers.get("X-Rate-Limit-Interval", ""))
        if calls and seconds and int(calls.group(1)):
            self._pause = max(self._pause, min(60.0, int(seconds.group(1)) / int(calls.group(1))))


@cache
def _trust() -> ssl.SSLContext:
    """Return the trusted certificates, read once: reading them takes longer than a call."""
    return httpx.create_ssl_context()


def _asked_wait(headers: Mapping[str, str], body: str) -> float:
    """Return the seconds that an answer asks to wait, by its head or by its JSON; 0 when it names none."""
    value = headers.get("Retry-After", "")
    if value:
        return _retry_after(value)
    try:
        found = read_json(body)
    except ValueError:
        found = None
    named = ("retryAfter", "retry_after", "retry-after")
    seconds = next((found[name] for name in named if name in found), 0) if isinstance(found, dict) else 0
    return _retry_after(str(seconds))


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, in either of its forms."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value):
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
