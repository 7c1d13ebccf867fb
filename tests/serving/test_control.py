"""The HTTP control API, asked as its clients ask, of a host with real sessions."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from starlette.routing import Route
from starlette.types import Message
from tests.serving.hosted import hosted, written
from tests.two_addresses import ADDRESSES, TwoAddresses

from voxrun.errors import ConfigurationError
from voxrun.serving.control import BODY_LIMIT, LIMITS, Key, control_app, openapi, serve_control
from voxrun.serving.desk import Refused
from voxrun.serving.host import Host
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.metrics import Metrics
from voxrun.transports.turnstile import Turnstile

pytestmark = pytest.mark.usefixtures("unhurried")

KEY = Key("the-control-token")
BEARER = "Bearer the-control-token"
WITH_TOKEN = {"Authorization": BEARER}
TELLS = """
@VoxEngine.on(AppEvents.Started)
def begin(event):
    Logger.write(f"began with {VoxEngine.customData()!r} {event.accessURL}")

@VoxEngine.on(AppEvents.HttpRequest)
def hear(event):
    headers = {header.key: header.value for header in event.headers}
    Logger.write(f"heard {event.method} {event.path} {event.content} {headers['x-from']}")
    assert "authorization" not in headers
    if event.content == "enough":
        VoxEngine.terminate()
    return {"what is there": "caf\u00e9", "how much": {"cups": 2}}.get(event.content)
"""
UNKNOWN = "0" * 32


class Ended:
    """Counts how often it was asked to end."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@asynccontextmanager
async def served(
    folder: Path, *, max_calls: int = 100, end: Callable[[], None] | None = None
) -> AsyncIterator[tuple[Host, httpx.AsyncClient]]:
    """A host, and a client of its control API that holds the token."""
    files = (written(folder, "first.py", TELLS), written(folder, "second.py", TELLS))
    async with hosted(*files, max_calls=max_calls) as host:
        host.access_url = lambda session: f"http://control.test{KEY.path_of(session)}"
        app = control_app(HostDesk(host, Metrics(host), end or Ended()), KEY)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://control.test", headers=WITH_TOKEN) as client:
            yield host, client


def check(folder: Path, talk: Callable[[Host, httpx.AsyncClient], Awaitable[None]], **options: Any) -> None:
    """Run `talk` with a host and a client."""

    async def main() -> None:
        async with served(folder, **options) as (host, client):
            await talk(host, client)

    trio.run(main)


async def begin(client: httpx.AsyncClient, **body: str) -> dict[str, Any]:
    """Start a session and wait until it has begun."""
    answer = await client.post("/sessions", json=body)
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    await logs(client, started["id"], 1)
    return started


async def logs(client: httpx.AsyncClient, session: str, count: int) -> list[str]:
    """What a session has logged, once there are so many lines."""
    with trio.fail_after(10):
        while True:
            text = (await client.get(f"/sessions/{session}/trace")).text
            records = [json.loads(line) for line in text.splitlines()]
            messages = [record["message"] for record in records if record["kind"] == "log"]
            if len(messages) >= count:
                return messages
            await trio.lowlevel.checkpoint()


def test_a_worker_that_may_have_the_session_but_does_not_answer_is_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(desk: HostDesk, session: str, *further: object) -> None:
        raise Refused("worker 1 does not answer", "worker")

    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        for function in ("show", "trace", "hang_up", "request"):
            monkeypatch.setattr(HostDesk, function, silent)
        answers = [
            await client.get(f"/sessions/{UNKNOWN}"),
            await client.get(f"/sessions/{UNKNOWN}/trace"),
            await client.delete(f"/sessions/{UNKNOWN}"),
            await client.post(KEY.path_of(UNKNOWN)),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["detail"]) == (503, "worker 1 does not answer")
            assert int(answer.headers["retry-after"]) > 0

    check(tmp_path, talk)


def test_a_session_is_started_shown_and_ended(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        started = await begin(client, scenario="second.py", customData="for you")
        shown = (await client.get(f"/sessions/{started['id']}")).json()
        assert (shown["scenario"], shown["state"], shown["worker"]) == ("second.py", "", 0)
        assert shown["seconds"] >= started["seconds"]
        assert [it["id"] for it in (await client.get("/sessions")).json()["sessions"]] == [started["id"]]
        (message,) = await logs(client, started["id"], 1)
        assert message == f"began with 'for you' {started['mediaSessionAccessUrl']}"
        running = host.sessions[started["id"]]
        assert (await client.delete(f"/sessions/{started['id']}")).status_code == 204
        await running.over.wait()
        assert (await client.get(f"/sessions/{started['id']}")).status_code == 404
        assert (await client.delete(f"/sessions/{started['id']}")).status_code == 404

    check(tmp_path, talk)


def test_the_control_url_fires_http_request_without_the_token(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        started = await begin(client)
        url = started["mediaSessionAccessUrl"]
        stranger = {"X-From": "afar", "Authorization": "Bearer of something else"}
        assert (await client.put(url, content="caf\u00e9", headers=stranger)).status_code == 204
        path = KEY.path_of(started["id"])
        assert (await logs(client, started["id"], 2))[1] == f"heard PUT {path} caf\u00e9 afar"
        assert (await client.post(f"{url[:-1]}x", headers=stranger)).status_code == 404
        assert (await client.post(KEY.path_of(UNKNOWN), headers=stranger)).status_code == 404
        running = host.sessions[started["id"]]
        assert (await client.post(url, content="enough", headers=stranger)).status_code == 204
        await running.over.wait()
        assert (await client.post(url, content="more", headers=stranger)).status_code == 404

    check(tmp_path, talk)


def test_what_a_handler_returns_is_what_the_control_url_replies(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        url = (await begin(client))["mediaSessionAccessUrl"]
        text = await client.post(url, content="what is there", headers={"X-From": "afar"})
        assert (text.status_code, text.text) == (200, "caf\u00e9")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        more = await client.post(url, content="how much", headers={"X-From": "afar"})
        assert (more.status_code, more.json()) == (200, {"cups": 2})
        assert more.headers["content-type"] == "application/json"
        none = await client.post(url, content="why", headers={"X-From": "afar"})
        assert (none.status_code, none.content) == (204, b"")
        failed = await client.post(url)
        assert (failed.status_code, failed.json()["title"]) == (500, "Internal Server Error")

    check(tmp_path, talk)


def test_a_trace_is_read_as_lines_or_as_a_page(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        started = await begin(client, customData="</script><b>&")
        path = f"/sessions/{started['id']}/trace"
        lines = await client.get(path)
        assert lines.headers["content-type"].startswith("application/x-ndjson")
        assert json.loads(lines.text.splitlines()[0])["kind"] == "session"
        whole = await client.get(path, params={"format": "html"})
        assert whole.text.startswith("<!doctype html>")
        assert "</script><b>" not in whole.text
        assert whole.headers["content-security-policy"].startswith("default-src 'none'")
        assert (await client.get(path, params={"format": "pdf"})).status_code == 400
        assert (await client.get(f"/sessions/{UNKNOWN}/trace")).status_code == 404

    check(tmp_path, talk)


def test_a_trace_that_makes_no_page_is_a_problem_and_the_serving_goes_on(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        started = await begin(client)
        host.sessions[started["id"]].session.trace("log", massage="no message")
        path = f"/sessions/{started['id']}/trace"
        answer = await client.get(path, params={"format": "html"})
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "lacks what a record of the kind 'log' has" in answer.json()["detail"]
        assert '"massage":"no message"' in (await client.get(path)).text

    check(tmp_path, talk)


def test_what_a_scenario_spoils_of_its_trace_does_not_end_the_serving(tmp_path: Path) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        started = await begin(client)
        headers = {"to": "ada"}
        host.sessions[started["id"]].session.trace("event", unit="call-1", name="Call.Connected", payload=headers)
        headers["from"] = Mute()  # type: ignore[assignment]
        lines = (await client.get(f"/sessions/{started['id']}/trace")).text.splitlines()
        assert json.loads(lines[-1])["payload"] == {"to": "ada", "from": "<Mute>"}

    check(tmp_path, talk)


PRIVATE = [
    ("GET", "/sessions"),
    ("POST", "/sessions"),
    ("GET", f"/sessions/{UNKNOWN}"),
    ("DELETE", f"/sessions/{UNKNOWN}"),
    ("GET", f"/sessions/{UNKNOWN}/trace"),
    ("POST", "/drain"),
    ("GET", "/metrics"),
]
WRONG = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer the-control-toke",
    "Bearer the-control-token2",
    "Basic the-control-token",
    "é",
]


@pytest.mark.parametrize("given", WRONG)
def test_without_the_token_nothing_is_told_or_done(tmp_path: Path, given: str) -> None:
    ended = Ended()

    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        for method, path in PRIVATE:
            answer = await client.request(method, path, headers=[(b"Authorization", given.encode())])
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["title"] == "Unauthorized"
        assert not host.sessions

    check(tmp_path, talk, end=ended)
    assert ended.times == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"scenario": 1}', 400),
        (b'{"scenari": "first.py"}', 400),
        (b"\xff\xfe", 400),
        (b'{"scenario": "../first.py"}', 404),
        (b'{"scenario": "/etc/passwd"}', 404),
        (b'{"scenario": "first.py\\u0000"}', 404),
    ],
)
def test_a_wrong_body_is_a_problem_and_no_session(tmp_path: Path, body: bytes, status: int) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        answer = await client.post("/sessions", content=body)
        assert answer.status_code == status
        problem = answer.json()
        assert problem["status"] == status
        assert problem["detail"]
        assert not host.sessions

    check(tmp_path, talk)


def test_a_body_that_nobody_may_send_is_not_read(tmp_path: Path) -> None:
    async def receive() -> Message:
        raise AssertionError

    async def main() -> None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async with hosted(written(tmp_path, "first.py", TELLS)) as host:
            path = f"/request/{UNKNOWN}/{UNKNOWN}"
            scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
            await control_app(HostDesk(host, Metrics(host), Ended()), KEY)(scope, receive, send)
        assert sent[0]["status"] == 404

    trio.run(main)


WEBSOCKET = (
    "GET /sessions HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
)
CONNECT = bytes.fromhex("00000c010500000001") + b"\x02\x07CONNECT\x01\x01x"


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-control-token\r\nContent-Length: 9\r\n\r\n{",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000") + CONNECT,
        f"{WEBSOCKET}Sec-WebSocket-Key: x\r\n\r\n".encode() + b"\x81\x85early",
        f"{WEBSOCKET}Sec-WebSocket-Protocol: caf\u00e9\r\n\r\n".encode("latin-1"),
        f"{WEBSOCKET}Sec-WebSocket-Key: x\r\nContent-Length: 5\r\n\r\nearly".encode(),
    ],
    ids=["body that breaks off", "HTTP/2 of no settings", "HTTP/2 tunnel", "early frame", "no ASCII", "early body"],
)
def test_no_odd_request_ends_the_serving(tmp_path: Path, sent: bytes) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", TELLS)) as host, trio.open_nursery() as nursery:
            url = await nursery.start(serve_control, HostDesk(host, Metrics(host), Ended()), KEY, "127.0.0.1:0")
            async with await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2])) as stream:
                await stream.send_all(sent)
                await stream.send_eof()
                async for _ in stream:
                    pass
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                assert (await client.get("/openapi.json")).content == openapi()
            assert not host.sessions
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.parametrize("head", ["HTTP/1.0", "HTTP/1.1\r\nHost:", "HTTP/1.1\r\nHost: no host"])
def test_who_does_not_say_where_they_asked_is_given_no_url_without_a_host(tmp_path: Path, head: str) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", TELLS)) as host, trio.open_nursery() as nursery:
            url = await nursery.start(serve_control, HostDesk(host, Metrics(host), Ended()), KEY, "127.0.0.1:0")
            async with await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2])) as stream:
                await stream.send_all(f"POST /sessions {head}\r\nAuthorization: {BEARER}\r\n\r\n".encode())
                await stream.send_eof()
                answer = b"".join([data async for data in stream]).decode()
            assert answer.startswith("HTTP/1.1 400 ")
            assert "in the header Host" in answer
            assert not host.sessions
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_no_session_begins_beyond_the_limit_or_while_draining(tmp_path: Path) -> None:
    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        await begin(client)
        full = await client.post("/sessions")
        assert (full.status_code, full.headers["retry-after"]) == (503, "5")
        host.draining = True
        assert "about to end" in (await client.post("/sessions")).json()["detail"]
        assert host.counters.refusals == {"busy": 1, "drain": 1}

    check(tmp_path, talk, max_calls=1)


def test_drain_is_passed_on(tmp_path: Path) -> None:
    ended = Ended()

    async def talk(host: Host, client: httpx.AsyncClient) -> None:
        assert (await client.post("/drain")).status_code == 202

    check(tmp_path, talk, end=ended)
    assert ended.times == 1


def test_a_control_url_of_another_token_opens_nothing() -> None:
    assert Key("one").path_of(UNKNOWN) != Key("other").path_of(UNKNOWN)
    assert Key("one").path_of(UNKNOWN) != Key("one").path_of("1" * 32)


def test_the_document_says_what_the_routes_do() -> None:
    document = json.loads(openapi())
    told = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method not in ("parameters", "summary")
    }
    app = control_app(HostDesk.__new__(HostDesk), KEY)
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert told == {(route.path, method) for route in routes for method in route.methods or () if method != "HEAD"}
    free = {path for path, item in document["paths"].items() for it in item.values() if "security" in it}
    assert free == {"/openapi.json", "/request/{session}/{key}"}


def test_it_listens_on_a_real_port_and_says_where(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", TELLS)) as host, trio.open_nursery() as nursery:
            desk = HostDesk(host, Metrics(host), Ended())
            url = await nursery.start(serve_control, desk, KEY, "127.0.0.1:0")
            async with httpx.AsyncClient(base_url=url, trust_env=False, headers=WITH_TOKEN) as client:
                assert (await client.get("/openapi.json")).content == openapi()
                metrics = await client.get("/metrics", headers=WITH_TOKEN)
                assert "voxrun_sessions 0.0" in metrics.text
                long = await client.post("/sessions", content=b" " * BODY_LIMIT + b"{}", headers=WITH_TOKEN)
                assert (long.status_code, long.json()["status"]) == (413, 413)
                assert not host.sessions
                session = await begin(client, scenario="first.py")
                ended = await client.delete(f"/sessions/{session['id']}", headers=WITH_TOKEN)
                assert (ended.status_code, "content-length" in ended.headers, ended.content) == (204, False, b"")
            with pytest.raises(ConfigurationError, match="Choose another host or port"):
                await nursery.start(partial(serve_control, desk, KEY), url.removeprefix("http://"))
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_it_is_found_at_every_address_of_its_host(tmp_path: Path) -> None:
    async def main() -> None:
        trio.socket.set_custom_hostname_resolver(TwoAddresses())
        async with hosted(written(tmp_path, "first.py", TELLS)) as host, trio.open_nursery() as nursery:
            url = await nursery.start(serve_control, HostDesk(host, Metrics(host), Ended()), KEY, "both.test:0")
            for address in ADDRESSES:
                async with httpx.AsyncClient(trust_env=False) as client:
                    found = await client.get(f"{url.replace('both.test', address)}/openapi.json")
                    assert found.content == openapi()
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_who_says_nothing_does_not_keep_all_others_out(tmp_path: Path) -> None:
    async def main() -> None:
        turnstile = Turnstile(most_silent=2)
        async with hosted(written(tmp_path, "first.py", TELLS)) as host, trio.open_nursery() as nursery:
            desk = HostDesk(host, Metrics(host), Ended())
            url = await nursery.start(serve_control, desk, KEY, "127.0.0.1:0", replace(LIMITS, turnstile=turnstile))
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            async with await trio.open_tcp_stream(*address), await trio.open_tcp_stream(*address):
                async with await trio.open_tcp_stream(*address) as third:
                    assert await third.receive_some() == b""
                assert turnstile.refusals == {"crowd": 1}
            await trio.testing.wait_all_tasks_blocked(0.01)  # until they are seen to have gone
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                assert (await client.get("/openapi.json")).content == openapi()
            nursery.cancel_scope.cancel()

    trio.run(main)
