"""Requests that are still on their way when their session ends."""

import json

import pytest
import trio
from tests.kit import Background, Play, ScriptedLeg, Setting

from voxrun.session.session import ENDING_SECONDS, IDLE_SECONDS, Session
from voxrun.transports.network import MemoryNetwork

ASKS_A_SILENT_SERVER = """
    Net.httpRequest("http://crm.example:81/customers?key=SECRET", Logger.write)

    @VoxEngine.on(AppEvents.Terminating)
    async def end(event):
        Logger.write("terminating")
        await Net.httpRequestAsync("http://crm.example:81/over")
"""
GIVEN_UP = "the HTTP request to crm.example:81 was not through after 5 s: the session ends without it"


async def silent(network: MemoryNetwork, nursery: trio.Nursery) -> None:
    """A server that never answers."""

    async def attend(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            pass

    await nursery.start(network.serve, "crm.example", 81, attend)


@pytest.mark.parametrize("is_ending", [False, True])
def test_whoever_interrupts_a_session_does_not_wait_for_its_requests_for_long(play: Play, is_ending: bool) -> None:
    async def interrupt(session: Session) -> None:
        await trio.sleep(0.5)
        if is_ending:
            session.terminate()
            await trio.sleep(20)
        session.interrupt("interrupted")

    ran = play(ASKS_A_SILENT_SERVER, Setting(background=silent, meanwhile=interrupt))
    assert ran.logged == ["terminating"]
    assert ran.outcome.reason == ("terminated by the scenario" if is_ending else "interrupted")
    assert [it["message"] for it in ran.of_kind("warning") if "Terminating" not in it["message"]][1:] == [GIVEN_UP] * 2
    assert ran.seconds == pytest.approx(20 * is_ending + 0.5 + 2 * ENDING_SECONDS, abs=0.1)


async def interrupt_soon(session: Session) -> None:
    await trio.sleep(0.5)
    session.interrupt("interrupted")


INTERRUPTED = Setting(background=silent, meanwhile=interrupt_soon)


def test_a_request_that_is_given_up_is_in_the_trace_as_any_that_failed(play: Play) -> None:
    ran = play(ASKS_A_SILENT_SERVER, INTERRUPTED)
    told = [(it["url"], it["code"], it["seconds"], it["error"]) for it in ran.of_kind("http")]
    assert told == [
        ("http://crm.example:81/customers", -7, pytest.approx(5.5), "given up, as the session ends"),
        ("http://crm.example:81/over", -7, pytest.approx(5.0), "given up, as the session ends"),
    ]


def test_what_is_kept_out_of_the_trace_is_in_no_warning_either(play: Play) -> None:
    scenario = ASKS_A_SILENT_SERVER.replace("Logger.write)", "Logger.write, enableSystemLog=False)")
    ran = play(scenario.replace('over"', 'over", enableSystemLog=False'), INTERRUPTED)
    nameless = "an HTTP request was not through after 5 s: the session ends without it"
    assert [it["message"] for it in ran.of_kind("warning")].count(nameless) == 2
    assert "crm.example" not in json.dumps(ran.records)


def test_a_session_that_nobody_interrupts_waits_for_its_requests(play: Play) -> None:
    ran = play(ASKS_A_SILENT_SERVER, Setting(background=silent, stop_after=0.5))
    assert ran.seconds > 90


REPORTS_TWICE = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        event.call.addEventListener(CallEvents.Disconnected, report)
        event.call.reject(486)

    async def report(event):
        Logger.write((await Net.httpRequestAsync("http://crm.example:81/token")).code)
        Logger.write((await Net.httpRequestAsync("http://crm.example:81/report", method="POST")).code)
"""


def slow(seconds: float) -> Background:
    """A server that takes its time."""

    async def listen(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        async def attend(stream: trio.abc.Stream) -> None:
            await stream.receive_some()
            await trio.sleep(seconds)
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        await nursery.start(network.serve, "crm.example", 81, attend)

    return listen


def test_after_a_call_whoever_waits_for_a_request_goes_on_with_what_came_of_it(play: Play) -> None:
    ran = play(REPORTS_TWICE, Setting(leg=ScriptedLeg(), background=slow(3.0)))
    assert ran.logged == ["200", "200"]
    assert ran.outcome.reason == "no call for 1 s"
    assert ran.seconds == pytest.approx(2 * 3.0 + 1.0, abs=0.1)


def test_but_no_session_lasts_longer_after_its_call_than_voxengine_has_it(play: Play) -> None:
    scenario = """
        @VoxEngine.on(AppEvents.Started)
        async def poll(event):
            while True:
                await Net.httpRequestAsync("http://crm.example:81/news")
    """
    ran = play(scenario, Setting(background=slow(7.0)))
    assert ran.outcome.reason == "no call for 1 s"
    assert ran.seconds == pytest.approx(9 * 7.0, abs=0.1)  # the one that is under way after 60 s is the ninth
    assert IDLE_SECONDS == 60
