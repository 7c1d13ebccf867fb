"""VoxEngine's global timer functions. Times are in milliseconds."""

from collections.abc import Callable

from voxrun.session.current import current_session


def setTimeout(callback: Callable[[], object], timeout: float = 0) -> int:
    """Call `callback` once after `timeout` ms; returns a number for `clearTimeout`.

    In a chain of more than 1000, each set by the one before, it is 4 ms at least: time goes on even if that never ends.
    """
    return current_session().timers.once(callback, timeout)


def setInterval(callback: Callable[[], object], interval: float = 100) -> int:
    """Call `callback` each `interval` ms, 100 at least; returns a number for `clearInterval`."""
    return current_session().timers.every(callback, interval)


def clearTimeout(timeoutID: int | None) -> None:
    """Forget a timeout that has not fired."""
    current_session().timers.cancel(timeoutID)


def clearInterval(intervalID: int | None) -> None:
    """Stop an interval."""
    current_session().timers.cancel(intervalID)
