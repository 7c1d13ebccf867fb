"""When a process takes no more calls because it can't keep up with its clock."""

import trio
import trio.testing

from voxrun.media.ticker import Ticker
from voxrun.serving.load import WINDOW_SECONDS, Load


def test_the_worst_moment_counts_for_as_long_as_the_window() -> None:
    async def main() -> None:
        ticker = Ticker()
        load = Load(ticker)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.watch)
            await trio.sleep(1.05)
            assert not load.is_overloaded
            clock.jump(0.1095)  # the measurement that is due in 50 ms comes 59.5 ms late
            await trio.sleep(0.2)
            assert (load.words, load.is_overloaded) == ("the loop lags by 60 ms, 0 ticks were late", False)
            await trio.sleep(0.08)
            clock.jump(0.15)
            await trio.sleep(WINDOW_SECONDS - 0.1)
            assert load.is_overloaded
            await trio.sleep(0.2)
            assert (load.words, load.is_overloaded) == ("the loop lags by 0 ms, 0 ticks were late", False)
            ticker.late += 5
            await trio.sleep(0.1)
            assert not load.is_overloaded
            ticker.skipped += 1
            await trio.sleep(0.1)
            assert (load.words, load.is_overloaded) == ("the loop lags by 0 ms, 6 ticks were late", True)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=(clock := trio.testing.MockClock(autojump_threshold=0)))
