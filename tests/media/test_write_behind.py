"""Audio on its way to a disk that may be slow, full or gone, in virtual time."""

import errno
from collections.abc import Callable

import numpy as np
import pytest
import trio
from tests.kit import in_virtual_time, inline

from voxrun.audio.frame import Samples
from voxrun.media.write_behind import BACKLOG_SECONDS, CLOSE_SECONDS, WriteBehind
from voxrun.session.services import in_thread
from voxrun.session.session import Session

NewHost = Callable[..., Session]


class Reel:
    """A writer in memory with room for `room` samples."""

    def __init__(self, room: int = 10**9) -> None:
        self.writes: list[tuple[float, list[int]]] = []
        self.closed = 0
        self._room = room

    @property
    def samples(self) -> list[int]:
        return [sample for _, written in self.writes for sample in written]

    def write(self, samples: Samples) -> None:
        self._room -= len(samples)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.writes.append((trio.current_time(), samples.tolist()))

    def close(self) -> None:
        self.closed += 1
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device, still")


def frame(number: int) -> Samples:
    """Two samples stand for 20 ms here."""
    return np.array([number, -number], np.int16)


def expected(*numbers: int) -> list[int]:
    return [sample for number in numbers for sample in (number, -number)]


def no_failure(error: OSError) -> None:
    raise AssertionError(error)


def test_it_writes_four_times_a_second_and_the_rest_when_stopped(new_host: NewHost) -> None:
    async def main() -> None:
        reel = Reel()
        file = WriteBehind(new_host(), reel, no_failure)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(file.drain)
            await trio.sleep(0.01)
            for number in range(30):
                file.put(frame(number))
                await trio.sleep(0.02)
            file.stop()
        assert [time for time, _ in reel.writes] == pytest.approx([0.25, 0.5, 0.61])
        assert reel.samples == expected(*range(30))
        assert (reel.closed, file.dropped) == (1, 0)

    in_virtual_time(main)


def test_nothing_put_nothing_written(new_host: NewHost) -> None:
    async def main() -> None:
        reel = Reel()
        file = WriteBehind(new_host(), reel, no_failure)
        file.stop()
        await file.drain()
        assert (reel.writes, reel.closed) == ([], 1)

    in_virtual_time(main)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.25, 0.35, 0.5])
def test_a_cancel_still_completes_the_file(new_host: NewHost, after: float) -> None:
    async def main() -> None:
        reel = Reel()
        file = WriteBehind(new_host(), reel, no_failure)
        for number in range(5):
            file.put(frame(number))
        with trio.move_on_after(after) as scope:
            await file.drain()
        assert scope.cancelled_caught
        assert reel.samples == expected(*range(5))
        assert reel.closed == 1

    in_virtual_time(main)


def test_a_cancel_while_a_write_waits_for_its_thread_loses_nothing(new_host: NewHost) -> None:
    async def main() -> None:
        scope = trio.CancelScope()

        async def busy(work: Callable[..., object], *args: object) -> object:
            scope.cancel()
            return await inline(work, *args)

        reel = Reel()
        file = WriteBehind(new_host(busy), reel, no_failure)
        file.put(frame(1))
        file.put(frame(2))
        with scope:
            await file.drain()
        assert scope.cancelled_caught
        assert reel.samples == expected(1, 2)
        assert reel.closed == 1

    in_virtual_time(main)


def test_a_cancel_during_a_write_in_its_thread_writes_nothing_twice(new_host: NewHost) -> None:
    async def main() -> None:
        scope = trio.CancelScope()

        class Disturbed(Reel):
            def write(self, samples: Samples) -> None:
                trio.from_thread.run_sync(scope.cancel)
                trio.from_thread.run_sync(super().write, samples)

        reel = Disturbed()
        file = WriteBehind(new_host(in_thread), reel, no_failure)
        file.put(frame(1))
        file.put(frame(2))
        with scope:
            await file.drain()
        assert scope.cancelled_caught
        assert reel.samples == expected(1, 2)
        assert reel.closed == 1

    trio.run(main)


def test_frames_that_come_during_a_write_are_written_next(new_host: NewHost) -> None:
    async def main() -> None:
        async def slow(work: Callable[..., object], *args: object) -> object:
            await trio.sleep(0.1)
            return work(*args)

        reel = Reel()
        file = WriteBehind(new_host(slow), reel, no_failure)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(file.drain)
            for number in range(50):
                file.put(frame(number))
                await trio.sleep(0.0203)
            file.stop()
        assert reel.samples == expected(*range(50))

    in_virtual_time(main)


def test_a_full_disk_is_told_once_and_the_loss_is_counted(new_host: NewHost) -> None:
    async def main() -> None:
        reel = Reel(room=20)
        failures: list[OSError] = []
        file = WriteBehind(new_host(), reel, failures.append)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(file.drain)
            await trio.sleep(0.01)
            for number in range(50):
                file.put(frame(number))
                await trio.sleep(0.025)
            file.stop()
        assert [failure.errno for failure in failures] == [errno.ENOSPC]
        assert reel.samples == expected(*range(10))
        assert (file.dropped, reel.closed) == (40, 1)

    in_virtual_time(main)


def test_a_disk_that_stands_still_costs_what_exceeds_the_backlog(new_host: NewHost) -> None:
    async def main() -> None:
        thaw = trio.Event()

        async def frozen(work: Callable[..., object], *args: object) -> object:
            await thaw.wait()
            return work(*args)

        limit = BACKLOG_SECONDS * 50
        reel = Reel()
        file = WriteBehind(new_host(frozen), reel, no_failure)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(file.drain)
            for number in range(limit + 100):
                file.put(frame(number))
                await trio.sleep(0.02)
            thaw.set()
            file.stop()
        assert file.dropped == 100
        assert reel.samples == expected(*range(limit))

    in_virtual_time(main)


def test_a_disk_that_never_comes_back_does_not_hold_the_end_up_for_ever(new_host: NewHost) -> None:
    async def main() -> None:
        async def gone(work: Callable[..., object], *args: object) -> object:
            await trio.sleep_forever()

        file = WriteBehind(new_host(gone), Reel(), no_failure)
        file.put(frame(1))
        with trio.move_on_after(1):
            await file.drain()
        assert trio.current_time() == pytest.approx(1 + CLOSE_SECONDS)

    in_virtual_time(main)
