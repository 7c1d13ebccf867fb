"""`reply_to`: a request for a session's control URL, and what the handlers of `AppEvents.HttpRequest` reply."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
import trio

from voxrun.errors import LocalProtocolError
from voxrun.events.app import AppEvents, HttpHeader, HttpRequestEvent
from voxrun.protocol.encoding import encode
from voxrun.session.request_secrets import lets_in
from voxrun.session.secrets import SCRUBBED

if TYPE_CHECKING:
    from voxrun.session.session import Session

REPLY_SECONDS = 4.0
"""How long handlers of `AppEvents.HttpRequest` may take to return a reply: less than a worker may to answer."""


class HttpAsk(msgspec.Struct, frozen=True):
    """A request for a session's control URL, as `AppEvents.HttpRequest` tells it: without the header that may hold
    the control token.
    """

    method: str
    path: str
    content: str
    headers: dict[str, str]


class HttpReply(msgspec.Struct, frozen=True):
    """What comes of it: 200 with what a handler returned, 204 when none did, 500 when one failed, 202 when they still
    run.
    """

    status: int
    content: str = ""
    media_type: str = ""


def without_key(url: str) -> str:
    """A session's control URL, or its path, without the part at its end, by which whoever knows it is let in."""
    return url and f"{url.rpartition('/')[0]}/{SCRUBBED}"


async def reply_to(session: "Session", ask: HttpAsk) -> HttpReply:
    """Fire `AppEvents.HttpRequest` in a session, and give its handlers some seconds to reply."""
    name = AppEvents.HttpRequest
    headers = [HttpHeader(key=key, value=value) for key, value in ask.headers.items()]
    event = HttpRequestEvent(name=name, method=ask.method, path=ask.path, content=ask.content, headers=headers)
    with trio.move_on_after(REPLY_SECONDS):
        shown = [replace(it, value=SCRUBBED) if lets_in(it.key) else it for it in headers]
        told = replace(event, path=without_key(ask.path), headers=shown)
        returned = await session.ask(session.app, name, event, told)
        failed = HttpReply(HTTPStatus.INTERNAL_SERVER_ERROR)
        return failed if returned.failed else _reply(returned.value, session.warn)
    return HttpReply(HTTPStatus.ACCEPTED)


def _reply(value: object, warn: Callable[[str], None]) -> HttpReply:
    """Text is sent as it is, anything else as JSON."""
    if isinstance(value, str):
        return HttpReply(HTTPStatus.OK, value.encode(errors="replace").decode(), "text/plain")
    try:
        content = encode("it", value)
    except LocalProtocolError as error:
        warn(f"what a handler of {AppEvents.HttpRequest} returned can't be the reply, which is text or JSON: {error}")
        value = None
    return HttpReply(HTTPStatus.NO_CONTENT) if value is None else HttpReply(HTTPStatus.OK, content, "application/json")
