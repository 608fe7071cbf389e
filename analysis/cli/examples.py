"""Examples below the help of each command, and the form in which they keep their lines."""

from __future__ import annotations

import argparse

__all__ = ["EXAMPLES", "HelpWithExamples", "epilog"]

#: Command -> (what is typed after `python -m analysis`, what it does).
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "validate": (
        ("validate", "check data/"),
        ("validate ../my-review/data", "check the tables of another review"),
    ),
    "pool": (
        ("pool counts.csv", "as the book would pool them"),
        ("pool counts.csv --model iv --tau2 reml --json", "another model, as JSON"),
    ),
    "search": (
        ("search --since last", "from the last finished search to today"),
        ("search --since 2026-11-01 --source pubmed", "one source from a day on"),
    ),
    "import": (
        ("import exports/ --searched-on 2026-12-01 --dry-run", "say what would be done"),
        ("import pubmed.nbib embase.ris --searched-on 2026-12-01", "take two files into the ledger"),
    ),
    "dedup": (
        ("dedup exports/ --out checked", "duplicates with reasons, and pairs to look at"),
        ("dedup --settle imports/2026-12-01_pubmed_check.csv --by AB", "take checked pairs over"),
    ),
    "screen": (
        ("screen export sheet.csv --reviewer AB", "a sheet for one reviewer"),
        ("screen import sheet.csv --reviewer AB", "take the decisions over"),
        ("screen agreement", "agreement and conflicts"),
    ),
    "flow": (
        ("flow", "the last version"),
        ("flow --view all --json", "all versions combined, as JSON"),
    ),
    "diff": (
        ("diff", "the two newest versions"),
        ("diff 23.0.0 26.0.0 --json", "two versions by id, as JSON"),
    ),
    "versions": (
        ("versions", "all versions"),
        ("versions 23.0.0", "the headline estimates of one"),
        ("versions --open 2027-03-01 --trigger 'Scheduled search.'", "open the next one"),
    ),
    "status": (
        ("status", "when the next search is due"),
        ("status --fail-if-overdue", "ends with 1 when overdue, for a publishing job"),
    ),
    "propose": (
        ("propose study.yml", "check it and preview what would move"),
        ("propose study.yml --into 26.0.0 --write", "write it into the newest version"),
    ),
    "release": (
        ("release 26.0.0", "after 'make book'; 'make release' does both"),
        ("release 26.0.0 --no-pdf", "without the PDF"),
    ),
}


class HelpWithExamples(argparse.HelpFormatter):
    """Wraps descriptions as usual and leaves the lines of the examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


def epilog(command: str) -> str:
    """Return the examples of a command, each with what it does below it."""
    lines = ["examples:"]
    for typed, does in EXAMPLES[command]:
        lines += [f"  python -m analysis {typed}", f"      {does}"]
    return "\n".join(lines)
