"""Reading ahead of the tick, in virtual time."""

from collections.abc import Callable

import numpy as np
import pytest
import trio
from tests.kit import in_virtual_time, inline

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples, silence
from voxrun.errors import ConfigurationError
from voxrun.media.read_ahead import ReadAhead
from voxrun.session.session import Session

RATE = 8000
SIZE = 160
NewHost = Callable[..., Session]


class Tape:
    """A source in memory; damaged after `good` samples, if given."""

    def __init__(self, samples: Samples, good: int | None = None) -> None:
        self.rate = RATE
        self.duration = len(samples) / RATE
        self.closed = 0
        self.position = 0
        self.reads = 0
        self._samples = samples
        self._good = good

    def read(self, count: int) -> Samples:
        self.reads += 1
        taken = self._samples[self.position : self.position + count]
        self.position += len(taken)
        if self._good is not None and self.position > self._good:
            raise ConfigurationError("the tape is torn")
        return taken

    def rewind(self) -> None:
        self.position = 0

    def close(self) -> None:
        self.closed += 1


def loud(count: int) -> Samples:
    """No sample of it is 0."""
    return np.arange(count).astype(np.int16) % 20_000 + 1


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 4000, 4001, 20_000, 8 * RATE + 7])
def test_every_sample_comes_out_once(new_host: NewHost, count: int) -> None:
    async def main() -> None:
        tape = Tape(loud(count))
        audio = ReadAhead(new_host(), tape)
        frames = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            await audio.ready()
            while not audio.finished:
                frames.append(audio.take())
                await trio.sleep(0.02)
        assert [len(frame) for frame in frames] == [SIZE] * -(-count // SIZE)
        assert np.concatenate([*frames, silence(RATE)])[:count].tolist() == loud(count).tolist()
        assert (audio.starved, tape.closed, audio.error) == (0, 1, None)
        assert audio.take() is silence(RATE)
        assert audio.starved == 0

    in_virtual_time(main)


def test_it_reads_two_seconds_ahead_and_no_further(new_host: NewHost) -> None:
    async def main() -> None:
        tape = Tape(loud(60 * RATE))
        audio = ReadAhead(new_host(), tape)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            await audio.ready()
            for taken in range(400):
                await trio.sleep(0.02)
                ahead = tape.position / RATE - taken * 0.02
                assert 2.0 <= ahead <= 2.5
                audio.take()
            nursery.cancel_scope.cancel()
        assert audio.starved == 0

    in_virtual_time(main)


@pytest.mark.parametrize("count", [1, 130, 160, 4000, 12_345])
def test_a_loop_has_no_gap(new_host: NewHost, count: int) -> None:
    async def main() -> None:
        tape = Tape(loud(count))
        audio = ReadAhead(new_host(), tape, loop=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            await audio.ready()
            frames = []
            for _ in range(250):
                frames.append(audio.take())
                await trio.sleep(0.02)
            assert not audio.finished
            nursery.cancel_scope.cancel()
        assert np.concatenate(frames).tolist() == np.resize(loud(count), 250 * SIZE).tolist()
        assert (audio.starved, tape.closed) == (0, 1)

    in_virtual_time(main)


def test_a_loop_over_nothing_ends(new_host: NewHost) -> None:
    async def main() -> None:
        tape = Tape(loud(0))
        audio = ReadAhead(new_host(), tape, loop=True)
        with trio.fail_after(1):
            await audio.fill()
        assert audio.finished
        assert tape.reads == 2

    in_virtual_time(main)


@pytest.mark.parametrize(("count", "loop", "seconds"), [(6 * RATE, False, 0.73), (1530, True, 0.61), (90, True, 2.5)])
def test_a_reader_too_slow_is_counted_and_what_it_reads_stays_whole(
    new_host: NewHost, count: int, loop: bool, seconds: float
) -> None:
    async def main() -> None:
        async def slow(work: Callable[..., object], *args: object) -> object:
            await trio.sleep(seconds)
            return work(*args)

        audio = ReadAhead(new_host(slow), Tape(loud(count)), loop=loop)
        frames: list[Samples] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            await audio.ready()
            while not audio.finished and len(frames) < 1000:
                frames.append(audio.take())
                await trio.sleep(0.02)
            nursery.cancel_scope.cancel()
        silent = [frame for frame in frames if frame is silence(RATE)]
        heard = np.concatenate([frame for frame in frames if frame is not silence(RATE)])
        assert audio.starved == len(silent) > 10
        assert heard.tolist() == np.resize(loud(count), len(heard)).tolist()
        assert loop or len(heard) == count

    in_virtual_time(main)


def test_what_is_resampled_stays_whole_when_its_reader_is_too_slow(new_host: NewHost) -> None:
    async def main() -> None:
        async def slow(work: Callable[..., object], *args: object) -> object:
            await trio.sleep(0.73)
            return work(*args)

        tape = Tape(loud(3 * 22_050))
        tape.rate = 22_050
        audio = ReadAhead(new_host(slow), tape)
        frames: list[Samples] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            await audio.ready()
            while not audio.finished:
                frames.append(audio.take())
                await trio.sleep(0.02)
        heard = np.concatenate([frame for frame in frames if frame is not silence(24_000)])
        assert audio.starved > 10
        assert heard.tolist() == Conversion(22_050, 24_000).convert(loud(3 * 22_050), is_last=True).tolist()

    in_virtual_time(main)


def test_a_source_that_breaks_ends_there_and_says_so(new_host: NewHost) -> None:
    async def main() -> None:
        tape = Tape(loud(3 * RATE), good=RATE)
        host = new_host()
        audio = ReadAhead(host, tape)
        await audio.fill()
        await audio.ready()
        heard = np.concatenate([audio.take() for _ in range(50)])
        assert heard.tolist() == loud(RATE).tolist()
        assert audio.finished
        assert str(audio.error) == "the tape is torn"
        assert '"kind":"error","message":"the tape is torn"' in host.trace_log.lines()[-1]
        assert (audio.starved, tape.closed) == (0, 1)

    in_virtual_time(main)


def test_a_source_that_breaks_at_once_does_not_keep_anybody_waiting(new_host: NewHost) -> None:
    async def main() -> None:
        tape = Tape(loud(RATE), good=0)
        audio = ReadAhead(new_host(), tape)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audio.fill)
            with trio.fail_after(1):
                await audio.ready()
        assert audio.finished
        assert tape.closed == 1

    in_virtual_time(main)


@pytest.mark.parametrize("after", [0.0, 0.3, 5.0], ids=["at once", "while reading", "while full"])
def test_a_cancel_closes_the_source(new_host: NewHost, after: float) -> None:
    async def main() -> None:
        async def slow(work: Callable[..., object], *args: object) -> object:
            await trio.sleep(0.2)
            return await inline(work, *args)

        tape = Tape(loud(60 * RATE))
        with trio.move_on_after(after) as scope:
            await ReadAhead(new_host(slow), tape).fill()
        assert scope.cancelled_caught
        assert tape.closed == 1

    in_virtual_time(main)
