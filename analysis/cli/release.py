"""`python -m analysis release VERSION`: write a release into dist/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "release",
        help="write a release: site, data, feed, provenance and checksums",
        description="Pack the built site, the data and the results with their provenance. Two runs of one "
        "commit give equal files. Ends with 1 when the release cannot be made.",
    )
    parser.add_argument("version", metavar="VERSION", help="version to release; must be the newest")
    parser.add_argument("--site", type=Path, default=None, metavar="DIR", help="built site")
    parser.add_argument("--dist", type=Path, default=None, metavar="DIR", help="folder for releases")
    parser.add_argument("--no-pdf", action="store_true", help="leave the PDF out")


def run(args: argparse.Namespace) -> int:
    """Write the release and return the exit code."""
    from analysis.living.ledger import load_ledger
    from analysis.living.release import ReleaseFault, commit_time, make_release
    from analysis.living.release_pdf import print_report
    from analysis.review.session import ROOT, load

    def pdf(site: Path, target: Path) -> str:
        if args.no_pdf:
            return "left out by --no-pdf"
        return print_report(site, target, ROOT, commit_time(ROOT))

    site, dist = args.site or ROOT / "_build" / "html", args.dist or ROOT / "dist"
    try:
        made = make_release(load(), load_ledger(), args.version, ROOT, site=site, dist=dist, pdf=pdf)
    except ReleaseFault as error:
        print(error, file=sys.stderr)
        return 1
    print(made.to_text())
    for reason in made.skipped:
        print(f"skipped {reason}")
    print(f"The release is in {made.folder}")
    return 0
