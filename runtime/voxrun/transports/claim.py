"""`claim`: a recording's file, or its transcript's, belongs to one writer, of whatever process, until it is closed."""

import errno
import os
import stat
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN = "another recording is still being written into it; give each its own name, or wait until that one has stopped"
_HELD = PermissionError if sys.platform == "win32" else BlockingIOError

_LAST_BYTE = 2**31 - 2
"""What is locked on Windows, where nobody else can read what is: few files are as long while they are being written."""


def claim(path: str | bytes, flags: int) -> int:
    """As `os.open`, but a file that somebody else has claimed and not closed yet is an OSError and stays as it is."""
    descriptor = os.open(path, flags & ~os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor  # a device is anybody's
    try:
        _lock(descriptor)
    except _HELD:
        os.close(descriptor)
        raise OSError(errno.EBUSY, _TAKEN) from None
    except OSError:
        pass  # a file system without locks, where nobody can claim anything
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor


def _lock(descriptor: int) -> None:
    """Until it is closed. OSError when that can't be, `_HELD` when somebody else has done it."""
    if sys.platform == "win32":
        os.lseek(descriptor, _LAST_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
