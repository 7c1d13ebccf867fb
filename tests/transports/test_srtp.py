"""SRTP: what leaves is protected, what comes is authentic and comes once, and no text shows a key."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import silence
from voxrun.audio.g711 import decode_ulaw
from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.packet import RtpPacket, build_packet, parse_packet
from voxrun.protocol.rtp.rtcp import Description, Goodbye, ReceiverReport, build_compound
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.transports.rtp_socket import RtpSocket
from voxrun.transports.srtp import (
    MAX_PAYLOAD_BYTES,
    SUITES,
    Crypto,
    Srtp,
    SrtpDatagrams,
    keys_in,
    parse_crypto,
    without_keys,
)

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
"""30 bytes; the example of RFC 4568, section 4.1."""

QUIET = silence(8000)

ONE, TWO = Crypto(SUITES[0], Random(1).randbytes(30)), Crypto(SUITES[0], Random(2).randbytes(30))


def packet(sequence: int = 1, ssrc: int = 7, size: int = 160) -> bytes:
    payload = (bytes(range(256)) * 8)[:size]
    return build_packet(RtpPacket(0, sequence % 65536, sequence * 160 % 2**32, ssrc, payload))


def compound(ssrc: int = 7) -> bytes:
    return build_compound([ReceiverReport(ssrc), Description(ssrc, "peer@test"), Goodbye((ssrc,))])


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("make", [packet, compound])
@pytest.mark.parametrize("shared", [True, False])
def test_what_one_end_protects_the_other_understands_once(suite: str, make: Callable[[], bytes], shared: bool) -> None:
    ours = Crypto(suite, ONE.key)
    theirs = ours if shared else Crypto(suite, TWO.key)
    here, there = Srtp(ours, theirs), Srtp(theirs, ours)
    plain = make()
    protected = here.protect(plain)
    assert protected is not None
    assert protected[12:40] != plain[12:40]
    assert there.unprotect(protected) == plain
    assert there.unprotect(protected) is None
    assert Srtp(TWO, ONE).unprotect(plain) is None


@pytest.mark.parametrize("theirs", [ONE, TWO])
def test_what_somebody_sends_back_is_not_taken_for_the_peer_s(theirs: Crypto) -> None:
    here, there = Srtp(ONE, theirs), Srtp(theirs, ONE)
    sent = [here.protect(packet(number)) or b"" for number in range(10)]
    assert [here.unprotect(one) for one in sent] == [None] * 10
    assert there.unprotect(here.protect(packet(10)) or b"") == packet(10)
    assert here.unprotect(there.protect(packet(11, ssrc=8)) or b"") == packet(11, ssrc=8)


def test_reports_that_somebody_sends_back_do_not_stop_ours() -> None:
    here, there = Srtp(ONE, ONE), Srtp(ONE, ONE)
    for _ in range(100):
        sent = here.protect(compound(7)) or b""
        here.unprotect(sent)
        assert there.unprotect(sent) == compound(7)
        assert here.unprotect(there.protect(compound(8)) or b"") == compound(8)


def test_the_tag_of_each_suite() -> None:
    sizes = [len(Srtp(Crypto(suite, ONE.key), TWO).protect(packet()) or b"") - len(packet()) for suite in SUITES]
    assert sizes == [10, 4]


def test_ends_that_use_different_suites() -> None:
    short = Crypto(SUITES[1], TWO.key)
    here, there = Srtp(ONE, short), Srtp(short, ONE)
    assert there.unprotect(here.protect(packet()) or b"") == packet()
    assert here.unprotect(there.protect(packet()) or b"") == packet()


def test_numbers_wrap_though_packets_are_lost_and_swapped() -> None:
    here, there = Srtp(ONE, TWO), Srtp(TWO, ONE)
    plain = [packet(number) for number in range(65_500, 65_600)]
    protected = [here.protect(one) or b"" for one in plain]
    order = [number ^ 1 for number in range(100) if number % 7]
    assert [there.unprotect(protected[number]) for number in order] == [plain[number] for number in order]


class _Last(Random):
    def getrandbits(self, k: int, /) -> int:
        return (1 << k) - 1


def test_who_comes_to_listen_late_understands_whatever_the_first_number_was() -> None:
    """If numbers had wrapped before, nobody could tell him so, and he would refuse all packets for ever."""
    sender = RtpSender(CODECS["PCMU"], 20, _Last())
    here, there = Srtp(ONE, TWO), Srtp(TWO, ONE)
    sent = [here.protect(datagram) or b"" for tick in range(3000) for datagram in sender.write(QUIET, tick * 0.02)]
    assert all(there.unprotect(datagram) for datagram in sent[-100:])


def test_ffmpeg_is_understood() -> None:
    golden = Path(__file__).parents[1] / "protocol" / "rtp" / "packets" / "srtp_by_ffmpeg.bin"
    srtp = Srtp(ONE, parse_crypto(f"{SUITES[0]} inline:{KEY}"))
    found = parse_packet(srtp.unprotect(golden.read_bytes()) or b"")
    assert found is not None
    heard = decode_ulaw(found.payload)
    assert len(heard) == 155
    assert np.abs(np.diff(heard.astype(int))).max() < 4096  # a soft tone; what is still encrypted jumps by 60,000


@given(st.integers(0, 3), st.data())
def test_nothing_that_was_changed_is_taken_and_nothing_raises(kind: int, data: st.DataObject) -> None:
    here, there = Srtp(ONE, TWO), Srtp(TWO, ONE)
    plain = packet(size=20) if kind < 2 else compound()
    protected = here.protect(plain) or b""
    if kind % 2:
        changed = protected[: data.draw(st.integers(0, len(protected) - 1))] + data.draw(st.binary(max_size=20))
    else:
        place, bit = data.draw(st.integers(0, len(protected) - 1)), data.draw(st.integers(0, 7))
        changed = protected[:place] + bytes([protected[place] ^ 1 << bit]) + protected[place + 1 :]
    if changed != protected:
        assert there.unprotect(changed) is None
    assert there.unprotect(protected) == plain


@given(st.binary(max_size=2048))
def test_junk_is_refused(datagram: bytes) -> None:
    assert Srtp(TWO, ONE).unprotect(datagram) is None


def test_the_longest_packet() -> None:
    srtp = Srtp(ONE, TWO)
    assert srtp.protect(packet(1, size=MAX_PAYLOAD_BYTES)) is not None
    assert srtp.protect(packet(2, size=MAX_PAYLOAD_BYTES + 1)) is None


def test_a_socket_sends_and_takes_only_what_is_protected_and_counts_the_rest() -> None:
    async def main() -> None:
        here = SrtpDatagrams(RtpSocket("127.0.0.1", 0), Srtp(ONE, TWO))
        wire, stranger = RtpSocket("127.0.0.1", 0), RtpSocket("127.0.0.1", 0)
        there = SrtpDatagrams(wire, Srtp(TWO, ONE))
        with trio.fail_after(5):
            for plain in (packet(1), compound(), packet(2)):
                here.send(plain, there.local)
            stranger.send(packet(3), there.local)
            wire.send(bytes(2000), there.local)
            came: list[Datagram] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(there.pump, came.extend)
                while there.unauthentic < 2:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        assert came == [(packet(1), here.local), (compound(), here.local), (packet(2), here.local)]
        here.send(packet(size=1500), there.local)
        assert (here.unsent, there.unsent, here.unauthentic, there.unauthentic) == (1, 0, 0, 2)
        for socket in (here, there, stranger):
            socket.close()
            socket.close()

    trio.run(main)


@pytest.mark.parametrize("between", [" ", "+"])
@pytest.mark.parametrize("suite", SUITES)
def test_what_is_written_in_sdp_is_understood(suite: str, between: str) -> None:
    crypto = parse_crypto(f"{suite}{between}inline:{KEY}")
    assert crypto == Crypto(suite, base64.b64decode(KEY))
    assert crypto.attribute == f"1 {suite} inline:{KEY}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"AES_CM_128_HMAC_SHA1_80 {KEY}", "crypto is written as in SDP"),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}", "crypto is written as in SDP"),
        (f"AEAD_AES_256_GCM inline:{KEY}", "Known are AES_CM_128_HMAC_SHA1_80 and AES_CM_128_HMAC_SHA1_32"),
        (f"AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4", "without a tag, lifetime or MKI"),
        (f"AES_CM_128_HMAC_SHA1_80 inline:{KEY[:-4]}", "the key after inline: is none"),
        (f"AES_CM_128_HMAC_SHA1_80 inline:{KEY}AAAA", "the key after inline: is none"),
        (f"AES_CM_128_HMAC_SHA1_80 inline:{KEY[:-1]}", "the key after inline: is none"),
    ],
)
def test_what_is_not_says_why_but_not_the_key(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("|", r"\|")) as caught:
        parse_crypto(text)
    assert KEY[:8] not in str(caught.value)


def test_keys_are_found_and_hidden_in_any_text() -> None:
    text = f"crypto=AES inline:{KEY}"
    assert keys_in(text) == [KEY]
    assert without_keys(text) == "crypto=AES inline:***"
    assert KEY not in repr(parse_crypto(f"{SUITES[0]} inline:{KEY}"))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylibsrtp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[srtp\]'"):
        Srtp(ONE, TWO)
