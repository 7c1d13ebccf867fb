"""Ten patterns of published VoxEngine scenarios, written in the language."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.dsl.played import play
from tests.dsl.test_scenarios_vox import Keypad
from tests.kit import Ran, ScriptedLeg, Setting, tone, write_wav

from voxrun.media.leg import Party
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated
from voxrun.session.session import Session

CONNECT = """
    const agent = await ElevenLabs.createAgentsClient({
        xiApiKey: secret("KEY"), agentId: "agent_1", onWebSocketClose: fn (e) { log "closed ${e.code}" },
    })
"""

AGENT = f"""
require ElevenLabs
on AppEvents.CallAlerting as event {{
    const call = event.call
    on call CallEvents.Disconnected {{ VoxEngine.terminate() }}
    {CONNECT.strip()}
    %s
    call.answer()
    call <-> agent
}}
"""

INITIATION = """
    agent.conversationInitiationClientData({ dynamic_variables: { caller: event.callerid, returning: true } })
"""

TOOL = """
    on agent AgentsEvents.ClientToolCall as { data } {
        const payload = data?.payload ?? data
        if payload.tool_name == "lookup" {
            const result = { ref: payload.parameters.ref, state: "sent" }
            agent.clientToolResult({ tool_call_id: payload.tool_call_id, result })
        }
        else { agent.clientToolResult({ tool_call_id: payload.tool_call_id, result: "no such tool", is_error: true }) }
    }
"""

BARGE_IN = """
    let spoken = false
    on agent ElevenLabs.Events.WebSocketMediaStarted { spoken = true }
    on agent ElevenLabs.Events.WebSocketMediaEnded as { mediaInfo } { log "heard ${mediaInfo.duration > 0}" }
    on agent AgentsEvents.Interruption where spoken {
        agent.clearMediaBuffer()
        log "interrupted"
    }
"""

END_CALL = """
    on agent AgentsEvents.AgentToolResponse as { data } where data.agent_tool_response.tool_name == "end_call" {
        if data.payload?.is_called and not data.payload?.is_error { setTimeout(fn () { call.hangup() }, 2s) }
    }
"""

TRANSCRIPT = """
    const lines = []
    on agent AgentsEvents.UserTranscript as { data } {
        lines.push("Caller: ${data.user_transcription_event.user_transcript}")
    }
    on agent AgentsEvents.AgentResponse as e { lines.push("Agent: ${e.data.payload.agent_response}") }
    on AppEvents.Terminating { log lines.join(" / ") }
"""

CLOSE = """
    let leaving = false
    fn leave() {
        if leaving { return }
        leaving = true
        agent.close()
        wait 100ms
        call.hangup()
    }
    after 1500ms { await leave(); await leave() }
"""

REFUSED = """
require ElevenLabs
on AppEvents.CallAlerting as { call } {
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    try {
        const agent = await ElevenLabs.createAgentsClient({ xiApiKey: "wrong-key-12345", agentId: "a" })
        agent <-> call
    } catch e {
        log "no agent: ${e.message.includes("401")}"
        call.answer()
        wait for call CallEvents.Connected
        call.say("We are closed.")
        wait for call CallEvents.PlaybackFinished
        call.hangup()
    }
}
"""

BACK_TO_AGENT = """
    on call CallEvents.PlaybackFinished as { error } {
        log "said: ${error == null}"
        agent -> call       // what was displaced does not come back by itself
    }
    after 1s { call.say("One moment please.") }
"""

CUSTOM_DATA = """
on AppEvents.Started { VoxEngine.customData("{\\"greeting\\": \\"hello.wav\\", \\"tries\\": 2}") }
on AppEvents.CallAlerting as { call } {
    const order = parse(VoxEngine.customData()) ?? { }
    call.answer()
    for round in [1, 2, 3] {
        if round > order.tries { break }
        const player = VoxEngine.createURLPlayer({ url: "FOLDER/${order.greeting}" })
        player -> call
        wait for player PlayerEvents.PlaybackFinished within 10s
        log "round ${round}"
    }
    call.record({ name: "FOLDER/call.wav", stereo: true })
    wait 200ms
    call.hangup()
}
on AppEvents.Terminating { log "over" }
"""

PATIENCE = """
on AppEvents.CallAlerting as { call, callerid, headers } {
    let timer = null
    fn patient() {
        clearTimeout(timer)
        timer = setTimeout(fn () { log "nobody there"; call.hangup() }, 4s)
    }
    if headers["X-Blocked"] or callerid.startsWith("+900") { call.reject(603); return }
    call.addEventListener(CallEvents.Disconnected, fn (e) { log "${e.internalCode}"; VoxEngine.terminate() })
    call.addEventListener(CallEvents.ToneReceived, fn (e) { log e.tone; patient() })
    call.handleTones(true)
    call.answer()
    patient()
}
"""


@dataclass(frozen=True)
class Played:
    """What came of a scenario."""

    ran: Ran
    sent: list[dict[str, Any]]
    leg: ScriptedLeg


async def talk(conversation: Conversation) -> None:
    """A service that greets, asks for two tools, hears something, is interrupted, and ends the call."""

    def send(kind: str, **body: object) -> None:
        conversation.socket.send(json.dumps({"type": kind, **body}))

    await conversation.wait_for(ConversationInitiated)
    conversation.greet()
    conversation.speak(1, tone(16_000, 3.0), "Good morning.")
    await trio.sleep(0.2)
    for tool in ("lookup", "other"):
        call = {"tool_name": tool, "tool_call_id": f"id-{tool}", "parameters": {"ref": 7}, "event_id": 1}
        send("client_tool_call", client_tool_call=call)
    await trio.sleep(0.3)
    send("user_transcript", user_transcription_event={"user_transcript": "Is it sent?", "event_id": 2})
    send("interruption", interruption_event={"event_id": 1})
    await trio.sleep(1)
    conversation.speak(3, tone(16_000, 0.5), "It is sent.")
    await trio.sleep(1)
    response = {
        "tool_name": "end_call",
        "tool_call_id": "e",
        "tool_type": "system",
        "is_error": False,
        "is_called": True,
        "event_id": 3,
    }
    send("agent_tool_response", agent_tool_response=response)
    await trio.sleep(10)


def run(folder: Path, source: str, keys: tuple[tuple[float, str], ...] = (), callerid: str = "+4420") -> Played:
    """Play it."""
    leg, keypad, service = ScriptedLeg(), Keypad(), AgentService(talk)
    leg.line = keypad

    async def press(session: Session) -> None:
        for at, digit in keys:
            await trio.sleep_until(trio.current_time() + at - session.now())
            keypad.press(digit)

    setting = Setting(
        leg=leg,
        party=Party(callerid=callerid),
        secrets={"KEY": API_KEY},
        background=service.start,
        meanwhile=press,
        stop_after=8.0,
    )
    write_wav(str(folder / "hello.wav"), 0.4, 440.0)
    ran = play(folder, source.replace("FOLDER", str(folder)), setting)
    assert ran.outcome.error is None
    assert ran.of_kind("warning") == []
    sent = [message for each in service.conversations for message in each.sent_by_client]
    return Played(ran, sent, leg)


def sent_of(played: Played, kind: str) -> list[dict[str, Any]]:
    """The messages of one kind that the scenario sent."""
    return [message for message in played.sent if message.get("type") == kind]


def initiated(played: Played) -> bool:
    first = played.sent[0]
    variables = {"caller": "+4420", "returning": True}
    return bool(first["type"] == "conversation_initiation_client_data" and first["dynamic_variables"] == variables)


def answered(played: Played) -> bool:
    results = sent_of(played, "client_tool_result")
    told = [(each["tool_call_id"], each["result"], each["is_error"]) for each in results]
    return told == [("id-lookup", '{"ref":7,"state":"sent"}', False), ("id-other", "no such tool", True)]


def hung_up_after_two_seconds(played: Played) -> bool:
    events = {record["name"]: record["t"] for record in played.ran.of_kind("event")}
    gone = events["Call.Disconnected"] - events["ElevenLabs.Agents.AgentToolResponse"]
    return bool(gone == pytest.approx(2, abs=0.05))


def routed_again(played: Played) -> bool:
    routes = [(each["change"], each["source"], each["sink"]) for each in played.ran.of_kind("route")]
    return routes.count(("connect", "agent-1", "call-1")) == 2 and "said: true" in played.ran.logged


def logged(*lines: str) -> Callable[[Played], bool]:
    return lambda played: played.ran.logged == list(lines)


PATTERNS: dict[str, tuple[str, Callable[[Played], bool]]] = {
    "variables are the first thing that the agent is sent": (AGENT % INITIATION, initiated),
    "tools are answered, whichever view of the message is read": (AGENT % TOOL, answered),
    "an interruption clears what is still to be heard": (AGENT % BARGE_IN, lambda it: "interrupted" in it.ran.logged),
    "the agent ends the call, and its last words are heard": (AGENT % END_CALL, hung_up_after_two_seconds),
    "a transcript of both sides": (
        AGENT % (TRANSCRIPT + END_CALL),
        logged("Agent: Good morning. / Caller: Is it sent? / Agent: It is sent."),
    ),
    "closing twice is guarded against": (AGENT % CLOSE, logged("closed 1000")),
    "an agent that can't be reached": (REFUSED, logged("no agent: true")),
    "after an announcement the agent is routed again": (AGENT % BACK_TO_AGENT, routed_again),
    "data in JSON, an announcement repeated, a recording": (CUSTOM_DATA, logged("round 1", "round 2", "over")),
    "patience that every key renews": (PATIENCE, logged("1", "2", "nobody there", "200")),
}
"""A scenario, and whether it did what it is for."""


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(tmp_path: Path, name: str) -> None:
    source, did = PATTERNS[name]
    played = run(tmp_path, source, keys=((1.0, "1"), (2.0, "2")))
    assert did(played), (played.ran.logged, played.sent)


def test_an_unwanted_caller_is_rejected(tmp_path: Path) -> None:
    played = run(tmp_path, PATIENCE, callerid="+900 1")
    assert "Call.Connected" not in played.ran.events
    assert "Call.Disconnected" in played.ran.events
