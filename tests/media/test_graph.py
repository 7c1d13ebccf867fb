"""Routes, conversion and the order of a tick, with units that do nothing else."""

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.fade import fade_in
from voxrun.audio.frame import Samples, silence
from voxrun.audio.resample import Resampler
from voxrun.media.graph import Graph, Inlet, MixerOutput, Output, Source

Change = tuple[str, str, str]


class Mouth:
    """A source and nothing else."""

    def __init__(self, graph: Graph, name: str = "mouth", rate: int = 16_000) -> None:
        self._name = name
        self.output = Output(graph, self)
        self.output.open(rate)
        graph.add(self)

    def id(self) -> str:
        return self._name


class Part:
    """A source that is no unit of its own: one of the streams of a WebSocket."""

    def __init__(self, graph: Graph) -> None:
        self.output = Output(graph, self)

    def id(self) -> str:
        return "mouth part"


class Ear:
    """A sink that keeps what it gets."""

    def __init__(self, graph: Graph, name: str = "ear", rate: int = 16_000, *, mixes: bool = False) -> None:
        self.mixes = mixes
        self.live = True
        self.heard: list[Samples] = []
        self.detached: list[Source] = []
        self._name = name
        self._rate = rate
        graph.add(self)

    def id(self) -> str:
        return self._name

    def inlet(self, source: Source) -> Inlet | None:
        return Inlet(self._rate, self.heard.append) if self.live else None

    def detach(self, source: Source) -> None:
        self.detached.append(source)


class Turns:
    """A unit with the given phases, which do as told."""

    def __init__(self, log: list[str], name: str, *phases: str, doing: Callable[[], None] = lambda: None) -> None:
        def turn(phase: str) -> Callable[[], None]:
            def take() -> None:
                log.append(f"{phase} {name}")
                doing()

            return take

        for phase in phases:
            setattr(self, phase, turn(phase))


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def graph(changes: list[Change]) -> Graph:
    return Graph(lambda *change: changes.append(change))


def speech(frames: int, rate: int = 16_000) -> list[Samples]:
    return np.split(tone(rate, frames * 0.02), frames)


def same(heard: list[Samples], expected: list[Samples]) -> bool:
    return len(heard) == len(expected) and all(map(np.array_equal, heard, expected))


def test_a_unit_receives_one_stream_and_the_displaced_one_does_not_come_back(
    graph: Graph, changes: list[Change]
) -> None:
    first, second, ear = Mouth(graph, "first"), Mouth(graph, "second"), Ear(graph)
    a, b, c, d = speech(4)
    graph.connect(first, ear)
    first.output.push(a)
    graph.connect(second, ear)
    first.output.push(b)
    second.output.push(c)
    graph.disconnect(second, ear)
    first.output.push(d)
    second.output.push(d)
    assert same(ear.heard, [a, c])
    assert ear.detached == [first, second]
    assert graph.senders(ear) == []
    assert changes == [
        ("connect", "first", "ear"),
        ("disconnect", "first", "ear"),
        ("connect", "second", "ear"),
        ("disconnect", "second", "ear"),
    ]


def test_a_mixing_unit_keeps_all_its_streams(graph: Graph) -> None:
    first, second, ear = Mouth(graph, "first"), Mouth(graph, "second"), Ear(graph, mixes=True)
    a, b = speech(2)
    graph.connect(first, ear)
    graph.connect(second, ear)
    first.output.push(a)
    second.output.push(b)
    assert same(ear.heard, [a, b])
    assert graph.senders(ear) == [first, second]


def test_routes_are_made_and_undone_once(graph: Graph, changes: list[Change]) -> None:
    mouth, ear = Mouth(graph), Ear(graph)
    graph.disconnect(mouth, ear)
    graph.connect(mouth, ear)
    version = graph.version
    graph.connect(mouth, ear)
    assert (graph.version, ear.detached) == (version, [])
    mouth.output.push(silence(16_000))
    assert len(ear.heard) == 1
    graph.disconnect(mouth, ear)
    graph.disconnect(mouth, ear)
    assert changes == [("connect", "mouth", "ear"), ("disconnect", "mouth", "ear")]


def test_a_route_made_before_its_end_is_live_carries_once_it_is(graph: Graph) -> None:
    mouth, ear = Mouth(graph), Ear(graph)
    ear.live = False
    a, b, c = speech(3)
    graph.connect(mouth, ear)
    mouth.output.push(a)
    ear.live = True
    graph.changed()
    mouth.output.push(b)
    ear.live = False
    graph.changed()
    mouth.output.push(c)
    assert same(ear.heard, [fade_in(b)])


def test_a_frame_is_converted_once_for_all_listeners_at_a_rate(graph: Graph) -> None:
    mouth = Mouth(graph, rate=16_000)
    slow = [Ear(graph, f"slow-{count}", 8000) for count in range(3)]
    fast = [Ear(graph, f"fast-{count}", 48_000) for count in range(2)]
    even = [Ear(graph, f"even-{count}", 16_000) for count in range(2)]
    for ear in (*slow, *fast, *even):
        graph.connect(mouth, ear)
    frames = speech(5)
    for frame in frames:
        mouth.output.push(frame)
    for index, frame in enumerate(frames):
        assert len({id(ear.heard[index]) for ear in slow}) == 1
        assert len({id(ear.heard[index]) for ear in fast}) == 1
        assert all(ear.heard[index] is frame for ear in even)
    for ear, rate in ((slow[0], 8000), (fast[0], 48_000)):
        resampler = Resampler(16_000, rate)
        assert same(ear.heard, [resampler.process(frame) for frame in frames])


def test_a_converted_stream_has_no_seam_when_others_come_and_go(graph: Graph) -> None:
    mouth, ear, other = Mouth(graph), Ear(graph, rate=8000), Ear(graph, "other", 8000)
    graph.connect(mouth, ear)
    frames = speech(8)
    for index, frame in enumerate(frames):
        (graph.connect if index % 2 else graph.disconnect)(mouth, other)
        mouth.output.push(frame)
    resampler = Resampler(16_000, 8000)
    assert same(ear.heard, [resampler.process(frame) for frame in frames])
    assert len(other.heard) == 4


def test_who_comes_to_be_live_while_a_sound_goes_on_hears_it_fade_in(graph: Graph) -> None:
    mouth, ear, other = Mouth(graph), Ear(graph), Ear(graph, "other")
    graph.connect(mouth, ear)
    graph.connect(mouth, other)
    ear.live = False
    frames = speech(6)
    for index, frame in enumerate(frames):
        if index == 3:
            ear.live = True
            graph.changed()
        mouth.output.push(frame)
    assert same(ear.heard, [fade_in(frames[3]), *frames[4:]])
    assert same(other.heard, frames)


def test_who_left_and_came_back_within_a_tick_hears_it_fade_in(graph: Graph) -> None:
    mouth, ear = Mouth(graph), Ear(graph)
    graph.connect(mouth, ear)
    frames = speech(4)
    for index, frame in enumerate(frames):
        if index == 2:
            graph.disconnect(mouth, ear)
            graph.connect(mouth, ear)
        mouth.output.push(frame)
    assert same(ear.heard, [*frames[:2], fade_in(frames[2]), frames[3]])


def test_who_comes_while_nothing_sounds_hears_the_whole_beginning(graph: Graph) -> None:
    mouth, ear = Mouth(graph), Ear(graph)
    mouth.output.push(silence(16_000))
    graph.connect(mouth, ear)
    frames = speech(2)
    for frame in frames:
        mouth.output.push(frame)
    assert same(ear.heard, frames)


@pytest.mark.parametrize("kind", [Output, MixerOutput])
def test_who_comes_to_hear_a_sound_at_another_rate_hears_it_from_the_beginning_of_the_fade(
    graph: Graph, kind: type[Output]
) -> None:
    """And not, 1.5 ms later, the step that a filter makes of a sound it does not know the past of."""
    mouth, ear = Mouth(graph), Ear(graph, rate=8000)
    mouth.output = kind(graph, mouth)
    mouth.output.open(16_000)
    frames = speech(8)
    for index, frame in enumerate(frames):
        if index == 5:
            graph.connect(mouth, ear)
        if isinstance(mouth.output, MixerOutput):
            mouth.output.push(frame[::-1], {ear: frame})
        else:
            mouth.output.push(frame)
    resampler = Resampler(16_000, 8000)
    expected = [resampler.process(frame) for frame in frames][5:]
    assert same(ear.heard, [fade_in(expected[0]), *expected[1:]])


def test_a_source_may_change_its_rate(graph: Graph) -> None:
    mouth, ear = Mouth(graph, rate=8000), Ear(graph, rate=16_000)
    graph.connect(mouth, ear)
    mouth.output.push(silence(8000))
    mouth.output.open(16_000)
    frame = speech(1)[0]
    mouth.output.push(frame)
    mouth.output.open(48_000)
    mouth.output.push(speech(1, 48_000)[0])
    assert [len(heard) for heard in ear.heard] == [320, 320, 320]
    assert ear.heard[1] is frame


def test_a_mixer_may_change_its_rate(graph: Graph) -> None:
    mouth, ear = Mouth(graph), Ear(graph, rate=16_000)
    mixed = mouth.output = MixerOutput(graph, mouth)
    graph.connect(mouth, ear)
    for rate in (8000, 48_000):
        mixed.open(rate)
        mixed.push(silence(rate), {ear: speech(1, rate)[0]})
    assert [len(heard) for heard in ear.heard] == [320, 320]


def test_removing_a_unit_drops_its_routes_both_ways(graph: Graph, changes: list[Change]) -> None:
    mouth, other, ear, second = Mouth(graph), Mouth(graph, "other"), Ear(graph), Ear(graph, "second")
    graph.connect(mouth, ear)
    graph.connect(mouth, second)
    graph.remove(mouth)
    graph.connect(other, ear)
    graph.remove(ear)
    for source in (mouth, other):
        source.output.push(silence(16_000))
    assert ear.heard == second.heard == []
    assert (ear.detached, second.detached) == ([mouth, other], [mouth])
    assert [change[0] for change in changes] == ["connect"] * 2 + ["disconnect"] * 2 + ["connect", "disconnect"]
    graph.remove(mouth)


def test_a_removed_unit_is_forgotten(graph: Graph) -> None:
    mouth, ear = Mouth(graph), Ear(graph)
    graph.connect(mouth, ear)
    graph.remove(mouth)
    ear.detached.clear()
    gone = weakref.ref(mouth)
    del mouth
    gc.collect()
    assert gone() is None


def test_a_part_of_a_unit_that_nobody_listens_to_is_forgotten(graph: Graph) -> None:
    stream, ear = Part(graph), Ear(graph)
    graph.connect(stream, ear)
    graph.disconnect(stream, ear)
    ear.detached.clear()
    gone = weakref.ref(stream)
    del stream
    gc.collect()
    assert gone() is None


def test_a_tick_makes_then_mixes_then_uses_each_by_age(graph: Graph) -> None:
    log: list[str] = []
    graph.add(Turns(log, "a", "consume", "produce"))
    graph.add(Turns(log, "b", "mix"))
    graph.add(Turns(log, "c", "produce", "mix", "consume"))
    graph.add(object())
    graph.add(Turns(log, "d", "consume", "mix", "produce"))
    graph.tick(7)
    assert log == [
        *("produce a", "produce c", "produce d"),
        *("mix b", "mix c", "mix d"),
        *("consume a", "consume c", "consume d"),
    ]
    assert graph.position == 7


def test_the_position_is_new_when_the_first_unit_looks(graph: Graph) -> None:
    seen: list[int] = []
    graph.add(Turns([], "a", "produce", doing=lambda: seen.append(graph.position)))
    graph.tick(3)
    graph.tick(9)
    assert seen == [3, 9]


def test_units_that_come_and_go_inside_a_tick_do_so_for_the_next_one(graph: Graph) -> None:
    log: list[str] = []
    late = Turns(log, "late", "produce", "consume")
    once = Turns(log, "once", "produce", doing=lambda: swap())

    def swap() -> None:
        graph.remove(once)
        graph.add(late)

    graph.add(once)
    graph.add(Turns(log, "steady", "produce"))
    graph.tick(1)
    assert log == ["produce once", "produce steady"]
    graph.tick(2)
    assert log[2:] == ["produce steady", "produce late", "consume late"]


def test_routes_may_change_while_a_frame_is_on_its_way(graph: Graph) -> None:
    mouth, ear, late = Mouth(graph), Ear(graph), Ear(graph, "late")

    def meddle(frame: Samples) -> None:
        graph.connect(mouth, late)
        graph.disconnect(mouth, ear)

    class Meddler(Ear):
        def inlet(self, source: Source) -> Inlet | None:
            return Inlet(16_000, meddle)

    graph.connect(mouth, Meddler(graph, "meddler"))
    graph.connect(mouth, ear)
    a, b = speech(2)
    mouth.output.push(a)
    mouth.output.push(b)
    assert same(ear.heard, [a])
    assert same(late.heard, [fade_in(b)])
