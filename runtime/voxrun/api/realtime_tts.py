"""What `ElevenLabs` has for speech as it is made (seed: createRealtimeTTSPlayer)."""

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict, Unpack, overload

from voxrun.api.players import session_with_room
from voxrun.errors import ScenarioError
from voxrun.media.parameters import merged
from voxrun.providers.elevenlabs.endpoint import DEFAULT_BASE_URL
from voxrun.providers.elevenlabs.realtime_tts_player import RealtimeTTSPlayer
from voxrun.providers.elevenlabs.speech_request import speech_request
from voxrun.session.request_secrets import protect_request

__all__ = ["RealtimeTTSPlayerHeader", "RealtimeTTSPlayerParameters", "createRealtimeTTSPlayer"]


class RealtimeTTSPlayerHeader(TypedDict):
    """A header of the connection's request: the key is in `xi-api-key`."""

    name: str
    value: str | None


class RealtimeTTSPlayerParameters(TypedDict, total=False):
    """Which voice speaks, and how; all names inside are the provider's (its page: WebSocket, stream-input).

    `pathParameters` needs a `voice_id`. `queryParameters` may have `model_id`, `language_code`, `inactivity_timeout`
    (s), …; its `output_format` is pcm_16000 unless it is another pcm one or ulaw_8000.
    `initializeConnectionParameters` may have `voice_settings`, `generation_config` and
    `pronunciation_dictionary_locators`. `keepAlive` (true) holds the connection open while there is no text; `trace`
    keeps every message in full, audio included.
    """

    pathParameters: Mapping[str, str]
    queryParameters: Required[Mapping[str, str | float | bool]]
    headers: Sequence[RealtimeTTSPlayerHeader]
    keepAlive: bool
    initializeConnectionParameters: Mapping[str, object]
    trace: bool


@overload
def createRealtimeTTSPlayer(text: str, parameters: RealtimeTTSPlayerParameters, /) -> RealtimeTTSPlayer: ...
@overload
def createRealtimeTTSPlayer(text: str, /, **keywords: Unpack[RealtimeTTSPlayerParameters]) -> RealtimeTTSPlayer: ...
def createRealtimeTTSPlayer(
    text: str, parameters: RealtimeTTSPlayerParameters | None = None, /, **keywords: Any
) -> RealtimeTTSPlayer:
    """Speak `text` at once, and what is sent to the player later.

    It connects by itself. That it can't is told by `PlayerEvents.Error` and `PlaybackFinished`.
    """
    protect_request(parameters, keywords)
    given = merged("createRealtimeTTSPlayer", RealtimeTTSPlayerParameters, parameters, keywords)
    if not isinstance(text, str):  # not shown: it may be the parameters, with a key in them
        raise ScenarioError("createRealtimeTTSPlayer needs a text, and its parameters after that")
    session = session_with_room()
    request = speech_request(session.services.base_urls.get("elevenlabs", DEFAULT_BASE_URL), given)
    return RealtimeTTSPlayer(session, session.services.network, text, request)
