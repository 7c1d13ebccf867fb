"""`speech`: who speaks what a scenario says: ElevenLabs when there is a key, else espeak-ng on this machine."""

from functools import partial

import trio

from voxrun.audio.frame import Samples
from voxrun.providers.elevenlabs.text_to_speech import synthesise
from voxrun.session.secrets import Secrets
from voxrun.transports.network import Network
from voxrun.transports.sound_library import Speak


def speech(network: Network, secrets: Secrets, *, local: bool) -> Speak:
    """`local`: nothing may leave this machine."""
    key = None if local else secrets.get("ELEVENLABS_API_KEY")
    return partial(synthesise, network, key) if key else say_locally


async def say_locally(text: str, voice: str | None) -> Samples:
    """`text` by a voice of espeak-ng's. ConfigurationError when the extra is missing or there is no such voice."""
    from voxrun.localagent.extra import load_extra  # noqa: PLC0415 - few sessions speak
    from voxrun.localagent.voice import Voice  # noqa: PLC0415 - brings the speech library in

    def say() -> Samples:
        load_extra("espeakng_loader", "speech without ELEVENLABS_API_KEY")
        return Voice(voice or "en-us").say(text)

    return await trio.to_thread.run_sync(say)
