"""Input that cannot be used, tables that another command holds, a full disk: each said in a sentence."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable
from functools import wraps

__all__ = ["in_sentences"]

Run = Callable[[argparse.Namespace], int]
#: The disk, not the call, is at fault.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS}


def in_sentences(run: Run) -> Run:
    """Return a command that says what it cannot do: 2 for the call or its input, 74 for the disk."""

    @wraps(run)
    def guarded(args: argparse.Namespace) -> int:
        from analysis.evidence.faults import EvidenceFaults
        from analysis.files import WriteError
        from analysis.living.lock import Locked

        try:
            return run(args)
        except (EvidenceFaults, Locked) as error:
            sys.stderr.write(f"{error}\n")
            return 2
        except WriteError as error:
            sys.stderr.write(f"{error}\n")
            return error.code
        except BrokenPipeError:
            raise
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            sys.stderr.write(f"{named}{(error.strerror or str(error)).lower()}\n")
            return 74 if error.errno in _DISK else 2

    return guarded
