"""What a command cannot do, in a sentence: its input, tables that another command holds, the disk."""

from __future__ import annotations

__all__ = ["refusal"]


def refusal(error: Exception) -> tuple[str, int] | None:
    """Return the sentence and the exit code for what a command cannot do, None for a fault of the program.

    The code is 2 for the call, its input or a path that cannot be used, 74 for a disk or an output that
    cannot be read or written.

    Examples
    --------
    >>> refusal(FileNotFoundError(2, "No such file or directory", "a.ris"))
    ('a.ris: cannot be read or written (No such file or directory)', 2)
    >>> refusal(OSError(28, "No space left on device"))[1], refusal(KeyError("a"))
    (74, None)
    """
    from analysis.evidence.faults import EvidenceFaults
    from analysis.files import BAD_PATH, WriteError
    from analysis.living.lock import Locked

    if isinstance(error, EvidenceFaults | Locked):
        return str(error), 2
    if isinstance(error, WriteError):
        return str(error), error.code
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        said = f"{place}cannot be read or written ({error.strerror or error})"
        return said, 2 if error.errno in BAD_PATH else 74
    return None
