"""Somebody steers a simulated session from outside, and gets replies."""

from pathlib import Path
from typing import Any

import pytest

from voxrun.testing import Caller, after, at, event, hangUp, previous, request, simulate

STEERED = """
import trio
from voxrun import *

@VoxEngine.on(AppEvents.Started)
def begin(event):
    Logger.write(event.accessURL)
    Logger.write(VoxEngine.customData())

@VoxEngine.on(AppEvents.HttpRequest)
async def hear(event):
    Logger.write(f"{event.method} {event.content} {[(header.key, header.value) for header in event.headers]}")
    Logger.write(event.path)
    match event.content:
        case "wait":
            await trio.sleep(60)
        case "fail":
            1 / 0
        case "end":
            VoxEngine.terminate()
        case text if text:
            return {"heard": text}
"""


@pytest.fixture
def steered(tmp_path: Path) -> Path:
    path = tmp_path / "steered.py"
    path.write_text(STEERED)
    return path


def test_what_a_handler_returns_is_the_reply(steered: Path) -> None:
    control = [at(2.0, request("stop", method="PUT", headers={"X-A": "b"})), after(previous, 1.0, request({"a": "é"}))]
    call = simulate(steered, caller=None, control=control).expectOk()
    url, begun, first, path, second, _ = call.log
    assert (begun, first, second) == ("", "PUT stop [('x-a', 'b')]", 'POST {"a": "é"} []')
    assert url == f"http://control.simulated{path}"
    assert [(it.time, it.status, it.content) for it in call.replies] == [
        (2.0, 200, '{"heard":"stop"}'),
        (3.0, 200, '{"heard":"{\\"a\\": \\"é\\"}"}'),
    ]
    assert "control   PUT stop" in call.explain()


@pytest.mark.parametrize(("content", "status", "time"), [("", 204, 1.0), ("wait", 202, 5.0), ("end", 204, 1.0)])
def test_a_request_that_gets_no_answer(steered: Path, content: str, status: int, time: float) -> None:
    (reply,) = simulate(steered, caller=None, control=[at(1.0, request(content))]).expectOk().replies
    assert (reply.status, reply.content) == (status, "")
    assert reply.time == pytest.approx(time)


def test_a_handler_that_fails_fails_the_session(steered: Path) -> None:
    call = simulate(steered, control=[at(1.0, request("fail")), at(2.0, request("late"))])
    assert "division by zero" in str(call.outcome.error)
    assert [reply.status for reply in call.replies] == [500]


def test_a_request_at_the_very_beginning_or_after_a_cue_finds_the_scenario_there(steered: Path) -> None:
    control = [at(0.0, request("now")), after(event("Application.HttpRequest", 1), 0.5, request("then"))]
    call = simulate(steered, caller=None, control=control).expectOk()
    assert [(reply.time, reply.content) for reply in call.replies] == [
        (0.0, '{"heard":"now"}'),
        (0.5, '{"heard":"then"}'),
    ]


def test_a_request_whose_time_after_a_cue_does_not_come_any_more_is_no_mistake(steered: Path) -> None:
    control = [after(event("Application.Started"), 9.0, request("too late")), at(1.0, request("end"))]
    call = simulate(steered, caller=None, control=control).expectOk()
    assert len(call.replies) == 1


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ({"caller": None, "customData": "Ada"}, "Ada"),
        ({"caller": Caller([at(1.0, hangUp())], customData="Grace")}, "Grace"),
        ({"caller": Caller([at(1.0, hangUp())], customData="Grace"), "customData": "Ada"}, "Ada"),
    ],
)
def test_what_the_session_begins_with(steered: Path, parameters: dict[str, Any], given: str) -> None:
    assert simulate(steered, **parameters).log[1] == given
