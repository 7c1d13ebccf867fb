"""`Tickets`: the last part of a path that lets one connection in, once, soon after it was given out."""

import hashlib
import hmac
import secrets
from collections.abc import Callable

TICKET_SECONDS = 60.0
"""How long one is good for."""

MOST_SEEN = 100_000
"""Used ones that are remembered; the oldest are forgotten first."""


class Seen:
    """What must not come twice, for as long as it would still be good."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def again(self, name: str, until: float) -> bool:
        """Whether `name` was there before; it counts as there from now on."""
        now = self._now()
        while self._until and (len(self._until) >= MOST_SEEN or next(iter(self._until.values())) < now):
            del self._until[next(iter(self._until))]
        if name in self._until:
            return True
        self._until[name] = until
        return False


class Tickets:
    """All processes that share `key` take each other's; each can tell only for itself that one was used before.

    `now` is in seconds since 1970.
    """

    def __init__(self, key: str, now: Callable[[], float]) -> None:
        self._key = hashlib.sha256(f"voxrun ticket {key}".encode()).digest()
        self._now = now
        self._seen = Seen(now)

    def issue(self) -> str:
        """A new one."""
        said = f"{int(self._now() + TICKET_SECONDS):x}-{secrets.token_hex(8)}"
        return f"{said}-{self._sign(said)}"

    def refusal(self, ticket: str) -> str:
        """Use one: why it is no good, `ticket` or `replay`; nothing when it is good."""
        said, _, signature = ticket.rpartition("-")
        if not hmac.compare_digest(signature.encode(), self._sign(said).encode()):
            return "ticket"
        until = float(int(said.partition("-")[0], 16))
        if until < self._now():
            return "ticket"
        return "replay" if self._seen.again(ticket, until) else ""

    def _sign(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()[:32]
