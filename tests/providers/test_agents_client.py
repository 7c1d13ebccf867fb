"""The AgentsClient unit in whole sessions, in virtual time, against the service's side of the protocol."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.agent_service import API_KEY, SIGNATURE, AgentService, Conversation
from tests.kit import ScriptedLeg, Setting, simulate, ticks, tone
from tests.media.noise import joined_late
from tests.providers.agent_play import SCENARIO, Play, greet, stay_open

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.errors import ConfigurationError, RemoteError
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated, PongReceived, ToolResultReceived
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ClientToolCallData,
    ClientToolCallMessage,
    Ping,
    PingData,
)
from voxrun.session.trace import KEPT_RECORDS
from voxrun.transports.packaged_websocket import PackagedWebSocket
from voxrun.transports.server import Reply


def test_the_scenarios_initiation_is_the_first_frame(play: Play) -> None:
    _, service, _ = play(greet, 'agent.conversationInitiationClientData({"dynamic_variables": {"name": "Ada"}})')
    first = service.conversations[0].sent_by_client[0]
    assert first == {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "Ada"}}
    kinds = [message["type"] for message in service.conversations[0].sent_by_client]
    assert kinds.count("conversation_initiation_client_data") == 1


def test_without_one_a_bare_initiation_goes_out_after_the_grace(play: Play) -> None:
    _, service, _ = play(greet)
    at, first = service.conversations[0].raw[0]
    assert first == '{"type":"conversation_initiation_client_data"}'
    assert at == pytest.approx(service.conversations[0].raw[1][0], abs=0.1)


def test_another_message_first_brings_the_initiation_along(play: Play) -> None:
    _, service, _ = play(greet, 'agent.userMessage({"text": "hello"})')
    assert [message["type"] for message in service.conversations[0].sent_by_client[:2]] == [
        "conversation_initiation_client_data",
        "user_message",
    ]


def test_an_initiation_that_comes_too_late_is_told_where_it_belongs(play: Play) -> None:
    ran, _, _ = play(greet, 'agent.userMessage({"text": "hello"})\nagent.conversationInitiationClientData({})')
    assert (
        "in a handler of Application.CallAlerting: the conversation has begun already: its initiation is the first "
        "that is sent, right after `createAgentsClient`, with nothing awaited in between\n"
    ) in str(ran.outcome.error)


def test_handlers_added_after_the_await_hear_about_the_connection(play: Play) -> None:
    ran, service, _ = play(
        greet,
        """
        agent.addEventListener(AgentsEvents.HTTPResponse, lambda e: Logger.write(f"http {e.data.code}"))
        agent.addEventListener(AgentsEvents.ConnectorInformation, lambda e: Logger.write(f"url {e.data.payload.url}"))
        """,
    )
    assert ran.logged[:2] == ["http 200", "url ws://agent.test/v1/convai/conversation"]
    assert service.requests[0].query == {"agent_id": "a"}


def test_neither_key_nor_signature_reaches_the_trace(play: Play) -> None:
    ran, _, _ = play(greet, f'Logger.write("{API_KEY} {SIGNATURE}")')
    assert ran.logged[0] == "*** ***"
    assert API_KEY not in str(ran.records)
    assert SIGNATURE not in str(ran.records)


def test_the_conversations_id_is_no_secret(tmp_path: Path) -> None:
    url = f"ws://agent.test/v1/convai/conversation?agent_id=a&conversation_signature={SIGNATURE}&conversation_id=conv_1"
    body = """    agent.addEventListener(
        AgentsEvents.ConversationInitiationMetadata, lambda e: Logger.write(f"{e.data.payload.conversation_id} %s")
    )"""
    path = tmp_path / "scenario.py"
    path.write_text((SCENARIO % (body % SIGNATURE)).replace('agentId="a"', 'agentId="a", includeConversationId=True'))
    service = AgentService(greet, refusal=Reply(200, json.dumps({"signed_url": url}).encode()))
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=service.start))
    assert service.requests[0].query["include_conversation_id"] == "true"
    assert ran.logged[0] == "conv_1 ***"


PCM_RATES = (8000, 16000, 22050, 24000, 44100, 48000)
FORMATS = (*(f"pcm_{rate}" for rate in PCM_RATES), "ulaw_8000")
PAIRS = [
    pytest.param(output, user_input, marks=[] if (first + second) % 3 == 0 else pytest.mark.slow)
    for first, output in enumerate(FORMATS)
    for second, user_input in enumerate(FORMATS)
]
"""A third of them has each format both ways, together with two or three others."""


@pytest.mark.parametrize(("output", "user_input"), PAIRS)
def test_audio_keeps_its_pitch_in_every_pair_of_formats(play: Play, output: str, user_input: str) -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet(output, user_input)
        samples = tone(int(output.split("_")[1]), 2.0, 1000.0)
        conversation.speak(1, encode_ulaw(samples) if output.startswith("ulaw") else samples)
        await trio.sleep_forever()

    _, service, leg = play(script, says=tone(16_000, 3.0, 700.0))
    heard = service.conversations[0].heard
    samples = decode_ulaw(heard) if user_input.startswith("ulaw") else np.frombuffer(heard, np.int16)
    assert loudest_hertz(samples, int(user_input.split("_")[1])) == pytest.approx(700, abs=3)
    assert loudest_hertz(leg.everything_heard, 16_000) == pytest.approx(1000, abs=3)


def loudest_hertz(samples: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum) * rate / len(samples))


def test_equal_rates_pass_audio_through_sample_for_sample(play: Play) -> None:
    speech = tone(16_000, 1.0)

    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, speech)
        await trio.sleep_forever()

    said = tone(16_000, 2.0, 300.0)
    _, service, leg = play(script, says=said)
    heard = leg.everything_heard
    start = int(np.flatnonzero(heard)[0]) - 1  # a sine's first sample is 0
    assert np.array_equal(heard[start : start + len(speech)], speech)
    uplink = np.frombuffer(service.conversations[0].heard, np.int16)
    # What was said before the metadata came is lost; the rest fades in and arrives as it was, in order.
    missing = len(said) - np.flatnonzero(uplink)[-1] - 1
    assert 0 < missing < 16_000 * 0.3
    assert np.array_equal(uplink[: len(said) - missing], joined_late(said[missing:]))


@pytest.mark.parametrize(("user_input", "silence"), [("pcm_16000", bytes(640)), ("ulaw_8000", b"\xff" * 160)])
def test_silence_goes_out_every_tick_when_nobody_sends(play: Play, user_input: str, silence: bytes) -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet("pcm_16000", user_input)
        await trio.sleep_forever()

    _, service, _ = play(script, "setTimeout(lambda: call.stopMediaTo(agent), 0)", tone(16_000, 5.0))
    heard = service.conversations[0].heard
    assert {heard[i : i + len(silence)] for i in range(0, len(heard), len(silence))} == {silence}
    assert len(heard) / len(silence) == pytest.approx(ticks(5 - 0.2), abs=3)


def test_media_events_speak_of_playing_out(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 1.5))
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        """
        agent.addEventListener(Events.WebSocketMediaStarted, lambda e: Logger.write(f"started {e.encoding}"))
        agent.addEventListener(Events.WebSocketMediaEnded, lambda e: Logger.write(f"ended {e.mediaInfo.duration:.2f}"))
        """,
    )
    started, ended = (r for r in ran.of_kind("log") if r["message"].startswith(("started", "ended")))
    assert started["message"] == "started pcm_16000"
    assert ended["message"] == "ended 1.50"
    assert ended["t"] - started["t"] == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize("milliseconds", range(1000, 1040, 10))
def test_a_cleared_buffer_stays_so_when_the_rest_comes_in_real_time(play: Play, milliseconds: int) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        for _ in range(100):  # now and then nothing waits to be played
            conversation.speak(1, tone(16_000, 0.02))
            await trio.sleep(0.02)
        await trio.sleep(0.5)
        conversation.speak(2, tone(16_000, 0.5))
        await trio.sleep_forever()

    ran, _, leg = play(script, f"setTimeout(agent.clearMediaBuffer, {milliseconds})")
    assert len(np.flatnonzero(leg.everything_heard)) / 16_000 == pytest.approx(0.8 + 0.5, abs=0.06)
    assert ran.outcome.error is None
    turns = [record["event_id"] for record in ran.of_kind("wire") if record["type"] == "audio"]
    assert turns == [1, 2]  # each once, however many pieces it comes in


def test_clearing_while_nothing_plays_drops_nothing_of_what_comes_later(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        for seconds in (0.2, 0.3):
            conversation.speak(1, tone(16_000, seconds))
            await trio.sleep(2.0)
        await trio.sleep_forever()

    _, _, leg = play(script, "setTimeout(agent.clearMediaBuffer, 1800)")
    assert len(np.flatnonzero(leg.everything_heard)) / 16_000 == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("ends", "body", "seconds"),
    [
        (lambda conversation: conversation.socket.close(1000, "bye"), "", 0.5),
        (lambda conversation: conversation.socket.close(1011, "broken"), "", 0.3),
        (lambda conversation: None, "setTimeout(agent.close, 500)", 0.3),
    ],
    ids=["when all was heard", "when it breaks", "when the scenario closes it"],
)
def test_the_end_of_the_connection_ends_the_media(
    play: Play, ends: Callable[[Conversation], None], body: str, seconds: float
) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 0.5))
        await trio.sleep(0.3)
        ends(conversation)
        await trio.sleep_forever()

    ended = 'agent.addEventListener(Events.WebSocketMediaEnded, lambda e: Logger.write(f"{e.mediaInfo.duration:.2f}"))'
    ran, _, _ = play(script, f"{ended}\n{body}")
    duration, closed = ran.logged
    assert float(duration) == pytest.approx(seconds, abs=0.03)
    assert closed.startswith("closed")


def test_what_is_sent_while_the_last_words_play_is_told_to_be_lost(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 2.0))
        conversation.socket.close(1000, "bye")
        await trio.sleep_forever()

    ran, _, _ = play(script, 'setTimeout(lambda: agent.userMessage({"text": "wait"}), 1000)')
    [warning] = ran.of_kind("warning")
    assert "agent-1 is closed; what is sent to it now is lost" in warning["message"]
    [closed] = ran.of_kind("log")
    assert closed["t"] > warning["t"] + 1


def test_the_scenarios_own_close_is_told_too_and_later_calls_only_warn(play: Play) -> None:
    ran, service, _ = play(
        greet,
        """
        def leave():
            agent.close()
            Logger.write("after close")
            agent.userMessage({"text": "too late"})
            agent.clientToolResult({"result": "no tool_call_id, and too late"})
            agent.close()
        setTimeout(leave, 1000)
        """,
    )
    assert ran.logged == ["after close", "closed 1000  True"]
    assert ["agent-1 is closed" in warning["message"] for warning in ran.of_kind("warning")] == [True, True]
    assert service.conversations[0].closed is not None
    assert service.conversations[0].closed.code == 1000
    assert ran.outcome.error is None


def test_a_connection_that_breaks_in_the_middle_is_an_error_with_its_code_and_reason(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        await trio.sleep(1)
        conversation.socket.close(1008, "Missing required dynamic variable: name")
        await trio.sleep(1)

    ran, _, _ = play(script, "agent.addEventListener(AgentsEvents.WebSocketError, lambda e: Logger.write(e.data.code))")
    assert ran.logged == ["1008", "closed 1008 Missing required dynamic variable: name True"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 1008
    assert "Missing required dynamic variable: name" in str(ran.outcome.error)


def test_a_vanished_peer_is_1006(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        await trio.sleep(1)
        raise trio.BrokenResourceError  # the connection is dropped without a closing frame

    ran, _, _ = play(script)
    assert ran.logged == ["closed 1006  False"]
    assert isinstance(ran.outcome.error, RemoteError)


def test_junk_is_ignored_with_one_warning(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        for junk in ("{", '{"type": 7}', "[]", '{"type":"ping"}'):
            conversation.socket.send(junk)
        conversation.speak(1, tone(16_000, 1.0))
        await trio.sleep_forever()

    ran, _, leg = play(script)
    (warning,) = ran.of_kind("warning")
    assert "agent-1 sent what is not its protocol" in warning["message"]
    assert len(np.flatnonzero(leg.everything_heard)) == pytest.approx(16_000, abs=200)
    assert ran.outcome.error is None


def test_a_20_mb_message_ends_the_connection_with_1009(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        half = '{"type":"audio","audio_event":{"event_id":1,"audio_base_64":"' + "A" * 20_000_000 + '"}}'
        socket = conversation.socket
        assert isinstance(socket, PackagedWebSocket)
        await socket._connection.send_message(half)  # larger than an outbox takes
        await trio.sleep_forever()

    ran, _, _ = play(script)
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 1009


def test_an_agent_that_never_answers_the_initiation_is_given_up(play: Play) -> None:
    ran, _, _ = play(stay_open, "setTimeout(lambda: None, 60_000)\nawait agent.waitFor(AgentsEvents.WebSocketError)")
    assert isinstance(ran.outcome.error, RemoteError)
    assert "did not answer the initiation within 10 s" in str(ran.outcome.error)


def test_an_unknown_audio_format_is_named(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet("opus_48000")
        await trio.sleep_forever()

    ran, _, _ = play(script)
    assert isinstance(ran.outcome.error, RemoteError)
    assert "opus_48000" in str(ran.outcome.error)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check xiApiKey"), (404, "check agentId"), (422, "check agentId"), (500, "try again")]
)
def test_a_refused_signed_url_says_what_to_check_and_where(play: Play, status: int, advice: str) -> None:
    ran, _, _ = play(greet, refusal=Reply(status, b'{"detail":"no"}'))
    error = ran.outcome.error
    assert isinstance(error, RemoteError)
    assert error.code == status
    assert advice in str(error)
    assert "scenario.py:9" in str(error)
    assert "createAgentsClient" in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"signed_url":"\xff"}', b'{"signed_url":' + b"[" * 5000, b'{"a":' + b"[" * 5000]
)
def test_another_answer_than_a_signed_url_is_the_services_mistake(play: Play, body: bytes) -> None:
    ran, _, _ = play(greet, refusal=Reply(200, body))
    assert isinstance(ran.outcome.error, RemoteError)
    assert "answered the request for a signed URL with something else" in str(ran.outcome.error)


def test_a_scenario_may_do_without_an_agent_that_refuses(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text("""from voxrun import *
@VoxEngine.on(AppEvents.Started)
async def ask(event):
    try:
        await ElevenLabs.createAgentsClient(xiApiKey="key", agentId="a", branchId="b")
    except Exception as error:
        Logger.write(type(error).__name__)
""")
    service = AgentService(greet, refusal=Reply(503))
    ran = simulate(path, Setting(background=service.start))
    assert service.requests[0].query == {"agent_id": "a", "branch_id": "b"}
    assert ran.logged == ["RemoteError"]
    assert ran.outcome.error is None


def test_an_agent_that_is_not_there_is_told_even_if_the_scenario_does_without(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text("""from voxrun import *
@VoxEngine.on(AppEvents.Started)
async def ask(event):
    try:
        await ElevenLabs.createAgentsClient(xiApiKey="key", agentId="a")
    except Exception:
        pass
""")
    ran = simulate(path, Setting(base_url="http://nowhere.test"))
    (told,) = (r for r in ran.of_kind("event") if r["name"] == "ElevenLabs.Agents.WebSocketError")
    assert told["payload"]["data"]["code"] == 1006
    assert told["payload"]["data"]["reason"].startswith("can't find the host of nowhere.test:80")


def test_a_missing_key_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(SCENARIO % "")
    ran = simulate(path, Setting(leg=ScriptedLeg()))
    assert isinstance(ran.outcome.error, ConfigurationError)
    assert "xiApiKey is missing" in str(ran.outcome.error)


def test_a_wrong_host_is_a_remote_error(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(SCENARIO % "")
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, base_url="http://nowhere.test"))
    assert isinstance(ran.outcome.error, RemoteError)
    assert "can't find the host of nowhere.test:80" in str(ran.outcome.error)


def test_pings_are_answered_at_once_whatever_handlers_do(play: Play) -> None:
    sent_at: list[float] = []

    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        await trio.sleep(1)
        sent_at.append(trio.current_time())
        conversation.send(Ping(PingData(7)))
        await conversation.wait_for(PongReceived)
        sent_at.append(trio.current_time())
        await trio.sleep_forever()

    body = """
    import trio
    async def slow(e):
        await trio.sleep(2)
    agent.addEventListener(AgentsEvents.Ping, slow)
    """
    play(script, body)
    assert sent_at[1] - sent_at[0] < 0.001


def test_a_tool_result_may_be_an_object_without_is_error(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(ClientToolCallMessage(ClientToolCallData("hours", "call_1", {"day": "today"}, 1)))
        await trio.sleep_forever()

    body = """
    @agent.on(AgentsEvents.ClientToolCall)
    def run(e):
        tool = e.data.payload
        agent.clientToolResult({"tool_call_id": tool.tool_call_id, "tool_name": tool.tool_name,
                                "result": {"open": tool.parameters.day}})
    """
    _, service, _ = play(script, body)
    (result,) = (event for event in service.conversations[0].events if isinstance(event, ToolResultReceived))
    assert result == ToolResultReceived("call_1", '{"open":"today"}', False)


def test_a_bad_tool_result_is_the_scenarios_error_at_its_line(play: Play) -> None:
    ran, _, _ = play(greet, 'agent.clientToolResult({"result": "x"})')
    assert "tool_call_id" in str(ran.outcome.error)
    assert "scenario.py:12" in str(ran.outcome.error)


def test_unknown_message_types_are_the_unknown_event(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        for kind in ("brand_new", "web_socket_error", "connector_information", "Interruption", "user__transcript"):
            conversation.socket.send(f'{{"type":"{kind}","new_event":{{"x":1}}}}')
        await trio.sleep_forever()

    ran, _, _ = play(script, "agent.addEventListener(AgentsEvents.Unknown, lambda e: Logger.write(e.data.payload.x))")
    assert ran.logged == ["1"] * 5


def test_one_whose_conversation_is_over_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(
        """
import gc, weakref
from voxrun import *

async def converse():
    agent = await ElevenLabs.createAgentsClient(xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a")
    setTimeout(agent.close, 1000)
    return weakref.ref(agent)

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    event.call.answer()
    over = await converse()
    def look():
        for _ in range(MOST_RECORDS):  # the trace, which has a bound, keeps the newest events
            Logger.write("look")
        gc.collect()
        Logger.write(f"forgotten {over() is None}")
        VoxEngine.terminate()
    setTimeout(look, 3000)
""".replace("MOST_RECORDS", str(KEPT_RECORDS))
    )
    service = AgentService(greet)
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=service.start))
    assert ran.logged[-1:] == ["forgotten True"]
