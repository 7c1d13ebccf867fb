"""`SourceLock`: whose packets a call takes and where its own go (symmetric RTP, RFC 4961)."""

from typing import TypeAlias

from voxrun.protocol.rtp.packet import SEQUENCES, RtpPacket

Address: TypeAlias = tuple[str, int]
"""A peer's IP address and port."""

SEQUENTIAL_PACKETS = 5
"""How many packets in a row make an unexpected address the peer's."""

SILENCE_SECONDS = 10.0
"""How long the peer must have been silent before another address may take its place."""


class SourceLock:
    """Learns the peer's address once, and drops all others from then on.

    The configured address is taken at its first packet. Another one, which a translator of addresses may have put in
    its place, is taken after five packets that follow each other, and only if the configured one has not been heard.
    Never is anything sent to an address that showed but one packet: `remote` stays the configured one until the lock.
    """

    def __init__(self, configured: Address | None = None) -> None:
        self.strangers = 0
        """Packets dropped for where they came from."""
        self.remote = configured
        """Where to send; None as long as nobody knows."""
        self.is_locked = False
        self._configured = configured
        self._heard = 0.0
        self._expected: tuple[Address, int, int] | None = None  # source, SSRC and number of the candidate's next packet
        self._in_a_row = 0

    def accepts(self, source: Address, packet: RtpPacket, now: float) -> bool:
        """True when a well-formed packet that came from `source` at `now` seconds is the peer's."""
        if self.is_locked and source == self.remote:
            self._heard = now
            return True
        if source == self._configured and not self.is_locked:
            return self._lock(source, now)
        if self.is_locked and now - self._heard < SILENCE_SECONDS:
            self.strangers += 1
            return False
        if self._count(source, packet) == SEQUENTIAL_PACKETS:
            return self._lock(source, now)
        self.strangers += 1
        return False

    def _lock(self, source: Address, now: float) -> bool:
        self.remote, self.is_locked, self._heard = source, True, now
        self._expected, self._in_a_row = None, 0
        return True

    def _count(self, source: Address, packet: RtpPacket) -> int:
        """How many packets of one stream came in a row, with this one."""
        is_next = self._expected == (source, packet.ssrc, packet.sequence)
        self._in_a_row = self._in_a_row + 1 if is_next else 1
        self._expected = (source, packet.ssrc, (packet.sequence + 1) % SEQUENCES)
        return self._in_a_row
