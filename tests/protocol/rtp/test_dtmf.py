"""Tones both ways: RFC 4733."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.rtp.dtmf import DIGITS, MOST_WAITING, PAUSE_MS, ToneReceiver, ToneSender
from voxrun.protocol.rtp.packet import RtpPacket

CLOCK = 8000


def event(digit: str, timestamp: int, duration: int, *, end: bool = False, ssrc: int = 1) -> RtpPacket:
    payload = bytes((DIGITS.index(digit), 0x8A if end else 0x0A)) + duration.to_bytes(2, "big")
    return RtpPacket(101, 0, timestamp, ssrc, payload)


def heard(packets: list[RtpPacket]) -> str:
    """The digits that a receiver finds in packets."""
    receiver = ToneReceiver()
    return "".join(receiver.receive(packet) or "" for packet in packets)


def sent(digits: str, timestamp: int = 1000) -> list[RtpPacket]:
    """All packets of digits, in the order of the ticks that have one."""
    sender = ToneSender(CLOCK)
    sender.send(digits)
    packets: list[RtpPacket] = []
    for tick in count():
        if not sender.is_busy:
            return packets
        tone = sender.next((timestamp + tick * 160) % 2**32)
        if tone is not None:
            packets.append(RtpPacket(101, tick, tone.timestamp, 1, tone.payload, tone.marker))
    return packets


def test_a_digit_begins_once() -> None:
    packets = [event("5", 1000, 160), event("5", 1000, 320), *[event("5", 1000, 480, end=True)] * 3]
    assert heard(packets) == "5"


@pytest.mark.parametrize("kept", [[0], [4], [0, 1], [2, 4], [3, 4], [4, 3, 2, 1, 0], [0, 4, 1, 4]])
def test_whatever_is_lost_or_late(kept: list[int]) -> None:
    packets = [event("#", 1000, 160), event("#", 1000, 320), *[event("#", 1000, 480, end=True)] * 3]
    assert heard([packets[n] for n in kept]) == "#"


def test_the_same_digit_begins_again_though_the_end_was_lost() -> None:
    assert heard([event("1", 1000, 160), event("1", 2000, 160), event("1", 2000, 320, end=True)]) == "11"


def test_a_straggler_of_the_digit_before_says_nothing() -> None:
    assert heard([event("1", 1000, 160, end=True), event("2", 2000, 160), event("1", 1000, 160, end=True)]) == "12"


@pytest.mark.parametrize(("has_ended", "digits"), [(False, "9"), (True, "99")])
def test_segments_of_a_long_tone_are_one(has_ended: bool, digits: str) -> None:
    first = 0xFFFFFF00
    second = (first + 0xFFFF) % 2**32
    packets = [
        event("9", first, 60000),
        event("9", first, 0xFFFF, end=has_ended),
        event("9", second, 160),
        event("9", second, 320, end=True),
    ]
    assert heard(packets) == digits


def test_another_source_begins_anew() -> None:
    assert heard([event("1", 1000, 160, end=True), event("1", 1000, 160, ssrc=2)]) == "11"


def test_what_is_no_digit_says_nothing() -> None:
    receiver = ToneReceiver()
    flash = RtpPacket(101, 0, 0, 1, b"\x10\x0a\x00\xa0")
    assert receiver.receive(flash) is None
    assert receiver.receive(RtpPacket(101, 0, 0, 1, b"\x01\x0a")) is None
    assert receiver.malformed == 1


def test_the_packets_of_a_digit() -> None:
    packets = sent("7")
    durations = ["00a0", "0140", "01e0", "0280"]
    assert [packet.payload.hex() for packet in packets] == [f"070a{it}" for it in durations] + ["078a0320"] * 3
    assert {packet.timestamp for packet in packets} == {1000}
    assert [packet.marker for packet in packets] == [True, *[False] * 6]


@pytest.mark.parametrize(("digits", "named"), [("x", "'x'"), ("1 2", "' '"), ("é", r"'\\xe9'"), ("1,P", "',', 'P'")])
def test_what_has_no_tone_is_refused_as_a_whole(digits: str, named: str) -> None:
    sender = ToneSender(CLOCK)
    with pytest.raises(ValueError, match=f"no tones for {named}: digits are 0123456789"):
        sender.send(digits)
    assert not sender.is_busy


def test_too_many_digits_are_refused_as_a_whole() -> None:
    sender = ToneSender(CLOCK)
    sender.send("1" * (MOST_WAITING - 1))
    with pytest.raises(ValueError, match="no more than 1000 digits may wait: 999 are still to be sent"):
        sender.send("23")
    sender.send("4")
    sender.next(0)
    sender.send("5")


@pytest.mark.parametrize(("digits", "waits"), [("1p2", 1), ("1pp2", 2)])
def test_a_pause_between_digits(digits: str, waits: int) -> None:
    packets = sent(digits)
    one, two = (packet.sequence for packet in packets if packet.marker)  # ticks, here
    assert (two - one) * 20 == 160 + waits * PAUSE_MS
    assert heard([packet for packet in packets if packet.sequence >= two]) == "2"


def test_pauses_alone_send_nothing() -> None:
    sender = ToneSender(CLOCK)
    sender.send("p")
    assert [sender.next(tick * 160) for tick in range(PAUSE_MS // 20)] == [None] * (PAUSE_MS // 20)
    assert not sender.is_busy


@given(st.text(DIGITS, max_size=8), st.integers(0, 2**32 - 1), st.data())
def test_what_is_sent_is_heard_though_packets_are_lost(digits: str, timestamp: int, data: st.DataObject) -> None:
    packets = [packet for packet in sent(digits, timestamp) if packet.marker or data.draw(st.integers(0, 9)) > 0]
    assert heard(packets) == digits
