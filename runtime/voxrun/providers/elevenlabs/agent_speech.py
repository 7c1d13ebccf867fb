"""`AgentSpeech`: what an agent has said, on its way to being heard."""

import math
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
        self._newest_turn = -math.inf  # event_id of the newest audio that came
        self._unwanted_turn = -math.inf  # audio up to this event_id was cleared
        self._interrupted_turn = math.inf  # event_id of the newest audio that came before the latest interruption
        self._since = 0  # samples of later turns that came after it

    def take_in(self, turn: int, audio: bytes) -> bool:
        """Take audio of the agent's `turn` (its event_id); True when it is the first of that turn."""
        if turn <= self._unwanted_turn:
            return False
        is_new, self._newest_turn = turn != self._newest_turn, turn
        before = self._playout.size
        self.put(self.format.decode(audio))
        if turn > self._interrupted_turn:
            self._since += self._playout.size - before
        return is_new

    def interrupt(self) -> None:
        """What the agent said up to now is over; its next turn may be here before anybody can `drop` what is."""
        self._interrupted_turn, self._since = self._newest_turn, 0

    def drop(self) -> None:
        """Forget what waits, and what is still to come of the turn that is being played.

        The turn after an interruption stays as long as nothing of it was played.
        """
        keep = self._since if self._since <= self._playout.size else 0
        if self.is_playing:  # it may come late, and nothing waits just now
            self._unwanted_turn = self._interrupted_turn if keep else self._newest_turn
        self.clear(keep)
