"""Command line of the review: ``python -m analysis COMMAND``.

Each command lives in its own module of `analysis.cli` and is imported only when it is asked for, so that
one command does not pay for the libraries of another.
"""

from __future__ import annotations

import argparse
import keyword
import sys
from importlib import import_module

from analysis import __version__
from analysis.cli.examples import HelpWithExamples, epilog

__all__ = ["main"]

#: Command -> one line of help. The module is `analysis.cli.<command>` with "-" as "_".
_COMMANDS: dict[str, str] = {
    "validate": "check every table in data/ and print all faults",
    "pool": "pool a CSV of counts and print what the book would print",
    "search": "search PubMed, Europe PMC, ClinicalTrials.gov, OpenAlex and Crossref for new records",
    "import": "take export files of databases into the ledger",
    "dedup": "find duplicates in export files, with the reason of each decision",
    "screen": "export a reviewer's sheet, import the decisions, or show the agreement",
    "flow": "count the PRISMA flow of records from the ledger",
    "diff": "compare two versions of the evidence",
    "versions": "list the versions of the evidence, or the estimates of one",
    "status": "say when the next search is due and whether the review is overdue",
    "propose": "check a proposed study, preview what it would change, and write it",
    "release": "write a release: site, data, feed, provenance and checksums",
}


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="Living systematic review of thrombectomy for distal and medium-vessel occlusion.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--debug", action="store_true", help="show the full trace when something unexpected fails"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in _COMMANDS.items():
        if name == wanted:
            import_module(_module(name)).add_parser(subparsers)
            parser_of = subparsers.choices[name]
            parser_of.formatter_class, parser_of.epilog = HelpWithExamples, epilog(name)
        else:
            subparsers.add_parser(name, help=text)
    return parser


def _module(command: str) -> str:
    name = command.replace("-", "_")
    # A module cannot bear the name of a keyword: "import" lives in `import_`.
    return f"analysis.cli.{name}{'_' if keyword.iskeyword(name) else ''}"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Exit codes: 0 done, 1 the answer is "no" (for instance faults in the data), 2 the call or its input
    could not be used, 70 an internal error.
    """
    arguments = sys.argv[1:] if argv is None else argv
    wanted = next((word for word in arguments if word in _COMMANDS), None)
    args = _parser(wanted).parse_args(arguments)
    try:
        return int(import_module(_module(args.command)).run(args))
    except BrokenPipeError:
        return 0
    except Exception as error:
        if args.debug:
            raise
        sys.stderr.write(
            f"internal error in '{args.command}': {type(error).__name__}: {error}\n"
            "This is a fault of the program, not of your data; "
            "run again with --debug before the command and report it.\n"
        )
        return 70


if __name__ == "__main__":
    sys.exit(main())
