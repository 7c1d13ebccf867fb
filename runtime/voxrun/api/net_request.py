"""`NetRequest`: a request of a scenario's, made of what it gave to `Net`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from voxrun.errors import ScenarioError
from voxrun.media.parameters import bytes_of
from voxrun.shown import shown
from voxrun.transports.http import HttpLimits, encode_headers

SECONDS = 90.0
"""How long a request may take: this, the next and the size are VoxEngine's limits, the redirects are ours."""

CONNECT_SECONDS = 6.0
SIZE = 2 * 1024 * 1024
REDIRECTS = 5

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class NetRequest:
    """What to send where. `is_raw`: bytes are wanted, `is_told`: the trace may have it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    limits: HttpLimits
    is_raw: bool
    is_told: bool


def net_request(function: str, url: str, options: Mapping[str, Any]) -> NetRequest:
    """The request that `options`, of `HttpRequestOptions`, make. ScenarioError for what makes none."""
    method = (options.get("method") or "GET").upper()
    if method not in METHODS:
        raise ScenarioError(f"{function} knows no method '{method}': it has {', '.join(METHODS)}")
    data = options.get("postData")
    body = b"" if data is None else bytes_of(function, "postData", data)
    if body and method in ("GET", "HEAD"):
        raise ScenarioError(f"{function}: no postData is sent with {method}: say method='POST' as well")
    headers = _headers(function, options.get("headers"))
    encode_headers(headers)
    params = options.get("params")
    if not isinstance(params, Mapping | None):
        raise ScenarioError(f"{function} needs its params by name, but was given {shown(params)}")
    seconds = _seconds(function, "timeout", options, SECONDS)
    connect_seconds = _seconds(function, "connectionTimeout", options, CONNECT_SECONDS)
    return NetRequest(
        method=method,
        url=_with(url, params or {}),
        headers=headers,
        body=body,
        limits=HttpLimits(seconds=seconds, connect_seconds=connect_seconds, size=SIZE, redirects=REDIRECTS),
        is_raw=bool(options.get("rawOutput")),
        is_told=options.get("enableSystemLog") is not False,
    )


def _headers(function: str, given: Any) -> list[tuple[str, str]]:
    lines = [f"{name}: {_word(value)}" for name, value in given.items()] if isinstance(given, Mapping) else given or []
    if not isinstance(lines, list | tuple) or not all(isinstance(line, str) and ":" in line for line in lines):
        raise ScenarioError(f"{function} needs its headers by name, or each as a text such as 'Accept: text/html'")
    fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    if "user-agent" in (name.lower() for name, _ in fields):
        return fields
    return [("User-Agent", "voxrun"), *fields]


def _with(url: str, params: Mapping[str, object]) -> str:
    if not params:
        return url
    place, mark, fragment = url.partition("#")
    words = {name: _words(value) for name, value in params.items()}
    return f"{place}{'&' if '?' in place else '?'}{urlencode(words, doseq=True)}{mark}{fragment}"


def _words(value: object) -> object:
    return [_word(one) for one in value] if isinstance(value, list | tuple) else _word(value)


def _word(value: object) -> object:
    """As servers expect it, which is as in JSON, where Python has words of its own."""
    return json.dumps(value) if isinstance(value, bool | Mapping | None) else value


def _seconds(function: str, name: str, options: Mapping[str, Any], most: float) -> float:
    given = options.get(name)
    if given is None:
        return most
    if not isinstance(given, int | float) or not 0 < given <= most:
        raise ScenarioError(f"{function} needs '{name}' in seconds, at most {most:g}, but was given {shown(given)}")
    return float(given)
