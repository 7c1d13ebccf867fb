"""Tones both ways: RFC 4733."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.rtp.dtmf import (
    DIGITS,
    LOST_END_SECONDS,
    PAUSE_MS,
    ToneEnded,
    ToneEvent,
    ToneReceiver,
    ToneSender,
    ToneStarted,
)
from voxrun.protocol.rtp.packet import RtpPacket

CLOCK = 8000


def event(digit: str, timestamp: int, duration: int, *, end: bool = False, ssrc: int = 1) -> RtpPacket:
    payload = bytes((DIGITS.index(digit), 0x8A if end else 0x0A)) + duration.to_bytes(2, "big")
    return RtpPacket(101, 0, timestamp, ssrc, payload)


def heard(packets: list[RtpPacket], step: float = 0.02) -> list[ToneEvent]:
    """What a receiver says of packets that come every `step` seconds, and once they are over."""
    receiver = ToneReceiver(CLOCK)
    events: list[ToneEvent] = []
    for number, packet in enumerate(packets):
        now = number * step
        events += receiver.poll(now) + receiver.receive(packet, now)
    return events + receiver.poll(len(packets) * step + LOST_END_SECONDS)


def sent(digits: str, tone_ms: int = 100, pause_ms: int = 60, timestamp: int = 1000) -> list[RtpPacket]:
    """All packets of digits, in the order of the ticks that have one."""
    sender = ToneSender(CLOCK)
    sender.send(digits, tone_ms, pause_ms)
    packets: list[RtpPacket] = []
    for tick in count():
        if not sender.is_busy:
            return packets
        tone = sender.next((timestamp + tick * 160) % 2**32)
        if tone is not None:
            packets.append(RtpPacket(101, tick, tone.timestamp, 1, tone.payload, tone.marker))
    return packets


def test_a_digit_starts_once_and_ends_once() -> None:
    packets = [event("5", 1000, 160), event("5", 1000, 320), *[event("5", 1000, 480, end=True)] * 3]
    assert heard(packets) == [ToneStarted("5"), ToneEnded("5", 60)]


@pytest.mark.parametrize("kept", [[0], [4], [0, 1], [2, 4], [3, 4], [4, 3, 2, 1, 0], [0, 4, 1, 4]])
def test_whatever_is_lost_or_late(kept: list[int]) -> None:
    packets = [event("#", 1000, 160), event("#", 1000, 320), *[event("#", 1000, 480, end=True)] * 3]
    started, ended = heard([packets[n] for n in kept])
    assert started == ToneStarted("#")
    assert isinstance(ended, ToneEnded)
    assert ended.digit == "#"


def test_a_lost_end_ends_when_the_next_digit_starts() -> None:
    assert heard([event("1", 1000, 160), event("1", 2000, 160), event("1", 2000, 320, end=True)]) == [
        ToneStarted("1"),
        ToneEnded("1", 20),
        ToneStarted("1"),
        ToneEnded("1", 40),
    ]


def test_a_lost_end_ends_in_time() -> None:
    receiver = ToneReceiver(CLOCK)
    receiver.receive(event("1", 1000, 160), 10.0)
    assert receiver.poll(10.0 + LOST_END_SECONDS - 0.01) == []
    assert receiver.poll(10.0 + LOST_END_SECONDS) == [ToneEnded("1", 20)]
    assert receiver.receive(event("1", 1000, 320, end=True), 10.2) == []


def test_segments_of_a_long_tone_are_one() -> None:
    first = 0xFFFFFF00
    second = (first + 0xFFFF) % 2**32
    packets = [
        event("9", first, 60000),
        event("9", first, 0xFFFF),
        event("9", second, 160),
        event("9", second, 320, end=True),
    ]
    assert heard(packets) == [ToneStarted("9"), ToneEnded("9", (0xFFFF + 320) * 1000 // CLOCK)]


def test_another_source_begins_anew() -> None:
    receiver = ToneReceiver(CLOCK)
    receiver.receive(event("1", 1000, 160, end=True), 0.0)
    assert receiver.receive(event("1", 1000, 160, ssrc=2), 0.1) == [ToneStarted("1")]


def test_what_is_no_digit_says_nothing() -> None:
    receiver = ToneReceiver(CLOCK)
    flash = RtpPacket(101, 0, 0, 1, b"\x10\x0a\x00\xa0")
    assert receiver.receive(flash, 0.0) == []
    assert receiver.receive(RtpPacket(101, 0, 0, 1, b"\x01\x0a"), 0.0) == []
    assert receiver.malformed == 1


def test_the_packets_of_a_digit() -> None:
    packets = sent("7", tone_ms=60)
    assert [packet.payload.hex() for packet in packets] == ["070a00a0", "070a0140", *["078a01e0"] * 3]
    assert {packet.timestamp for packet in packets} == {1000}
    assert [packet.marker for packet in packets] == [True, False, False, False, False]


def test_no_tone_and_no_pause_is_too_short() -> None:
    packets = sent("12", tone_ms=1, pause_ms=1)
    assert next(packet.payload[2:] for packet in packets if packet.payload[1] & 0x80) == (320).to_bytes(2, "big")
    assert packets[-1].timestamp - packets[0].timestamp == 640


def test_a_long_tone_is_sent_in_segments() -> None:
    packets = sent("0", tone_ms=9000)
    assert sorted({packet.timestamp for packet in packets}) == [1000, 1000 + 0xFFFF]
    assert sum(packet.marker for packet in packets) == 1
    assert heard(packets) == [ToneStarted("0"), ToneEnded("0", 9000)]


@pytest.mark.parametrize(("digits", "named"), [("x", "'x'"), ("1 2", "' '"), ("é", r"'\\xe9'"), ("1,P", "',', 'P'")])
def test_what_has_no_tone_is_refused_as_a_whole(digits: str, named: str) -> None:
    sender = ToneSender(CLOCK)
    with pytest.raises(ValueError, match=f"no tones for {named}: digits are 0123456789"):
        sender.send(digits)
    assert not sender.is_busy


@pytest.mark.parametrize(("digits", "waits"), [("1p2", 1), ("1pp2", 2)])
def test_a_pause_between_digits(digits: str, waits: int) -> None:
    packets = sent(digits, tone_ms=100, pause_ms=60)
    one, two = (packet.sequence for packet in packets if packet.marker)  # ticks, here
    assert (two - one) * 20 == 160 + waits * PAUSE_MS
    assert heard([packet for packet in packets if packet.sequence >= two]) == [ToneStarted("2"), ToneEnded("2", 100)]


def test_pauses_alone_send_nothing() -> None:
    sender = ToneSender(CLOCK)
    sender.send("p")
    assert [sender.next(tick * 160) for tick in range(PAUSE_MS // 20)] == [None] * (PAUSE_MS // 20)
    assert not sender.is_busy


@given(st.text(DIGITS, max_size=8), st.integers(0, 400), st.integers(0, 200), st.integers(0, 2**32 - 1), st.data())
def test_what_is_sent_is_heard_though_packets_are_lost(
    digits: str, tone_ms: int, pause_ms: int, timestamp: int, data: st.DataObject
) -> None:
    packets = [
        packet
        for packet in sent(digits, tone_ms, pause_ms, timestamp)
        if packet.marker or data.draw(st.integers(0, 9)) > 0
    ]
    events = heard(packets)
    assert "".join(event.digit for event in events if isinstance(event, ToneStarted)) == digits
    assert [type(event) for event in events] == [ToneStarted, ToneEnded] * len(digits)
