"""``python -m analysis search --since last|DATE``: fetch new records into import files."""

from __future__ import annotations

import argparse
import math
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from analysis.living.search.runs import SearchRun
    from analysis.living.search.sources import Source
    from analysis.living.search.strategies import Strategy

__all__ = ["add_parser", "run"]

_ROOT = Path(__file__).resolve().parents[2]
#: The names of `SOURCES`, written out so that help does not load the client.
_KEYS = ("pubmed", "europepmc", "clinicaltrials", "openalex", "crossref")


class _Unusable(Exception):
    """The call cannot be used; the message is what a reader needs."""


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "search",
        help="search PubMed, Europe PMC, ClinicalTrials.gov, OpenAlex and Crossref for new records",
        description="Writes import files and a list of runs (what was asked, what each source said, and any "
        "difference between the records promised and received), nothing else. A search that was broken off "
        "goes on where it stopped. Keys are read from OPENALEX_API_KEY and NCBI_API_KEY and are never "
        "stored. Exit code 1 when a source could not be searched.",
    )
    parser.add_argument(
        "--since",
        required=True,
        metavar="last|DATE",
        help="first day of the search as year-month-day, or 'last': from two weeks before the end of the "
        "last finished search on, as records are shown late",
    )
    parser.add_argument("--until", type=_day, metavar="DATE", help="last day; default: today")
    parser.add_argument(
        "--source", action="append", choices=_KEYS, help="may be repeated; default: all with a strategy"
    )
    parser.add_argument(
        "--out", type=Path, default=_ROOT / "imports", metavar="DIR", help="folder; default: imports"
    )
    parser.add_argument(
        "--no-abstracts", action="store_true", help="leave abstracts out, for files that become public"
    )
    parser.add_argument("--email", default="", help="address that sources may write to; or CONTACT_EMAIL")
    parser.add_argument(
        "--base", action="append", default=[], metavar="SOURCE=URL", help="other address of a source"
    )
    parser.add_argument("--pause", type=_pause, help="seconds between calls; default: what sources ask")
    parser.add_argument("--strategies", type=Path, metavar="DIR", help="default: data/searches")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day as year-month-day") from None


def _pause(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 600")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Search each source; 0 when all are searched, 1 when one is not, 2 when the call cannot be used."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.lock import Locked
    from analysis.living.search.client import Client, SearchError
    from analysis.living.search.run import SearchRuns, run_search
    from analysis.living.search.runs import last_run
    from analysis.living.search.sources import SOURCES

    email = args.email or os.environ.get("CONTACT_EMAIL", "")
    try:
        given, until = _days(args)
        bases = _bases(args.base)
        strategies = _strategies(args.strategies, args.source)
        if email and ("@" not in email or email.split() != [email]):
            raise _Unusable(f"--email {email!r} is no address, as name@example.org")
        _make_folder(args.out)
        before = {key: last_run(args.out, SOURCES[key].name) for key in strategies}
    except (EvidenceFaults, _Unusable, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    done: list[SearchRun] = []
    failed, unknown = [], []
    for key, strategy in strategies.items():
        source, last = SOURCES[key], before[key]
        since = given or _since(source, strategy, last, until)
        if since is None:
            if last is None:
                unknown.append(source.name)
            elif last:
                done.append(last)
            continue
        client = Client(source.name, pause=source.pause if args.pause is None else args.pause)
        try:
            with client:
                done.append(
                    run_search(
                        strategy,
                        source,
                        args.out,
                        since=since,
                        until=until,
                        base=bases.get(key, ""),
                        email=email,
                        api_key=os.environ.get(source.key_name, "").strip() if source.key_name else "",
                        abstracts=not args.no_abstracts,
                        client=client,
                        say=lambda text: print(text, file=sys.stderr),
                    )
                )
        except (SearchError, Locked, OSError) as error:
            failed.append((source.name, str(error)))
    for name in unknown:
        sys.stderr.write(f"{name} was never searched; give --since a day\n")
    found = SearchRuns(tuple(done), tuple(failed))
    if found.rows():
        print(found.to_text())
    return 2 if unknown else 1 if failed else 0


def _days(args: argparse.Namespace) -> tuple[date | None, date]:
    """Return the first day, None for "last", and the last day of the search."""
    today = date.today()
    until = args.until or today
    if until > today:
        raise _Unusable(f"--until {until} is after today ({today}); days to come cannot be searched")
    if args.since == "last":
        return None, until
    try:
        since = _day(args.since)
    except argparse.ArgumentTypeError as error:
        raise _Unusable(f"--since {error}, and not 'last'") from None
    if since > until:
        raise _Unusable(f"--since {since} is after {'--until' if args.until else 'today,'} {until}")
    return since, until


def _since(source: Source, strategy: Strategy, last: SearchRun | None, until: date) -> date | None:
    """Return the day to go on from; None when there is none, or when the days are searched already."""
    if last is None:
        return None
    end = date.fromisoformat(last.until)
    if last.query_hash != strategy.digest:
        sys.stderr.write(
            f"{source.name}: the strategy is not that of the search to {end}; the days before were not "
            "searched with it, give --since the first day to search them again\n"
        )
    elif end >= until:
        sys.stderr.write(f"{source.name}: already searched to {end}\n")
        return None
    return min(end, until) - timedelta(days=source.overlap)


def _bases(items: list[str]) -> dict[str, str]:
    """Return the other addresses by source; each must be one that can be asked."""
    found = {}
    for item in items:
        key, _, address = item.partition("=")
        if key not in _KEYS:
            raise _Unusable(f"--base {item!r}: expected SOURCE=URL with one of {', '.join(_KEYS)}")
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or address.split() != [address]:
            raise _Unusable(f"--base {item!r}: expected an address that begins with https:// or http://")
        found[key] = address
    return found


def _strategies(folder: Path | None, wanted: list[str] | None) -> dict[str, Strategy]:
    """Return the strategy of each source that was named; of all that have one when none was."""
    from analysis.living.search.strategies import load_strategies

    if folder is not None and not folder.is_dir():
        raise _Unusable(
            f"--strategies {folder}: no such folder; expected one with a YAML file for each source"
        )
    by_key = {item.api: item for item in load_strategies(folder).strategies if item.api}
    keys = list(dict.fromkeys(wanted or [key for key in _KEYS if key in by_key]))
    missing = [key for key in keys if key not in by_key]
    if missing or not keys:
        name = missing[0] if missing else _KEYS[0]
        raise _Unusable(
            f"{folder or 'data/searches'}: no strategy for {name}; expected a file with 'api: {name}'"
        )
    return {key: by_key[key] for key in keys}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _Unusable(f"--out {folder}: there is a file of that name; expected a folder") from None
    if not os.access(folder, os.W_OK):
        raise _Unusable(f"--out {folder}: nothing can be written there")
