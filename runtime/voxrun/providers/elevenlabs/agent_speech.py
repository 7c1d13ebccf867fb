"""`AgentSpeech`: what an agent has said, on its way to being heard.

It arrives faster than real time, in pieces of any length, and leaves in frames.
"""

from collections.abc import Callable

import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.media.playout import Playout
from voxrun.media.seam import Seam
from voxrun.protocol.elevenlabs.formats import AudioFormat

LIMIT_SECONDS = 300.0
"""How much speech may wait to be played."""

QUIET_TICKS = 50
"""One second without audio ends what is being played (seed: WebSocketMediaEnded)."""


class AgentSpeech:
    """Speech in one format. `on_started` is called with the first frame played, `on_ended` one second after the last.

    `on_ended` gets how much was played, in seconds; `end` does not wait for that second.
    """

    def __init__(
        self, audio_format: AudioFormat, on_started: Callable[[], None], on_ended: Callable[[float], None]
    ) -> None:
        self.format = audio_format
        self._on_started = on_started
        self._on_ended = on_ended
        self._playout = Playout(audio_format.rate, LIMIT_SECONDS)
        self._size = frame_size(audio_format.rate)
        self._seam = Seam()
        self._silence = silence(audio_format.rate)
        self._newest_turn = -1  # event_id of the newest audio that came
        self._unwanted_turn = -1  # audio up to this event_id was cleared
        self._quiet_ticks = QUIET_TICKS
        self._played = 0
        self._empty = trio.Event()

    @property
    def dropped(self) -> int:
        """Samples that came while the limit was reached."""
        return self._playout.dropped

    @property
    def waiting(self) -> float:
        """Seconds that wait to be played."""
        return self._playout.size / self._playout.rate

    def put(self, turn: int, audio: bytes) -> bool:
        """Take audio of the agent's `turn` (its event_id); True when it is the first of that turn."""
        if turn <= self._unwanted_turn:
            return False
        is_new, self._newest_turn = turn != self._newest_turn, turn
        self._playout.put(self.format.decode(audio))
        return is_new

    def clear(self) -> None:
        """Drop what waits, and what is still to come of the turn that is being played."""
        if self._playout.size or self._quiet_ticks < QUIET_TICKS:  # it may come late, and nothing waits just now
            self._unwanted_turn = self._newest_turn
        self._playout.clear()
        self._seam.cut()
        self._empty.set()

    def end(self) -> None:
        """No more will come, and nothing is played any more."""
        self.clear()
        if self._quiet_ticks < QUIET_TICKS:
            self._quiet_ticks = QUIET_TICKS
            self._on_ended(self._played * FRAME_SECONDS)

    def take(self) -> Samples:
        """The next 20 ms, silence when nothing waits."""
        frame = self._playout.take(self._size)
        if frame is None:
            self._empty.set()
            self._stay_quiet()
            return self._seam.join(self._silence)
        if self._quiet_ticks >= QUIET_TICKS:
            self._played = 0
            self._on_started()
        self._quiet_ticks = 0
        self._played += 1
        return self._seam.join(frame)

    async def played_out(self) -> None:
        """Wait until nothing waits to be played any more."""
        while self._playout.size:
            self._empty = trio.Event()
            await self._empty.wait()

    def _stay_quiet(self) -> None:
        self._quiet_ticks += 1
        if self._quiet_ticks == QUIET_TICKS:
            self._on_ended(self._played * FRAME_SECONDS)
