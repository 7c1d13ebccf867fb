"""Tones as RTP events, both ways (RFC 4733): `ToneReceiver` makes digits of packets, `ToneSender` packets of digits."""

import struct
from collections import deque

from msgspec import Struct

from voxrun.audio.frame import FRAME_MS
from voxrun.protocol.rtp.packet import TIMESTAMPS, RtpPacket

DIGITS = "0123456789*#ABCD"
"""The sixteen tones; a digit's place is its event code (RFC 4733, section 3.2)."""

TONE_MS, GAP_MS = 100, 60
"""How long a tone sounds, and the silence after it: more than the 40 ms that all receivers hear (ITU-T Q.24)."""

PAUSE = "p"
"""Stands between digits for a wait (VoxEngine's letter)."""

PAUSE_MS = 2000
"""How long that is: VoxEngine doesn't say; it is what phones and modems wait for such a sign (ITU-T V.250, S8)."""

MOST_WAITING = 1000
"""Digits and pauses that may wait: many minutes of them."""

ENDS = 3  # how often the last packet of a tone is sent (2.5.1.4)
VOLUME = 10  # -dBm0
_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_LONGEST = 0xFFFF  # ticks of one segment
_OLD = 1 << 17  # ticks: a tone so little before the latest is a straggler, one further back a new clock


def check_digits(digits: str) -> None:
    """ValueError when a character is none of DIGITS and not PAUSE."""
    unknown = sorted(set(digits) - {*DIGITS, PAUSE})
    if unknown:
        raise ValueError(
            f"no tones for {', '.join(map(ascii, unknown))}: digits are {DIGITS}, and {PAUSE} pauses for"
            f" {PAUSE_MS // 1000} s"
        )


class ToneReceiver:
    """The tones of one source: each digit begins once, whatever is lost, repeated or late."""

    def __init__(self) -> None:
        self._digit = ""  # what sounds now
        self._source = -1
        self._segment = 0  # the timestamp of what was heard of it last
        self.malformed = 0

    def receive(self, packet: RtpPacket) -> str | None:
        """The digit that begins with a packet of an event's payload type. Other events than digits say nothing."""
        if len(packet.payload) < _PAYLOAD.size:
            self.malformed += 1
            return None
        code, flags, _ = _PAYLOAD.unpack_from(packet.payload)
        if code >= len(DIGITS) or self._is_straggler(packet):
            return None
        digit = DIGITS[code]
        begins = not self._continues(packet, digit)
        if begins:
            self._digit = digit
        self._source, self._segment = packet.ssrc, packet.timestamp
        if flags & _END:
            self._digit = ""
        return digit if begins else None

    def _is_straggler(self, packet: RtpPacket) -> bool:
        return packet.ssrc == self._source and 0 < (self._segment - packet.timestamp) % TIMESTAMPS < _OLD

    def _continues(self, packet: RtpPacket, digit: str) -> bool:
        """True for more of the same segment, and for the next one of a long tone (2.5.1.3)."""
        ahead = (packet.timestamp - self._segment) % TIMESTAMPS
        return packet.ssrc == self._source and (ahead == 0 or (ahead == _LONGEST and digit == self._digit))


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
        self._step = clock_rate * FRAME_MS // 1000
        self._waiting: deque[tuple[int, int, int]] = deque()  # event code, ticks of tone, ticks of pause after it
        self._code = self._length = self._rest = 0
        self._began = 0  # the timestamp of the tone
        self._elapsed = 0  # ticks since then
        self._ends = 0  # how many end packets are still to send

    @property
    def is_busy(self) -> bool:
        """True while a tone or the pause after it lasts or waits: no audio is to be sent then."""
        return bool(self._waiting) or self._elapsed < self._length + self._rest

    def send(self, digits: str) -> None:
        """Send digits after those that wait.

        ValueError when a character is none of DIGITS and not PAUSE, and when too many would wait; nothing is sent then.
        """
        check_digits(digits)
        if len(self._waiting) + len(digits) > MOST_WAITING:
            raise ValueError(f"no more than {MOST_WAITING} digits may wait: {len(self._waiting)} are still to be sent")
        tone, gap, wait = (ms * self._clock_rate // 1000 for ms in (TONE_MS, GAP_MS, PAUSE_MS))
        self._waiting.extend((0, 0, wait) if digit == PAUSE else (DIGITS.index(digit), tone, gap) for digit in digits)

    def next(self, timestamp: int) -> TonePacket | None:
        """The packet of the next 20 ms, if there is one in them; `timestamp` is when they begin on the RTP clock."""
        begins = self._elapsed >= self._length + self._rest
        if begins and not self._waiting:
            return None
        if begins:
            self._code, self._length, self._rest = self._waiting.popleft()
            self._elapsed, self._ends = 0, ENDS if self._length else 0
            self._began = timestamp
        self._elapsed += self._step
        return self._packet(begins)

    def _packet(self, begins: bool) -> TonePacket | None:
        is_end = self._elapsed >= self._length
        if is_end and not self._ends:
            return None
        self._ends -= is_end
        duration = min(self._elapsed, self._length)
        payload = _PAYLOAD.pack(self._code, (_END if is_end else 0) | VOLUME, duration)
        return TonePacket(payload, self._began, begins)
