"""`SoundDeviceLeg`: the caller sits at this machine, with its microphone and its speaker."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.audio.resample import RATES, Resampler
from voxrun.errors import ConfigurationError, DeviceError
from voxrun.media.host import UnitHost
from voxrun.media.playout import Playout

RATE = 48000
"""Hz, of the leg and of nearly all sound devices; audio of a device at another rate is converted."""

TARGET_SECONDS = 0.04
"""How much audio waits before it starts to flow: what may come late without a gap."""

LIMIT_SECONDS = 0.2
"""When more than this waits, the oldest is dropped until no more than the target does."""

_BLOCKS_PER_SECOND = 100
_INSTEAD = "--call FILE lets an audio file be the caller and needs no sound device"


class SoundDeviceLeg:
    """The default microphone and speaker, one stream each.

    PortAudio calls back in threads of its own; a short buffer each way leads from there to the tick and back.
    """

    def __init__(self) -> None:
        """Find the devices. Raises ConfigurationError if PortAudio or a device is missing, or can't be opened."""
        self.rate = RATE
        self._library = _import_sounddevice()
        self._microphone, self._speaker = _find_devices(self._library)
        self._said = _Backlog(self._microphone.rate)
        self._heard = _Backlog(self._speaker.rate)
        self._from_microphone = Resampler(self._microphone.rate, RATE)
        self._to_speaker = Resampler(RATE, self._speaker.rate)
        self._is_open = False
        self._lost_by_microphone = 0
        self._missed_by_speaker = 0

    @property
    def overflowed(self) -> int:
        """How often audio was dropped because too much of it waited, either way, the device's own buffer included."""
        return self._said.overflowed + self._heard.overflowed + self._lost_by_microphone

    @property
    def underflowed(self) -> int:
        """How often audio that flowed was not there in time, either way, the device's own buffer included."""
        return self._said.underflowed + self._heard.underflowed + self._missed_by_speaker

    async def carry(self, host: UnitHost) -> None:
        """Keep both streams running until cancelled. `host.broke` gets the DeviceError if one fails before that."""
        token = trio.lowlevel.current_trio_token()
        stopped: list[_Device] = []
        first_stopped = trio.Event()

        def on_stop(device: _Device) -> None:
            stopped.append(device)
            token.run_sync_soon(first_stopped.set)

        streams = ExitStack()
        try:
            await host.offload(self._start, streams, on_stop)
            self._is_open = True
            await first_stopped.wait()
            host.broke(DeviceError(f"{stopped[0]} stopped working; the call goes on in silence"))
        except self._library.PortAudioError as error:
            host.broke(DeviceError(f"the sound device can't be used: {error}; the call goes on in silence"))
        finally:
            self._is_open = False
            with trio.CancelScope(shield=True):
                await host.offload(streams.close)

    def read(self) -> Samples:
        """The microphone's next 20 ms; silence when they are late."""
        frame = self._said.take(frame_size(self._microphone.rate))
        return self._from_microphone.process(silence(self._microphone.rate) if frame is None else frame)

    def write(self, frame: Samples) -> None:
        """Let the speaker play `frame`; nobody hears it while the speaker isn't open."""
        if self._is_open:
            self._heard.put(self._to_speaker.process(frame))

    def _start(self, streams: ExitStack, on_stop: Callable[["_Device"], None]) -> None:
        """Open and start both streams; `streams` ends them, as far as this came."""
        library = self._library
        for device, stream_type, callback in (
            (self._speaker, library.RawOutputStream, self._play),
            (self._microphone, library.RawInputStream, self._capture),
        ):
            stream = stream_type(
                **device.settings(),
                blocksize=device.rate // _BLOCKS_PER_SECOND,
                latency="high",  # about 40 ms; at "low" devices underran beside a busy Python thread
                callback=callback,
                finished_callback=partial(on_stop, device),
            )
            streams.callback(stream.close)
            streams.callback(stream.stop)
            stream.start()

    def _capture(self, data: Any, frames: int, time: object, status: Any) -> None:
        """PortAudio's thread has `frames` samples of the microphone, in a buffer that is its own."""
        self._lost_by_microphone += status.input_overflow
        self._said.put(np.frombuffer(bytes(data), np.int16))

    def _play(self, data: Any, frames: int, time: object, status: Any) -> None:
        """PortAudio's thread wants `frames` samples for the speaker."""
        self._missed_by_speaker += status.output_underflow
        samples = self._heard.take(frames) if self._is_open else None
        np.frombuffer(data, np.int16)[:] = 0 if samples is None else samples


class _Backlog:
    """Audio on its way from one thread to another: it flows once the target waits, until it runs dry."""

    def __init__(self, rate: int) -> None:
        self.overflowed = 0
        self.underflowed = 0
        self._target = int(rate * TARGET_SECONDS)
        self._limit = int(rate * LIMIT_SECONDS)
        self._waiting = Playout(rate, LIMIT_SECONDS)
        self._flows = False
        self._lock = threading.Lock()  # held for microseconds

    def put(self, samples: Samples) -> None:
        """Append up to 40 ms; the array is kept, not copied, and must not change any more."""
        with self._lock:
            if len(self._waiting) + len(samples) > self._limit:
                self.overflowed += 1
                self._waiting.take(len(self._waiting) + len(samples) - self._target)
            self._waiting.put(samples)

    def take(self, size: int) -> Samples | None:
        """The next `size` samples; None, and what there is stays, until enough wait."""
        with self._lock:
            if len(self._waiting) < (size if self._flows else self._target):
                self.underflowed += self._flows
                self._flows = False
                return None
            self._flows = True
            return self._waiting.take(size)


@dataclass(frozen=True, slots=True)
class _Device:
    """A microphone or speaker, and how its stream is opened."""

    what: str
    name: str
    index: int
    rate: int

    def __str__(self) -> str:
        return f"the {self.what} '{self.name}'"

    def settings(self) -> dict[str, object]:
        """PortAudio's words for it."""
        return {"device": self.index, "samplerate": self.rate, "channels": 1, "dtype": "int16"}


def _find_devices(library: ModuleType) -> tuple[_Device, _Device]:
    microphone = _find(library, "microphone", "input")
    speaker = _find(library, "speaker", "output")
    if microphone is None or speaker is None:
        missing = [what for what, device in (("microphone", microphone), ("speaker", speaker)) if device is None]
        raise ConfigurationError(f"this machine has no {' and no '.join(missing)}: connect one; {_INSTEAD}")
    for device, check in (
        (microphone, library.check_input_settings),
        (speaker, library.check_output_settings),
    ):
        try:
            check(**device.settings())
        except library.PortAudioError as error:
            raise ConfigurationError(f"{device} can't be used: {error}; {_INSTEAD}") from None
    return microphone, speaker


def _find(library: ModuleType, what: str, kind: str) -> _Device | None:
    try:
        found = library.query_devices(kind=kind)
    except library.PortAudioError:
        return None
    own_rate = int(found["default_samplerate"])
    return _Device(what, found["name"], found["index"], own_rate if own_rate in RATES else RATE)


def _import_sounddevice() -> ModuleType:
    try:
        import sounddevice  # noqa: PLC0415 - starts PortAudio, which a call without sound devices need not have
    except OSError as error:
        raise ConfigurationError(
            f"the microphone and the speaker can't be used: {error}. Install PortAudio"
            f" (apt install libportaudio2, or brew install portaudio); {_INSTEAD}"
        ) from None
    library: ModuleType = sounddevice
    return library
