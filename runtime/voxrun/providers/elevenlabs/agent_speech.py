"""`AgentSpeech`: what an agent has said, on its way to being heard."""

from collections.abc import Callable

from voxrun.media.feed import Feed
from voxrun.protocol.elevenlabs.formats import AudioFormat

LIMIT_SECONDS = 300.0
"""How much speech may wait to be played."""


class AgentSpeech(Feed):
    """Speech in one format, turn by turn."""

    def __init__(
        self, audio_format: AudioFormat, on_started: Callable[[], None], on_ended: Callable[[float], None]
    ) -> None:
        super().__init__(audio_format.rate, LIMIT_SECONDS, on_started, on_ended)
        self.format = audio_format
        self._newest_turn = -1  # event_id of the newest audio that came
        self._unwanted_turn = -1  # audio up to this event_id was cleared

    def take_in(self, turn: int, audio: bytes) -> bool:
        """Take audio of the agent's `turn` (its event_id); True when it is the first of that turn."""
        if turn <= self._unwanted_turn:
            return False
        is_new, self._newest_turn = turn != self._newest_turn, turn
        self.put(self.format.decode(audio))
        return is_new

    def clear(self) -> None:
        """Drop what waits, and what is still to come of the turn that is being played."""
        if self.is_playing:  # it may come late, and nothing waits just now
            self._unwanted_turn = self._newest_turn
        super().clear()
