"""The local agent's text-to-speech with its clients: voxrun's own player, and the official SDK."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import outcome
import pytest
import trio
from tests.cli.command import read_wav, records, voxrun, write_tone
from tests.kit import Ran, ScriptedLeg, Setting, inline, simulate

from voxrun.localagent.server import serve_agent
from voxrun.localagent.speech_settings import OUTPUT_FORMATS
from voxrun.localagent.voice import RATE
from voxrun.transports.network import MemoryNetwork, TcpNetwork

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader", "elevenlabs"):
    pytest.importorskip(library, reason="needs the extras local-agent and dev")
with warnings.catch_warnings():  # a type annotation of the SDK names a class that its WebSocket library is giving up
    for message in ("websockets.legacy is deprecated", "websockets.WebSocketClientProtocol is deprecated"):
        warnings.filterwarnings("ignore", message, DeprecationWarning)
    from elevenlabs.client import ElevenLabs
    from elevenlabs.core.api_error import ApiError

SCENARIOS = Path(__file__).parents[2] / "scenarios"

THEIR_WARNING = pytest.mark.filterwarnings("ignore:ConnectionClosed.(code|reason) is deprecated:DeprecationWarning")

SCENARIO = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    await call.waitFor(CallEvents.Connected)
    player = ElevenLabs.createRealtimeTTSPlayer(
        "",
        pathParameters={{"voice_id": "v/1 2"}},
        queryParameters={{{query}}},
        headers=[{headers}],
    )
    player.sendMediaTo(call)
    player.addEventListener(PlayerEvents.Error, lambda e: Logger.write(e.error))
    setTimeout(lambda: player.append("Good morning. Nice to hear you.", True), {delay})
    await player.waitFor(PlayerEvents.PlaybackFinished)
    Logger.write("".join(character.char for character in player.alignment()))
    Logger.write(player.alignment()[-1].startMs if player.alignment() else 0)
    call.hangup()
"""

KEY = '{"name": "xi-api-key", "value": "k"}'


def play(folder: Path, *, query: str = "", headers: str = KEY, delay: int = 0) -> tuple[Ran, ScriptedLeg]:
    """The scenario beside the local agent, in virtual time."""

    async def agent(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        await nursery.start(partial(serve_agent, offload=inline), network, "agent.test", 80)

    path = folder / "scenario.py"
    path.write_text(SCENARIO.format(query=query, headers=headers, delay=delay))
    leg = ScriptedLeg()
    return simulate(path, Setting(leg=leg, background=agent)), leg


@pytest.mark.parametrize("output", OUTPUT_FORMATS)
def test_the_player_says_a_turn_to_its_end_in_every_format(tmp_path: Path, output: str) -> None:
    ran, leg = play(tmp_path, query=f'"output_format": "{output}"')
    assert ran.outcome.error is None
    said, last_ms = ran.logged
    assert said == "Good morning. Nice to hear you. "
    heard = np.flatnonzero(np.abs(leg.everything_heard.astype(int)) > 50) / RATE
    assert 1.5 < heard[-1] < 3
    assert float(last_ms) / 1000 == pytest.approx(heard[-1], abs=0.4)
    assert ran.seconds == pytest.approx(heard[-1], abs=0.5)


def test_the_player_keeps_the_connection_until_it_has_something_to_say(tmp_path: Path) -> None:
    ran, _ = play(tmp_path, delay=60_000)
    assert ran.outcome.error is None
    assert ran.logged[0] == "Good morning. Nice to hear you. "


def test_the_player_is_told_why_it_is_refused(tmp_path: Path) -> None:
    ran, _ = play(tmp_path, headers="")
    assert ran.logged[0] == "player-1: agent.test says: a key is required, in the header xi-api-key for example"
    assert ran.outcome.error is not None


@pytest.mark.slow
def test_say_as_a_process_of_its_own(tmp_path: Path) -> None:
    wav, trace = tmp_path / "call.wav", tmp_path / "trace.jsonl"
    caller = write_tone(tmp_path / "caller.wav")
    options = ["--local-agent", "--call", str(caller), "--record", str(wav), "--trace", str(trace)]
    done = voxrun(SCENARIOS / "say.py", *options, cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    names = [record.get("name") for record in records(trace.read_text())]
    assert "Player.PlaybackFinished" in names
    heard = read_wav(wav)[:, 1]
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 50) / RATE
    assert loud[0] < 1
    assert 4 < len(loud) / RATE < 6  # not from the first to the last: between them a machine may stall
    assert len(heard) / RATE - loud[-1] < 1


def with_sdk(output_format: str) -> bytes:
    """What the official SDK gets for a text that comes in pieces."""

    def ask(port: int) -> bytes:
        client = ElevenLabs(api_key="k", base_url=f"http://127.0.0.1:{port}")
        client.text_to_speech._ws_base_url = f"ws://127.0.0.1:{port}"  # else it insists on TLS
        pieces = iter(["Good morning.", " Nice to ", "hear you."])
        return b"".join(client.text_to_speech.convert_realtime("v", text=pieces, output_format=output_format))

    async def main() -> outcome.Outcome[bytes]:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0)
            result = await trio.to_thread.run_sync(outcome.capture, ask, port)
            nursery.cancel_scope.cancel()
        return result

    return trio.run(main).unwrap()


@pytest.mark.slow
@THEIR_WARNING
def test_the_official_sdk_hears_it_all() -> None:
    samples = np.frombuffer(with_sdk("pcm_16000"), "<i2")
    assert 1.5 < len(samples) / RATE < 3.5


@pytest.mark.slow
@THEIR_WARNING
def test_the_official_sdk_is_told_that_there_is_no_mp3() -> None:
    with pytest.raises(ApiError, match="no output_format 'mp3_44100_128'") as caught:
        with_sdk("mp3_44100_128")
    assert caught.value.status_code == 1008
