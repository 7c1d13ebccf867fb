"""`Supervisor`: several worker processes behind one port; one that dies is replaced, and hurts no other."""

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import TypeVar

import trio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from voxrun.errors import ConfigurationError, VoxrunError
from voxrun.serving.common_table import CommonTable
from voxrun.serving.desk import Refused, SessionInfo, Sessions
from voxrun.serving.link import Asking
from voxrun.serving.place import Place
from voxrun.serving.totals import Totals
from voxrun.serving.visits import Visits
from voxrun.session.http_request import HttpAsk, HttpReply
from voxrun.transports.server import Handover

T = TypeVar("T")

FIRST_DELAY = 0.1
"""Seconds before a dead worker is replaced; twice as long each time that the next one dies soon."""

LONGEST_DELAY = 10.0

SOON_SECONDS = 30.0
"""After a longer life than this the first delay is enough again."""

CUSHION_SECONDS = 25.0
"""How much longer than its drain a worker may take to end before it is killed: what its sessions have begun to ask
others has 5 s, their handlers of Terminating as much, so has what these ask, and so have handlers of Terminated; then
files are completed.
"""

LOOK_SECONDS = 1.0
"""Between two looks at whether a scenario that can't be read has been mended."""

PULSE_SECONDS = 5.0
"""Between two questions whether a worker still does anything; each waits as long for its answer."""

MOST_UNANSWERED = 6
"""So many in a row, a minute, mean that it stands still, in code that even the watchdog can't break into."""

LAST_WORDS_SECONDS = 1.0
"""How long one is still listened to that has ended: what it said before, that it takes calls for one, counts."""

AT_ONCE_SECONDS = 2.0
"""How long one may take that has to end at once: it completes its files."""


class Supervisor:
    """Runs `count` processes that inherit the file descriptors `listening`; it is the common `Desk` of their hosts."""

    def __init__(
        self,
        count: int,
        listening: Sequence[int],
        drain_seconds: float,
        say: Callable[[str], None],
        check: Callable[[], object],
    ) -> None:
        """`check`, in a thread, raises a VoxrunError as long as nothing of what the processes serve can be read."""
        self.restarts = 0
        self.ready = trio.Event()
        """Set once all workers take calls."""
        self._numbers = range(1, count + 1)
        self._listening = tuple(listening)
        self._drain_seconds = drain_seconds
        self._say = say
        self._check = check
        self._folder = _current_folder()
        self._workers: dict[int, Asking] = {}
        self._visits: dict[int, Visits] = {}
        self._table: CommonTable
        self._totals = Totals()
        self._told: bytes | None = None
        self._ending = trio.Event()

    async def run(self, command: Sequence[str], told: bytes | None = None) -> None:
        """Keep `command` running, with a place as its last argument, until `end` and until the last has ended.

        Each finds what it is `told` on its standard input. A cancel ends them at once. ConfigurationError when one ends
        before all have begun to take calls.
        """
        self._told = told
        with TemporaryFile() as file, ExitStack() as sockets:
            self._visits = {number: sockets.enter_context(closing(Visits())) for number in self._numbers}
            os.truncate(file.fileno(), CommonTable.size(len(self._numbers)))
            self._table = CommonTable(file.fileno())
            async with trio.open_nursery() as nursery:
                for number in self._numbers:
                    nursery.start_soon(self._keep, partial(self._work, command, number, file.fileno()), number)

    def end(self) -> None:
        """Have every worker drain, and then end; replace none any more."""
        self._ending.set()

    async def sessions(self) -> Sessions:
        """See `Desk`."""
        told: list[SessionInfo] = []
        silent: list[int] = []

        async def ask(desk: Asking) -> None:
            try:
                told.extend((await desk.sessions()).sessions)
            except Refused:
                silent.append(desk.worker)

        await self._ask_all(ask)
        return Sessions(sorted(told, key=lambda info: info.since), sorted(silent))

    async def show(self, session: str) -> SessionInfo | None:
        """See `Desk`."""
        return await self._ask_whose(lambda desk: desk.show(session))

    async def trace(self, session: str) -> list[str] | None:
        """See `Desk`."""
        return await self._ask_whose(lambda desk: desk.trace(session))

    async def start(self, scenario: str, custom_data: str) -> SessionInfo:
        """See `Desk`; the worker with the fewest sessions is asked first."""
        if self._ending.is_set():
            raise Refused("no new calls are taken: the server is about to end", "drain")
        refusal = Refused("no worker takes calls just now", "worker")
        for desk in sorted(self._taking_calls(), key=self._sessions_of):
            try:
                return await desk.start(scenario, custom_data)
            except Refused as error:
                refusal = error
        raise refusal

    async def request(self, session: str, ask: HttpAsk) -> HttpReply | None:
        """See `Desk`."""
        return await self._ask_whose(lambda desk: desk.request(session, ask))

    async def visit(self, session: str) -> Handover | None:
        """See `Desk`: the worker that has the session answers."""
        info = await self.show(session)
        return None if info is None else Handover(self._visits[info.worker].hand_over)

    async def hang_up(self, session: str) -> bool:
        """See `Desk`."""
        return bool(await self._ask_whose(lambda desk: desk.hang_up(session)))

    async def drain(self) -> None:
        """See `Desk`."""
        self.end()

    async def metrics(self) -> str:
        """See `Desk`."""
        await self._ask_all(self._note_figures)
        return self._totals.text(
            [
                GaugeMetricFamily("voxrun_workers", "Worker processes that run", len(self._workers)),
                CounterMetricFamily("voxrun_worker_restarts", "Workers that died and were replaced", self.restarts),
            ]
        )

    async def _keep(self, work: Callable[[], Awaitable[int | None]], number: int) -> None:
        delay = FIRST_DELAY
        while not self._ending.is_set():
            began = trio.current_time()
            try:
                status = await work()
                fate = f"has ended (status {status})"
            except OSError as error:  # no descriptors, no memory, no Python there any more: the others' calls go on
                fate = f"can't begin ({error.strerror or error})"
            loss = ", its calls with it" if self._table.sessions_in(number) else ""
            self._table.forget(number)
            if self._ending.is_set():
                return
            if not self.ready.is_set():
                raise ConfigurationError(f"worker {number} {fate}, and took no calls yet: see above")
            delay = FIRST_DELAY if trio.current_time() - began > SOON_SECONDS else delay
            self._say(f"worker {number} {fate}{loss}; another begins in {delay:g} s")
            with trio.move_on_after(delay):
                await self._ending.wait()
            await self._mended(number)
            delay = min(delay * 2, LONGEST_DELAY)
            self.restarts += not self._ending.is_set()

    async def _mended(self, number: int) -> None:
        """Wait until a worker can read what it is to serve: without this, one after the other would begin in vain."""
        told = ""
        while not self._ending.is_set():
            try:
                await trio.to_thread.run_sync(self._check)
                return
            except VoxrunError as error:
                wrong = f"worker {number} waits until this is mended: {str(error).splitlines()[0]}"
            if wrong != told:
                self._say(wrong)
            told = wrong
            with trio.move_on_after(LOOK_SECONDS):
                await self._ending.wait()

    async def _work(self, command: Sequence[str], number: int, table: int) -> int | None:
        """One worker's life; returns its exit status, negative for a signal. OSError when it can't begin."""
        process, stream = await self._open(command, number, table)
        desk = Asking(stream, number)
        self._workers[number] = desk
        try:
            async with stream, trio.open_nursery() as nursery:
                nursery.start_soon(self._tell, process)
                nursery.start_soon(desk.listen)
                nursery.start_soon(self._note_readiness, desk)
                nursery.start_soon(self._see_off, process, desk)
                nursery.start_soon(self._feel_pulse, process, desk)
                await process.wait()
                with trio.move_on_after(LAST_WORDS_SECONDS):  # a process that it began may hold its end of the link
                    await desk.heard_out.wait()
                nursery.cancel_scope.cancel(reason="the worker has ended")
        finally:
            del self._workers[number]
            self._totals.forget(number)
            if process.returncode is None:
                await _end_at_once(process)
        return process.returncode

    async def _open(self, command: Sequence[str], number: int, table: int) -> tuple[trio.Process, trio.SocketStream]:
        """A worker, and the link to it."""
        if sys.platform == "win32":
            raise NotImplementedError("there are no --workers there")
        near, far = socket.socketpair()
        place = Place(number, far.fileno(), self._visits[number].far.fileno(), table, self._listening)
        # A group of its own: what is typed at the terminal reaches the supervisor, which tells the workers once.
        with far:
            try:
                process = await trio.lowlevel.open_process(
                    [*command, str(place)],
                    pass_fds=(place.link, place.visits, place.table, *place.listening),
                    process_group=0,
                    stdin=None if self._told is None else PIPE,
                    cwd=self._home(),
                )
            except BaseException:
                near.close()
                raise
        return process, trio.SocketStream(trio.socket.from_stdlib_socket(near))

    async def _tell(self, process: trio.Process) -> None:
        """Not by its arguments, which all users of this machine can read."""
        if process.stdin is not None:
            async with process.stdin:
                with suppress(trio.BrokenResourceError):
                    await process.stdin.send_all(self._told or b"")

    def _home(self) -> str | None:
        """Where a worker begins: in the folder of the name that ours has, or had, if another has been made since."""
        return self._folder if os.path.isdir(self._folder) else None

    async def _note_figures(self, desk: Asking) -> None:
        """Take a worker's figures, unless it has died since: those count already, and the next one is another."""
        with suppress(Refused):
            text = await desk.metrics()
            if self._workers.get(desk.worker) is desk:
                self._totals.tell(desk.worker, text)

    async def _note_readiness(self, desk: Asking) -> None:
        await desk.ready.wait()
        if all(number in self._workers and self._workers[number].ready.is_set() for number in self._numbers):
            self.ready.set()

    async def _see_off(self, process: trio.Process, desk: Asking) -> None:
        """Once all is to end, have a worker drain, and kill it if it takes too long.

        Not by a signal, if it can be helped: whoever sent us one, as systemd does, may have sent it to the workers as
        well, and their second one ends all calls at once.
        """
        await self._ending.wait()
        if desk.ready.is_set():
            await desk.drain()
        else:
            process.terminate()
        await trio.sleep(self._drain_seconds + CUSHION_SECONDS)
        process.kill()

    async def _feel_pulse(self, process: trio.Process, desk: Asking) -> None:
        """Kill a worker that stands still: its calls would be silent for good, and count as if they were live."""
        await desk.ready.wait()
        unanswered = 0
        while unanswered < MOST_UNANSWERED:
            await trio.sleep(PULSE_SECONDS)
            try:
                await desk.show("")
                unanswered = 0
            except Refused:
                unanswered += 1
        self._say(f"worker {desk.worker} stands still, and its calls with it: it is killed")
        process.kill()

    def _sessions_of(self, desk: Asking) -> int:
        """Those about to begin included: of many that are asked for at once, none shows in the table yet."""
        return self._table.sessions_in(desk.worker) + desk.starting

    def _taking_calls(self) -> list[Asking]:
        return [desk for desk in self._workers.values() if desk.ready.is_set()]

    async def _ask_all(self, ask: Callable[[Asking], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            for desk in self._taking_calls():
                nursery.start_soon(ask, desk)

    async def _ask_whose(self, question: Callable[[Asking], Awaitable[T]]) -> T | None:
        """What the worker answers that has the session; None when there is none, Refused when one is silent."""
        found: list[T] = []
        silent: list[Refused] = []
        waiting = trio.CancelScope()

        async def ask(desk: Asking) -> None:
            try:
                answer = await question(desk)
            except Refused as error:
                silent.append(error)
                return
            if answer is not None and answer is not False:  # a trace may be empty
                found.append(answer)
                waiting.cancel(reason="nobody else has it")

        with waiting:
            await self._ask_all(ask)
        if silent and not found:
            raise silent[0]
        return found[0] if found else None


def _current_folder() -> str:
    """Empty if it is gone."""
    with suppress(FileNotFoundError):
        return os.getcwd()
    return ""


async def _end_at_once(process: trio.Process) -> None:
    """The second signal does that. They are of two kinds, lest the system make one of them."""
    process.send_signal(signal.SIGINT)
    process.terminate()
    with trio.CancelScope(shield=True):
        with trio.move_on_after(AT_ONCE_SECONDS):
            await process.wait()
        process.kill()
        await process.wait()
