"""`Services`: what a session gets from outside: secrets, network, a way to do blocking work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import trio

from voxrun.session.secrets import Secrets

if TYPE_CHECKING:
    from voxrun.media.sounds import Sounds
    from voxrun.transports.network import Network
    from voxrun.transports.sound.devices import SoundDevices

T = TypeVar("T")


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
    base_urls: Mapping[str, str] = field(default_factory=dict)
    """Where a provider (`elevenlabs`) is to be found instead of its public address: the local agent's, say."""
    sounds: "Sounds | None" = None
    """Where players get their audio and recorders their files; a session of which neither is asked needs none."""
    devices: "SoundDevices | None" = None
    """The microphones and speakers of this machine; a session that is only simulated has none."""
