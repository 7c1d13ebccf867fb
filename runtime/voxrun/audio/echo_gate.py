"""`EchoGate`: half-duplex, for want of an echo canceller: while the speaker plays, the microphone hears nothing."""

import numpy as np

from voxrun.audio.frame import Samples, silence
from voxrun.audio.level import dbfs

AUDIBLE_DBFS = -55.0
"""What is played more quietly does not come back loud enough to matter."""

HOLD_TICKS = 20
"""How long the gate stays closed after that: the way through both devices and the room, 0.4 s."""


class EchoGate:
    """Closes and opens with a fade of one frame."""

    def __init__(self, rate: int) -> None:
        self._silence = silence(rate)
        self._closed_for = 0
        self._was_open = True
        self._rise = np.linspace(0, 1, len(self._silence), dtype=np.float32)

    def clean(self, played: Samples, heard: Samples) -> Samples:
        """What the microphone `heard` in this tick, as far as it may be passed on beside what was `played`."""
        if played is not self._silence and dbfs(played) > AUDIBLE_DBFS:
            self._closed_for = HOLD_TICKS
        is_open = self._closed_for == 0
        was_open, self._was_open = self._was_open, is_open
        self._closed_for -= not is_open
        if is_open and was_open:
            return heard
        if not is_open and not was_open:
            return self._silence
        return (heard * (self._rise if is_open else self._rise[::-1])).astype(np.int16)
