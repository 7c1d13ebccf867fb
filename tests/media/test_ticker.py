"""The media clock, in virtual time."""

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from voxrun.media.ticker import CROWD, PHASES, Ticker

FRAME = 0.02
Tick = tuple[int, float]


def keep(ticks: list[Tick]) -> Callable[[int], None]:
    return lambda position: ticks.append((position, trio.current_time()))


def run(main: Callable[[trio.testing.MockClock], Awaitable[None]]) -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(main, clock, clock=clock)


async def run_for(ticker: Ticker, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await ticker.run()


def test_a_member_is_called_every_20_ms_and_told_which_tick_it_is() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        ticker = Ticker()
        ticks: list[Tick] = []
        ticker.add(keep(ticks))
        await run_for(ticker, 1.01)
        assert [position for position, _ in ticks] == list(range(1, 51))
        assert [time for _, time in ticks] == pytest.approx([FRAME * position for position in range(1, 51)])
        assert (ticker.late, ticker.skipped, ticker.lateness(1.0)) == (0, 0, 0.0)

    run(main)


def test_an_hour_does_not_drift() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        hour = trio.CancelScope()
        last: Tick = (0, 0.0)
        in_order = True

        async def oversleep(deadline: float) -> None:
            await trio.lowlevel.checkpoint_if_cancelled()
            clock.jump(max(deadline - trio.current_time(), 0) + 0.0031)

        def tick(position: int) -> None:
            nonlocal last, in_order
            in_order = in_order and position == last[0] + 1
            last = (position, trio.current_time())
            if position == 180_000:
                hour.cancel()

        ticker = Ticker(oversleep)
        ticker.add(tick)
        with hour:
            await ticker.run()
        assert in_order
        assert last[0] == 180_000
        assert last[1] == pytest.approx(3600.0031, abs=1e-6)
        assert (ticker.late, ticker.skipped) == (0, 0)

    run(main)


def test_members_are_spread_over_the_phases_a_crowd_at_a_time() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        ticker = Ticker()
        members: list[list[Tick]] = [[] for _ in range(CROWD * PHASES + 2)]
        for ticks in members:
            ticker.add(keep(ticks))
        await run_for(ticker, 0.5001)
        phases = [round(ticks[0][1] % FRAME * 1000, 3) % 20 for ticks in members]
        crowds = [set(phases[first : first + CROWD]) for first in range(0, len(phases), CROWD)]
        assert [len(crowd) for crowd in crowds] == [1, 1, 1, 1, 2]
        assert sorted(Counter(phases).values()) == [CROWD, CROWD, CROWD + 1, CROWD + 1]
        for ticks in members:
            assert len(ticks) == 25
            gaps = [after[1] - before[1] for before, after in itertools.pairwise(ticks)]
            assert gaps == pytest.approx([FRAME] * len(gaps))

    run(main)


@pytest.mark.parametrize(
    ("stall", "skipped", "late", "made_good"),
    [
        (0.010, 0, 0, 0),
        (0.030, 0, 0, 1),
        (0.050, 0, 1, 2),
        (0.070, 0, 2, 3),
        (0.090, 0, 3, 4),
        (0.110, 1, 3, 4),
        (0.210, 6, 3, 4),
        (60.01, 2996, 3, 4),
    ],
)
def test_a_stall_is_made_good_up_to_three_ticks_and_the_rest_is_skipped(
    stall: float, skipped: int, late: int, made_good: int
) -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        ticker = Ticker()
        ticks: list[Tick] = []

        def tick(position: int) -> None:
            ticks.append((position, trio.current_time()))
            if position == 5:
                clock.jump(stall)

        ticker.add(tick)
        await run_for(ticker, stall + 0.51)
        assert (ticker.skipped, ticker.late) == (skipped, late)
        positions = [position for position, _ in ticks]
        assert positions[:5] == [1, 2, 3, 4, 5]
        assert positions[5:] == list(range(6 + skipped, positions[-1] + 1))
        after = 5 * FRAME + stall
        assert len([time for _, time in ticks if time == pytest.approx(after)]) == made_good
        assert ticks[-1][1] == pytest.approx(ticks[-1][0] * FRAME)

    run(main)


def test_all_members_skip_the_same_ticks() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        ticker = Ticker()
        members: list[list[Tick]] = [[] for _ in range(PHASES)]
        for ticks in members:
            ticker.add(keep(ticks))

        async def stall() -> None:
            await trio.sleep(0.1123)
            clock.jump(1.0)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stall)
            await run_for(ticker, 2.0003)
        assert ticker.skipped > 0
        for ticks in members:
            positions = [position for position, _ in ticks]
            assert positions == sorted(set(positions))
            assert positions[-1] - positions[0] + 1 - len(positions) == ticker.skipped
            assert ticks[-1][1] == pytest.approx(ticks[-1][0] * FRAME, abs=FRAME)

    run(main)


def test_a_removed_member_is_not_called_and_the_others_are() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        ticker = Ticker()
        gone: list[Tick] = []
        stays: list[Tick] = []
        going = keep(gone)
        ticker.add(going)
        ticker.add(keep(stays))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            await trio.sleep(0.11)
            ticker.remove(going)
            ticker.remove(going)
            await trio.sleep(0.1)
            nursery.cancel_scope.cancel()
        assert (len(gone), len(stays)) == (5, 10)

    run(main)


def test_an_idle_clock_sleeps_and_is_not_late_when_it_is_needed_again() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        deadlines: list[float] = []

        async def sleep_until(deadline: float) -> None:
            deadlines.append(deadline)
            await trio.sleep_until(deadline)

        ticker = Ticker(sleep_until)
        ticks: list[Tick] = []
        member = keep(ticks)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            for _ in range(3):
                ticker.remove(member)
                await trio.sleep(1000.0133)
                slept = len(deadlines)
                ticker.add(member)
                await trio.sleep(0.1)
                ticker.remove(member)
                await trio.sleep(0.03)
                assert slept <= len(deadlines) <= slept + 7
            nursery.cancel_scope.cancel()
        assert len(ticks) == 15
        assert [time for _, time in ticks] == pytest.approx([position * FRAME for position, _ in ticks])
        assert (ticker.late, ticker.skipped, ticker.lateness(1.0)) == (0, 0, 0.0)

    run(main)


def test_no_tick_comes_twice_when_a_member_follows_at_once() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        clock.jump(123_456.789)  # where a step, worked out from the time, may come out one too small
        ticker = Ticker()
        positions: list[int] = []

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            for _ in range(120):
                ticked = trio.Event()

                def once(position: int, ticked: trio.Event = ticked) -> None:
                    positions.append(position)
                    ticker.remove(once)
                    ticked.set()

                ticker.add(once)
                await ticked.wait()
                await trio.testing.wait_all_tasks_blocked()  # the clock is idle, and no time has passed
            nursery.cancel_scope.cancel()
        assert positions == list(range(1, 121))

    run(main)


def test_percentiles_of_lateness_are_measured() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        lateness = [0.00105] * 90 + [0.00505] * 9 + [5.0]
        scope = trio.CancelScope()

        async def sleep_until(deadline: float) -> None:
            if not lateness:
                scope.cancel()
            await trio.sleep_until(deadline + (lateness.pop(0) if lateness else 0))

        ticker = Ticker(sleep_until)
        ticker.add(lambda position: None)
        assert ticker.lateness(0.99) == 0.0
        with scope:
            await ticker.run()
        measured = [ticker.lateness(share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)]
        assert measured == pytest.approx([0.001, 0.001, 0.005, 0.005, 0.1], abs=0.00011)
        assert ticker.lateness_counts((0.0009, 0.0011, 0.01)) == [0, 90, 99, 100]
        assert ticker.late == 1

    run(main)
