"""A scenario with a call and a WebSocket of its own, played in virtual time against a scripted peer."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from voxrun.testing import SimulatedCall, WebSocketPeer, simulate
from voxrun.testing.web import Answer

URL = "wss://ai.example/media"

SCENARIO = """
from voxrun import *
Encoding = WebSocketAudioEncoding

def tell(event):
    more = [getattr(event, field) for field in ("tag", "text", "code", "error") if hasattr(event, field)]
    Logger.write(" ".join([event.name.partition(".")[2], *map(str, more)]))

def connect(**parameters):
    ws = VoxEngine.createWebSocket("wss://ai.example/media", parameters)
    for event in (WebSocketEvents.CREATED, WebSocketEvents.OPEN, WebSocketEvents.MESSAGE, WebSocketEvents.ERROR,
                  WebSocketEvents.CLOSE, WebSocketEvents.MEDIA_STARTED, WebSocketEvents.MEDIA_ENDED):
        ws.addEventListener(event, tell)
    return ws

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
{body}
"""

Play = Callable[..., SimulatedCall]


def play_scenario(folder: Path, body: str, talk: Answer, **more: Any) -> SimulatedCall:
    """Run SCENARIO with `body` at its end; the call ends after 5 s if the caller does nothing."""
    path = folder / "scenario.py"
    ends = more.pop("ends", "    setTimeout(call.hangup, 5000)\n")
    path.write_text(SCENARIO.replace("{body}", ends + indent(dedent(body), "    ")))
    return simulate(path, **{"web": {URL: talk}, **more})


async def listen(peer: WebSocketPeer) -> None:
    """Say nothing, and hear all."""
    async for _ in peer:
        pass


def kinds(peer: WebSocketPeer) -> list[str]:
    """What came, shortly; media that follow one another are one."""
    found: list[str] = []
    for message in peer.messages:
        try:
            said = json.loads(message)
        except ValueError:
            said = None
        event = said.get("event") if isinstance(said, dict) else None
        kind = f"{event} {said[event].get('tag', '')}".strip() if event else message
        if not (kind.startswith("media") and kind in found[-1:]):
            found.append(kind)
    return found


def times(call: SimulatedCall, event: str) -> list[float]:
    """When the events of that name came."""
    return [one.time for one in call.events.named(event)]
