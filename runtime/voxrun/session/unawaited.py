"""Promises that a scenario lets go of: Python's own warning of them becomes one of the session's."""

import re
import warnings
from typing import TextIO

from voxrun.session.current import current
from voxrun.session.secrets import scrub_all

_UNAWAITED = re.compile(r"coroutine '(?:.*\.)?(?P<name>[^.]*)' was never awaited")


def tell_unawaited() -> None:
    """Warn of them in their sessions, from now on for as long as the process lives."""
    show = warnings.showwarning

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        session = current.get(None)
        unawaited = _UNAWAITED.match(str(message))
        if session is None or unawaited is None:
            show(scrub_all(str(message)), category, filename, lineno, file, line)
        else:
            session.warn(f"`{unawaited['name']}` did nothing, as nobody waits for it: put `await` before it")

    warnings.showwarning = tell
