"""Handlers: in which order they start, who is heard, and what waits for what."""

import pytest
import trio
from tests.kit import Play, ScriptedLeg, Setting

from voxrun.absent import TWO_OF_ON
from voxrun.session import dispatch
from voxrun.session.dispatch import Dispatcher
from voxrun.session.failure import first_of
from voxrun.session.session import Session

CALL = Setting(leg=ScriptedLeg())


def test_handlers_start_in_the_order_of_registration(play: Play) -> None:
    ran = play("""
        import trio
        async def first(event):
            Logger.write("first begins")
            await trio.lowlevel.checkpoint()
            Logger.write("first goes on")
        def second(event):
            Logger.write("second")
        async def third(event):
            Logger.write("third begins")
            await trio.sleep(0.5)
            Logger.write("third goes on")
        async def fourth(event):
            Logger.write("fourth, with no wait at all")
        for handler in (first, second, third, fourth):
            VoxEngine.addEventListener(AppEvents.Started, handler)
        """)
    assert [line for line in ran.logged if "goes on" not in line] == [
        "first begins",
        "second",
        "third begins",
        "fourth, with no wait at all",
    ]
    assert ran.logged.index("first begins") < ran.logged.index("first goes on") < ran.logged.index("third goes on")


def test_a_slow_handler_holds_up_neither_the_next_event_nor_the_clock(play: Play) -> None:
    ran = play(
        """
        import trio
        @VoxEngine.on(AppEvents.CallAlerting)
        async def slow(event):
            event.call.addEventListener(CallEvents.Connected, lambda e: Logger.write("connected"))
            event.call.answer()
            await trio.sleep(10)
            Logger.write("slow")
            VoxEngine.terminate()
        """,
        CALL,
    )
    assert ran.logged == ["connected", "slow"]
    assert ran.seconds == pytest.approx(10, abs=0.1)


def test_any_kind_of_function_may_be_a_handler(play: Play) -> None:
    ran = play("""
        import functools, trio
        class Bot:
            def method(self, event):
                Logger.write("method")
            async def async_method(self, event):
                Logger.write("async method")
            def __call__(self, event):
                Logger.write("object")
        async def take(text, event):
            await trio.sleep(0)
            Logger.write(text)
        bot = Bot()
        for handler in (bot.method, bot.async_method, bot, functools.partial(take, "partial"),
                        lambda event: take("promise of a lambda", event)):
            VoxEngine.addEventListener(AppEvents.Started, handler)
        """)
    assert sorted(ran.logged) == ["async method", "method", "object", "partial", "promise of a lambda"]


def test_a_handler_added_while_its_event_is_dispatched_waits_for_the_next(play: Play) -> None:
    ran = play("""
        def late(event):
            Logger.write("late")
        @VoxEngine.on(AppEvents.Started)
        def first(event):
            Logger.write("first")
            VoxEngine.addEventListener(AppEvents.Started, late)
        """)
    assert ran.logged == ["first"]


def test_a_handler_added_before_its_event_has_its_turn_is_heard(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            event.call.addEventListener(CallEvents.Connected, lambda e: Logger.write(e.name))
            event.call.addEventListener(CallEvents.Connected, lambda e: VoxEngine.terminate())
        """,
        CALL,
    )
    assert ran.logged == ["Call.Connected"]


def test_a_handler_removed_by_an_earlier_one_is_not_called(play: Play) -> None:
    ran = play("""
        def removed(event):
            Logger.write("removed")
        @VoxEngine.on(AppEvents.Started)
        async def first(event):
            VoxEngine.removeEventListener(AppEvents.Started, removed)
        VoxEngine.addEventListener(AppEvents.Started, removed)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("last"))
        """)
    assert ran.logged == ["last"]


def test_a_handler_that_removes_itself_runs_once_and_spoils_nothing(play: Play) -> None:
    ran = play("""
        import trio
        target = VoxEngine.createURLPlayer("nothing.wav", onPause=True)
        target.addEventListener(PlayerEvents.Error, lambda e: None)
        def once(event):
            Logger.write("once")
            target.removeEventListener(PlayerEvents.PlaybackFinished, once)
        target.addEventListener(PlayerEvents.PlaybackFinished, once)
        target.addEventListener(PlayerEvents.PlaybackFinished, lambda e: Logger.write("after"))
        """)
    assert ran.logged == ["once", "after"]


def test_removing_without_a_function_removes_all(play: Play) -> None:
    ran = play("""
        for text in "abc":
            VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("never"))
        VoxEngine.removeEventListener(AppEvents.Started)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("after"))
        VoxEngine.removeEventListener(AppEvents.Started, print)
        VoxEngine.removeEventListener("no such event")
        """)
    assert ran.logged == ["after"]


def test_a_handler_added_twice_runs_twice(play: Play) -> None:
    ran = play("""
        def handler(event):
            Logger.write(event.name)
        for _ in range(2):
            VoxEngine.addEventListener(AppEvents.Started, handler)
        """)
    assert ran.logged == ["Application.Started"] * 2


def test_the_decorator_gives_the_function_back(play: Play) -> None:
    ran = play("""
        @VoxEngine.on(AppEvents.Terminating)
        @VoxEngine.on(AppEvents.Started)
        def handler(event):
            Logger.write(event.name)
        Logger.write(handler.__name__)
        """)
    assert ran.logged == ["handler", "Application.Started", "Application.Terminating"]


def test_wait_for_gives_the_payload_or_times_out(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        async def wait(event):
            call = event.call
            setTimeout(call.answer, 500)
            connected = await call.waitFor(CallEvents.Connected, timeout=1)
            Logger.write(connected.id)
            try:
                await call.waitFor(CallEvents.Disconnected, timeout=2.5)
            except TimeoutError as error:
                Logger.write(error)
            setTimeout(call.hangup, 500)
            Logger.write((await call.waitFor(CallEvents.Disconnected)).duration)
            VoxEngine.terminate()
        """,
        CALL,
    )
    assert ran.logged == ["call-1", "Call.Disconnected did not fire within 2.5 s", "3"]
    assert ran.outcome.error is None
    assert ran.seconds == pytest.approx(3.5, abs=0.1)


@pytest.mark.parametrize("attempt", range(20))  # trio shuffles who runs first
def test_one_wait_after_the_other_misses_no_event(play: Play, attempt: int) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        async def wait(event):
            event.call.answer()
            await event.call.waitFor(CallEvents.Connected)
            await event.call.waitFor(CallEvents.AudioStarted, timeout=5)
            event.call.hangup()
            await event.call.waitFor(CallEvents.Disconnected, timeout=5)
            VoxEngine.terminate()
        """,
        CALL,
    )
    assert ran.outcome.error is None
    assert ran.seconds < 1


def test_after_an_error_no_other_handler_runs(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.Started)
        def bad(event):
            1 / 0
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("the same event"))
        VoxEngine.addEventListener(AppEvents.CallAlerting, lambda e: Logger.write("the next event"))
        setTimeout(lambda: Logger.write("a timer"), 0)
        """,
        CALL,
    )
    assert ran.logged == []
    assert len(ran.of_kind("error")) == 1


def test_events_without_end_still_leave_others_their_turn(play: Play) -> None:
    async def end_it(session: Session) -> None:
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        session.terminate("enough")

    ran = play(
        """
        made = 0
        def again(event):
            global made
            made += 1
            if made < 500:
                VoxEngine.createURLPlayer("nothing.wav").addEventListener(PlayerEvents.Created, again)
        again(None)
        """,
        Setting(meanwhile=end_it),
    )
    assert ran.outcome.reason == "enough"


def test_what_exceeds_the_queue_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch, play: Play) -> None:
    monkeypatch.setattr(dispatch, "QUEUE_LIMIT", 3)
    ran = play("""
        @VoxEngine.on(AppEvents.Started)
        def many(event):
            for number in range(5):
                setTimeout(lambda number=number: Logger.write(number), 100)
        """)
    assert ran.logged == ["0", "1", "2"]
    assert ran.of_kind("end")[0]["dropped_events"] == 2


def test_nobody_waits_for_what_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "QUEUE_LIMIT", 1)
    dispatcher = Dispatcher(lambda error, doing, callback: None)
    queued, too_many = (dispatcher.put("", iter([print])) for _ in range(2))
    assert (queued.settled.is_set(), too_many.settled.is_set()) == (False, True)
    dispatcher.stop()
    assert queued.settled.is_set()
    assert dispatcher.put("", iter([print])).settled.is_set()


def test_calls_run_in_turn_and_their_errors_name_what_was_done() -> None:
    errors: list[tuple[str, str, object]] = []
    done: list[object] = []

    async def fail_in_a_nursery() -> None:
        async with trio.open_nursery():
            raise ValueError

    async def main() -> None:
        dispatcher = Dispatcher(lambda error, doing, callback: errors.append((repr(error), doing, callback)))
        dispatcher.put("adding", iter([done.append, done.append]), 1)
        dispatcher.put("failing", iter([len]), 5)
        dispatcher.put("failing together", iter([fail_in_a_nursery]))
        dispatcher.put("going on", iter([done.append]), 2)
        async with trio.open_nursery() as nursery:
            await dispatcher.run_waiting(nursery)
        dispatcher.stop()
        dispatcher.put("too late", iter([done.append]), 3)
        async with trio.open_nursery() as nursery:
            await dispatcher.run_waiting(nursery)

    trio.run(main)
    assert done == [1, 1, 2]
    assert errors == [
        ("TypeError(\"object of type 'int' has no len()\")", "failing", len),
        ("ExceptionGroup('Exceptions from Trio nursery', [ValueError()])", "failing together", fail_in_a_nursery),
    ]


def test_a_keyboard_interrupt_in_a_handler_is_no_mistake_of_the_scenarios() -> None:
    blamed: list[BaseException] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    async def interrupted_later() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise KeyboardInterrupt

    async def main(handler: object) -> None:
        dispatcher = Dispatcher(lambda error, doing, callback: blamed.append(error))
        dispatcher.put("", iter([handler]))  # type: ignore[list-item]
        async with trio.open_nursery() as nursery:
            await dispatcher.run_waiting(nursery)

    for handler in (interrupted, interrupted_later):
        with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as caught:
            trio.run(main, handler)
        assert isinstance(first_of(caught.value), KeyboardInterrupt)
    assert blamed == []


def test_what_asyncio_gives_cannot_be_waited_for_and_the_scenario_is_told_why(play: Play) -> None:
    ran = play("""
        import asyncio

        @VoxEngine.on(AppEvents.Started)
        async def wait(event):
            loop = asyncio.new_event_loop()
            loop.close()
            await loop.create_future()
        """)
    assert (
        "without some kind of compatibility shim; scenarios run on trio, not on asyncio: `import trio`, then "
        "`await trio.sleep(seconds)` for example\n    await loop.create_future()"
    ) in str(ran.outcome.error)


@pytest.mark.parametrize("target", ["VoxEngine", "VoxEngine.createRecorder()"])
def test_on_with_a_function_as_in_javascript_is_told_of_both_ways(play: Play, target: str) -> None:
    error = str(play(f"{target}.on(AppEvents.Started, print)").outcome.error)
    assert "on() takes" in error
    assert f"; {TWO_OF_ON}\n    {target}.on(AppEvents.Started, print)" in error


def test_a_scenarios_own_on_is_its_own(play: Play) -> None:
    error = str(play("class Light:\n    def on(self): pass\nLight().on(5)").outcome.error)
    assert "Light.on() takes 1 positional argument but 2 were given\n" in error
