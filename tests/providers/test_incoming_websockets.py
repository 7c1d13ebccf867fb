"""WebSockets that others open to a session's control URL, in virtual time."""

import json
from pathlib import Path
from textwrap import indent

import pytest

from voxrun import AppEvents, WebSocket, WebSocketEvents
from voxrun.errors import ConfigurationError, InternalError
from voxrun.session.trace import KEPT_RECORDS
from voxrun.testing import SimulatedCall, WebSocketPeer, at, connect, cut, hangUp, say, simulate, tone
from voxrun.transports.websocket import Closed

SCENARIO = """
from voxrun import *

{top}

@VoxEngine.on(AppEvents.NewWebSocketFailed)
def fail(event):
    Logger.write(f"failed: {event.reason}")

@VoxEngine.on(AppEvents.WebSocket)
def come(event):
    ws = event.websocket
    Logger.write(f"came {ws.readyState}")
    ws.onopen = lambda e: Logger.write(f"open {ws.readyState}")
    ws.onmessage = lambda e: (Logger.write(f"said {e.text}"), ws.send(e.text.upper()))
    ws.onerror = lambda e: Logger.write(f"error {e.error}")
    ws.onclose = lambda e: Logger.write(f"closed {e.code} {e.wasClean}")
{come}

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    global call
    call = event.call
    call.answer()
"""

ALLOW = "VoxEngine.allowWebSocketConnections()"


def play(folder: Path, *, top: str = ALLOW, come: str = "pass", **given: object) -> SimulatedCall:
    """The scenario with something more at its top and where somebody came; the caller hangs up after 5 s."""
    path = folder / "scenario.py"
    path.write_text(SCENARIO.replace("{top}", top).replace("{come}", indent(come, "    ")))
    parameters: dict[str, object] = {"caller": [at(5.0, hangUp())], **given}
    return simulate(path, **parameters)  # type: ignore[arg-type]


async def stay(peer: WebSocketPeer) -> None:
    """Until the session closes it."""
    async for _ in peer:
        pass


def test_who_comes_is_a_websocket_like_any_other(tmp_path: Path) -> None:
    heard: list[str] = []

    async def talk(peer: WebSocketPeer) -> None:
        peer.send("hello")
        heard.append(await anext(peer))
        peer.close(4000, "enough")

    call = play(tmp_path, control=[at(1.0, connect(talk))]).expectOk()
    assert heard == ["HELLO"]
    assert [(reply.time, reply.status) for reply in call.replies] == [(1.0, 101)]
    assert call.log == ["came open", "open open", "said hello", "closed 4000 True"]
    (came,) = call.events.named(AppEvents.WebSocket)
    assert came.unit == "session"
    assert came.payload.websocket == "<websocket-1>"


def test_audio_goes_both_ways(tmp_path: Path) -> None:
    peers: list[WebSocketPeer] = []

    async def talk(peer: WebSocketPeer) -> None:
        peers.append(peer)
        peer.say(tone(1.0, 440.0))
        await stay(peer)

    come = "VoxEngine.sendMediaBetween(call, ws)"
    call = play(
        tmp_path, come=come, caller=[at(1.5, say(tone(1.0))), at(5.0, hangUp())], control=[at(1.0, connect(talk))]
    )
    call.expectOk()
    assert call.caller.heard.firstSoundAfter(0.0) == pytest.approx(1.0, abs=0.06)
    assert call.caller.heard.level(1.2, 1.8) > -30
    assert call.caller.heard.silentFrom(2.3)
    assert peers[0].heard().contains(call.caller.said.slice(1.5, 2.4))
    assert call.events.first(WebSocketEvents.MEDIA_STARTED).payload.encoding == "PCM16"
    assert peers[0].closed is not None
    assert peers[0].closed.code == 1000


@pytest.mark.parametrize("top", ["", f"setTimeout(lambda: {ALLOW}, 2000)"])
def test_nobody_comes_in_unasked(tmp_path: Path, top: str) -> None:
    call = play(tmp_path, top=top, control=[at(1.0, connect(stay))]).expectOk()
    (reply,) = call.replies
    assert reply.status == 403
    assert "VoxEngine.allowWebSocketConnections()" in json.loads(reply.content)["detail"]
    assert AppEvents.WebSocket not in call.events.names
    assert AppEvents.NewWebSocketFailed not in call.events.names


@pytest.mark.parametrize("top", [ALLOW, f"VoxEngine.addEventListener(AppEvents.Started, lambda e: {ALLOW})"])
def test_who_comes_at_once_waits_for_the_scenario(tmp_path: Path, top: str) -> None:
    call = play(tmp_path, top=top, control=[at(0.0, connect(stay))]).expectOk()
    assert [reply.status for reply in call.replies] == [101]
    names = call.events.names
    assert names.index(AppEvents.Started) < names.index(AppEvents.WebSocket)


@pytest.mark.parametrize(("caller", "most"), [([at(5.0, hangUp())], 4), (None, 3)])
def test_as_many_as_there_are_calls_and_three_more(tmp_path: Path, caller: object, most: int) -> None:
    comings = [at(1.0 + number / 10, connect(stay)) for number in range(6)]
    call = play(tmp_path, caller=caller, idleSeconds=3.0, control=comings).expectOk()
    assert [reply.status for reply in call.replies] == [101] * most + [503] * (6 - most)
    assert [text for text in call.log if text.startswith("failed")] == [
        f"failed: {most} others are connected to this session, as many as may be"
    ] * (6 - most)


def test_a_session_with_all_the_units_that_may_be_has_room_for_nobody(tmp_path: Path) -> None:
    top = f"{ALLOW}\nfor _ in range(200): VoxEngine.createRecorder()"
    call = play(tmp_path, top=top, caller=None, idleSeconds=2.0, control=[at(1.0, connect(stay))]).expectOk()
    assert [reply.status for reply in call.replies] == [503]
    assert call.log == ["failed: the session has as many units as may be"]


def test_a_bug_of_ours_as_somebody_comes_ends_only_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Closed | None] = []

    async def talk(peer: WebSocketPeer) -> None:
        await stay(peer)
        closed.append(peer.closed)

    monkeypatch.setattr(WebSocket, "_fire_event", None)
    call = play(tmp_path, control=[at(1.0, connect(talk))])
    assert isinstance(call.outcome.error, InternalError)
    assert closed == [Closed(1000, "", was_clean=True)]


def test_of_those_who_come_at_once_some_are_sent_away_again(tmp_path: Path) -> None:
    codes: list[int] = []

    async def talk(peer: WebSocketPeer) -> None:
        await stay(peer)
        assert peer.closed is not None
        codes.append(peer.closed.code)

    call = play(tmp_path, control=[at(1.0, connect(talk)) for _ in range(6)]).expectOk()
    assert [reply.status for reply in call.replies] == [101] * 6
    assert sorted(codes) == [1000] * 4 + [1013] * 2
    assert len(call.events.named(AppEvents.NewWebSocketFailed)) == 2


def test_who_leaves_makes_room(tmp_path: Path) -> None:
    async def leave(peer: WebSocketPeer) -> None:
        peer.close()

    comings = [at(1.0 + number / 10, connect(leave)) for number in range(9)]
    call = play(tmp_path, control=comings).expectOk()
    assert [reply.status for reply in call.replies] == [101] * 9


def test_a_visitor_who_vanishes_is_no_failure_of_the_session(tmp_path: Path) -> None:
    top = f"{ALLOW}\nVoxEngine.removeEventListener(AppEvents.WebSocket)"
    path = tmp_path / "deaf.py"
    path.write_text(f"from voxrun import *\n{top}\n")
    call = simulate(path, caller=None, idleSeconds=5.0, control=[at(1.0, connect(stay))], faults=[at(2.0, cut())])
    call.expectOk()
    assert call.events.first(WebSocketEvents.CLOSE).payload.code == 1006
    assert call.events.first(WebSocketEvents.CLOSE).time == pytest.approx(2.0, abs=0.1)


def test_the_scenario_may_close_it(tmp_path: Path) -> None:
    codes: list[int] = []

    async def talk(peer: WebSocketPeer) -> None:
        await stay(peer)
        assert peer.closed is not None
        codes.append(peer.closed.code)

    call = play(tmp_path, come="ws.close()", control=[at(1.0, connect(talk)), at(1.5, connect(talk))]).expectOk()
    assert codes == [1000, 1000]
    assert call.log.count("came open") == 2


@pytest.mark.parametrize("event", ["Terminating", "Terminated"])
@pytest.mark.parametrize("late", ["None", ALLOW])
def test_nobody_comes_into_a_session_that_ends(tmp_path: Path, event: str, late: str) -> None:
    top = f"{ALLOW}\nVoxEngine.addEventListener(AppEvents.{event}, lambda e: ({late}, trio.sleep(3))[1])\nimport trio"
    comings = [at(2.5, connect(stay)), at(5.5, connect(stay))]
    call = play(tmp_path, top=top, caller=[at(1.0, hangUp())], control=comings).expectOk()
    assert [reply.status for reply in call.replies] == [403] * len(call.replies)
    assert call.replies
    assert call.records[-1]["kind"] == "end"


def test_who_comes_does_not_make_up_for_a_peer_that_broke(tmp_path: Path) -> None:
    top = f'{ALLOW}\nVoxEngine.createWebSocket("ws://nobody.example")'
    call = play(tmp_path, top=top, control=[at(1.0, connect(stay))])
    assert [reply.status for reply in call.replies] == [101]
    assert "nobody.example" in str(call.outcome.error)


def test_who_has_left_is_forgotten(tmp_path: Path) -> None:
    async def leave(peer: WebSocketPeer) -> None:
        peer.close()

    top = f"""{ALLOW}
import gc, weakref
came = []

def look():
    for _ in range(MOST_RECORDS):  # the trace, which has a bound, keeps the newest events
        Logger.write("look")
    gc.collect()
    Logger.write(f"left {{[it() is None for it in came]}}")

setTimeout(look, 4000)""".replace("MOST_RECORDS", str(KEPT_RECORDS))
    comings = [at(1.0 + number, connect(leave)) for number in range(2)]
    call = play(tmp_path, top=top, come="came.append(weakref.ref(ws))", control=comings).expectOk()
    assert call.log[-1] == "left [True, True]"


@pytest.mark.parametrize("wanted", [False, True])
def test_the_trace_keeps_what_is_wanted(tmp_path: Path, *, wanted: bool) -> None:
    async def talk(peer: WebSocketPeer) -> None:
        peer.say(tone(0.1))
        await stay(peer)

    verb = "enable" if wanted else "disable"
    top = f"{ALLOW}\nVoxEngine.{verb}TraceForIncomingWebsockets()\nVoxEngine.{verb}StatisticsForIncomingWebsockets()"
    call = play(tmp_path, top=top, control=[at(1.0, connect(talk))]).expectOk()
    wire = [record for record in call.records if record["kind"] == "wire" and "text" in record]
    assert any("payload" in record["text"] for record in wire) is wanted
    statistics = [record for record in call.records if record["kind"] == "statistics"]
    assert [record["messages_in"] for record in statistics] == ([7] if wanted else [])


@pytest.mark.parametrize("talk", [None, "hello", lambda peer: None])
def test_what_is_no_talk_is_told(talk: object) -> None:
    with pytest.raises(ConfigurationError, match="talk= takes an async function"):
        connect(talk)  # type: ignore[arg-type]
