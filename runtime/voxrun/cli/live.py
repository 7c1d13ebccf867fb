"""`LiveView`: the conversation above, two level meters below, for a terminal."""

import json
from collections.abc import Callable

import trio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from voxrun.audio.level import dbfs
from voxrun.cli.view import INDENT
from voxrun.media.call import Call, CallState
from voxrun.trace.words import line_of

REFRESH_SECONDS = 0.1
QUIET_DBFS = -60.0
WIDTH = 24

_STYLES = {"caller": "cyan", "agent": "green", "scenario": "magenta", "warning": "yellow", "error": "bold red"}


class LiveView:
    """Lines scroll by; the meters stay. `call` tells whose levels to show, None before there is a call."""

    def __init__(self, call: Callable[[], Call | None], console: Console | None = None) -> None:
        self._call = call
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def show(self, line: str) -> None:
        """Show one record of the trace, given as a line of JSON."""
        record = json.loads(line)
        shown = line_of(record)
        if shown is not None:
            who, what = shown
            console = self._live.console
            lines = Text(what).wrap(console, max(console.width - INDENT, INDENT))
            said = Text("\n" + " " * INDENT).join(lines)
            head = ((f"{record['t']:7.2f}  ", "dim"), (f"{who:<9} ", _STYLES.get(who, "bold")))
            console.print(Text.assemble(*head, said))

    async def run(self) -> None:
        """Keep the meters moving until cancelled."""
        with self._live:
            while True:
                self._live.update(self._meters(), refresh=True)
                await trio.sleep(REFRESH_SECONDS)

    def _meters(self) -> Text:
        call = self._call()
        if call is None or call.state() != CallState.CONNECTED:
            return Text()
        return Text(f"  caller {meter(dbfs(call.said))}   agent {meter(dbfs(call.heard))}")


def meter(level: float) -> str:
    """A bar for a level in dBFS: empty at -60 and below, full at 0."""
    share = (max(level, QUIET_DBFS) - QUIET_DBFS) / -QUIET_DBFS
    filled = round(share * WIDTH)
    return "▮" * filled + "▯" * (WIDTH - filled)
