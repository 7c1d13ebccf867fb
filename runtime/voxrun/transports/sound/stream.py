"""`SoundStream`: a device in use, which may be lost and come back."""

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from voxrun.transports.sound.port_audio import NOUNS, RATE, Kind, SoundDevice, default_device
from voxrun.transports.sound.reserve import BLOCK_SECONDS, Reserve
from voxrun.transports.sound.ring import Ring

LATENCY_SECONDS = 0.01
"""What the device itself may hold; it gets twice as much each time that proves too little."""

MOST_LATENCY_SECONDS = 0.06

STRAINED_AFTER = 4
"""Times the device ran dry or over before it gets more. The first ones may be the start."""


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
        self._latency = LATENCY_SECONDS
        self._glitches = 0
        self._stack = contextlib.ExitStack()

    @property
    def is_strained(self) -> bool:
        """It should be closed and opened again, which gives the device more latency."""
        return self._glitches >= STRAINED_AFTER and self._latency < MOST_LATENCY_SECONDS

    def open(self, library: ModuleType, on_change: Callable[[], None]) -> None:
        """Start with the device that is the default now; `trouble` says if that can't be.

        `on_change` is called, in PortAudio's thread, when the device stops or is strained.
        """
        if self.is_strained:
            self._latency *= 2
        self._glitches = 0
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

        def pass_on(data: Any, frames: int, time: object, status: Any) -> None:
            if status:
                self._note(status, on_change)
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
            latency=self._latency,
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

    def _note(self, status: Any, on_change: Callable[[], None]) -> None:
        self.overflowed += status.input_overflow
        self.underflowed += status.output_underflow
        self._glitches += status.input_overflow or status.output_underflow
        if self._glitches == STRAINED_AFTER:
            on_change()
