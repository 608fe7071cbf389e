"""Command line of the review: ``python -m analysis COMMAND``.

Each command lives in its own module of `analysis.cli` and is imported only when it is asked for, so that
one command does not pay for the libraries of another.
"""

from __future__ import annotations

import argparse
import io
import keyword
import os
import sys
from importlib import import_module

from analysis import __version__
from analysis.cli.examples import HelpWithExamples, epilog
from analysis.cli.refusals import refusal

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


def _pass_over_impossible_epoch() -> None:
    """Take a SOURCE_DATE_EPOCH that is no moment out of the environment: libraries stumble over it too."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    # The last second of the year 9999.
    if epoch is not None and not (epoch.isascii() and epoch.isdigit() and int(epoch[:20]) <= 253_402_300_799):
        del os.environ["SOURCE_DATE_EPOCH"]


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Exit codes: 0 done, 1 the answer is "no" (for instance faults in the data), 2 the call or its input
    could not be used, 70 an internal error, 74 a file or the output cannot be read or written, 130
    stopped by the keyboard.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    _prepare_output()
    _pass_over_impossible_epoch()
    wanted = next((word for word in arguments if word in _COMMANDS), None)
    try:
        args = _parser(wanted).parse_args(arguments)
        code = int(import_module(_module(args.command)).run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _discard_output()
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return 130
    except Exception as error:
        if debug:
            raise
        said = refusal(error)
        if said is not None:
            try:
                sys.stdout.flush()
            except OSError:
                _discard_output()
            sys.stderr.write(f"{wanted}: {said[0]}\n" if isinstance(error, OSError) else f"{said[0]}\n")
            return said[1]
        sys.stderr.write(
            f"internal error in '{wanted}': {type(error).__name__}: {error}\n"
            "This is a fault of the program, not of your data; run again with --debug and report it.\n"
        )
        return 70


def _prepare_output() -> None:
    """Let no letter that the terminal lacks, and no closed output, end a command."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Left open until the process ends, as a terminal would be.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Throw away what cannot be printed any more, so that the end of the process does not try again."""
    if sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
