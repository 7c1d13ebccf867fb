"""`Echo`: what is done lest a microphone passes on what the speaker in the same room plays."""

import importlib.util
from typing import Literal, Protocol

from voxrun.audio.echo_detector import EchoDetector
from voxrun.audio.echo_gate import EchoGate
from voxrun.audio.frame import Samples, silence
from voxrun.audio.mix import mix
from voxrun.transports.sound.canceller import EchoCanceller
from voxrun.transports.sound.port_audio import RATE

EchoMode = Literal["auto", "cancel", "gate", "off"]
"""`auto`: cancel where the extra is installed, else gate."""

_ADVICE = {
    EchoCanceller: "the echo canceller can't cope: use headphones, or --echo gate",
    EchoGate: "it comes back late: use headphones",
    type(None): "use headphones, or --echo cancel, which needs pip install 'voxrun[aec]', or --echo gate",
}


class Treatment(Protocol):
    """What takes the echo out."""

    def clean(self, played: Samples, heard: Samples) -> Samples:
        """20 ms as heard, less what was played."""


class Echo:
    """One microphone's."""

    def __init__(self, mode: EchoMode) -> None:
        """ConfigurationError if `mode` is `cancel` and the extra isn't installed."""
        if mode == "auto":
            mode = "cancel" if importlib.util.find_spec("livekit") else "gate"
        self.mode: EchoMode = mode
        self._treatment: Treatment | None = None
        if mode == "cancel":
            self._treatment = EchoCanceller(RATE)
        elif mode == "gate":
            self._treatment = EchoGate(RATE)
        self._detector = EchoDetector(RATE)
        self._played: list[Samples] = []
        self.advice = ""
        """What to do about the echo that is there all the same, once that is certain."""

    def play(self, frame: Samples) -> None:
        """A speaker got this in this tick."""
        self._played.append(frame)

    def clean(self, heard: Samples) -> Samples:
        """What the microphone heard in this tick, without the echo."""
        played = mix(self._played) if self._played else silence(RATE)
        self._played.clear()
        if self._treatment is not None:
            heard = self._treatment.clean(played, heard)
        if self._detector.observe(played, heard):
            self.advice = _ADVICE[type(self._treatment)]
        return heard
