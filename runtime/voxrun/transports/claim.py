"""`claim`: a recording's file, or its transcript's, belongs to one writer, of whatever process, until it is closed."""

import errno
import fcntl
import os
import stat

_TAKEN = "another recording is still being written into it; give each its own name, or wait until that one has stopped"


def claim(path: str | bytes, flags: int) -> int:
    """As `os.open`, but a file that somebody else has claimed and not closed yet is an OSError and stays as it is."""
    descriptor = os.open(path, flags & ~os.O_TRUNC | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor  # a device is anybody's
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError(errno.EBUSY, _TAKEN) from None
    except OSError:
        pass  # a file system without locks, where nobody can claim anything
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor
