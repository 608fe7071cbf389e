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
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["BAD_PATH", "WriteError", "csv_text", "make_folder", "write_file", "write_files"]

#: What is wrong with the path that was given; anything else is wrong with the disk.
BAD_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL}


class WriteError(OSError):
    """A file or folder that cannot be written; `code` is the exit code that a command ends with."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error), str(path))
        self.code = 2 if error.errno in BAD_PATH else 74

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
    if _is_stream(path):
        # A pipe or a device is written to, never replaced.
        try:
            path.write_bytes(_bytes(content))
        except OSError as error:
            raise WriteError(path, error) from None
    else:
        write_files({path: content})


def _is_stream(path: Path) -> bool:
    try:
        return path.exists() and not (path.is_file() or path.is_dir())
    except (OSError, ValueError):
        return False


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def write_files(contents: Mapping[Path, str | bytes]) -> None:
    """Write several files, all or none: each beside its place first, then all renamed.

    Raises
    ------
    WriteError
        When one cannot be written; all are then as they were.
    """
    parts: dict[Path, Path] = {}
    old: dict[Path, bytes | None] = {}
    try:
        for path, content in contents.items():
            place = Path(os.path.realpath(path))
            parts[place] = _beside(path, place, _bytes(content))
        if len(parts) > 1:
            old = {place: place.read_bytes() if place.exists() else None for place in parts}
        for place in list(parts):
            try:
                os.replace(parts[place], place)
            except OSError as error:
                raise WriteError(place, error) from None
            del parts[place]
    except BaseException:
        for place, data in old.items():
            if place not in parts:
                place.unlink() if data is None else place.write_bytes(data)
        raise
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _beside(path: Path, place: Path, data: bytes) -> Path:
    """Write a new file beside a place, under a name of its own."""
    part: Path | None = None
    try:
        if place.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        number, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        part = Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _copy_mode(place, part)
    except (OSError, ValueError) as error:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        # A NUL in a name is a ValueError.
        known = error if isinstance(error, OSError) else OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        raise WriteError(path, known) from None
    return part


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
