"""What `VoxEngine` has for RTP with a peer of one's own; the real VoxEngine keeps RTP to itself."""

from collections.abc import Mapping
from typing import Any, Unpack, cast, overload

from voxrun.errors import ScenarioError
from voxrun.media.parameters import merged
from voxrun.media.rtp_unit import RtpUnit
from voxrun.session.current import current_session
from voxrun.session.session import Session
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg
from voxrun.transports.rtp_socket import RtpSocket
from voxrun.transports.srtp import SUITES, keys_in

__all__ = ["RtpUnitParameters", "createRtpUnit"]


@overload
def createRtpUnit(parameters: RtpUnitParameters, /) -> RtpUnit: ...
@overload
def createRtpUnit(**keywords: Unpack[RtpUnitParameters]) -> RtpUnit: ...
def createRtpUnit(parameters: RtpUnitParameters | None = None, /, **keywords: Any) -> RtpUnit:
    """Send and receive audio by RTP or SRTP.

    ConfigurationError for what can't be used, or lacks its library; ScenarioError in a sandbox.
    """
    session = current_session()
    given = parameters.values() if isinstance(parameters, Mapping) else (parameters,)
    for text in (*given, *keywords.values()):
        for key in keys_in(str(text)):  # first of all, as an error shows the scenario's line
            session.protect(key)
    for place in (parameters, keywords):
        for name in ("crypto", "remoteCrypto"):
            _protect_last_word(session, place.get(name) if isinstance(place, Mapping) else None)
    services = session.services
    if services.is_sandboxed:
        raise ScenarioError("--sandbox allows no RTP of a scenario's own: leave it out")
    options = merged("createRtpUnit", RtpUnitParameters, parameters, keywords)
    leg = open_rtp_leg(cast("RtpUnitParameters", options), services.datagrams or RtpSocket, services.random)
    return RtpUnit(session, leg)


def _protect_last_word(session: Session, crypto: object) -> None:
    """Which is the key, or was to be."""
    word = crypto.rpartition(" ")[2] if isinstance(crypto, str) else ""
    if word not in SUITES:
        session.protect(word)
