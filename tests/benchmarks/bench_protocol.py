"""What the ElevenLabs Agents protocol costs, with stdlib json and base64 beside it; run it by hand."""

import base64
import json
import sys
import timeit
from collections.abc import Callable

from voxrun.protocol.elevenlabs.agents_client import AgentsClientProtocol, AudioReceived
from voxrun.protocol.elevenlabs.agents_server import AgentsServerProtocol
from voxrun.protocol.elevenlabs.agents_server_messages import ConversationMetadata, ConversationMetadataData

FRAME = bytes(range(256)) * 2 + bytes(128)  # 20 ms of 16 kHz PCM
SECOND = bytes(range(256)) * 125  # 1 s of it


def microseconds(call: Callable[[], object], repeats: int) -> float:
    """The best of seven rounds, per call."""
    return min(timeit.repeat(call, number=repeats, repeat=7)) / repeats * 1e6


def main() -> None:
    """Print a table of us per call."""
    client, server = AgentsClientProtocol(), AgentsServerProtocol()
    client.initiate()
    client.receive(server.send(ConversationMetadata(ConversationMetadataData("conv", "pcm_16000", "pcm_16000"))))
    speech = server.audio(1, SECOND)
    (uplink,) = client.audio(FRAME)
    assert client.receive(speech) == [AudioReceived(1, SECOND)]

    def stdlib_send() -> str:
        return json.dumps({"user_audio_chunk": base64.b64encode(FRAME).decode()})

    def stdlib_receive() -> bytes:
        return base64.b64decode(json.loads(speech)["audio_event"]["audio_base_64"])

    rows: list[tuple[str, Callable[[], object], Callable[[], object] | None, int]] = [
        ("20 ms frame sent", lambda: client.audio(FRAME), stdlib_send, 100_000),
        ("1 s agent message received", lambda: client.receive(speech), stdlib_receive, 2_000),
        ("20 ms frame received by the service", lambda: server.receive(uplink), None, 50_000),
        ("1 s agent message sent by the service", lambda: server.audio(1, SECOND), None, 5_000),
        (
            "ping received and answered",
            lambda: client.receive('{"type":"ping","ping_event":{"event_id":1}}'),
            None,
            20_000,
        ),
    ]
    for what, ours, stdlib, repeats in rows:
        against = f"   json+base64 {microseconds(stdlib, repeats):7.2f} us" if stdlib else ""
        sys.stdout.write(f"{what:38} {microseconds(ours, repeats):7.2f} us{against}\n")


if __name__ == "__main__":
    main()
