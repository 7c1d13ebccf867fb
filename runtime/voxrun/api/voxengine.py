"""The `VoxEngine` namespace (reference: VoxEngine)."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, overload

from voxrun.errors import ScenarioError
from voxrun.events.name import EventName
from voxrun.media.graph import Sink
from voxrun.media.parameters import text_of
from voxrun.media.target import Registration
from voxrun.media.unit import MediaSource, VoxMediaUnit
from voxrun.namespace import on_demand
from voxrun.session.current import current_session
from voxrun.shown import shown

if TYPE_CHECKING:
    from voxrun.api.conference import ConferenceParameters, createConference, destroyConference
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
    from voxrun.api.recorder import RecorderParameters, createRecorder
    from voxrun.api.rtp import RtpUnitParameters, createRtpUnit
    from voxrun.api.sound_devices import createMicrophone, createSpeaker
    from voxrun.api.websocket import (
        WebSocketHeader,
        WebSocketParameters,
        allowWebSocketConnections,
        createWebSocket,
        disableStatisticsForIncomingWebsockets,
        disableTraceForIncomingWebsockets,
        enableStatisticsForIncomingWebsockets,
        enableTraceForIncomingWebsockets,
    )
    from voxrun.media.call import CallRecordParameters, CallSayParameters, StartPlaybackParameters
    from voxrun.media.unit import SendMediaParameters
    from voxrun.providers.websocket import ClearMediaBufferParameters
else:
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "CallRecordParameters": "voxrun.media.call:CallRecordParameters",
            "CallSayParameters": "voxrun.media.call:CallSayParameters",
            "ClearMediaBufferParameters": "voxrun.providers.websocket:ClearMediaBufferParameters",
            "ConferenceParameters": "voxrun.api.conference:ConferenceParameters",
            "RecorderParameters": "voxrun.api.recorder:RecorderParameters",
            "RtpUnitParameters": "voxrun.api.rtp:RtpUnitParameters",
            "SendMediaParameters": "voxrun.media.unit:SendMediaParameters",
            "SequencePlayerParameters": "voxrun.api.players:SequencePlayerParameters",
            "StartPlaybackParameters": "voxrun.media.call:StartPlaybackParameters",
            "TTSPlayerParameters": "voxrun.api.players:TTSPlayerParameters",
            "TTSPlayerSegment": "voxrun.api.players:TTSPlayerSegment",
            "ToneScriptPlayerParameters": "voxrun.api.players:ToneScriptPlayerParameters",
            "URLPlayerParameters": "voxrun.api.players:URLPlayerParameters",
            "URLPlayerRequest": "voxrun.api.players:URLPlayerRequest",
            "URLPlayerRequestBody": "voxrun.api.players:URLPlayerRequestBody",
            "URLPlayerRequestHeader": "voxrun.api.players:URLPlayerRequestHeader",
            "URLPlayerSegment": "voxrun.api.players:URLPlayerSegment",
            "WebSocketHeader": "voxrun.api.websocket:WebSocketHeader",
            "WebSocketParameters": "voxrun.api.websocket:WebSocketParameters",
            "allowWebSocketConnections": "voxrun.api.websocket:allowWebSocketConnections",
            "createConference": "voxrun.api.conference:createConference",
            "createMicrophone": "voxrun.api.sound_devices:createMicrophone",
            "createRecorder": "voxrun.api.recorder:createRecorder",
            "createRtpUnit": "voxrun.api.rtp:createRtpUnit",
            "createSequencePlayer": "voxrun.api.players:createSequencePlayer",
            "createSpeaker": "voxrun.api.sound_devices:createSpeaker",
            "createTTSPlayer": "voxrun.api.players:createTTSPlayer",
            "createToneScriptPlayer": "voxrun.api.players:createToneScriptPlayer",
            "createURLPlayer": "voxrun.api.players:createURLPlayer",
            "createWebSocket": "voxrun.api.websocket:createWebSocket",
            "destroyConference": "voxrun.api.conference:destroyConference",
            "disableStatisticsForIncomingWebsockets": "voxrun.api.websocket:disableStatisticsForIncomingWebsockets",
            "disableTraceForIncomingWebsockets": "voxrun.api.websocket:disableTraceForIncomingWebsockets",
            "enableStatisticsForIncomingWebsockets": "voxrun.api.websocket:enableStatisticsForIncomingWebsockets",
            "enableTraceForIncomingWebsockets": "voxrun.api.websocket:enableTraceForIncomingWebsockets",
        },
    )

__all__ = [
    "CallRecordParameters",
    "CallSayParameters",
    "ClearMediaBufferParameters",
    "ConferenceParameters",
    "RecorderParameters",
    "RtpUnitParameters",
    "SendMediaParameters",
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
    "WebSocketHeader",
    "WebSocketParameters",
    "addEventListener",
    "allowWebSocketConnections",
    "createConference",
    "createMicrophone",
    "createRecorder",
    "createRtpUnit",
    "createSequencePlayer",
    "createSpeaker",
    "createTTSPlayer",
    "createToneScriptPlayer",
    "createURLPlayer",
    "createWebSocket",
    "customData",
    "destroyConference",
    "disableStatisticsForIncomingWebsockets",
    "disableTraceForIncomingWebsockets",
    "enableStatisticsForIncomingWebsockets",
    "enableTraceForIncomingWebsockets",
    "getSecretValue",
    "on",
    "removeEventListener",
    "sendMediaBetween",
    "stopMediaBetween",
    "terminate",
]

E = TypeVar("E")


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
    return current_session().services.secrets.get(text_of("getSecretValue", name))


def terminate(event: object = None, /) -> None:
    """End the session. The code that runs now goes on to its next `await`; put a `return` behind it.

    What it is given is ignored, so that it can be a handler itself.
    """
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
            why = "it only receives" if isinstance(unit, Sink) else "it is not a media unit"
            raise ScenarioError(f"{shown(unit)} has no audio to send: {why}")
    pairs: list[tuple[VoxMediaUnit | MediaSource, Sink]] = []
    for source, sink in ((unit1, unit2), (unit2, unit1)):
        if isinstance(sink, Sink):
            pairs.append((source, sink))
    if not pairs:
        raise ScenarioError(f"neither {shown(unit1)} nor {shown(unit2)} takes audio: both only send")
    return pairs
