"""`Patience`: a limit that runs out unless it is renewed in time."""

import trio


class Patience:
    """Runs out `seconds` after its beginning or its last renewal; never, if they are infinite."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = trio.current_time()

    def renew(self, since: float | None = None) -> None:
        """Begin anew, now or at a time in the future."""
        self._since = trio.current_time() if since is None else since

    async def run_out(self) -> None:
        """Wait for that."""
        while (left := self._since + self._seconds - trio.current_time()) > 0:  # noqa: ASYNC110 - only time passes
            await trio.sleep(left)
