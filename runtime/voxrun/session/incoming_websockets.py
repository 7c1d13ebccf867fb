"""`IncomingWebSockets`: those that others open to a session's control URL, once its scenario allows that."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

import trio

from voxrun.events.app import AppEvents, NewWebSocketEvent, NewWebSocketFailedEvent
from voxrun.events.websocket import WebSocketCloseCode
from voxrun.session.http_request import HttpReply

if TYPE_CHECKING:
    from voxrun.providers.websocket import WebSocket
    from voxrun.session.session import Session
    from voxrun.transports.websocket import WebSocket as Connection

    Make: TypeAlias = Callable[[AbstractAsyncContextManager[Connection]], WebSocket]

MOST_BESIDE_CALLS = 3
"""So many at a time, and one for each call of the session (VoxEngine's limit)."""

_ENDING = "this session takes no WebSockets any more: it ends"
_NOT_ALLOWED = "this session takes no WebSockets: its scenario has not called VoxEngine.allowWebSocketConnections()"


class IncomingWebSockets:
    """Asks who comes to wait outside, or makes a unit of the connection."""

    def __init__(self, session: "Session") -> None:
        self.decided = trio.Event()
        """Set once the scenario has had its chance to allow them, in its top-level code or when it started."""
        self.make: Make | None
        """Makes the unit that opens the connection, and gives it back; None as long as nobody may come in."""
        self.keeps_trace: bool
        """Whether the trace keeps their messages in full."""
        self.keeps_statistics: bool
        """Whether it keeps their counters."""
        self._session = session
        self._inside = 0
        self.forget()

    def forget(self) -> None:
        """Be as before the scenario ran: who waits for what it decides waits for the next one."""
        self.decided.set()
        self.decided = trio.Event()
        self.make, self.keeps_trace, self.keeps_statistics = None, False, False

    async def refusal(self) -> HttpReply | None:
        """What somebody is told who can't come in now; None who can. The scenario is told of those who are too many."""
        while not self.decided.is_set():  # by the scenario that runs now: one that failed may have ended the session
            await self.decided.wait()
        if self._session.is_ending:
            return HttpReply(HTTPStatus.FORBIDDEN, _ENDING)
        if self.make is None:
            return HttpReply(HTTPStatus.FORBIDDEN, _NOT_ALLOWED)
        if self._session.graph.is_full:
            reason = "the session has as many units as may be"
        elif self._inside >= MOST_BESIDE_CALLS + self._session.is_in_call:
            reason = f"{self._inside} others are connected to this session, as many as may be"
        else:
            return None
        failed = AppEvents.NewWebSocketFailed
        self._session.emit(self._session.app, failed, NewWebSocketFailedEvent(name=failed, reason=reason))
        return HttpReply(HTTPStatus.SERVICE_UNAVAILABLE, reason)

    async def take(self, connection: "Connection") -> None:
        """Let the scenario have a connection until it has ended. Of those who came at once some are sent away again."""
        refusal, make = await self.refusal(), self.make
        if refusal is not None or make is None:
            connection.close(WebSocketCloseCode.CLOSE_TRY_AGAIN_LATER)
            return
        over = trio.Event()
        self._inside += 1
        try:
            self._session.contained(self._welcome, make, _lent(connection, over))
            if not self._session.is_ending:  # it does if this went wrong
                await over.wait()
        finally:
            self._inside -= 1

    def _welcome(self, make: "Make", opening: "AbstractAsyncContextManager[Connection]") -> None:
        came = AppEvents.WebSocket
        self._session.emit(self._session.app, came, NewWebSocketEvent(name=came, websocket=make(opening)))


@asynccontextmanager
async def _lent(connection: "Connection", over: trio.Event) -> "AsyncIterator[Connection]":
    try:
        yield connection
    finally:
        over.set()
