"""What leaves us: sequence numbers, timestamps, markers, packet lengths and tones."""

from random import Random

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.protocol.rtp.codecs import CODECS, PTIMES_MS, Codec
from voxrun.protocol.rtp.packet import RtpPacket, parse_packet
from voxrun.protocol.rtp.sending import RtpSender

PCMU = CODECS["PCMU"]


class _Last(Random):
    """A generator whose numbers are all as large as can be: timestamps wrap at once."""

    def getrandbits(self, k: int, /) -> int:
        return (1 << k) - 1


def sent(sender: RtpSender, frames: list[Samples], ticks: list[int] | None = None) -> list[RtpPacket]:
    """The packets of frames due at the given ticks."""
    ticks = list(range(len(frames))) if ticks is None else ticks
    packets = []
    for frame, tick in zip(frames, ticks, strict=True):
        for datagram in sender.write(frame, 100.0 + tick * FRAME_SECONDS):
            packet = parse_packet(datagram)
            assert packet is not None
            packets.append(packet)
    return packets


def frames_of(codec: Codec, count: int) -> list[Samples]:
    return list(tone(codec.audio_rate, count * FRAME_SECONDS).reshape(count, frame_size(codec.audio_rate)))


def test_numbers_and_timestamps_wrap() -> None:
    packets = sent(RtpSender(PCMU, 20, _Last()), [silence(8000)] * 32_771)
    assert [packet.sequence for packet in (packets[0], *packets[-3:])] == [32_767, 65_535, 0, 1]
    assert [packet.timestamp for packet in packets[:3]] == [2**32 - 1, 159, 319]
    assert [packet.marker for packet in packets[:3]] == [True, False, False]
    assert {packet.ssrc for packet in packets} == {2**32 - 1}


def test_starts_are_random() -> None:
    first, second = (sent(RtpSender(PCMU, 20, Random(seed)), frames_of(PCMU, 1))[0] for seed in (1, 2))
    assert first.ssrc != second.ssrc
    assert first.sequence != second.sequence
    assert first.timestamp != second.timestamp


@pytest.mark.parametrize("ptime_ms", PTIMES_MS)
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_the_packets_hold_what_was_written(codec: Codec, ptime_ms: int) -> None:
    if ptime_ms not in codec.ptimes:
        pytest.skip(f"{codec.name} is not sent in packets of {ptime_ms} ms")
    frames = frames_of(codec, 12)
    packets = sent(RtpSender(codec, ptime_ms, _Last()), frames)
    encode = codec.new_encoder()
    assert b"".join(packet.payload for packet in packets) == b"".join(encode(frame) for frame in frames)
    units = codec.clock_rate * ptime_ms // 1000
    assert len(packets) == 240 // ptime_ms
    assert [packet.timestamp for packet in packets] == [(n * units - 1) % 2**32 for n in range(len(packets))]
    assert {codec.units(packet.payload) for packet in packets} == {units}


def test_a_pause_advances_the_timestamp_and_begins_a_talkspurt() -> None:
    packets = sent(RtpSender(PCMU, 20, _Last()), frames_of(PCMU, 4), [0, 1, 51, 52])
    assert [packet.timestamp - 159 for packet in packets[1:]] == [0, 50 * 160, 51 * 160]
    assert [packet.sequence for packet in packets] == [32767, 32768, 32769, 32770]
    assert [packet.marker for packet in packets] == [True, False, True, False]


def test_half_a_packet_before_a_pause_is_dropped() -> None:
    frames = frames_of(PCMU, 3)
    (packet,) = sent(RtpSender(PCMU, 40, _Last()), frames, [0, 50, 51])
    assert packet.payload == PCMU.new_encoder()(np.concatenate(frames[1:]))
    assert packet.timestamp == 50 * 160 - 1


def test_ticks_that_shake_are_no_pause() -> None:
    sender = RtpSender(PCMU, 20, _Last())
    stamps = []
    for tick, shake in enumerate([0, 0.009, -0.009, 0.009, 0.0]):
        packet = parse_packet(sender.write(frames_of(PCMU, 1)[0], tick * FRAME_SECONDS + shake)[0])
        assert packet is not None
        stamps.append((packet.timestamp + 1) % 2**32)
    assert stamps == [0, 160, 320, 480, 640]


def test_digits_go_in_place_of_audio_on_the_same_clock() -> None:
    sender = RtpSender(PCMU, 20, _Last())
    frames = frames_of(PCMU, 20)
    before = sent(sender, frames[:2], [0, 1])
    sender.tones.send("5")
    packets = before + sent(sender, frames[2:], list(range(2, 20)))
    kinds = [packet.payload_type for packet in packets]
    assert kinds == [0, 0, *[101] * 7, *[0] * 10]  # five ticks of tone, two more ends, and a tick of pause without any
    assert {packet.timestamp for packet in packets[2:9]} == {319}
    assert packets[9].timestamp == 10 * 160 - 1
    assert [n for n, packet in enumerate(packets) if packet.marker] == [0, 2, 9]
    assert [packet.sequence - 32_767 for packet in packets] == list(range(len(packets)))


def test_what_a_sender_report_says() -> None:
    sender = RtpSender(PCMU, 20, _Last())
    sent(sender, frames_of(PCMU, 5))
    assert (sender.packets, sender.octets) == (5, 800)
    assert sender.timestamp_at(100.0 + 5 * FRAME_SECONDS) == 799
    assert sender.timestamp_at(101.0) == 7999
