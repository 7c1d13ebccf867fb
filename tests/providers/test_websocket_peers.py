"""WebSockets of the scenario's own against servers of an independent implementation, over loopback."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from threading import Thread
from typing import Any

import numpy as np
import pytest
import trio
from tests.kit import ScriptedLeg, tone
from tests.others import Moment, undisturbed
from websockets.sync.server import ServerConnection, serve

from voxrun.api.vox import vox_language
from voxrun.audio.frame import Samples
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Outcome, Session
from voxrun.transports.network import TcpNetwork

pytestmark = pytest.mark.slow

SCENARIO = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.answer()
    ws = VoxEngine.createWebSocket("ws://{address}/a?b=c", headers=[{{"name": "X-A", "value": "b"}}])
    ws.onclose = lambda e: (Logger.write(f"{{e.code}} {{e.reason}} {{e.wasClean}}"), VoxEngine.terminate())
    ws.onmessage = lambda e: Logger.write(e.text)
{body}
"""


@contextmanager
def serving(talk: Callable[[ServerConnection], None], **more: Any) -> Iterator[str]:
    """The address of a server that gives each connection to `talk`."""
    with serve(talk, "127.0.0.1", 0, **more) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield "{}:{}".format(*server.socket.getsockname())
        server.shutdown()
        thread.join()


def play(
    folder: Path, address: str, body: str, *, says: Samples | None = None, sandbox: bool = False
) -> tuple[Outcome, list[str], ScriptedLeg]:
    """The scenario over real sockets, what it wrote to its log, and the caller."""
    path = folder / "scenario.py"
    path.write_text(SCENARIO.format(address=address, body=indent(dedent(body), "    ")))
    leg = ScriptedLeg(16_000, tone(16_000, 1.0) if says is None else says)
    log: list[str] = []

    def note(line: str) -> None:
        record = json.loads(line)
        if record["kind"] == "log":
            log.append(record["message"])

    async def main() -> Outcome:
        services = Services(secrets=Secrets({}, {}), network=TcpNetwork(), language=vox_language, is_sandboxed=sandbox)
        ticker = Ticker()
        session = Session(path, services, ticker)
        session.trace_log.subscribe(note)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            with trio.fail_after(30):
                outcome = await session.run(leg)
            nursery.cancel_scope.cancel()
        return outcome

    return trio.run(main), log, leg


def test_an_echoing_server_is_heard(tmp_path: Path) -> None:
    seen: list[Any] = []
    echoed: list[bytes] = []

    def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append((connection.request.path, connection.request.headers["X-A"], connection.subprotocol))
        for text in connection:
            connection.send(text)
            message = json.loads(text)
            if message["event"] == "media":
                echoed.append(base64.b64decode(message["media"]["payload"]))
            if message["event"] == "stop":
                connection.close(4000, "that was it")
                return

    said = np.random.default_rng(1).integers(-9000, 9000, 30 * 16_000, np.int16)  # no two frames alike
    began = Moment()
    with serving(echo, subprotocols=["chat"]) as address:
        outcome, log, leg = play(
            tmp_path,
            address,
            """
            ws.sendMediaTo(call)
            call.sendMediaTo(ws, encoding=WebSocketAudioEncoding.PCM16)
            ws.onopen = lambda e: setTimeout(lambda: call.stopMediaTo(ws), 1500)
            """,
            says=said,
        )
    assert outcome.error is None
    assert seen == [("/a?b=c", "b", "chat")]
    assert log == ["4000 that was it True"]
    assert len(echoed) > 25
    assert b"".join(echoed[1:-1]) in said.tobytes()  # the first and the last are faded
    heard = leg.everything_heard.tobytes()
    assert sum(frame in heard for frame in echoed) > len(echoed) / 2  # what comes late is faded, on a busy machine
    with undisturbed(began):
        assert b"".join(echoed[-39:-1]) in heard  # 0.76 s in one piece


def test_a_server_that_says_all_at_once_and_goes(tmp_path: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps({"event": "start", "start": {"mediaFormat": {"encoding": "PCM16"}}}))
        payload = base64.b64encode(tone(16_000, 1.5).tobytes()).decode()
        connection.send(json.dumps({"event": "media", "media": {"payload": payload}}))
        connection.send(json.dumps({"event": "stop"}))
        connection.send("goodbye")

    with serving(talk) as address:
        outcome, log, leg = play(tmp_path, address, "ws.sendMediaTo(call)\n")
    assert outcome.error is None
    assert log == ["goodbye", "1000  True"]
    assert int(np.count_nonzero(leg.everything_heard)) > 1.4 * 16_000


def test_a_server_without_subprotocols_that_vanishes(tmp_path: Path) -> None:
    def vanish(connection: ServerConnection) -> None:
        connection.recv()
        connection.socket.shutdown(2)

    with serving(vanish) as address:
        outcome, log, _ = play(tmp_path, address, 'ws.onerror = lambda e: Logger.write("lost")\nws.send("x")\n')
    assert outcome.error is None
    assert (log[0], log[1].split()[0]) == ("lost", "1006")


def test_a_server_that_refuses(tmp_path: Path) -> None:
    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(403, "no such tenant\n")

    with serving(lambda connection: None, process_request=refuse) as address:
        outcome, log, _ = play(tmp_path, address, "")
    assert outcome.error is None
    assert "refused the WebSocket with HTTP status 403" in log[0]
    assert "no such tenant" in log[0]


def test_a_server_whose_certificate_is_no_good(tmp_path: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        """Nobody comes so far."""

    with serving(talk) as address:
        body = f'VoxEngine.createWebSocket("wss://{address}").onerror = lambda e: Logger.write(e.error)\n'
        body += "ws.onclose = None\nsetTimeout(VoxEngine.terminate, 2000)\n"
        outcome, log, _ = play(tmp_path, address, body)
    assert outcome.error is None
    (error,) = log
    assert "no encrypted connection" in error


def test_a_sandbox_has_no_way_out(tmp_path: Path) -> None:
    outcome, _, _ = play(tmp_path, "127.0.0.1:9", "", sandbox=True)
    assert "--sandbox allows no WebSockets of a scenario's own: leave it out" in str(outcome.error)


@pytest.mark.parametrize("encoding", ["ULAW", "PCM8"])
def test_a_server_that_speaks_in_odd_pieces(tmp_path: Path, encoding: str) -> None:
    def talk(connection: ServerConnection) -> None:
        audio = bytes(range(1, 128)) * 100
        connection.send(json.dumps({"event": "start", "start": {"tag": "t", "mediaFormat": {"encoding": encoding}}}))
        for begin in range(0, len(audio), 994):
            payload = base64.b64encode(audio[begin : begin + 994]).decode()
            connection.send(json.dumps({"event": "media", "media": {"tag": "t", "payload": payload}}))
        connection.send(json.dumps({"event": "stop", "stop": {"tag": "t"}}))

    with serving(talk) as address:
        outcome, log, leg = play(
            tmp_path,
            address,
            """
            ws.sendMediaTo(call, tag="t")
            ws.onmediaended = lambda e: Logger.write(f"{e.tag} {e.mediaInfo.duration:.2f}")
            """,
        )
    assert outcome.error is None
    assert log == [f"t {'1.60' if encoding == 'ULAW' else '0.80'}", "1000  True"]
    assert leg.everything_heard.any()
