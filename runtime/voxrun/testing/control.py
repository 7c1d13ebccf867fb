"""What somebody does at a simulated session's control URL: `request` and `connect`, and the `ControlReply`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any

from voxrun.testing.given import JSON, NAMED_TEXTS, Given, NamedTexts, Only, check
from voxrun.testing.web_socket_peer import Talk

HOST = "http://control.simulated"


class ControlAction(Given):
    """Something that is done there."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ControlRequest(ControlAction):
    """Fires `AppEvents.HttpRequest`."""

    content: str = ""
    method: str = "POST"
    headers: NamedTexts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlConnection(ControlAction):
    """Opens a WebSocket, which `AppEvents.WebSocket` tells of."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class ControlReply:
    """When it came (s), and what: 200 with what a handler returned, 204 when none did, 500 when one failed, 202 when
    none had after 4 s. What is no text comes as JSON. For a WebSocket: 101 if it was let in, 403 if the scenario lets
    nobody in, 503 if too many are in.
    """

    time: float
    status: int
    content: str


def request(
    content: str | Mapping[str, Any] = "", *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> ControlRequest:
    """Ask for the session's control URL, and wait for the reply: with a text, or with an object as JSON.

    The scenario gets the names of headers in lower case. ConfigurationError for what is neither.
    """
    if not isinstance(content, str):
        check("content", content, JSON)
        content = json.dumps(content, ensure_ascii=False)
    named = {} if headers is None else check("headers", headers, NAMED_TEXTS)
    return ControlRequest(content, method, {name.lower(): value for name, value in named.items()})


def connect(talk: Talk) -> ControlConnection:
    """Open a WebSocket to the session's control URL, and talk: `async def talk(peer: WebSocketPeer)`.

    ConfigurationError for what is no such function.
    """
    check("talk", talk, Only("an async function", iscoroutinefunction))
    return ControlConnection(talk)
