"""`Delays`: how long something took each time, counted by tenths of a millisecond, so that many take no more room."""

from voxrun.audio.frame import FRAME_SECONDS

_BUCKETS_PER_SECOND = 10_000

LONGEST_SECONDS = 10 * FRAME_SECONDS
"""What takes longer counts as this long, and what never comes as well."""


class Delays:
    """They are added in seconds, and told in milliseconds."""

    def __init__(self) -> None:
        self._counts = [0] * (round(LONGEST_SECONDS * _BUCKETS_PER_SECOND) + 1)

    def add(self, seconds: float) -> None:
        """It took so long."""
        self._counts[int(min(max(seconds, 0.0), LONGEST_SECONDS) * _BUCKETS_PER_SECOND)] += 1

    def clear(self) -> None:
        """Forget them all."""
        self._counts[:] = [0] * len(self._counts)

    def percentile(self, share: float) -> float:
        """Milliseconds that `share` (0..1) of them did not exceed; NaN when there are none."""
        wanted, seen = share * sum(self._counts), 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted > 0:
                return bucket / _BUCKETS_PER_SECOND * 1000
        return float("nan")

    def told(self, name: str) -> dict[str, float]:
        """The median and the 99th percentile, as `name_p50` and `name_p99`."""
        return {f"{name}_p50": self.percentile(0.5), f"{name}_p99": self.percentile(0.99)}
