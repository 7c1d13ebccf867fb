"""`Tickets`: the last part of a path that lets one connection in, once, soon after it was given out."""

import hashlib
import hmac
import secrets
from collections.abc import Callable

from voxrun.serving.common_table import CommonTable

TICKET_SECONDS = 60.0
"""How long one is good for."""


class Tickets:
    """All processes that share `key` take each other's; all that share `table` take each only once.

    `now` is in seconds since 1970.
    """

    def __init__(self, key: str, now: Callable[[], float], table: CommonTable) -> None:
        self._key = hashlib.sha256(f"voxrun ticket {key}".encode()).digest()
        self._now = now
        self._table = table

    def issue(self) -> str:
        """A new one."""
        said = f"{int(self._now() + TICKET_SECONDS):x}-{secrets.token_hex(8)}"
        return f"{said}-{self._sign(said)}"

    def refusal(self, ticket: str) -> str:
        """Use one: why it is no good, `ticket` or `replay`; nothing when it is good."""
        said, _, signature = ticket.rpartition("-")
        if not hmac.compare_digest(signature.encode(), self._sign(said).encode()):
            return "ticket"
        if int(said.partition("-")[0], 16) < self._now():
            return "ticket"
        return "replay" if self._table.again(f"ticket {said}") else ""

    def _sign(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()[:32]
