"""`http_request`: one HTTP/1.1 request and its whole response, within limits; `http_open`: one that still comes."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import urljoin

import h11
import trio

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.protocol.websocket_handshake import unquoted
from voxrun.transports.address import Address
from voxrun.transports.network import Network

RESPONSE_LIMIT = 1024 * 1024
"""Bytes of one response, head included, unless the limits say something else."""

_REDIRECTS = (301, 302, 303, 307, 308)
_METHOD_KEPT = (307, 308)  # RFC 9110 section 15.4
_WITHOUT_BODY = (204, 304)  # whatever their head says of a length (RFC 9112 section 6.3)
_NO_SECRETS = ("accept", "accept-language", "content-type", "user-agent")
OUR_FIELDS = (b"connection", b"content-length", b"transfer-encoding", b"upgrade")
"""Header fields that frame a message: nobody else can know them."""

_WITH_BODY = ("POST", "PUT", "PATCH")  # even an empty one says how long it is (section 8.6)
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
    """How long everything may take, and how long connecting; bytes of each response; redirects that are followed."""

    seconds: float = 10.0
    connect_seconds: float = math.inf
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

    def redirected(self, status: int, location: str) -> "_Request":
        """What to ask next. ConfigurationError when `location` is nowhere."""
        kept = self._is_kept(status)
        url = _joined(self.url, location)
        request = _Request(self.method if kept else "GET", url, self.headers, self.body if kept else b"")
        known = [field for field in self.headers if field[0].lower() in _NO_SECRETS]
        return request if _is_same_server(self.address, request.address) else replace(request, headers=known)

    def _is_kept(self, status: int) -> bool:
        """Whether the method is: after 301 and 302 a POST goes on as a GET, after 303 all but a HEAD."""
        return status in _METHOD_KEPT or self.method == "HEAD" or (status != 303 and self.method != "POST")


def _is_same_server(before: Address, after: Address) -> bool:
    """Or `before` with TLS from now on, both at the usual ports: it has read the headers already."""
    upgraded = (before.port, before.tls) == (80, False) and (after.port, after.tls) == (443, True)
    return before.host == after.host and (upgraded or (before.port, before.tls) == (after.port, after.tls))


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

    Headers that may hold a secret are not sent on to another server.
    Raises RemoteError if the server can't be reached, breaks off, speaks no HTTP or exceeds the limits, and
    ConfigurationError for a URL or header that can't be sent.
    """
    coming = await http_open(network, method, url, headers=headers, body=body, limits=limits)
    try:
        content = bytearray()
        while data := await coming.receive():
            content += data
    finally:
        await coming.aclose()
    return HttpResponse(coming.status, coming.headers, bytes(content))


async def http_open(
    network: Network,
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    limits: HttpLimits = _LIMITS,
) -> "ComingResponse":
    """As `http_request`, but when this returns the body is still to come, and the caller's to `receive` and close."""
    deadline = trio.current_time() + limits.seconds
    request = _Request(method, url, headers, body)
    for left in range(limits.redirects, -1, -1):
        coming = await _send(network, request, limits, deadline)
        location = elsewhere(coming)
        if location is None or not left:
            return coming
        await coming.aclose()
        request = request.redirected(coming.status, location)
    raise AssertionError("the last response is returned")


def elsewhere(response: "HttpResponse | ComingResponse") -> str | None:
    """Where the answer is to be found, if this response only says that."""
    locations = (value for name, value in response.headers if name.lower() == "location")
    return next(locations, None) if response.status in _REDIRECTS else None


def _joined(url: str, location: str) -> str:
    """Where `location`, sent by `url`, is; itself if nowhere, as `Address` says so in words."""
    with suppress(UnicodeDecodeError):
        location = location.encode("latin-1").decode()  # some send UTF-8, as browsers expect
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def encode_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Header fields as they go over the wire (RFC 9110 section 5.5).

    Raises ConfigurationError, without the value as it may be a secret, for what can't be sent.
    """
    for name, value in headers:
        if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise ConfigurationError(
                f"the HTTP header '{name}' holds a line break or another character that can't be sent: check its value"
            )
    if sum(name.lower() == "host" for name, _ in headers) > 1:
        raise ConfigurationError("the HTTP header 'Host' is there twice: give it once, or leave it to the address")
    return [(name.encode("ascii"), value.strip(" \t").encode("latin-1")) for name, value in headers]


class ComingResponse:
    """What the server answered, whatever the status, but for its body, which `receive` gives as it comes."""

    def __init__(self, stream: trio.abc.Stream, address: Address, limits: HttpLimits, deadline: float) -> None:
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self._stream = stream
        self._address = address
        self._limits = limits
        self._left = limits.size
        self._deadline = deadline
        self._parser = h11.Connection(h11.CLIENT)

    @property
    def size(self) -> int | None:
        """Bytes of the whole body, if the server said."""
        length = next((value for name, value in self.headers if name.lower() == "content-length"), "")
        return int(length) if length.isdecimal() else None

    async def begin(self, request: _Request) -> None:
        """Send the request, and read the answer's head."""
        body = request.body
        given = [field for field in encode_headers(request.headers) if field[0].lower() not in OUR_FIELDS]
        fields = [(b"Connection", b"close"), *given]
        if b"host" not in (name.lower() for name, _ in given):
            fields.insert(0, (b"Host", self._address.authority.encode("ascii")))
        if body or request.method in _WITH_BODY:
            fields.append((b"Content-Length", str(len(body)).encode("ascii")))
        events = [h11.Request(method=request.method, target=self._address.target, headers=fields), h11.Data(body)]
        sent = b"".join(self._parser.send(event) or b"" for event in (*events, h11.EndOfMessage()))
        with self._explained():
            await self._stream.send_all(sent)
        head = await self._next()
        while not isinstance(head, h11.Response):  # an answer such as 100
            head = await self._next()
        self.status = head.status_code
        self.headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
        )
        has_body = request.method != "HEAD" and self.status not in _WITHOUT_BODY
        if has_body and self.size is not None and self.size > self._limits.size:
            raise self._too_large()

    async def receive(self) -> bytes:
        """What comes next of the body; nothing at its end. RemoteError as from `http_request`."""
        while isinstance(event := await self._next(), h11.Data):
            if event.data:
                return bytes(event.data)
        return b""

    async def aclose(self) -> None:
        """End the connection."""
        await trio.aclose_forcefully(self._stream)

    async def _next(self) -> object:
        with self._explained():
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                data = bytes(await self._stream.receive_some(_RECEIVE_BUFFER))
                self._left -= len(data)
                if self._left < 0:
                    raise self._too_large()
                self._parser.receive_data(data)
        await trio.lowlevel.checkpoint()  # calls go on while a response of many small chunks is read
        return event

    def _broken_off(self) -> RemoteError:
        return RemoteError(f"{self._address} broke off during the HTTP request: try again", failure="network")

    def _too_large(self) -> RemoteError:
        message = f"{self._address} sent an HTTP response of more than {self._limits.size} bytes"
        return RemoteError(message, failure="size")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """In time, and with the network's errors in words."""
        try:
            with trio.fail_at(self._deadline):
                yield
        except trio.TooSlowError:
            raise _too_slow(self._address, self._limits.seconds) from None
        except trio.BrokenResourceError as error:
            raise self._broken_off() from error
        except h11.RemoteProtocolError as error:
            was_closed = self._parser.trailing_data == (b"", True)  # and what came before was HTTP, if anything
            if was_closed and self.status:
                raise self._broken_off() from error
            happened = "the connection was closed" if was_closed else unquoted(error)
            raise RemoteError(
                f"{self._address} did not answer in HTTP ({happened}): check the address and port", failure="network"
            ) from None


async def _send(network: Network, request: _Request, limits: HttpLimits, deadline: float) -> ComingResponse:
    address = request.address
    encode_headers(request.headers)  # before anything is sent
    seconds = min(deadline - trio.current_time(), limits.connect_seconds)
    try:
        with trio.fail_after(max(seconds, 0)):
            stream = await network.connect(address.host, address.port, tls=address.tls)
    except trio.TooSlowError:
        raise _too_slow(address, min(limits.seconds, limits.connect_seconds)) from None
    coming = ComingResponse(stream, address, limits, deadline)
    try:
        await coming.begin(request)
    except BaseException:
        await coming.aclose()
        raise
    return coming


def _too_slow(address: Address, seconds: float) -> RemoteError:
    return RemoteError(f"{address} did not answer the HTTP request within {seconds:g} s: try again", failure="time")
