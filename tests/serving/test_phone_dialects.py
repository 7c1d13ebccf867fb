"""Every dialect at its own path: a call is answered with its own echo."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.kit import in_virtual_time, tone
from tests.serving.phone_caller import ECHO, served

from voxrun.audio.frame import Samples
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.transports.websocket import WebSocket, open_websocket

Message = str | bytes
MESSAGES = Path(__file__).parents[1] / "protocol" / "mediastream" / "messages"


def in_json(**around: object) -> Callable[[bytes], Message]:
    """Audio as JSON messages have it."""
    return lambda audio: json.dumps({"event": "media", **around, "media": {"payload": b64encode(audio).decode()}})


def binary(audio: bytes) -> Message:
    """Audio as it is."""
    return audio


def audio_in(message: Message) -> bytes:
    """The audio in one of our messages; nothing in others."""
    if isinstance(message, bytes):
        return message
    said = json.loads(message)
    return b64decode(said["media"]["payload"]) if "media" in said else b""


@pytest.mark.parametrize(
    ("path", "provider", "stream_format", "dress"),
    [
        ("twilio", "twilio", StreamFormat("ulaw", 8000), in_json(streamSid="MZ1")),
        ("telnyx", "telnyx", StreamFormat("alaw", 8000), in_json(stream_id="1")),
        ("plivo", "plivo", StreamFormat("pcm", 16_000), in_json(streamId="s-2")),
        ("voximplant", "voximplant", StreamFormat("pcm", 16_000), in_json()),
        ("l16", "vonage", StreamFormat("pcm", 16_000), binary),
        ("l16", "jambonz", StreamFormat("pcm", 8000), binary),
    ],
)
def test_a_call_is_echoed(
    tmp_path: Path, path: str, provider: str, stream_format: StreamFormat, dress: Callable[[bytes], Message]
) -> None:
    said: Samples = tone(stream_format.rate, 0.5)
    heard = echo(tmp_path, path, begin_of(provider), stream_format, dress, said)
    expected = stream_format.decode(stream_format.encode(said))
    whole = 20 * stream_format.rate // 50
    assert np.array_equal(heard[:whole], expected[:whole])


@pytest.mark.parametrize(
    ("announced", "stream_format", "delay"),
    [
        ('"L16","sample_rate":16000', StreamFormat("pcm", 16_000), 0),
        ('"G722","sample_rate":8000', StreamFormat("g722", 16_000), 44),
        ('"OPUS","sample_rate":16000', StreamFormat("opus", 48_000), 240),
    ],
)
def test_a_call_is_echoed_in_codecs_of_rtp(
    tmp_path: Path, announced: str, stream_format: StreamFormat, delay: int
) -> None:
    begin = [line.replace('"PCMA","sample_rate":8000', announced) for line in begin_of("telnyx")]
    said: Samples = tone(stream_format.rate, 0.5, 440.0)
    heard = echo(tmp_path, "telnyx", begin, stream_format, in_json(stream_id="1"), said)[delay:]
    some = slice(stream_format.rate // 10, stream_format.rate // 3)
    assert np.corrcoef(heard[some], said[some])[0, 1] > 0.98


def begin_of(provider: str) -> list[str]:
    """What it says first, its start included."""
    lines = (MESSAGES / f"{provider}.jsonl").read_text().splitlines()
    return lines[: next(index for index, line in enumerate(lines) if '"sampleRate"' in line or "rate" in line) + 1]


def echo(
    folder: Path,
    path: str,
    begin: list[str],
    stream_format: StreamFormat,
    dress: Callable[[bytes], Message],
    said: Samples,
) -> Samples:
    """What a caller hears who says that."""
    scenario = folder / "echo.py"
    scenario.write_text(ECHO)
    came: list[Message] = []

    async def main() -> None:
        async with (
            served(scenario) as place,
            open_websocket(place.network, place.url(f"/media/{path}")) as socket,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(socket.pump, came.append)
            for line in begin:
                socket.send(line)
            await trio.sleep(0.103)
            for frame in said.reshape(-1, stream_format.rate // 50):
                socket.send(dress(stream_format.encode(frame)))
                await trio.sleep(0.02)
            assert place.host.counters.calls == {path: 1}
            assert place.host.counters.malformed == 0
            nursery.cancel_scope.cancel()

    in_virtual_time(main)
    return np.concatenate([stream_format.decode(audio) for audio in map(audio_in, came) if audio])


def test_a_voximplant_call_outlives_its_stream_and_ends_with_the_connection(tmp_path: Path) -> None:
    scenario = tmp_path / "echo.py"
    scenario.write_text(ECHO)
    stream_format, dress = StreamFormat("pcm", 16_000), in_json()
    said = tone(16_000, 0.2).reshape(-1, 320)
    came: list[Message] = []

    async def say(socket: WebSocket) -> None:
        socket.send(begin_of("voximplant")[-1])
        await trio.sleep(0.103)
        for frame in said:
            socket.send(dress(stream_format.encode(frame)))
            await trio.sleep(0.02)
        socket.send('{"event":"stop","stop":{"tag":"caller"}}')
        socket.send(dress(stream_format.encode(said[0])))

    async def main() -> None:
        async with served(scenario) as place, trio.open_nursery() as nursery:
            async with open_websocket(place.network, place.url("/media/voximplant")) as socket:
                nursery.start_soon(socket.pump, came.append)
                await say(socket)
                await trio.sleep(30.0)
                await say(socket)
                await trio.sleep(30.0)
                assert len(place.host.sessions) == 1
            await place.over(1)
            assert place.host.counters.malformed == 0
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    heard = np.concatenate([stream_format.decode(audio) for audio in map(audio_in, came) if audio])
    loud = np.abs(heard.reshape(-1, 320)).max(axis=1) > 5000
    assert 2 * len(said) <= loud.sum() <= 2 * (len(said) + 3)  # and what conceals the end
