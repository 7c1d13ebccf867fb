"""`SpeechSettings`: what a client of the local agent's text-to-speech asked for, and what it must not ask for."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from voxrun.errors import RemoteError
from voxrun.events.message import Message
from voxrun.localagent.delivery import voice_name
from voxrun.localagent.voice import WORDS_PER_MINUTE
from voxrun.localagent.waiting_text import SCHEDULE
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat
from voxrun.transports.server import Request

SPEECH_PATH = re.compile(r"/v1/text-to-speech/(.+)/stream-input", re.DOTALL)
"""Of a request, decoded; the group is the voice_id."""

OUTPUT_FORMATS = ("pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "ulaw_8000")

SLOWEST, FASTEST = 0.7, 1.2
LONGEST_INACTIVITY_SECONDS = 180.0

_KEY_FIELDS = ("xi-api-key", "authorization")
_KEY_QUERIES = ("authorization", "single_use_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """All that is fixed before the first text."""

    voice: str
    rate_wpm: int
    output: AudioFormat
    is_aligned: bool
    at_once: bool
    schedule: Sequence[float]
    """How much text has to wait, as `WaitingText` takes it."""
    inactivity_seconds: float


def speech_settings(request: Request, initialization: Message, api_keys: Set[str]) -> SpeechSettings:
    """The settings in the query of `request`, whose path is a SPEECH_PATH, and in the client's first message.

    Raises RemoteError for what can't be had, and without one of `api_keys`, or any key if there are none; its reason is
    the name of the error.
    """
    _check_key(request, initialization, api_keys)
    return SpeechSettings(
        voice=voice_name("en", SPEECH_PATH.sub(r"\1", request.path)),
        rate_wpm=round(WORDS_PER_MINUTE * _speed(initialization.get("voice_settings") or {})),
        output=_output_format(request.query.get("output_format", "mp3_44100_128")),
        is_aligned=_is_on(request, "sync_alignment"),
        at_once=_is_on(request, "auto_mode"),
        schedule=(initialization.get("generation_config") or {}).get("chunk_length_schedule") or SCHEDULE,
        inactivity_seconds=_seconds(request.query.get("inactivity_timeout", "20")),
    )


def _check_key(request: Request, initialization: Message, api_keys: Set[str]) -> None:
    places = [fields.get(name) for fields in (request.headers, initialization) for name in _KEY_FIELDS]
    given = {str(key).removeprefix("Bearer ") for key in (*places, *map(request.query.get, _KEY_QUERIES)) if key}
    if not given:
        raise RemoteError("a key is required, in the header xi-api-key for example", reason="authentication_required")
    if api_keys and not given & api_keys:
        raise RemoteError("this key is not valid", reason="invalid_api_key")


def _output_format(name: str) -> AudioFormat:
    if name not in OUTPUT_FORMATS:
        message = f"the local voice has no output_format {name[:30]!a}; it has {', '.join(OUTPUT_FORMATS)}"
        raise RemoteError(message, reason="output_format_not_supported")
    return FORMATS[name]


def _speed(voice_settings: dict[str, Any]) -> float:
    speed: float = voice_settings.get("speed") or 1.0
    if not SLOWEST <= speed <= FASTEST:
        message = f"the speed must be {SLOWEST} to {FASTEST}, not {speed}"
        raise RemoteError(message, reason="invalid_voice_settings")
    return speed


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_INACTIVITY_SECONDS:
        message = f"the inactivity_timeout must be at most {LONGEST_INACTIVITY_SECONDS:g} seconds, not {text[:30]!a}"
        raise RemoteError(message, reason="invalid_inactivity_timeout")
    return seconds


def _is_on(request: Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("true", "1")
