"""What `voxrun serve` answers beside calls: requests for its control API, or its supervisor's questions."""

from collections.abc import Callable

import trio

from voxrun.cli.serve_options import ServeOptions
from voxrun.serving.control import Key, serve_control
from voxrun.serving.host import Host
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.link import answer
from voxrun.serving.metrics import Metrics
from voxrun.serving.place import InheritedNetwork
from voxrun.transports.network import Network


async def open_control(
    options: ServeOptions, host: Host, network: Network, stop: Callable[[], None], nursery: trio.Nursery
) -> str:
    """Answer whom the options say; returns the control API's URL, which is another process's if this is a worker."""
    url = f"http://{options.control}"
    key = Key(options.control_token)
    if isinstance(network, InheritedNetwork):
        desk = HostDesk(host, Metrics(host), stop, worker=network.place.number)
        nursery.start_soon(_answer, desk, network, stop)
    elif options.control:
        url = await nursery.start(serve_control, HostDesk(host, Metrics(host), stop), key, options.control)
    if options.control:
        host.access_url = lambda session: f"{url}{key.path_of(session)}"
    return url


async def _answer(desk: HostDesk, network: InheritedNetwork, stop: Callable[[], None]) -> None:
    """Answer the supervisor; once it is gone, leave the port to the next one, and end in good order."""
    async with network.place.open_link() as link:
        await answer(desk, link)
    network.leave()
    stop()
