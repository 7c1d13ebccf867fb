"""A call over RTP in virtual time, from what comes over the network to what a unit of the scenario hears."""

from collections.abc import Sequence
from random import Random

import numpy as np
import trio
import trio.testing
from tests.impaired.network import RATE, Arrival
from tests.kit import Setting
from tests.media.rtp_peer import OURS, PEER, Cable

from voxrun.audio.frame import Samples
from voxrun.media.graph import Inlet, Source
from voxrun.media.inbox import Inbox
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.session.session import Session

ANSWER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
"""


class Ear:
    """Hears on the tick, as any unit does, and keeps when frames came."""

    mixes = False

    def __init__(self) -> None:
        self.came: list[float] = []
        """When each frame came, in seconds."""
        self.waited: list[int] = []
        """How many samples each tick found."""
        self.frames: list[Samples] = []
        self._inbox = Inbox(RATE)
        self._inlet = Inlet(RATE, self._receive)

    @property
    def heard(self) -> Samples:
        """All of it."""
        return np.concatenate(self.frames)

    def id(self) -> str:
        """A name."""
        return "ear"

    def inlet(self, source: Source) -> Inlet:
        """Always live."""
        return self._inlet

    def detach(self, source: Source) -> None:
        """As any unit does."""
        self._inbox.cut()

    def consume(self) -> None:
        """Hear 20 ms."""
        self.waited.append(len(self._inbox))
        self.frames.append(self._inbox.take())

    def _receive(self, frame: Samples) -> None:
        self.came.append(trio.current_time())
        self._inbox.inlet.receive(frame)


class Hearing:
    """A PCMU leg to which these datagrams come, and an ear for its call."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.ear = Ear()
        self._arrivals = arrivals
        self._end = Cable().end(OURS)

    def setting(self, seconds: float) -> Setting:
        """A session of so many seconds; its first tick, and time 0 of the arrivals, are when it begins."""
        leg = RtpLeg(self._end, self._end, RtpSettings(codec=CODECS["PCMU"], remote=PEER), Random(1))
        return Setting(leg=leg, meanwhile=self._happen, stop_after=seconds)

    async def _happen(self, session: Session) -> None:
        begin = trio.current_time()
        await trio.testing.wait_all_tasks_blocked()  # until the call is answered
        assert session.call is not None
        session.graph.add(self.ear)
        session.call.sendMediaTo(self.ear)
        for arrival in self._arrivals:
            await trio.sleep_until(begin + arrival.time)
            self._end.deliver(arrival.datagram, PEER)
