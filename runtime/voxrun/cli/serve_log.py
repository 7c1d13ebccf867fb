"""What `voxrun serve` prints: sessions that begin and end, and why somebody was not let in."""

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trio

from voxrun.cli.printout import Missing
from voxrun.serving.running import Running
from voxrun.trace.words import visible

SOON_SECONDS = 1.0
"""After this, refusals are told."""

QUIET_SECONDS = 10.0
"""And then not for so long: strangers can't fill the disk."""

_WHY = {
    "no token": "they showed no token, no ticket and no signature",
    "token": "their token is not the --token",
    "signature": "the provider's signature is of another key, or of another address than ours: see --public-url",
    "ticket": "the ticket from /twiml is not ours, or too old",
    "replay": "what they showed was used before",
    "origin": "a page in a browser asked, and there is no --token",
    "path": "there is nothing where they asked: calls come in at /media/DIALECT",
    "method": "/twiml is asked with GET or POST",
    "route": "no scenario is for the number that was called: see --route",
    "busy": "--max-calls run already",
    "overload": "this machine does not keep up with the calls that run",
    "drain": "no new calls are taken any more",
    "crowd": "too many connections; for those with calls, see --max-per-address",
    "slow": "they did not say in time what they want",
    "malformed": "what they sent is no HTTP, or too long",
    "handshake": "they asked for no WebSocket: a proxy must pass the headers Upgrade and Connection on",
    "breach": "what the stream sent was too long, or audio of a kind that can't be heard here",
    "system": "the system has no descriptors or memory left: allow more open files (ulimit -n)",
}
"""By what the metrics call it."""


MOST_CHARACTERS = 1000
"""Of what is told at once: with its time, in UTF-8, it is one piece of a `Printout`."""


@dataclass(slots=True)
class Log:
    """What `worker` prints; 0 where all is one process, or for the one above the workers."""

    worker: int = 0
    missing: Missing = field(default_factory=Missing)
    """What was printed and lost, by scenarios as well: the next line that is not says so."""
    _told: int = 0

    def tell(self, what: str) -> None:
        """A line with the time. Further ones are indented: a stranger's name can't be one that looks like ours."""
        who = f"worker {self.worker}: " if self.worker else ""
        times = self.missing.times
        before = f"({times - self._told} before this are missing: {self.missing.why}) " if times > self._told else ""
        text = visible(f"{who}{before}{what}").replace("\n", "\n         ")
        if len(text) > MOST_CHARACTERS:
            text = f"{text[:MOST_CHARACTERS]}…"
        print(time.strftime("%H:%M:%S"), text, flush=True)  # noqa: T201 - the command line speaks
        if self.missing.times == times:
            self._told = times


@contextmanager
def shortages_told(log: Log) -> Iterator[None]:
    """When the system has nothing left for connections, trio's log would have a traceback each tenth of a second."""
    told = -math.inf

    def tell(_: logging.LogRecord) -> bool:
        nonlocal told
        if trio.current_time() - told > QUIET_SECONDS:
            told = trio.current_time()
            log.tell(f"new connections wait: {_WHY['system']}")
        return False

    trios = logging.getLogger("trio.serve_listeners")
    trios.addFilter(tell)
    try:
        yield
    finally:
        trios.removeFilter(tell)


class SessionLog:
    """A line for each session that begins, and one for its end."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def began(self, running: Running) -> None:
        """It is about to run."""
        party = running.party
        call = f"call from {party.callerid} to {party.destination} by {running.dialect}" if party else "no call"
        self._tell(running, f"{call}: {running.scenario.name}")

    def ended(self, running: Running) -> None:
        """It has its outcome."""
        outcome = running.outcome
        reason = "cancelled" if outcome is None else str(outcome.error or outcome.reason)
        parted = f"; {running.parted}" if running.parted else ""
        self._tell(running, f"over after {running.session.now():.1f} s: {reason}{parted}")

    def _tell(self, running: Running, what: str) -> None:
        self._log.tell(f"{running.id[:8]} {running.session.services.secrets.scrub(what)}")


async def tell_refusals(refusals: Counter[str], log: Log) -> None:
    """A line for each reason for which somebody was refused since the last, until cancelled; the last ones then."""
    told: Counter[str] = Counter()
    try:
        while True:
            await trio.sleep(SOON_SECONDS)
            if _tell_further(refusals, told, log):
                await trio.sleep(QUIET_SECONDS)
    finally:
        _tell_further(refusals, told, log)


def _tell_further(refusals: Counter[str], told: Counter[str], log: Log) -> bool:
    """Tell those that are not `told`; whether there were any."""
    fresh = refusals - told
    told += fresh
    for reason, times in fresh.items():
        log.tell(f"refused {times}: {_WHY.get(reason, reason)}")
    return bool(fresh)
