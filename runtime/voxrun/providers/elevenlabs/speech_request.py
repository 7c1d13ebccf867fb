"""`SpeechRequest`: which voice a text-to-speech connection (`stream-input`) is opened for, where, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat
from voxrun.shown import shown

OUTPUT_FORMATS = ("pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "ulaw_8000")
"""What the service has and a player can play."""

QUERY_DEFAULTS = {"output_format": "pcm_16000", "sync_alignment": True, "inactivity_timeout": 20}
"""Its own are MP3, and an alignment that does not say which audio it is about."""

KEEP_ALIVE_SHARE = 0.75
"""After this part of the inactivity time-out a space is sent."""

_SCHEMES = {"http": "ws", "https": "wss"}
_SECRET_HEADERS = ("xi-api-key", "authorization")
_SECRET_QUERIES = ("authorization", "single_use_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """All that is fixed before the first text. `speech_request` makes it."""

    url: str
    headers: list[tuple[str, str]]
    secrets: list[str]
    """The keys in both, which no output may hold."""
    output_format: AudioFormat
    initialization: Mapping[str, object]
    """The provider's own: `voice_settings`, `generation_config`, `pronunciation_dictionary_locators`."""
    keep_alive_seconds: float
    """How long to be silent at most; infinity when the connection may die of it."""
    trace: bool
    """Whether the session's trace keeps every message in full, audio included."""

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.url).netloc


def speech_request(base_url: str, parameters: Mapping[str, Any]) -> SpeechRequest:
    """The request for VoxEngine's `RealtimeTTSPlayerParameters` at `base_url` (http, https, ws or wss).

    ScenarioError for parameters that can't be right, ConfigurationError for a missing key.
    """
    for name in ("pathParameters", "queryParameters", "initializeConnectionParameters"):
        if not isinstance(parameters.get(name), Mapping | None):  # not shown: there may be a key in it
            raise ScenarioError(f"createRealtimeTTSPlayer needs {name} as an object")
    voice_id = (parameters.get("pathParameters") or {}).get("voice_id")
    if not voice_id:
        raise ScenarioError("a RealtimeTTSPlayer needs a voice: put its voice_id into pathParameters")
    given = {name: value for name, value in (parameters["queryParameters"] or {}).items() if value is not None}
    query = {**QUERY_DEFAULTS, **given}
    headers = _headers(parameters.get("headers") or ())
    initialization = parameters.get("initializeConnectionParameters") or {}
    for name in map(str, initialization):
        if name.replace("_", "-") in ("text", *_SECRET_HEADERS):
            raise ScenarioError(f"initializeConnectionParameters has no {name}; a key belongs into headers")
    return SpeechRequest(
        url=_url(base_url, voice_id, query),
        headers=headers,
        secrets=[value for name, value in headers if name.lower() in _SECRET_HEADERS]
        + [str(query[name]) for name in _SECRET_QUERIES if name in query],
        output_format=_output_format(query["output_format"]),
        initialization=initialization,
        keep_alive_seconds=_seconds(query["inactivity_timeout"]) * KEEP_ALIVE_SHARE
        if parameters.get("keepAlive", True)
        else float("inf"),
        trace=parameters.get("trace", False),
    )


def _url(base_url: str, voice_id: str, query: Mapping[str, object]) -> str:
    scheme, _, rest = base_url.partition("://")
    plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    try:
        path = f"/v1/text-to-speech/{quote(voice_id, safe='')}/stream-input"
        return f"{_SCHEMES.get(scheme, scheme)}://{rest}{path}?{urlencode(plain)}"
    except (TypeError, UnicodeEncodeError):  # no text, or half a surrogate pair; not shown: there may be a key in it
        raise ScenarioError("an address can't hold this voice_id or these queryParameters: they are texts") from None


def _headers(given: object) -> list[tuple[str, str]]:
    headers = []
    for header in given if isinstance(given, list | tuple) else [given]:
        name, value = (header.get("name"), header.get("value")) if isinstance(header, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str | None):  # and not shown, as it may be a key
            raise ScenarioError("a RealtimeTTSPlayer needs headers with a name and a value, and one has not")
        if not name or not value:
            raise ConfigurationError(
                f"the header {name!r} has no value: set the secret it is read from (in the environment, with "
                "--secret NAME=VALUE or --env-file FILE), or run with --local-agent, which needs no key"
            )
        headers.append((name, value))
    return headers


def _output_format(name: str) -> AudioFormat:
    if name not in OUTPUT_FORMATS:
        raise ScenarioError(f"the output_format {shown(name)} can't be played; use one of {', '.join(OUTPUT_FORMATS)}")
    return FORMATS[name]


def _seconds(limit: object) -> float:
    try:
        seconds = float(str(limit))
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ScenarioError(f"the inactivity_timeout {shown(limit)} is no number of seconds")
    return seconds
