"""The ten mistakes that an emulation of VoxEngine's ElevenLabs module is likely to make, one test for each number."""

import json
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.agent_service import AgentService, Conversation
from tests.kit import ScriptedLeg, Setting, simulate, tone
from tests.media.noise import FADE, noise
from tests.providers.agent_play import Play, greet

from voxrun.protocol.elevenlabs.agents_server import ClientBroke, ConversationInitiated, ToolResultReceived
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentToolResponseData,
    AgentToolResponseMessage,
    ClientToolCallData,
    ClientToolCallMessage,
    UserTranscript,
    UserTranscriptionData,
)

TOOL_CALL = ClientToolCallMessage(ClientToolCallData("hours", "call_1", {"day": "today"}, 1))


def test_1_data_reads_as_the_message_and_as_its_payload_in_all_published_ways(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(UserTranscript(UserTranscriptionData("hello", 1)))
        conversation.send(TOOL_CALL)
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        """
        @agent.on(AgentsEvents.UserTranscript)
        def said(e):
            assert e.client is agent
            Logger.write(f"{e.name} {e.data.type} {e.data['user_transcription_event']['user_transcript']}")
            Logger.write((e.data.payload or e.data).user_transcript)
        @agent.on(AgentsEvents.ClientToolCall)
        def tool(e):
            payload = e.data.payload
            Logger.write(payload.tool_name + payload.tool_call_id + payload.parameters.day)
            Logger.write((payload.client_tool_call or payload).tool_name)
        """,
    )
    assert ran.logged == [
        "ElevenLabs.Agents.UserTranscript user_transcript hello",
        "hello",
        "hourscall_1today",
        "hours",
    ]


def test_2_nothing_is_sent_before_the_awaiting_code_had_its_turn(play: Play) -> None:
    _, service, _ = play(greet, 'agent.conversationInitiationClientData({"dynamic_variables": {"caller": "Ada"}})')
    first = json.loads(service.conversations[0].raw[0][1])
    assert first["type"] == "conversation_initiation_client_data"
    assert first["dynamic_variables"] == {"caller": "Ada"}


def test_3_a_displaced_stream_does_not_come_back_by_itself(play: Play, tmp_path: Path) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 4.0))
        await trio.sleep_forever()

    body = f"""
    from tests.kit import write_wav
    def announce():
        player = VoxEngine.createURLPlayer(write_wav({str(tmp_path / "beep.wav")!r}, 0.5, 1000))
        player.sendMediaTo(call)
    setTimeout(announce, 1010)
    """
    _, _, leg = play(script, body)
    heard = leg.everything_heard
    audible = np.flatnonzero(np.abs(heard) > 100) / 16_000
    assert audible.max() == pytest.approx(1.5, abs=0.1)  # the beep's end; the agent is not heard any more


def test_4_late_audio_of_the_interrupted_turn_is_dropped(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(3, tone(16_000, 2.0))
        await trio.sleep(0.5)
        conversation.interrupt(3)
        for turn in (1, 2, 3):
            conversation.speak(turn, tone(16_000, 2.0))
        await trio.sleep_forever()

    _, _, leg = play(script, "agent.addEventListener(AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())")
    assert len(np.flatnonzero(leg.everything_heard)) == pytest.approx(8_000, abs=400)


@pytest.mark.parametrize("milliseconds", [1, 100])
def test_4_the_next_turn_that_has_come_already_is_heard_whole(play: Play, milliseconds: int) -> None:
    following = np.concatenate((noise(1.0), np.zeros(FADE, np.int16)))

    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 2.0))
        await trio.sleep(0.5)
        conversation.interrupt(1)
        conversation.speak(2, following[:8000])
        await trio.sleep(0.2)
        conversation.speak(2, following[8000:])
        await trio.sleep_forever()

    body = f"""
    agent.addEventListener(
        AgentsEvents.Interruption, lambda e: setTimeout(agent.clearMediaBuffer, {milliseconds}))
    """
    _, _, leg = play(script, body)
    heard = np.trim_zeros(leg.everything_heard, "b")
    assert len(np.flatnonzero(heard)) / 16_000 == pytest.approx(0.5 + milliseconds / 1000 + 1.0, abs=0.03)
    assert np.array_equal(heard[-16_000 + FADE :], following[FADE:16_000])


def test_5_media_events_follow_what_is_played_and_repeat_on_long_pauses(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 0.5))
        await trio.sleep(2.0)  # 1.5 s of pause inside the turn
        conversation.speak(1, tone(16_000, 0.5))
        await trio.sleep_forever()

    ran, _, _ = play(script)
    names = [name.removeprefix("ElevenLabs.Events.") for name in ran.events if name.startswith("ElevenLabs.Events")]
    assert names == ["WebSocketMediaStarted", "WebSocketMediaEnded"] * 2


def test_6_a_tool_result_is_a_string_with_is_error_whatever_the_scenario_passes(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(TOOL_CALL)
        await trio.sleep_forever()

    body = """
    agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: agent.clientToolResult(
        {"tool_call_id": "call_1", "tool_name": "hours", "result": {"open": [9, 17]}}))
    """
    _, service, _ = play(script, body)
    assert ToolResultReceived("call_1", '{"open":[9,17]}', False) in service.conversations[0].events
    assert not any(isinstance(event, ClientBroke) for event in service.conversations[0].events)


def test_7_end_call_leaves_the_socket_open_and_close_is_told_later_even_for_the_scenarios_own(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(AgentToolResponseMessage(AgentToolResponseData("end_call", "c", "system", False, True, 1)))
        await trio.sleep_forever()

    body = """
    @agent.on(AgentsEvents.AgentToolResponse)
    def ended(e):
        if e.data.payload.tool_name == "end_call":
            setTimeout(hang_up, 2000)
    def hang_up():
        Logger.write("hang up")
        agent.close()
        Logger.write("still in the same block")
    """
    ran, _, _ = play(script, body)
    assert ran.logged == ["hang up", "still in the same block", "closed 1000  True"]
    (hung_up,) = (record for record in ran.of_kind("log") if record["message"] == "hang up")
    assert hung_up["t"] == pytest.approx(2.2, abs=0.05)


def test_8_the_end_of_the_call_ends_neither_session_nor_agent(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.py"
    scenario.write_text("""
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    agent = await ElevenLabs.createAgentsClient(xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a")
    event.call.answer()
    VoxEngine.sendMediaBetween(event.call, agent)
    def later():
        agent.userMessage({"text": "still here"})
        VoxEngine.terminate()
        Logger.write("after terminate")
    setTimeout(event.call.hangup, 1000)
    setTimeout(later, 30_000)
    setTimeout(lambda: Logger.write("never"), 31_000)

VoxEngine.addEventListener(AppEvents.Terminating, lambda e: setTimeout(lambda: Logger.write("never"), 0))
""")
    service = AgentService(greet)
    secrets = {"KEY": "xi-test-key-0123456789"}
    ran = simulate(scenario, Setting(leg=ScriptedLeg(), secrets=secrets, background=service.start, idle_seconds=60.0))
    assert {"type": "user_message", "text": "still here"} in service.conversations[0].sent_by_client
    assert ran.logged == ["after terminate"]
    assert ran.seconds == pytest.approx(30.0, abs=0.5)


@pytest.mark.parametrize(("ending", "code"), [("event.call.reject(486)", 486), ("pass", 408)])
def test_9_an_incoming_call_that_never_connected_is_disconnected_not_failed(
    tmp_path: Path, ending: str, code: int
) -> None:
    scenario = tmp_path / "scenario.py"
    scenario.write_text(f"""
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def refuse(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: Logger.write(e.internalCode))
    event.call.addEventListener(CallEvents.Failed, lambda e: Logger.write("failed"))
    {ending}
""")
    ran = simulate(scenario, Setting(leg=ScriptedLeg()))
    assert ran.logged == [str(code)]


@pytest.mark.parametrize(("output", "user_input"), [("pcm_24000", "ulaw_8000"), ("ulaw_8000", "pcm_48000")])
def test_10_formats_come_from_the_metadata_and_may_differ(play: Play, output: str, user_input: str) -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet(output, user_input)
        await trio.sleep_forever()

    _, service, _ = play(script, "call.stopMediaTo(agent)")
    heard = service.conversations[0].heard
    assert set(heard) == ({0xFF} if user_input == "ulaw_8000" else {0})  # silence all the time, mu-law's is 0xFF
