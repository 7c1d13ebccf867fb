"""`phone_server`: what takes calls in `voxrun serve`, in this process, for one scenario."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from voxrun.media.ticker import Ticker
from voxrun.serving.doors import Doors, Keys
from voxrun.serving.host import Host, HostSettings
from voxrun.serving.phone import BODY_LIMIT, MESSAGE_LIMIT, Phone
from voxrun.serving.routes import Routes
from voxrun.session.services import Services
from voxrun.session.watchdog import Watchdog
from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Limits, serve
from voxrun.transports.turnstile import Turnstile


@asynccontextmanager
async def phone_server(scenario: Path, services: Services, ticker: Ticker, max_calls: int) -> AsyncIterator[int]:
    """Its port. All may come in; the clock runs elsewhere."""
    host = Host(lambda _: services, ticker, HostSettings(routes=Routes(scenario), max_calls=max_calls))
    phone = Phone(host, Doors(Keys(), time.time, host.table))
    turnstile = Turnstile(max_calls, refusals=host.counters.refusals)
    limits = Limits(body=BODY_LIMIT, message=MESSAGE_LIMIT, turnstile=turnstile)

    async def listen(task_status: trio.TaskStatus[int]) -> None:
        await serve(TcpNetwork(), "127.0.0.1", 0, phone.handle, limits=limits, task_status=task_status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Watchdog(breaks_in=True).run)
        await nursery.start(host.run)
        yield await nursery.start(listen)
        nursery.cancel_scope.cancel()
