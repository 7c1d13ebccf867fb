"""One RTP packet: its bytes and its fields (RFC 3550, section 5.1), and how to tell RTCP from it (RFC 5761)."""

import struct

from msgspec import Struct

SEQUENCES = 1 << 16
TIMESTAMPS = 1 << 32

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_VERSION = 2 << 6
_PADDING, _EXTENDED, _SOURCES = 0x20, 0x10, 0x0F
_MARKER = 0x80


class RtpPacket(Struct, frozen=True, gc=False):
    """One packet without its padding, contributing sources and header extension, which nobody here reads."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def is_rtcp(datagram: bytes) -> bool:
    """True for RTCP on the port of RTP: packet types 192 to 223 (RFC 5761, section 4)."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def parse_packet(datagram: bytes) -> RtpPacket | None:
    """The packet, or None when the datagram is no well-formed RTP packet: junk, RTCP, or cut short."""
    size = len(datagram)
    if size < _HEADER.size or is_rtcp(datagram):
        return None
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    begin, end = _HEADER.size, size
    if flags != _VERSION:
        if flags & 0xC0 != _VERSION:
            return None
        begin = _payload_begin(datagram, flags)
        end -= datagram[-1] if flags & _PADDING else 0
        if begin > end or (flags & _PADDING and end == size):
            return None
    return RtpPacket(kind & 0x7F, sequence, timestamp, ssrc, datagram[begin:end], kind >= _MARKER)


def build_packet(packet: RtpPacket) -> bytes:
    """The datagram: no padding, contributing sources or extension."""
    kind = packet.payload_type | (_MARKER if packet.marker else 0)
    return _HEADER.pack(_VERSION, kind, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def _payload_begin(datagram: bytes, flags: int) -> int:
    """Where the payload begins, which may be behind the end of the datagram."""
    begin = _HEADER.size + 4 * (flags & _SOURCES)
    if not flags & _EXTENDED:
        return begin
    begin += _EXTENSION.size
    if begin > len(datagram):
        return begin
    return begin + 4 * int(_EXTENSION.unpack_from(datagram, begin - _EXTENSION.size)[1])
