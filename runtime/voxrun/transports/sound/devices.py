"""`SoundDevices`: the microphones and speakers that a session uses, kept open for as long as it does."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import trio

from voxrun.errors import ConfigurationError, DeviceError
from voxrun.events.app import AppEvents, SoundDeviceEvent, SoundDeviceLostEvent
from voxrun.media.host import UnitHost
from voxrun.transports.sound.echo import Echo, EchoMode
from voxrun.transports.sound.port_audio import (
    INSTEAD,
    NOUNS,
    Kind,
    check,
    default_device,
    load_library,
    look_again,
)
from voxrun.transports.sound.stream import SoundStream

FIRST_WAIT_SECONDS = 1.0
"""Until devices are looked for once more when one is missing. That interrupts the others: the waits get longer."""

MOST_WAIT_SECONDS = 16.0

Stream = SoundStream[Any]


class SoundDevices:
    """One session's. PortAudio is loaded when a device is first wanted."""

    def __init__(self, echo_mode: EchoMode = "auto") -> None:
        self.echoes: list[Echo] = []
        """One for each microphone in use: what speakers play goes there."""
        self._echo_mode: EchoMode = echo_mode
        self._streams: list[Stream] = []
        self._told: dict[Stream, bool] = {}  # whether it was last said to be lost
        self._work = trio.Lock()  # on streams, in a worker thread
        self._changed = trio.Event()
        self._is_kept = False

    def require(self, *kinds: Kind) -> None:
        """ConfigurationError unless PortAudio and a device of each kind are there and can be opened."""
        library = load_library()
        devices = [default_device(library, kind) for kind in kinds]
        missing = [NOUNS[kind] for kind, device in zip(kinds, devices, strict=True) if device is None]
        if missing:
            raise ConfigurationError(f"this machine has no {' and no '.join(missing)}: connect one; {INSTEAD}")
        for device in devices:
            if device is not None:
                check(library, device)

    def new_echo(self) -> Echo:
        """For one microphone. ConfigurationError if the mode asks for what isn't installed."""
        return Echo(self._echo_mode)

    @contextlib.asynccontextmanager
    async def hold(self, host: UnitHost, stream: Stream) -> AsyncIterator[None]:
        """Keep it open; closed and accounted for afterwards."""
        self._streams.append(stream)
        if not self._is_kept:
            self._is_kept = True
            host.spawn(self._keep, host)
        self._changed.set()
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await self._let_go(host, stream)

    async def _let_go(self, host: UnitHost, stream: Stream) -> None:
        self._streams.remove(stream)
        self._told.pop(stream, None)
        async with self._work:
            await host.offload(stream.close)
        noun = NOUNS[stream.kind]
        host.trace("losses", of=f"the {noun}", overflows=stream.overflowed, underflows=stream.underflowed)
        if stream.trouble:
            host.broke(DeviceError(f"{stream.trouble}; the call went on in silence"))

    async def _keep(self, host: UnitHost) -> None:
        """Have open what should be, and tell what became of it, whenever something has changed."""
        token = trio.lowlevel.current_trio_token()
        wait = FIRST_WAIT_SECONDS
        is_lost = False
        try:
            while True:
                self._changed = trio.Event()
                async with self._work:
                    await host.offload(self._open, is_lost, token)
                with trio.move_on_after(wait if self._tell(host) else float("inf")) as waiting:
                    await self._changed.wait()
                wait = min(2 * wait, MOST_WAIT_SECONDS) if waiting.cancelled_caught else FIRST_WAIT_SECONDS
                is_lost = self._tell(host)
        finally:
            self._is_kept = False

    def _open(self, anew: bool, token: trio.lowlevel.TrioToken) -> None:
        """Open what isn't, in a worker thread; with `anew`, close all and look for devices before that."""

        def wake() -> None:
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(self._wake)

        library = load_library()
        streams = [stream for stream in self._streams if anew or stream.is_stale or stream.current is None]
        for stream in streams:
            stream.close()
        if anew:
            look_again(library)
        for stream in streams:
            stream.open(library, wake)

    def _wake(self) -> None:
        self._changed.set()

    def _tell(self, host: UnitHost) -> bool:
        """Tell which devices were lost or opened since the last time; whether one is missing now."""
        for stream in self._streams:
            is_lost = bool(stream.trouble)
            if self._told.get(stream) == is_lost or not (is_lost or stream.current):
                continue
            self._told[stream] = is_lost
            kind, name = NOUNS[stream.kind], stream.device.name if stream.device else ""
            if is_lost:
                host.warn(f"{stream.trouble}; the call goes on in silence until one works")
                lost = AppEvents.SoundDeviceLost
                event = SoundDeviceLostEvent(name=lost, kind=kind, device=name, reason=stream.trouble)
                host.emit(host.app, lost, event)
            else:
                opened = AppEvents.SoundDeviceOpened
                host.emit(host.app, opened, SoundDeviceEvent(name=opened, kind=kind, device=name))
        return any(stream.trouble for stream in self._streams)
