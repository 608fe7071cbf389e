"""Store what the checked cells of the chapters print: ``python -m analysis.site.accept``.

A cell with the tag ``nbval-check-output`` prints the numbers behind its chapter. Its output is stored with
the notebook, and ``make test`` fails when a new run prints another. After a change that was meant, this
stores the new output. Such a cell stands alone, so no other cell of the chapter has to run.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["accept", "main"]

_TAG = "nbval-check-output"


def main() -> int:
    """Store the output of every checked cell below ``book/`` and name the chapters that changed."""
    changed = [path.name for path in sorted(Path("book").glob("*.ipynb")) if accept(path)]
    sys.stdout.write(f"Stored anew: {', '.join(changed) or 'nothing, no number moved'}\n")
    return 0


def accept(path: Path) -> bool:
    """Store what the checked cells of a notebook print, and strip all others; return whether it changed."""
    before = path.read_text("utf-8")
    document = json.loads(before)
    for cell in document["cells"]:
        if _TAG in cell["metadata"].get("tags", []):
            # `nbstripout` leaves the output of such a cell alone.
            cell["metadata"]["keep_output"] = True
            cell["outputs"] = [_printed("".join(cell["source"]))]
            # nbval compares only a cell that is counted as run.
            cell["execution_count"] = 1
        elif cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    after = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if after != before:
        part = path.with_name(f"{path.name}.part")
        part.write_text(after, "utf-8")
        part.replace(path)
    return after != before


def _printed(source: str) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(source, {"__name__": "__main__"})
    return {"name": "stdout", "output_type": "stream", "text": out.getvalue().splitlines(keepends=True)}


if __name__ == "__main__":
    sys.exit(main())
