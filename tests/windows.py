"""`python windows.py ARGUMENTS`: imports all of voxrun, then runs its command line, both as on Windows.

As far as that goes elsewhere: to voxrun's own modules `sys.platform` is "win32", what only Unix has is not there, and
what only Windows has is stood in for. Python's library and all others find the system that there is.
"""

import builtins
import fcntl
import importlib
import pkgutil
import select
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

UNIX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
OF_OS = """
    O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECTORY O_DSYNC O_NDELAY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC WNOHANG chown chroot
    eventfd fchmod fchown fdatasync fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority
    getsid getuid killpg lchown lockf mkfifo mknod nice openpty pathconf pipe2 posix_fadvise posix_fallocate posix_spawn
    pread preadv pwrite pwritev readv register_at_fork sched_getaffinity sendfile set_blocking setpgid setsid setuid
    statvfs sync sysconf ttyname uname wait wait3 wait4 writev
"""
OF_SIGNAL = """
    ITIMER_PROF ITIMER_REAL ITIMER_VIRTUAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP
    SIGTSTP SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIG_BLOCK SIG_UNBLOCK alarm getitimer pause pthread_kill pthread_sigmask
    setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
"""
OF_SOCKET = "AF_UNIX CMSG_LEN CMSG_SPACE MSG_DONTWAIT MSG_NOSIGNAL SCM_RIGHTS SO_REUSEPORT recv_fds send_fds"


class View(ModuleType):
    """A module as voxrun finds it: `without` these names, and with others `instead` of its own."""

    def __init__(self, name: str, without: str = "", **instead: object) -> None:
        super().__init__(name)
        vars(self).update(_real=importlib.import_module(name), _without=frozenset(without.split()), **instead)

    def __getattr__(self, name: str) -> Any:
        if name in vars(self)["_without"]:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' on Windows")
        return getattr(vars(self)["_real"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["_real"], name, value)


def locking(descriptor: int, mode: int, count: int) -> None:
    """`msvcrt.locking`, of which voxrun wants only that it says who comes too late."""
    assert (mode, count) == (2, 1)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(*error.args) from None


VIEWS: Mapping[str, object] = {
    "ctypes": View("ctypes", windll=SimpleNamespace(winmm=SimpleNamespace(timeBeginPeriod=int))),
    "msvcrt": SimpleNamespace(LK_NBLCK=2, locking=locking),
    "os": View("os", OF_OS, O_BINARY=0),
    "select": View("select", " ".join({*dir(select)} - {"select", "error"})),
    "signal": View("signal", OF_SIGNAL, SIGBREAK=signal.SIGQUIT),
    "socket": View("socket", OF_SOCKET),
    "sys": View("sys", platform="win32"),
}
_import = builtins.__import__


def import_as_there(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """`__import__`, for voxrun's modules as it is there."""
    importing = str((globals or {}).get("__name__")).partition(".")[0]
    if importing == "voxrun" and level == 0:
        if name in UNIX_MODULES:
            raise ModuleNotFoundError(f"No module named '{name}' on Windows", name=name)
        if name in VIEWS:
            return VIEWS[name]
    return _import(name, globals, locals, fromlist or (), level)


def main() -> int:
    """All of it; returns the exit status."""
    # With `-X warn_default_encoding` Python tells of text that would be read or written as something else than UTF-8.
    warnings.filterwarnings("error", category=EncodingWarning, module="voxrun")
    builtins.__import__ = import_as_there
    voxrun = importlib.import_module("voxrun")
    names = [found.name for found in pkgutil.walk_packages(voxrun.__path__, "voxrun.")]
    for name in names:
        if not name.endswith("__main__"):  # which would run it
            importlib.import_module(name)
    status: int = importlib.import_module("voxrun.cli").main()
    return status


if __name__ == "__main__":
    sys.exit(main())
