"""The HTTP control API: sessions, their traces, new ones, their control URLs, hanging up, draining, metrics.

`openapi.json` beside this file says it all; errors are problem documents (RFC 9457).
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib.resources import files

import msgspec
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voxrun.errors import ConfigurationError
from voxrun.serving.asgi import answered
from voxrun.serving.desk import Desk, Refused
from voxrun.session.http_request import HttpAsk
from voxrun.trace.page import page
from voxrun.trace.records import read_records
from voxrun.trace.story import tell
from voxrun.transports import server
from voxrun.transports.collapsed import collapsed
from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Handler, Handover, Limits, Reply, Upgrade, problem, serve

BODY_LIMIT = 64 * 1024
"""Bytes a request's body may have."""

MESSAGE_LIMIT = 1024 * 1024
"""Bytes of a message that comes to a scenario: 24 s of 16 kHz."""

LIMITS = Limits(body=BODY_LIMIT, message=MESSAGE_LIMIT)

_RETRY_SECONDS = 5
_UNKNOWN = "no such session runs here"
_NO_TOKEN = "send the control token: Authorization: Bearer TOKEN"
_METHODS = ["GET", "POST", "PUT", "PATCH"]
_PAGE_RULES = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""A trace holds what strangers said: its page may not ask anybody for anything (Content-Security-Policy)."""


@dataclass(frozen=True, slots=True)
class Key:
    """The control API's token, and the keys made of it. `public_url` is where others find the API, if that is not where
    it listens.
    """

    token: str
    public_url: str = ""

    def opens(self, authorization: str) -> bool:
        """Whether an Authorization header's value holds the token; takes the same time for every wrong one."""
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and _same(given.strip(), self.token)

    def url_of(self, session: str, place: str) -> str:
        """A session's control URL, where the API listens at `place`."""
        return f"{self.public_url or place}{self.path_of(session)}"

    def path_of(self, session: str) -> str:
        """The path of a session's control URL: whoever knows it needs no token."""
        mac = hmac.new(self.token.encode(), f"request {session}".encode(), hashlib.sha256)
        return f"/request/{session}/{mac.hexdigest()[:32]}"


class StartAsk(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of `POST /sessions`."""

    scenario: str = ""
    custom_data: str = ""


async def serve_control(
    desk: Desk,
    key: Key,
    bind: str,
    limits: Limits = LIMITS,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests on `bind` ("127.0.0.1:8081") until cancelled; the URL that it is found at is reported.

    ConfigurationError if the address can't be listened on.
    """
    host, _, port = bind.rpartition(":")
    listen = partial(serve, TcpNetwork(), host.strip("[]"), int(port), control_handler(desk, key), limits=limits)
    with collapsed():
        async with trio.open_nursery() as nursery:
            task_status.started(f"http://{host}:{await nursery.start(listen)}")


def control_handler(desk: Desk, key: Key) -> Handler:
    """The API for a server of ours, with the WebSockets that come to control URLs."""
    app = control_app(desk, key)

    async def handle(request: server.Request) -> Reply | Upgrade | Handover:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await visited(desk, key, request)
        return await answered(app, request)

    return handle


async def visited(desk: Desk, key: Key, request: server.Request) -> Reply | Upgrade | Handover:
    """What to do with a WebSocket that somebody wants to open to a session's control URL."""
    session = request.path.removeprefix("/request/").partition("/")[0]
    try:
        answer = await desk.visit(session) if _same(request.path, key.path_of(session)) else None
    except Refused as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), (("Retry-After", str(_RETRY_SECONDS)),))
    return answer or problem(HTTPStatus.NOT_FOUND, _UNKNOWN)


def control_app(desk: Desk, key: Key) -> Starlette:
    """The API as an ASGI application."""
    api = _Api(desk, key)
    return Starlette(
        routes=[
            Route("/openapi.json", _openapi),
            api.guarded("/sessions", GET=api.list_sessions, POST=api.start),
            api.guarded("/sessions/{session}", GET=api.show, DELETE=api.hang_up),
            api.guarded("/sessions/{session}/trace", GET=api.trace),
            api.guarded("/drain", POST=api.drain),
            api.guarded("/metrics", GET=api.metrics),
            Route("/request/{session}/{key}", api.request, methods=_METHODS),
        ],
        exception_handlers={HTTPException: _problem, Refused: _refused},
    )


Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Api:
    desk: Desk
    key: Key

    def guarded(self, path: str, **endpoints: Endpoint) -> Route:
        """A route for those with the token; `endpoints` by method."""

        async def endpoint(request: Request) -> Response:
            if not self.key.opens(request.headers.get("authorization", "")):
                raise HTTPException(401, _NO_TOKEN, {"WWW-Authenticate": "Bearer"})
            return await endpoints["GET" if request.method == "HEAD" else request.method](request)

        return Route(path, endpoint, methods=list(endpoints))

    async def list_sessions(self, request: Request) -> Response:
        return _json(await self.desk.sessions())

    async def start(self, request: Request) -> Response:
        if not request.url.netloc:
            raise HTTPException(400, "say in the header Host whom you ask: the session's control URL begins with it")
        try:
            ask = msgspec.json.decode(await request.body() or b"{}", type=StartAsk)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HTTPException(400, f"the body is not what it should be: {error}") from None
        try:
            info = await self.desk.start(ask.scenario, ask.custom_data)
        except ConfigurationError as error:
            raise HTTPException(404, str(error)) from None
        url = self.key.url_of(info.id, f"{request.url.scheme}://{request.url.netloc}")
        answer = {**msgspec.to_builtins(info), "mediaSessionAccessUrl": url}
        return _json(answer, HTTPStatus.CREATED, {"Location": f"/sessions/{info.id}"})

    async def show(self, request: Request) -> Response:
        info = await self.desk.show(_session_of(request))
        if info is None:
            raise _unknown()
        return _json(info)

    async def hang_up(self, request: Request) -> Response:
        if not await self.desk.hang_up(_session_of(request)):
            raise _unknown()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def trace(self, request: Request) -> Response:
        wanted = request.query_params.get("format", "jsonl")
        if wanted not in ("jsonl", "html"):
            raise HTTPException(400, "the format is jsonl or html")
        session = _session_of(request)
        lines = await self.desk.trace(session)
        if lines is None:
            raise _unknown()
        if wanted == "jsonl":
            return Response("".join(f"{line}\n" for line in lines), media_type="application/x-ndjson")
        try:
            markup = await trio.to_thread.run_sync(_page, lines, session)
        except ConfigurationError as error:  # a scenario may change what an event told it, and so what the trace has
            raise HTTPException(500, f"this trace can't be shown as a page: {error}") from None
        return Response(markup, media_type="text/html", headers={"Content-Security-Policy": _PAGE_RULES})

    async def drain(self, request: Request) -> Response:
        await self.desk.drain()
        return Response(status_code=HTTPStatus.ACCEPTED)

    async def metrics(self, request: Request) -> Response:
        return Response(await self.desk.metrics(), media_type="text/plain; version=0.0.4")

    async def request(self, request: Request) -> Response:
        session = _session_of(request)
        path = request.url.path
        if not _same(path, self.key.path_of(session)):
            raise _unknown()
        content = (await request.body()).decode(errors="replace")
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        reply = await self.desk.request(session, HttpAsk(request.method, path, content, headers))
        if reply is None:
            raise _unknown()
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise HTTPException(reply.status, "the scenario failed on this request: its trace says why")
        return Response(reply.content or None, reply.status, media_type=reply.media_type or None)


async def _openapi(request: Request) -> Response:
    return Response(openapi(), media_type="application/json")


def openapi() -> bytes:
    """The OpenAPI document."""
    return files(__package__).joinpath("openapi.json").read_bytes()


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": error.detail}
    return Response(msgspec.json.encode(body), status, error.headers, "application/problem+json")


async def _refused(request: Request, error: Exception) -> Response:
    return await _problem(request, HTTPException(503, str(error), {"Retry-After": str(_RETRY_SECONDS)}))


def _session_of(request: Request) -> str:
    return str(request.path_params["session"])


def _unknown() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, _UNKNOWN)


def _json(value: object, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def _page(lines: list[str], session: str) -> str:
    return page(tell(read_records((f"{line}\n" for line in lines), "the trace")), f"session {session}")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), right.encode())
