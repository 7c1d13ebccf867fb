"""What comes faster than real time, frame by frame: when it begins and ends to be heard, and what is dropped."""

import numpy as np
import pytest
import trio
import trio.testing
from tests.kit import tone

from voxrun.audio.frame import Samples, silence
from voxrun.media.feed import QUIET_TICKS, Feed
from voxrun.media.graph import Graph, Inlet, Output, Source
from voxrun.media.tagged_stream import BUFFER_SECONDS, MOST_WAITING, TaggedStream

RATE = 8000
SIZE = 160


def sound(frames: float, value: int = 100) -> Samples:
    return np.full(round(frames * SIZE), value, np.int16)


class Told:
    """Takes down what a feed tells."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def feed(self, seconds: float = 1.0) -> Feed:
        return Feed(RATE, seconds, lambda: self.all.append("started"), lambda played: self.all.append(f"{played:.2f}"))


def test_it_starts_with_the_first_frame_and_ends_a_second_after_the_last() -> None:
    told = Told()
    feed = told.feed()
    feed.take()
    assert told.all == []
    feed.put(sound(2))
    assert told.all == []
    heard = [feed.take() for _ in range(2 + QUIET_TICKS - 1)]
    assert told.all == ["started"]
    assert [frame.any() for frame in heard[:4]] == [True, True, False, False]
    feed.take()
    assert told.all == ["started", "0.04"]
    feed.put(sound(1))
    feed.take()
    assert told.all == ["started", "0.04", "started"]


def test_what_is_finished_ends_with_its_last_frame() -> None:
    told = Told()
    feed = told.feed()
    feed.put(sound(1.5))
    feed.finish()
    assert not feed.is_over
    feed.take()
    assert told.all == ["started"]
    feed.take()
    assert told.all == ["started", "0.04"]
    assert feed.is_over


def test_it_ends_at_once_when_it_is_finished_after_its_last_frame() -> None:
    told = Told()
    feed = told.feed()
    feed.put(sound(1))
    feed.take()
    feed.finish()
    assert told.all == ["started", "0.02"]


def test_what_was_never_heard_neither_starts_nor_ends() -> None:
    told = Told()
    feed = told.feed()
    feed.put(sound(1))
    feed.end()
    assert told.all == []
    assert feed.is_over


def test_what_is_cleared_fades_out_and_what_comes_late_is_heard() -> None:
    feed = Told().feed()
    feed.put(sound(10, 8000))
    feed.take()
    feed.clear()
    assert feed.waiting == 0
    fading = feed.take()
    assert fading[0] > 7000
    assert not fading[SIZE // 4 :].any()
    feed.put(sound(1))
    assert feed.take().all()


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("pieces", [[0.1, 0.1], [0.0937, 0.1], [0.1199, 0.05, 0.0513]])
def test_a_sound_whose_rest_is_late_does_not_click(rate: int, pieces: list[float]) -> None:
    feed = Feed(rate, 1.0, lambda: None, lambda _: None)
    said = tone(rate, 1.0, 437.0)
    heard: list[Samples] = []
    place = 0
    for seconds in pieces:
        feed.put(said[place : place + round(seconds * rate)])
        place += round(seconds * rate)
        heard += [feed.take() for _ in range(10)]
    assert np.abs(np.diff(np.concatenate(heard).astype(int))).max() <= np.abs(np.diff(said.astype(int))).max()
    assert np.array_equal(np.concatenate(heard)[: round(pieces[0] * rate)], said[: round(pieces[0] * rate)])
    assert heard[-1] is silence(rate)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    feed = Told().feed(0.1)
    feed.put(sound(7))
    assert (feed.waiting, feed.dropped) == (0.1, 2 * SIZE)


class Ears:
    """A sink that keeps what it hears, at one rate."""

    mixes = False

    def __init__(self, rate: int = RATE) -> None:
        self.heard: list[Samples] = []
        self._inlet = Inlet(rate, self.heard.append)

    def id(self) -> str:
        return "ears"

    def inlet(self, source: Source) -> Inlet:
        return self._inlet

    def detach(self, source: Source) -> None:
        """Nothing to be done."""


class Unit:
    """Whose streams they are."""

    def __init__(self, graph: Graph) -> None:
        self.output = Output(graph, self)

    def id(self) -> str:
        return "websocket-1"


class Tagged:
    """A tagged stream that somebody hears, and what it tells."""

    def __init__(self) -> None:
        graph = Graph(lambda *_: None)
        self.stream = TaggedStream(Unit(graph), graph, "a")
        self.ears = Ears()
        self.told: list[str] = []
        graph.connect(self.stream, self.ears)

    def start(self, name: str, rate: int = RATE) -> None:
        self.stream.start(
            rate, lambda: self.told.append(name), lambda seconds: self.told.append(f"{name} {seconds:.2f}")
        )

    def play(self, ticks: int) -> list[int]:
        """How loud each frame was."""
        before = len(self.ears.heard)
        for _ in range(ticks):
            self.stream.play()
        return [int(frame.max()) for frame in self.ears.heard[before:]]


def test_streams_are_heard_one_after_the_other_whatever_their_rate() -> None:
    it = Tagged()
    assert it.play(2) == []
    it.start("one")
    it.stream.put(sound(2, 100))
    it.stream.stop()
    it.start("two", 2 * RATE)
    it.stream.put(sound(4, 200))
    it.start("three")
    it.stream.put(sound(1, 300))
    levels = it.play(8)
    assert levels[:2] == [100, 100]
    assert levels[3] == 200
    assert levels[4] == 300
    assert levels[6:] == [0, 0]
    assert it.told == ["one", "one 0.04", "two", "two 0.04", "three"]


def test_one_without_audio_is_not_told_of() -> None:
    it = Tagged()
    it.start("one")
    it.start("two")
    it.stream.put(sound(1))
    it.stream.stop()
    assert it.play(4) == [0, 100, 0, 0]
    assert it.told == ["two", "two 0.02"]
    assert it.stream.is_idle


def test_ten_seconds_may_wait_in_all() -> None:
    it = Tagged()
    it.start("one")
    it.stream.put(sound(400))
    it.start("two")
    it.stream.put(sound(150))
    assert it.stream.waiting == BUFFER_SECONDS
    assert it.stream.dropped == 50 * SIZE
    it.play(1)
    it.stream.put(sound(2))
    assert it.stream.dropped == 51 * SIZE


def test_what_is_dropped_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Samples] = []
    monkeypatch.setattr(Feed, "put", lambda feed, samples: kept.append(samples))
    it = Tagged()
    it.start("one")
    it.stream.put(sound(1000))
    assert [(len(samples), samples.base) for samples in kept] == [(10 * RATE, None)]


def test_audio_without_a_place_is_counted() -> None:
    it = Tagged()
    it.stream.put(sound(1))
    for number in range(MOST_WAITING + 1):
        it.start(str(number))
        it.stream.put(sound(0.5))
        it.stream.stop()
    assert it.stream.dropped == SIZE + SIZE // 2


def test_clearing_leaves_only_the_stream_that_is_open() -> None:
    it = Tagged()
    for name in ("one", "two", "three"):
        it.start(name)
        it.stream.put(sound(5, 1000))
    it.play(1)
    it.stream.clear()
    assert it.stream.waiting == 0
    it.stream.put(sound(1, 77))
    levels = it.play(3)
    assert levels[0] > 700  # fades
    assert levels[1:] == [77, 0]
    assert it.told == ["one", "one 0.02", "three"]


def test_who_waits_for_the_end_is_woken() -> None:
    async def main() -> list[bool]:
        it = Tagged()
        came: list[bool] = []

        async def wait() -> None:
            await it.stream.played_out()
            came.append(True)

        await it.stream.played_out()
        it.start("one")
        it.stream.put(sound(2))
        it.start("two")
        it.stream.put(sound(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            for ticks in (2, 1):
                await trio.testing.wait_all_tasks_blocked()
                assert not came
                it.play(ticks)
        it.start("three")
        it.stream.put(sound(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            it.stream.end()
        return came

    assert trio.run(main) == [True, True]
