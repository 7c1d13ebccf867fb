"""The scenarios that come with voxrun, in virtual time; as real processes they are in localagent/test_main_job.py."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.kit import Ran, ScriptedLeg, Setting, inline, simulate, tone

from voxrun.audio.frame import Samples
from voxrun.errors import RemoteError
from voxrun.localagent.server import serve_agent
from voxrun.protocol.elevenlabs.agents_server import ContextualUpdateReceived, ConversationInitiated
from voxrun.protocol.elevenlabs.agents_server_messages import UserTranscript, UserTranscriptionData
from voxrun.transports.network import MemoryNetwork

SCENARIOS = Path(__file__).parents[1] / "scenarios"
RATE = 16_000
TICK = RATE // 50


def recording(name: str) -> Samples:
    samples, rate = soundfile.read(SCENARIOS / "audio" / name, dtype="int16")
    assert rate == RATE
    return np.asarray(samples, np.int16)


def run(scenario: str, says: Samples, setting: Setting | None = None) -> tuple[Ran, Samples]:
    """The run, and what the caller heard from the connection on."""
    leg = ScriptedLeg(RATE, says)
    given = setting or Setting()
    ran = simulate(SCENARIOS / scenario, Setting(leg=leg, secrets=given.secrets, background=given.background))
    assert ran.outcome.error is None
    assert ran.events[-1] == "Application.Terminated"
    return ran, leg.everything_heard


def where(samples: Samples, wanted: Samples) -> int:
    """At which sample `wanted` begins in `samples`; -1 if it isn't there."""
    at = samples.tobytes().find(wanted.tobytes())
    return at // 2 if at % 2 == 0 else -1


def test_echo_lets_the_caller_hear_himself_for_ten_seconds() -> None:
    said = tone(RATE, 11.0, 300.0)
    ran, heard = run("echo.py", said)
    assert ran.seconds == pytest.approx(10, abs=0.1)
    begin = int(np.flatnonzero(heard)[0]) // TICK * TICK
    assert begin <= 2 * TICK
    assert len(heard) > 9.9 * RATE
    assert np.array_equal(heard[begin:], said[: len(heard) - begin])


def test_announce_plays_the_announcement_whole_and_hangs_up() -> None:
    announcement = recording("announcement.flac")
    ran, heard = run("announce.py", np.zeros(0, np.int16))
    at = where(heard, announcement)
    assert 0 <= at < RATE
    assert not heard[:at].any()
    assert not heard[at + len(announcement) :].any()
    assert ran.seconds == pytest.approx(len(announcement) / RATE, abs=1)
    assert "Player.PlaybackFinished" in ran.events


@pytest.fixture(scope="module")
def local_agent() -> Setting:
    """A network with the local agent in it."""
    for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
        pytest.importorskip(library, reason="needs the local-agent extra")

    async def serve(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        await nursery.start(partial(serve_agent, offload=inline), network, "agent.test", 80)

    return Setting(background=serve, secrets={"ELEVENLABS_API_KEY": "k"})


@pytest.fixture(scope="module")
def reception(local_agent: Setting) -> tuple[Ran, Samples]:
    """The main job: a recorded caller and the local agent."""
    return run("receptionist.py", recording("caller.flac"), local_agent)


def agent_events(ran: Ran, name: str) -> list[tuple[float, dict[str, object]]]:
    """When, counted from the connection, and what."""
    events = ran.of_kind("event")
    connected = next(record["t"] for record in events if record["name"] == "Call.Connected")
    return [
        (record["t"] - connected, record["payload"]["data"]["payload"])
        for record in events
        if record["name"] == f"ElevenLabs.Agents.{name}"
    ]


def test_the_receptionist_understands_answers_and_says_goodbye(reception: tuple[Ran, Samples]) -> None:
    ran, _ = reception
    assert [payload["user_transcript"] for _, payload in agent_events(ran, "UserTranscript")] == [
        "What are your opening hours today?",
        "Can I book an appointment for tomorrow morning?",
        "No thank you, goodbye.",
    ]
    said = [str(payload["agent_response"]) for _, payload in agent_events(ran, "AgentResponse")]
    assert [text.split(":")[0].split(".")[0] for text in said] == [
        "Hello, this is Riverside Dental",
        "nine to five",
        "You are booked for ten o'clock tomorrow",
        "Thank you for calling Riverside Dental",
    ]
    assert [payload["tool_name"] for _, payload in agent_events(ran, "ClientToolCall")] == ["opening_hours"]
    assert [payload["tool_name"] for _, payload in agent_events(ran, "AgentToolResponse")] == [
        "opening_hours",
        "end_call",
    ]


def test_the_receptionist_falls_silent_within_a_tick_of_the_interruption(reception: tuple[Ran, Samples]) -> None:
    ran, heard = reception
    ((interrupted, _),) = agent_events(ran, "Interruption")
    answered = next(at for at, _ in agent_events(ran, "AgentResponse") if at > interrupted)
    first, last = round(interrupted * RATE), round(answered * RATE)
    assert heard[first - RATE // 2 : first].any()
    assert not heard[first + TICK : last - TICK].any()
    assert heard[last : last + RATE].any()


def test_say_says_its_sentence_and_hangs_up(local_agent: Setting) -> None:
    ran, heard = run("say.py", np.zeros(0, np.int16), local_agent)
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 50) / RATE
    assert loud[0] < 0.2
    assert 4 < loud[-1] < 8
    assert ran.seconds == pytest.approx(loud[-1], abs=0.5)
    assert ran.events.count("Player.PlaybackFinished") == 1


async def break_off(conversation: Conversation) -> None:
    """Say something about an appointment, then vanish."""
    await conversation.wait_for(ConversationInitiated)
    conversation.greet()
    conversation.speak(1, tone(RATE, 0.5), "Good morning.")
    conversation.send(UserTranscript(UserTranscriptionData("At ten, please.", 2)))
    await trio.sleep(1)
    raise trio.BrokenResourceError


def reconnect(service: AgentService) -> Ran:
    """The scenario, with a service that breaks."""
    setting = Setting(leg=ScriptedLeg(), secrets={"ELEVENLABS_API_KEY": API_KEY}, background=service.start)
    return simulate(SCENARIOS / "reconnect.py", setting)


def test_reconnect_goes_on_where_the_conversation_was() -> None:
    async def script(conversation: Conversation) -> None:
        if len(service.conversations) == 1:
            await break_off(conversation)
        await conversation.wait_for(ConversationInitiated)
        conversation.greet()
        await conversation.wait_for(ContextualUpdateReceived)
        conversation.speak(1, tone(RATE, 0.5), "At ten, you said.")
        await trio.sleep(1)
        conversation.socket.close(1000)
        await trio.sleep(1)

    service = AgentService(script)
    ran = reconnect(service)
    first, second = service.conversations
    assert not any(isinstance(event, ContextualUpdateReceived) for event in first.events)
    (told,) = [event for event in second.events if isinstance(event, ContextualUpdateReceived)]
    assert told.text.splitlines()[1:] == ["You: Good morning.", "Caller: At ten, please."]
    assert second.heard
    assert ran.events.count("ElevenLabs.Agents.WebSocketError") == 1
    assert ran.outcome.error is None
    assert "Call.Disconnected" in ran.events


def test_reconnect_gives_up_after_three_more_conversations() -> None:
    service = AgentService(break_off)
    ran = reconnect(service)
    assert len(service.conversations) == 4
    assert "Call.Disconnected" in ran.events
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 1006
