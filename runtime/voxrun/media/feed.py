"""`Feed`: a stream that a peer sends faster than real time, on its way to being heard.

It arrives in pieces of any length and leaves in frames.
"""

from collections.abc import Callable

import numpy as np
import trio

from voxrun.audio.fade import fade_from, fade_in
from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.media.playout import Playout
from voxrun.media.seam import Seam

QUIET_TICKS = 50
"""One second without audio ends what is being played (seed: WebSocketMediaEnded)."""

_SOUNDING = 300
"""What is louder than this (peak, of 32768) in its last 5 ms did not end: the rest of it is late."""


class Feed:
    """`on_started` is called with the first frame played, `on_ended` one second after the last.

    `on_ended` gets how much was played, in seconds. Once no more can come it is not waited for that second. `seconds`
    of audio may wait.
    """

    def __init__(
        self, rate: int, seconds: float, on_started: Callable[[], None], on_ended: Callable[[float], None]
    ) -> None:
        self.rate = rate
        self._on_started = on_started
        self._on_ended = on_ended
        self._playout = Playout(rate, seconds)
        self._size = frame_size(rate)
        self._silence = silence(rate)
        self._seam = Seam()
        self._last = self._silence
        self._is_torn = False  # the rest of what was heard last is late
        self._quiet_ticks = QUIET_TICKS
        self._played = 0
        self._is_finished = False
        self._empty = trio.Event()

    @property
    def dropped(self) -> int:
        """Samples that came while the limit was reached."""
        return self._playout.dropped

    @property
    def waiting(self) -> float:
        """Seconds that wait to be played."""
        return self._playout.size / self.rate

    @property
    def is_playing(self) -> bool:
        """Whether something waits, or `on_ended` is still to be called."""
        return self._playout.size > 0 or self._quiet_ticks < QUIET_TICKS

    @property
    def is_over(self) -> bool:
        """All was heard, and no more will come."""
        return self._is_finished and not self.is_playing

    def put(self, samples: Samples) -> None:
        """Take audio; the array must not change any more."""
        self._playout.put(samples)

    def clear(self, keep: int = 0) -> None:
        """Drop what waits, but for the newest `keep` samples."""
        self._playout.clear(keep)
        self._seam.cut()
        self._last, self._is_torn = self._silence, False
        self._empty.set()

    def finish(self) -> None:
        """No more will come; what waits is still to be played."""
        self._is_finished = True
        self._end_if_played()

    def end(self) -> None:
        """No more will come, and nothing is played any more."""
        self.clear()
        self.finish()

    def take(self) -> Samples:
        """The next 20 ms, silence when nothing waits. A sound whose rest is late fades out, and in again."""
        ready = self._playout.size
        frame = self._playout.take(self._size)
        if frame is None:
            frame = self._silence
            self._empty.set()
            self._stay_quiet()
        else:
            frame = fade_in(frame) if self._is_torn else frame
            self._is_torn = False
            self._play()
        if ready < self._size and frame is not self._last:
            frame = self._torn(frame, ready)
        self._last = frame
        return self._seam.join(frame)

    async def played_out(self) -> None:
        """Wait until nothing waits to be played any more."""
        while self._playout.size:
            self._empty = trio.Event()
            await self._empty.wait()

    def _torn(self, frame: Samples, ready: int) -> Samples:
        """A frame of which only the first `ready` samples are there: the sound fades out, unless it has ended."""
        end = np.concatenate((self._last, frame[:ready]))[-self._size // 4 :].astype(np.int32)
        if np.abs(end).max() <= _SOUNDING:
            return frame
        self._is_torn = True
        return np.concatenate((frame[:ready], fade_from(int(end[-1]), self._silence)))[: self._size]

    def _play(self) -> None:
        if self._quiet_ticks >= QUIET_TICKS:
            self._played = 0
            self._on_started()
        self._quiet_ticks = 0
        self._played += 1
        if self._is_finished:
            self._end_if_played()

    def _stay_quiet(self) -> None:
        self._quiet_ticks += 1
        if self._quiet_ticks == QUIET_TICKS:
            self._is_torn = False
            self._on_ended(self._played * FRAME_SECONDS)

    def _end_if_played(self) -> None:
        if not self._playout.size and self._quiet_ticks < QUIET_TICKS:
            self._quiet_ticks = QUIET_TICKS
            self._on_ended(self._played * FRAME_SECONDS)
