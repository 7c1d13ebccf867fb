"""`Echo`: what is done lest a microphone passes on what the speaker in the same room plays."""

from typing import Literal

from voxrun.audio.echo_detector import EchoDetector
from voxrun.audio.echo_gate import AUDIBLE_DBFS, EchoGate
from voxrun.audio.frame import Samples, silence
from voxrun.audio.level import dbfs
from voxrun.audio.mix import mix
from voxrun.errors import ConfigurationError
from voxrun.transports.sound.canceller import EchoCanceller
from voxrun.transports.sound.port_audio import RATE

EchoMode = Literal["auto", "cancel", "gate", "off"]
"""`auto`: cancel where the extra is installed and copes, else gate."""

LEARNING_TICKS = 75
"""Of audible sound, after which a canceller knows the room; the gate helps out until then."""

_ADVICE: dict[EchoMode, str] = {
    "auto": "the echo canceller can't cope: from now on the microphone is off while the speaker plays",
    "cancel": "the echo canceller can't cope: use headphones, or --echo gate",
    "gate": "it comes back late: use headphones",
    "off": "use headphones, or --echo cancel, which needs pip install 'voxrun[aec]', or --echo gate",
}


class Echo:
    """One microphone's."""

    def __init__(self, mode: EchoMode) -> None:
        """ConfigurationError if `mode` is `cancel` and the extra isn't installed."""
        self._canceller: EchoCanceller | None = None
        try:
            if mode in ("auto", "cancel"):
                self._canceller = EchoCanceller(RATE)
        except ConfigurationError:
            if mode == "cancel":
                raise
            mode = "gate"
        self.mode: EchoMode = mode
        self.advice = ""
        """What to do about the echo that is there all the same, once that is certain."""
        self._gate = None if mode == "off" else EchoGate(RATE)
        self._learning = LEARNING_TICKS
        self._detector: EchoDetector | None = EchoDetector(RATE)  # until it was certain
        self._played: list[Samples] = []

    def play(self, frame: Samples) -> None:
        """A speaker got this in this tick."""
        self._played.append(frame)

    def clean(self, heard: Samples) -> Samples:
        """What the microphone heard in this tick, without the echo."""
        played = mix(self._played) if self._played else silence(RATE)
        self._played.clear()
        if self._canceller is not None:
            heard = self._canceller.clean(played, heard)
            self._learning -= self._learning > 0 and dbfs(played) > AUDIBLE_DBFS
        if self._gate is not None:
            heard = self._gate.clean(played if self._needs_gate else silence(RATE), heard)
        if self._detector is not None and self._detector.observe(played, heard):
            self._detector = None
            self.advice = _ADVICE[self.mode]
        return heard

    @property
    def _needs_gate(self) -> bool:
        gave_up = self.mode == "auto" and self._detector is None
        return self._canceller is None or self._learning > 0 or gave_up
