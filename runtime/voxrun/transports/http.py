"""`http_request`: one HTTP/1.1 request and its whole response."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import h11
import trio

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.address import Address
from voxrun.transports.network import Network

RESPONSE_LIMIT = 1024 * 1024
"""Bytes of one response, head included."""

_RECEIVE_BUFFER = 64 * 1024
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
                response = await _exchange(stream, method, address, fields)
            finally:
                await trio.aclose_forcefully(stream)
    except trio.TooSlowError:
        raise RemoteError(f"{address} did not answer the HTTP request within {timeout:g} s: try again") from None
    except trio.BrokenResourceError as error:
        raise RemoteError(f"{address} broke off during the HTTP request: try again") from error
    except h11.RemoteProtocolError as error:
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
    stream: trio.abc.Stream, method: str, address: Address, fields: list[tuple[bytes, bytes]]
) -> HttpResponse:
    parser = h11.Connection(h11.CLIENT)
    request = parser.send(h11.Request(method=method, target=address.target, headers=fields))
    await stream.send_all((request or b"") + (parser.send(h11.EndOfMessage()) or b""))
    head: h11.Response | None = None
    body = bytearray()
    left = RESPONSE_LIMIT
    while True:
        match parser.next_event():
            case h11.NEED_DATA:
                data = bytes(await stream.receive_some(_RECEIVE_BUFFER))
                left -= len(data)
                if left < 0:
                    raise RemoteError(f"{address} sent an HTTP response of more than {RESPONSE_LIMIT} bytes")
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
