"""`voxrun agent`: the local agent as a server of its own."""

import argparse
from functools import partial

import trio

from voxrun.cli.arguments import CommandParser
from voxrun.cli.interrupt import Interruption
from voxrun.cli.output import say
from voxrun.cli.status import OK
from voxrun.localagent.server import serve_agent
from voxrun.transports.network import TcpNetwork

DESCRIPTION = """\
Serve an agent that speaks the ElevenLabs Agents protocol, the WebSocket and the signed-URL
request, and text-to-speech (stream-input), on one port.
Any agent id and any key will do, unless the script lists them. Point a client at it
with its base URL, here http://127.0.0.1:8765 (createAgentsClient has `baseUrl`).
"""

EPILOG = """\
exit status: 0 ended by a signal, 2 wrong use, or the port is taken
"""

_LAST_PORT = 65535


def agent(arguments: list[str]) -> int:
    """Serve until interrupted; returns the exit status."""
    parser = CommandParser("voxrun agent", DESCRIPTION, EPILOG)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8765, help="the port; 0 takes a free one (%(default)s)")
    parser.add_argument("--script", metavar="FILE.toml", default="", help="what it expects to hear and what it answers")
    options = parser.parse(arguments)
    trio.run(_serve, options.host, options.port, options.script)
    return OK


def _port(text: str) -> int:
    """ArgumentTypeError for what is no port number."""
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: it is a number from 0 to {_LAST_PORT}")
    return port


async def _serve(host: str, port: int, script: str) -> None:
    async with trio.open_nursery() as nursery:
        with Interruption(partial(nursery.cancel_scope.cancel, reason="interrupted")).on_signals():
            bound = await nursery.start(serve_agent, TcpNetwork(), host, port, script)
            say(f"the local agent listens on http://{host}:{bound}")
            await trio.sleep_forever()
