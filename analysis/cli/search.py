"""``python -m analysis search --since last|DATE``: fetch new records into import files."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "search",
        help="search PubMed, Europe PMC, ClinicalTrials.gov and OpenAlex for new records",
        description="Writes import files and a list of runs, nothing else. A search that was broken off goes "
        "on where it stopped. Exit code 1 when a source could not be searched whole.",
    )
    parser.add_argument(
        "--since",
        required=True,
        metavar="last|DATE",
        help="first day of the search as year-month-day, or 'last': from the last finished search on",
    )
    parser.add_argument("--until", type=_day, metavar="DATE", help="last day; default: today")
    parser.add_argument(
        "--source",
        action="append",
        choices=["pubmed", "europepmc", "clinicaltrials", "openalex"],
        help="one source; may be repeated; default: all",
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
    parser.add_argument("--pause", type=float, help="seconds between calls; default: what sources ask")
    parser.add_argument("--strategies", type=Path, metavar="DIR", help="default: data/searches")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day as year-month-day") from None


def run(args: argparse.Namespace) -> int:
    """Search each source; 0 when all are whole, 1 when one is not, 2 when the call cannot be used."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.search.client import Client, SearchError
    from analysis.living.search.run import SearchRuns, last_searched, run_search
    from analysis.living.search.sources import SOURCES
    from analysis.living.search.strategies import load_strategies

    until = args.until or date.today()
    try:
        strategies = load_strategies(args.strategies)
        bases = dict(item.split("=", 1) for item in args.base)
        given = None if args.since == "last" else _day(args.since)
    except (EvidenceFaults, ValueError, argparse.ArgumentTypeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    done, failed, unknown = [], [], []
    for key in args.source or list(SOURCES):
        source = SOURCES[key]
        since = given or last_searched(args.out, source.name)
        if since is None:
            unknown.append(source.name)
            continue
        client = Client(source.name, pause=source.pause if args.pause is None else args.pause)
        try:
            with client:
                done.append(
                    run_search(
                        strategies.by_api(key),
                        source,
                        args.out,
                        since=since,
                        until=until,
                        base=bases.get(key, ""),
                        email=args.email or os.environ.get("CONTACT_EMAIL", ""),
                        api_key=os.environ.get("NCBI_API_KEY", "") if key == "pubmed" else "",
                        abstracts=not args.no_abstracts,
                        client=client,
                        say=lambda text: print(text, file=sys.stderr),
                    )
                )
        except SearchError as error:
            failed.append((source.name, str(error)))
    for name in unknown:
        sys.stderr.write(f"{name} was never searched; give --since a day\n")
    found = SearchRuns(tuple(done), tuple(failed))
    if found.rows():
        print(found.to_text())
    return 2 if unknown else 1 if failed else 0
