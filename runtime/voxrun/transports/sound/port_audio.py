"""PortAudio, the library behind `sounddevice`: the devices it finds."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from voxrun.errors import ConfigurationError

RATE = 48000
"""Hz; a device that doesn't take it is used at its own rate."""

Kind = Literal["input", "output"]

NOUNS: dict[Kind, str] = {"input": "microphone", "output": "speaker"}

INSTEAD = "--call FILE lets an audio file be the caller and needs no sound device"


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A microphone or a speaker, and at which rate (Hz) it is used."""

    kind: Kind
    name: str
    index: int
    rate: int

    def __str__(self) -> str:
        return f"the {NOUNS[self.kind]} '{self.name}'"

    def settings(self) -> dict[str, object]:
        """PortAudio's words for it."""
        return {"device": self.index, "samplerate": self.rate, "channels": 1, "dtype": "int16"}


def load_library() -> ModuleType:
    """`sounddevice`; ConfigurationError if PortAudio is missing."""
    try:
        import sounddevice  # noqa: PLC0415 - starts PortAudio, which a call without sound devices need not have
    except OSError as error:
        raise ConfigurationError(
            f"the microphone and the speaker can't be used: {error}. Install PortAudio"
            f" (apt install libportaudio2, or brew install portaudio); {INSTEAD}"
        ) from None
    library: ModuleType = sounddevice
    return library


def look_again(library: ModuleType) -> None:
    """Find devices anew; no stream may be open. PortAudio looks only when it starts."""
    library._terminate()
    library._initialize()


def default_device(library: ModuleType, kind: Kind) -> SoundDevice | None:
    """The device that is used; None when the machine has none of this kind."""
    try:
        return _device(library, kind, library.query_devices(kind=kind))
    except library.PortAudioError:
        return None


def all_devices(library: ModuleType, kind: Kind) -> list[SoundDevice]:
    """Every device of this kind."""
    return [_device(library, kind, found) for found in library.query_devices() if found[f"max_{kind}_channels"]]


def check(library: ModuleType, device: SoundDevice) -> None:
    """ConfigurationError if it can't be opened."""
    try:
        _check(library, device)
    except library.PortAudioError as error:
        raise ConfigurationError(f"{device} can't be used: {error}; {INSTEAD}") from None


def _device(library: ModuleType, kind: Kind, found: dict[str, Any]) -> SoundDevice:
    device = SoundDevice(kind, found["name"], found["index"], RATE)
    own_rate = int(found["default_samplerate"])
    if own_rate != RATE:
        try:
            _check(library, device)
        except library.PortAudioError:
            return SoundDevice(kind, found["name"], found["index"], own_rate)
    return device


def _check(library: ModuleType, device: SoundDevice) -> None:
    checks = {"input": library.check_input_settings, "output": library.check_output_settings}
    checks[device.kind](**device.settings())
