"""RTCP against bytes on disk, and the arithmetic of reports."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.rtp.rtcp import (
    Description,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    build_compound,
    next_interval,
    parse_compound,
    round_trip,
)

PACKETS = Path(__file__).parent / "packets"

BLOCK = ReportBlock(0x11223344, 0x40, -2, 0x11234, 16, 0x89AB0000, 0x18000)
GOLDEN: dict[str, RtcpPacket] = {
    "sender_report": SenderReport(3, 0xE0000000_80000000, 640, 4, 640, (BLOCK,)),
    "receiver_report": ReceiverReport(3, (BLOCK,)),
    "description": Description(3, "a@bc"),
    "description_padded": Description(3, "a"),
    "goodbye": Goodbye((3,), "later"),
    "goodbye_silent": Goodbye((3,)),
}

words = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(
        ReportBlock, words, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), words, words, words, words
    ),
    max_size=31,
).map(tuple)
texts = st.text(max_size=60)
compounds = st.lists(
    st.one_of(
        st.builds(SenderReport, words, st.integers(0, (1 << 64) - 1), words, words, words, blocks),
        st.builds(ReceiverReport, words, blocks),
        st.builds(Description, words, texts),
        st.builds(Goodbye, st.lists(words, max_size=31).map(tuple), texts),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_packet_is_read_and_written(name: str) -> None:
    datagram = (PACKETS / f"{name}.bin").read_bytes()
    assert parse_compound(datagram) == [GOLDEN[name]]
    assert build_compound([GOLDEN[name]]) == datagram


@pytest.mark.parametrize("path", sorted(PACKETS.glob("bad_rtcp*.bin")), ids=lambda path: path.stem)
def test_a_malformed_compound_is_none(path: Path) -> None:
    assert parse_compound(path.read_bytes()) is None


def test_ffmpeg_is_understood() -> None:
    packets = parse_compound((PACKETS / "rtcp_by_ffmpeg.bin").read_bytes())
    assert packets == [SenderReport(0x604C6DA2, 0xEEAB6AAF_60418937, 0x051AED34, 0, 0)]


def test_other_kinds_are_left_out() -> None:
    app = bytes.fromhex("80cc0002 00000003 6e616d65")
    assert parse_compound(build_compound([ReceiverReport(3)]) + app) == [ReceiverReport(3)]


def test_padding_belongs_to_the_last_packet() -> None:
    assert parse_compound(bytes.fromhex("a0c90002 00000003 00000004")) == [ReceiverReport(3)]
    assert parse_compound(bytes.fromhex("a0c90002 00000003 00000040")) is None


def test_nothing_is_no_compound() -> None:
    assert parse_compound(b"") is None


@given(compounds)
def test_what_is_written_is_read(packets: list[RtcpPacket]) -> None:
    datagram = build_compound(packets)
    assert len(datagram) % 4 == 0
    assert parse_compound(datagram) == packets


def test_the_round_trip_is_what_is_left_of_the_time_since_our_report() -> None:
    sent, waited, travelled = 1000.25, 2.5, 0.125
    block = ReportBlock(1, 0, 0, 0, 0, last_report=int(sent * 65536), delay=int(waited * 65536))
    assert round_trip(block, int((sent + waited + travelled) * 2**32)) == pytest.approx(travelled, abs=1e-4)


def test_no_round_trip_without_our_report_or_out_of_nonsense() -> None:
    assert round_trip(ReportBlock(1, 0, 0, 0, 0, 0, 0), 1 << 40) is None
    assert round_trip(ReportBlock(1, 0, 0, 0, 0, 1 << 20, 1 << 20), 1 << 32) is None


def test_intervals_are_spread_around_five_seconds() -> None:
    random = Random(1)
    intervals = [next_interval(random.random) for _ in range(2000)]
    assert min(intervals) == pytest.approx(2.5 / 1.21828, rel=0.01)
    assert max(intervals) == pytest.approx(7.5 / 1.21828, rel=0.01)
    assert next_interval(lambda: 0.5, is_first=True) == pytest.approx(next_interval(lambda: 0.5) / 2)
