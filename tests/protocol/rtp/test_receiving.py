"""A peer that changes everything: SSRC, codec, packet length, clock; and tones between its words."""

from random import Random

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.protocol.rtp.codecs import CODECS, COMFORT_NOISE, Codec
from voxrun.protocol.rtp.packet import RtpPacket, build_packet, parse_packet
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock

PEER, STRANGER = ("192.0.2.1", 4000), ("198.51.100.9", 9)
PCMU, PCMA, G722 = CODECS["PCMU"], CODECS["PCMA"], CODECS["G722"]


class Call:
    """A receiver that hears what senders write, tick by tick."""

    def __init__(self, *codecs: Codec) -> None:
        self.receiver = RtpReceiver(codecs, SourceLock(PEER))
        self.tick = 0
        self.heard: list[Samples] = []
        self.digits = ""

    def play(self, sender: RtpSender | None, sound: Samples, rate: int) -> Samples:
        """Send the sound in frames and hear one frame for each."""
        begin = len(self.heard)
        size = frame_size(rate)
        for at in range(0, len(sound), size):
            now = self.tick * FRAME_SECONDS
            for datagram in sender.write(sound[at : at + size], now) if sender else []:
                self.digits += self.receiver.receive(datagram, PEER, now) or ""
            self.hear()
        return np.concatenate(self.heard[begin:])

    def hear(self) -> None:
        now = self.tick * FRAME_SECONDS
        self.heard.append(self.receiver.read(now))
        self.tick += 1


def sender(codec: Codec, seed: int = 1, ptime_ms: int = 20) -> RtpSender:
    return RtpSender(codec, ptime_ms, Random(seed))


def loudness(samples: Samples) -> list[int]:
    """The loudest sample of each 20 ms at 8 kHz."""
    return [int(np.abs(frame.astype(int)).max()) for frame in samples.reshape(-1, 160)]


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722, CODECS["L16"]], ids=lambda codec: codec.name)
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_every_codec_in_every_length(codec: Codec, ptime_ms: int) -> None:
    call = Call(codec)
    heard = call.play(sender(codec, ptime_ms=ptime_ms), tone(codec.audio_rate, 2.0), codec.audio_rate)
    steady = heard[codec.audio_rate // 2 :].astype(float)
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    peak = round(440 * 1.5)
    assert int(np.argmax(spectrum)) == peak
    assert (spectrum[peak - 3 : peak + 4] ** 2).sum() > 0.995 * (spectrum**2).sum()
    assert call.receiver.rate == codec.audio_rate


@pytest.mark.parametrize("name", ["PCMU", "L16", "G722", "OPUS"])
def test_what_follows_a_lost_packet_does_not_begin_with_a_click(name: str) -> None:
    codec, said = CODECS[name], tone(CODECS[name].audio_rate, 20.0, 437.0)
    size = frame_size(codec.audio_rate)
    sends, call = sender(codec), Call(codec)
    for number, frame in enumerate(said.reshape(-1, size)):
        (datagram,) = sends.write(frame, call.tick * FRAME_SECONDS)
        if number % 10 != 9:
            call.receiver.receive(datagram, PEER, call.tick * FRAME_SECONDS)
        call.hear()
    steps = np.abs(np.diff(np.concatenate(call.heard)[size * 5 :].astype(int)))
    assert steps.max() < 1.4 * np.abs(np.diff(said.astype(int))).max()


@pytest.mark.parametrize("name", ["PCMU", "L16"])
@pytest.mark.parametrize("is_key", [True, False])
def test_a_sound_that_comes_back_in_its_middle_does_not_begin_with_a_click(name: str, is_key: bool) -> None:
    codec, said = CODECS[name], tone(CODECS[name].audio_rate, 4.0, 437.0)
    sends, call = sender(codec), Call(codec)
    size = frame_size(codec.audio_rate)
    begin, end = 100 * size, 108 * size
    call.play(sends, said[:begin], codec.audio_rate)
    if is_key:
        sends.tones.send("5")
    call.play(sends if is_key else None, said[begin:end], codec.audio_rate)
    call.play(sends, said[end:], codec.audio_rate)
    heard = np.concatenate(call.heard)[10 * size :].astype(int)
    assert call.digits == "5" * is_key
    assert np.abs(np.diff(heard)).max() < 1.4 * np.abs(np.diff(said.astype(int))).max()
    assert np.abs(heard[-80 * size :]).max() > 9000


def test_another_ssrc_goes_on_after_probation() -> None:
    call = Call(PCMU)
    call.play(sender(PCMU, 1), tone(8000, 1.0), 8000)
    heard = loudness(call.play(sender(PCMU, 2), tone(8000, 1.0), 8000))
    assert min(heard[4:]) > 9000
    assert call.receiver.dropped.probation == 1
    assert call.receiver.ssrc == sender(PCMU, 2).ssrc


def test_a_rival_ssrc_from_the_same_address_never_gets_through() -> None:
    receiver = RtpReceiver([PCMU], SourceLock(PEER))
    genuine, rival = sender(PCMU, 1), sender(PCMU, 2)
    for tick in range(100):
        for one in (genuine, rival):
            receiver.receive(one.write(tone(8000, FRAME_SECONDS), tick * FRAME_SECONDS)[0], PEER, tick * FRAME_SECONDS)
    assert receiver.ssrc == genuine.ssrc
    assert receiver.dropped.probation == 100


def test_a_codec_of_the_same_rates_is_changed_without_a_gap() -> None:
    call = Call(PCMU, PCMA)
    ulaw, alaw = sender(PCMU, 5), sender(PCMA, 5)
    datagrams = [
        (alaw if n >= 25 else ulaw, ulaw.write(f, n * 0.02)[0], alaw.write(f, n * 0.02)[0])
        for n, f in enumerate(tone(8000, 1.0).reshape(-1, 160))
    ]
    for one, as_ulaw, as_alaw in datagrams:
        call.receiver.receive(as_alaw if one is alaw else as_ulaw, PEER, call.tick * FRAME_SECONDS)
        call.hear()
    assert min(loudness(np.concatenate(call.heard))[3:]) > 9000
    assert call.receiver.buffer.counters.concealed == 0


def test_a_codec_of_another_rate_comes_out_at_the_call_s() -> None:
    call = Call(PCMU, G722)
    call.play(sender(PCMU, 5), tone(8000, 0.5), 8000)
    heard = call.play(sender(G722, 6), tone(16000, 1.0), 16000)
    assert len(heard) == 8000
    steady = heard[4000:].astype(float) * np.hanning(4000)
    assert int(np.argmax(np.abs(np.fft.rfft(steady)))) == 220


def test_tones_are_told_and_not_heard() -> None:
    call = Call(PCMU)
    peer = sender(PCMU)
    call.play(peer, tone(8000, 0.5), 8000)
    peer.tones.send("42")
    during = loudness(call.play(peer, tone(8000, 0.32), 8000))
    after = loudness(call.play(peer, tone(8000, 0.5), 8000))
    assert call.digits == "42"
    assert max(during[3:]) == 0
    assert min(after[4:]) > 9000
    assert call.receiver.buffer.counters.concealed == 0


def noise(peer: RtpSender, payload: bytes, now: float) -> bytes:
    """A packet of comfort noise in place of the peer's next one."""
    last = parse_packet(peer.write(tone(8000, FRAME_SECONDS), now)[0])
    assert last is not None
    return build_packet(RtpPacket(COMFORT_NOISE, last.sequence, last.timestamp, last.ssrc, payload))


def level(samples: Samples) -> float:
    """RMS in dBov."""
    return float(20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32768))


def test_comfort_noise_is_heard_at_its_level_until_speech_comes() -> None:
    call = Call(PCMU)
    peer = sender(PCMU)
    call.play(peer, tone(8000, 0.5), 8000)
    call.receiver.receive(noise(peer, b"\x32\x40\x40", 0.5), PEER, 0.5)
    room = call.play(None, np.zeros(8000, np.int16), 8000)
    assert level(room[800:]) == pytest.approx(-50, abs=0.5)
    call.receiver.receive(noise(peer, b"\x46", 1.5), PEER, 1.5)
    room = call.play(None, np.zeros(8000, np.int16), 8000)
    assert level(room[800:]) == pytest.approx(-70, abs=1)
    assert call.receiver.buffer.counters.concealed == 0
    speech = call.play(peer, tone(8000, 1.0), 8000)
    assert min(loudness(speech)[4:]) > 9000
    after = call.play(None, np.zeros(8000, np.int16), 8000)
    assert not after[4000:].any()


def test_the_same_call_has_the_same_noise() -> None:
    rooms = []
    for _ in range(2):
        call, peer = Call(PCMU), sender(PCMU)
        call.play(peer, tone(8000, 0.5), 8000)
        call.receiver.receive(noise(peer, b"\x28", 0.5), PEER, 0.5)
        rooms.append(call.play(None, np.zeros(8000, np.int16), 8000))
    assert rooms[0].any()
    assert np.array_equal(rooms[0], rooms[1])


@pytest.mark.parametrize("payload", [b"", b"\x7f"])
def test_comfort_noise_may_be_none(payload: bytes) -> None:
    call = Call(PCMU)
    peer = sender(PCMU)
    call.play(peer, tone(8000, 0.5), 8000)
    call.receiver.receive(noise(peer, payload, 0.5), PEER, 0.5)
    assert not call.play(None, np.zeros(8000, np.int16), 8000)[800:].any()
    assert call.receiver.buffer.counters.concealed == 0


def test_what_is_dropped_is_counted() -> None:
    receiver = RtpReceiver([PCMU], SourceLock(PEER))
    receiver.receive(b"junk", PEER, 0.0)
    receiver.receive(build_packet(RtpPacket(34, 1, 0, 1, b"video")), PEER, 0.0)
    receiver.receive(build_packet(RtpPacket(0, 2, 0, 1, b"\xff" * 160)), STRANGER, 0.0)
    assert (receiver.dropped.malformed, receiver.dropped.unknown_payload_type, receiver.lock.strangers) == (1, 1, 1)
    assert receiver.last_audio_at is receiver.last_media_at is None


def test_when_audio_came_last() -> None:
    call = Call(PCMU)
    call.play(sender(PCMU), tone(8000, 0.1), 8000)
    call.play(None, np.zeros(1600, np.int16), 8000)
    assert call.receiver.last_audio_at == pytest.approx(0.08)
