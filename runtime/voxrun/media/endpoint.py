"""`Endpoint`: a call that is in a conference because `conference.add` put it there."""

import enum
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from voxrun.errors import ScenarioError
from voxrun.media.call import Call
from voxrun.media.parameters import merged
from voxrun.shown import shown


class ConferenceDirection(enum.StrEnum):
    """Which way an endpoint's audio goes, as the call sees it: into the conference, out of it, or both."""

    SEND = "send"
    RECEIVE = "receive"
    BOTH = "both"


class ConferenceMode(enum.StrEnum):
    """How the conference treats an endpoint: here there is only audio, and it is mixed."""

    MIX = "mix"


class EndpointParameters(TypedDict, total=False):
    """What `Conference.add` takes, and after it what would mean something in a conference with video."""

    call: Call
    direction: str
    displayName: str

    mode: str
    scheme: object
    receiveParameters: object
    maxVideoBitrate: object


class Endpoint:
    """One call's membership. ScenarioError unless `parameters` are those that `Conference.add` describes."""

    def __init__(self, name: str, parameters: Mapping[str, Any], on_change: Callable[["Endpoint"], None]) -> None:
        if not isinstance(merged("conference.add", EndpointParameters, parameters, {}).get("call"), Call):
            raise ScenarioError("conference.add needs the parameter 'call': the call to add")
        self.display_name: str = parameters.get("displayName") or ""
        """What the scenario calls it."""
        self._id = name
        self._call: Call = parameters["call"]
        direction = parameters.get("direction")
        self._direction = ConferenceDirection.BOTH if direction is None else _direction(direction)
        self._on_change = on_change

    def __repr__(self) -> str:
        return f"<{self._id}>"

    def id(self) -> str:
        """The name of the endpoint in its session, such as `endpoint-1`."""
        return self._id

    def getCall(self) -> Call:
        """The call."""
        return self._call

    def getDirection(self) -> str:
        """Which way its audio goes: one of `ConferenceDirection`."""
        return self._direction.value

    def getMode(self) -> str:
        """One of `ConferenceMode`."""
        return ConferenceMode.MIX.value

    def setDisplayName(self, displayName: str) -> None:
        """Call it something else; `ConferenceEvents.EndpointUpdated` follows."""
        self.display_name = displayName
        self._on_change(self)


def _direction(name: str) -> ConferenceDirection:
    try:
        return ConferenceDirection(name.lower() if isinstance(name, str) else name)  # "BOTH" is written as often
    except ValueError:
        known = ", ".join(direction.name for direction in ConferenceDirection)
        raise ScenarioError(
            f"conference.add knows no direction {shown(name)}: ConferenceDirection has {known}"
        ) from None
