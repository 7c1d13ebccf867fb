"""`Line`: what goes over a leg beside audio, for legs that have more than audio, and what it has to tell."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from msgspec import Struct

from voxrun.audio.frame import Samples


class FrameCame(Struct, frozen=True, gc=False):
    """What the leg will give at one of the next ticks is here, and may be sent on before that."""

    frame: Samples
    """The array that `read` will give then, after those that came before."""


class AudioCame(Struct, frozen=True):
    """The first audio came from the far end."""


class AudioStopped(Struct, frozen=True):
    """No audio has come for some seconds."""


class AudioResumed(Struct, frozen=True):
    """It comes again."""


class ToneCame(Struct, frozen=True):
    """The far end began to send the tone of this digit: 0-9, *, #, A-D."""

    digit: str


class FarEndLeft(Struct, frozen=True):
    """The far end said that it leaves."""


LineNews: TypeAlias = FrameCame | AudioCame | AudioStopped | AudioResumed | ToneCame | FarEndLeft


class Line(Protocol):
    """One listener at a time."""

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """Have `receive` told what happens from now on."""

    def send_digits(self, digits: str) -> None:
        """Send the tones of digits, which `check_digits` knows, after those that wait. ValueError for too many."""

    def clear(self) -> None:
        """Have the far end forget what it was sent and has not played yet, if it holds any."""

    def hang_up(self) -> None:
        """End a call that was never connected; one that was ends with the leg's `carry`."""
