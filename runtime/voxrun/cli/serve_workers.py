"""`voxrun serve --workers N`: the process that the worker processes have above them."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import trio

from voxrun.api.language import language_of
from voxrun.cli.interrupt import Interruption
from voxrun.cli.serve_log import Log, tell_refusals
from voxrun.cli.serve_options import MOST_SILENT, MOST_SILENT_OF_ALL, ServeOptions
from voxrun.serving.control import LIMITS, Key, serve_control
from voxrun.serving.supervisor import Supervisor
from voxrun.session.loader import read
from voxrun.transports.network import TcpNetwork
from voxrun.transports.turnstile import Turnstile


async def serve_workers(options: ServeOptions, arguments: Sequence[str], log: Log) -> None:
    """Have `options.workers` processes serve until a signal says to stop; each gets the same `arguments`."""
    listeners = await TcpNetwork().listeners(options.host, options.port)
    sockets = [listener.socket for listener in listeners]
    tell = log.tell
    check = partial(options.settings.routes.mistakes, lambda scenario: read(scenario, language_of(scenario)))
    supervisor = Supervisor(options.workers, [it.fileno() for it in sockets], options.drain, tell, check)
    # -P: what lies in the current folder is no module of ours.
    command = [sys.executable, "-P", "-m", "voxrun", "serve", *_open_ended(arguments)]
    told = None
    if options.env_file is not None:  # which may be gone, or changed, when a worker is replaced
        command += ["--env-file", "/dev/stdin"]
        told = "".join(f'{name}="{value}"\n' for name, value in options.env_file.items()).encode()
    async with trio.open_nursery() as nursery:
        interruption = Interruption(partial(nursery.cancel_scope.cancel, reason="interrupted"))
        interruption.end = supervisor.end
        with interruption.on_signals():
            if options.control:
                key = Key(options.control_token, options.control_url)
                turnstile = Turnstile(float("inf"), MOST_SILENT, MOST_SILENT_OF_ALL)
                nursery.start_soon(tell_refusals, turnstile.refusals, log)
                limits = replace(LIMITS, turnstile=turnstile)
                url = await nursery.start(serve_control, supervisor, key, options.control, limits)
                command += ["--control", url.removeprefix("http://")]
                tell(f"the control API is at {url}")
            where = options.where(sockets[0].getsockname()[1])
            nursery.start_soon(_announce, supervisor, where, tell)
            await supervisor.run([*command, "--worker"], told)
            tell("all workers have ended")
        nursery.cancel_scope.cancel(reason="the server ends")


async def _announce(supervisor: Supervisor, where: str, tell: Callable[[str], None]) -> None:
    await supervisor.ready.wait()
    tell(f"calls are taken on {where}")


def _open_ended(arguments: Sequence[str]) -> list[str]:
    """With options after them still being some: a scenario that comes after `--` is spelt as one that needs none."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:at], *(os.path.join(os.curdir, scenario) for scenario in arguments[at + 1 :])]
