"""`Counters`: what a host has seen so far, as plain numbers that somebody else turns into metrics."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """All of them only grow."""

    calls: Counter[str] = field(default_factory=Counter)
    """Calls that began, by dialect."""
    sessions: Counter[str] = field(default_factory=Counter)
    """Sessions that ended, by outcome: `well`, or the name of the class of their error."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Connections and requests refused, by reason: `token`, `signature`, `replay`, `busy`, `overload`, …"""
    malformed: int = 0
    """Messages of media streams that said nothing in their dialect."""
