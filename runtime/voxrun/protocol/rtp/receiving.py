"""`RtpReceiver`: datagrams in, the peer's audio and tones out."""

from collections.abc import Sequence

from msgspec import Struct

from voxrun.audio.frame import Samples
from voxrun.audio.resample import Resampler
from voxrun.protocol.rtp.codecs import COMFORT_NOISE, TELEPHONE_EVENT, Codec
from voxrun.protocol.rtp.dtmf import ToneReceiver
from voxrun.protocol.rtp.jitter_buffer import JitterBuffer
from voxrun.protocol.rtp.packet import SEQUENCES, RtpPacket, parse_packet
from voxrun.protocol.rtp.reception import Reception
from voxrun.protocol.rtp.source_lock import Address, SourceLock


class Dropped(Struct):
    """Packets that went no further than here, by reason."""

    malformed: int = 0
    unknown_payload_type: int = 0
    probation: int = 0
    """Of another SSRC before it was believed."""


class RtpReceiver:
    """One stream on its way in, from one peer, whatever it changes: SSRC, codec, packet length, clock.

    `rate` is that of the first codec given. Bad input is counted and dropped. All times are in seconds of one clock.
    """

    def __init__(self, codecs: Sequence[Codec], lock: SourceLock) -> None:
        """The codecs that may come, told apart by payload type."""
        self.rate = codecs[0].audio_rate
        self.lock = lock
        self.dropped = Dropped()
        self.ssrc: int | None = None
        self.reception: Reception | None = None
        """What is known of the packets of `ssrc`; None before the first."""
        self.last_audio_at: float | None = None
        """When the last packet of audio came."""
        self.last_media_at: float | None = None
        """When the last packet came that the peer means to be heard or understood: audio, comfort noise or a tone."""
        self.buffer = JitterBuffer(codecs[0].clock_rate, self.rate)
        self._codecs = {codec.payload_type: codec for codec in codecs}
        self._codec = codecs[0]
        self._resampler: Resampler | None = None
        self._tones = ToneReceiver()
        self._candidate: RtpPacket | None = None
        self._ahead: Samples | None = None  # what was read before its tick

    def receive(self, datagram: bytes, source: Address, now: float) -> str | None:
        """Take a datagram that isn't RTCP; the digit whose tone begins with it, if one does."""
        packet = parse_packet(datagram)
        if packet is None:
            self.dropped.malformed += 1
            return None
        if not self.lock.accepts(source, packet, now) or not self._is_of_source(packet) or self.reception is None:
            return None
        return self._take(packet, self.reception, now)

    def read(self, now: float) -> Samples:
        """The 20 ms due at `now`, at `rate`, not to be changed. Ask once per tick."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return self._next(now)
        self.buffer.tick(now)
        return ahead

    def read_ahead(self, now: float) -> Samples | None:
        """What `read` will give at the tick due at `now`, the next one: once, as soon as all of it is here."""
        if self._ahead is None and self.buffer.is_complete(now):
            self._ahead = self._next(now)
            return self._ahead
        return None

    def _next(self, now: float) -> Samples:
        frame = self.buffer.take(now)
        return self._resampler.process(frame) if self._resampler else frame

    def _is_of_source(self, packet: RtpPacket) -> bool:
        """True for the SSRC listened to: the first, or another that came with two packets in a row and none between."""
        if packet.ssrc == self.ssrc:
            self._candidate = None
            return True
        candidate, self._candidate = self._candidate, packet
        is_next = (
            candidate is not None
            and candidate.ssrc == packet.ssrc
            and (candidate.sequence + 1) % SEQUENCES == packet.sequence
        )
        if self.ssrc is not None and not is_next:
            self.dropped.probation += 1
            return False
        self._listen_to(packet)
        return True

    def _listen_to(self, packet: RtpPacket) -> None:
        self.ssrc = packet.ssrc
        self.reception = Reception(packet.sequence)
        self.buffer.restart()

    def _take(self, packet: RtpPacket, reception: Reception, now: float) -> str | None:
        restarts = reception.restarts
        number = reception.number(packet.sequence)
        if number is None:
            return None
        if reception.restarts > restarts:
            self.buffer.restart()
        kind = packet.payload_type
        codec = self._codecs.get(kind)
        if codec is not None and packet.payload:
            reception.timed(packet.timestamp, now, codec.clock_rate)
            self._take_audio(packet, codec, number, now)
        elif kind == COMFORT_NOISE:
            self.buffer.put_pause(number, packet.payload)
        elif codec is not None or kind == TELEPHONE_EVENT:
            self.buffer.put_pause(number)
        else:
            self.dropped.unknown_payload_type += 1
            return None
        self.last_media_at = now
        return self._tones.receive(packet) if kind == TELEPHONE_EVENT else None

    def _take_audio(self, packet: RtpPacket, codec: Codec, number: int, now: float) -> None:
        if (codec.clock_rate, codec.audio_rate) != (self._codec.clock_rate, self._codec.audio_rate):
            self._change_rates(codec)
        self._codec = codec
        self.last_audio_at = now
        self.buffer.put(number, packet.timestamp, packet.payload, codec, now)

    def _change_rates(self, codec: Codec) -> None:
        counters = self.buffer.counters
        self.buffer = JitterBuffer(codec.clock_rate, codec.audio_rate)
        self.buffer.counters = counters
        self._resampler = Resampler(codec.audio_rate, self.rate) if codec.audio_rate != self.rate else None
