"""The players of the `VoxEngine` namespace (reference: createURLPlayer, createTTSPlayer, …)."""

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any, NotRequired, TypedDict, overload
from typing import Unpack as _Unpack

from voxrun.errors import ScenarioError
from voxrun.media.arriving import ArrivingRequest
from voxrun.media.parameters import bytes_of, merged, several, text_of
from voxrun.media.playback import OpenSource
from voxrun.media.player import Player
from voxrun.media.sequence_player import SequencePlayer
from voxrun.media.sounds import AudioRequest
from voxrun.media.tone_source import ToneSource
from voxrun.providers.elevenlabs.realtime_tts_player import RealtimeTTSPlayer
from voxrun.session.current import current_session
from voxrun.session.request_secrets import protect_request
from voxrun.session.session import Session

_METHODS = ("GET", "POST")

MOST_PLAYERS = 10
"""That a session has at a time (VoxEngine's limit)."""


class URLPlayerRequestHeader(TypedDict):
    """A header of the request for the file."""

    name: str
    value: str


class URLPlayerRequestBody(TypedDict, total=False):
    """What is sent with a POST: one of both."""

    text: str
    binary: bytes


class URLPlayerRequest(TypedDict):
    """What to play: `url` is a path on this machine, a file URL, or an http or https address.

    An address is asked with GET unless `method` is POST; it has 12 s for at most 10 MB.
    """

    url: str
    method: NotRequired[str]
    headers: NotRequired[Sequence[URLPlayerRequestHeader]]
    body: NotRequired[URLPlayerRequestBody]


class URLPlayerParameters(TypedDict, total=False):
    """`loop`: play again and again; `onPause`: wait for `resume()`.

    `progressivePlayback`: play a download while it comes, if it is wav, flac or mp3 and the server tells its size;
    any other is loaded first. A file of this machine is played while it is read in any case.
    """

    loop: bool
    onPause: bool
    progressivePlayback: bool


class TTSPlayerParameters(TypedDict, total=False):
    """`voice`: its name for espeak-ng ("en-us+f3") or its voice_id at ElevenLabs; `onPause`: wait for `resume()`.

    `progressivePlayback` changes nothing: the text is spoken as a whole first.
    """

    voice: str
    onPause: bool
    progressivePlayback: bool


class ToneScriptPlayerParameters(TypedDict, total=False):
    """`loop`: play again and again; `progressivePlayback` changes nothing."""

    loop: bool
    progressivePlayback: bool


class URLPlayerSegment(TypedDict):
    """A file as a part of a sequence; its `loop` and `onPause` would have no meaning there."""

    url: str
    parameters: NotRequired[URLPlayerParameters]


class TTSPlayerSegment(TypedDict):
    """A text to speak as a part of a sequence; only the `voice` of its parameters has a meaning there."""

    text: str
    parameters: NotRequired[TTSPlayerParameters]


class _Segment(TypedDict, total=False):
    """The names that a segment of either kind has."""

    url: str
    text: str
    parameters: object


class SequencePlayerParameters(TypedDict):
    """What to play, in this order."""

    segments: Sequence[URLPlayerSegment | TTSPlayerSegment]


def createURLPlayer(
    request: URLPlayerRequest | str,
    parameters: URLPlayerParameters | None = None,
    /,
    **keywords: _Unpack[URLPlayerParameters],
) -> Player:
    """Play an audio file (wav, flac, ogg, mp3). It begins as soon as it is loaded, unless `onPause`.

    A file that can't be played is told by `PlayerEvents.Error` and `PlaybackFinished`, as in VoxEngine.
    """
    protect_request(request, parameters)
    given = {"url": request} if isinstance(request, str | PathLike) else request
    options = merged("createURLPlayer", URLPlayerParameters, parameters, keywords)
    kind = ArrivingRequest if options.get("progressivePlayback", False) else AudioRequest
    asked = _audio_request(merged("createURLPlayer", URLPlayerRequest, given, {}), kind)
    session = session_with_room()
    return Player(
        session,
        partial(session.sounds.open, asked),
        loop=options.get("loop", False),
        on_pause=options.get("onPause", False),
    )


def createTTSPlayer(
    text: str, parameters: TTSPlayerParameters | None = None, /, **keywords: _Unpack[TTSPlayerParameters]
) -> Player:
    """Speak `text`, of at most 1500 characters. It begins as soon as it is spoken, unless `onPause`.

    ElevenLabs speaks when the secret ELEVENLABS_API_KEY is set, espeak-ng without it and with --local-agent. That the
    text can't be spoken is told by `PlayerEvents.Error` and `PlaybackFinished`.
    """
    options = merged("createTTSPlayer", TTSPlayerParameters, parameters, keywords)
    session = session_with_room()
    speak = partial(session.sounds.speak, text_of("createTTSPlayer", text), options.get("voice"))
    return Player(session, speak, on_pause=options.get("onPause", False))


def createToneScriptPlayer(
    script: str,
    parameters: ToneScriptPlayerParameters | None = None,
    /,
    **keywords: _Unpack[ToneScriptPlayerParameters],
) -> Player:
    """Play the tones of a ToneScript, such as "480@-19,620@-19;*(.5/.5/1+2)", a busy tone.

    First the frequencies (Hz) at their levels (dBm0), then the cadences: how long (s, * for ever), and in brackets on
    and off times (s) and which of the frequencies. ScenarioError, with the place, for what is no ToneScript, or one
    of more than 1000 characters.
    """
    from voxrun.dsl.tonescript import parse_tone_script  # noqa: PLC0415 - its parser is slow to start

    options = merged("createToneScriptPlayer", ToneScriptPlayerParameters, parameters, keywords)
    tones = ToneSource(parse_tone_script(text_of("createToneScriptPlayer", script)))
    return Player(session_with_room(), tones.opened, loop=options.get("loop", False))


@overload
def createSequencePlayer(parameters: SequencePlayerParameters, /) -> SequencePlayer: ...
@overload
def createSequencePlayer(**keywords: _Unpack[SequencePlayerParameters]) -> SequencePlayer: ...
def createSequencePlayer(parameters: SequencePlayerParameters | None = None, /, **keywords: Any) -> SequencePlayer:
    """Play files and texts one after the other without a gap. It begins as soon as all of them are loaded."""
    protect_request(parameters, keywords)
    options = merged("createSequencePlayer", SequencePlayerParameters, parameters, keywords)
    session = session_with_room()
    segments = several(options["segments"])
    return SequencePlayer(session, [_open_segment(session, segment) for segment in segments], segments)


def session_with_room() -> Session:
    """The session, if it may have one more player; else ScenarioError."""
    session = current_session()
    if session.graph.count(Player, SequencePlayer, RealtimeTTSPlayer) >= MOST_PLAYERS:
        raise ScenarioError(
            f"a session has at most {MOST_PLAYERS} players at a time, as in VoxEngine: "
            "stop() one that is not needed any more"
        )
    return session


def _audio_request(given: Mapping[str, Any], kind: type[AudioRequest]) -> AudioRequest:
    method = (given.get("method") or "GET").upper()
    if method not in _METHODS:
        raise ScenarioError(f"createURLPlayer knows no method '{method}': it has {', '.join(_METHODS)}")
    body = merged("the request's body", URLPlayerRequestBody, given.get("body"), {})
    content = next((body[name] for name in ("binary", "text") if body.get(name) is not None), b"")
    headers = [_header(header) for header in several(given.get("headers") or ())]
    return kind(given["url"], method, headers, bytes_of("createURLPlayer", "the request's body", content))


def _header(given: object) -> tuple[str, str]:
    if not isinstance(given, Mapping):  # and not shown, as it may be a key
        raise ScenarioError("createURLPlayer needs headers with a name and a value, and one has not")
    header = merged("a header", URLPlayerRequestHeader, given, {})
    return header["name"], header["value"]


def _open_segment(session: Session, segment: Mapping[str, Any]) -> OpenSource:
    if "text" in merged("a segment", _Segment, segment, {}):
        given = merged("a segment with a text", TTSPlayerSegment, segment, {})
        options = merged("a segment with a text", TTSPlayerParameters, given.get("parameters"), {})
        return partial(session.sounds.speak, text_of("a segment with a text", given["text"]), options.get("voice"))
    given = merged("a segment", URLPlayerSegment, segment, {})
    merged("a segment with a url", URLPlayerParameters, given.get("parameters"), {})
    return partial(session.sounds.open, AudioRequest(given["url"]))
