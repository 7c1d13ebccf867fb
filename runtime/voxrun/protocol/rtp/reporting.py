"""`RtcpReporter`: what this end tells the other about the call, and learns from it (RFC 3550, section 6.4)."""

from msgspec import Struct

from voxrun.protocol.rtp.reception import Reception
from voxrun.protocol.rtp.rtcp import (
    Description,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    build_compound,
    middle_of,
    parse_compound,
    round_trip,
)
from voxrun.protocol.rtp.sending import RtpSender

_NTP_SECOND = 1 << 32
_NTP_TIMES = 1 << 64


class FarEnd(Struct):
    """What the other end's reports said last; nothing depends on any coming."""

    round_trip_ms: float | None = None
    lost: int = 0
    """Of our packets, in all."""
    left: int | None = None
    """The source that said goodbye last."""


class RtcpReporter:
    """Both ways of RTCP in one call. Times are in seconds of the runtime's clock.

    The NTP times it sends are of that clock as well, whatever its origin: only this end compares them (section 4).
    """

    def __init__(self, sender: RtpSender, cname: str) -> None:
        """`cname` is at most 255 bytes."""
        self.far_end = FarEnd()
        self.malformed = 0
        self._sender = sender
        self._cname = cname
        self._last_report = 0
        self._last_report_of = 0  # which source
        self._last_report_at = 0.0
        self._reported_packets = 0

    def report(self, now: float, source: int, reception: Reception | None) -> bytes:
        """The compound that is due now, about the packets of `source` as far as any came."""
        return build_compound(self._packets(now, source, reception))

    def goodbye(self, now: float, source: int, reception: Reception | None) -> bytes:
        """The last compound of a call."""
        return build_compound([*self._packets(now, source, reception), Goodbye((self._sender.ssrc,))])

    def receive(self, datagram: bytes, now: float, source: int) -> None:
        """Learn from a compound that came from the peer, whose RTP is from `source`."""
        packets = parse_compound(datagram)
        if packets is None:
            self.malformed += 1
            return
        for packet in packets:
            self._learn(packet, now, source)

    def _packets(self, now: float, source: int, reception: Reception | None) -> list[RtcpPacket]:
        sender = self._sender
        blocks = (self._block(now, source, reception),) if reception is not None else ()
        report: RtcpPacket = ReceiverReport(sender.ssrc, blocks)
        if sender.packets > self._reported_packets:
            octets, packets = sender.octets & 0xFFFFFFFF, sender.packets & 0xFFFFFFFF
            report = SenderReport(sender.ssrc, _ntp(now), sender.timestamp_at(now), packets, octets, blocks)
            self._reported_packets = sender.packets
        return [report, Description(sender.ssrc, self._cname)]

    def _block(self, now: float, source: int, reception: Reception) -> ReportBlock:
        loss = reception.loss()
        last_report = self._last_report if self._last_report_of == source else 0
        delay = round((now - self._last_report_at) * 65536) if last_report else 0
        return ReportBlock(
            ssrc=source,
            fraction_lost=loss.fraction,
            lost=loss.cumulative,
            highest=reception.highest & 0xFFFFFFFF,
            jitter=min(int(reception.jitter), 0xFFFFFFFF),
            last_report=last_report,
            delay=min(delay, 0xFFFFFFFF),
        )

    def _learn(self, packet: RtcpPacket, now: float, source: int) -> None:
        if isinstance(packet, SenderReport) and packet.ssrc == source:
            self._last_report, self._last_report_at, self._last_report_of = middle_of(packet.ntp), now, source
        if isinstance(packet, SenderReport | ReceiverReport):
            for block in packet.blocks:
                self._learn_of_ours(block, now)
        if isinstance(packet, Goodbye) and source in packet.ssrcs:
            self.far_end.left = source

    def _learn_of_ours(self, block: ReportBlock, now: float) -> None:
        if block.ssrc != self._sender.ssrc:
            return
        self.far_end.lost = block.lost
        seconds = round_trip(block, _ntp(now))
        if seconds is not None:
            self.far_end.round_trip_ms = seconds * 1000


def _ntp(now: float) -> int:
    return round(now * _NTP_SECOND) % _NTP_TIMES
