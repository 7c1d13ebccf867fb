"""A conversation that was recorded is replayed: the same again, and told apart from one that is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.testing.conversation import AGENT, CALLER, SCENARIO
from tests.testing.recording import record
from tests.testing.scenarios import BRIDGE, write

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.protocol.elevenlabs.cassette import read_cassette
from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder
from voxrun.testing import (
    Agent,
    SimulatedCall,
    after,
    at,
    callTool,
    close,
    fromCassette,
    hangUp,
    message,
    say,
    send,
    simulate,
    speech,
    tone,
    turn,
    vanish,
)
from voxrun.testing.agent import AgentAction

NAMES = "ElevenLabs.Agents."
KEY = "xi-simulated-key-0123456789"
SIGNATURE = "cvtkn_simulated_1"
ASKING = """
agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: agent.clientToolResult({
    "tool_call_id": e.data.client_tool_call.tool_call_id, "result": "42", "is_error": False}))
agent.addEventListener(AgentsEvents.AgentResponse, lambda e: agent.contextualUpdate({"text": "heard"}))
"""
TALK = Agent(
    greeting=turn("Hello, how are you?", 1.5),
    answers=[[callTool("add", {"a": 1}), turn("It is forty-two, if I am not mistaken.", tone(3.0))], turn("Bye.", 0.8)],
    transcripts=["How much?", "Stop!"],
)
CALLS = [at(2.5, say(speech(1.0, 1))), at(6.0, say(speech(1.0, 2))), at(10.0, hangUp())]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """The talk of a scenario that asks, with an interruption in it."""
    path = tmp_path / "call.cassette"
    call = record(path, write(tmp_path, BRIDGE, ASKING), caller=CALLS, agent=TALK).expectOk()
    assert len(call.events.named(f"{NAMES}Interruption")) == 1
    return path


def replay(cassette: Path, scenario: Path, **more: Any) -> SimulatedCall:
    source = fromCassette(cassette.name)
    return simulate(scenario, **{"caller": source, "agent": source, "folder": cassette.parent, **more})


def lines(cassette: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cassette.read_text().splitlines()]


def happened(call: SimulatedCall) -> list[tuple[str, Any]]:
    """What the agent told the scenario."""
    told = [event for event in call.events if event.name.startswith(NAMES)]
    chance = ("HTTPResponse", "Ping")
    return [(event.name, event.payload.data.get("payload")) for event in told if not event.name.endswith(chance)]


def test_the_same_conversation_again(tmp_path: Path) -> None:
    cassette = tmp_path / "minute.cassette"
    then = record(cassette, SCENARIO, caller=CALLER, agent=AGENT).expectOk()
    now = replay(cassette, SCENARIO).expectOk()
    names = ("UserTranscript", "ClientToolCall", "AgentResponse", "Interruption", "AgentResponseCorrection", "Ping")
    for name in names:
        before, again = (call.events.named(f"{NAMES}{name}") for call in (then, now))
        assert [event.payload.data for event in again] == [event.payload.data for event in before]
        assert [event.time for event in again] == pytest.approx([event.time for event in before], abs=0.04), name
    results = [[found.data for found in call.agent.received("client_tool_result")] for call in (then, now)]
    assert results[0] == results[1]
    for old, new in zip(then.caller.heard.audible(), now.caller.heard.audible(), strict=True):
        assert (new.begin, new.end) == pytest.approx((old.begin, old.end), abs=0.05)
    assert now.caller.said.contains(then.caller.said.slice(4.0, 6.0))
    assert now.agent.said.contains(then.agent.said.slice(0.0, 3.0))


def test_a_replay_is_the_same_every_time(cassette: Path, tmp_path: Path) -> None:
    first, second = (replay(cassette, tmp_path / "scenario.py").expectOk() for _ in range(2))
    assert first.records == second.records
    assert (first.caller.heard.samples == second.caller.heard.samples).all()


def test_the_agent_waits_for_the_caller_and_for_results(cassette: Path, tmp_path: Path) -> None:
    slow = ASKING.replace("agent.clientToolResult({", "setTimeout(lambda: agent.clientToolResult({").replace(
        '"is_error": False}))', '"is_error": False}), 1500))'
    )
    caller = [at(4.0, say(speech(1.0, 1))), at(10.0, say(speech(1.0, 2))), at(15.0, hangUp())]
    call = replay(cassette, write(tmp_path, BRIDGE, slow), caller=caller)
    assert call.differences == []
    (transcript, _) = call.events.named(f"{NAMES}UserTranscript")
    assert transcript.time == pytest.approx(5.0 + 0.5, abs=0.05)  # not 4.0, as when it was recorded
    (result,) = call.agent.received("client_tool_result")
    assert result.time == pytest.approx(transcript.time + 0.2 + 1.5, abs=0.05)
    answer = call.events.named(f"{NAMES}AgentResponse")[1]
    assert answer.time == pytest.approx(result.time, abs=0.05)
    (interruption,) = call.events.named(f"{NAMES}Interruption")
    assert interruption.time == pytest.approx(10.0, abs=0.05)


def test_what_another_scenario_does_is_told(cassette: Path, tmp_path: Path) -> None:
    """The tool gives another result, the buffer is not cleared, and a message more goes out."""
    changed = ASKING.replace('"42"', '"43"') + "setTimeout(lambda: agent.userMessage({'text': 'heard'}), 5000)\n"
    forgetful = BRIDGE.replace("agent.clearMediaBuffer()", "None")
    call = replay(cassette, write(tmp_path, forgetful, changed))
    assert len(call.differences) == 3
    result, cleared, more = (text.splitlines() for text in call.differences)
    assert result == [
        "connection 1: message 3, client_tool_result, differs in result",
        '  expected at 4.18 s  {"tool_call_id": "call_1", "result": "42", "is_error": false}',
        '  got      at 4.18 s  {"tool_call_id": "call_1", "result": "43", "is_error": false}',
    ]
    assert {more[0], cleared[0]} == {
        "connection 1: message 5, clearMediaBuffer, did not come",
        "connection 1: user_message came, which is not on the cassette",
    }
    message_lines = more if "user_message" in more[0] else cleared
    assert message_lines[1] == '  got      at 5.00 s  {"text": "heard"}'
    assert message_lines[2] == '  nearest  message 4, contextual_update, expected at 4.18 s  {"text": "heard"}'
    with pytest.raises(AssertionError, match="differs in result"):
        call.expectOk()


def test_a_message_that_does_not_come_is_told_and_the_agent_goes_on(cassette: Path, tmp_path: Path) -> None:
    silent = ASKING.replace("agent.clientToolResult(", "dict(")
    call = replay(cassette, write(tmp_path, BRIDGE, silent), caller=[*CALLS[:2], at(30.0, hangUp())])
    assert call.differences[0].splitlines() == [
        "connection 1: message 3, client_tool_result, did not come",
        '  expected at 4.18 s  {"tool_call_id": "call_1", "result": "42", "is_error": false}',
        "  nearest  nothing like it",
    ]
    _, answer, _ = call.events.named(f"{NAMES}AgentResponse")
    assert answer.time == pytest.approx(4.2 + 10.0, abs=0.05)


def test_a_scenario_that_does_not_let_the_agent_hear_the_caller(cassette: Path, tmp_path: Path) -> None:
    deaf = BRIDGE.replace("VoxEngine.sendMediaBetween(call, agent)", "agent.sendMediaTo(call)")
    call = replay(cassette, write(tmp_path, deaf, ASKING))
    (unmet,) = call.agent.unmet
    assert unmet.startswith("from ")
    assert "the agent waited for the caller to finish speaking, as on the cassette at 3.50 s" in unmet


@pytest.mark.parametrize(
    ("action", "log"),
    [(close(1011, "oh"), "closed 1011 oh True"), (close(), "closed 1000  True"), (vanish(), "closed 1006  False")],
)
def test_the_agents_end_is_replayed(tmp_path: Path, action: AgentAction, log: str) -> None:
    path, scenario = tmp_path / "call.cassette", write(tmp_path, BRIDGE)
    record(path, scenario, caller=[at(3.0, hangUp())], agent=Agent(script=[at(1.0, action)]))
    call = replay(path, scenario)
    assert call.log == [log]
    assert call.differences == []


def test_each_connection_has_its_turn_and_so_have_refusals(tmp_path: Path) -> None:
    path, scenario = tmp_path / "call.cassette", SCENARIO.with_name("reconnect.py")
    agents = [
        Agent(greeting=turn("Good morning.", 0.5), script=[at(2.0, vanish())]),
        Agent(script=[after(message("contextual_update"), 0.2, turn("Where were we?", 1.0))]),
    ]
    then = record(path, scenario, caller=[at(6.0, hangUp())], agent=agents).expectOk()
    assert [line["connection"] for line in lines(path) if "opened" in line] == [1, 2]
    now = replay(path, scenario).expectOk()
    assert [event.name for event in now.events if "Ping" not in event.name] == [
        event.name for event in then.events if "Ping" not in event.name
    ]
    refused = tmp_path / "refused.cassette"
    record(refused, write(tmp_path, BRIDGE), caller=[at(1.0, hangUp())], agent=Agent(refuse=401))
    assert [line["refused"]["status"] for line in lines(refused) if "refused" in line] == [401]
    again = replay(refused, tmp_path / "scenario.py", caller=[at(1.0, hangUp())])
    assert isinstance(again.outcome.error, RemoteError)
    assert again.outcome.error.code == 401


def test_another_number_of_connections_is_told(cassette: Path, tmp_path: Path) -> None:
    more = BRIDGE.replace("    call.answer()\n", "    call.answer()\n    setTimeout(again, 1000)\n") + (
        '\nasync def again():\n    await ElevenLabs.createAgentsClient(xiApiKey="a key", agentId="a")\n'
    )
    call = replay(cassette, write(tmp_path, more, ASKING))
    assert "the scenario connected to the agent for time 2, at 1.00 s: not then" in call.differences
    nobody = write(
        tmp_path, "from voxrun import *\n@VoxEngine.on(AppEvents.CallAlerting)\ndef f(e):\n    e.call.answer()\n"
    )
    assert replay(cassette, nobody).differences == [
        "the scenario did not connect to the agent for time 1, as at 0.00 s then"
    ]


# What is on it.


def test_the_scenarios_end_is_recorded_and_replayed(tmp_path: Path) -> None:
    path, scenario = tmp_path / "call.cassette", write(tmp_path, BRIDGE, "setTimeout(agent.close, 1000)")
    record(path, scenario, caller=[at(3.0, hangUp())], agent=Agent())
    ((moment, closed),) = [(line["t"], line["closed"]) for line in lines(path) if "closed" in line]
    assert (moment, closed["by"]) == (pytest.approx(1.0, abs=0.05), "scenario")
    assert replay(path, scenario).differences == []


def test_secrets_are_not_on_it_and_what_is_base64_stays(tmp_path: Path) -> None:
    path = tmp_path / "call.cassette"
    secrets = {"PASSWORD": 'pass"word', "PART": "text", "SHORT": "AAAA"}
    body = """
    password = VoxEngine.getSecretValue("PASSWORD")
    agent.conversationInitiationClientData({"dynamic_variables": {"name": password, password: [1, password]}})
    agent.contextualUpdate({"text": f"it is {password}, {VoxEngine.getSecretValue('ELEVENLABS_API_KEY')}"})
    VoxEngine.getSecretValue("PART"); VoxEngine.getSecretValue("SHORT")
    """
    agent = Agent(greeting=turn("Hello, text.", 0.5), script=[at(1.0, send("no JSON, but " + SIGNATURE))])
    call = record(
        path, write(tmp_path, BRIDGE, body), caller=[at(3.0, hangUp())], agent=agent, secrets=secrets
    ).expectOk()
    written = path.read_text()
    for secret in (KEY, SIGNATURE, "pass\\", 'word"'):
        assert secret not in written
    assert '"text":"it is ***, ***","type":"contextual_update"' in written
    assert '"received":"no JSON, but ***"' in written
    assert "Hello, ***." in written
    chunks = [line["sent"]["user_audio_chunk"] for line in lines(path) if "user_audio_chunk" in line.get("sent", "")]
    assert set(chunks) == {"A" * 852 + "AA=="}
    assert replay(path, tmp_path / "scenario.py", secrets={**secrets, "PASSWORD": "another"}).differences == []
    assert call.log == replay(path, tmp_path / "scenario.py", secrets=secrets).log


def test_a_secret_for_the_name_of_a_message_or_of_its_field_is_not_on_it(tmp_path: Path) -> None:
    path = tmp_path / "call.cassette"
    body = """
    password, part = VoxEngine.getSecretValue("PASSWORD"), VoxEngine.getSecretValue("PART")
    agent.contextualUpdate({"text": "x", f"the {password}": 1})
    """
    odd = {"type": f"odd {SIGNATURE}", SIGNATURE: 1, "": SIGNATURE}
    with_audio = {"type": SIGNATURE, SIGNATURE: 1, "audio_event": {"audio_base_64": "", "type": SIGNATURE}}
    agent = Agent(script=[at(1.0, send(odd)), at(1.1, send(with_audio))])
    secrets = {"PASSWORD": "pass word", "PART": "text"}
    write(tmp_path, BRIDGE, body)
    record(path, tmp_path / "scenario.py", caller=[at(3.0, hangUp())], agent=agent, secrets=secrets).expectOk()
    written = path.read_text()
    assert SIGNATURE not in written
    assert "pass word" not in written
    assert '"received":{"type":"odd ***","***":1,"":"***"}' in written
    assert '"received":{"type":"***","***":1,"audio_event":{"audio_base_64":"","type":"***"}}' in written
    assert '"sent":{"text":"x","the ***":1,"type":"contextual_update"}' in written  # names of the protocol's stay
    assert replay(path, tmp_path / "scenario.py", secrets={**secrets, "PASSWORD": "another"}).differences == []


def test_a_number_that_is_a_secret_is_not_on_it(tmp_path: Path) -> None:
    path = tmp_path / "call.cassette"
    body = """
    agent.conversationInitiationClientData({"dynamic_variables": {"pin": int(VoxEngine.getSecretValue("PIN")), "n": 9}})
    """
    record(path, write(tmp_path, BRIDGE, body), caller=CALLS, agent=TALK, secrets={"PIN": "471147"}).expectOk()
    assert "471147" not in path.read_text()
    assert '"pin":"***"' in path.read_text()
    assert '"n":9' in path.read_text()
    assert replay(path, tmp_path / "scenario.py", secrets={"PIN": "123456"}).differences == []


def test_what_is_too_deep_to_look_through_is_a_text_on_it() -> None:
    entries: list[str] = []
    recorder = CassetteRecorder(entries.append, lambda text: text.replace(KEY, "***")).connection(lambda: 0.0)
    deep = f'{{"type":"odd","deep":{"[" * 600}"{KEY}"{"]" * 600}}}'
    recorder.message("received", deep)
    assert json.loads(entries[-1])["received"] == deep.replace(KEY, "***")


@pytest.mark.parametrize("keeps_audio", [True, False])
def test_beside_audio_nothing_secret_is_on_it(keeps_audio: bool) -> None:
    entries: list[str] = []
    cassette = CassetteRecorder(entries.append, lambda text: text.replace("AAEC", "***"), keeps_audio=keeps_audio)
    speech = {"audio_base_64": "AAEC/w==", "event_id": 1, "alignment": {"chars": ["AAEC"]}}
    cassette.connection(lambda: 0.0).message(
        "received", json.dumps({"type": "audio", "audio_event": speech, "x": "AAEC"})
    )
    received = json.loads(entries[-1])["received"]
    kept = "AAEC/w==" if keeps_audio else {"bytes": 4, "peak": 256}
    assert received["audio_event"] == {"audio_base_64": kept, "event_id": 1, "alignment": {"chars": ["***"]}}
    assert (received["type"], received["x"]) == ("audio", "***")


def test_connections_are_counted_as_they_come_about() -> None:
    entries: list[str] = []
    cassette = CassetteRecorder(entries.append, str)
    given_up, slow, quick = (cassette.connection(lambda: 0.0) for _ in range(3))
    quick.opened("ws://quick.test")
    slow.opened("ws://slow.test")
    quick.cleared(1.0)
    first, second = read_cassette([f"{entry}\n" for entry in entries], "call.cassette").connections
    assert [entry.value for entry in first] == ["ws://quick.test", 1.0]
    assert [entry.value for entry in second] == ["ws://slow.test"]
    given_up.refused(RemoteError("nobody is there"))
    assert len(read_cassette([f"{entry}\n" for entry in entries], "call.cassette").connections) == 3


@pytest.mark.parametrize("audio", [None, 5, {"x": 1}, []])
def test_what_is_no_audio_is_a_text_on_it_and_can_be_read(audio: object) -> None:
    entries: list[str] = []
    connection = CassetteRecorder(entries.append, str).connection(lambda: 0.0)
    connection.opened("ws://agent.test")
    wrong = json.dumps({"type": "audio", "audio_event": {"audio_base_64": audio, "event_id": 1}})
    connection.message("received", wrong)
    ((_, received),) = read_cassette([f"{entry}\n" for entry in entries], "call.cassette").connections
    assert received.value == wrong


def test_without_audio_there_is_how_loud_it_was_and_it_replays(tmp_path: Path) -> None:
    path, scenario = tmp_path / "call.cassette", write(tmp_path, BRIDGE, ASKING)
    for name in ("pcm_16000", "ulaw_8000"):
        agent = Agent(
            greeting=TALK.greeting,
            answers=TALK.answers,
            transcripts=TALK.transcripts,
            inputFormat=name,
            outputFormat=name,
        )
        then = record(path, scenario, keeps_audio=False, caller=CALLS, agent=agent)
        assert path.stat().st_size < 100_000
        assert lines(path)[0]["audio"] is False
        received = [line["received"] for line in lines(path) if line.get("received", {}).get("type") == "audio"]
        peaks = [message["audio_event"]["audio_base_64"]["peak"] for message in received]
        assert min(peaks) < 10_000 < max(peaks)  # taken for another format all would be near full scale
        now = replay(path, scenario).expectOk()
        assert happened(now) == happened(then)
        for before, again in zip(then.caller.heard.audible(), now.caller.heard.audible(), strict=True):
            assert (again.begin, again.end) == pytest.approx((before.begin, before.end), abs=0.06)


def test_a_private_conversation_is_not_on_it(tmp_path: Path) -> None:
    path = tmp_path / "call.cassette"
    private = BRIDGE.replace('agentId="a",', 'agentId="a", privacy=True,')
    agent = Agent(greeting=TALK.greeting)
    call = record(path, write(tmp_path, private), caller=[at(1.0, hangUp())], agent=agent).expectOk()
    assert path.read_text() == ""
    (warning,) = call.warnings
    assert "agent-1 has `privacy`" in warning


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "the cassette call.cassette can't be read: No such file or directory"),
        (b"\xff\xfe\x00", "call.cassette is no cassette"),
        (b"{}\n", "call.cassette, line 1: is no beginning of a cassette"),
    ],
)
def test_what_cannot_be_replayed_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "call.cassette").write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        replay(tmp_path / "call.cassette", SCENARIO)
