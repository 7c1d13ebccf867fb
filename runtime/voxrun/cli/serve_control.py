"""What `voxrun serve` answers beside calls: requests for its control API, or its supervisor's questions."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import trio

from voxrun.cli.serve_options import MOST_SILENT, MOST_SILENT_OF_ALL, ServeOptions
from voxrun.serving.control import LIMITS, Key, serve_control, visited
from voxrun.serving.host import Host
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.link import answer
from voxrun.serving.metrics import Metrics
from voxrun.serving.place import InheritedNetwork
from voxrun.serving.visits import take_visits
from voxrun.transports.network import Network
from voxrun.transports.turnstile import Turnstile


async def open_control(
    options: ServeOptions, host: Host, network: Network, stop: Callable[[], None], nursery: trio.Nursery
) -> str:
    """Answer whom the options say; returns the control API's URL, which is another process's if this is a worker."""
    url = f"http://{options.control}"
    key = Key(options.control_token, options.control_url)
    if isinstance(network, InheritedNetwork):
        desk = HostDesk(host, Metrics(host), stop, worker=network.place.number)
        visits = network.place.open_visits()
        nursery.start_soon(take_visits, visits, partial(visited, desk, key), LIMITS, nursery)
        nursery.start_soon(_answer, desk, network, stop)
    elif options.control:
        desk = HostDesk(host, Metrics(host), stop)
        turnstile = Turnstile(float("inf"), MOST_SILENT, MOST_SILENT_OF_ALL, host.counters.refusals)
        url = await nursery.start(serve_control, desk, key, options.control, replace(LIMITS, turnstile=turnstile))
    if options.control:
        host.access_url = partial(key.url_of, place=url)
    return url


async def _answer(desk: HostDesk, network: InheritedNetwork, stop: Callable[[], None]) -> None:
    """Answer the supervisor; once it is gone, leave the port to the next one, and end in good order."""
    async with network.place.open_link() as link:
        await answer(desk, link)
    network.leave()
    stop()
