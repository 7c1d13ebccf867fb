"""`Caller`: who calls in a simulated call, and what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voxrun.errors import ConfigurationError
from voxrun.protocol.rtp.dtmf import DIGITS
from voxrun.testing.given import Given, NamedTexts, Rate
from voxrun.testing.moments import Step
from voxrun.testing.sounds import Sound, voice


class CallerAction:
    """What a caller can do."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Say(CallerAction):
    """Say it, instead of what is being said."""

    sound: Sound


@dataclass(frozen=True, slots=True)
class Press(CallerAction):
    """Press keys: 0-9, *, #, A-D."""

    digits: str


@dataclass(frozen=True, slots=True)
class HangUp(CallerAction):
    """End the call."""


@dataclass(frozen=True, slots=True)
class Caller(Given):
    """Does the steps of a timeline from the moment the call is connected; one that is due before happens then.

    `rtp` is a codec (PCMU, PCMA, G722, L16 …) for a caller whose audio comes in packets; else it comes at `rate` Hz.
    """

    steps: Sequence[Step[CallerAction]] = ()
    rate: Rate = 16_000
    rtp: str | None = None
    callerid: str = "anonymous"
    destination: str = "voxrun"
    displayName: str = ""
    headers: NamedTexts = field(default_factory=dict)
    customData: str = ""


def say(sound: Sound | str | Path) -> Say:
    """Say a sound, or what is in a file. ConfigurationError for what is neither."""
    return Say(voice(sound))


def press(digits: str) -> Press:
    """Press keys, one after another. ConfigurationError for what is no key."""
    if not isinstance(digits, str) or not digits or not set(digits) <= set(DIGITS):
        raise ConfigurationError(f"keys to press are of {DIGITS}, not {digits!r}")
    return Press(digits)


def hangUp() -> HangUp:
    """End the call."""
    return HangUp()
