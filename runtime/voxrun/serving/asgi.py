"""`answered`: what an ASGI application (asgi.readthedocs.io, "HTTP & WebSocket ASGI Message Format") says to a request.

Our own server asks it: one that comes packaged for trio lets errors out that strangers can bring about, which would end
all calls.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from voxrun.transports.server import Reply, Request

_OURS = (b"content-type", b"content-length")


async def answered(app: ASGIApp, request: Request) -> Reply:
    """The whole response."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "query_string": urlsplit(request.target).query.encode("ascii"),
        "headers": [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()],
    }
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body}

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    start, *parts = told
    headers = {name: value.decode("latin-1") for name, value in start["headers"]}
    further = tuple((name.decode("ascii"), value) for name, value in headers.items() if name not in _OURS)
    body = b"".join(part["body"] for part in parts)
    return Reply(start["status"], body, headers.get(b"content-type", ""), further)
