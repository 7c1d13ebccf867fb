"""Sleeping until a moment: in real time by timerfd, in virtual time by trio."""

import os
import sys

import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time

from voxrun.media.alarm import alarm

needs_timerfd = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has timerfd")


def test_in_virtual_time_it_is_trio_that_sleeps() -> None:
    async def main() -> None:
        with alarm() as sleep_until:
            assert sleep_until is trio.sleep_until

    in_virtual_time(main)


@needs_timerfd
def test_it_wakes_neither_early_nor_a_millisecond_late() -> None:
    lateness: list[float] = []

    async def main() -> None:
        with alarm() as sleep_until:
            assert sleep_until is not trio.sleep_until
            while len(lateness) < 1000 and len(in_time()) < 10:
                deadline = trio.current_time() + 0.0037
                await sleep_until(deadline)
                lateness.append(trio.current_time() - deadline)

    def in_time() -> list[float]:
        return [late for late in lateness if late < 0.0005]

    trio.run(main)
    assert min(lateness) >= 0
    assert len(in_time()) == 10  # a busy machine is late most of the time, a wrong timer always


@needs_timerfd
def test_a_moment_that_has_passed_is_a_checkpoint() -> None:
    async def main() -> None:
        with alarm() as sleep_until, trio.testing.assert_checkpoints():
            await sleep_until(trio.current_time() - 1)

    trio.run(main)


@needs_timerfd
def test_it_can_be_cancelled_and_leaves_no_file() -> None:
    async def main() -> None:
        before = os.listdir("/proc/self/fd")
        with trio.move_on_after(0.01) as scope, alarm() as sleep_until:
            await sleep_until(trio.current_time() + 3600)
        assert scope.cancelled_caught
        assert os.listdir("/proc/self/fd") == before

    trio.run(main)
