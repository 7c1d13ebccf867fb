"""WebSockets of the scenario's own: the connection, from its making to its end."""

import json
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from tests.providers.socket_play import URL, Play, kinds, listen, play_scenario, times

from voxrun.errors import RemoteError, ScenarioError
from voxrun.protocol.voxengine_media import WebSocketAudioEncoding
from voxrun.testing import WebSocketPeer, at, cancelEverywhere, cut, hangUp, refuse, simulation, speech, stall, tone
from voxrun.testing.web import Answer
from voxrun.transports.server import Reply

JUST_CONNECT = "connect()\n"


def test_a_conversation_in_texts(play_socket: Play) -> None:
    peers = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        async for text in peer:
            peer.send({"customEvent": text})

    call = play_socket(
        """
        ws = connect(headers=[{"name": "X-Call", "value": call.id()}], protocols=["a", "b"])
        Logger.write(f"{ws.id()} {ws.readyState}")
        ws.send("early")
        await ws.waitFor(WebSocketEvents.OPEN)
        Logger.write(ws.readyState == WebSocketReadyState.OPEN)
        ws.send("later")
        setTimeout(lambda: (ws.close(), Logger.write(ws.readyState)), 1000)
        event = await ws.waitFor(WebSocketEvents.CLOSE)
        Logger.write(event.code == WebSocketCloseCode.CLOSE_NORMAL)
        Logger.write(f"{event.reason!r} {event.wasClean} {ws.readyState}")
        ws.send("too late")
        """,
        talk,
    ).expectOk()
    assert call.log == [
        "websocket-1 connecting",
        "Created",
        "Open",
        "True",
        'Message {"customEvent": "early"}',
        'Message {"customEvent": "later"}',
        "closing",
        "Close 1000",
        "True",
        "'' True closed",
    ]
    (warning,) = call.warnings
    assert 'websocket-1 is closed; what is sent to it now is lost\n    ws.send("too late")' in warning
    (request,) = call.webRequests
    assert (request.path, request.headers["x-call"], request.headers["sec-websocket-protocol"]) == (
        "/media",
        "call-1",
        "a, b",
    )
    assert peers[0].closed is not None
    assert (peers[0].closed.code, peers[0].closed.was_clean) == (1000, True)


def test_a_handler_of_its_own_for_each_event_runs_first(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(0.1))
        peer.send("hello")
        await trio.sleep(1)
        peer.close(4000, "enough")

    call = play_socket(
        """
        ws = connect()
        def first(event):
            Logger.write("first")
        ws.oncreated = ws.onopen = ws.onclose = ws.onmessage = first
        ws.onmediastarted = ws.onmediaended = first
        """,
        talk,
    ).expectOk()
    told = ["Created", "Open", "Message hello", "MediaEventStarted None", "MediaEventEnded None", "Close 4000"]
    assert call.log == [line for it in told for line in ("first", it)]


@pytest.mark.parametrize(
    ("web", "error"),
    [
        ({URL: 401}, "ai.example:443 refused the WebSocket with HTTP status 401"),
        ({URL: Reply(503, b"no model left")}, "no model left"),
        ({}, "web has no ai.example"),
        ({"https://ai.example:444": "x"}, "ai.example:443 refused the connection"),
    ],
)
def test_a_connection_that_is_refused_is_two_events(play_socket: Play, web: dict[str, Answer], error: str) -> None:
    call = play_socket(JUST_CONNECT, listen, web=web).expectOk()
    created, failed, closed = call.log
    assert created == "Created"
    assert failed.startswith("Error ")
    assert error in failed
    assert closed == "Close 1006"
    assert error in call.events.first("WebSocket.Close").payload.reason
    assert call.warnings == []


NOT_LISTENING = f'ws = VoxEngine.createWebSocket("{URL}")\nws.addEventListener(WebSocketEvents.MESSAGE, tell)\n'


async def break_off(peer: WebSocketPeer) -> None:
    peer.close(1011, "out of memory")


@pytest.mark.parametrize("talk", [401, break_off])
def test_what_nobody_listens_to_is_in_the_outcome(play_socket: Play, talk: Answer) -> None:
    call = play_socket(NOT_LISTENING, talk)
    assert isinstance(call.outcome.error, RemoteError)
    assert call.outcome.reason == "terminated by the scenario"


@pytest.mark.parametrize("handler", ["ws.onerror = print", "ws.addEventListener(WebSocketEvents.CLOSE, tell)"])
def test_what_the_scenario_listens_to_is_its_own_affair(play_socket: Play, handler: str) -> None:
    play_socket(f"{NOT_LISTENING}{handler}\n", 401).expectOk()


def test_a_connection_that_is_lost_and_made_again(play_socket: Play) -> None:
    peers = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await listen(peer)

    call = play_socket(
        """
        def again(event=None):
            ws = connect()
            ws.addEventListener(WebSocketEvents.CLOSE, lambda e: setTimeout(again, 500))
            VoxEngine.sendMediaBetween(call, ws)
        again()
        """,
        talk,
        faults=[at(2.0, cut())],
        caller=[],
    )
    assert [line.partition(" ")[0] for line in call.log] == ["Created", "Open", "Error", "Close", "Created", "Open"]
    assert len(peers) == 2
    call.expectOk()
    assert len(peers[1].heard().samples) == pytest.approx(8000 * 2.5, abs=400)


def test_another_connection_that_is_open_heals_the_outcome(play_socket: Play) -> None:
    body = "setTimeout(lambda: connect(), 1000)\n"
    play_socket(NOT_LISTENING + body, listen, faults=[at(0.0, refuse(0.5))]).expectOk()


def test_the_peers_own_end_with_a_code_is_no_error(play_socket: Play) -> None:
    call = play_socket(JUST_CONNECT, break_off).expectOk()
    assert call.log == ["Created", "Open", "Close 1011"]
    assert call.events.first("WebSocket.Close").payload.reason == "out of memory"


def test_what_the_peer_said_before_its_ordinary_end_is_heard(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(2.0))
        peer.close()

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\n", talk).expectOk()
    assert call.log == ["Created", "Open", "MediaEventStarted None", "MediaEventEnded None", "Close 1000"]
    assert times(call, "WebSocket.Close") == [pytest.approx(2.0, abs=0.05)]
    (span,) = call.caller.heard.audible()
    assert span.end - span.begin == pytest.approx(2.0, abs=0.01)


def test_while_the_rest_is_heard_the_scenario_may_close(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(4.0))
        peer.close()

    call = play_socket(
        "ws = connect()\nws.sendMediaTo(call)\nsetTimeout(ws.close, 1000)\nsetTimeout(ws.close, 1500)\n", talk
    ).expectOk()
    assert times(call, "WebSocket.Close") == [pytest.approx(1.0, abs=0.05)]
    assert call.caller.heard.silentFrom(1.05)


def test_the_end_of_a_call_does_not_close_it_and_the_end_of_the_session_does(play_socket: Play) -> None:
    peers = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        async for text in peer:
            peer.send(text)

    call = play_socket(
        """
        ws = connect()
        call.sendMediaTo(ws, tag="caller")
        def later():
            ws.send("still there")
            setTimeout(VoxEngine.terminate, 1000)
        call.removeEventListener(CallEvents.Disconnected)
        call.addEventListener(CallEvents.Disconnected, lambda e: setTimeout(later, 1000))
        """,
        talk,
        caller=[at(1.0, hangUp())],
        idleSeconds=60,
    ).expectOk()
    assert call.log == ["Created", "Open", "Message still there"]
    assert call.seconds == pytest.approx(3.0, abs=0.1)
    (peer,) = peers
    assert kinds(peer) == ["start caller", "media caller", "stop caller", "still there"]
    assert peer.closed is not None
    assert (peer.closed.code, peer.closed.was_clean) == (1000, True)


def test_what_is_on_its_way_when_the_scenario_closes_it_is_not_told(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        await trio.sleep(1.5)
        peer.send("late")
        await listen(peer)

    call = play_socket("ws = connect()\nsetTimeout(ws.close, 1200)\n", talk, faults=[at(1.0, stall(1.0))]).expectOk()
    assert call.log == ["Created", "Open", "Close 1000"]


def test_the_end_of_the_session_ends_its_streams(play_socket: Play) -> None:
    peers = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await listen(peer)

    play_socket('connect()\ncall.sendMediaTo(connect(), tag="b")\nsetTimeout(VoxEngine.terminate, 100)\n', talk)
    assert sorted(map(kinds, peers)) == [[], ["start b", "media b", "stop b"]]


@pytest.mark.parametrize("ends", ["ws.close()", "setTimeout(ws.close, 1000)"])
def test_the_attempt_to_connect_can_be_given_up(play_socket: Play, ends: str) -> None:
    call = play_socket(f"ws = connect()\n{ends}\n", listen, faults=[at(0.0, stall(2.0))]).expectOk()
    assert call.log == ["Created", "Close 1006"]
    assert call.events.first("WebSocket.Close").payload.reason == "closed before it was open"
    assert times(call, "WebSocket.Close")[0] <= 1.01


def test_at_whatever_moment_it_is_given_up_it_was_open_or_was_not(play_socket: Play) -> None:
    call = play_socket(
        """
        import trio
        for wait in range(60):
            ws = connect()
            for _ in range(wait):
                await trio.lowlevel.checkpoint()
            ws.close()
        """,
        listen,
    ).expectOk()
    stories: dict[str, list[str]] = {}
    for event in call.events:
        if event.unit.startswith("websocket"):
            code = event.payload.get("code")
            stories.setdefault(event.unit, []).append(f"{event.name} {code}" if code else event.name)
    given_up = ["WebSocket.Created", "WebSocket.Close 1006"]
    opened = ["WebSocket.Created", "WebSocket.Open", "WebSocket.Close 1000"]
    assert len(stories) == 60
    assert [story for story in stories.values() if story not in (given_up, opened)] == []
    assert {len(story) for story in stories.values()} == {2, 3}


def test_a_peer_that_does_not_answer_is_given_up(play_socket: Play) -> None:
    call = play_socket(JUST_CONNECT, listen, faults=[at(0.0, stall(20.0))], ends="    setTimeout(call.hangup, 15000)\n")
    assert [line.partition(" did")[0] for line in call.log] == ["Created", "Error ai.example:443", "Close 1006"]
    assert times(call, "WebSocket.Close") == [pytest.approx(10.0, abs=0.1)]


def test_after_its_end_no_route_is_made(play_socket: Play) -> None:
    call = play_socket(
        """
        ws = connect()
        await ws.waitFor(WebSocketEvents.CLOSE)
        ws.sendMediaTo(call)
        call.sendMediaTo(ws)
        ws.clearMediaBuffer()
        ws.close()
        """,
        401,
    ).expectOk()
    assert [warning.partition(": ")[2].splitlines()[0] for warning in call.warnings] == [
        "websocket-1 has ended: it has no audio for call-1 any more",
        "websocket-1 has ended: it takes no audio of call-1 any more",
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            'VoxEngine.createWebSocket("https://a.example")',
            "createWebSocket: 'https://a.example' is not a ws:// or wss://",
        ),
        (
            'VoxEngine.createWebSocket("wss://user:word@a.example")',
            "createWebSocket: 'wss://a.example' came with a name",
        ),
        ("VoxEngine.createWebSocket(7)", "createWebSocket needs a text, but was given 7"),
        ('connect(protocol="x")', "createWebSocket has no parameter 'protocol'; did you mean 'protocols'?"),
        ('connect(protocols=["a b"])', "createWebSocket can't offer the subprotocol 'a b'"),
        ('connect(headers={"A": "b"})', "createWebSocket needs headers with a name and a value"),
        ('connect(headers=[{"name": "A", "value": None}])', "createWebSocket needs headers with a name and a value"),
        (
            'connect(headers=["A: " + "b"])',
            "createWebSocket needs headers with a name and a value, both texts, and one",
        ),
        ('connect(headers=[{"name": "Host", "value": "a"}])', "createWebSocket: a WebSocket's header 'Host' is that"),
        ('connect(headers=[{"name": "A", "value": "a\\nb"}])', "createWebSocket: the HTTP header 'A' holds a line"),
        ("connect().send({})", "send needs a text, but was given {}"),
        ('call.sendMediaTo(connect(), encoding="MP3")', "a WebSocket knows no encoding 'MP3': WebSocketAudioEncoding"),
        ("call.sendMediaTo(connect(), customParameters=7)", "sendMediaTo needs its customParameters by name, but"),
        ("call.sendMediaTo(connect(), customParameters={'a': call})", "customParameters can't be sent as JSON"),
        ("call.sendMediaTo(connect(), tagg='a')", "sendMediaTo has no parameter 'tagg'; did you mean 'tag'?"),
        ("connect().clearMediaBuffer(tags='a')", "clearMediaBuffer has no parameter 'tags'; did you mean 'tag'?"),
    ],
)
def test_what_can_not_be_meant_is_said_at_once(play_socket: Play, body: str, error: str) -> None:
    outcome = play_socket(body, listen).outcome
    assert isinstance(outcome.error, ScenarioError)
    assert outcome.error.message.rpartition("in a handler of Application.CallAlerting: ")[2].startswith(error)


def test_no_secret_is_in_the_trace(play_socket: Play) -> None:
    call = play_socket(
        """
        ws = VoxEngine.createWebSocket("wss://ai.example/media?key=hidden-1", trace=True, statistics=True, headers=[
            {"name": "Authorization", "value": "Bearer hidden-2"}, {"name": "X-Api-Key", "value": "hidden-3"}])
        ws.onerror = lambda e: None
        ws.send("hidden-2 hidden-3")
        """,
        listen,
    ).expectOk()
    assert call.webRequests[0].query == {"key": "hidden-1"}
    assert "hidden" not in str(call.records)
    assert [record["url"] for record in call.records if record.get("type") == "connect"] == [URL]


def records(call: Any, kind: str, **more: object) -> list[dict[str, Any]]:
    """Those of the trace that have all this."""
    return [it for it in call.records if it["kind"] == kind and all(it.get(name) == more[name] for name in more)]


@pytest.mark.parametrize(
    ("parameters", "media", "texts", "words"),
    [("", 0, 1, 1), ("trace=True", 7, 1, 2), ("privacy=True, trace=True", 0, 0, 0)],
)
def test_what_the_trace_keeps(play_socket: Play, parameters: str, media: int, texts: int, words: int) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(0.1))
        peer.send("private words")
        await listen(peer)

    body = f'ws = connect({parameters})\nws.removeEventListener(WebSocketEvents.MESSAGE)\nws.send("ours")\n'
    call = play_socket(f"{body}setTimeout(ws.close, 1000)\n", talk).expectOk()
    received = [record for record in records(call, "wire", type="received") if '"event"' in record["text"]]
    assert len(received) == media
    assert len(records(call, "wire", type="sent", text="ours")) == texts
    assert str(call.records).count("private words") == words
    assert len(records(call, "losses", of="websocket-1")) == 1


def test_statistics(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.send("abc")
        await listen(peer)

    call = play_socket('ws = connect(statistics=True)\nws.send("hello")\nsetTimeout(ws.close, 100)\n', talk)
    (found,) = records(call, "statistics")
    assert {name: found[name] for name in ("messages_in", "messages_out", "bytes_in", "bytes_out")} == {
        "messages_in": 1,
        "messages_out": 1,
        "bytes_in": 3,
        "bytes_out": 5,
    }


def test_texts_that_wait_for_the_connection_have_a_bound(play_socket: Play) -> None:
    peers = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        await listen(peer)

    call = play_socket(
        "ws = connect()\nfor number in range(1007):\n    ws.send(str(number))\nsetTimeout(ws.close, 100)\n", talk
    )
    assert kinds(peers[0]) == [str(number) for number in range(1000)]
    assert records(call, "losses", of="websocket-1")[0]["messages_not_sent"] == 7


def test_what_is_no_message_of_its_is_counted_and_told_once(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        for message in (b"\0", '{"event":"media","media":{"payload":"AAA="}}', '{"event":"start"}'):
            peer.send(message)
        peer.say(tone(0.5))
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\nsetTimeout(ws.close, 1000)\n", talk).expectOk()
    assert records(call, "losses", of="websocket-1")[0]["messages_malformed"] == 3
    assert call.warnings == ["websocket-1 sent what can't be played, and it is ignored: a binary message"]
    assert call.caller.heard.audible()


def test_streams_of_ever_new_tags_are_forgotten(play_socket: Play) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        for number in range(150):
            peer.say(tone(0.02), tag=str(number))
        await trio.sleep(1)
        for number in range(300):
            peer.say(tone(0.02), tag=f"later {number}")
            await trio.sleep(0.01)
        await listen(peer)

    call = play_socket("ws = connect()\nws.sendMediaTo(call)\nsetTimeout(ws.close, 4500)\n", talk).expectOk()
    tags = [event.payload.tag for event in call.events.named("WebSocket.MediaEventStarted")]
    assert len(tags) == 99 + 300  # and the one without a tag
    assert records(call, "losses", of="websocket-1")[0]["samples_too_many"] == 51 * 320


def anything(chance: Random) -> str | bytes:
    """A message of a peer's that may or may not make sense."""
    tag: dict[str, object] = {} if chance.random() < 0.3 else {"tag": chance.choice(["a", "b", str(chance.random())])}
    payload = b64encode(chance.randbytes(chance.choice([0, 1, 160, 321, 5000, 90_000]))).decode()
    encoding = chance.choice([*WebSocketAudioEncoding, "x"])
    of_media = chance.choices(
        [
            {"event": "start", "start": {**tag, "mediaFormat": {"encoding": encoding}}},
            {"event": "media", "media": {**tag, "payload": payload}},
            {"event": "stop", "stop": tag},
        ],
        [2, 4, 1],
    )
    others: list[str | bytes] = ["x", b"x", "{}", '{"event":"stop"}']
    return json.dumps(of_media[0]) if chance.random() < 0.9 else chance.choice(others)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_peer_sends_the_call_goes_on(play_socket: Play, seed: int) -> None:
    chance = Random(seed)

    async def talk(peer: WebSocketPeer) -> None:
        for _ in range(200):
            peer.send(anything(chance))
            if chance.random() < 0.3:
                await trio.sleep(chance.random() / 20)
        peer.close(chance.choice([1000, 1011, 4000]))

    play_socket(
        """
        ws = connect()
        room = VoxEngine.createConference()
        ws.sendMediaTo(call, tag="a")
        ws.sendMediaTo(room, tag="b")
        VoxEngine.sendMediaBetween(ws, room)
        setInterval(ws.clearMediaBuffer, 700)
        setTimeout(lambda: ws.sendMediaTo(call, tag="b"), 1000)
        """,
        talk,
    ).expectOk()


def test_cancelled_at_any_time_it_leaves_nothing(tmp_path: Path) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        async for text in peer:
            peer.say(speech(0.2), tag=text)

    play_scenario(
        tmp_path,
        """
        ws = connect()
        ws.sendMediaTo(call, tag="a")
        call.sendMediaTo(ws)
        ws.send("a")
        setTimeout(ws.close, 400)
        """,
        talk,
        ends="    setTimeout(call.hangup, 600)\n",
    ).expectOk()
    steps = cancelEverywhere(simulation(tmp_path / "scenario.py", web={URL: talk}, files=tmp_path / "runs"), every=7)
    assert steps > 20
