"""Every dialect at its own path: a call is answered with its own echo."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing
from tests.kit import tone
from tests.serving.phone_caller import ECHO, served

from voxrun.audio.frame import Samples
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.transports.websocket import open_websocket

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
    scenario = tmp_path / "echo.py"
    scenario.write_text(ECHO)
    size = stream_format.rate // 50
    said: Samples = tone(stream_format.rate, 0.5)
    lines = (MESSAGES / f"{provider}.jsonl").read_text().splitlines()
    begin = lines[: next(index for index, line in enumerate(lines) if '"sampleRate"' in line or "rate" in line) + 1]
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
            for frame in said.reshape(-1, size):
                socket.send(dress(stream_format.encode(frame)))
                await trio.sleep(0.02)
            assert place.host.counters.calls == {path: 1}
            assert place.host.counters.malformed == 0
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    heard = stream_format.decode(b"".join(audio_in(message) for message in came))
    expected = stream_format.decode(stream_format.encode(said))
    whole = 20 * size
    assert np.array_equal(heard[:whole], expected[:whole])
