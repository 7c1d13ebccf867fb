"""`Services`: what a session gets from outside: secrets, network, a way to do blocking work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from voxrun.session.secrets import Secrets

if TYPE_CHECKING:
    from voxrun.media.datagrams import Datagrams
    from voxrun.media.sounds import Sounds
    from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder
    from voxrun.session.versions import Versions
    from voxrun.transports.network import Network
    from voxrun.transports.sound.devices import SoundDevices

T = TypeVar("T")

Reading = Callable[[dict[str, Any]], tuple[CodeType, ...]]
"""A scenario that was read: puts what its code needs into the namespace of a session, and gives the code."""

Language = Callable[[Path, bytes], Reading]
"""Reads a `.vox` scenario's source, in whatever thread. ScenarioError."""


async def in_thread(work: Callable[..., T], *args: object) -> T:
    """Run blocking work in a worker thread; a cancel waits for it to return."""
    return await trio.to_thread.run_sync(work, *args)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Chosen by whoever starts the session; the same for all that the session does."""

    secrets: Secrets
    network: "Network"
    offload: Callable[..., Awaitable[object]] = in_thread
    """How blocking work is done. In virtual time it is done on the spot, so that results don't depend on threads."""
    random: Random = field(default_factory=SystemRandom)
    """Where chance comes from; a simulated session has one that was seeded."""
    base_urls: Mapping[str, str] = field(default_factory=dict)
    """Where a provider (`elevenlabs`) is to be found instead of its public address: the local agent's, say."""
    sounds: "Sounds | None" = None
    """Where players get their audio and recorders their files; a session of which neither is asked needs none."""
    language: Language | None = None
    """What understands `.vox` scenarios; without it only those in Python run."""
    versions: "Versions | None" = None
    """What reads scenarios, in a worker thread, where others than this session would wait for it; None: on the spot."""
    is_sandboxed: bool = False
    """Whether the scenario is a stranger's: no debugger opens doors to it."""
    datagrams: "Callable[[str, int], Datagrams] | None" = None
    """How RTP units listen on an address and port; None for sockets of this machine."""
    devices: "SoundDevices | None" = None
    """The microphones and speakers of this machine; None where a scenario can have none."""
    cassette: "CassetteRecorder | None" = None
    """What takes down the conversations with agents."""
