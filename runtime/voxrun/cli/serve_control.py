"""What `voxrun serve` answers beside calls: requests for its control API, or its supervisor's questions."""

from collections.abc import Callable

import trio

from voxrun.cli.serve_options import ServeOptions
from voxrun.serving.control import Key, serve_control
from voxrun.serving.host import Host
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.link import answer
from voxrun.serving.metrics import Metrics
from voxrun.serving.place import Place


async def open_control(options: ServeOptions, host: Host, stop: Callable[[], None], nursery: trio.Nursery) -> str:
    """Answer whom the options say; returns the control API's URL, which is another process's if this is a worker."""
    url = f"http://{options.control}"
    key = Key(options.control_token)
    if options.place is not None:
        desk = HostDesk(host, Metrics(host), stop, worker=options.place.number)
        nursery.start_soon(_answer, desk, options.place, stop)
    elif options.control:
        url = await nursery.start(serve_control, HostDesk(host, Metrics(host), stop), key, options.control)
    if options.control:
        host.access_url = lambda session: f"{url}{key.path_of(session)}"
    return url


async def _answer(desk: HostDesk, place: Place, stop: Callable[[], None]) -> None:
    """Answer the supervisor; once it is gone, end in good order."""
    async with place.open_link() as link:
        await answer(desk, link)
    stop()
