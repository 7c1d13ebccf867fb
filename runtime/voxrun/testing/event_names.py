"""`known`: the names of events that a test may ask for."""

from functools import cache

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
from voxrun.nearest import nearest


def known(name: str) -> str:
    """The name as it is. ConfigurationError for one that no event has: that there was none would hold for ever."""
    if name in _all():
        return str(name)
    near = nearest(name, _all())
    raise ConfigurationError(f"no event is named {str(name)!r}" + (f"; did you mean '{near}'?" if near else ""))


@cache
def _all() -> frozenset[str]:
    return constants(
        *(AppEvents, CallEvents, ConferenceEvents, PlayerEvents, RecorderEvents, RtpUnitEvents, SequencePlayerEvents),
        *(AgentsEvents, ElevenLabsEvents),
    )
