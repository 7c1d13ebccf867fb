"""The server's end of a scenario's WebSocket, as tests have it."""

import re
from pathlib import Path
from typing import Any

import pytest
import soundfile
import trio

from voxrun.errors import ConfigurationError
from voxrun.testing import SimulatedCall, WebSocketPeer, at, cut, say, simulate, speech, tone
from voxrun.testing.sounds import render
from voxrun.testing.web import Answer

NO_SOUND: Any = 5
NO_TEXT: Any = ["ULAW"]

SCENARIO = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    ws = VoxEngine.createWebSocket("wss://ai.example/media/7?a=b")
    ws.onmessage = lambda e: Logger.write(e.text)
    ws.onclose = lambda e: Logger.write(f"{e.code} {e.reason}")
    ws.send("hello")
    ws.send("again")
    call.sendMediaTo(ws, tag="caller", encoding="PCM16", customParameters={"n": 1})
    ws.sendMediaTo(call)
    setTimeout(call.hangup, 4000)
"""


def play(folder: Path, talk: Answer, url: str = "wss://ai.example/media/7", **more: Any) -> SimulatedCall:
    (folder / "scenario.py").write_text(SCENARIO)
    return simulate(folder / "scenario.py", web={url: talk}, **more)


@pytest.mark.parametrize("url", ["wss://ai.example/media/7", "wss://ai.example", "wss://ai.example:443"])
def test_a_talk(tmp_path: Path, url: str) -> None:
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        assert await anext(peer) == "hello"
        peer.say(tone(1.0))
        async for text in peer:
            peer.send({"text": text})
        peer.send("nobody hears this")

    call = play(tmp_path, talk, url, caller=[at(1.0, say(speech(1.0)))]).expectOk()
    assert call.log == ['{"text": "again"}']
    (peer,) = peers
    assert peer.request.query == {"a": "b"}
    assert [request.path for request in call.webRequests] == ["/media/7"]
    started = peer.started["caller"]
    assert (started.encoding, started.rate, started.parameters) == ("PCM16", 16_000, {"n": "1"})
    assert peer.heard("caller").contains(call.caller.said.slice(1.0, 2.0))
    assert peer.heard("caller").firstSoundAfter(0.0) == pytest.approx(1.0, abs=0.03)
    assert peer.closed is not None
    assert peer.closed.code == 1000
    assert peer.messages[0] == "hello"


def test_its_return_closes_the_connection(tmp_path: Path) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        await anext(peer)

    assert play(tmp_path, talk).expectOk().log == ["1000 "]


def test_it_may_go_on_for_a_second_when_the_connection_is_closed(tmp_path: Path) -> None:
    moments: list[str] = []

    async def talk(peer: WebSocketPeer) -> None:
        async for _ in peer:
            await trio.sleep(2.4)  # the call lasts four seconds
        moments.append("after the end")
        await trio.sleep(10)
        moments.append("too late")

    play(tmp_path, talk).expectOk()
    assert moments == ["after the end"]


def test_it_may_close_and_be_cut(tmp_path: Path) -> None:
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await trio.sleep_forever()

    async def close(peer: WebSocketPeer) -> None:
        peer.close(4001, "no")
        await trio.sleep_forever()

    play(tmp_path, talk, faults=[at(1.0, cut())]).expectOk()
    assert peers[0].closed is not None
    assert peers[0].closed.code == 1006
    assert play(tmp_path, close).expectOk().log == ["4001 no"]


def test_what_it_finds_wrong_fails_the_test(tmp_path: Path) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        assert await anext(peer) == "goodbye"

    with pytest.raises(AssertionError, match="hello"):
        play(tmp_path, talk)


def test_what_its_function_does_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    async def waits(peer: WebSocketPeer) -> None:
        while True:
            await anext(peer)

    async def hears(peer: WebSocketPeer) -> None:
        await trio.sleep(2.0)
        peer.heard("callee")

    async def hears_too_soon(peer: WebSocketPeer) -> None:
        peer.heard("caller")

    async def encodes(peer: WebSocketPeer) -> None:
        peer.say(tone(1.0), encoding="mp3")

    async def encodes_all(peer: WebSocketPeer) -> None:
        peer.say(tone(1.0), encoding=NO_TEXT)

    async def says(peer: WebSocketPeer) -> None:
        peer.say(NO_SOUND)

    async def sends(peer: WebSocketPeer) -> None:
        peer.send(NO_SOUND)

    async def fails(peer: WebSocketPeer) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waits, peer)
            raise LookupError("nothing there")

    for talk, kind, told in (
        (waits, AssertionError, "the connection has ended, and no further text has come"),
        (hears, AssertionError, "no stream of the tag 'callee'; there is 'caller'"),
        (hears_too_soon, AssertionError, "no stream of the tag 'caller'; there is none at all"),
        (encodes, ConfigurationError, "encoding= takes one of PCM8, PCM16, ALAW, ULAW, OPUS, but was given 'mp3'"),
        (
            encodes_all,
            ConfigurationError,
            "encoding= takes one of PCM8, PCM16, ALAW, ULAW, OPUS, but was given ['ULAW']",
        ),
        (says, ConfigurationError, "what is said is a file, tone(…), speech(…) or sentence(…), not 5"),
        (sends, ConfigurationError, "message= takes a text, or an object for JSON, but was given 5"),
        (fails, LookupError, "nothing there"),
    ):
        with pytest.raises(kind, match=re.escape(told)) as found:
            play(tmp_path, talk)
        own = [entry for entry in found.traceback if Path(entry.path) == Path(__file__)]
        assert own[-1].name == talk.__name__


def test_it_says_what_is_in_a_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hello.wav", render(tone(1.0), 16_000), 16_000)

    async def talk(peer: WebSocketPeer) -> None:
        peer.say("hello.wav")
        async for _ in peer:
            pass

    assert play(tmp_path, talk).expectOk().caller.heard.contains(tone(0.9))


def test_a_plain_answer_refuses(tmp_path: Path) -> None:
    assert play(tmp_path, {"error": "full"}).log[0].startswith("1006 ai.example:443 ")
