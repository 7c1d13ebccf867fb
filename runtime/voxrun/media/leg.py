"""`Leg`: how a call's audio reaches us, and `Party`, who is at its far end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from voxrun.audio.frame import Samples
from voxrun.media.host import UnitHost
from voxrun.media.line import Line


class Leg(Protocol):
    """One frame each way in every tick, from the moment the call is connected."""

    rate: int
    """Hz, both ways."""

    @property
    def line(self) -> Line | None:
        """What goes over the leg beside audio; None when nothing does."""

    async def carry(self, host: UnitHost) -> None:
        """Do the leg's I/O until cancelled; a task of the session's, from the connection to the end of the call."""

    def read(self) -> Samples:
        """The caller's next 20 ms; silence when there are none."""

    def write(self, frame: Samples) -> None:
        """The next 20 ms for the caller. The array is shared and must not be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who calls whom, as `AppEvents.CallAlerting` tells it."""

    callerid: str = "anonymous"
    destination: str = "voxrun"
    displayName: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    customData: str = ""
