"""`EchoCanceller`: takes out of what the microphone hears what the speaker plays (WebRTC's AEC3, the extra `aec`)."""

import numpy as np

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError


class EchoCanceller:
    """It finds the delay between the two by itself, and has learnt the room after about a second of sound."""

    def __init__(self, rate: int) -> None:
        """ConfigurationError if the extra isn't installed."""
        try:
            from livekit.rtc import AudioFrame  # noqa: PLC0415 - an extra
            from livekit.rtc.apm import AudioProcessingModule  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                "--echo cancel needs an extra: pip install 'voxrun[aec]'; or use --echo gate"
            ) from None
        self._rate = rate
        self._block = rate // 100  # AEC3 takes 10 ms at a time
        self._new_frame = AudioFrame
        self._processing = AudioProcessingModule(echo_cancellation=True)

    def clean(self, played: Samples, heard: Samples) -> Samples:
        """What the microphone `heard` in this tick without what was `played` up to now."""
        cleaned = []
        for start in range(0, len(heard), self._block):
            block = slice(start, start + self._block)
            far, near = (
                self._new_frame(bytearray(frame[block].tobytes()), self._rate, 1, self._block)
                for frame in (played, heard)
            )
            self._processing.process_reverse_stream(far)
            self._processing.process_stream(near)
            cleaned.append(np.frombuffer(near.data, np.int16))
        return np.concatenate(cleaned)
