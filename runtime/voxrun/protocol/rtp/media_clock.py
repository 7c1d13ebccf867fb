"""`MediaClock`: which moment of the peer's time a packet belongs to, and how long after it that is to be heard."""

from bisect import bisect_left, insort
from collections import deque

from voxrun.protocol.rtp.packet import TIMESTAMPS

EARLY_SECONDS = 1.0
"""A packet so early is of another clock."""

LATE_SECONDS = 0.4
"""A packet so late is of another clock, or of no use any more."""

RESYNC_SECONDS = 0.06
"""For how long packets must agree on another clock before it is believed."""

_AGREED_SECONDS = 0.2

WINDOW_SECONDS = 6.0
PERCENTILE = 0.98
"""The share of recent packets that are to come in time."""

START_SECONDS = 0.02
"""What lateness is allowed for before any was seen."""

LEAST_SECONDS = 0.002
CAP_SECONDS = 0.3
"""The most that is waited for late packets."""

_FEW = 25  # packets; from so many on what was seen counts alone
_MOST = 1000


class MediaClock:
    """The timestamps of one source, unwrapped, and the transit times of its recent packets.

    A transit time is the tick that finds a packet there minus its timestamp, in seconds from an origin nobody knows;
    only differences count. As it reaches to the tick, to give all packets the transit of nearly the slowest is enough.
    """

    def __init__(self, rate: int) -> None:
        """`rate`: Hz of the timestamps."""
        self.resyncs = 0
        self.transit = 0.0
        """The transit that all packets are to be given, in seconds: that of nearly the slowest, within bounds."""
        self._rate = rate
        self._latest = 0
        self._fresh: list[int] = []  # timestamps of packets that no tick has found yet
        self._stranger: tuple[float, float] | None = None  # transit and arrival of the first of another clock
        self._forget()

    @property
    def is_running(self) -> bool:
        """True from the first packet and tick on."""
        return bool(self._sorted)

    @property
    def fastest(self) -> float:
        """The shortest transit of late, in seconds."""
        return self._sorted[0]

    def place(self, timestamp: int, arrival: float) -> int | None:
        """The unwrapped timestamp of a packet that came at `arrival` seconds; None when it is of another clock.

        When such packets keep coming and agree, the clock starts anew with theirs and `resyncs` counts up.
        """
        half = TIMESTAMPS // 2
        stamp = self._latest + (timestamp - self._latest + half) % TIMESTAMPS - half
        transit = arrival - stamp / self._rate
        if self.is_running and not -EARLY_SECONDS <= transit - self.fastest <= LATE_SECONDS:
            if not self._is_believed(transit, arrival):
                return None
            self._forget()
            self.resyncs += 1
        self._stranger = None
        self._latest = stamp
        self._fresh.append(stamp)
        return stamp

    def tick(self, now: float) -> None:
        """Find the packets that came since the last tick."""
        if not self._fresh:
            return
        if not self.is_running:
            self._fresh = sorted(self._fresh)[-1:]  # those before the newest waited for us, not for the network
        for stamp in self._fresh:
            self._remember(now - stamp / self._rate, now)
        self._fresh.clear()
        self.transit = self._needed()

    def _needed(self) -> float:
        count = len(self._sorted)
        late = self._sorted[min(int(PERCENTILE * count), count - 1)] - self.fastest
        least = LEAST_SECONDS if count >= _FEW else START_SECONDS
        return self.fastest + min(max(late, least), CAP_SECONDS)

    def _is_believed(self, transit: float, arrival: float) -> bool:
        if self._stranger is None or abs(transit - self._stranger[0]) > _AGREED_SECONDS:
            self._stranger = transit, arrival
        return arrival - self._stranger[1] >= RESYNC_SECONDS

    def _forget(self) -> None:
        self._fresh.clear()
        self._recent: deque[tuple[float, float]] = deque()  # when, and transit
        self._sorted: list[float] = []  # transits

    def _remember(self, transit: float, now: float) -> None:
        self._recent.append((now, transit))
        insort(self._sorted, transit)
        while len(self._recent) > _MOST or now - self._recent[0][0] > WINDOW_SECONDS:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft()[1])]
