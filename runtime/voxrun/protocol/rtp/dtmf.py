"""Tones as RTP events, both ways (RFC 4733): `ToneReceiver` makes digits of packets, `ToneSender` packets of digits."""

import struct
from collections import deque

from msgspec import Struct

from voxrun.protocol.rtp.packet import TIMESTAMPS, RtpPacket

DIGITS = "0123456789*#ABCD"
"""The sixteen tones; a digit's place is its event code (RFC 4733, section 3.2)."""

SHORTEST_MS = 40
"""The shortest tone and the shortest pause after it that all receivers hear (ITU-T Q.24)."""

PAUSE = "p"
"""Stands between digits for a wait (VoxEngine's letter)."""

PAUSE_MS = 2000
"""How long that is: VoxEngine doesn't say; it is what phones and modems wait for such a sign (ITU-T V.250, S8)."""

LOST_END_SECONDS = 0.15
"""A tone without a packet for so long is over: its end was lost."""

TICK_MS = 20
ENDS = 3  # how often the last packet of a tone is sent (2.5.1.4)
VOLUME = 10  # -dBm0
_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_LONGEST = 0xFFFF  # ticks of one segment
_OLD = 1 << 17  # ticks: a tone so little before the latest is a straggler, one further back a new clock


class ToneStarted(Struct, frozen=True):
    """A tone began at the far end."""

    digit: str


class ToneEnded(Struct, frozen=True):
    """The same tone ended."""

    digit: str
    duration_ms: int


ToneEvent = ToneStarted | ToneEnded


class ToneReceiver:
    """The events of one source: each digit starts once and ends once, whatever is lost, repeated or late."""

    def __init__(self, clock_rate: int) -> None:
        """`clock_rate`: Hz of the event payload's clock."""
        self._clock_rate = clock_rate
        self._digit = ""  # what sounds now
        self._source = -1
        self._begin = self._segment = self._duration = 0  # ticks
        self._heard = 0.0
        self.malformed = 0

    def receive(self, packet: RtpPacket, now: float) -> list[ToneEvent]:
        """What a packet with an event's payload type says, at `now` seconds. Other events than digits say nothing."""
        if len(packet.payload) < _PAYLOAD.size:
            self.malformed += 1
            return []
        code, flags, duration = _PAYLOAD.unpack_from(packet.payload)
        if code >= len(DIGITS):
            return []
        events: list[ToneEvent] = []
        if (packet.ssrc, packet.timestamp) != (self._source, self._segment):
            if self._is_straggler(packet):
                return []
            if not self._continues(packet, DIGITS[code]):
                events += self._end()
                events.append(self._start(packet, DIGITS[code]))
            self._segment, self._duration = packet.timestamp, 0
        if self._digit:
            self._duration = max(self._duration, duration)
            self._heard = now
            events += self._end() if flags & _END else []
        return events

    def poll(self, now: float) -> list[ToneEvent]:
        """The end of a tone whose end was lost; ask in every tick."""
        return self._end() if self._digit and now - self._heard >= LOST_END_SECONDS else []

    def _is_straggler(self, packet: RtpPacket) -> bool:
        return packet.ssrc == self._source and (self._segment - packet.timestamp) % TIMESTAMPS < _OLD

    def _continues(self, packet: RtpPacket, digit: str) -> bool:
        """True for the next segment of a long tone (2.5.1.3)."""
        expected = (self._segment + _LONGEST) % TIMESTAMPS
        return self._digit == digit and (packet.ssrc, packet.timestamp) == (self._source, expected)

    def _start(self, packet: RtpPacket, digit: str) -> ToneStarted:
        self._digit, self._source, self._begin = digit, packet.ssrc, packet.timestamp
        return ToneStarted(digit)

    def _end(self) -> list[ToneEvent]:
        if not self._digit:
            return []
        units = (self._segment - self._begin) % TIMESTAMPS + self._duration
        ended = ToneEnded(self._digit, units * 1000 // self._clock_rate)
        self._digit = ""
        return [ended]


class TonePacket(Struct, frozen=True):
    """One event packet to send."""

    payload: bytes
    timestamp: int
    marker: bool


class ToneSender:
    """Digits that wait, and the event packets of the one that sounds: one packet in 20 ms."""

    def __init__(self, clock_rate: int) -> None:
        """`clock_rate`: Hz, that of the audio beside the tones."""
        self._clock_rate = clock_rate
        self._step = clock_rate * TICK_MS // 1000
        self._waiting: deque[tuple[int, int, int]] = deque()  # event code, ticks of tone, ticks of pause after it
        self._code = self._length = self._rest = 0
        self._began = 0  # the timestamp of the tone
        self._elapsed = 0  # ticks since then
        self._segment = 0  # ticks from then to its present segment
        self._ends = 0  # how many end packets are still to send

    @property
    def is_busy(self) -> bool:
        """True while a tone or the pause after it lasts or waits: no audio is to be sent then."""
        return bool(self._waiting) or self._elapsed < self._length + self._rest

    def send(self, digits: str, tone_ms: int = 100, pause_ms: int = 60) -> None:
        """Send digits after those that wait; at least 40 ms of tone and of pause each, in whole 20 ms.

        ValueError when a character is none of DIGITS and not PAUSE; nothing is sent then.
        """
        unknown = sorted(set(digits) - {*DIGITS, PAUSE})
        if unknown:
            raise ValueError(
                f"no tones for {', '.join(map(ascii, unknown))}: digits are {DIGITS}, and {PAUSE} pauses for"
                f" {PAUSE_MS // 1000} s"
            )
        tone, pause, wait = (-(-max(ms, SHORTEST_MS) // TICK_MS) * self._step for ms in (tone_ms, pause_ms, PAUSE_MS))
        self._waiting.extend((0, 0, wait) if digit == PAUSE else (DIGITS.index(digit), tone, pause) for digit in digits)

    def next(self, timestamp: int) -> TonePacket | None:
        """The packet of the next 20 ms, if there is one in them; `timestamp` is when they begin on the RTP clock."""
        begins = self._elapsed >= self._length + self._rest
        if begins and not self._waiting:
            return None
        if begins:
            self._code, self._length, self._rest = self._waiting.popleft()
            self._elapsed, self._segment, self._ends = 0, 0, ENDS if self._length else 0
            self._began = timestamp
        self._elapsed += self._step
        if self._elapsed - self._segment > _LONGEST and self._elapsed <= self._length:
            self._segment += _LONGEST
        return self._packet(begins)

    def _packet(self, begins: bool) -> TonePacket | None:
        is_end = self._elapsed >= self._length
        if is_end and not self._ends:
            return None
        self._ends -= is_end
        duration = min(self._elapsed, self._length) - self._segment
        payload = _PAYLOAD.pack(self._code, (_END if is_end else 0) | VOLUME, duration)
        return TonePacket(payload, (self._began + self._segment) % TIMESTAMPS, begins)
