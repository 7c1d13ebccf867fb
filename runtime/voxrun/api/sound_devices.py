"""What `VoxEngine` has for the sound devices of this machine; VoxEngine, which runs elsewhere, has no such thing."""

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.session.current import current_session
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.microphone import Microphone
from voxrun.transports.sound.speaker import Speaker

__all__ = ["createMicrophone", "createSpeaker"]


def createMicrophone() -> Microphone:
    """Hear this machine's microphone. ConfigurationError when it has none that can be opened."""
    return Microphone(current_session(), _devices())


def createSpeaker() -> Speaker:
    """Play on this machine's speaker. ConfigurationError when it has none that can be opened."""
    return Speaker(current_session(), _devices())


def _devices() -> SoundDevices:
    services = current_session().services
    if services.is_sandboxed:
        raise ScenarioError("--sandbox allows no microphone or speaker but the call's: leave it out")
    if services.devices is None:
        raise ConfigurationError(
            "this session has no microphone and no speaker: `voxrun SCENARIO` has them, `voxrun serve` has not"
        )
    return services.devices
