"""Two ends that tell each other of the call."""

from random import Random

import pytest
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.packet import parse_packet
from voxrun.protocol.rtp.reception import Reception
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.rtcp import Description, Goodbye, ReceiverReport, ReportBlock, SenderReport, parse_compound
from voxrun.protocol.rtp.sending import RtpSender

PCMU = CODECS["PCMU"]


class End:
    """One end: it sends a tone, and keeps count of what it gets."""

    def __init__(self, seed: int) -> None:
        self.sender = RtpSender(PCMU, 20, Random(seed))
        self.reporter = RtcpReporter(self.sender, f"end{seed}@test")
        self.reception: Reception | None = None

    def send(self, now: float) -> bytes:
        return self.sender.write(tone(8000, FRAME_SECONDS), now)[0]

    def receive(self, datagram: bytes, now: float) -> None:
        packet = parse_packet(datagram)
        assert packet is not None
        self.reception = self.reception or Reception(packet.sequence)
        self.reception.number(packet.sequence)
        self.reception.timed(packet.timestamp, now, PCMU.clock_rate)


def test_loss_jitter_and_round_trip_reach_the_sender() -> None:
    one, other = End(1), End(2)
    for n in range(100):
        datagram = one.send(n * FRAME_SECONDS)
        if n % 10:
            other.receive(datagram, n * FRAME_SECONDS + 0.03 + (n % 2) * 0.005)
    other.reporter.receive(one.reporter.report(2.0, 0, None), 2.03, one.sender.ssrc)
    report = other.reporter.report(4.0, one.sender.ssrc, other.reception)
    one.reporter.receive(report, 4.04, other.sender.ssrc)
    told = one.reporter.far_end
    assert told.round_trip_ms == pytest.approx(70, abs=0.1)
    assert told.lost == 9  # the first of ten was lost before anything came
    (said, description) = parse_compound(report) or []
    assert isinstance(said, ReceiverReport)
    (block,) = said.blocks
    assert block.fraction_lost / 256 == pytest.approx(9 / 99, abs=1 / 256)
    assert block.jitter * 1000 / PCMU.clock_rate == pytest.approx(5, abs=0.6)
    assert description == Description(other.sender.ssrc, "end2@test")


def test_a_report_says_nothing_of_the_source_before() -> None:
    end, first, second = End(1), End(2), End(3)
    end.receive(first.send(0.0), 0.0)
    end.reporter.receive(first.reporter.report(1.0, 0, None), 1.0, first.sender.ssrc)
    blocks = [block_of(end, 2.0, first), block_of(end, 3.0, second)]
    second.send(3.0)
    end.reporter.receive(second.reporter.report(3.5, 0, None), 3.5, second.sender.ssrc)
    blocks.append(block_of(end, 4.0, second))
    assert [(block.last_report, block.delay) for block in blocks] == [(1 << 16, 1 << 16), (0, 0), (7 << 15, 1 << 15)]


def block_of(end: End, now: float, source: End) -> ReportBlock:
    """What `end` reports of `source`."""
    (report, _) = parse_compound(end.reporter.report(now, source.sender.ssrc, end.reception)) or []
    assert isinstance(report, ReceiverReport)
    (block,) = report.blocks
    return block


def test_who_sends_nothing_makes_no_sender_report() -> None:
    end = End(1)
    kinds = [type(packet) for packet in parse_compound(end.reporter.report(1.0, 0, None)) or []]
    assert kinds == [ReceiverReport, Description]
    end.send(1.0)
    kinds = [type(packet) for packet in parse_compound(end.reporter.report(2.0, 0, None)) or []]
    assert kinds == [SenderReport, Description]


def test_a_goodbye_is_told_and_heard() -> None:
    one, other = End(1), End(2)
    datagram = one.reporter.goodbye(1.0, 0, None)
    assert Goodbye((one.sender.ssrc,)) in (parse_compound(datagram) or [])
    other.reporter.receive(datagram, 1.0, 12345)
    assert other.reporter.far_end.left is None
    other.reporter.receive(datagram, 1.0, one.sender.ssrc)
    assert other.reporter.far_end.left == one.sender.ssrc


def test_junk_is_counted() -> None:
    end = End(1)
    end.reporter.receive(b"\x80\xc9junk", 1.0, 1)
    assert end.reporter.malformed == 1
