"""`alarm`: sleeping until a moment of trio's clock, to a tenth of a millisecond where the system has timerfd.

`trio.sleep_until` is up to a millisecond late: epoll counts its time-outs in whole ones.
"""

import ctypes
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache

import trio

_CLOCK_MONOTONIC = 1


class _Setting(ctypes.Structure):
    """`struct itimerspec` (timerfd_create(2)), with times from now; an interval of 0 means once."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


@contextmanager
def alarm() -> Iterator[Callable[[float], Awaitable[None]]]:
    """What to call instead of `trio.sleep_until`; that itself where time is virtual, or the system has no timerfd."""
    clock = trio.lowlevel.current_clock()
    is_real = clock.deadline_to_sleep_time(clock.current_time() + 1) <= 1  # virtual time has all the time in the world
    timer = -1
    if sys.platform == "linux" and is_real:
        timer = _system().timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if sys.platform == "win32":
        ctypes.windll.winmm.timeBeginPeriod(1)  # else time-outs are up to 16 ms late; until the process ends
    if timer < 0:
        yield trio.sleep_until
        return
    setting = _Setting()

    async def sleep_until(deadline: float) -> None:
        left = deadline - trio.current_time()
        if left <= 0:
            await trio.lowlevel.checkpoint()
            return
        setting.seconds, setting.nanoseconds = divmod(int(left * 1e9) + 1, 1_000_000_000)  # 0 would disarm it
        _system().timerfd_settime(timer, 0, ctypes.byref(setting), None)  # which also forgets that it went off
        await trio.lowlevel.wait_readable(timer)

    try:
        yield sleep_until
    finally:
        os.close(timer)


@cache
def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None)
