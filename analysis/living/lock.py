"""One lock on a folder of tables, held from reading to writing, so that no change of another is lost.

The system frees the lock when its process ends in whatever way; a file that a dead process left behind
holds nobody up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from analysis.files import WriteError

__all__ = ["LOCK", "Locked", "locked"]

LOCK = ".lock"
#: Seconds to wait for another command before giving up.
_PATIENCE = 120.0
_PAUSE = 0.05


class Locked(RuntimeError):
    """Raised when another process holds the tables for too long; says which."""


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def locked(
    folder: str | Path, doing: str, *, patience: float = _PATIENCE, say: Callable[[str], None] = _say
) -> Iterator[None]:
    """Hold the tables of a folder; a second command waits its turn.

    Parameters
    ----------
    folder
        The folder of the tables.
    doing
        The command, for the one that has to wait.
    patience
        Seconds to wait.
    say
        Told once when it has to wait.

    Raises
    ------
    Locked
        When the other did not end in time; the message names it.
    WriteError
        When no file can be made in the folder.
    """
    path = Path(folder) / LOCK
    if not path.parent.is_dir():
        # Reading the tables will say so.
        yield
        return
    until = time.monotonic() + patience
    told = False
    while (handle := _take(path)) is None:
        holder = _holder(path)
        if time.monotonic() >= until:
            raise Locked(f"{folder} is being changed by {holder}; nothing was written, try again later")
        if not told:
            say(f"waiting for {holder}, which is changing {folder}")
            told = True
        time.sleep(_PAUSE)
    try:
        text = f"{doing} (process {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC)"
        with suppress(OSError):
            os.truncate(handle, 0)
            os.write(handle, text.encode())
        yield
    finally:
        # Removed while it is held: whoever opened it meanwhile notices, and opens the next one.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _take(path: Path) -> int | None:
    """Return the open lock file when it is ours, None while another process holds it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise WriteError(path, error) from None
    try:
        if _hold(handle) and _still_there(path, handle):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _still_there(path: Path, handle: int) -> bool:
    """Whether the file that was locked is the one in the folder; its last holder may have removed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _hold(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte far behind the text, so that others can read who holds it.
            os.lseek(handle, 1 << 20, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise WriteError(Path(LOCK), error) from None
    return True


def _holder(path: Path) -> str:
    try:
        text = path.read_text("utf-8", errors="replace").strip()
    except OSError:
        text = ""
    return text[:200] or "another command"
