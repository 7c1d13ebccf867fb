"""`Web`: the servers that the scenario of a simulated call asks by `Net` and WebSockets: a test says what they do."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import trio

from voxrun.errors import ConfigurationError
from voxrun.nearest import nearest
from voxrun.testing.given import NAMED_TEXTS, Only, check, is_json, is_status, is_whole
from voxrun.testing.service import AGENT_HOSTS
from voxrun.testing.sounds import Render
from voxrun.testing.web_socket_peer import Talk, WebSocketPeer
from voxrun.transports.address import Address
from voxrun.transports.http import encode_headers
from voxrun.transports.network import Network
from voxrun.transports.server import Limits, Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

_SCHEMES = ({"plain": "http", "secure": "https"}, {"plain": "ws", "secure": "wss"})

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes that a scenario may send."""

Answer: TypeAlias = str | bytes | int | Reply | Mapping[str, Any] | Sequence[Any] | Callable[[Request], Any] | Talk
"""A text, bytes, a status, a `reply(…)`, what is to be JSON, or a function that gives one of these for a `Request`.

At a ws or wss address: an async function that has the connection, see `WebSocketPeer`.
"""


def reply(
    status: int,
    content: str | bytes | Mapping[str, Any] | Sequence[Any] = b"",
    *,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An answer that is a status together with a text, bytes or something for JSON. ConfigurationError for others."""
    check("status", status, Only("a status (200 to 599)", is_status))
    check("content", content, Only("a text, bytes or something for JSON", _is_content))
    named = {} if headers is None else check("headers", headers, NAMED_TEXTS)
    body, kind = _written(content)
    further = {name.lower(): value for name, value in named.items()}
    encode_headers([*further.items()])  # before there is a call
    return Reply(int(status), body, further.pop("content-type", kind), tuple(further.items()))


@dataclass(frozen=True, slots=True)
class _Socket:
    talk: Talk


class Web:
    """Answers at each URL of `answers`, whatever comes after a `?`; one without a path is for all of its host."""

    def __init__(self, answers: Mapping[str, Answer], render: Render, now: Callable[[], float]) -> None:
        self.requests: list[Request] = []
        self._peers: list[WebSocketPeer] = []
        self._render = render
        self._now = now
        self._urls: dict[tuple[str, int, str], str] = {}  # as the test has them
        self._asked: set[tuple[str, int, str]] = set()
        self._missing: dict[tuple[str, int], list[str]] = defaultdict(list)  # what nobody answers, at each place
        self._pages: dict[tuple[str, int], dict[str, Answer | _Socket]] = defaultdict(dict)
        check("web", answers, Only("a dict of answers by URL", lambda it: isinstance(it, Mapping)))
        for url, answer in answers.items():
            self._open(url, answer)

    def _open(self, url: str, answer: Answer) -> None:
        """One more page. ConfigurationError for what is no URL, or no answer."""
        check(
            "web", url, Only('answers by URL, such as "https://crm.example/customers"', lambda it: isinstance(it, str))
        )
        is_socket = url.lower().startswith(("ws:", "wss:"))
        address = Address.parse(url, **_SCHEMES[is_socket])
        if "?" in url or "#" in url:
            raise ConfigurationError(f"web answers whatever comes after a '?': leave that out of '{url}'")
        if address.host in AGENT_HOSTS:
            raise ConfigurationError(f"web can't answer for {address.host}, which agent= and speech= do: '{url}'")
        pages, page = self._pages[address.host, address.port], address.target if urlsplit(url).path else ""
        if page in pages:
            raise ConfigurationError(f"web has two answers at '{url}': a host and port has one for each path")
        self._urls[address.host, address.port, page] = url
        if is_socket and callable(answer):
            pages[page] = _Socket(cast("Talk", answer))
            return
        if iscoroutinefunction(answer) or not (callable(answer) or _is_plain(answer)):
            raise _no_answer(url, answer)
        pages[page] = answer

    def alone(self, *, has_sockets: bool) -> Iterator[str]:
        """Who waited in vain: for a WebSocket, unless the scenario has some that came to nothing; or as something
        much like it was asked for, which is a slip of somebody's.
        """
        for (host, port, page), url in self._urls.items():
            if (host, port, page) in self._asked:
                continue
            missing = self._missing[host, port]
            if isinstance(self._pages[host, port][page], _Socket):
                if missing or not has_sockets:
                    yield f"web= has somebody at {url}, but no WebSocket came"
            elif asked := next((it for it in missing if _is_slip(it, page)), ""):
                yield f"web= has an answer at {url} that nobody asked for; asked for was {asked}, which has none"

    async def start(self, network: Network, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        for (host, port), pages in self._pages.items():
            handle = partial(self._handle, (host, port), pages)
            await nursery.start(partial(serve, network, host, port, handle, limits=Limits(body=BODY_LIMIT)))

    async def quiet(self) -> None:
        """Wait until nobody talks on a WebSocket any more."""
        for peer in tuple(self._peers):
            await peer.over.wait()

    async def _handle(
        self, place: tuple[str, int], pages: Mapping[str, Answer | _Socket], request: Request
    ) -> Reply | Upgrade:
        self.requests.append(request)
        path = request.target.partition("?")[0]
        page = path if path in pages else ""
        self._asked.add((*place, page))
        answer = pages.get(page, 404)
        if page not in pages:
            self._missing[place].append(path)
        if isinstance(answer, _Socket):
            return Upgrade(partial(self._talk, answer.talk, request))
        return _reply(answer, request)

    async def _talk(self, talk: Talk, request: Request, socket: WebSocket) -> None:
        peer = WebSocketPeer(request, socket, self._render, self._now)
        self._peers.append(peer)
        await peer.run(talk)


def _is_slip(asked: str, there: str) -> bool:
    """Whether somebody may have meant the one by the other, as no customer is meant by another one's number."""
    parts = zip(asked.split("/"), there.split("/"), strict=False)
    return all(ours == theirs or _is_slip_of_name(ours, theirs) for ours, theirs in parts)


def _is_slip_of_name(ours: str, theirs: str) -> bool:
    return bool(nearest(ours, [theirs])) and re.sub(r"\d", "", ours) != re.sub(r"\d", "", theirs)


def _is_content(given: object) -> bool:
    return isinstance(given, bytes) or is_json(given)


def _is_plain(answer: object) -> bool:
    """Whether it is an answer, and no function that gives one."""
    if is_whole(answer):
        return is_status(answer)
    return isinstance(answer, Reply) or _is_content(answer)


def _no_answer(url: str, answer: object) -> ConfigurationError:
    kinds = "a text, bytes, a status (200 to 599), something for JSON, or a function that gives one and is not async"
    more = "; a status and a content are one as reply(404, …)"
    return ConfigurationError(f"web= has {answer!r} at {url}, which is no answer: that is {kinds}{more}")


def _reply(answer: Answer, request: Request) -> Reply:
    if callable(answer):
        given = cast(Callable[[Request], Answer], answer)(request)
        if not (callable(given) or _is_plain(given)):
            raise _no_answer(f"{request.headers.get('host', '')}{request.path}", given)
        return _reply(given, request)
    if isinstance(answer, Reply):
        return answer
    return Reply(answer) if is_status(answer) else Reply(200, *_written(answer))


def _written(content: object) -> tuple[bytes, str]:
    """A content, and its type."""
    if isinstance(content, bytes):
        return content, "application/octet-stream"
    if isinstance(content, str):
        return content.encode(), "text/plain; charset=utf-8"
    return json.dumps(content).encode(), "application/json"
