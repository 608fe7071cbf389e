"""Kill and interrupt `make book` at random moments and compare what the next build makes with a clean one.

``python tools/kill_builds.py --kills 10 --interrupts 2 --seed 1``, not part of the tests, as each turn costs
two builds. A comment in a style sheet comes and goes, so that each turn has something to build.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
#: A style sheet counts as an input of the pages and of no number, so notebooks stay in their cache.
CHANGED = ROOT / "book" / "_static" / "review.css"


def contents() -> dict[str, str]:
    """Return the hash of every file of the site."""
    return {
        path.relative_to(SITE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(SITE.rglob("*"))
        if path.is_file()
    }


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def built() -> float:
    """Build the book and return the seconds it took; end here when it fails."""
    start = time.monotonic()
    subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def main() -> int:
    """Run all turns and return one when any site differed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--interrupts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    original = CHANGED.read_bytes()
    states = [original, original + b"\n/* changed to try a broken-off build */\n"]
    clean, wrong = [], 0
    try:
        for state in states:
            CHANGED.write_bytes(state)
            took = built()
            clean.append(contents())
        say(f"a build takes {took:.0f} s; {len(clean[0])} files")
        at = 1
        for turn in range(chosen.kills + chosen.interrupts):
            CHANGED.write_bytes(states[1 - at])
            late = turn % 2 == 1
            moment = draw.uniform(0.8 if late else 0.0, 1.0 if late else 0.8) * took
            running = subprocess.Popen(
                ["make", "book"], cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL
            )
            time.sleep(moment)
            killed = turn < chosen.kills
            try:
                os.killpg(running.pid, signal.SIGKILL if killed else signal.SIGINT)
            except ProcessLookupError:
                say("it had ended before")
            running.wait()
            old_stands = contents() in (clean[at], clean[1 - at])
            seconds = built()
            at = 1 - at
            equal = contents() == clean[at]
            wrong += not (old_stands and equal)
            how = "killed" if killed else "interrupted"
            say(
                f"{turn + 1}: {how} at {moment:.0f} s; site whole until then: {old_stands}; "
                f"next build in {seconds:.0f} s equal to a clean one: {equal}",
            )
    finally:
        CHANGED.write_bytes(original)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
