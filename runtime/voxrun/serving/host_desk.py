"""`HostDesk`: what may be asked of the one host of this process."""

from collections.abc import Callable

import trio

from voxrun.serving.desk import SessionInfo, Sessions
from voxrun.serving.host import Host
from voxrun.serving.metrics import Metrics
from voxrun.serving.routes import name_of
from voxrun.serving.running import Running
from voxrun.session.http_request import HttpAsk, HttpReply, reply_to
from voxrun.transports.server import Reply, Upgrade, problem


class HostDesk:
    """`end` drains the host, and then the process ends; it is what a signal does, too."""

    def __init__(self, host: Host, metrics: Metrics, end: Callable[[], None], worker: int = 0) -> None:
        self._host = host
        self._metrics = metrics
        self._end = end
        self._worker = worker

    async def sessions(self) -> Sessions:
        """See `Desk`."""
        return Sessions([self._info(running) for running in self._host.sessions.values()])

    async def show(self, session: str) -> SessionInfo | None:
        """See `Desk`."""
        running = self._host.sessions.get(session)
        return None if running is None else self._info(running)

    async def trace(self, session: str) -> list[str] | None:
        """See `Desk`."""
        running = self._host.sessions.get(session)
        if running is None:
            return None
        # Thousands of records: the media clock goes on meanwhile.
        return await trio.to_thread.run_sync(running.session.trace_log.lines)

    async def start(self, scenario: str, custom_data: str) -> SessionInfo:
        """See `Desk`."""
        named = self._host.settings.routes.named(scenario)
        return self._info(self._host.begin(named, customData=custom_data))

    async def request(self, session: str, ask: HttpAsk) -> HttpReply | None:
        """See `Desk`."""
        running = self._host.sessions.get(session)
        return None if running is None else await reply_to(running.session, ask)

    async def visit(self, session: str) -> Reply | Upgrade | None:
        """See `Desk`."""
        running = self._host.sessions.get(session)
        if running is None:
            return None
        refusal = await running.session.incoming.refusal()
        return Upgrade(running.session.incoming.take) if refusal is None else problem(refusal.status, refusal.content)

    async def hang_up(self, session: str) -> bool:
        """See `Desk`."""
        running = self._host.sessions.get(session)
        if running is not None:
            running.session.interrupt("ended from outside")
        return running is not None

    async def drain(self) -> None:
        """See `Desk`."""
        self._end()

    async def metrics(self) -> str:
        """See `Desk`."""
        return self._metrics.text()

    def _info(self, running: Running) -> SessionInfo:
        call, party = running.session.call, running.party
        return SessionInfo(
            id=running.id,
            scenario=name_of(running.scenario),
            caller=party.callerid if party else "",
            destination=party.destination if party else "",
            since=running.began.isoformat(timespec="milliseconds"),
            seconds=round(running.session.now(), 3),
            state=call.state() if call else "",
            worker=self._worker,
        )
