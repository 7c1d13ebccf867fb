"""What `VoxEngine` has for conferences (reference: createConference, destroyConference)."""

from typing import Any, TypedDict, Unpack, overload

from voxrun.errors import ScenarioError
from voxrun.media.conference import Conference
from voxrun.media.parameters import merged
from voxrun.session.current import current_session
from voxrun.shown import shown

__all__ = ["ConferenceParameters", "createConference", "destroyConference"]


class ConferenceParameters(TypedDict, total=False):
    """`hd_audio`: mix at 48 kHz instead of 16 kHz."""

    hd_audio: bool


@overload
def createConference(parameters: ConferenceParameters, /) -> Conference: ...
@overload
def createConference(**keywords: Unpack[ConferenceParameters]) -> Conference: ...
def createConference(parameters: ConferenceParameters | None = None, /, **keywords: Any) -> Conference:
    """A room in which each unit hears all the others.

    Units join by `unit.sendMediaTo(conference)` and `conference.sendMediaTo(unit)`; calls also by `conference.add`.
    """
    options = merged("createConference", ConferenceParameters, parameters, keywords)
    return Conference(current_session(), hd_audio=options.get("hd_audio", False))


def destroyConference(conference: Conference) -> None:
    """End it; `ConferenceEvents.Stopped` follows."""
    if not isinstance(conference, Conference):
        raise ScenarioError(f"destroyConference needs a conference, but was given {shown(conference)}")
    conference.stop()
