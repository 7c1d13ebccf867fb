"""`Reserve`: how much audio is kept waiting, so that either side may come late without a gap."""

BLOCK_SECONDS = 0.005
"""What a device takes or gives at a time: small, since all of one waits for its last sample."""

LEAST_SECONDS = 0.008
"""A block, which comes too late for its tick once the clocks have drifted that far, and what either may be late."""

MOST_SECONDS = 0.06

_GROWTH = 1.5


class Reserve:
    """What should be left once the tick's share is taken. It grows with each gap."""

    def __init__(self) -> None:
        self.seconds = LEAST_SECONDS

    def grow(self) -> None:
        """There was a gap."""
        self.seconds = min(self.seconds * _GROWTH, MOST_SECONDS)
