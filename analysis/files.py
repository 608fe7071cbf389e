"""The one way of writing a file: whole, beside its place, then renamed.

A reader never sees half a table, a write that fails leaves the old file as it was and nothing beside it, and
two processes never share the file that they write to.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["WriteError", "csv_text", "make_folder", "write_file"]

#: What is wrong with the path that was given; anything else is wrong with the disk.
_BAD_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL}


class WriteError(OSError):
    """A file or folder that cannot be written; `code` is the exit code that a command ends with."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error), str(path))
        self.code = 2 if error.errno in _BAD_PATH else 74

    def __str__(self) -> str:
        return f"cannot write {self.filename}: {str(self.strerror).lower()}"


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file whole, or leave all as it was.

    Raises
    ------
    WriteError
        When it cannot be written.
    """
    path = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    part: Path | None = None
    try:
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        place = Path(os.path.realpath(path))
        number, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        part = Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _copy_mode(place, part)
        os.replace(part, place)
        part = None
    except OSError as error:
        raise WriteError(path, error) from None
    except ValueError:  # a NUL in the name
        raise WriteError(path, OSError(errno.EINVAL, os.strerror(errno.EINVAL))) from None
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _copy_mode(place: Path, part: Path) -> None:
    """Give the new file the rights of the old one, or those that any new file gets."""
    if place.exists():
        shutil.copymode(place, part)
    else:
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)


def make_folder(path: str | Path) -> Path:
    """Make a folder with all above it, and return it.

    Raises
    ------
    WriteError
        When a file stands there, or the folder cannot be made.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(path, error) from None
    return path


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as comma-separated text with plain line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return out.getvalue()
