"""What a test gives the kit and the kit can't take: one clear message, which comes from the test's own line."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from tests.testing.scenarios import BRIDGE, write

from voxrun.errors import ConfigurationError
from voxrun.testing import (
    Agent,
    Caller,
    RtpPeer,
    SpeechService,
    after,
    at,
    callerTurn,
    callTool,
    close,
    cut,
    error,
    event,
    hangUp,
    impair,
    interrupt,
    press,
    refuse,
    reply,
    request,
    say,
    send,
    sentence,
    simulate,
    slowDisk,
    speech,
    stall,
    tone,
    toolResult,
    turn,
)

ASK = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    VoxEngine.createWebSocket("wss://ai.example/media")
    await Net.httpRequestAsync("https://crm.example/a")
"""

URL, SOCKET = "https://crm.example/a", "wss://ai.example/media"


def given(it: object) -> Any:
    """It, to who has no types."""
    return it


async def talk(peer: object) -> None:
    """Too short a talk."""


MADE: list[tuple[Callable[[], object], str]] = [
    (lambda: at(given(float("nan")), hangUp()), "is a number of seconds, not nan"),
    (lambda: at(-1.0, hangUp()), "nothing is done before it can be: -1.0 s are less than none"),
    (lambda: event("Call.Connected", 0), "number= takes which time it is, from 1 on, but was given 0"),
    (lambda: callerTurn(given("1")), "number= takes which time it is, from 1 on, but was given '1'"),
    (lambda: event(given(5)), "no event is named '5'"),
    (lambda: event(given(["Call.Connected"])), "no event is named \"['Call.Connected']\""),
    (lambda: toolResult(given(5)), "name= takes a text, but was given 5"),
    (lambda: press(given(5)), "keys to press are of 0123456789*#ABCD, not 5"),
    (lambda: say(given(5)), "what is said is a file, tone(…), speech(…) or sentence(…), not 5"),
    (lambda: tone(given("1")), "seconds= takes a number of seconds, 0 to 1800, but was given '1'"),
    (lambda: tone(1.0, level=30.0), "level= takes a level in dBFS, 0 or less, but was given 30.0"),
    (lambda: tone(math.inf), "seconds= takes a number of seconds, 0 to 1800, but was given inf"),
    (lambda: speech(1.0, seed=-1), "seed= takes a whole number, 0 or more, but was given -1"),
    (lambda: turn("hello", math.inf), "seconds= takes a number of seconds, 0 to 1800, but was given inf"),
    (lambda: SpeechService(secondsPerCharacter=math.inf), "secondsPerCharacter= takes a number of seconds, 0 to 1800"),
    (lambda: speech(2000), "seconds= takes a number of seconds, 0 to 1800, but was given 2000"),
    (lambda: tone(1e300), "seconds= takes a number of seconds, 0 to 1800, but was given 1e+300"),
    (lambda: speech(-1.0), "seconds= takes a number of seconds, 0 to 1800, but was given -1.0"),
    (lambda: sentence(given(5)), "text= takes a text, but was given 5"),
    (lambda: turn(given(5)), "text= takes a text, but was given 5"),
    (lambda: turn("hello", -1.0), "seconds= takes a number of seconds, 0 to 1800, but was given -1.0"),
    (lambda: turn("hello", given([1])), "what is said is a file, tone(…), speech(…) or sentence(…), not [1]"),
    (lambda: turn("hello", pace=0), "pace= takes a number above 0, or None, but was given 0"),
    (lambda: callTool("hours", given(["a"])), "parameters= takes an object for JSON, but was given ['a']"),
    (lambda: callTool("hours", expect=given(5)), "expect= takes a text, or None, but was given 5"),
    (lambda: send(given(b"x")), "message= takes a text, an object for JSON or a message of the protocol"),
    (lambda: send({"a": {1}}), "message= takes a text, an object for JSON or a message of the protocol"),
    (lambda: close(1006), "code= takes a WebSocket closing code: 1000, 1008 or 3000 to 4999, but was given 1006"),
    (lambda: error(500, "no"), "code= takes a WebSocket closing code: 1000, 1008 or 3000 to 4999, but was given 500"),
    (lambda: request(given(5)), "content= takes a text, or an object for JSON, but was given 5"),
    (lambda: request({"a": {1}}), "content= takes a text, or an object for JSON, but was given {'a': {1}}"),
    (lambda: request("x", headers=given(["a"])), "headers= takes texts by name"),
    (lambda: request("x", method=given(5)), "method= takes a text, but was given 5"),
    (lambda: reply(7, "x"), "status= takes a status (200 to 599), but was given 7"),
    (lambda: reply(200, given({1})), "content= takes a text, bytes or something for JSON, but was given {1}"),
    (lambda: reply(200, headers=given(["a"])), 'headers= takes texts by name, such as {"a": "b"}'),
    (lambda: reply(200, headers={"A": "b\nC: d"}), "the HTTP header 'a' holds a line break or another character"),
    (lambda: stall(-1), "seconds= takes a number of seconds, 0 or more, but was given -1"),
    (lambda: refuse(given("x")), "seconds= takes a number of seconds, 0 or more, but was given 'x'"),
    (lambda: slowDisk(given("x")), "seconds= takes a number of seconds, 0 or more, but was given 'x'"),
    (lambda: impair(loss=10), "loss= takes a share, from 0 to 1, but was given 10"),
    (lambda: Caller(rate=44100), "rate= takes a rate in Hz of (8000, 16000, 24000, 48000), but was given 44100"),
    (
        lambda: Caller(rate=given(8000.0)),
        "rate= takes a rate in Hz of (8000, 16000, 24000, 48000), but was given 8000.0",
    ),
    (lambda: Caller(rtp=given(8)), "rtp= takes a text, or None, but was given 8"),
    (lambda: Caller(callerid=given(100)), "callerid= takes a text, but was given 100"),
    (lambda: Caller(headers=given([("a", "b")])), "headers= takes texts by name"),
    (lambda: Agent(transcripts="hello"), "transcripts= takes a list of texts, but was given 'hello'"),
    (lambda: Agent(inputFormat="pcm_9000"), "inputFormat= takes one of pcm_8000, pcm_16000"),
    (lambda: Agent(refuse=7), "refuse= takes a status of HTTP, or 0 for none, but was given 7"),
    (lambda: Agent(bargeIn=given("no")), "bargeIn= takes True or False, but was given 'no'"),
    (lambda: Agent(pingSeconds=0), "pingSeconds= takes a number above 0, but was given 0"),
    (lambda: Agent(chunkMs=0), "chunkMs= takes a number of ms above 0, but was given 0"),
    (lambda: Agent(chunkMs=given(math.inf)), "chunkMs= takes a number of ms above 0, but was given inf"),
    (lambda: Agent(latency=-1), "latency= takes a number of seconds, 0 or more, but was given -1"),
    (lambda: SpeechService(refuse=7), "refuse= takes a status of HTTP, or 0 for none, but was given 7"),
    (lambda: SpeechService(secondsPerCharacter=-1), "secondsPerCharacter= takes a number of seconds, 0 to 1800"),
]


@pytest.mark.parametrize(("make", "told"), MADE)
def test_what_cannot_be_made_is_told_where_it_is_made(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as found:
        make()
    own = [entry for entry in found.traceback if Path(entry.path) == Path(__file__)]
    assert own[-1].lineno + 1 == make.__code__.co_firstlineno


@pytest.mark.parametrize("name", ["crypto", "remoteCrypto"])
def test_a_key_of_the_wrong_kind_is_not_shown(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}= takes a text, or None, but was given something else$"):
        RtpPeer(**{name: given(b"AES_CM_128_HMAC_SHA1_80 inline:KEY")})


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"callers": []}, "simulate has no parameter 'callers'; did you mean 'caller'?"),
        ({"agent": []}, "agent= takes one at least"),
        ({"agent": [[Agent()]]}, "agent= has [Agent("),
        ({"agent": Agent(answers=given([[[interrupt()]]]))}, "answers= has [Interrupt()], which is no AgentAction"),
        (
            {"agent": Agent(script=given([at(1.0, [interrupt()])]))},
            "script= has [Interrupt()], which is no AgentAction",
        ),
        ({"caller": [at(1.0, [press("1"), hangUp()])]}, "caller= has [Press(digits='1'), HangUp()], which is no"),
        ({"faults": [at(1.0, (cut(), refuse()))]}, "faults= has (Cut(), Refuse("),
        ({"speech": speech(1.0)}, "speech= takes a SpeechService, but was given Speech("),
        ({"customData": {"a": 1}}, "customData= takes a text, but was given {'a': 1}"),
        ({"secrets": ["a"]}, "secrets= takes texts by name, but was given something else"),
        ({"secrets": {"A": 5, "KEY": "sk_1"}}, "secrets= takes texts by name, but was given something else"),
        ({"idleSeconds": "5"}, "idleSeconds= takes a number of seconds, 0 or more, but was given '5'"),
        ({"limitSeconds": None}, "limitSeconds= takes a number above 0, but was given None"),
        ({"seed": "abc"}, "seed= takes a whole number, but was given 'abc'"),
        ({"folder": "here"}, "folder= takes a Path, but was given 'here'"),
        ({"web": [URL]}, "web= takes a dict of answers by URL, but was given ['https://crm.example/a']"),
        ({"web": {7: 200}}, 'web= takes answers by URL, such as "https://crm.example/customers", but was given 7'),
        ({"web": {"crm.example": 200}}, "'crm.example' is not a http:// or https:// address"),
        ({"web": {f"{URL}#b": 200}}, f"leave that out of '{URL}#b'"),
        ({"web": {URL: 200, "http://crm.example:443/a": 201}}, "web has two answers at 'http://crm.example:443/a'"),
        ({"web": {"https://api.elevenlabs.io/v1": 200}}, "web can't answer for api.elevenlabs.io, which agent= and"),
        ({"web": {URL: 7}}, f"web= has 7 at {URL}, which is no answer: that is a text, bytes, a status (200 to 599)"),
        ({"web": {URL: {"a": {1}}}}, f"web= has {{'a': {{1}}}} at {URL}, which is no answer"),
        ({"web": {URL: talk}}, "or a function that gives one and is not async"),
        ({"web": {URL: lambda request: 7}}, "web= has 7 at crm.example/a, which is no answer"),
        ({"web": {URL: 200, SOCKET: lambda peer: None}}, "there it takes `async def talk(peer)`, not <function"),
    ],
)
def test_what_no_simulation_can_be_made_of_is_told(tmp_path: Path, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        simulate(write(tmp_path, ASK), **{"caller": [at(2.0, hangUp())], **parameters})


def test_a_call_has_a_trio_of_its_own(tmp_path: Path) -> None:
    async def within() -> None:
        simulate(write(tmp_path, ASK))

    with pytest.raises(ConfigurationError, match="a simulated call runs trio itself: play it in a plain `def`"):
        trio.run(within)


def test_a_scenario_is_a_file() -> None:
    with pytest.raises(
        ConfigurationError, match=re.escape("simulate(…) takes the file of a scenario, but was given 5")
    ):
        simulate(given(5))


@pytest.mark.parametrize(
    ("answer", "log"),
    [
        (True, "200 true"),
        (lambda request: None, "200 null"),
        (299, "299 "),
        (HTTPStatus.NOT_FOUND, "404 "),
        (lambda request: HTTPStatus.NOT_FOUND, "404 "),
        (np.int64(404), "404 "),
        (reply(404), "404 "),
        (reply(HTTPStatus.CONFLICT, {"error": "taken"}), '409 {"error": "taken"}'),
        (reply(503, "Later."), "503 Later."),
        (reply(503, "ä".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}), "503 ä"),
        (lambda request: reply(201, [request.method], headers={"Retry-After": "1"}), '201 ["GET"]'),
        (reply(200, "a", headers={"Content-Language": "français"}), "200 a"),
    ],
)
def test_what_looks_like_no_answer_but_is_one(tmp_path: Path, answer: Any, log: str) -> None:
    scenario = (
        ASK.replace("await Net", "found = await Net") + '    Logger.write(f"{found.code} {found.text or str()}")\n'
    )
    call = simulate(write(tmp_path, scenario), caller=[at(2.0, hangUp())], web={URL: answer, SOCKET: talk}).expectOk()
    assert call.log == [log]


def test_an_upper_case_scheme_is_one(tmp_path: Path) -> None:
    web: Any = {"WSS://AI.example/media": talk, "HTTPS://crm.example/a": "yes"}
    call = simulate(write(tmp_path, ASK), caller=[at(2.0, hangUp())], web=web).expectOk()
    assert sorted(asked.path for asked in call.webRequests) == ["/a", "/media"]


def test_numbers_of_any_kind_are_numbers(tmp_path: Path) -> None:
    agent = Agent(
        greeting=turn("Hello.", given(Fraction(1, 2))), pingSeconds=given(Fraction(1)), chunkMs=given(np.int64(100))
    )
    call = simulate(
        write(tmp_path, BRIDGE),
        caller=Caller(
            [
                at(given(np.float32(1)), say(speech(given(np.float32(0.5)), seed=given(np.int64(3))))),
                after(event("Call.Connected", given(np.int64(1))), given(Fraction(2)), hangUp()),
            ],
            rate=given(np.int64(8000)),
        ),
        agent=agent,
        seed=given(np.int64(1)),
        idleSeconds=given(Fraction(1)),
        limitSeconds=given(Fraction(5)),
    ).expectOk()
    assert call.caller.said.spansOf(speech(0.5, seed=3))[0].begin == pytest.approx(1.0, abs=0.03)
    assert call.seconds == pytest.approx(2.0, abs=0.03)


def test_limits_may_be_fractions(tmp_path: Path) -> None:
    path = write(tmp_path, "from voxrun import *\n")
    assert simulate(path, caller=None, idleSeconds=given(Fraction(5, 2))).outcome.reason == "no call for 2.5 s"
    call = simulate(path, caller=None, idleSeconds=9.0, limitSeconds=given(Fraction(5, 2)))
    assert str(call.outcome.error).startswith("not over within 2.5 s")


def test_a_status_may_be_one_of_an_enumeration(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), agent=Agent(refuse=HTTPStatus.UNAUTHORIZED))
    assert "401" in str(call.outcome.error)
    assert SpeechService(refuse=HTTPStatus.UNAUTHORIZED).refuse == 401


def test_subclasses_of_texts_and_numbers_are_json(tmp_path: Path) -> None:
    class Text(str):
        __slots__ = ()

    kind, fields = Text("hours"), {"day": Text("today"), "share": np.float64(0.5), "of": (1, 2)}
    script = [at(0.5, callTool("hours", fields)), at(1.0, send({"type": kind, **fields}))]
    body = "agent.addEventListener(ElevenLabs.AgentsEvents.ClientToolCall, lambda e: Logger.write(str(e.data)))"
    call = simulate(write(tmp_path, BRIDGE, body), caller=[at(2.0, hangUp())], agent=Agent(script=script))
    assert "'today'" in call.log[0]
    assert call.events.first("ElevenLabs.Agents.Unknown").payload.data.share == 0.5


def test_a_tuple_is_a_list_for_json() -> None:
    assert request(given((1, 2))).content == "[1, 2]"


def test_what_is_right_stays_so(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("Hello.", pace=2.5, chunkMs=40), refuse=0, pingSeconds=float("inf"))
    call = simulate(write(tmp_path, BRIDGE), caller=[at(2, hangUp())], agent=agent, idleSeconds=0).expectOk()
    assert call.caller.heard.contains(call.agent.said)
