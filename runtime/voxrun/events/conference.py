"""`ConferenceEvents`: what happens to a conference, and the payloads (VoxEngine reference, ConferenceEvents)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.conference import Conference
    from voxrun.media.endpoint import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceEvent:
    """What every conference event carries."""

    name: str
    conference: "Conference"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceEndpointEvent(ConferenceEvent):
    """A call was added with `conference.add`, shown differently, or is gone."""

    endpoint: "Endpoint"
    endpointId: str
    mode: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceErrorEvent(ConferenceEvent):
    """A call could not be added: `code` is a SIP-like status, 410 for one that has ended, 409 for one that is in."""

    error: str
    code: int
    endpointId: str | None = None


class ConferenceEvents(metaclass=Constants):
    """Events of a conference. Those of endpoints are about calls that joined by `conference.add`."""

    Started: Final = EventName[ConferenceEvent]("Conference.Started")
    Stopped: Final = EventName[ConferenceEvent]("Conference.Stopped")
    EndpointAdded: Final = EventName[ConferenceEndpointEvent]("Conference.EndpointAdded")
    EndpointUpdated: Final = EventName[ConferenceEndpointEvent]("Conference.EndpointUpdated")
    EndpointRemoved: Final = EventName[ConferenceEndpointEvent]("Conference.EndpointRemoved")
    ConferenceError: Final = EventName[ConferenceErrorEvent]("Conference.Error")
