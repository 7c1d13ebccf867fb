"""What a device may hold: more when glitches come often, less after a quiet time; and a stream that follows."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from voxrun.transports.sound.latency import LEAST_SECONDS, MOST_SECONDS, STRAINED_BY, WINDOW_SECONDS, Latency
from voxrun.transports.sound.outlet import Outlet
from voxrun.transports.sound.port_audio import RATE
from voxrun.transports.sound.reserve import BLOCK_SECONDS
from voxrun.transports.sound.stream import SoundStream


def pass_quietly(latency: Latency, seconds: float) -> int:
    """How often it changed meanwhile."""
    return sum(latency.observe(BLOCK_SECONDS, glitched=False) for _ in range(round(seconds / BLOCK_SECONDS)))


def glitch(latency: Latency, times: int, apart: float) -> int:
    """How often it changed while there was one after each `apart` s."""
    return sum(latency.observe(apart, glitched=True) for _ in range(times))


def test_glitches_of_a_whole_call_are_no_strain_but_as_many_within_the_window_are() -> None:
    latency = Latency()
    apart = WINDOW_SECONDS / (STRAINED_BY - 1)
    assert glitch(latency, 100, 1.01 * apart) == 0
    assert latency.seconds == LEAST_SECONDS
    assert glitch(latency, STRAINED_BY - 1, 0.99 * apart) == 1
    assert latency.seconds == 2 * LEAST_SECONDS


def test_a_burst_counts_once_and_the_latency_has_a_bound() -> None:
    latency = Latency()
    seen = []
    for _ in range(5):
        assert glitch(latency, STRAINED_BY - 1, 0.1) == 0
        glitch(latency, 1, 0.1)
        seen.append(latency.seconds)
    assert seen == [0.02, 0.04, MOST_SECONDS, MOST_SECONDS, MOST_SECONDS]


def test_after_a_quiet_time_it_returns_in_steps_and_stays() -> None:
    latency = Latency()
    glitch(latency, 2 * STRAINED_BY, 0.1)
    assert latency.seconds == 4 * LEAST_SECONDS
    assert pass_quietly(latency, 239.0) == 0
    assert pass_quietly(latency, 2.0) == 1
    assert latency.seconds == 2 * LEAST_SECONDS
    assert pass_quietly(latency, 241.0) == 1
    assert latency.seconds == LEAST_SECONDS
    assert pass_quietly(latency, 1000.0) == 0


def test_a_single_glitch_begins_the_quiet_time_anew() -> None:
    latency = Latency()
    glitch(latency, STRAINED_BY, 0.1)
    assert pass_quietly(latency, 119.0) == 0
    assert glitch(latency, 1, 0.1) == 0
    assert pass_quietly(latency, 119.0) == 0
    assert pass_quietly(latency, 2.0) == 1


def test_a_machine_that_can_not_do_with_less_is_asked_less_and_less_often() -> None:
    latency = Latency()
    waits = []
    for _ in range(6):
        glitch(latency, STRAINED_BY, 0.1)
        waits.append(0.0)
        while not latency.observe(1.0, glitched=False):
            waits[-1] += 1.0
    assert waits == [120, 240, 480, 960, 960, 960]


class Status:
    """PortAudio's word on one buffer."""

    input_overflow = False

    def __init__(self, output_underflow: bool) -> None:
        self.output_underflow = output_underflow


class PortAudio(ModuleType):
    """Stands for `sounddevice`, with a speaker whose every buffer the test asks for."""

    class PortAudioError(Exception):
        """Never raised."""

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.latencies: list[float] = []
        self.closed = 0
        self._callback: Callable[..., None]

    def query_devices(self, kind: str) -> dict[str, object]:
        """The speaker."""
        return {"name": kind, "index": 0, "default_samplerate": RATE}

    def RawOutputStream(self, *, latency: float, callback: Callable[..., None], **others: Any) -> "PortAudio":
        """Itself."""
        self.latencies.append(latency)
        self._callback = callback
        return self

    def start(self) -> None:
        """It has."""

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    def ask(self, blocks: int = 1, *, underflow: bool = False) -> None:
        """Have buffers filled."""
        size = int(RATE * BLOCK_SECONDS)
        for _ in range(blocks):
            self._callback(bytearray(2 * size), size, None, Status(underflow))


@pytest.fixture
def library() -> PortAudio:
    return PortAudio()


def test_a_stream_is_stale_from_a_change_until_it_is_opened_anew(library: PortAudio) -> None:
    stream = SoundStream("output", Outlet)
    changes: list[bool] = []

    def open_it() -> None:
        stream.open(library, lambda: changes.append(stream.is_stale))

    open_it()
    library.ask(blocks=50)
    library.ask(blocks=STRAINED_BY - 1, underflow=True)
    assert (changes, stream.is_stale) == ([], False)
    library.ask(underflow=True)
    assert (changes, stream.is_stale) == ([True], True)
    stream.close()
    open_it()
    assert not stream.is_stale
    library.ask(blocks=round(121 / BLOCK_SECONDS))
    assert changes == [True, True]
    stream.close()
    open_it()
    stream.close()
    assert library.latencies == [LEAST_SECONDS, 2 * LEAST_SECONDS, LEAST_SECONDS]
    assert library.closed == 3
    assert stream.underflowed == STRAINED_BY
