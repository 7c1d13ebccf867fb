"""Downloads of real audio files, over memory and over loopback TCP."""

import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import outcome
import pytest
import soundfile
import trio
import trio.testing
from tests.kit import hum, inline, tone
from tests.media.noise import noise

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError, RemoteError, ScenarioError, VoxrunError
from voxrun.media.read_ahead import AudioSource
from voxrun.media.sounds import AudioRequest
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.sound_library import DOWNLOAD_LIMITS, SoundLibrary, TextFile

HOST = "127.0.0.1"

Answer = Callable[[Request], Awaitable[Reply | Upgrade]]


def encoded(samples: Samples, form: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format=form)
    return file.getvalue()


def whole(source: AudioSource) -> Samples:
    samples = source.read(10**6)
    source.close()
    return samples


def fetch(network: Network, answer: Answer, path: str = "/a.wav", request: AudioRequest | None = None) -> Samples:
    async def main() -> Samples:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, network, HOST, 0, answer)
            library = SoundLibrary(network, inline, hum)
            asked = AudioRequest(
                f"http://{HOST}:{port}{path}",
                request.method if request else "GET",
                request.headers if request else (),
                request.body if request else b"",
            )
            result = await outcome.acapture(library.open, asked)
            nursery.cancel_scope.cancel()
        return whole(result.unwrap())

    return trio.run(main)


def giving(body: bytes, status: int = 200) -> Answer:
    async def answer(request: Request) -> Reply | Upgrade:
        return Reply(status, body)

    return answer


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_file_is_downloaded_and_played(network: Network, form: str) -> None:
    said = tone(16_000, 1.0)
    samples = fetch(network, giving(encoded(said, form)))
    assert len(samples) == 16_000
    assert np.corrcoef(samples, said)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (giving(b"", 404), RemoteError, "/a.wav was answered with HTTP 404"),
        (giving(b"<html>", 200), ConfigurationError, "/a.wav' is no audio file"),
        (giving(b"", 200), ConfigurationError, "/a.wav' is empty; wav, flac, ogg and mp3"),
        (giving(bytes(DOWNLOAD_LIMITS.size)), RemoteError, "sent an HTTP response of more than 10485760 bytes"),
    ],
)
def test_what_is_no_file_is_told_without_the_query(
    network: Network, answer: Answer, error: type[VoxrunError], message: str
) -> None:
    with pytest.raises(error) as caught:
        fetch(network, answer, "/a.wav?key=secret")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_download_may_take_12_seconds() -> None:
    async def late(request: Request) -> Reply | Upgrade:
        await trio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, network, HOST, 0, late)
            with pytest.raises(RemoteError, match="did not answer the HTTP request within 12 s"):
                await SoundLibrary(network, inline, hum).open(AudioRequest(f"http://{HOST}:{port}/"))
            assert trio.current_time() - begun == pytest.approx(12.0)
            nursery.cancel_scope.cancel()

    clock = trio.testing.MockClock(autojump_threshold=0)
    begun = clock.current_time()
    trio.run(main, clock=clock)


def test_a_request_has_its_headers_and_body(network: Network) -> None:
    requests: list[Request] = []

    async def answer(request: Request) -> Reply | Upgrade:
        requests.append(request)
        return Reply(200, encoded(noise(0.1), "WAV"))

    fetch(network, answer, "/a", AudioRequest("http://x", "POST", (("x-key", "k"),), b"say hello"))
    (request,) = requests
    assert (request.method, request.headers["x-key"], request.headers["content-length"]) == ("POST", "k", "9")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_local_file_is_a_path_or_a_url(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a b.wav"
    soundfile.write(path, noise(0.5), 16_000)
    url = form.format(str(path).replace(" ", "%20") if form != "{}" else path)
    source = trio.run(SoundLibrary(MemoryNetwork(), inline, hum).open, AudioRequest(url))
    assert np.array_equal(whole(source), noise(0.5))


@pytest.mark.parametrize(
    "url", ["a\0.wav", "file:///a%00.wav", "http://[a/b.wav", "http://[a/b.wav?s3cret", "\ud800.wav"]
)
def test_what_can_be_no_path_and_no_address_is_told_at_once(url: str) -> None:
    with pytest.raises(ScenarioError, match="is no path and no address") as caught:
        AudioRequest(url)
    assert "s3cret" not in str(caught.value)


def test_what_a_sandbox_does_not_download_is_told_without_the_query() -> None:
    library = SoundLibrary(MemoryNetwork(), inline, hum, Path("/sounds"))
    with pytest.raises(ConfigurationError, match=r"http://a/b\.wav is not downloaded: --sandbox") as caught:
        trio.run(library.open, AudioRequest("http://ada:s3cret@a/b.wav?s3cret"))
    assert "s3cret" not in str(caught.value)


def test_another_scheme_is_told_at_once() -> None:
    with pytest.raises(ScenarioError, match="not ftp addresses"):
        AudioRequest("ftp://a/b.wav")


def test_a_transcript_that_is_being_written_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "a.transcript.jsonl"
    first = TextFile(path)
    first.write("{}\n")
    with pytest.raises(OSError, match="another recording is still being written into it"):
        TextFile(path)
    first.write("{}\n")
    first.close()
    assert path.read_text() == "{}\n{}\n"
    TextFile(path).close()
    assert path.read_text() == ""
