"""`RtpCaller`: a simulated caller at the far end of an RTP session, whose near end is the runtime's own leg."""

import trio

from voxrun.media.datagrams import SocketAddress
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import codec_named
from voxrun.testing.air import Air
from voxrun.testing.caller import Caller
from voxrun.testing.moments import After, event
from voxrun.testing.news import News
from voxrun.testing.rtp_peer import PHASE_SECONDS, RtpFarEnd, RtpPeer
from voxrun.testing.sounds import Render

NEAR: SocketAddress = ("192.0.2.1", 1)  # no port of a unit, which may have one at all addresses
FAR: SocketAddress = ("192.0.2.2", 4000)


class RtpCaller(RtpFarEnd):
    """Begins to send when it hears that the call was answered."""

    def __init__(self, caller: Caller, news: News, render: Render, air: Air) -> None:
        near, codec = air.listen(*NEAR), caller.rtp or ""
        self.leg = RtpLeg(near, near, RtpSettings(codec=codec_named(codec), remote=FAR), air.random)
        peer = RtpPeer(caller.steps, codec, "{}:{}".format(*NEAR))
        super().__init__("{}:{}".format(*FAR), peer, news, render, air)

    async def _begun(self) -> None:
        await self._news.come(After(event("Call.Connected"), 0.0), self._news.beginning)
        await trio.sleep(PHASE_SECONDS)
