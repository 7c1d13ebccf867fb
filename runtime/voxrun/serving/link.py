"""`Link`: a worker's desk, asked by its supervisor over a socket that both inherited: `Asking` and `answer`.

Each message is a JSON object after its length in four bytes. An answer names the question it is for, so a slow one
holds up nobody. Either side learns of the other's death by the end of the stream.
"""

import time
from contextlib import suppress
from typing import Any, Literal

import msgspec
import trio

from voxrun.errors import ConfigurationError
from voxrun.serving.desk import Desk, Refused, SessionInfo, Sessions
from voxrun.session.http_request import HttpAsk, HttpReply

ANSWER_SECONDS = 5.0
"""How long a worker may take to answer what nobody else can."""

SOON_SECONDS = 1.0
"""How long it may take for a part of a list, or to begin a session."""

LENGTH_BYTES = 4
_RECEIVE = 64 * 1024
READY = 0
"""The number of the message by which a worker says that it takes calls."""


class Question(msgspec.Struct, omit_defaults=True):
    """Which of the desk's functions to call, with which arguments."""

    number: int
    function: Literal["sessions", "show", "trace", "start", "request", "hang_up", "drain", "metrics"]
    session: str = ""
    scenario: str = ""
    custom_data: str = ""
    until: float = 0.0
    """From when on a session must not begin any more, on the clock that all processes have: another worker has it."""
    request: HttpAsk | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """What the function returned, or how it was refused; `reason` is empty for a ConfigurationError."""

    number: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    refusal: str | None = None
    reason: str = ""


class Asking:
    """A worker's desk as the supervisor sees it. Refused when it is dead, or too slow."""

    def __init__(self, stream: trio.abc.Stream, worker: int) -> None:
        self.worker = worker
        self.ready = trio.Event()
        """Set once it takes calls."""
        self.heard_out = trio.Event()
        """Set once nothing more can come from it: it is gone."""
        self.starting = 0
        """Sessions that it was asked to begin, and has not answered for yet."""
        self._stream = stream
        self._sending = trio.Lock()
        self._serial = 0
        self._waiting: dict[int, tuple[trio.Event, list[Answer]]] = {}

    async def listen(self) -> None:
        """Take the answers until the worker is gone."""
        received = bytearray()
        while message := await _receive(self._stream, received):
            answer = msgspec.json.decode(message, type=Answer)
            if answer.number == READY:
                self.ready.set()
            elif answer.number in self._waiting:
                came, answers = self._waiting[answer.number]
                answers.append(answer)
                came.set()
        for came, _ in self._waiting.values():
            came.set()
        self.heard_out.set()

    async def sessions(self) -> Sessions:
        """See `Desk`."""
        sessions: Sessions = await self._ask("sessions", Sessions, SOON_SECONDS)
        return sessions

    async def show(self, session: str) -> SessionInfo | None:
        """See `Desk`."""
        info: SessionInfo | None = await self._ask("show", SessionInfo | None, ANSWER_SECONDS, session=session)
        return info

    async def trace(self, session: str) -> list[str] | None:
        """See `Desk`."""
        lines: list[str] | None = await self._ask("trace", list[str] | None, ANSWER_SECONDS, session=session)
        return lines

    async def start(self, scenario: str, custom_data: str) -> SessionInfo:
        """See `Desk`."""
        asked = {"scenario": scenario, "custom_data": custom_data, "until": time.monotonic() + SOON_SECONDS}
        self.starting += 1
        try:
            info: SessionInfo = await self._ask("start", SessionInfo, 2 * SOON_SECONDS, **asked)
        finally:
            self.starting -= 1
        return info

    async def request(self, session: str, ask: HttpAsk) -> HttpReply | None:
        """See `Desk`."""
        reply: HttpReply | None = await self._ask(
            "request", HttpReply | None, ANSWER_SECONDS, session=session, request=ask
        )
        return reply

    async def hang_up(self, session: str) -> bool:
        """See `Desk`."""
        there_was: bool = await self._ask("hang_up", bool, ANSWER_SECONDS, session=session)
        return there_was

    async def drain(self) -> None:
        """See `Desk`; who does not answer does so later, or is gone."""
        with suppress(Refused):
            await self._ask("drain", None, ANSWER_SECONDS)

    async def metrics(self) -> str:
        """See `Desk`."""
        text: str = await self._ask("metrics", str, SOON_SECONDS)
        return text

    async def _send(self, question: Question) -> None:
        async with self._sending:
            with trio.move_on_after(ANSWER_SECONDS, shield=True) as sending:
                await _send(self._stream, question)
            if sending.cancelled_caught:  # in the middle of it: whoever reads so slowly is as good as dead
                await trio.aclose_forcefully(self._stream)

    async def _ask(self, function: Any, kind: Any, seconds: float, **arguments: Any) -> Any:
        """What the worker's desk returned; Refused when there was no answer in time."""
        self._serial += 1
        question = Question(self._serial, function, **arguments)
        came, answers = self._waiting[question.number] = trio.Event(), []
        try:
            with trio.move_on_after(seconds), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._send(question)
                await came.wait()
        finally:
            del self._waiting[question.number]
        if not answers:
            raise Refused(f"worker {self.worker} does not answer", "worker")
        answer = answers[0]
        if answer.refusal is None:
            return msgspec.json.decode(answer.result, type=kind)
        raise Refused(answer.refusal, answer.reason) if answer.reason else ConfigurationError(answer.refusal)


async def answer(desk: Desk, stream: trio.abc.Stream) -> None:
    """Say that this worker is ready, then answer the supervisor's questions until it is gone."""
    received = bytearray()
    sending = trio.Lock()

    async def send(message: Answer) -> None:
        with suppress(trio.BrokenResourceError):
            async with sending:
                await _send(stream, message)

    async def reply(question: Question) -> None:
        await send(await _answered(desk, question))

    await send(Answer(READY))
    async with trio.open_nursery() as nursery:
        while message := await _receive(stream, received):
            nursery.start_soon(reply, msgspec.json.decode(message, type=Question))
        nursery.cancel_scope.cancel(reason="the supervisor is gone")


async def _answered(desk: Desk, question: Question) -> Answer:
    result: object
    try:
        match question.function:
            case "start" if time.monotonic() > question.until:
                raise Refused("nobody waits for this session any more", "late")
            case "start":
                result = await desk.start(question.scenario, question.custom_data)
            case "request" if question.request is not None:
                result = await desk.request(question.session, question.request)
            case "show" | "trace" | "hang_up":
                result = await getattr(desk, question.function)(question.session)
            case _:
                result = await getattr(desk, question.function)()
    except ConfigurationError as error:
        return Answer(question.number, refusal=str(error))
    except Refused as error:
        return Answer(question.number, refusal=str(error), reason=error.reason)
    return Answer(question.number, msgspec.Raw(msgspec.json.encode(result)))


async def _send(stream: trio.abc.Stream, message: msgspec.Struct) -> None:
    body = msgspec.json.encode(message)
    await stream.send_all(len(body).to_bytes(LENGTH_BYTES) + body)


async def _receive(stream: trio.abc.Stream, received: bytearray) -> bytes | None:
    """The next message; None once the other side is gone. `received` keeps what came of those after it."""
    while True:
        length = LENGTH_BYTES + int.from_bytes(received[:LENGTH_BYTES])
        if len(received) >= LENGTH_BYTES and len(received) >= length:
            message = bytes(received[LENGTH_BYTES:length])
            del received[:length]
            return message
        try:
            data = await stream.receive_some(_RECEIVE)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        if not data:
            return None
        received += data
