"""`SharedListener`: accepts at a socket where other processes do too, and lets them go first while it hesitates."""

from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector

import trio

LOOK_SECONDS = 0.002
"""Between two looks at whether a connection is still there."""

_TAKING_SECONDS = 0.001
"""Enough to take one that is; who is too late hesitates again at the next one."""


class SharedListener(trio.abc.Listener[trio.SocketStream]):
    """`hesitation` says for how many looks a connection that has just come is left to the others."""

    def __init__(self, listener: trio.SocketListener, hesitation: Callable[[], int]) -> None:
        self._listener = listener
        self._hesitation = hesitation
        self._looks = DefaultSelector()
        self._looks.register(listener.socket.fileno(), EVENT_READ)

    async def accept(self) -> trio.SocketStream:
        """One that nobody else took."""
        while True:
            await trio.lowlevel.wait_readable(self._listener.socket)
            if await self._stays_there():
                with trio.move_on_after(_TAKING_SECONDS):
                    return await self._listener.accept()

    async def aclose(self) -> None:
        """Close the socket."""
        self._looks.close()
        await self._listener.aclose()

    async def _stays_there(self) -> bool:
        for _ in range(self._hesitation()):
            await trio.sleep(LOOK_SECONDS)
            if not self._looks.select(0):
                return False
        return True
