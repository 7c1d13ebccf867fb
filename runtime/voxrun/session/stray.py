"""`hide_in_strays`: errors that reach nobody, as those of threads, are told by Python itself; then without secrets."""

import logging
import sys
import threading

from voxrun.session.failure import traceback_of
from voxrun.session.secrets import scrub_all


def hide_in_strays() -> None:
    """For as long as the process lives."""

    def of_thread(stray: threading.ExceptHookArgs) -> None:
        if not isinstance(stray.exc_value, SystemExit):
            name = stray.thread.name if stray.thread else "?"
            _tell(f"Exception in thread {name}:\n", stray.exc_value)

    sys.excepthook = lambda kind, error, trace: _tell("", error)
    sys.unraisablehook = lambda stray: _tell(
        f"{stray.err_msg or 'Exception ignored in'}: {type(stray.object).__name__}\n", stray.exc_value
    )
    threading.excepthook = of_thread
    if logging.lastResort is not None:  # where trio tells of asynchronous generators that nobody has finished
        logging.lastResort.setFormatter(_Scrubbing())


class _Scrubbing(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return scrub_all(super().format(record))


def _tell(before: str, error: BaseException | None) -> None:
    if sys.stderr is not None and error is not None:
        # As Python ends, there are neither files to read lines from nor sessions that know their secrets.
        said = f"{type(error).__name__}\n" if sys.is_finalizing() else traceback_of(error)
        sys.stderr.write(scrub_all(f"{before}{said}"))
