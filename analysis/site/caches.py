"""Caches of the build: what cannot be read is removed and made anew, and said in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["kept_json", "mend_notebooks"]


def kept_json(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the object stored in a file, or make and store it; it is written beside and renamed.

    Parameters
    ----------
    path
        File of the cache.
    make
        Called when there is no such file, or none that can be read.
    """
    if path.is_file():
        kept = _read(path)
        if kept is not None:
            return kept
        _say(f"{path.name} could not be read; it is made anew.")
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(made), "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return made


def mend_notebooks(folder: Path) -> None:
    """Remove from a cache of executed notebooks what was cut while it was written.

    A notebook and its record in the list belong together; one without the other, or a notebook that
    cannot be read, is removed, and that chapter runs again. A list that cannot be read ends them all.
    """
    if not folder.is_dir():
        return
    cut = 0
    for notebook in folder.glob("executed/*"):
        kept = _read(notebook / "base.ipynb")
        if kept is None or not isinstance(kept.get("cells"), list):
            shutil.rmtree(notebook)
            cut += 1
    if cut:
        _say(f"{cut} executed notebook(s) in the cache could not be read; they run again.")
    try:
        with closing(sqlite3.connect(folder / "global.db")) as records, records:
            if records.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
            keys = [key for (key,) in records.execute("SELECT hashkey FROM nbcache")]
            for key in keys:
                if not (folder / "executed" / key / "base.ipynb").is_file():
                    records.execute("DELETE FROM nbcache WHERE hashkey = ?", (key,))
    except sqlite3.DatabaseError:
        shutil.rmtree(folder)
        _say("The list of executed notebooks could not be read; all run again.")
        return
    for notebook in folder.glob("executed/*"):
        if notebook.name not in keys:
            shutil.rmtree(notebook)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
