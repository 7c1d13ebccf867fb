"""`Host`: many sessions in one process, each on its own: what becomes of one is no other's concern."""

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from voxrun.errors import DeviceError
from voxrun.media.leg import Leg, Party
from voxrun.media.recorded_leg import RecordedLeg
from voxrun.media.ticker import Ticker
from voxrun.serving.common_table import CommonTable
from voxrun.serving.counters import Counters
from voxrun.serving.desk import Refused
from voxrun.serving.load import Load
from voxrun.serving.routes import Routes
from voxrun.serving.running import Observer, Running
from voxrun.serving.trace_file import trace_into
from voxrun.session.services import Services
from voxrun.session.session import IDLE_AFTER_CALL_SECONDS, IDLE_SECONDS, Session
from voxrun.transports.wav import WavWriter

LONGEST_HESITATION = 25
"""Looks, of which there is one for each session or connection more than the worker with the fewest has."""

_HANDICAP = 1_000_000
"""So many sessions more a worker that takes none counts as having."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """`record` and `trace` are folders, in which each session has a file that is called by its id."""

    routes: Routes
    max_calls: int = 100
    """Sessions at once, those without a call included, in all processes that share the host's table."""
    record: Path | None = None
    trace: Path | None = None
    idle_seconds: float = IDLE_AFTER_CALL_SECONDS


class Host:
    """Runs sessions in tasks of its own, from `run`. `services_for` makes what one session of a scenario gets."""

    def __init__(
        self,
        services_for: Callable[[Path], Services],
        ticker: Ticker,
        settings: HostSettings,
        table: CommonTable | None = None,
    ) -> None:
        self.table = table or CommonTable()
        self.ticker = ticker
        self.settings = settings
        self.counters = Counters()
        self.load = Load(ticker)
        self.sessions: dict[str, Running] = {}
        """Those that run, by their ids, the oldest first."""
        self.observers: list[Observer] = []
        self.access_url: Callable[[str], str] = lambda session: ""
        """The control URL of a session, by its id."""
        self.draining = False
        self._services_for = services_for
        self._nursery: trio.Nursery
        self._news = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Own the sessions until cancelled; start it with `nursery.start`."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self.load.watch)
            task_status.started()
            await trio.sleep_forever()

    def admit(self) -> None:
        """Refused when there can be no further session now."""
        if self.draining:
            self._refuse("no new calls are taken: the server is about to end", "drain")
        if self.table.sessions >= self.settings.max_calls:
            self._refuse_busy()
        if self.load.is_overloaded:
            self._refuse(f"the server is overloaded: {self.load.words}", "overload")

    def hesitation(self) -> int:
        """For how many looks a connection is left to other workers: those who have less to do, or who take some."""
        takes_none = self.draining or self.load.is_overloaded
        return min(self.table.excess(_HANDICAP * takes_none), LONGEST_HESITATION)

    def begin(
        self,
        scenario: Path,
        *,
        leg: Leg | None = None,
        party: Party | None = None,
        dialect: str = "",
        customData: str = "",
    ) -> Running:
        """Begin a session as a task of the host's. Refused when there can be none now."""
        self.admit()
        idle_seconds = IDLE_SECONDS if leg is None else self.settings.idle_seconds
        session = Session(scenario, self._services_for(scenario), self.ticker, idle_seconds=idle_seconds)
        session.custom_data = customData
        session.takes = f"{session.id}-"
        session.access_url = self.access_url(session.id)
        running = Running(session, scenario, party, dialect)
        if not self.table.take(self.settings.max_calls):  # another process was faster
            self._refuse_busy()
        self.sessions[session.id] = running
        if leg is not None:
            self.counters.calls[dialect] += 1
        for observer in self.observers:
            observer.began(running)
        session.trace_log.introduce(scenario=str(scenario), session=session.id)
        self._nursery.start_soon(self._run, running, leg)
        return running

    async def drain(self, seconds: float) -> None:
        """Take no more calls, wait for those that run, and end what is left after so many seconds."""
        self.draining = True
        with trio.move_on_after(seconds):
            await self._all_over()
        for running in tuple(self.sessions.values()):
            running.session.interrupt("the server ends")
        await self._all_over()

    async def _all_over(self) -> None:
        while self.sessions:
            self._news = trio.Event()
            await self._news.wait()

    async def _run(self, running: Running, leg: Leg | None) -> None:
        session = running.session
        try:
            async with AsyncExitStack() as files:
                if self.settings.trace is not None:
                    path = self.settings.trace / f"{session.id}.jsonl"
                    await files.enter_async_context(trace_into(session, path))
                recorded = leg if leg is None else await self._recorded(running, leg, files)
                running.outcome = await session.run(recorded, running.party)
        finally:
            self._end(running)

    async def _recorded(self, running: Running, leg: Leg, files: AsyncExitStack) -> Leg:
        """`leg`, into a file of the session's if that is wanted and possible."""
        if self.settings.record is None:
            return leg
        session = running.session
        path = self.settings.record / f"{session.id}.wav"
        try:
            writer = await session.offload(partial(WavWriter, path, rate=leg.rate, channels=2))
        except OSError as error:
            session.broke(DeviceError(f"{path} can't be written: {error.strerror}; the call goes on"))
            return leg
        files.push_async_callback(_closed, session, writer)
        return RecordedLeg(leg, writer, str(path))

    def _end(self, running: Running) -> None:
        del self.sessions[running.id]
        self.table.give_back()
        error = running.outcome and running.outcome.error
        self.counters.sessions[type(error).__name__ if error else "well" if running.outcome else "cancelled"] += 1
        running.over.set()
        self._news.set()
        for observer in self.observers:
            observer.ended(running)

    def _refuse_busy(self) -> None:
        self._refuse(f"{self.settings.max_calls} calls run already, as many as may", "busy")

    def _refuse(self, message: str, reason: str) -> None:
        self.counters.refusals[reason] += 1
        raise Refused(message, reason)


async def _closed(session: Session, writer: WavWriter) -> None:
    """A call that nobody answered leaves its file open."""
    with suppress(OSError), trio.CancelScope(shield=True):
        await session.offload(writer.close)
