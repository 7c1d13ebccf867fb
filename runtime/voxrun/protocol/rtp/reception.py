"""`Reception`: the numbers, losses and jitter of one source's packets (RFC 3550, A.1, A.3, A.8)."""

from msgspec import Struct

from voxrun.protocol.rtp.packet import SEQUENCES, TIMESTAMPS

MAX_DROPOUT = 3000
MAX_MISORDER = 100
_REMEMBERED = (1 << MAX_MISORDER + 1) - 1


class Loss(Struct, frozen=True):
    """What a report says of loss (A.3)."""

    fraction: int
    """Lost since the last report, in 256ths of what was expected."""
    cumulative: int
    """Lost in all, from -2^23 to 2^23-1; negative when duplicates outnumber losses."""


class Reception:
    """The packets of one synchronisation source, from its first one on."""

    def __init__(self, sequence: int) -> None:
        """`sequence` is the first packet's, which must still be given to `number`."""
        self.misplaced = 0
        """Packets whose number fits nowhere; two of them in a row are a restart."""
        self.restarts = 0
        self._clock_rate = 0
        self._transit: float | None = None
        self.jitter = 0.0
        """Ticks of the RTP clock (A.8)."""
        self._expected_before = self._received_before = 0
        self._after_misplaced: int | None = None
        self._begin(sequence)

    def number(self, sequence: int) -> int | None:
        """The extended number of a packet that arrived; None when it is a duplicate or fits nowhere.

        A packet may be up to 100 behind and 3000 ahead of the latest. Any other is put aside; when the next one
        follows it, the source has begun anew: `restarts` counts up and numbers go on from the new one.
        """
        ahead = (sequence - self.highest) % SEQUENCES
        if ahead < MAX_DROPOUT:
            return self._ahead(ahead)
        if ahead > SEQUENCES - MAX_MISORDER:
            return self._behind(SEQUENCES - ahead)
        if sequence != self._after_misplaced:
            self._after_misplaced = (sequence + 1) % SEQUENCES
            self.misplaced += 1
            return None
        self.restarts += 1
        self._begin(sequence)
        return self.number(sequence)

    def timed(self, timestamp: int, arrival: float, clock_rate: int) -> None:
        """Take a packet's timestamp, at `clock_rate` Hz, and its time of arrival (s) into the jitter."""
        if clock_rate != self._clock_rate:
            self._clock_rate, self._transit, self.jitter = clock_rate, None, 0.0
        transit = arrival * clock_rate - timestamp
        if self._transit is not None:
            difference = (transit - self._transit + TIMESTAMPS / 2) % TIMESTAMPS - TIMESTAMPS / 2
            self.jitter += (abs(difference) - self.jitter) / 16
        self._transit = transit

    def loss(self) -> Loss:
        """The loss as the next report says it; begins a new interval."""
        expected = self.highest - self._base + 1
        interval = expected - self._expected_before
        lost = interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = min(255, 256 * lost // interval) if interval > 0 and lost > 0 else 0
        return Loss(fraction, max(-(1 << 23), min((1 << 23) - 1, expected - self.received)))

    def _begin(self, sequence: int) -> None:
        self._base = self.highest = sequence
        self.received = 0
        self._seen = 0  # bit n: the packet n behind the highest is here
        self._after_misplaced = None
        self._expected_before = self._received_before = 0

    def _ahead(self, distance: int) -> int | None:
        self.received += 1
        if distance == 0 and self._seen & 1:
            return None
        self.highest += distance
        self._seen = (self._seen << min(distance, MAX_MISORDER + 1) | 1) & _REMEMBERED
        self._after_misplaced = None
        return self.highest

    def _behind(self, distance: int) -> int | None:
        self.received += 1
        if self._seen >> distance & 1:
            return None
        self._seen |= 1 << distance
        return self.highest - distance
