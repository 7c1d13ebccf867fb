"""WebSockets to sessions' control URLs of a real server: they reach the process that has the session."""

import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from tests.serving.server import Server, begin, figure_is, serving, until

from voxrun.errors import RemoteError
from voxrun.serving.visits import Visits, take_visits
from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Limits, Reply, Request
from voxrun.transports.socket_stream import SocketStream
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

OPEN_HOUSE = """
def come(event):
    event.websocket.onmessage = lambda e: e.websocket.send(f"{own}: {e.text}")

def begin(event):
    global own
    own = event.sessionId

VoxEngine.addEventListener(AppEvents.Started, begin)
VoxEngine.addEventListener(AppEvents.WebSocket, come)
if VoxEngine.customData() != "closed":
    VoxEngine.allowWebSocketConnections()
"""


class Visitor:
    """Somebody at a session's control URL."""

    def __init__(self) -> None:
        self.closed: Closed | None = None
        self._put, self._came = trio.open_memory_channel[str](10)
        self._socket: WebSocket

    async def run(self, session: dict[str, Any], *, task_status: trio.TaskStatus[None]) -> None:
        """Task: come in, and stay until the connection ends."""
        async with visit(session) as self._socket:
            task_status.started()
            self.closed = await self._socket.pump(lambda text: self._put.send_nowait(str(text)))

    async def ask(self, text: str) -> str:
        """Say something, and wait for the answer."""
        self._socket.send(text)
        with trio.fail_after(10):
            return await self._came.receive()


def visit(session: dict[str, Any], *, change: str = "") -> AbstractAsyncContextManager[WebSocket]:
    """Somebody who knows a session's control URL, or something like it."""
    url = str(session["mediaSessionAccessUrl"]).replace("http", "ws", 1)
    return open_websocket(TcpNetwork(), url + change)


async def refused(session: dict[str, Any], change: str = "") -> tuple[int, str]:
    with pytest.raises(RemoteError) as error:
        async with visit(session, change=change):
            pass
    return error.value.code, error.value.reason


async def is_over(visitor: Visitor) -> bool:
    return visitor.closed is not None


async def sessions_everywhere(server: Server, workers: int) -> dict[int, dict[str, Any]]:
    """One in each process."""
    begun: dict[int, dict[str, Any]] = {}
    while len(begun) < max(workers, 1):
        session = await begin(server)
        begun.setdefault(session["worker"], session)
    return begun


@pytest.mark.parametrize("workers", [0, pytest.param(3, marks=pytest.mark.slow)])
def test_who_knows_the_url_is_with_that_session(tmp_path: Path, workers: int) -> None:
    options = ("--drain", "1", *(("--workers", str(workers)) if workers else ()))

    async def main() -> None:
        async with serving(tmp_path, *options, script=OPEN_HOUSE) as server, trio.open_nursery() as nursery:
            begun = await sessions_everywhere(server, workers)
            visitors = {session["id"]: Visitor() for session in begun.values()}
            for session in begun.values():
                await nursery.start(visitors[session["id"]].run, session)
            for own, visitor in visitors.items():
                assert await visitor.ask("who?") == f"{own}: who?"
                assert await visitor.ask("x" * 100_000) == f"{own}: {'x' * 100_000}"
            first, *others = visitors
            assert (await server.control.delete(f"/sessions/{first}")).status_code == 204
            await until(lambda: is_over(visitors[first]))
            assert visitors[first].closed == Closed(1000, "", was_clean=True)
            for own in others:
                assert await visitors[own].ask("still?") == f"{own}: still?"
            server.process.terminate()
            with trio.fail_after(20):
                assert await server.process.wait() == 0

    trio.run(main)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_who_does_not_know_it_stays_outside(tmp_path: Path, workers: int) -> None:
    options = ("--workers", str(workers)) if workers else ()

    async def main() -> None:
        async with serving(tmp_path, *options, script=OPEN_HOUSE) as server:
            session, closed = await begin(server), await begin(server, "closed")
            for wrong in ("0", "/", "/x"):
                status, reason = await refused(session, wrong)
                assert (status, "no such session runs here" in reason) == (404, True)
            other = {
                "mediaSessionAccessUrl": str(session["mediaSessionAccessUrl"]).replace(session["id"], closed["id"])
            }
            assert (await refused(other))[0] == 404
            status, reason = await refused(closed)
            assert (status, "VoxEngine.allowWebSocketConnections()" in reason) == (403, True)
            async with visit(session), visit(session), visit(session):
                assert (await refused(session))[0] == 503
            await server.control.delete(f"/sessions/{session['id']}")
            await until(lambda: figure_is(server, "voxrun_sessions", 1))
            assert (await refused(session))[0] == 404

    trio.run(main)


@pytest.mark.slow
def test_a_killed_worker_takes_only_its_own_visitors_along(tmp_path: Path) -> None:
    async def main() -> None:
        options = ("--workers", "2")
        async with serving(tmp_path, *options, script=OPEN_HOUSE) as server, trio.open_nursery() as nursery:
            begun = await sessions_everywhere(server, 2)
            visitors = {number: Visitor() for number in begun}
            for number, session in begun.items():
                await nursery.start(visitors[number].run, session)
            os.kill(server.worker(1), signal.SIGKILL)
            await until(lambda: is_over(visitors[1]))
            assert visitors[1].closed is not None
            assert visitors[1].closed.code == 1006
            assert await visitors[2].ask("there?") == f"{begun[2]['id']}: there?"
            assert (await refused(begun[1]))[0] == 404
            await until(lambda: figure_is(server, "voxrun_workers", 2))
            again = await sessions_everywhere(server, 2)
            newcomer = Visitor()
            await nursery.start(newcomer.run, again[1])
            assert await newcomer.ask("new?") == f"{again[1]['id']}: new?"
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.slow
def test_visitors_stay_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        options = ("--workers", "2", "--drain", "2")
        async with serving(tmp_path, *options, script=OPEN_HOUSE) as server, trio.open_nursery() as nursery:
            session = await begin(server)
            visitor = Visitor()
            await nursery.start(visitor.run, session)
            server.process.kill()
            await server.process.wait()
            assert await visitor.ask("alone?") == f"{session['id']}: alone?"
            await until(lambda: is_over(visitor))
            assert visitor.closed == Closed(1000, "", was_clean=True)

    trio.run(main)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_the_url_is_that_of_the_proxy(tmp_path: Path, workers: int) -> None:
    options = ("--control-url", "https://voice.example/control/", *(("--workers", str(workers)) if workers else ()))
    script = OPEN_HOUSE + "VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write(e.accessSecureURL))\n"

    async def main() -> None:
        async with serving(tmp_path, *options, script=script) as server:
            session = await begin(server)
            url = session["mediaSessionAccessUrl"]
            assert url.startswith(f"https://voice.example/control/request/{session['id']}/")
            path = url.removeprefix("https://voice.example/control")
            assert (await server.control.post(path)).status_code == 204
            trace = (await server.control.get(f"/sessions/{session['id']}/trace")).text
            assert f'"message":"{url}"' in trace

    trio.run(main)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no workers there")
def test_many_that_wait_for_a_slow_worker_all_reach_it() -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX: %b\r\n\r\n" % (b"x" * 15_000)

    async def reply(request: Request) -> Reply:
        return Reply(200)

    async def main() -> None:
        visits = Visits()

        async def hand_over(stream: SocketStream) -> None:
            async with stream:
                await visits.hand_over(stream, head)

        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        ours: list[trio.SocketStream] = []
        async with trio.open_nursery() as nursery:
            for _ in range(80):  # more than fit between the two processes
                ours.append(await trio.open_tcp_stream(*listener.socket.getsockname()))
                nursery.start_soon(hand_over, SocketStream.over(await listener.accept()))
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(take_visits, visits.far, reply, Limits(), nursery)
            with trio.fail_after(10):
                for stream in ours:
                    assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
                    await stream.aclose()
            nursery.cancel_scope.cancel()
        await listener.aclose()
        visits.close()

    trio.run(main)
