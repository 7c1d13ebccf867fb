"""Event names and the frozen payloads that handlers get; one file for each kind of sender.

Handlers that want types import the payloads from here: `def answer(event: CallAlertingEvent) -> None`.
"""

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
from voxrun.events.recorder import RecorderErrorEvent, RecorderEvent, RecorderStartedEvent, RecorderStoppedEvent
from voxrun.events.rtp_unit import RtpToneReceivedEvent, RtpUnitEvent
from voxrun.events.sequence_player import (
    SequencePlaybackFinishedEvent,
    SequencePlaybackMarkerReachedEvent,
    SequencePlayerErrorEvent,
    SequencePlayerEvent,
    SequencePlayerStartedEvent,
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
    "WebSocketMediaEndedEvent",
    "WebSocketMediaStartedEvent",
]
