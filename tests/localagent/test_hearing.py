"""From a caller's audio, in pieces of any size, to whole utterances."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import in_virtual_time
from tests.localagent.caller import ADDRESS, BOOK, HOURS, spoken_by_caller

from voxrun.audio.frame import Samples
from voxrun.localagent.ears import RATE, Heard
from voxrun.localagent.hearing import LONGEST_FRAMES, UTTERANCES, Hearing
from voxrun.protocol.elevenlabs.formats import FORMATS

for library in ("webrtcvad", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

SECOND = bytes(2 * RATE)

PAUSE = bytes(round(0.45 * RATE) * 2)
"""Long enough to guess, too short to be the end."""


def said(text: str) -> bytes:
    """A sentence, and the silence that ends it."""
    return spoken_by_caller(text).tobytes() + SECOND


def nobody() -> None:
    """Nobody wants to know that somebody talks."""


class Ears:
    """Keeps the utterances; `busy` holds it up at the first."""

    def __init__(self) -> None:
        self.utterances: list[Samples] = []
        self.busy = trio.Event()
        self.guessed: list[Heard] = []
        self.heard: list[Heard] = []

    async def recognise(self, utterance: list[Samples]) -> Heard:
        await self.busy.wait()
        self.utterances.append(np.concatenate(utterance))
        return Heard(str(len(self.utterances)))


def listening(main: Callable[[Hearing, Ears], Awaitable[None]]) -> tuple[Hearing, Ears]:
    """Run `main` beside the listening task."""

    async def run() -> tuple[Hearing, Ears]:
        hearing, ears = Hearing(FORMATS["pcm_16000"], nobody), Ears()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hearing.listen, ears.recognise, ears.guessed.append, ears.heard.append)
            await main(hearing, ears)
            ears.busy.set()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return hearing, ears

    return in_virtual_time(run)


async def hear_two_sentences(hearing: Hearing, _: Ears) -> None:
    hearing.hear(SECOND + said(HOURS) + said(BOOK))


def test_each_utterance_is_recognised_once_and_in_order() -> None:
    hearing, ears = listening(hear_two_sentences)
    assert [heard.text for heard in ears.heard] == ["1", "2"]
    assert hearing.dropped == 0
    assert not hearing.speaking
    assert hearing.score == 0


def test_an_utterance_has_all_that_was_said_with_silence_around_it() -> None:
    _, ears = listening(hear_two_sentences)
    speech = spoken_by_caller(HOURS)
    loud = np.flatnonzero(np.abs(speech.astype(int)) > 300)
    core = speech[loud[0] : loud[-1]].tobytes()
    at = ears.utterances[0].tobytes().find(core)
    assert at > 2 * RATE * 0.1
    assert 0.6 < (len(ears.utterances[0].tobytes()) - at - len(core)) / (2 * RATE) < 1


def test_what_they_said_is_known_when_the_pause_has_been_long_enough() -> None:
    async def main(hearing: Hearing, ears: Ears) -> None:
        ears.busy.set()
        hearing.hear(spoken_by_caller(HOURS).tobytes() + PAUSE)
        await trio.testing.wait_all_tasks_blocked()
        assert (len(ears.utterances), ears.guessed, ears.heard) == (1, [Heard("1")], [])
        hearing.hear(PAUSE)

    _, ears = listening(main)
    assert (len(ears.utterances), ears.guessed, ears.heard) == (1, [Heard("1")], [Heard("1")])


@pytest.mark.parametrize("is_busy", [True, False])
def test_whoever_goes_on_after_a_pause_is_heard_as_a_whole(is_busy: bool) -> None:
    async def main(hearing: Hearing, ears: Ears) -> None:
        if not is_busy:
            ears.busy.set()
        hearing.hear(spoken_by_caller(HOURS).tobytes() + PAUSE)
        await trio.testing.wait_all_tasks_blocked()
        hearing.hear(said(ADDRESS))

    _, ears = listening(main)
    assert len(ears.heard) == 1
    assert len(ears.guessed) == len(ears.utterances) - 1 == (not is_busy)
    whole = spoken_by_caller(HOURS).size + spoken_by_caller(ADDRESS).size
    assert ears.utterances[-1].size > whole
    assert all(utterance.size < whole for utterance in ears.utterances[:-1])


@settings(max_examples=20)
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=50))
def test_the_pieces_it_comes_in_make_no_difference(sizes: list[int]) -> None:
    audio = SECOND + said(HOURS)

    async def main(hearing: Hearing, _: Ears) -> None:
        rest, frames = audio, 0
        for size in sizes:
            frames += hearing.hear(rest[:size])
            rest = rest[size:]
        assert frames + hearing.hear(rest) == len(audio) // 640

    async def at_once(hearing: Hearing, _: Ears) -> None:
        hearing.hear(audio)

    in_pieces, whole = listening(main)[1].utterances, listening(at_once)[1].utterances
    assert [utterance.tobytes() for utterance in in_pieces] == [utterance.tobytes() for utterance in whole]
    assert len(whole) == 1


def test_the_start_is_told_at_once_and_once() -> None:
    starts: list[int] = []
    hearing = Hearing(FORMATS["pcm_16000"], lambda: starts.append(frames))
    audio = SECOND + said(HOURS)
    for frames in range(len(audio) // 640):
        hearing.hear(audio[frames * 640 : frames * 640 + 640])
    (start,) = starts
    assert 0.1 < start * 0.02 - 1 < 0.3


def test_whoever_is_told_of_the_start_finds_the_caller_speaking() -> None:
    states: list[bool] = []
    hearing = Hearing(FORMATS["pcm_16000"], lambda: states.append(hearing.speaking))
    hearing.hear(said(HOURS))
    assert states == [True]


def test_endless_speech_is_cut_and_counted() -> None:
    speech = spoken_by_caller(HOURS)[:RATE]  # with no pause in it
    seconds = 40

    async def main(hearing: Hearing, ears: Ears) -> None:
        hearing.hear(np.tile(speech, seconds).tobytes())
        assert hearing.speaking
        hearing.hear(SECOND)
        assert not hearing.speaking

    hearing, ears = listening(main)
    (utterance,) = ears.utterances
    assert utterance.size == LONGEST_FRAMES * 320
    assert 0 <= hearing.dropped - (seconds * 50 - LONGEST_FRAMES) < 50


def test_utterances_that_wait_for_the_recogniser_are_bounded_and_counted() -> None:
    too_many = 3

    async def main(hearing: Hearing, _: Ears) -> None:
        hearing.hear(said(BOOK))
        await trio.testing.wait_all_tasks_blocked()  # one is with the recogniser
        for _number in range(UTTERANCES):
            hearing.hear(said(BOOK))
        assert hearing.dropped == 0
        for _number in range(too_many):
            hearing.hear(said(BOOK))

    hearing, ears = listening(main)
    assert len(ears.heard) == 1 + UTTERANCES
    until_the_pause = ears.utterances[1].size // 320
    assert 0 <= hearing.dropped - too_many * until_the_pause <= too_many * len(PAUSE) // 640
