"""`ClientHandshake` and `ServerHandshake`: how a connection becomes a WebSocket (RFC 6455 section 4), or fails to."""

import base64
import hashlib
import os
from collections.abc import Iterable, Sequence
from http import HTTPStatus

import h11

from voxrun.errors import RemoteError
from voxrun.protocol.excerpt import excerpt

HEAD_LIMIT = 64 * 1024
"""Bytes of the head, and of what follows a refusal."""

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = b"13"
_REASON_LENGTH = 500

Fields = Sequence[tuple[bytes, bytes]]


class ClientHandshake:
    """Send `request`, then give what comes to `receive` until it is done."""

    def __init__(self, peer: str, authority: str, target: str, subprotocols: Sequence[str], fields: Fields) -> None:
        """`peer` is for errors, `target` path and query, `fields` more of the head."""
        self._peer = peer
        self._key = base64.b64encode(os.urandom(16))
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self._refusal: h11.Response | None = None
        self._body = bytearray()
        head = [
            (b"Host", authority.encode("ascii")),
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Key", self._key),
            (b"Sec-WebSocket-Version", _VERSION),
        ]
        if subprotocols:
            head.append((b"Sec-WebSocket-Protocol", ", ".join(subprotocols).encode("ascii")))
        request = h11.Request(method="GET", target=target, headers=[*head, *fields])
        self.request = b"".join(self._parser.send(event) or b"" for event in (request, h11.EndOfMessage()))

    @property
    def is_refused(self) -> bool:
        """Whether the head of a refusal has come: what follows only says more."""
        return self._refusal is not None

    def receive(self, data: bytes) -> bytes | None:
        """None before the WebSocket is open, then what came after the answer. No data is the peer's end.

        Raises RemoteError when the peer refuses, with status and body as its code and reason, or answers wrongly.
        """
        try:
            self._parser.receive_data(data)
            return self._read()
        except h11.RemoteProtocolError as error:
            if self._refusal:
                raise refusal(self._peer, self._refusal.status_code, self._body) from None
            if not data:
                raise failure(self._peer, "broke off the WebSocket handshake") from None
            raise RemoteError(f"{self._peer} does not speak WebSocket ({unquoted(error)}): check the address") from None

    def _read(self) -> bytes | None:
        while (event := self._parser.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                    return self._accepted(event)
            elif isinstance(event, h11.Response):
                self._refusal = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif self._refusal is None:
                raise failure(self._peer, "broke off the WebSocket handshake")
            if self._refusal and (isinstance(event, h11.EndOfMessage) or len(self._body) > HEAD_LIMIT):
                raise refusal(self._peer, self._refusal.status_code, self._body)
        return None

    def _accepted(self, answer: h11.InformationalResponse) -> bytes:
        fields = dict(answer.headers)
        if fields.get(b"upgrade", b"").lower() != b"websocket" or fields.get(b"sec-websocket-accept") != _token(
            self._key
        ):
            raise failure(self._peer, "made a mistake in the WebSocket handshake")
        return self._parser.trailing_data[0]


class ServerHandshake:
    """Give what comes to `receive` until there is an `answer` to send."""

    def __init__(self) -> None:
        self.answer = b""
        self.mistake: str | None = None
        """What the client did wrong, when the answer is a refusal."""
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)

    def receive(self, data: bytes) -> bytes | None:
        """None before the request is complete, then what came after it. No data is the client's end."""
        try:
            self._parser.receive_data(data)
            request = self._parser.next_event()
            if request is h11.NEED_DATA:
                return None
            if not isinstance(request, h11.Request):
                return self._refuse(HTTPStatus.BAD_REQUEST, "it hung up")
            return self._decide(request)
        except h11.RemoteProtocolError as error:
            return self._refuse(HTTPStatus(error.error_status_hint), unquoted(error))

    def _decide(self, request: h11.Request) -> bytes | None:
        fields = joined(request.headers)
        key = fields.get(b"sec-websocket-key", b"")
        connection = {option.strip().lower() for option in fields.get(b"connection", b"").split(b",")}
        if request.method != b"GET" or fields.get(b"upgrade", b"").lower() != b"websocket":
            return self._refuse(HTTPStatus.BAD_REQUEST, "it asks for no WebSocket")
        if fields.get(b"sec-websocket-version", _VERSION) != _VERSION:
            return self._refuse(HTTPStatus.UPGRADE_REQUIRED, "it wants another version")
        if not key or b"upgrade" not in connection or b"sec-websocket-version" not in fields:
            return self._refuse(HTTPStatus.BAD_REQUEST, "its head lacks something")
        head = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", _token(key))]
        offered = fields.get(b"sec-websocket-protocol", b"").split(b",")[0].strip()
        if offered and offered.isascii():
            head.append((b"Sec-WebSocket-Protocol", offered))
        if not isinstance(self._parser.next_event(), h11.EndOfMessage):
            return self._refuse(HTTPStatus.BAD_REQUEST, "it has a body")
        status = HTTPStatus.SWITCHING_PROTOCOLS
        answer = h11.InformationalResponse(status_code=status, headers=head, reason=status.phrase.encode("ascii"))
        self.answer = self._parser.send(answer) or b""
        return self._parser.trailing_data[0]

    def _refuse(self, status: HTTPStatus, mistake: str) -> bytes:
        self.mistake = mistake
        version = f"Sec-WebSocket-Version: {_VERSION.decode()}\r\n" if status is HTTPStatus.UPGRADE_REQUIRED else ""
        self.answer = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n{version}Content-Length: 0\r\nConnection: close\r\n\r\n"
        ).encode("ascii")
        return b""


def refusal(peer: str, status: int, body: bytes | bytearray) -> RemoteError:
    """That `peer` answered with such a status instead; `body` is as much as there is of the answer's."""
    reason = excerpt(body[: 8 * _REASON_LENGTH].decode("utf-8", "replace"), _REASON_LENGTH)
    said = f": {reason}" if reason else ""
    return RemoteError(f"{peer} refused the WebSocket with HTTP status {status}{said}", code=status, reason=reason)


def failure(peer: str, what: str) -> RemoteError:
    """That `peer` did `what`."""
    return RemoteError(f"{peer} {what}: check the address, and that a WebSocket server is there")


def unquoted(error: Exception) -> str:
    """What h11 finds wrong, without the bytes that it quotes after a colon: a peer may send a secret of ours back."""
    return str(error).partition(":")[0]


def _token(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + _MAGIC).digest())


def joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields of a head: what comes in several lines of one name is one list (RFC 9110 section 5.3)."""
    fields: dict[bytes, bytes] = {}
    for name, value in lines:
        fields[name] = fields[name] + b", " + value if name in fields else value
    return fields
