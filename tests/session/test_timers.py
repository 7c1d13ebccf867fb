"""setTimeout and setInterval in virtual time."""

import math

import pytest
import trio
import trio.testing
from tests.kit import Play, ScriptedLeg, Setting, in_virtual_time

from voxrun.session.dispatch import QUEUE_LIMIT, Dispatcher
from voxrun.session.timers import LIVE_LIMIT, LONG_CHAIN, Timers

LONG = Setting(idle_seconds=700)


def fired(play: Play, source: str, setting: Setting | None = None) -> list[tuple[str, float]]:
    """What a scenario wrote to its log, and when (seconds since the session began)."""
    ran = play(source, setting)
    assert ran.outcome.error is None
    return [(record["message"], record["t"]) for record in ran.of_kind("log")]


def test_a_timeout_fires_once_after_its_milliseconds(play: Play) -> None:
    assert fired(play, "setTimeout(lambda: Logger.write('now'), 250)") == [("now", 0.25)]


@pytest.mark.parametrize("delay", ["0", "-5", "float('nan')", ""])
def test_a_timeout_of_nothing_fires_at_once(play: Play, delay: str) -> None:
    assert fired(play, f"setTimeout(lambda: Logger.write('now'), {delay})") == [("now", 0.0)]


@pytest.mark.parametrize("wait", ["", "await trio.sleep(0)"])
def test_a_chain_of_timeouts_of_nothing_lets_time_go_on(play: Play, wait: str) -> None:
    ran = play(
        f"""
        import trio
        async def step():
            Logger.write("step")
            {wait}
            setTimeout(step, 0)
        setTimeout(step, 0)
        """,
        Setting(stop_after=0.01),
    )
    assert ran.outcome.error is None
    steps = [*[0.0] * LONG_CHAIN, 0.004, 0.008]
    assert [record["t"] for record in ran.of_kind("log")] == steps


def test_what_sets_no_chain_does_not_wait(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            left = 1005
            def step():
                nonlocal left
                left -= 1
                if left:
                    setTimeout(step, 0)
                else:
                    event.call.answer()
            step()
            event.call.on(CallEvents.Connected)(lambda e: setTimeout(lambda: Logger.write("at once"), 0))
        """,
        Setting(leg=ScriptedLeg(), stop_after=1),
    )
    (connected,) = [record["t"] for record in ran.of_kind("event") if record["name"] == "Call.Connected"]
    assert [record["t"] for record in ran.of_kind("log")] == [connected]


def test_a_timeout_without_end_never_fires(play: Play) -> None:
    assert fired(play, "setTimeout(lambda: Logger.write('now'), float('inf'))") == []


@pytest.mark.parametrize("attempt", range(5))  # trio shuffles what is due at the same time
def test_timeouts_of_the_same_moment_fire_in_the_order_they_were_set(play: Play, attempt: int) -> None:
    source = """
        for number in range(50):
            setTimeout(lambda number=number: Logger.write(number), 100)
        setTimeout(lambda: Logger.write("sooner"), 50)
        """
    assert [text for text, _ in fired(play, source)] == ["sooner", *map(str, range(50))]


def test_timers_may_be_set_while_others_run(play: Play) -> None:
    source = """
        def first():
            setTimeout(lambda: Logger.write("second"), 100)
        setTimeout(lambda: Logger.write("third"), 500)
        setTimeout(first, 300)
        """
    assert fired(play, source) == [("second", 0.4), ("third", 0.5)]


def test_a_cleared_timeout_does_not_fire(play: Play) -> None:
    source = """
        number = setTimeout(lambda: Logger.write("never"), 100)
        clearTimeout(number)
        clearTimeout(number)
        clearTimeout(None)
        clearTimeout(4711)
        setTimeout(lambda: Logger.write("after"), 200)
        """
    assert fired(play, source) == [("after", 0.2)]


def test_a_timeout_cleared_by_one_of_the_same_moment_does_not_fire(play: Play) -> None:
    source = """
        def first():
            Logger.write("first")
            clearTimeout(second)
            clearInterval(third)
        setTimeout(first, 100)
        second = setTimeout(lambda: Logger.write("never"), 100)
        third = setInterval(lambda: Logger.write("never"), 100)
        """
    assert fired(play, source) == [("first", 0.1)]


def test_an_interval_is_at_least_100_ms_and_does_not_drift(play: Play) -> None:
    source = """
        count = 0
        def step():
            global count
            count += 1
            if count in (1, 2, 6_000):
                Logger.write(count)
        setInterval(step, 1)
        """
    assert fired(play, source, LONG) == [("1", 0.1), ("2", 0.2), ("6000", 600.0)]


@pytest.mark.parametrize("clear", ["clearInterval", "clearTimeout"])
def test_an_interval_may_clear_itself(play: Play, clear: str) -> None:
    source = f"""
        def step():
            Logger.write("step")
            {clear}(number)
        number = setInterval(step, 300)
        """
    assert fired(play, source) == [("step", 0.3)]


def test_an_async_callback_runs_as_a_task(play: Play) -> None:
    source = """
        import trio
        async def slow():
            await trio.sleep(0.25)
            Logger.write("slow")
        number = setInterval(slow, 100)
        setTimeout(lambda: clearInterval(number), 310)
        """
    assert fired(play, source) == [("slow", 0.35), ("slow", 0.45), ("slow", 0.55)]


def test_a_hundred_timers_run_and_one_more_is_an_error(play: Play) -> None:
    ran = play("""
        numbers = [setTimeout(lambda: None, 1_000) for _ in range(50)] + [setInterval(print, 5_000) for _ in range(50)]
        clearTimeout(numbers[0])
        setTimeout(lambda: Logger.write("the hundredth"), 10)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: setTimeout(print, 20))
        """)
    assert f"{LIVE_LIMIT} timers are running already: clear some first" in str(ran.outcome.error)
    assert "scenario.py:5" in str(ran.outcome.error)


def test_timers_that_have_fired_make_room(play: Play) -> None:
    source = """
        left = 300
        def next():
            global left
            left -= 1
            if left:
                setTimeout(next, 1)
            else:
                Logger.write("done")
        for _ in range(99):
            setTimeout(lambda: None, 0)
        setTimeout(next, 1)
        """
    assert fired(play, source) == [("done", 0.3)]


def test_timers_whose_turn_is_dropped_make_room_as_well() -> None:
    async def main() -> None:
        dispatcher = Dispatcher(lambda error, doing, callback: pytest.fail(repr(error)))
        timers = Timers(dispatcher)
        for _ in range(QUEUE_LIMIT):
            dispatcher.put("in a test", iter(()))
        for _ in range(LIVE_LIMIT):
            timers.once(lambda: pytest.fail("there was no place for it to wait"), 10)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            await trio.sleep(0.02)
            await dispatcher.run_waiting(nursery)
            nursery.cancel_scope.cancel()
        assert dispatcher.dropped == LIVE_LIMIT
        assert timers.once(print, 10) == LIVE_LIMIT + 1

    in_virtual_time(main)


def test_after_a_stall_an_interval_fires_once_and_keeps_its_beat() -> None:
    times: list[float] = []
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def main() -> None:
        begin = trio.current_time()
        dispatcher = Dispatcher(lambda error, doing, callback: pytest.fail(repr(error)))
        timers = Timers(dispatcher)
        timers.every(lambda: times.append(round(trio.current_time() - begin, 6)), 100)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            nursery.start_soon(dispatcher.run, nursery)
            await trio.sleep(0.25)
            clock.jump(10.01)
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)
    assert times == [0.1, 0.2, 10.26, 10.3, 10.4]


def test_numbers_count_from_one_and_are_not_used_again() -> None:
    async def main() -> None:
        timers = Timers(Dispatcher(lambda error, doing, callback: None))
        first, second = timers.once(print, 1), timers.every(print, math.inf)
        timers.cancel(first)
        assert [first, second, timers.once(print, 1)] == [1, 2, 3]

    trio.run(main)
