"""`Signatures`: the right to one conversation each, as signed URLs carry it."""

import secrets

import trio

LIFETIME_SECONDS = 15 * 60.0
"""How long a signature is valid (the provider's page on signed URLs)."""

MOST = 10_000
"""How many may be unused at a time; a further one makes the oldest invalid, and counts it."""


class Signatures:
    """Those that were issued and not yet used: each is good for one conversation, whose id it stands for."""

    def __init__(self) -> None:
        self.dropped = 0
        self._issued: dict[str, tuple[float, str]] = {}

    def issue(self, conversation_id: str) -> str:
        """A new signature for that conversation."""
        self._forget()
        signature = f"cvtkn_{secrets.token_hex(16)}"
        self._issued[signature] = (trio.current_time() + LIFETIME_SECONDS, conversation_id)
        return signature

    def redeem(self, signature: str) -> str | None:
        """The conversation's id, once; None when the signature is unknown, used or too old."""
        expires, conversation_id = self._issued.pop(signature, (0.0, ""))
        return conversation_id if trio.current_time() < expires else None

    def _forget(self) -> None:
        """Drop what has expired, and the oldest when there are too many: they are in the order of issue."""
        while self._issued and (oldest := next(iter(self._issued))):
            expired = self._issued[oldest][0] <= trio.current_time()
            if not expired and len(self._issued) < MOST:
                return
            self.dropped += not expired
            del self._issued[oldest]
