"""Whole texts spoken by the provider's REST interface, scripted, over any network."""

from collections.abc import Awaitable, Callable

import msgspec
import numpy as np
import outcome
import pytest
import trio
from tests.kit import tone

from voxrun.audio.frame import Samples
from voxrun.errors import RemoteError
from voxrun.providers.elevenlabs.text_to_speech import DEFAULT_VOICE, synthesise
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply, Request, Upgrade, serve

Answer = Callable[[Request], Awaitable[Reply | Upgrade]]


def speak(answer: Answer, voice: str | None = None) -> Samples:
    async def main() -> Samples:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, network, "voice.test", 80, answer)
            result = await outcome.acapture(synthesise, network, "the-key", "Grüß Gott", voice, "http://voice.test")
            nursery.cancel_scope.cancel()
        return result.unwrap()

    return trio.run(main)


@pytest.mark.parametrize(("voice", "path"), [(None, DEFAULT_VOICE), ("a/b", "a/b")])
def test_a_text_is_asked_for_as_the_contract_says(voice: str | None, path: str) -> None:
    requests: list[Request] = []

    async def answer(request: Request) -> Reply | Upgrade:
        requests.append(request)
        return Reply(200, tone(16_000, 3.0).tobytes())

    assert np.array_equal(speak(answer, voice), tone(16_000, 3.0))
    (request,) = requests
    assert (request.method, request.path) == ("POST", f"/v1/text-to-speech/{path}")
    assert request.query == {"output_format": "pcm_16000"}
    assert request.headers["xi-api-key"] == "the-key"
    assert request.headers["content-type"] == "application/json"


def test_the_body_has_the_text_and_the_model() -> None:
    bodies: list[bytes] = []

    async def main() -> None:
        network = MemoryNetwork()

        async def attend(stream: trio.abc.Stream) -> None:
            received = b""
            while not received.endswith(b"}"):
                received += await stream.receive_some()
            bodies.append(received.partition(b"\r\n\r\n")[2])
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")

        async with trio.open_nursery() as nursery:
            await nursery.start(network.serve, "voice.test", 80, attend)
            samples = await synthesise(network, "k", "Grüß Gott", None, "http://voice.test")
            assert len(samples) == 1  # half a sample is none
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert msgspec.json.decode(bodies[0]) == {"text": "Grüß Gott", "model_id": "eleven_flash_v2_5"}


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check ELEVENLABS_API_KEY"), (404, "check the voice"), (500, "try again later")]
)
def test_a_refusal_has_the_services_words(status: int, advice: str) -> None:
    async def refuse(request: Request) -> Reply | Upgrade:
        return Reply(status, b'{"detail": "no"}')

    with pytest.raises(RemoteError) as caught:
        speak(refuse)
    message = f'ElevenLabs refused to speak with HTTP {status}: {advice} ({{"detail": "no"}})'
    assert (str(caught.value), caught.value.code) == (message, status)
