"""What goes wrong in a simulated call: each fault a line of its timeline."""

import math
from dataclasses import dataclass

from voxrun.testing.given import Given, Seconds, Share


class Fault(Given):
    """What can go wrong."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """All connections break."""


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """For so many seconds nothing arrives over any connection; then all of it at once."""

    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Refuse(Fault):
    """For so many seconds nobody can be connected to."""

    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Impair(Fault):
    """From now on packets of RTP are lost, doubled (shares, 0 to 1) and late (up to so many seconds)."""

    loss: Share = 0.0
    duplicates: Share = 0.0
    jitter: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class SlowDisk(Fault):
    """From now on each access to a file takes so many seconds."""

    seconds: Seconds


def cut() -> Cut:
    """Break all connections."""
    return Cut()


def stall(seconds: float) -> Stall:
    """Hold up all connections."""
    return Stall(seconds)


def refuse(seconds: float = math.inf) -> Refuse:
    """Let nobody connect."""
    return Refuse(seconds)


def impair(*, loss: float = 0.0, duplicates: float = 0.0, jitter: float = 0.0) -> Impair:
    """Make the network of RTP a bad one, both ways."""
    return Impair(loss, duplicates, jitter)


def slowDisk(seconds: float) -> SlowDisk:
    """Make files slow."""
    return SlowDisk(seconds)
