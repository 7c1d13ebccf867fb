"""`RtpSender`: frames and digits out as packets, with sequence numbers, timestamps and markers."""

from random import Random

import numpy as np

from voxrun.audio.frame import FRAME_MS, FRAME_SECONDS, Samples
from voxrun.protocol.rtp.codecs import TELEPHONE_EVENT, Codec
from voxrun.protocol.rtp.dtmf import ToneSender
from voxrun.protocol.rtp.packet import SEQUENCES, TIMESTAMPS, RtpPacket, build_packet

_NOTHING = np.zeros(0, np.int16)
_IDLE_FRAMES = 1.5  # what was not written for longer than this was a pause


class RtpSender:
    """One stream on its way out. SSRC, first sequence number and first timestamp come from `random`.

    Timestamps count samples while frames follow each other, and advance with the time over a pause, after which the
    next packet carries the marker of a talkspurt (RFC 3550, section 5.1; RFC 3551, section 4.1).
    """

    def __init__(self, codec: Codec, ptime_ms: int, random: Random) -> None:
        """`ptime_ms` is one of the codec's. ConfigurationError when the codec needs a library that is missing."""
        self.ssrc = random.getrandbits(32)
        self.packets = 0
        self.octets = 0
        """Of payload, as a sender report counts them."""
        self.tones = ToneSender(codec.clock_rate)
        self._codec = codec
        self._encode = codec.new_encoder()
        self._frame_units = codec.clock_rate * FRAME_MS // 1000
        self._packet_size = codec.audio_rate * ptime_ms // 1000
        self._per_unit = codec.audio_rate // codec.clock_rate  # samples per tick of the RTP clock
        self._pending = _NOTHING
        self._sequence = random.getrandbits(15)  # far from a wrap, of which SRTP must not miss one (RFC 3711, 3.3.1)
        self._timestamp = random.getrandbits(32)  # of the next frame
        self._due: float | None = None  # when the next frame is due (s)
        self._is_talkspurt = True

    @property
    def is_midway(self) -> bool:
        """True while audio waits for the rest of its packet."""
        return len(self._pending) > 0

    def write(self, frame: Samples, now: float) -> list[bytes]:
        """The datagrams that are complete with the next 20 ms of audio at the codec's rate, due at `now` seconds.

        Give the deadline of the tick, not the time it really began at: several late ticks in a row are no pause.
        While digits are sent, their packets go out in place of the audio.
        """
        self._advance(now)
        timestamp = self._timestamp
        self._timestamp = (timestamp + self._frame_units) % TIMESTAMPS
        if self.tones.is_busy:
            self._drop_pending()
            return self._tone(timestamp)
        return self._audio(frame, timestamp)

    def timestamp_at(self, now: float) -> int:
        """The RTP timestamp of that moment, for a sender report."""
        ahead = (now - self._due) * self._codec.clock_rate if self._due is not None else 0.0
        return (self._timestamp + round(ahead)) % TIMESTAMPS

    def _advance(self, now: float) -> None:
        """Take a pause since the last frame into the timestamp, in whole frames."""
        due = now if self._due is None else self._due
        missed = round((now - due) / FRAME_SECONDS) if now - due > _IDLE_FRAMES * FRAME_SECONDS else 0
        if missed:
            self._drop_pending()
            self._timestamp = (self._timestamp + missed * self._frame_units) % TIMESTAMPS
        self._due = due + (1 + missed) * FRAME_SECONDS

    def _drop_pending(self) -> None:
        """Begin a talkspurt; what was to wait for the rest of its packet came before the pause."""
        self._pending = _NOTHING
        self._is_talkspurt = True

    def _audio(self, frame: Samples, timestamp: int) -> list[bytes]:
        begin = timestamp - len(self._pending) // self._per_unit
        waiting = np.concatenate((self._pending, frame)) if len(self._pending) else frame
        size = self._packet_size
        whole = len(waiting) // size * size
        datagrams = []
        for offset in range(0, whole, size):
            stamp = (begin + offset // self._per_unit) % TIMESTAMPS
            payload = self._encode(waiting[offset : offset + size])
            datagrams.append(self._packet(self._codec.payload_type, stamp, payload, self._is_talkspurt))
            self._is_talkspurt = False
        self._pending = waiting[whole:]
        return datagrams

    def _tone(self, timestamp: int) -> list[bytes]:
        tone = self.tones.next(timestamp)
        if tone is None:
            return []
        return [self._packet(TELEPHONE_EVENT, tone.timestamp, tone.payload, tone.marker)]

    def _packet(self, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> bytes:
        sequence = self._sequence
        self._sequence = (sequence + 1) % SEQUENCES
        self.packets += 1
        self.octets += len(payload)
        return build_packet(RtpPacket(payload_type, sequence, timestamp, self.ssrc, payload, marker))
