"""What tests share: a session in virtual time, with no sockets, threads or devices."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import trio
import trio.testing

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.media.host import UnitHost
from voxrun.media.leg import Leg, Party
from voxrun.media.line import Line
from voxrun.media.sounds import Sounds
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Language, Services
from voxrun.session.session import Outcome, Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_library import SoundLibrary, Speak
from voxrun.transports.wav import WavWriter

T = TypeVar("T")

Record = dict[str, Any]
Background = Callable[[MemoryNetwork, trio.Nursery], Awaitable[None]]
Play = Callable[..., "Ran"]
"""What the fixture `play` is."""

HEAD = "from voxrun import *\n"
"""The first line of its scenarios; a test's source follows from line 2 on."""


async def inline(work: Callable[..., object], *args: object) -> object:
    """Blocking work done on the spot."""
    await trio.lowlevel.checkpoint()
    return work(*args)


async def hum(text: str, voice: str | None) -> Samples:
    """Who speaks in tests: 100 ms for each word, at a pitch that says how long it is."""
    await trio.lowlevel.checkpoint()
    return np.concatenate([tone(16_000, 0.1, 100.0 * len(word)) for word in text.split()] or [tone(16_000, 0.1, 0.0)])


class ScriptedLeg:
    """A caller who says given samples from the moment of connection, and keeps what it hears."""

    line: Line | None = None

    def __init__(self, rate: int = 16_000, says: Samples | None = None) -> None:
        self.rate = rate
        self._says = np.zeros(0, np.int16) if says is None else says
        self._position = 0
        self.heard: list[Samples] = []

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The next frame said."""
        size = frame_size(self.rate)
        frame = self._says[self._position : self._position + size]
        self._position += size
        return frame if len(frame) == size else silence(self.rate)

    def write(self, frame: Samples) -> None:
        """Keep what is heard."""
        self.heard.append(frame)

    @property
    def everything_heard(self) -> Samples:
        """All frames in one."""
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class Ran:
    """A session that is over."""

    outcome: Outcome
    records: list[Record]
    seconds: float

    @property
    def events(self) -> list[str]:
        """The names of all events, in order."""
        return [record["name"] for record in self.records if record["kind"] == "event"]

    def of_kind(self, kind: str) -> list[Record]:
        """The records of one kind."""
        return [record for record in self.records if record["kind"] == kind]

    @property
    def logged(self) -> list[str]:
        """What the scenario wrote to its log."""
        return [record["message"] for record in self.of_kind("log")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a session of a test gets."""

    leg: Leg | None = None
    party: Party | None = None
    secrets: Mapping[str, str] | None = None
    base_url: str = "http://agent.test"
    background: Background | None = None
    meanwhile: Callable[[Session], Awaitable[None]] | None = None
    network: MemoryNetwork | None = None
    speak: Speak = hum
    sounds: Sounds | None = None
    idle_seconds: float = 1.0
    stop_after: float = float("inf")
    """Interrupt the session then, in seconds."""


def simulate(scenario: Path, setting: Setting | None = None) -> Ran:
    """Run a scenario file in virtual time until its session is over."""
    return in_virtual_time(_simulate, scenario, setting or Setting())


def in_virtual_time(main: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run it on a clock that takes no time."""
    return trio.run(main, *args, clock=trio.testing.MockClock(autojump_threshold=0))


async def _simulate(scenario: Path, setting: Setting) -> Ran:
    network = setting.network or MemoryNetwork()
    ticker = Ticker()
    services = Services(
        secrets=Secrets(setting.secrets or {}, {}),
        network=network,
        offload=inline,
        base_urls={"elevenlabs": setting.base_url},
        sounds=setting.sounds or SoundLibrary(network, inline, setting.speak),
        language=_language(scenario),
    )
    session = Session(scenario, services, ticker, idle_seconds=setting.idle_seconds)
    records: list[Record] = []
    session.trace_log.subscribe(lambda line: records.append(json.loads(line)))
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        if setting.background is not None:
            await setting.background(network, nursery)
        nursery.start_soon(ticker.run)
        if setting.meanwhile is not None:
            nursery.start_soon(setting.meanwhile, session)
        nursery.start_soon(_stop, session, setting.stop_after)
        outcome = await session.run(setting.leg, setting.party)
        nursery.cancel_scope.cancel()
    return Ran(outcome, records, trio.current_time() - begin)


def _language(scenario: Path) -> Language | None:
    if scenario.suffix != ".vox":
        return None
    from voxrun.api.vox import vox_language  # noqa: PLC0415 - most tests do without

    return vox_language


async def _stop(session: Session, after: float) -> None:
    await trio.sleep(after)
    session.terminate("stopped by the test")


def tone(rate: int, seconds: float, hertz: float = 440.0, amplitude: int = 10_000) -> Samples:
    """A sine."""
    time = np.arange(round(rate * seconds)) / rate
    return np.asarray(np.rint(amplitude * np.sin(2 * np.pi * hertz * time)), np.int16)


def ticks(seconds: float) -> int:
    """How many ticks that is."""
    return round(seconds / FRAME_SECONDS)


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def write_wav(path: str, seconds: float, hertz: float) -> str:
    """A 16 kHz file with a tone; returns its path."""
    writer = WavWriter(path, rate=16_000, channels=1)
    writer.write(tone(16_000, seconds, hertz))
    writer.close()
    return path
