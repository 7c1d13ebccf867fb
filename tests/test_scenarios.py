"""The scenarios that come with voxrun, in virtual time; as real processes they are in localagent/test_main_job.py."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Ran, ScriptedLeg, Setting, inline, simulate, tone

from voxrun.audio.frame import Samples
from voxrun.localagent.server import serve_agent
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
def reception() -> tuple[Ran, Samples]:
    """The main job: a recorded caller and the local agent."""
    for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
        pytest.importorskip(library, reason="needs the local-agent extra")

    async def serve(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        await nursery.start(partial(serve_agent, offload=inline), network, "agent.test", 80)

    return run(
        "receptionist.py", recording("caller.flac"), Setting(background=serve, secrets={"ELEVENLABS_API_KEY": "k"})
    )


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
    assert [payload["tool_name"] for _, payload in agent_events(ran, "AgentToolResponse")] == ["end_call"]


def test_the_receptionist_falls_silent_within_a_tick_of_the_interruption(reception: tuple[Ran, Samples]) -> None:
    ran, heard = reception
    ((interrupted, _),) = agent_events(ran, "Interruption")
    answered = next(at for at, _ in agent_events(ran, "AgentResponse") if at > interrupted)
    first, last = round(interrupted * RATE), round(answered * RATE)
    assert heard[first - RATE // 2 : first].any()
    assert not heard[first + TICK : last - TICK].any()
    assert heard[last : last + RATE].any()
