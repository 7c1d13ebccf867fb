"""RTCP packets: sender and receiver reports, CNAME, BYE, in compounds (RFC 3550, section 6)."""

import struct
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
_VERSION = 2 << 6
_PADDING, _COUNT = 0x20, 0x1F
_CNAME = 1

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_SSRC = struct.Struct("!I")

_INTERVAL_SECONDS = 5.0
_COMPENSATION = 1.21828  # e - 3/2: what the reconsideration of timers costs (6.3.1)
_SHORT_NTP = 1 << 16  # ticks per second of the middle 32 bits of an NTP time


class ReportBlock(Struct, frozen=True):
    """What one end received of the source `ssrc` (6.4.1)."""

    ssrc: int
    fraction_lost: int
    """256ths since the last report."""
    lost: int
    """In all, from -2^23 to 2^23-1."""
    highest: int
    """The extended sequence number, 32 bits."""
    jitter: int
    """Ticks of the RTP clock."""
    last_report: int
    """The middle 32 bits of the NTP time in the last sender report; 0 when none came."""
    delay: int
    """From then to now, in 1/65536 s."""


class SenderReport(Struct, frozen=True):
    """What `ssrc` sent, and received."""

    ssrc: int
    ntp: int
    """The time in 2^-32 s."""
    timestamp: int
    """The same time on the RTP clock."""
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(Struct, frozen=True):
    """What `ssrc`, which sends nothing, received."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class Description(Struct, frozen=True):
    """The CNAME of `ssrc`, at most 255 bytes of UTF-8."""

    ssrc: int
    cname: str


class Goodbye(Struct, frozen=True):
    """The sources that leave, and why."""

    ssrcs: tuple[int, ...]
    reason: str = ""


RtcpPacket = SenderReport | ReceiverReport | Description | Goodbye


def parse_compound(datagram: bytes) -> list[RtcpPacket] | None:
    """The packets of a compound, other kinds left out; None when the datagram isn't well-formed (A.2).

    A single packet without the leading report of a compound is taken too (RFC 5506).
    """
    packets: list[RtcpPacket] = []
    for kind, count, body in _split(datagram):
        if kind is None:
            return None
        try:
            packets += _PARSERS[kind](body, count) if kind in _PARSERS else []
        except (struct.error, IndexError):
            return None
    return packets if datagram else None


def build_compound(packets: Sequence[RtcpPacket]) -> bytes:
    """The datagram; a compound begins with a report, and a Description follows."""
    return b"".join(_build(packet) for packet in packets)


def next_interval(random: Callable[[], float], *, is_first: bool = False) -> float:
    """Seconds to the next compound in a call of two: 5 s, half of it at first, randomised (6.3.1).

    `random` gives numbers from 0 to 1. Two reporters take so small a share of a call that only the minimum counts.
    """
    return _INTERVAL_SECONDS * (0.5 if is_first else 1.0) * (0.5 + random()) / _COMPENSATION


def middle_of(ntp: int) -> int:
    """The middle 32 bits of an NTP time: what reports send back."""
    return ntp >> 16 & 0xFFFFFFFF


def round_trip(block: ReportBlock, ntp: int) -> float | None:
    """Seconds to the far end and back, for a report that arrived at `ntp`; None when it doesn't say (6.4.1)."""
    if not block.last_report:
        return None
    ticks = (middle_of(ntp) - block.last_report - block.delay) % (1 << 32)
    return ticks / _SHORT_NTP if ticks < 1 << 31 else None


def _split(datagram: bytes) -> Iterator[tuple[int | None, int, bytes]]:
    """Kind, count and body of each packet; the kind None ends what isn't well-formed."""
    offset = 0
    while offset < len(datagram):
        if offset + _HEADER.size > len(datagram):
            yield None, 0, b""
            return
        flags, kind, words = _HEADER.unpack_from(datagram, offset)
        begin, offset = offset + _HEADER.size, offset + 4 * (words + 1)
        padding = datagram[-1] if flags & _PADDING and offset == len(datagram) else 0
        is_padded_well = not flags & _PADDING or 0 < padding <= 4 * words
        if flags & 0xC0 != _VERSION or offset > len(datagram) or not is_padded_well or not 192 <= kind <= 223:
            yield None, 0, b""
            return
        yield kind, flags & _COUNT, datagram[begin : offset - padding]


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_parse_block(body, offset + index * _BLOCK.size) for index in range(count))


def _parse_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, last_report, delay = _BLOCK.unpack_from(body, offset)
    lost = loss & 0xFFFFFF
    return ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, last_report, delay)


def _parse_sender_report(body: bytes, count: int) -> list[RtcpPacket]:
    ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
    return [SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_blocks(body, _SENDER.size, count))]


def _parse_receiver_report(body: bytes, count: int) -> list[RtcpPacket]:
    (ssrc,) = _SSRC.unpack_from(body)
    return [ReceiverReport(ssrc, _parse_blocks(body, _SSRC.size, count))]


def _parse_description(body: bytes, count: int) -> list[RtcpPacket]:
    """The chunks that have a CNAME (6.5)."""
    found: list[RtcpPacket] = []
    offset = 0
    for _ in range(count):
        (ssrc,) = _SSRC.unpack_from(body, offset)
        offset += _SSRC.size
        while body[offset]:
            kind, size = body[offset], body[offset + 1]
            text = body[offset + 2 : offset + 2 + size]
            offset += 2 + size
            found += [Description(ssrc, text.decode(errors="replace"))] if kind == _CNAME else []
        offset += 4 - offset % 4
    return found


def _parse_goodbye(body: bytes, count: int) -> list[RtcpPacket]:
    ssrcs = struct.unpack_from(f"!{count}I", body)
    rest = body[4 * count :]
    reason = rest[1 : 1 + rest[0]].decode(errors="replace") if rest else ""
    return [Goodbye(ssrcs, reason)]


_PARSERS: dict[int, Callable[[bytes, int], list[RtcpPacket]]] = {
    SENDER_REPORT: _parse_sender_report,
    RECEIVER_REPORT: _parse_receiver_report,
    DESCRIPTION: _parse_description,
    GOODBYE: _parse_goodbye,
}


def _build(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport():
            body = _SENDER.pack(packet.ssrc, packet.ntp, packet.timestamp, packet.packets, packet.octets)
            return _framed(SENDER_REPORT, len(packet.blocks), body + _build_blocks(packet.blocks))
        case ReceiverReport():
            return _framed(RECEIVER_REPORT, len(packet.blocks), _SSRC.pack(packet.ssrc) + _build_blocks(packet.blocks))
        case Description():
            name = packet.cname.encode()
            return _framed(DESCRIPTION, 1, _SSRC.pack(packet.ssrc) + bytes((_CNAME, len(name))) + name + b"\0")
        case Goodbye():
            reason = packet.reason.encode()
            body = struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs)
            return _framed(GOODBYE, len(packet.ssrcs), body + (bytes((len(reason),)) + reason if reason else b""))


def _build_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.lost & 0xFFFFFF,
            block.highest,
            block.jitter,
            block.last_report,
            block.delay,
        )
        for block in blocks
    )


def _framed(kind: int, count: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return _HEADER.pack(_VERSION | count, kind, len(body) // 4) + body
