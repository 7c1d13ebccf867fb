"""Event names and the frozen payloads that handlers get; one file for each kind of sender.

Handlers that want types import the payloads from here: `def answer(event: CallAlertingEvent) -> None`.
"""

from typing import TYPE_CHECKING

from voxrun.namespace import on_demand

if TYPE_CHECKING:
    from voxrun.events.app import (
        CallAlertingEvent,
        SoundDeviceEvent,
        SoundDeviceLostEvent,
        StartedEvent,
        TerminatedEvent,
        TerminatingEvent,
    )
    from voxrun.events.call import (
        CallEvent,
        CallPlaybackFinishedEvent,
        ConnectedEvent,
        DisconnectedEvent,
        FailedEvent,
        PlaybackStartedEvent,
        RecordErrorEvent,
        RecordStartedEvent,
        RecordStoppedEvent,
        ToneReceivedEvent,
    )
    from voxrun.events.conference import ConferenceEndpointEvent, ConferenceErrorEvent, ConferenceEvent
    from voxrun.events.elevenlabs import (
        AgentsEvent,
        WebSocketCloseEvent,
        WebSocketMediaEndedEvent,
        WebSocketMediaStartedEvent,
    )
    from voxrun.events.message import Message
    from voxrun.events.name import EventName
    from voxrun.events.player import (
        PlaybackFinishedEvent,
        PlaybackMarkerReachedEvent,
        PlayerErrorEvent,
        PlayerEvent,
        PlayerStartedEvent,
    )
    from voxrun.events.recorder import (
        RecorderErrorEvent,
        RecorderEvent,
        RecorderStartedEvent,
        RecorderStoppedEvent,
    )
    from voxrun.events.rtp_unit import RtpToneReceivedEvent, RtpUnitEvent
    from voxrun.events.sequence_player import (
        SequencePlaybackFinishedEvent,
        SequencePlaybackMarkerReachedEvent,
        SequencePlayerErrorEvent,
        SequencePlayerEvent,
        SequencePlayerStartedEvent,
    )
    from voxrun.events.websocket import (
        WebSocketClosedEvent,
        WebSocketCreatedEvent,
        WebSocketErrorEvent,
        WebSocketEvent,
        WebSocketMessageEvent,
        WebSocketStreamEndedEvent,
        WebSocketStreamStartedEvent,
    )
else:
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "AgentsEvent": "voxrun.events.elevenlabs:AgentsEvent",
            "CallAlertingEvent": "voxrun.events.app:CallAlertingEvent",
            "CallEvent": "voxrun.events.call:CallEvent",
            "CallPlaybackFinishedEvent": "voxrun.events.call:CallPlaybackFinishedEvent",
            "ConferenceEndpointEvent": "voxrun.events.conference:ConferenceEndpointEvent",
            "ConferenceErrorEvent": "voxrun.events.conference:ConferenceErrorEvent",
            "ConferenceEvent": "voxrun.events.conference:ConferenceEvent",
            "ConnectedEvent": "voxrun.events.call:ConnectedEvent",
            "DisconnectedEvent": "voxrun.events.call:DisconnectedEvent",
            "EventName": "voxrun.events.name:EventName",
            "FailedEvent": "voxrun.events.call:FailedEvent",
            "Message": "voxrun.events.message:Message",
            "PlaybackFinishedEvent": "voxrun.events.player:PlaybackFinishedEvent",
            "PlaybackMarkerReachedEvent": "voxrun.events.player:PlaybackMarkerReachedEvent",
            "PlaybackStartedEvent": "voxrun.events.call:PlaybackStartedEvent",
            "PlayerErrorEvent": "voxrun.events.player:PlayerErrorEvent",
            "PlayerEvent": "voxrun.events.player:PlayerEvent",
            "PlayerStartedEvent": "voxrun.events.player:PlayerStartedEvent",
            "RecordErrorEvent": "voxrun.events.call:RecordErrorEvent",
            "RecordStartedEvent": "voxrun.events.call:RecordStartedEvent",
            "RecordStoppedEvent": "voxrun.events.call:RecordStoppedEvent",
            "RecorderErrorEvent": "voxrun.events.recorder:RecorderErrorEvent",
            "RecorderEvent": "voxrun.events.recorder:RecorderEvent",
            "RecorderStartedEvent": "voxrun.events.recorder:RecorderStartedEvent",
            "RecorderStoppedEvent": "voxrun.events.recorder:RecorderStoppedEvent",
            "RtpToneReceivedEvent": "voxrun.events.rtp_unit:RtpToneReceivedEvent",
            "RtpUnitEvent": "voxrun.events.rtp_unit:RtpUnitEvent",
            "SequencePlaybackFinishedEvent": "voxrun.events.sequence_player:SequencePlaybackFinishedEvent",
            "SequencePlaybackMarkerReachedEvent": "voxrun.events.sequence_player:SequencePlaybackMarkerReachedEvent",
            "SequencePlayerErrorEvent": "voxrun.events.sequence_player:SequencePlayerErrorEvent",
            "SequencePlayerEvent": "voxrun.events.sequence_player:SequencePlayerEvent",
            "SequencePlayerStartedEvent": "voxrun.events.sequence_player:SequencePlayerStartedEvent",
            "SoundDeviceEvent": "voxrun.events.app:SoundDeviceEvent",
            "SoundDeviceLostEvent": "voxrun.events.app:SoundDeviceLostEvent",
            "StartedEvent": "voxrun.events.app:StartedEvent",
            "TerminatedEvent": "voxrun.events.app:TerminatedEvent",
            "TerminatingEvent": "voxrun.events.app:TerminatingEvent",
            "ToneReceivedEvent": "voxrun.events.call:ToneReceivedEvent",
            "WebSocketCloseEvent": "voxrun.events.elevenlabs:WebSocketCloseEvent",
            "WebSocketClosedEvent": "voxrun.events.websocket:WebSocketClosedEvent",
            "WebSocketCreatedEvent": "voxrun.events.websocket:WebSocketCreatedEvent",
            "WebSocketErrorEvent": "voxrun.events.websocket:WebSocketErrorEvent",
            "WebSocketEvent": "voxrun.events.websocket:WebSocketEvent",
            "WebSocketMediaEndedEvent": "voxrun.events.elevenlabs:WebSocketMediaEndedEvent",
            "WebSocketMediaStartedEvent": "voxrun.events.elevenlabs:WebSocketMediaStartedEvent",
            "WebSocketMessageEvent": "voxrun.events.websocket:WebSocketMessageEvent",
            "WebSocketStreamEndedEvent": "voxrun.events.websocket:WebSocketStreamEndedEvent",
            "WebSocketStreamStartedEvent": "voxrun.events.websocket:WebSocketStreamStartedEvent",
        },
    )

__all__ = [
    "AgentsEvent",
    "CallAlertingEvent",
    "CallEvent",
    "CallPlaybackFinishedEvent",
    "ConferenceEndpointEvent",
    "ConferenceErrorEvent",
    "ConferenceEvent",
    "ConnectedEvent",
    "DisconnectedEvent",
    "EventName",
    "FailedEvent",
    "Message",
    "PlaybackFinishedEvent",
    "PlaybackMarkerReachedEvent",
    "PlaybackStartedEvent",
    "PlayerErrorEvent",
    "PlayerEvent",
    "PlayerStartedEvent",
    "RecordErrorEvent",
    "RecordStartedEvent",
    "RecordStoppedEvent",
    "RecorderErrorEvent",
    "RecorderEvent",
    "RecorderStartedEvent",
    "RecorderStoppedEvent",
    "RtpToneReceivedEvent",
    "RtpUnitEvent",
    "SequencePlaybackFinishedEvent",
    "SequencePlaybackMarkerReachedEvent",
    "SequencePlayerErrorEvent",
    "SequencePlayerEvent",
    "SequencePlayerStartedEvent",
    "SoundDeviceEvent",
    "SoundDeviceLostEvent",
    "StartedEvent",
    "TerminatedEvent",
    "TerminatingEvent",
    "ToneReceivedEvent",
    "WebSocketCloseEvent",
    "WebSocketClosedEvent",
    "WebSocketCreatedEvent",
    "WebSocketErrorEvent",
    "WebSocketEvent",
    "WebSocketMediaEndedEvent",
    "WebSocketMediaStartedEvent",
    "WebSocketMessageEvent",
    "WebSocketStreamEndedEvent",
    "WebSocketStreamStartedEvent",
]
