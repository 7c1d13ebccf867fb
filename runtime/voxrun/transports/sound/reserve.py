"""`Reserve`: how much audio is kept waiting, so that either side may come late without a gap."""

BLOCK_SECONDS = 0.005
"""What a device takes or gives at a time: small, since all of one waits for its last sample."""

LEAST_SECONDS = 0.008
"""A block, which comes too late for its tick once the clocks have drifted that far, and what either may be late."""

MOST_SECONDS = 0.06

_GROWTH = 1.5

_PATIENCE_SECONDS, _MOST_PATIENCE_SECONDS = 1.0, 64.0
"""Without a gap, until less is tried. It doubles with each gap: a machine that is always busy has one now and then."""


class Reserve:
    """What should be left once the tick's share is taken. It grows with each gap, and shrinks when there are none."""

    def __init__(self) -> None:
        self.seconds = LEAST_SECONDS
        self._patience = _PATIENCE_SECONDS
        self._quiet = 0.0  # seconds since it last changed

    def grow(self) -> None:
        """There was a gap."""
        self._patience = min(2 * self._patience, _MOST_PATIENCE_SECONDS)
        self._change(_GROWTH)

    def rest(self, seconds: float) -> None:
        """For so long there was none."""
        self._quiet += seconds
        if self._quiet > self._patience:
            self._change(1 / _GROWTH)

    def _change(self, factor: float) -> None:
        self.seconds = max(LEAST_SECONDS, min(self.seconds * factor, MOST_SECONDS))
        self._quiet = 0.0
