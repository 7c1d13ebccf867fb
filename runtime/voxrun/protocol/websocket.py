"""`WebSocketProtocol`: messages to frames and back, for either side of a connection (RFC 6455, no extensions)."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""Opcodes (RFC 6455 section 5.2)."""

PROTOCOL_ERROR, NO_CODE, LOST, BAD_TEXT, TOO_BIG = 1002, 1005, 1006, 1007, 1009
"""Closing codes (section 7.4.1)."""

_MAX_CONTROL = 125
_LONG = 1 << 16
_BYTE = np.dtype(np.uint8)
_array_of, _xor = np.frombuffer, np.bitwise_xor  # every frame is masked: looking these up is a tenth of that
_HEAD, _LONG_HEAD = struct.Struct("!BBH"), struct.Struct("!BBQ")
_KEYS_AT_ONCE = 64
_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_WHOLE_TEXT, _WHOLE_BINARY = _FIN | TEXT, _FIN | BINARY


@dataclass(frozen=True, slots=True)
class PingCame:
    """To be answered with `pong(payload)`."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class PongCame:
    """The answer to a ping, or a sign of life."""


@dataclass(frozen=True, slots=True)
class CloseCame:
    """The peer's last frame. 1005 stands for no code."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Breach:
    """The peer broke the protocol: tell it with `close(code, reason)`. It is not listened to any more."""

    code: int
    reason: str


ControlEvent: TypeAlias = PingCame | PongCame | CloseCame | Breach
"""Something about the connection."""

FrameEvent: TypeAlias = str | bytes | ControlEvent
"""A whole message, text or binary, or a ControlEvent."""


class _BreachError(Exception):
    pass


def may_be_sent(code: int) -> bool:
    """Whether a closing frame may carry this code (section 7.4)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


class WebSocketProtocol:
    """One connection after its handshake. It does no I/O: bytes that came go in, bytes to send come out."""

    __slots__ = ("_keys", "_kind", "_limit", "_message", "_needed", "_over", "_rest", "_usual", "is_client")

    def __init__(self, *, is_client: bool, limit: int) -> None:
        """`limit`: bytes that one incoming message may have."""
        self.is_client = is_client
        self._limit = limit
        self._usual = 126 if is_client else _MASKED | 126  # the second byte of what comes, of a length in two bytes
        self._keys = _masking_keys()
        self._rest = bytearray()  # the beginning of a frame
        self._needed = 0  # how long that must get before it is worth looking at again
        self._kind = CONTINUATION  # of the message whose fragments come
        self._message = bytearray()  # those that came
        self._over = False

    def receive(self, data: bytes) -> list[FrameEvent]:
        """What these bytes bring, in order. After CloseCame or Breach nothing is brought any more."""
        if self._over:
            return []
        if not (self._rest or self._kind) and (message := self._read_usual(data)) is not None:
            return [message]
        return self._read(data)

    def _read(self, data: bytes) -> list[FrameEvent]:
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        events: list[FrameEvent] = []
        try:
            self._read_frames(data, events)
        except _BreachError as breach:
            self._over = True
            events.append(Breach(*breach.args))
        return events

    def message(self, message: str | bytes) -> bytes:
        """The frame of a message. UnicodeEncodeError for text that is no Unicode, such as half a surrogate pair."""
        if isinstance(message, str):
            return self._frame(TEXT, message.encode())
        return self._frame(BINARY, message)

    def ping(self) -> bytes:
        """A question whether the peer is there."""
        return self._frame(PING, b"")

    def pong(self, payload: bytes) -> bytes:
        """The answer to a ping."""
        return self._frame(PONG, payload)

    def close(self, code: int, reason: str) -> bytes:
        """The last frame; 1005 sends no code. Reasons longer than 123 bytes are cut."""
        if code == NO_CODE:
            return self._frame(CLOSE, b"")
        text = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore")
        return self._frame(CLOSE, code.to_bytes(2) + text.encode())

    def _frame(self, opcode: int, payload: bytes) -> bytes:
        size = len(payload)
        mask = _MASKED if self.is_client else 0
        if size <= _MAX_CONTROL:
            head = bytes((_FIN | opcode, mask | size))
        elif size < _LONG:
            head = _HEAD.pack(_FIN | opcode, mask | 126, size)
        else:
            head = _LONG_HEAD.pack(_FIN | opcode, mask | 127, size)
        if not mask:
            return head + payload
        key = next(self._keys)
        return b"".join((head, key, _masked(payload, key)))

    def _read_usual(self, data: bytes) -> str | bytes | None:
        """The message, if these bytes are one frame with all of it: so nearly all audio comes."""
        if len(data) <= _MAX_CONTROL:
            return None
        first, second, size = _HEAD.unpack_from(data)
        begin = 4 if self.is_client else 8
        if second != self._usual or size != len(data) - begin or not _MAX_CONTROL < size <= self._limit:
            return None
        payload = data[begin:]
        if not self.is_client:
            payload = _masked(payload, data[4:8])
        try:
            return payload.decode() if first == _WHOLE_TEXT else payload if first == _WHOLE_BINARY else None
        except UnicodeDecodeError:  # a breach, which those that read every frame tell
            return None

    def _read_frames(self, data: bytes, events: list[FrameEvent]) -> None:
        start, end = 0, len(data)
        while start < end and not self._over:
            begin, stop = self._read_head(data, start, end)
            if not begin or stop > end:
                self._rest += data[start:]
                self._needed = stop - start if begin else len(self._rest) + 1
                return
            payload = data[begin:stop]
            if not self.is_client and payload:
                payload = _masked(payload, data[begin - 4 : begin])
            if (event := self._read_payload(data[start], payload)) is not None:
                events.append(event)
            start = stop

    def _read_head(self, data: bytes, start: int, end: int) -> tuple[int, int]:
        """Where the payload of the frame at `start` begins and where it stops; (0, 0) before that can be told."""
        if end - start < 2:
            return 0, 0
        first, second = data[start], data[start + 1]
        begin, size = start + 2, second & 0x7F
        if size > _MAX_CONTROL:
            shortest, begin = (_MAX_CONTROL + 1, start + 4) if size == 126 else (_LONG, start + 10)
            if end < begin:
                return 0, 0
            size = int.from_bytes(data[start + 2 : begin])
            if size < shortest:
                raise _BreachError(PROTOCOL_ERROR, "a length in more bytes than it needs")
        if (second >= _MASKED) is self.is_client:
            raise _BreachError(PROTOCOL_ERROR, "clients mask their frames, servers do not")
        self._check(first, size)
        if not self.is_client:
            begin += 4
        return begin, begin + size

    def _check(self, first: int, size: int) -> None:
        """Whether such a frame may come now."""
        opcode = first & 0x0F
        if first & _RESERVED or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise _BreachError(PROTOCOL_ERROR, "a frame of an unknown kind")
        if opcode >= CLOSE:
            if size > _MAX_CONTROL or not first & _FIN:
                raise _BreachError(PROTOCOL_ERROR, "a control frame that is too long or in pieces")
        elif (opcode == CONTINUATION) is (self._kind == CONTINUATION):
            raise _BreachError(PROTOCOL_ERROR, "the pieces of messages are mixed up")
        elif size + len(self._message) > self._limit:
            raise _BreachError(TOO_BIG, f"a message of more than {self._limit} bytes")

    def _read_payload(self, first: int, payload: bytes) -> FrameEvent | None:
        opcode = first & 0x0F
        if opcode < CLOSE:
            return self._read_piece(opcode, payload, is_last=bool(first & _FIN))
        if opcode == PING:
            return PingCame(payload)
        if opcode == PONG:
            return PongCame()
        event = _read_close(payload)
        self._over = True
        return event

    def _read_piece(self, opcode: int, payload: bytes, *, is_last: bool) -> str | bytes | None:
        self._kind = opcode or self._kind
        self._message += payload
        if not is_last:
            return None
        kind, message = self._kind, bytes(self._message)
        self._kind = CONTINUATION
        self._message.clear()
        return _text(message) if kind == TEXT else message


def _masking_keys() -> Iterator[bytes]:
    """Nobody may foresee them (section 10.3). Some are drawn at once: each draw is a call of the system."""
    while True:
        for (key,) in struct.iter_unpack("4s", os.urandom(4 * _KEYS_AT_ONCE)):
            yield key


def _masked(payload: bytes, key: bytes) -> bytes:
    """Every byte XORed with the key's in turn (section 5.3): masks, and unmasks."""
    size = len(payload)
    pad = _array_of(key * (size // 4 + 1), _BYTE, size)
    return _xor(_array_of(payload, _BYTE), pad).tobytes()


def _read_close(payload: bytes) -> CloseCame:
    if not payload:
        return CloseCame(NO_CODE, "")
    code = int.from_bytes(payload[:2])
    if len(payload) < 2 or not may_be_sent(code):
        raise _BreachError(PROTOCOL_ERROR, "a closing code that must not be sent")
    return CloseCame(code, _text(payload[2:]))


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise _BreachError(BAD_TEXT, "text that is not UTF-8") from None
