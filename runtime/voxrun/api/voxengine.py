"""The `VoxEngine` namespace (reference: VoxEngine)."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar, overload
from typing import Unpack as _Unpack

from voxrun.api.players import (
    SequencePlayerParameters,
    ToneScriptPlayerParameters,
    TTSPlayerParameters,
    TTSPlayerSegment,
    URLPlayerParameters,
    URLPlayerRequest,
    URLPlayerRequestBody,
    URLPlayerRequestHeader,
    URLPlayerSegment,
    createSequencePlayer,
    createToneScriptPlayer,
    createTTSPlayer,
    createURLPlayer,
)
from voxrun.api.rtp import RtpUnitParameters, createRtpUnit
from voxrun.api.sound_devices import createMicrophone, createSpeaker
from voxrun.errors import ScenarioError
from voxrun.events.name import EventName
from voxrun.media.call import CallRecordParameters, CallSayParameters, StartPlaybackParameters
from voxrun.media.conference import Conference
from voxrun.media.graph import Sink
from voxrun.media.parameters import merged
from voxrun.media.recorder import HD_RATE, RATE, Recorder
from voxrun.media.recording import new_take
from voxrun.media.target import Registration
from voxrun.media.unit import MediaSource, VoxMediaUnit
from voxrun.session.current import current_session

__all__ = [
    "CallRecordParameters",
    "CallSayParameters",
    "RecorderParameters",
    "RtpUnitParameters",
    "SequencePlayerParameters",
    "StartPlaybackParameters",
    "TTSPlayerParameters",
    "TTSPlayerSegment",
    "ToneScriptPlayerParameters",
    "URLPlayerParameters",
    "URLPlayerRequest",
    "URLPlayerRequestBody",
    "URLPlayerRequestHeader",
    "URLPlayerSegment",
    "addEventListener",
    "createMicrophone",
    "createRecorder",
    "createRtpUnit",
    "createSequencePlayer",
    "createSpeaker",
    "createTTSPlayer",
    "createToneScriptPlayer",
    "createURLPlayer",
    "customData",
    "getSecretValue",
    "on",
    "removeEventListener",
    "sendMediaBetween",
    "stopMediaBetween",
    "terminate",
]

E = TypeVar("E")


class RecorderParameters(TypedDict, total=False):
    """`name`: the file (wav, flac, ogg or mp3), relative to the current folder; without one `recording-1.wav`.

    `hd_audio`: at 48 kHz instead of 16 kHz. `stereo`: left the first who sends to it, right all others. `transcribe`:
    put a transcript beside it, a line of JSON for each event.
    """

    name: str
    hd_audio: bool
    stereo: bool
    transcribe: bool


class ConferenceParameters(TypedDict, total=False):
    """`hd_audio`: mix at 48 kHz instead of 16 kHz."""

    hd_audio: bool


def addEventListener(event: EventName[E], callback: Callable[[E], object]) -> None:
    """Call `callback(event_object)` each time the session's `event` (one of `AppEvents`) fires."""
    current_session().app.addEventListener(event, callback)


def removeEventListener(event: EventName[E], callback: Callable[[E], object] | None = None) -> None:
    """Forget one handler of `event`, or all when no `callback` is given."""
    current_session().app.removeEventListener(event, callback)


def on(event: EventName[E]) -> Registration[E]:
    """`addEventListener` as a decorator: `@VoxEngine.on(AppEvents.CallAlerting)`."""
    return current_session().app.on(event)


def sendMediaBetween(
    mediaUnit1: VoxMediaUnit | MediaSource,
    mediaUnit2: VoxMediaUnit | MediaSource,
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Send the audio of each unit to the other; a player, which only sends, is heard by the other one."""
    for source, sink in _directions(mediaUnit1, mediaUnit2):
        source.sendMediaTo(sink)


def stopMediaBetween(mediaUnit1: VoxMediaUnit | MediaSource, mediaUnit2: VoxMediaUnit | MediaSource) -> None:
    """Stop the audio between two units, both ways."""
    for source, sink in _directions(mediaUnit1, mediaUnit2):
        source.stopMediaTo(sink)


def createRecorder(
    parameters: RecorderParameters | None = None, /, **keywords: _Unpack[RecorderParameters]
) -> Recorder:
    """Record what is sent to it, mixed, into a file of the format that its name ends with."""
    options = merged("createRecorder", RecorderParameters, parameters, keywords)
    session = current_session()
    rate = HD_RATE if options.get("hd_audio", False) else RATE
    stereo = options.get("stereo", False)
    take = new_take(
        session,
        options.get("name"),
        rate=rate,
        channels=2 if stereo else 1,
        transcribe=options.get("transcribe", False),
    )
    return Recorder(session, take, rate=rate, stereo=stereo)


@overload
def createConference(parameters: ConferenceParameters, /) -> Conference: ...
@overload
def createConference(**keywords: _Unpack[ConferenceParameters]) -> Conference: ...
def createConference(parameters: ConferenceParameters | None = None, /, **keywords: Any) -> Conference:
    """A room in which each unit hears all the others.

    Units join by `unit.sendMediaTo(conference)` and `conference.sendMediaTo(unit)`; calls also by `conference.add`.
    """
    options = merged("createConference", ConferenceParameters, parameters, keywords)
    return Conference(current_session(), hd_audio=options.get("hd_audio", False))


def destroyConference(conference: Conference) -> None:
    """End it; `ConferenceEvents.Stopped` follows."""
    conference.stop()


@overload
def customData() -> str: ...
@overload
def customData(customData: str) -> str: ...
def customData(customData: str | None = None) -> str:
    """The session's own text: set it when one is given, then return it."""
    session = current_session()
    if customData is not None:
        session.custom_data = customData
    return session.custom_data


def getSecretValue(name: str) -> str | None:
    """The secret `name`: of --secret, of --env-file or of the environment; None when nobody set it."""
    return current_session().services.secrets.get(name)


def terminate() -> None:
    """End the session. The code that runs now goes on to its next `await`; put a `return` behind it."""
    current_session().terminate()


def _directions(
    unit1: VoxMediaUnit | MediaSource, unit2: VoxMediaUnit | MediaSource
) -> list[tuple[VoxMediaUnit | MediaSource, Sink]]:
    """Who can send to whom. ScenarioError when nobody can, or for what no type check has seen."""
    for unit in (unit1, unit2):
        if inspect.iscoroutine(unit):
            unit.close()
            raise ScenarioError(f"{unit.__name__} returns a promise, not a unit: put `await` before it")
        if not hasattr(unit, "sendMediaTo"):
            raise ScenarioError(f"{unit!r} has no audio to send: it only receives")
    pairs: list[tuple[VoxMediaUnit | MediaSource, Sink]] = []
    for source, sink in ((unit1, unit2), (unit2, unit1)):
        if isinstance(sink, Sink):
            pairs.append((source, sink))
    if not pairs:
        raise ScenarioError(f"neither {unit1!r} nor {unit2!r} takes audio: both only send")
    return pairs
