"""RTP packets against bytes on disk: RFC 3550 5.1 by hand, and ffmpeg's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.rtp.packet import RtpPacket, build_packet, is_rtcp, parse_packet

PACKETS = Path(__file__).parent / "packets"

GOLDEN = {
    "plain": RtpPacket(0, 0x1234, 0x89ABCDEF, 0x11223344, b"\xff\x7f"),
    "marker": RtpPacket(8, 0xFFFF, 0xFFFFFFFF, 1, b"\xd5", True),
    "sources": RtpPacket(0, 1, 2, 3, b"\xff"),
    "extension": RtpPacket(0, 1, 2, 3, b"\xff"),
    "padding": RtpPacket(0, 1, 2, 3, b"\xff\xff"),
    "everything": RtpPacket(0, 1, 2, 3, b"\xff", True),
    "comfort_noise": RtpPacket(13, 1, 2, 3, b"\x40"),
    "tone": RtpPacket(101, 1, 2, 3, b"\x05\x0a\x00\xa0", True),
    "tone_end": RtpPacket(101, 4, 2, 3, b"\x05\x8a\x03\x20"),
}

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 63),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=100),
    marker=st.booleans(),
)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_packet_is_read(name: str) -> None:
    assert parse_packet((PACKETS / f"{name}.bin").read_bytes()) == GOLDEN[name]


@pytest.mark.parametrize("name", ["plain", "marker", "comfort_noise", "tone", "tone_end"])
def test_a_packet_is_written(name: str) -> None:
    assert build_packet(GOLDEN[name]) == (PACKETS / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("path", sorted(PACKETS.glob("bad_[!r]*.bin")), ids=lambda path: path.stem)
def test_a_malformed_packet_is_none(path: Path) -> None:
    assert parse_packet(path.read_bytes()) is None


def test_ffmpeg_is_understood() -> None:
    packet = parse_packet((PACKETS / "pcmu_by_ffmpeg.bin").read_bytes())
    assert packet is not None
    assert (packet.payload_type, packet.sequence, packet.ssrc) == (0, 0x0268, 0x604C6DA2)
    assert len(packet.payload) == 1024


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.bin")), ids=lambda path: path.stem)
def test_rtcp_is_told_from_rtp(path: Path) -> None:
    datagram = path.read_bytes()
    is_report = path.stem in {
        "sender_report",
        "receiver_report",
        "description",
        "description_padded",
        "goodbye",
        "goodbye_silent",
        "rtcp_by_ffmpeg",
    } or path.stem.startswith("bad_rtcp")
    assert is_rtcp(datagram) == is_report
    assert not (is_report and parse_packet(datagram))


@given(packets)
def test_what_is_written_is_read(packet: RtpPacket) -> None:
    assert parse_packet(build_packet(packet)) == packet


@given(packets, st.integers(0, 11))
def test_what_is_cut_within_the_header_is_none(packet: RtpPacket, size: int) -> None:
    assert parse_packet(build_packet(packet)[:size]) is None
