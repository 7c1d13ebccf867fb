"""Tests that would hold whatever the scenario did: they ask for what can't be, and are told so."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.testing.scenarios import BRIDGE, ECHO, write
from tests.testing.test_mistakes import given

from voxrun.errors import ConfigurationError
from voxrun.testing import (
    Agent,
    Caller,
    Track,
    WebSocketPeer,
    after,
    agentStops,
    at,
    callTool,
    close,
    cut,
    event,
    hangUp,
    impair,
    interrupt,
    interruptionToSilence,
    press,
    previous,
    reply,
    say,
    simulate,
    speech,
    tone,
    turn,
    vanish,
)
from voxrun.testing.track import NothingToJudgeError

KEY, TURN = press("1"), turn("Late.", 0.5)
RTP = 'VoxEngine.createRtpUnit(local="127.0.0.1:4000", remote="127.0.0.1:4002").sendMediaTo(call)'
ENDS = "setTimeout(call.hangup, 2000)"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"caller": [at(1.0, hangUp()), at(2.0, KEY)]}, "the caller hangs up"),
        ({"caller": [at(2.0, KEY), at(1.0, hangUp())]}, "the caller hangs up"),
        ({"caller": [at(1.0, hangUp()), at(1.0, KEY)]}, "the caller hangs up"),
        ({"caller": [at(1.0, hangUp()), after(agentStops, 1.0, KEY)]}, "the caller hangs up"),
        ({"caller": [after(agentStops, 1.0, hangUp()), after(previous, 1.0, KEY)]}, "the caller hangs up"),
        ({"caller": Caller([at(1.0, hangUp()), at(2.0, KEY)], rtp="PCMU")}, "the caller hangs up"),
        ({"rtp": {"127.0.0.1:4002": [at(1.0, hangUp()), at(2.0, KEY)]}}, "they hang up"),
        ({"agent": Agent(script=[at(1.0, close()), at(2.0, TURN)])}, "the agent ends the connection"),
        (
            {"agent": Agent(script=[after(previous, 1.0, vanish()), after(previous, 1.0, TURN)])},
            "the agent ends the connection",
        ),
        ({"agent": Agent(answers=[[close(), TURN]])}, "the agent ends the connection"),
    ],
)
def test_nothing_is_done_after_one_s_own_end(tmp_path: Path, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{told} before, so this") as found:
        simulate(write(tmp_path, BRIDGE), **parameters)
    assert str(found.value).endswith(f"so this can never be done: {TURN!r}" if "agent" in parameters else repr(KEY))


NOT_DONE = "{}= has {!r}, which was not done: {}"
LEFT = "they had hung up before"
OVER = "the session was over at 2.000 s, after the caller had hung up"


@pytest.mark.parametrize(
    "steps",
    [
        [at(1.0, say(tone(2.0))), after(agentStops, 1.0, KEY), at(2.0, hangUp())],
        [after(event("Call.Connected"), 5.0, KEY), at(2.0, hangUp())],
        [at(1.0, press("2")), after(previous, 5.0, KEY), at(2.0, hangUp())],
        [after(event("Call.Connected"), 1.0, hangUp()), at(2.0, KEY), at(3.0, say(tone(1.0)))],
    ],
)
def test_what_the_caller_was_still_to_do_when_they_hung_up_is_not_ok(tmp_path: Path, steps: list[Any]) -> None:
    with pytest.raises(AssertionError) as found:
        simulate(write(tmp_path, ECHO), caller=steps).expectOk()
    assert str(found.value) == NOT_DONE.format("caller", KEY, LEFT)


def test_nor_is_what_they_were_to_do_in_a_call_that_they_gave_up(tmp_path: Path) -> None:
    path = write(tmp_path, "from voxrun import *\n")
    with pytest.raises(AssertionError, match=re.escape(NOT_DONE.format("caller", KEY, LEFT))):
        simulate(path, caller=[at(0.5, KEY), at(1.0, hangUp())]).expectOk()


def test_a_peer_of_rtp_leaves_too(tmp_path: Path) -> None:
    peer = [after(event("Call.Connected"), 1.0, hangUp()), at(1.5, KEY)]
    call = simulate(write(tmp_path, ECHO, RTP), caller=[at(2.0, hangUp())], rtp={"127.0.0.1:4002": peer})
    assert [str(it) for it in call.awaited] == [NOT_DONE.format("rtp", KEY, LEFT)]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"faults": [at(3.0, cut())]}, NOT_DONE.format("faults", cut(), OVER)),
        ({"faults": [at(0.0, cut())]}, NOT_DONE.format("faults", cut(), "there was no connection to break")),
        (
            {"faults": [at(0.5, impair(loss=1.0))]},
            NOT_DONE.format("faults", impair(loss=1.0), "no packets of RTP were sent: a caller with rtp= does"),
        ),
        (
            {"agent": Agent(script=[at(1.0, interrupt())])},
            "the agent was to be interrupted at 1.000 s, but said nothing",
        ),
        ({"agent": Agent(transcripts=["Hi."])}, "transcripts= has 'Hi.', but the agent heard the end of no such turn"),
        ({"agent": [Agent(), Agent(refuse=401)]}, "agent 2 was to refuse, but nobody asked for it"),
        (
            {"agent": Agent(script=[after(event("Call.Connected"), 1.0, close()), at(1.5, TURN)])},
            NOT_DONE.format("agent", TURN, "the agent had ended the connection before"),
        ),
    ],
)
def test_what_met_nobody_is_not_ok(tmp_path: Path, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError) as found:
        simulate(write(tmp_path, BRIDGE), caller=[at(2.0, hangUp())], **parameters).expectOk()
    assert str(found.value) == told


def test_who_was_interrupted_on_one_connection_need_not_be_on_each() -> None:
    agent = Agent(answers=[turn("A long answer.", 4.0)], script=[at(4.0, interrupt())])
    reconnect = Path(__file__).parents[2] / "scenarios" / "reconnect.py"
    caller = [at(1.0, say(speech(1.0))), at(8.0, hangUp())]
    call = simulate(reconnect, caller=caller, agent=agent, faults=[at(5.0, cut())])
    assert [connection.unmet for connection in call.agents] == [[], []]


def test_a_tool_is_answered_once(tmp_path: Path) -> None:
    body = """
    def answer_twice(e):
        for result in "ab":
            agent.clientToolResult(
                tool_call_id=e.data.client_tool_call.tool_call_id, result=result, is_error=False)
    agent.addEventListener(AgentsEvents.ClientToolCall, answer_twice)
    """
    agent = Agent(script=[at(1.0, callTool("hours", expect="a"))])
    with pytest.raises(AssertionError, match="answered the tool 'hours' more than once: first 'a', then 'b'"):
        simulate(write(tmp_path, BRIDGE, body), caller=[at(2.0, hangUp())], agent=agent).expectOk()


async def listen(peer: WebSocketPeer) -> None:
    async for _ in peer:
        pass


ASKS = 'await Net.httpRequestAsync("https://crm.example/customers")'
MEETS = 'VoxEngine.createWebSocket("wss://ai.example/media").addEventListener(WebSocketEvents.ERROR, lambda e: None)'


@pytest.mark.parametrize(
    ("body", "web", "told"),
    [
        ("", {"wss://ai.example/media": listen}, "web= has somebody at wss://ai.example/media, but no WebSocket came"),
        (MEETS, {"wss://ai.example/medium": listen}, "at wss://ai.example/medium, but no WebSocket came"),
        (
            ASKS,
            {"https://crm.example/costumers": 200},
            "that nobody asked for; asked for was /customers, which has none",
        ),
        (
            f'await Net.httpRequestAsync("https://crm.example/bookings"); {ASKS[:-2]}/3")',
            {"https://crm.example/customers": 200},
            "that nobody asked for; asked for was /customers/3, which has none",
        ),
    ],
)
def test_who_waits_for_the_scenario_in_vain_is_told(tmp_path: Path, body: str, web: Any, told: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(told)):
        simulate(write(tmp_path, BRIDGE, body), caller=[at(2.0, hangUp())], web=web).expectOk()


@pytest.mark.parametrize(
    ("body", "parameters"),
    [
        (ENDS, {"caller": [at(3.0, KEY)], "faults": [at(3.0, cut())], "agent": Agent(script=[at(3.0, TURN)])}),
        ("", {"caller": [at(2.0, hangUp()), at(3.0, hangUp())], "agent": Agent(script=[at(3.0, TURN)])}),
        (RTP, {"rtp": {"127.0.0.1:4002": []}, "faults": [at(0.1, impair(loss=0.1))]}),
        ("", {"faults": [at(0.1, impair())]}),
        (ASKS, {"web": {"https://crm.example": reply(404), "https://crm.example/costumers": 200}}),
        (ASKS, {"web": {"https://crm.example/customers": 200, "https://crm.example/others": 200}}),
        ("", {"web": {"https://crm.example/customers": 200}}),
        (ASKS, {"web": {"https://crm.example/bookings": 200}}),
        (
            f'{ASKS[:-2]}/3")',
            {
                "web": {
                    "https://crm.example/customers/1": 200,
                    "https://crm.example/customers/1/orders": 200,
                    "https://crm.example/customers/ada": 200,
                }
            },
        ),
    ],
)
def test_what_may_stay_unused_does(tmp_path: Path, body: str, parameters: dict[str, Any]) -> None:
    simulate(write(tmp_path, BRIDGE, body), **{"caller": [at(2.0, hangUp())], **parameters}).expectOk()


HEARD = Track(np.concatenate([np.zeros(16_000, np.int16), np.full(16_000, 1000, np.int16)]), 16_000, 1.0)
NONE = Track(np.zeros(0, np.int16), 16_000)
ELSEWHERE = "the audio is from 1.000 to 3.000 s: nothing to judge"


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: HEARD.level(100, 101), f"{ELSEWHERE} from 100.000 s to 101.000 s"),
        (lambda: HEARD.level(3.0), f"{ELSEWHERE} from 3.000 s on"),
        (lambda: HEARD.level(0.0, 0.5), f"{ELSEWHERE} from 0.000 s to 0.500 s"),
        (lambda: HEARD.level(2.0, 1.0), "no time is from 2.000 to 1.000 s: nothing to judge"),
        (lambda: HEARD.level(2.0, 2.0), "no time is from 2.000 to 2.000 s: nothing to judge"),
        (lambda: NONE.level(0.0), "there was no audio at all: nothing to judge"),
        (lambda: HEARD.slice(100).audible(), f"{ELSEWHERE} from 100.000 s on"),
        (lambda: HEARD.firstSoundAfter(100), f"{ELSEWHERE} from 100.000 s on"),
        (lambda: interruptionToSilence([100.0], HEARD), f"{ELSEWHERE} from 100.000 s on"),
        (lambda: interruptionToSilence([], HEARD), "there was no interruption: nothing to judge"),
    ],
)
def test_where_there_is_no_audio_nothing_is_judged(ask: Callable[[], object], told: str) -> None:
    with pytest.raises(NothingToJudgeError) as found:
        ask()
    assert isinstance(found.value, AssertionError)
    assert str(found.value) == told


def test_so_it_is_with_silence() -> None:
    assert repr(NONE.silentFrom(0.0)) == "there was no audio at all: nothing to judge"
    assert not HEARD.silentBetween(1.5, 1.5)
    assert HEARD.silentFrom(3.0)  # somebody fell silent with the last sample
    assert NONE.firstSoundAfter(0.0) == math.inf


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: HEARD.silentFrom(1.0, threshold=60), "threshold= takes a level in dBFS, below 0, but was given 60"),
        (lambda: HEARD.audible(threshold=0.0), "threshold= takes a level in dBFS, below 0, but was given 0.0"),
        (lambda: HEARD.matchesGolden("a.wav", tolerance=70), "tolerance= takes a level in dBFS, below 0"),
        (lambda: HEARD.contains(HEARD, likeness=0), "likeness= takes a likeness, above 0 and up to 1, but was given 0"),
        (lambda: HEARD.spansOf(speech(1.0), likeness=90), "likeness= takes a likeness, above 0 and up to 1"),
        (
            lambda: HEARD.spansOf(HEARD, given("1")),
            "likeness= takes a likeness, above 0 and up to 1, but was given '1'",
        ),
    ],
)
def test_a_measure_that_everything_meets_is_none(ask: Callable[[], object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(told)}"):
        ask()
