"""`Answers`: what the agent waits to hear from its client, by the id of the call it is about."""

from typing import Generic, TypeVar

import trio

Answer = TypeVar("Answer")


class Answers(Generic[Answer]):
    """Matches answers to those who wait for them; others, and second ones, are of no use to anybody."""

    def __init__(self) -> None:
        self._waiting: dict[str, trio.MemorySendChannel[Answer]] = {}

    async def wait(self, call_id: str, seconds: float) -> Answer | None:
        """The answer, or None when it doesn't come within so many seconds."""
        sender, receiver = trio.open_memory_channel[Answer](1)
        self._waiting[call_id] = sender
        try:
            with trio.move_on_after(seconds):
                return await receiver.receive()
            return None
        finally:
            self._waiting.pop(call_id, None)

    def give(self, call_id: str, answer: Answer) -> None:
        """Take the answer to that call."""
        sender = self._waiting.pop(call_id, None)
        if sender is not None:
            sender.send_nowait(answer)
