"""What a frame is: 20 ms of mono int16 samples at a session rate."""

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]
"""Mono signed 16-bit samples in native byte order, shape (n,)."""

FRAME_MS = 20
FRAME_SECONDS = FRAME_MS / 1000

SESSION_RATES = (8000, 16000, 24000, 48000)
"""Hz. Audio at any other rate is resampled where it enters or leaves."""


def frame_size(rate: int) -> int:
    """Samples in one 20 ms frame at `rate` Hz."""
    return rate * FRAME_MS // 1000


def session_rate(rate: int) -> int:
    """`rate`, or the next session rate above it; the highest for all that are higher still."""
    return min((one for one in SESSION_RATES if one >= rate), default=SESSION_RATES[-1])


@cache
def silence(rate: int) -> Samples:
    """The one shared, read-only frame of digital silence at `rate` Hz; `frame is silence(rate)` is a valid test."""
    frame = np.zeros(frame_size(rate), np.int16)
    frame.flags.writeable = False
    return frame
