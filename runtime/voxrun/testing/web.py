"""`Web`: the servers that the scenario of a simulated call asks by `Net`: a test says what they answer."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import trio

from voxrun.errors import ConfigurationError
from voxrun.transports.address import Address
from voxrun.transports.network import Network
from voxrun.transports.server import Limits, Reply, Request, serve

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes that a scenario may send."""

Answer: TypeAlias = str | bytes | int | Reply | Mapping[str, Any] | Sequence[Any] | Callable[[Request], Any]
"""A text, bytes, a status, a `Reply`, what is to be JSON, or a function that gives one of these for a `Request`."""


class Web:
    """Answers at each URL of `answers`, whatever comes after a `?`; one without a path is for all of its host."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.requests: list[Request] = []
        self._pages: dict[tuple[str, int], dict[str, Answer]] = defaultdict(dict)
        for url, answer in answers.items():
            address = Address.parse(url, plain="http", secure="https")
            if "?" in url:
                raise ConfigurationError(f"web answers whatever comes after a '?': leave that out of '{url}'")
            self._pages[address.host, address.port][address.target if urlsplit(url).path else ""] = answer

    async def start(self, network: Network, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        for (host, port), pages in self._pages.items():
            handle = partial(self._handle, pages)
            await nursery.start(partial(serve, network, host, port, handle, limits=Limits(body=BODY_LIMIT)))

    async def _handle(self, pages: Mapping[str, Answer], request: Request) -> Reply:
        self.requests.append(request)
        path = request.target.partition("?")[0]
        return _reply(pages.get(path, pages.get("", 404)), request)


def _reply(answer: Answer, request: Request) -> Reply:
    if callable(answer):
        return _reply(answer(request), request)
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, int):
        return Reply(answer)
    if isinstance(answer, bytes):
        return Reply(200, answer, "application/octet-stream")
    if isinstance(answer, str):
        return Reply(200, answer.encode(), "text/plain; charset=utf-8")
    return Reply(200, json.dumps(answer).encode())
