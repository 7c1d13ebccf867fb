"""Event names and the frozen payloads that handlers get; one file for each kind of sender.

Handlers that want types import the payloads from here: `def answer(event: CallAlertingEvent) -> None`.
"""

from voxrun.events.app import CallAlertingEvent, StartedEvent, TerminatedEvent, TerminatingEvent
from voxrun.events.call import CallEvent, ConnectedEvent, DisconnectedEvent, FailedEvent
from voxrun.events.elevenlabs import (
    AgentsEvent,
    WebSocketCloseEvent,
    WebSocketMediaEndedEvent,
    WebSocketMediaStartedEvent,
)
from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.events.player import PlaybackFinishedEvent, PlayerErrorEvent, PlayerEvent, PlayerStartedEvent
from voxrun.events.recorder import RecorderErrorEvent, RecorderEvent, RecorderStartedEvent, RecorderStoppedEvent

__all__ = [
    "AgentsEvent",
    "CallAlertingEvent",
    "CallEvent",
    "ConnectedEvent",
    "DisconnectedEvent",
    "EventName",
    "FailedEvent",
    "Message",
    "PlaybackFinishedEvent",
    "PlayerErrorEvent",
    "PlayerEvent",
    "PlayerStartedEvent",
    "RecorderErrorEvent",
    "RecorderEvent",
    "RecorderStartedEvent",
    "RecorderStoppedEvent",
    "StartedEvent",
    "TerminatedEvent",
    "TerminatingEvent",
    "WebSocketCloseEvent",
    "WebSocketMediaEndedEvent",
    "WebSocketMediaStartedEvent",
]
