"""`http_request`: one HTTP/1.1 request and its whole response."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpcore
import trio

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.address import Address
from voxrun.transports.network import Network

RESPONSE_LIMIT = 1024 * 1024
"""Bytes of one response, head included."""

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What the server answered, whatever the status. Header names are as sent: compare them without case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def http_request(
    network: Network, method: str, url: str, *, headers: Sequence[tuple[str, str]] = (), timeout: float = 10.0
) -> HttpResponse:
    """Send one request without a body and read its response; redirects are not followed.

    Raises RemoteError if the server can't be reached, breaks off, speaks no HTTP, sends more than `RESPONSE_LIMIT` or
    is not done within `timeout` seconds, and ConfigurationError for a URL or header that can't be sent.
    """
    address = Address.parse(url, plain="http", secure="https")
    fields = [
        (b"Host", address.authority.encode("ascii")),
        (b"Connection", b"close"),
        *encode_headers(headers),
    ]
    try:
        with trio.fail_after(timeout):
            stream = await network.connect(address.host, address.port, tls=address.tls)
            try:
                response = await _exchange(_BoundedStream(stream, address), method, address, fields)
            finally:
                await trio.aclose_forcefully(stream)
    except trio.TooSlowError:
        raise RemoteError(f"{address} did not answer the HTTP request within {timeout:g} s: try again") from None
    except trio.BrokenResourceError as error:
        raise RemoteError(f"{address} broke off during the HTTP request: try again") from error
    except httpcore.RemoteProtocolError as error:
        raise RemoteError(f"{address} did not answer in HTTP ({error}): check the address and port") from error
    return response


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


async def _exchange(
    stream: "_BoundedStream", method: str, address: Address, fields: list[tuple[bytes, bytes]]
) -> HttpResponse:
    url = httpcore.URL(
        scheme="https" if address.tls else "http", host=address.host, port=address.port, target=address.target
    )
    connection = httpcore.AsyncHTTP11Connection(url.origin, stream)
    response = await connection.request(method, url, headers=fields)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
    return HttpResponse(response.status, headers, response.content)


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A trio stream as httpcore's `AsyncNetworkStream`, which reads no more than one response may have."""

    def __init__(self, stream: trio.abc.Stream, address: Address) -> None:
        self._stream = stream
        self._address = address
        self._left = RESPONSE_LIMIT

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        self._left -= len(data)
        if self._left < 0:
            raise RemoteError(f"{self._address} sent an HTTP response of more than {RESPONSE_LIMIT} bytes")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.send_all(buffer)

    async def aclose(self) -> None:
        await self._stream.aclose()
