"""`Desk`: what may be asked of whoever serves calls, be it this process or all its workers."""

from typing import Protocol

import msgspec

from voxrun.errors import VoxrunError
from voxrun.session.http_request import HttpAsk, HttpReply
from voxrun.transports.server import Handover, Reply, Upgrade


class Refused(VoxrunError):  # noqa: N818 - nobody did anything wrong
    """What was asked for is not done: `reason` in a word, as the metrics count it."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SessionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """One session as the control API shows it. `since` is when it began, UTC, ISO 8601; `seconds` is how long ago."""

    id: str
    scenario: str
    caller: str
    destination: str
    since: str
    seconds: float
    state: str
    """Its call's, as VoxEngine names it: ALERTING, PROGRESSING, CONNECTED, TERMINATED; empty without a call."""
    worker: int = 0


class Sessions(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that run now, the oldest first, but for those of workers that did not answer: `silent` has their numbers."""

    sessions: list[SessionInfo]
    silent: list[int] = []


class Desk(Protocol):
    """Sessions by their id. An id that nobody knows gives None or False; Refused when who may know it is silent."""

    async def sessions(self) -> Sessions:
        """All that run now."""

    async def show(self, session: str) -> SessionInfo | None:
        """One that runs."""

    async def trace(self, session: str) -> list[str] | None:
        """The records of one that runs, as JSON lines."""

    async def start(self, scenario: str, custom_data: str) -> SessionInfo:
        """Begin a session without a call; `scenario` names a served one, empty the first. Refused, or
        ConfigurationError for a name that is none.
        """

    async def request(self, session: str, ask: HttpAsk) -> HttpReply | None:
        """Fire `AppEvents.HttpRequest` in a session, and give its handlers some seconds to reply."""

    async def visit(self, session: str) -> Reply | Upgrade | Handover | None:
        """What to do with a WebSocket that comes to a session's control URL."""

    async def hang_up(self, session: str) -> bool:
        """End a session."""

    async def drain(self) -> None:
        """Take no more calls, and end once the last one has: returns at once."""

    async def metrics(self) -> str:
        """All figures, in Prometheus's text format."""
