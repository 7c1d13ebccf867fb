"""`Turnstile`: how many may be inside at once, of whom, and how many may stand in the door."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Visit:
    """One connection."""

    def __init__(self, silent: Counter[str], peer: str) -> None:
        self.peer = peer
        self._silent: Counter[str] | None = silent
        silent[peer] += 1

    def has_spoken(self) -> None:
        """It has said what it wants."""
        if self._silent is not None:
            _less(self._silent, self.peer)
            self._silent = None


class Guests(Protocol):
    """Connections that are inside, by the address of the peer."""

    def come(self, peer: str, most: float) -> bool:
        """One more; False when there are `most` from there already."""

    def go(self, peer: str) -> None:
        """One less."""


class OwnGuests:
    """Those of this process."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    def come(self, peer: str, most: float) -> bool:
        """See `Guests`."""
        if self._inside[peer] >= most:
            return False
        self._inside[peer] += 1
        return True

    def go(self, peer: str) -> None:
        """See `Guests`."""
        _less(self._inside, peer)


@dataclass(slots=True)
class Turnstile:
    """Counts connections by the address of the peer; those without one are in this process, and are not counted."""

    most: float = float("inf")
    """Connections from one address."""
    most_silent: float = float("inf")
    """Those of them that have not sent a whole request yet."""
    most_silent_of_all: float = float("inf")
    """Those of all addresses together."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Why somebody was turned away, and how often."""
    guests: Guests = field(default_factory=OwnGuests)
    _silent: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def passing(self, peer: str) -> Iterator[Visit | None]:
        """Let a peer in for as long as the block takes; None for one that must go."""
        if peer and (
            self._silent[peer] >= self.most_silent
            or self._silent.total() >= self.most_silent_of_all
            or not self.guests.come(peer, self.most)
        ):
            self.refused("crowd")
            yield None
            return
        visit = Visit(self._silent, peer)
        try:
            yield visit
        finally:
            visit.has_spoken()
            if peer:
                self.guests.go(peer)

    def refused(self, reason: str) -> None:
        """Count somebody who was turned away."""
        self.refusals[reason] += 1


def _less(counts: Counter[str], peer: str) -> None:
    """One less; an address that nobody has is forgotten."""
    counts[peer] -= 1
    if counts[peer] <= 0:
        del counts[peer]
