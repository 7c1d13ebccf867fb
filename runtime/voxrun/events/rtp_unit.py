"""`RtpUnitEvents`: what happens to an RTP unit, and the payloads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.rtp_unit import RtpUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpUnitEvent:
    """What every event of an RTP unit carries."""

    name: str
    unit: "RtpUnit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpToneReceivedEvent(RtpUnitEvent):
    """The peer sent the tone of a digit: 0-9, *, #, A-D."""

    tone: str


class RtpUnitEvents(metaclass=Constants):
    """Events of an RTP unit. `PeerLeft`: the peer said that it leaves; audio may come again, from another."""

    FirstAudioPacketReceived: Final = EventName[RtpUnitEvent]("RtpUnit.FirstAudioPacketReceived")
    RtpStopped: Final = EventName[RtpUnitEvent]("RtpUnit.RtpStopped")
    RtpResumed: Final = EventName[RtpUnitEvent]("RtpUnit.RtpResumed")
    ToneReceived: Final = EventName[RtpToneReceivedEvent]("RtpUnit.ToneReceived")
    PeerLeft: Final = EventName[RtpUnitEvent]("RtpUnit.PeerLeft")
