"""Several frames heard as one."""

from collections.abc import Sequence

import numpy as np

from voxrun.audio.frame import Samples


def mix(frames: Sequence[Samples]) -> Samples:
    """The sum of one or more equally long frames, held at full scale where it would overflow.

    One frame alone comes back as itself, the shared silence included; otherwise the result is fresh.
    Raises ValueError when there is no frame or their lengths differ.
    """
    first, *others = frames
    if not others:
        return first
    total = first.astype(np.int32)
    for frame in others:
        total += frame
    np.maximum(total, -32768, out=total)
    np.minimum(total, 32767, out=total)
    return total.astype(np.int16)
