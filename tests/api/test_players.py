"""Players as scenarios make them: from the web, and with wrong arguments."""

import io

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Play, ScriptedLeg, Setting
from tests.media.noise import noise

from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply, Request, Upgrade, serve


async def web(network: MemoryNetwork, nursery: trio.Nursery) -> None:
    """A server with one file, which it takes a second to find."""
    file = io.BytesIO()
    soundfile.write(file, noise(0.5), 16_000, format="FLAC")

    async def answer(request: Request) -> Reply | Upgrade:
        await trio.sleep(1.0)
        allowed = request.headers.get("x-key") == "k" and request.path == "/prompt"
        return Reply(200, file.getvalue()) if allowed else Reply(404, b"")

    await nursery.start(serve, network, "web.test", 80, answer)


ANSWER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        event.call.answer()
        headers = [{{"name": "x-key", "value": "k"}}]
        request = {{"url": "http://web.test/{path}", "headers": headers}}
        player = VoxEngine.createURLPlayer(request, progressivePlayback=True)
        player.sendMediaTo(event.call)
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(event.call.hangup, 100))
    """


def test_a_file_of_the_web_is_played_once_it_is_there(play: Play) -> None:
    leg = ScriptedLeg()
    ran = play(ANSWER.format(path="prompt"), Setting(leg=leg, background=web))
    times = {record["name"]: record["t"] for record in ran.of_kind("event")}
    assert times["Player.PlaybackReady"] == pytest.approx(1.0, abs=0.01)
    heard = leg.everything_heard
    begin = int(heard.nonzero()[0][0])
    assert np.array_equal(heard[begin : begin + 8000], noise(0.5))


def test_a_file_that_the_web_does_not_have_is_told(play: Play) -> None:
    ran = play(ANSWER.format(path="other"), Setting(leg=ScriptedLeg(), background=web))
    message = "http://web.test/other was answered with HTTP 404"
    told = {record["name"]: record["payload"] for record in ran.of_kind("event")}
    assert told["Player.Error"]["error"] == told["Player.PlaybackFinished"]["error"] == message
    assert f": {message}\n    player = VoxEngine.createURLPlayer(" in str(ran.outcome.error)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("createTTSPlayer('a', voices='b')", "createTTSPlayer has no parameter 'voices'; did you mean 'voice'?"),
        ("createToneScriptPlayer('1@-1;1(1/1/1)', lop=1)", "has no parameter 'lop'; did you mean 'loop'?"),
        ("createSequencePlayer()", "createSequencePlayer needs the parameter 'segments'"),
        ("createURLPlayer({'url': 'http://a', 'body': {'texts': ''}})", "did you mean 'text'?"),
        ("createURLPlayer({'url': 5})", "createURLPlayer needs a text as 'url', but was given 5"),
        (
            "createURLPlayer(Path('a.wav'))",
            "from a path or an address, as a text, not from PosixPath('a.wav')",
        ),
        (
            "createURLPlayer({'url': Path('a.wav')})",
            "from a path or an address, as a text, not from PosixPath('a.wav')",
        ),
        (
            "createURLPlayer({'url': 'http://a', 'headers': [{'key': 'X'}]})",
            "a header has no parameter 'key'; it has name",
        ),
        ("createURLPlayer({'url': 'http://a', 'headers': [{'name': 'X', 'value': 5}]})", "a text as 'value', but was"),
        (
            "createURLPlayer({'url': 'http://a', 'headers': ['X-Key: ' + 's3' + 'cret']})",
            "createURLPlayer needs headers with a name and a value, and one has not\n",
        ),
        ("createURLPlayer({'url': 'http://a', 'method': 'GE T'})", "knows no method 'GE T': it has GET, POST"),
        ("createURLPlayer({'url': 'http://a', 'body': {'binary': 5}})", "text or bytes as the request's body, but was"),
        ("createURLPlayer({'url': 'http://a', 'headers': 5})", "createURLPlayer needs headers with a name and a value"),
        ("createSequencePlayer(segments=5)", "a segment takes its parameters by name or as one dict, but was given 5"),
        ("createSequencePlayer(segments='a.wav')", "by name or as one dict, but was given 'a.wav'"),
        ("createSequencePlayer(segments=None)", "a segment needs the parameter 'url'"),
        ("createWebSocket('ws://a/', headers=5)", "createWebSocket needs headers with a name and a value"),
        ("createWebSocket('ws://a/', protocols=5)", "createWebSocket can't offer the subprotocol 5"),
        ("createToneScriptPlayer(None)", "createToneScriptPlayer needs a text, but was given None"),
        ("createRecorder(name=5)", "createRecorder needs a text as 'name', but was given 5"),
        ("createRecorder(name='a.aac')", "'a.aac' can't be recorded: the name of the file ends with .wav, .flac"),
    ],
)
def test_a_wrong_argument_is_told_with_the_line(play: Play, call: str, message: str) -> None:
    ran = play(f"\nfrom pathlib import Path\nVoxEngine.{call}\n")
    assert message in str(ran.outcome.error)
    assert str(ran.outcome.error).endswith(f"\n    VoxEngine.{call}")
