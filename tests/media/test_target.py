"""The registry of handlers."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time

from voxrun.errors import ScenarioError
from voxrun.events.call import CallEvent, CallEvents
from voxrun.events.name import EventName
from voxrun.media.target import MOST_EVENTS, EventTarget
from voxrun.session.session import Session

STARTED = CallEvents.AudioStarted


class Phone(EventTarget):
    """A target that sends the events of a call."""

    namespaces = (CallEvents,)


@pytest.fixture
def host(new_host: Callable[..., Session]) -> Session:
    async def make() -> Session:
        return new_host()

    return trio.run(make)


@pytest.fixture
def phone(host: Session) -> Phone:
    return Phone(host, "phone-1")


def fire(phone: Phone, payload: object) -> None:
    for callback in phone.listeners_of(STARTED):
        callback(payload)


def warnings(host: Session) -> list[str]:
    records = [json.loads(line) for line in host.trace_log.lines()]
    return [record["message"] for record in records if record["kind"] == "warning"]


def test_handlers_are_kept_in_the_order_they_were_added(phone: Phone) -> None:
    log: list[str] = []

    def writing(name: str) -> Callable[[CallEvent], object]:
        return lambda event: log.append(name)

    for name in "abca":
        phone.addEventListener(STARTED, writing(name))
    fire(phone, object())
    assert log == ["a", "b", "c", "a"]
    assert phone.listeners_of(CallEvents.Connected) == ()


def test_one_handler_or_all_of_an_event_can_be_removed(phone: Phone) -> None:
    def one(event: CallEvent) -> None: ...
    def two(event: CallEvent) -> None: ...
    def three(event: CallEvent) -> None: ...

    for handler in (one, two, three):
        phone.addEventListener(STARTED, handler)
    phone.removeEventListener(STARTED, two)
    phone.removeEventListener(STARTED, two)
    phone.removeEventListener(CallEvents.Connected)
    assert phone.listeners_of(STARTED) == (one, three)
    phone.removeEventListener(STARTED)
    assert phone.listeners_of(STARTED) == ()


def test_a_handler_removed_while_an_event_is_delivered_does_not_shift_the_others(phone: Phone) -> None:
    log: list[str] = []

    def leave(event: CallEvent) -> None:
        log.append("leave")
        phone.removeEventListener(STARTED, leave)

    phone.addEventListener(STARTED, leave)
    phone.addEventListener(STARTED, lambda event: log.append("stay"))
    fire(phone, object())
    fire(phone, object())
    assert log == ["leave", "stay", "stay"]


def test_on_is_a_decorator_that_leaves_the_function_alone(phone: Phone) -> None:
    def handler(event: CallEvent) -> None: ...

    assert phone.on(STARTED)(handler) is handler
    assert phone.listeners_of(STARTED) == (handler,)


def test_a_known_event_as_a_plain_string_is_the_same_event(phone: Phone, host: Session) -> None:
    def handler(event: CallEvent) -> None: ...

    phone.addEventListener(EventName("Call.AudioStarted"), handler)
    assert phone.listeners_of(STARTED) == (handler,)
    assert warnings(host) == []


@pytest.mark.parametrize(
    ("event", "warning"),
    [
        ("Call.Conected", "no event named 'Call.Conected' ever fires here; did you mean 'Call.Connected'?"),
        ("zzz", "no event named 'zzz' ever fires here"),
        (None, "no event named None ever fires here"),
    ],
)
def test_an_unknown_event_warns_and_does_no_harm(phone: Phone, host: Session, event: str | None, warning: str) -> None:
    async def main() -> None:
        phone.addEventListener(event, lambda event: None)  # type: ignore[arg-type]

    trio.run(main)
    assert warnings(host) == [warning]


def test_wait_for_gives_the_next_payload_and_leaves_no_handler(phone: Phone) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                event = await phone.waitFor(STARTED, timeout=5)
                assert event is first

            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            first = CallEvent(name=STARTED, call=None, id="")  # type: ignore[arg-type]
            fire(phone, first)
            fire(phone, object())
        assert phone.listeners_of(STARTED) == ()

    trio.run(main)


@pytest.mark.parametrize("timeout", ["5", -1, float("nan")])
def test_wait_for_takes_seconds(phone: Phone, timeout: Any) -> None:
    async def main() -> None:
        with pytest.raises(ScenarioError, match=f"waitFor needs its timeout as a number of seconds, .* {timeout!r}"):
            await phone.waitFor(STARTED, timeout=timeout)

    trio.run(main)


def test_wait_for_takes_any_real_number(phone: Phone) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await phone.waitFor(STARTED, timeout=np.int64(2))  # type: ignore[arg-type]

    in_virtual_time(main)


def test_wait_for_gives_up_after_its_timeout(phone: Phone) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError, match=r"Call.AudioStarted did not fire within 2.5 s"):
            await phone.waitFor(STARTED, timeout=2.5)
        assert trio.current_time() == pytest.approx(2.5)
        assert phone.listeners_of(STARTED) == ()

    in_virtual_time(main)


def test_who_waits_is_not_removed_with_the_handlers(phone: Phone) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(phone.waitFor, STARTED, 5)
            await trio.testing.wait_all_tasks_blocked()
            phone.addEventListener(STARTED, print)
            phone.removeEventListener(STARTED)
            assert print not in phone.listeners_of(STARTED)
            fire(phone, object())
        assert phone.listeners_of(STARTED) == ()

    in_virtual_time(main)


def test_a_cancelled_wait_leaves_no_handler(phone: Phone) -> None:
    async def main() -> None:
        with trio.move_on_after(1):
            await phone.waitFor(STARTED)
        assert phone.listeners_of(STARTED) == ()

    in_virtual_time(main)


def test_handlers_can_be_of_so_many_events_only(new_host: Callable[..., Session]) -> None:
    async def main() -> None:
        phone = Phone(new_host(), "phone-1")
        for number in range(MOST_EVENTS):
            phone.addEventListener(EventName[CallEvent](f"n{number}"), print)
        phone.addEventListener(EventName[CallEvent]("n0"), print)
        with pytest.raises(ScenarioError, match="phone-1 has handlers of 100 events already"):
            phone.addEventListener(STARTED, print)

    in_virtual_time(main)
