"""What waits of an agent's speech: whatever comes and is dropped in whatever order, the right turns are heard."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.providers.elevenlabs.agent_speech import AgentSpeech

FADE = 40  # samples, at 8 kHz
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 1000)),
        st.tuples(st.just("interrupt"), st.just(0)),
        st.tuples(st.just("drop"), st.just(0)),
        st.tuples(st.just("take"), st.integers(1, 4)),
    ),
    min_size=10,
    max_size=25,
)


class Model:
    """Samples by their turns."""

    def __init__(self, first: int) -> None:
        self.turn = first
        self.next = np.inf  # the first turn after the latest interruption
        self.newest = self.unwanted = -np.inf
        self.waiting: list[int] = []
        self.heard: set[int] = set()

    def say(self, count: int) -> None:
        if self.turn > self.unwanted:
            self.waiting += [self.turn] * count
            self.newest = self.turn

    def interrupt(self) -> None:
        self.turn += 1
        self.next = self.turn

    def drop(self, *, is_playing: bool) -> None:
        kept = [turn for turn in self.waiting if turn >= self.next and not any(it >= self.next for it in self.heard)]
        if is_playing:
            self.unwanted = self.next - 1 if kept else self.newest
        self.waiting = kept

    def take(self, size: int) -> list[int]:
        """The next samples."""
        frame, self.waiting = self.waiting[:size], self.waiting[size:]
        self.heard |= set(frame)
        return [100 + turn for turn in frame] + [0] * (size - len(frame))


@settings(max_examples=300)
@given(STEPS, st.integers(-3, 3))
def test_the_next_turn_is_heard_whole_and_nothing_of_what_was_dropped(steps: list[tuple[str, int]], first: int) -> None:
    speech = AgentSpeech(FORMATS["pcm_8000"], lambda: None, lambda _: None)
    model, fading = Model(first), 0
    for step, count in steps:
        match step:
            case "say":
                speech.take_in(model.turn, np.full(count, 100 + model.turn, "<i2").tobytes())
                model.say(count)
            case "interrupt":
                speech.interrupt()
                model.interrupt()
            case "drop":
                is_playing, fading = speech.is_playing, FADE
                speech.drop()
                model.drop(is_playing=is_playing)
            case _:
                for _ in range(count):
                    assert speech.take()[fading:].tolist() == model.take(160)[fading:]
                    fading = 0
        assert speech.waiting == len(model.waiting) / 8000
