"""What `VoxEngine` has for RTP with a peer of one's own; the real VoxEngine keeps RTP to itself."""

from typing import Any, Unpack, cast, overload

from voxrun.media.parameters import merged
from voxrun.media.rtp_unit import RtpUnit
from voxrun.session.current import current_session
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg

__all__ = ["RtpUnitParameters", "createRtpUnit"]


@overload
def createRtpUnit(parameters: RtpUnitParameters, /) -> RtpUnit: ...
@overload
def createRtpUnit(**keywords: Unpack[RtpUnitParameters]) -> RtpUnit: ...
def createRtpUnit(parameters: RtpUnitParameters | None = None, /, **keywords: Any) -> RtpUnit:
    """Send and receive audio by RTP. ConfigurationError for addresses, a codec or a ptime that can't be used."""
    options = merged("createRtpUnit", RtpUnitParameters, parameters, keywords)
    return RtpUnit(current_session(), open_rtp_leg(cast("RtpUnitParameters", options)))
