"""`MixMinus`: what each member of a conference hears, the sum of all the others, and what a mere listener hears."""

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.fade import ramp
from voxrun.audio.frame import Samples, silence

Sums: TypeAlias = NDArray[np.int32]
"""Of several frames, which need not fit into 16 bits, shape (n,)."""

_LOUDEST = 32767

_RECOVERY = 0.02
"""How much of the gain comes back in a frame: from half to full volume takes half a second."""


class MixMinus:
    """The sums of one room, frame by frame. Sums that fit into 16 bits are exact.

    When one doesn't fit, all are turned down together, within 5 ms, and come up again slowly. So a loud room is not
    distorted by clipping, but for peaks in the 5 ms after a sudden onset, which are held at full scale.
    """

    def __init__(self, rate: int) -> None:
        self._silence = silence(rate)
        self._gain = 1.0

    def mix(self, frames: Sequence[Samples | Sums]) -> tuple[Samples, Sequence[Samples]]:
        """The sum of all `frames`, and for each of them the sum of the others.

        Who has several voices has their sum among `frames`. One frame alone comes back as itself, and sums of nothing
        are the shared silence; other results are fresh.
        """
        if not frames:
            self._gain = 1.0
            return self._silence, ()
        if len(frames) == 1 and self._gain == 1.0 and frames[0].dtype == np.int16:
            return cast(Samples, frames[0]), (self._silence,)
        parts = np.array(frames, np.int32)
        sums = np.empty((len(parts) + 1, parts.shape[1]), np.int32)
        parts.sum(axis=0, out=sums[0])
        np.subtract(sums[0], parts, out=sums[1:])
        everything, *others = self._fitted(sums)
        return everything, others

    def _fitted(self, sums: NDArray[np.int32]) -> Samples:
        """The sums in 16 bits, shape (sums, samples)."""
        peak = max(int(sums.max()), -int(sums.min()) - 1)
        before = self._gain
        self._gain = min(1.0, before + _RECOVERY, _LOUDEST / max(peak, 1))
        if self._gain == before == 1.0:
            return sums.astype(np.int16)
        gains = before + (self._gain - before) * ramp(sums.shape[1])
        return np.clip(np.rint(sums * gains), -32768, 32767).astype(np.int16)
