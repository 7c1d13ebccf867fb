"""`SoundStream`: a device in use, which may be lost and come back."""

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from voxrun.transports.sound.latency import Latency
from voxrun.transports.sound.port_audio import NOUNS, RATE, Kind, SoundDevice, default_device
from voxrun.transports.sound.reserve import BLOCK_SECONDS, Reserve
from voxrun.transports.sound.ring import Ring


class Exchange(Protocol):
    """What audio passes through between the device's thread and the tick."""

    ring: Ring

    def exchange(self, data: Any) -> None:
        """The device gives, or wants, a buffer of samples."""


X = TypeVar("X", bound=Exchange)


class SoundStream(Generic[X]):
    """`open`, `close` and the callbacks run in other threads than the rest; `current` is None while it isn't open."""

    def __init__(self, kind: Kind, make: Callable[[int, int, Reserve], X]) -> None:
        self.kind: Kind = kind
        self.current: X | None = None
        self.device: SoundDevice | None = None
        """The one that is open, or was last."""
        self.trouble = ""
        """Why it isn't open; empty before the first attempt."""
        self.overflowed = 0
        """How often too much audio waited, the device's own buffer included."""
        self.underflowed = 0
        """How often too little did."""
        self._make = make
        self._reserve = Reserve()
        self._latency = Latency()
        self._opened_with = self._latency.seconds
        self._stack = contextlib.ExitStack()

    @property
    def is_stale(self) -> bool:
        """It should be closed and opened again, which gives the device the latency that it needs now."""
        return self._opened_with != self._latency.seconds

    def open(self, library: ModuleType, on_change: Callable[[], None]) -> None:
        """Start with the device that is the default now; `trouble` says if that can't be.

        `on_change` is called, in PortAudio's thread, when the device stops or needs another latency.
        """
        device = default_device(library, self.kind)
        if device is None:
            self.trouble = f"no {NOUNS[self.kind]} is connected"
            return
        self.device = device
        try:
            self._start(library, device, on_change)
            self.trouble = ""
        except library.PortAudioError as error:
            self.close()
            self.trouble = f"{device} can't be used: {error}"

    def close(self) -> None:
        """Stop, if it is open; blocks until the device's thread is out of it."""
        self._retire()
        self._stack.close()

    def _start(self, library: ModuleType, device: SoundDevice, on_change: Callable[[], None]) -> None:
        exchange = self._make(device.rate, RATE, self._reserve)
        self._opened_with = self._latency.seconds

        def pass_on(data: Any, frames: int, time: object, status: Any) -> None:
            if self._latency.observe(frames / device.rate, glitched=self._note(status)):
                on_change()
            exchange.exchange(data)

        def stopped() -> None:
            if self.current is exchange:
                self.trouble = f"{device} stopped working"
                self._retire()
                on_change()

        make = library.RawInputStream if self.kind == "input" else library.RawOutputStream
        stream = make(
            **device.settings(),
            blocksize=int(device.rate * BLOCK_SECONDS),
            latency=self._opened_with,
            callback=pass_on,
            finished_callback=stopped,
        )
        self._stack.callback(stream.close)
        self.current = exchange
        stream.start()

    def _retire(self) -> None:
        exchange, self.current = self.current, None
        if exchange is not None:
            self.overflowed += exchange.ring.overflowed
            self.underflowed += exchange.ring.underflowed

    def _note(self, status: Any) -> bool:
        """Count what PortAudio tells of; whether it is a glitch."""
        self.overflowed += status.input_overflow
        self.underflowed += status.output_underflow
        return bool(status.input_overflow or status.output_underflow)
