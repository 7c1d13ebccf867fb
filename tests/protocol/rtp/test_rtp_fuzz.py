"""Bad input is counted and dropped: packets and compounds of any bytes, and good ones with some bytes changed."""

from pathlib import Path
from random import Random

import pytest

from voxrun.audio.frame import frame_size
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock

GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parent / "packets").glob("*.bin"))]


def junk(random: Random) -> bytes:
    """Any bytes, or a golden packet cut, lengthened or with bytes changed."""
    if random.random() < 0.2:
        return random.randbytes(random.randrange(0, 100))
    datagram = bytearray(random.choice(GOLDEN))
    for _ in range(random.randrange(0, 4)):
        datagram[random.randrange(len(datagram))] = random.randrange(256)
    return bytes(datagram[: random.randrange(len(datagram) + 1)] if random.random() < 0.3 else datagram)


def fuzz(count: int, seed: int) -> None:
    random = Random(seed)
    codecs = list(CODECS.values())
    receiver = RtpReceiver(codecs, SourceLock("peer"))
    reporter = RtcpReporter(RtpSender(codecs[0], 20, random), codecs[0].clock_rate, "fuzz@test")
    for number in range(count):
        datagram, now = junk(random), number * 0.007
        source = receiver.ssrc or 0
        if is_rtcp(datagram):
            reporter.receive(datagram, now, source)
            reporter.report(now, source, receiver.reception)
        else:
            receiver.receive(datagram, random.choice(["peer", "peer", "other"]), now)
        if number % 3 == 0:
            assert len(receiver.read(now)) == frame_size(receiver.rate)
            receiver.poll_tones(now)
        assert len(receiver.buffer) <= 100
    assert receiver.dropped.malformed > count // 20
    assert reporter.malformed > count // 20


def test_five_hundred_packets_and_compounds() -> None:
    fuzz(500, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ten_thousand_packets_and_compounds(seed: int) -> None:
    fuzz(10_000, seed)
