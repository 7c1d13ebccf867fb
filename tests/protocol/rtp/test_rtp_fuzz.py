"""Bad input is counted and dropped: packets and compounds of any bytes, and good ones with some bytes changed."""

from pathlib import Path
from random import Random

import pytest

from voxrun.audio.frame import frame_size
from voxrun.protocol.rtp.codecs import CODECS, COMFORT_NOISE, TELEPHONE_EVENT
from voxrun.protocol.rtp.packet import SEQUENCES, TIMESTAMPS, RtpPacket, build_packet, is_rtcp
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock

PEER, STRANGER = ("192.0.2.1", 4000), ("198.51.100.9", 9)
GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parent / "packets").glob("*.bin"))]


def junk(random: Random) -> bytes:
    """Any bytes, or a golden packet cut, lengthened or with bytes changed."""
    if random.random() < 0.2:
        return random.randbytes(random.randrange(0, 100))
    datagram = bytearray(random.choice(GOLDEN))
    for _ in range(random.randrange(0, 4)):
        datagram[random.randrange(len(datagram))] = random.randrange(256)
    return bytes(datagram[: random.randrange(len(datagram) + 1)] if random.random() < 0.3 else datagram)


def nonsense(random: Random, number: int) -> bytes:
    """A packet that belongs to the call, of any kind, with anything in it."""
    kind = random.choice([*(codec.payload_type for codec in CODECS.values()), COMFORT_NOISE, TELEPHONE_EVENT])
    sequence = number + random.choice([0, 0, 0, -1, 1, 3, -3, 200])
    timestamp = 160 * number + random.choice([0, 0, 0, 160, -160, 8000, 1 << 31])
    payload = random.randbytes(random.choice([0, 1, 4, 160, 320, random.randrange(1400)]))
    return build_packet(RtpPacket(kind, sequence % SEQUENCES, timestamp % TIMESTAMPS, 3, payload))


def fuzz(count: int, seed: int) -> None:
    random = Random(seed)
    codecs = list(CODECS.values())
    receiver = RtpReceiver(codecs, SourceLock(PEER))
    reporter = RtcpReporter(RtpSender(codecs[0], 20, random), "fuzz@test")
    for number in range(count):
        now = number * 0.007
        datagram = nonsense(random, number) if random.random() < 0.5 else junk(random)
        source = receiver.ssrc or 0
        if is_rtcp(datagram):
            reporter.receive(datagram, now, source)
            reporter.report(now, source, receiver.reception)
        else:
            receiver.receive(datagram, random.choice([PEER, PEER, STRANGER]), now)
        if number % 3 == 0:
            assert len(receiver.read(now)) == frame_size(receiver.rate)
        assert len(receiver.buffer) <= 100
    assert receiver.dropped.malformed > count // 30
    assert reporter.malformed > count // 40
    assert receiver.reception is not None
    assert receiver.buffer.counters.played > count


def test_five_hundred_packets_and_compounds() -> None:
    fuzz(500, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ten_thousand_packets_and_compounds(seed: int) -> None:
    fuzz(10_000, seed)
