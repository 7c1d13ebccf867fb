"""`SampleSource`: audio that is in memory already, such as speech."""

from voxrun.audio.frame import Samples


class SampleSource:
    """An `AudioSource` of `samples`, mono int16 of shape (n,) at `rate` Hz."""

    def __init__(self, samples: Samples, rate: int) -> None:
        self.rate = rate
        self.duration = len(samples) / rate
        self._samples = samples
        self._position = 0

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end."""
        taken = self._samples[self._position : self._position + count].copy()  # or the last frame heard would keep all
        self._position += len(taken)
        return taken

    def rewind(self) -> None:
        """Go back to the first sample."""
        self._position = 0

    def close(self) -> None:
        """There is nothing to let go of."""
