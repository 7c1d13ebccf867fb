"""`http_request`: one HTTP/1.1 request and its whole response, within limits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin

import h11
import trio

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.address import Address
from voxrun.transports.network import Network

RESPONSE_LIMIT = 1024 * 1024
"""Bytes of one response, head included, unless the limits say something else."""

_REDIRECTS = (301, 302, 303, 307, 308)
_METHOD_KEPT = (307, 308)  # RFC 9110 section 15.4: after the others a POST goes on as a GET
_RECEIVE_BUFFER = 64 * 1024
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What the server answered, whatever the status. Header names are as sent: compare them without case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How long everything may take, how many bytes each response may have, how many redirects are followed."""

    seconds: float = 10.0
    size: int = RESPONSE_LIMIT
    redirects: int = 0


_LIMITS = HttpLimits()


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def address(self) -> Address:
        return Address.parse(self.url, plain="http", secure="https")

    def redirected(self, response: HttpResponse) -> "_Request | None":
        """What to ask next; None when `response` is the answer."""
        location = next((value for name, value in response.headers if name.lower() == "location"), None)
        if response.status not in _REDIRECTS or location is None:
            return None
        kept = response.status in _METHOD_KEPT
        url = urljoin(self.url, location)
        request = _Request(self.method if kept else "GET", url, self.headers, self.body if kept else b"")
        same = (self.address.authority, self.address.tls) == (request.address.authority, request.address.tls)
        return request if same else replace(request, headers=())


async def http_request(
    network: Network,
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    limits: HttpLimits = _LIMITS,
) -> HttpResponse:
    """Send one request and read its response; a redirect that isn't followed is a response as any.

    The headers, which may hold a secret, are not sent on to another server.
    Raises RemoteError if the server can't be reached, breaks off, speaks no HTTP or exceeds the limits, and
    ConfigurationError for a URL or header that can't be sent.
    """
    try:
        with trio.fail_after(limits.seconds):
            return await _follow(network, _Request(method, url, headers, body), limits)
    except trio.TooSlowError:
        address = Address.parse(url, plain="http", secure="https")
        raise RemoteError(f"{address} did not answer the HTTP request within {limits.seconds:g} s: try again") from None


def encode_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Header fields as they go over the wire (RFC 9110 section 5.5).

    Raises ConfigurationError, without the value as it may be a secret, for what can't be sent.
    """
    for name, value in headers:
        if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise ConfigurationError(
                f"the HTTP header '{name}' holds a line break or another character that can't be sent: check its value"
            )
    return [(name.encode("ascii"), value.strip(" \t").encode("latin-1")) for name, value in headers]


async def _follow(network: Network, request: _Request, limits: HttpLimits) -> HttpResponse:
    response = await _send(network, request, limits.size)
    for _ in range(limits.redirects):
        following = request.redirected(response)
        if following is None:
            break
        request = following
        response = await _send(network, request, limits.size)
    return response


async def _send(network: Network, request: _Request, limit: int) -> HttpResponse:
    address, body = request.address, request.body
    fields = [
        (b"Host", address.authority.encode("ascii")),
        (b"Connection", b"close"),
        *encode_headers(request.headers),
    ]
    if body:
        fields.append((b"Content-Length", str(len(body)).encode("ascii")))
    parser = h11.Connection(h11.CLIENT)
    events = [h11.Request(method=request.method, target=address.target, headers=fields), h11.Data(body)]
    sent = b"".join(parser.send(event) or b"" for event in (*events, h11.EndOfMessage()))
    try:
        stream = await network.connect(address.host, address.port, tls=address.tls)
        try:
            await stream.send_all(sent)
            return await _receive(stream, parser, address, limit)
        finally:
            await trio.aclose_forcefully(stream)
    except trio.BrokenResourceError as error:
        raise RemoteError(f"{address} broke off during the HTTP request: try again") from error
    except h11.RemoteProtocolError as error:
        raise RemoteError(f"{address} did not answer in HTTP ({error}): check the address and port") from error


async def _receive(stream: trio.abc.Stream, parser: h11.Connection, address: Address, limit: int) -> HttpResponse:
    head: h11.Response | None = None
    body = bytearray()
    left = limit
    while True:
        match parser.next_event():
            case h11.NEED_DATA:
                data = bytes(await stream.receive_some(_RECEIVE_BUFFER))
                left -= len(data)
                if left < 0:
                    raise RemoteError(f"{address} sent an HTTP response of more than {limit} bytes")
                parser.receive_data(data)
            case h11.Response() as head:
                pass
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage() if head is not None:
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
                )
                return HttpResponse(head.status_code, headers, bytes(body))
