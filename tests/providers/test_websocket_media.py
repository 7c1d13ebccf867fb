"""WebSockets of the scenario's own: audio there and back."""

import json
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import trio
from tests.providers.socket_play import URL, Play, kinds, listen, times

from voxrun.errors import ScenarioError
from voxrun.protocol.voxengine_media import OutgoingStream, WebSocketAudioEncoding
from voxrun.testing import WebSocketPeer, at, hangUp, say, simulate, speech, stall, tone
from voxrun.testing.sounds import render

STARTED, ENDED = "WebSocket.MediaEventStarted", "WebSocket.MediaEventEnded"


def peers_of(play: Play, body: str, **more: object) -> list[WebSocketPeer]:
    """The peers of a scenario that only talks, and ends well."""
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await listen(peer)

    play(body, talk, **more).expectOk()
    return peers


# To the peer.


@pytest.mark.parametrize(
    ("encoding", "rate"), [("PCM8", 8000), ("PCM16", 16_000), ("ULAW", 8000), ("ALAW", 8000), ("OPUS", 48_000)]
)
def test_what_the_caller_says_reaches_the_peer(play_socket: Play, encoding: str, rate: int) -> None:
    body = f'call.sendMediaTo(connect(), {{"encoding": Encoding.{encoding}, "tag": "caller"}})\n'
    (peer,) = peers_of(play_socket, body, caller=[at(1.0, say(speech(2.0)))])
    heard = peer.heard("caller")
    assert (peer.started["caller"].encoding, heard.rate) == (encoding, rate)
    begin, end = heard.audible(gap=1.0)[0].begin, heard.audible(gap=1.0)[-1].end
    assert [begin, end] == pytest.approx([1.0, 3.0], abs=0.05)
    assert heard.seconds == pytest.approx(5.0, abs=0.1)


def test_linear_audio_at_the_calls_own_rate_arrives_to_the_sample(play_socket: Play) -> None:
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await listen(peer)

    body = "call.sendMediaTo(connect(), encoding=Encoding.PCM16_16KHZ)\n"
    call = play_socket(body, talk, caller=[at(1.0, say(speech(1.0)))]).expectOk()
    said = call.caller.said.slice(1.0, 2.0).samples
    assert said.any()
    assert peers[0].heard().samples.tobytes().find(said.tobytes()) % 2 == 0


def test_what_was_routed_before_it_was_open_reaches_the_peer(play_socket: Play) -> None:
    more = {"caller": [at(2.0, say(tone(1.0)))], "faults": [at(0.0, stall(1.0))]}
    (peer,) = peers_of(play_socket, "call.sendMediaTo(connect())\n", **more)
    assert [span.begin for span in peer.heard().audible()] == [pytest.approx(2.0, abs=0.05)]


def test_the_default_is_linear_at_8_khz_without_a_tag(play_socket: Play) -> None:
    (peer,) = peers_of(play_socket, "call.sendMediaTo(connect())\n")
    assert json.loads(peer.messages[0]) == {
        "event": "start",
        "sequenceNumber": 0,
        "start": {"mediaFormat": {"encoding": "PCM8", "sampleRate": 8000}},
    }
    media = [json.loads(message) for message in peer.messages[1:-1]]
    assert [one["sequenceNumber"] for one in media] == list(range(1, len(media) + 1))
    assert [one["media"]["timestamp"] for one in media] == [160 * number for number in range(len(media))]
    info = json.loads(peer.messages[-1])["stop"]["mediaInfo"]
    assert info == {"bytesSent": 320 * len(media), "duration": 20 * len(media)}


def test_several_senders_are_streams_of_their_own(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        ws = connect()
        player = VoxEngine.createToneScriptPlayer("425@-19;10(*/0/1)", loop=True)
        call.sendMediaTo(ws, tag="caller", encoding="ULAW", customParameters={"who": call.callerid(), "n": 1})
        player.sendMediaTo(ws, tag="music", encoding="PCM16")
        """,
        caller=[at(2.0, say(tone(1.0)))],
    )
    assert {tag: (it.encoding, dict(it.parameters)) for tag, it in peer.started.items()} == {
        "caller": ("ULAW", {"who": "anonymous", "n": "1"}),
        "music": ("PCM16", {}),
    }
    assert [span.begin for span in peer.heard("caller").audible()] == [pytest.approx(2.0, abs=0.05)]
    assert peer.heard("music").audible()[0].begin < 0.5


def test_the_name_of_an_event_is_a_text_here_too(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        since = CallEvents.Connected
        call.sendMediaTo(connect(), tag=since, customParameters={"since": since})
        """,
    )
    assert {tag: dict(it.parameters) for tag, it in peer.started.items()} == {
        "Call.Connected": {"since": "Call.Connected"}
    }


def test_a_new_stream_of_a_tag_ends_the_one_before(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        ws = connect()
        player = VoxEngine.createToneScriptPlayer("425@-19;10(*/0/1)", loop=True)
        call.sendMediaTo(ws, tag="a")
        setTimeout(lambda: player.sendMediaTo(ws, tag="a"), 1000)
        setTimeout(lambda: player.sendMediaTo(ws, tag="b"), 2000)
        setTimeout(lambda: player.stopMediaTo(ws), 3000)
        """,
    )
    assert kinds(peer) == [
        *("start a", "media a", "stop a"),
        *("start a", "media a", "stop a"),
        *("start b", "media b", "stop b"),
    ]


def test_to_say_the_same_again_changes_nothing(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        ws = connect()
        for wait in (0, 500, 1000):
            setTimeout(lambda: call.sendMediaTo(ws, tag="a", customParameters={"b": "c"}), wait)
        setTimeout(lambda: VoxEngine.sendMediaBetween(ws, call), 1500)
        setTimeout(lambda: VoxEngine.sendMediaBetween(ws, call), 2000)
        setTimeout(lambda: VoxEngine.stopMediaBetween(ws, call), 2500)
        """,
    )
    assert kinds(peer) == ["start a", "media a", "stop a", "start", "media", "stop"]


def test_a_route_made_while_it_connects_carries_audio_once_it_is_open(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        ws = connect()
        call.sendMediaTo(ws, tag="never")
        call.stopMediaTo(ws)
        call.sendMediaTo(ws, tag="caller")
        ws.send("first")
        """,
    )
    assert kinds(peer) == ["first", "start caller", "media caller", "stop caller"]


def test_parameters_mean_nothing_to_other_units(play_socket: Play) -> None:
    """A published scenario says how it wants the peer's audio encoded on its way to the call."""

    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(1.0))
        await listen(peer)

    body = "ws = connect()\nws.sendMediaTo(call, {'encoding': Encoding.ULAW})\ncall.sendMediaTo(call, {'tag': 'x'})\n"
    play_socket(body, talk).expectOk()
    assert isinstance(play_socket("call.sendMediaTo(call, {'rate': 1})\n", talk).outcome.error, ScenarioError)


# From the peer.


def test_a_stream_is_told_of_when_it_is_heard(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        await trio.sleep(1.0)
        peer.say(tone(2.0), encoding="ULAW", parameters={"utterance": 1})
        peer.say(tone(0.5), encoding="PCM16", parameters={"utterance": 2})
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk).expectOk()
    assert times(call, STARTED) == [pytest.approx(1.0, abs=0.05), pytest.approx(3.0, abs=0.05)]
    assert times(call, ENDED) == [pytest.approx(3.0, abs=0.05), pytest.approx(3.5, abs=0.05)]
    first, second = (event.payload for event in call.events.named(STARTED))
    assert (first.tag, first.encoding, first.customParameters) == (None, "ULAW", {"utterance": "1"})
    assert (second.tag, second.encoding, second.customParameters) == (None, "PCM16", {"utterance": "2"})
    assert [event.payload.mediaInfo.duration for event in call.events.named(ENDED)] == [2.0, 0.5]
    (span,) = call.caller.heard.audible()
    assert [span.begin, span.end] == pytest.approx([1.0, 3.5], abs=0.05)


def test_linear_audio_at_the_calls_own_rate_is_heard_to_the_sample(play_socket: Play) -> None:
    voice = speech(1.0)

    async def talk(peer: WebSocketPeer) -> None:
        await trio.sleep(0.5)
        peer.say(voice)
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk, caller=[]).expectOk()
    assert call.caller.heard.contains(render(voice, 16_000))


def test_a_pause_of_a_second_ends_what_is_heard(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        stream = OutgoingStream(WebSocketAudioEncoding.PCM16, "", None)
        peer.send(stream.start())
        for pause in (0.9, 1.1, 0.0):
            peer.send(stream.media(np.full(320, 1000, np.int16)))
            await trio.sleep(pause)
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk).expectOk()
    assert times(call, STARTED) == [pytest.approx(0.0, abs=0.05), pytest.approx(2.0, abs=0.05)]
    assert times(call, ENDED) == [pytest.approx(1.92, abs=0.05), pytest.approx(3.02, abs=0.05)]


def test_a_barge_in_silences_within_a_tick_and_what_comes_later_is_heard(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        stream = OutgoingStream(WebSocketAudioEncoding.PCM16, "", None)
        sound = np.full(320, 4000, np.int16)
        peer.send(stream.start())
        for _ in range(300):
            peer.send(stream.media(sound))
        async for _ in peer:
            await trio.sleep(1.5)
            for _ in range(50):
                peer.send(stream.media(sound))
            peer.send(stream.stop())

    call = play_socket(
        """
        ws = connect()
        ws.sendMediaTo(call)
        setTimeout(lambda: (ws.clearMediaBuffer(), ws.send("cleared")), 2000)
        """,
        talk,
    ).expectOk()
    heard = call.caller.heard
    assert heard.silentBetween(2.03, 3.4)
    first, second = heard.audible()
    assert first.end == pytest.approx(2.0, abs=0.03)
    assert [second.begin, second.end] == pytest.approx([3.5, 4.5], abs=0.05)
    assert times(call, ENDED) == [pytest.approx(3.0, abs=0.05), pytest.approx(4.5, abs=0.05)]


def test_what_was_stopped_ends_at_once_when_it_is_cleared(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(3.0), tag="a")
        peer.say(tone(3.0), tag="b")
        await listen(peer)

    call = play_socket(
        """
        ws = connect()
        ws.sendMediaTo(call, {"tag": "a"})
        ws.sendMediaTo(VoxEngine.createRecorder(name="b.wav"), {"tag": "b"})
        setTimeout(lambda: ws.clearMediaBuffer({"tag": "a"}), 1000)
        setTimeout(lambda: ws.clearMediaBuffer({"tag": "nobody"}), 2000)
        """,
        talk,
    ).expectOk()
    assert [event.payload.tag for event in call.events.named(ENDED)] == ["a", "b"]
    assert times(call, ENDED) == pytest.approx([1.0, 3.0], abs=0.05)


def test_a_tag_says_who_hears_what(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(2.0), tag="a")
        peer.say(tone(1.0), tag="b")
        await listen(peer)

    call = play_socket(
        """
        ws = connect()
        recorder = VoxEngine.createRecorder(name="b.wav")
        ws.sendMediaTo(call, tag="a")
        ws.sendMediaTo(recorder, tag="b")
        setTimeout(lambda: ws.stopMediaTo(call, tag="b"), 500)
        setTimeout(lambda: ws.stopMediaTo(call), 1000)
        """,
        talk,
    ).expectOk()
    assert [span.end for span in call.caller.heard.audible()] == [pytest.approx(1.0, abs=0.05)]
    routes = [(it["change"], it["source"], it["sink"]) for it in call.records if it["kind"] == "route"]
    assert routes[:3] == [
        ("connect", "websocket-1 a", "call-1"),
        ("connect", "websocket-1 b", "recorder-1"),
        ("disconnect", "websocket-1 a", "call-1"),
    ]
    assert call.warnings == []


def test_a_stream_under_a_tag_that_nobody_asked_for_is_warned_of_once(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        for _ in range(2):
            peer.say(tone(0.5), tag="agent")
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk).expectOk()
    assert call.warnings == [
        "websocket-1 sends a stream with the tag 'agent', and nobody hears it: sendMediaTo was told the tag ''"
    ]
    assert call.caller.heard.silentFrom(0.0)


def test_ten_seconds_wait_and_the_rest_is_dropped_and_counted(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(12.0))
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk, ends="    setTimeout(call.hangup, 13000)\n")
    (span,) = call.expectOk().caller.heard.audible()
    assert span.end - span.begin == pytest.approx(10.0, abs=0.05)
    (losses,) = (record for record in call.records if record["kind"] == "losses" and record["of"] == "websocket-1")
    assert losses["samples_too_many"] == 2 * 16_000
    waiting = [record["waiting"] for record in call.records if record["kind"] == "level"]
    assert waiting[0]["websocket-1"] == pytest.approx(9.0, abs=0.1)  # looked at once a second


# With others.


@pytest.mark.parametrize("tag", ["", "voice"])
def test_it_hears_a_conference_without_itself(play_socket: Play, tag: str) -> None:
    (first, second) = peers_of_talkers(play_socket, tag)
    assert first.heard().seconds > 4
    assert first.heard().silentFrom(0.1)
    assert second.heard().audible()[0].end == pytest.approx(2.0, abs=0.1)


def peers_of_talkers(play: Play, tag: str) -> list[WebSocketPeer]:
    """Two in a conference; the first one talks for a second, from the second one on."""
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await trio.sleep(1.0)
        if peer is peers[0]:
            peer.say(tone(1.0), tag)
        await listen(peer)

    body = f"""
    room = VoxEngine.createConference()
    for ws in (connect(), connect()):
        ws.sendMediaTo(room, tag={tag!r})
        room.sendMediaTo(ws)
    """
    play(dedent(body), talk).expectOk()
    return peers


def test_it_hears_a_conference_without_any_of_its_streams(play_socket: Play) -> None:
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await trio.sleep(1.0)
        if peer is peers[0]:
            for tag in ("", "low", "high"):
                peer.say(tone(1.0), tag)
        await trio.sleep(0.5)
        if peer is peers[0]:
            peer.say(tone(1.0), "late")
        else:
            peer.say(tone(1.0), "low")
        await listen(peer)

    body = """
    room = VoxEngine.createConference()
    for ws in (connect(), connect()):
        for tag in ("", "low", "high", "late"):
            ws.sendMediaTo(room, tag=tag)
        room.sendMediaTo(ws)
    """
    play_socket(dedent(body), talk).expectOk()
    first, second = peers
    (span,) = first.heard().audible()
    assert [span.begin, span.end] == pytest.approx([1.5, 2.5], abs=0.1)
    (other,) = second.heard().audible()
    assert [other.begin, other.end] == pytest.approx([1.0, 2.5], abs=0.1)
    assert second.heard().level(1.1, 1.4) > second.heard().level(2.1, 2.4) + 6.1  # three voices, not two


def test_one_websocket_may_be_sent_to_another(play_socket: Play) -> None:
    peers: dict[str, WebSocketPeer] = {}

    async def talk(peer: WebSocketPeer) -> None:
        peers[peer.request.query["who"]] = peer
        if peer.request.query["who"] == "speaker":
            peer.say(tone(1.0), tag="voice")
        await listen(peer)

    play_socket(
        f"""
        speaker = VoxEngine.createWebSocket("{URL}?who=speaker")
        hearer = VoxEngine.createWebSocket("{URL}?who=hearer")
        speaker.sendMediaTo(hearer, tag="voice", encoding="PCM16")
        """,
        talk,
    ).expectOk()
    assert kinds(peers["hearer"]) == ["start voice", "media voice", "stop voice"]
    assert peers["hearer"].heard("voice").audible()


def test_a_call_that_ends_ends_its_stream_and_no_other(play_socket: Play) -> None:
    (peer,) = peers_of(
        play_socket,
        """
        ws = connect()
        player = VoxEngine.createToneScriptPlayer("425@-19;10(*/0/1)", loop=True)
        player.sendMediaTo(ws, tag="player")
        call.sendMediaTo(ws, tag="call")
        call.removeEventListener(CallEvents.Disconnected)
        call.addEventListener(CallEvents.Disconnected, lambda e: setTimeout(VoxEngine.terminate, 1000))
        """,
        caller=[at(1.0, hangUp())],
        idleSeconds=60,
    )
    assert [kind for kind in kinds(peer) if not kind.startswith("media")] == [
        *("start player", "start call", "stop call", "stop player")
    ]


def test_in_the_language(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(
        dedent(f"""
        on AppEvents.CallAlerting as {{ call }} {{
            const ws = VoxEngine.createWebSocket("{URL}", {{
                protocols: ["a"],
                headers: [{{ name: "X-A", value: "b" }}],
            }})
            on ws WebSocketEvents.OPEN {{ ws.send(ws.readyState) }}
            on ws WebSocketEvents.MEDIA_STARTED as {{ tag, encoding, customParameters }} {{
                log "${{tag}} ${{encoding}} ${{customParameters.n}}"
            }}
            on ws WebSocketEvents.MEDIA_ENDED as {{ mediaInfo }} {{ log "${{mediaInfo.duration}}" }}
            on ws WebSocketEvents.MESSAGE as {{ text }} where parse(text).customEvent == "clear" {{
                ws.clearMediaBuffer({{ tag: "a" }})
            }}
            on ws WebSocketEvents.CLOSE as {{ code, wasClean }} {{
                log "${{code == WebSocketCloseCode.CLOSE_NORMAL}} ${{wasClean}}"
                log "${{ws.readyState == WebSocketReadyState.CLOSED}}"
                VoxEngine.terminate()
            }}
            call.answer()
            call.sendMediaTo(ws, {{
                encoding: WebSocketAudioEncoding.PCM16_8KHZ,
                tag: "x",
                customParameters: {{ n: 1 }},
            }})
            ws.sendMediaTo(call, {{ tag: "a" }})
        }}
        """)
    )
    heard: list[str] = []

    async def talk(peer: WebSocketPeer) -> None:
        heard.append(await anext(peer))
        peer.say(tone(3.0), tag="a", parameters={"n": 2})
        await trio.sleep(1.0)
        peer.send({"customEvent": "clear"})
        await trio.sleep(1.0)
        heard.append(peer.started["x"].encoding)

    call = simulate(path, web={URL: talk}).expectOk()
    assert call.log == ["a PCM16 2", "1.0", "true true", "true"]
    assert heard == ["open", "PCM8"]
    assert [span.end for span in call.caller.heard.audible()] == [pytest.approx(1.0, abs=0.05)]
