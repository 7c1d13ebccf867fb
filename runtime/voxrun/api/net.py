"""The `Net` namespace (reference: Net): what a scenario asks other servers by HTTP."""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, overload
from typing import Unpack as _Unpack

import trio

from voxrun.api.net_request import CONNECT_SECONDS, METHODS, REDIRECTS, SECONDS, NetRequest, net_request
from voxrun.dsl.bounds import OneOf, Seconds, Url
from voxrun.errors import ConfigurationError, RemoteError, ScenarioError
from voxrun.events.app import HttpHeader
from voxrun.media.parameters import merged, text_of
from voxrun.session.current import current_session
from voxrun.session.request_secrets import protect_request
from voxrun.session.requests import LIMIT
from voxrun.shown import shown
from voxrun.transports.address import public
from voxrun.transports.http import HttpResponse, elsewhere, http_request

if TYPE_CHECKING:
    from voxrun.session.session import Session

__all__ = ["HttpRequestOptions", "HttpRequestResult", "httpRequest", "httpRequestAsync"]

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_NO_CHARSETS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape")
"""Python's own names for what no server means by them. To decode 2 MiB of Punycode it would take half an hour."""

_HttpUrl = Annotated[str, Url(("https", "http"))]
_TOO_MANY, _UNKNOWN, _BAD_URL, _REDIRECTED = 0, -1, -2, -5
_FAILURES = {"host": -3, "connection": -4, "network": -6, "time": -7, "size": -9}


class HttpRequestOptions(TypedDict, total=False):
    """What to ask, and how long for.

    `headers`: a mapping, or a text for each, such as "Accept: text/html". `params` are added to the URL's. Seconds:
    `timeout` at most 90, `connectionTimeout` at most 6. With `rawOutput` the answer is in `data`, not in `text`.
    `enableSystemLog=False` keeps the request out of the trace and of warnings.
    """

    method: Annotated[str, OneOf(METHODS)]
    postData: str | bytes | Sequence[int]
    headers: Mapping[str, str] | Sequence[str]
    params: Mapping[str, object]
    rawOutput: bool
    timeout: Annotated[float, Seconds(SECONDS)]
    connectionTimeout: Annotated[float, Seconds(CONNECT_SECONDS)]
    enableSystemLog: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestResult:
    """What came of a request: `code` is the status of HTTP, or says what went wrong, and `error` says so in words.

    0: too many at once, -1: unknown, -2: no URL, -3: no such host, -4: no connection, -5: too many redirects,
    -6: broken off, -7: out of time, -9: more than 2 MiB. `text` is None for what is no text, and with `rawOutput`.
    """

    code: int
    headers: Sequence[HttpHeader] = ()
    raw_headers: str | None = None
    text: str | None = None
    data: bytes | None = None
    error: str | None = None


_GIVEN_UP = HttpRequestResult(code=_FAILURES["time"], error="given up, as the session ends")


@overload
async def httpRequestAsync(url: str, options: HttpRequestOptions, /) -> HttpRequestResult: ...
@overload
async def httpRequestAsync(url: str, /, **keywords: _Unpack[HttpRequestOptions]) -> HttpRequestResult: ...
async def httpRequestAsync(
    url: _HttpUrl, options: HttpRequestOptions | None = None, /, **keywords: Any
) -> HttpRequestResult:
    """Send a request and wait for the answer. Whatever comes of it is a result; no error is raised.

    A handler that is cancelled meanwhile does not get it, but the request goes on: what was begun is sent.
    """
    came = trio.Event()
    results: list[HttpRequestResult] = []

    def take(result: HttpRequestResult) -> None:
        results.append(result)
        came.set()

    protect_request(url, options, keywords)
    _begin("httpRequestAsync", url, merged("httpRequestAsync", HttpRequestOptions, options, keywords), take)
    await came.wait()
    return results[0]


@overload
def httpRequest(url: str, callback: Callable[[HttpRequestResult], object], options: HttpRequestOptions, /) -> None: ...
@overload
def httpRequest(
    url: str, callback: Callable[[HttpRequestResult], object], /, **keywords: _Unpack[HttpRequestOptions]
) -> None: ...
def httpRequest(
    url: _HttpUrl,
    callback: Callable[[HttpRequestResult], object],
    options: HttpRequestOptions | None = None,
    /,
    **keywords: Any,
) -> None:
    """Send a request; `callback` is called with what comes of it, unless the session ends before."""
    protect_request(url, options, keywords)
    if not callable(callback):
        raise ScenarioError(f"httpRequest needs a function after the URL, but was given {shown(callback)}")
    tell = partial(current_session().call_soon, "in the callback of Net.httpRequest", callback)
    _begin("httpRequest", url, merged("httpRequest", HttpRequestOptions, options, keywords), tell)


def _begin(function: str, url: str, options: Mapping[str, Any], tell: Callable[[HttpRequestResult], object]) -> None:
    session = current_session()
    request = net_request(function, text_of(function, url), options)
    if session.services.is_sandboxed:
        raise ScenarioError("--sandbox allows no HTTP requests: leave it out")
    host = public(request.url).partition("//")[2].partition("/")[0] if request.is_told else ""
    if not session.requests.begin(host, partial(_ask, session, request, tell)):
        error = f"there are {LIMIT} requests already, or the session is over"
        tell(HttpRequestResult(code=_TOO_MANY, error=error))


async def _ask(session: "Session", request: NetRequest, tell: Callable[[HttpRequestResult], object]) -> None:
    began = session.now()
    result = _GIVEN_UP
    try:
        result = await _answer(session, request)
    finally:
        if request.is_told:
            seconds = round(session.now() - began, 3)
            url = public(request.url)
            session.trace("http", method=request.method, url=url, code=result.code, seconds=seconds, error=result.error)
    tell(result)


async def _answer(session: "Session", request: NetRequest) -> HttpRequestResult:
    try:
        response = await http_request(
            session.services.network,
            request.method,
            request.url,
            headers=request.headers,
            body=request.body,
            limits=request.limits,
        )
    except RemoteError as error:
        return HttpRequestResult(code=_FAILURES.get(error.failure, _UNKNOWN), error=str(error))
    except ConfigurationError as error:  # the URL, or one that a server sent us to
        return HttpRequestResult(code=_BAD_URL, error=str(error))
    if elsewhere(response) is not None:
        return HttpRequestResult(code=_REDIRECTED, error=f"more than {REDIRECTS} redirects, one after the other")
    return _result(response, is_raw=request.is_raw)


def _result(response: HttpResponse, *, is_raw: bool) -> HttpRequestResult:
    return HttpRequestResult(
        code=response.status,
        headers=[HttpHeader(key=name, value=value) for name, value in response.headers],
        raw_headers="".join(f"{name}: {value}\r\n" for name, value in response.headers),
        text=None if is_raw else _text(response),
        data=response.body if is_raw else None,
    )


def _text(response: HttpResponse) -> str | None:
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    named = _CHARSET.search(kind)
    try:
        codec = codecs.lookup(named[1] if named else "utf-8")
        if codec.name.replace("_", "-") in _NO_CHARSETS:
            return None
        return response.body.decode(codec.name).removeprefix("\ufeff")
    except (ValueError, LookupError):  # no text, or in letters that nobody knows
        return None
