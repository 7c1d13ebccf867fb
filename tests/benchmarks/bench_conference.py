"""What a conference costs: CPU per member and tick, with every member a source and a listener.

Run it by hand: python tests/benchmarks/bench_conference.py [--members 3 10 50] [--rate 16000].
`all speak` is the worst case; `one speaks` is what meetings are like. The members' own work is counted, too: a frame
pushed, one taken.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import trio
import trio.testing

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.media.call import Call
from voxrun.media.conference import RATE, Conference
from voxrun.media.host import UnitHost
from voxrun.media.leg import Party
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork

TICKS = 500
ROUNDS = 5


class Member:
    """A leg that always says the same and forgets what it hears."""

    line = None

    def __init__(self, rate: int, said: Samples) -> None:
        self.rate = rate
        self._said = said

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The same frame each time."""
        return self._said

    def write(self, frame: Samples) -> None:
        """Forgotten."""


async def microseconds(scenario: Path, rate: int, members: int, speakers: int, amplitude: int) -> float:
    """The best round's CPU per member and tick of a conference's session."""
    services = Services(secrets=Secrets({}, {}), network=MemoryNetwork())
    session = Session(scenario, services, Ticker())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run)
        await trio.testing.wait_all_tasks_blocked()
        meet(session, rate, members, speakers, amplitude)
        rounds = [seconds(session) for _ in range(ROUNDS)]
        session.terminate()
    return min(rounds) / TICKS / members * 1e6


def meet(session: Session, rate: int, members: int, speakers: int, amplitude: int) -> None:
    generator = np.random.default_rng(1)
    conference = Conference(session)
    for number in range(members):
        noise = generator.integers(-amplitude, amplitude, frame_size(rate)).astype(np.int16)
        call = Call(session, Member(rate, noise if number < speakers else silence(rate)), Party())
        call.answer()
        call.sendMediaTo(conference)
        conference.sendMediaTo(call)


def seconds(session: Session) -> float:
    """The CPU of so many ticks."""
    started = time.process_time()
    for _ in range(TICKS):
        session.graph.tick(session.graph.position + 1)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[3, 10, 50])
    parser.add_argument("--rate", type=int, default=RATE, help="of the members, in Hz")
    arguments = parser.parse_args()
    sys.stdout.write("us of CPU per member and tick\nmembers  one speaks  all speak  all, too loud\n")
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.py"
        scenario.touch()
        for members in arguments.members:
            cases = ((1, 32_767), (members, 32_767 // members), (members, 32_767))
            cost = [trio.run(microseconds, scenario, arguments.rate, members, *case) for case in cases]
            sys.stdout.write(f"{members:7}{cost[0]:12.1f}{cost[1]:11.1f}{cost[2]:15.1f}\n")


if __name__ == "__main__":
    main()
