"""Routes that are made, replaced and removed while audio flows: no click, and nothing changes for anybody else."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import Play, ScriptedLeg, Setting, tone
from tests.media.noise import FADE, noise

from voxrun.audio.frame import Samples
from voxrun.media.call import Call
from voxrun.media.graph import Graph, Inlet, Output, Source
from voxrun.media.inbox import Inbox, Inboxes
from voxrun.media.leg import Party
from voxrun.media.unit import MediaSource
from voxrun.session.session import Session

AMPLITUDE = 10_000
HERTZ = (312.9, 437.3, 521.7)

FADE_SLOPE = 2 * AMPLITUDE * np.pi / 2 / FADE
"""The largest step that a fade between two sines adds to theirs."""


def slope(hertz: float) -> float:
    """The largest step of a sine at 16 kHz."""
    return AMPLITUDE * 2 * np.pi * hertz / 16_000


def largest_jump(samples: Samples) -> int:
    return int(np.abs(np.diff(samples.astype(int), prepend=0)).max())


class Talk:
    """A listener, a witness who hears the first of some sines all the time, and what each has heard."""

    def __init__(self, change: Callable[[Call, list[Call]], Awaitable[None]]) -> None:
        self.listener, self.witness = ScriptedLeg(), ScriptedLeg()
        self._change = change
        self._speakers = [ScriptedLeg(says=tone(16_000, 2.0, hertz, AMPLITUDE)) for hertz in HERTZ]

    async def run(self, session: Session) -> None:
        await trio.sleep(0.005)
        calls = [Call(session, leg, Party()) for leg in (self.listener, self.witness, *self._speakers)]
        listener, witness, *speakers = calls
        speakers[0].sendMediaTo(witness)
        for call in calls:
            call.answer()
        await trio.sleep(0.107)
        await self._change(listener, speakers)
        await trio.sleep(0.1)
        session.terminate()

    def play(self, play: Play) -> Samples:
        """What the listener has heard; the witness must have heard the same as ever."""
        play("", Setting(meanwhile=self.run))
        said = tone(16_000, 2.0, HERTZ[0], AMPLITUDE)
        heard = self.witness.everything_heard
        assert np.array_equal(heard, said[: len(heard)])
        return self.listener.everything_heard


async def join(listener: Call, speakers: list[Call]) -> None:
    speakers[0].sendMediaTo(listener)
    await trio.sleep(0.1)


async def join_and_leave(listener: Call, speakers: list[Call]) -> None:
    await join(listener, speakers)
    speakers[0].stopMediaTo(listener)


async def replace(listener: Call, speakers: list[Call]) -> None:
    for speaker in speakers:
        await join(listener, [speaker])


async def hang_up(listener: Call, speakers: list[Call]) -> None:
    await join(listener, speakers[1:])
    speakers[1].hangup()


async def come_back_at_once(listener: Call, speakers: list[Call]) -> None:
    await join(listener, speakers)
    speakers[0].stopMediaTo(listener)
    speakers[0].sendMediaTo(listener)
    await trio.sleep(0.1)


@pytest.mark.parametrize("change", [join, join_and_leave, replace, hang_up, come_back_at_once])
def test_a_change_of_routes_makes_no_jump_that_the_sound_does_not_have(
    play: Play, change: Callable[[Call, list[Call]], Awaitable[None]]
) -> None:
    heard = Talk(change).play(play)
    assert np.abs(heard).max() > 0.9 * AMPLITUDE
    assert largest_jump(heard) <= max(map(slope, HERTZ)) + FADE_SLOPE


def test_without_the_fade_there_would_be_a_jump(play: Play) -> None:
    heard = Talk(join_and_leave).play(play)
    flowing = np.flatnonzero(heard)
    begin, end = int(flowing[0]) // 320 * 320, (int(flowing[-1]) // 320) * 320
    said = tone(16_000, 2.0, HERTZ[0], AMPLITUDE)
    assert np.array_equal(heard[begin + FADE : end], said[begin + FADE : end])
    assert max(abs(said[begin]), abs(said[end])) > 2 * (slope(HERTZ[0]) + FADE_SLOPE)
    assert not heard[:begin].any()
    assert not heard[end + FADE :].any()


@given(st.lists(st.sampled_from(["first", "second", "third", "none"]), min_size=1, max_size=30))
def test_any_sequence_of_streams_is_free_of_clicks(streams: list[str]) -> None:
    graph = Graph(lambda *change: None)
    mouths = {name: Mouth(graph, hertz) for name, hertz in zip(("first", "second", "third"), HERTZ, strict=True)}
    ear, witness = Ear(graph), Ear(graph)
    graph.connect(mouths["first"], witness)
    for name in streams:
        for other in graph.senders(ear):
            if name == "none":
                graph.disconnect(other, ear)
        if name != "none":
            graph.connect(mouths[name], ear)
        graph.tick(graph.position + 1)
    assert largest_jump(np.concatenate(ear.heard)) <= max(map(slope, HERTZ)) + FADE_SLOPE
    assert np.array_equal(np.concatenate(witness.heard), mouths["first"].said[: 320 * len(streams)])


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_any_who_come_and_go_in_a_mix_are_free_of_clicks(present: list[tuple[bool, ...]]) -> None:
    graph = Graph(lambda *change: None)
    mouths = [Mouth(graph, hertz) for hertz in HERTZ]
    ear = MixingEar(graph)
    for tick, moment in enumerate(present):
        for mouth, is_here in zip(mouths, moment, strict=True):
            (graph.connect if is_here else graph.disconnect)(mouth, ear)
        graph.tick(tick)
    assert largest_jump(np.concatenate(ear.heard)) <= sum(map(slope, HERTZ)) + 3 * FADE_SLOPE / 2
    assert len(ear.inboxes) <= 3


def test_a_stream_that_begins_after_its_route_is_heard_as_it_is(play: Play) -> None:
    leg = ScriptedLeg()

    async def begin(session: Session) -> None:
        await trio.sleep(0.005)
        call = Call(session, leg, Party())
        call.answer()
        source = MediaSource(session, "source")
        source.output.open(16_000)
        source.output.push(np.zeros(320, np.int16))
        await trio.sleep(0.1)
        source.sendMediaTo(call)
        for frame in np.split(noise(0.1), 5):
            await trio.sleep(0.02)
            source.output.push(frame)
        await trio.sleep(0.1)
        session.terminate()

    play("", Setting(meanwhile=begin))
    begin_of = int(np.flatnonzero(leg.everything_heard)[0])
    assert np.array_equal(leg.everything_heard[begin_of : begin_of + 1600], noise(0.1))


def test_a_stream_that_came_to_rest_leaves_nothing_behind() -> None:
    inbox = Inbox(16_000)
    frame = noise(0.02)
    frame[-1] = 0
    inbox.inlet.receive(frame)
    assert inbox.take() is frame
    inbox.cut()
    assert not inbox.take().any()


def test_who_left_a_mix_and_came_back_within_the_tick_is_one_sender() -> None:
    graph = Graph(lambda *change: None)
    mouth, inboxes = Mouth(graph, 300.0), Inboxes(16_000)
    inboxes.inlet(mouth).receive(mouth.said[:320])
    assert inboxes.take()[mouth] is not None
    inboxes.cut(mouth)
    inboxes.inlet(mouth).receive(mouth.said[320:640])
    inboxes.take()
    assert len(inboxes) == 1
    inboxes.cut(mouth)
    assert mouth in inboxes.take()
    assert len(inboxes) == 0
    inboxes.cut(mouth)
    assert inboxes.take() == {}


class Mouth:
    """Says a sine."""

    def __init__(self, graph: Graph, hertz: float) -> None:
        self.output = Output(graph, self)
        self.output.open(16_000)
        self.said = tone(16_000, 1.0, hertz, AMPLITUDE)
        self._at = 0
        graph.add(self)

    def id(self) -> str:
        return "mouth"

    def produce(self) -> None:
        self._at += 320
        self.output.push(self.said[self._at - 320 : self._at])


class Ear:
    """Hears one stream."""

    mixes = False

    def __init__(self, graph: Graph) -> None:
        self.heard: list[Samples] = []
        self._inbox = Inbox(16_000)
        graph.add(self)

    def id(self) -> str:
        return "ear"

    def inlet(self, source: Source) -> Inlet:
        return self._inbox.inlet

    def detach(self, source: Source) -> None:
        self._inbox.cut()

    def consume(self) -> None:
        self.heard.append(self._inbox.take())


class MixingEar:
    """Hears the sum of all streams, which are too few to be too loud."""

    mixes = True

    def __init__(self, graph: Graph) -> None:
        self.heard: list[Samples] = []
        self.inboxes = Inboxes(16_000)
        graph.add(self)

    def id(self) -> str:
        return "ear"

    def inlet(self, source: Source) -> Inlet:
        return self.inboxes.inlet(source)

    def detach(self, source: Source) -> None:
        self.inboxes.cut(source)

    def consume(self) -> None:
        frames = [*self.inboxes.take().values(), np.zeros(320, np.int16)]
        self.heard.append(np.sum(frames, axis=0, dtype=np.int16))
