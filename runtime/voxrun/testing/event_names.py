"""`known`, `known_message`: the names of events, and of messages to the agent, that a test may ask for."""

from functools import cache

from msgspec.structs import fields

from voxrun.errors import ConfigurationError
from voxrun.events.app import AppEvents
from voxrun.events.call import CallEvents
from voxrun.events.conference import ConferenceEvents
from voxrun.events.elevenlabs import AgentsEvents
from voxrun.events.elevenlabs import Events as ElevenLabsEvents
from voxrun.events.name import constants
from voxrun.events.player import PlayerEvents
from voxrun.events.recorder import RecorderEvents
from voxrun.events.rtp_unit import RtpUnitEvents
from voxrun.events.sequence_player import SequencePlayerEvents
from voxrun.events.websocket import WebSocketEvents
from voxrun.nearest import nearest
from voxrun.protocol.elevenlabs.agents_client_messages import ClientMessage


def known(name: str) -> str:
    """The name as it is. ConfigurationError for one that no event has: that there was none would hold for ever."""
    return _one_of(_all(), name, "event")


def known_message(kind: str) -> str:
    """The type as it is. ConfigurationError for one that no message to the agent has."""
    return _one_of(_message_types(), kind, "message to the agent")


def known_fields(kind: str) -> frozenset[str]:
    """What a message of that type may have."""
    (found,) = (it for it in ClientMessage.__subclasses__() if str(it.__struct_config__.tag) == kind)
    return frozenset(("type", *(field.encode_name for field in fields(found))))


def _one_of(names: frozenset[str], name: str, what: str) -> str:
    if isinstance(name, str) and name in names:
        return str(name)
    near = nearest(str(name), names)
    raise ConfigurationError(f"no {what} is named {str(name)!r}" + (f"; did you mean '{near}'?" if near else ""))


@cache
def _message_types() -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in ClientMessage.__subclasses__())


@cache
def _all() -> frozenset[str]:
    return constants(
        *(AppEvents, CallEvents, ConferenceEvents, PlayerEvents, RecorderEvents, RtpUnitEvents, SequencePlayerEvents),
        *(AgentsEvents, ElevenLabsEvents, WebSocketEvents),
    )
