"""`serve_agent`: the local agent on a port: signed URLs and conversations, as the service offers them."""

import secrets
from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import urlencode

import msgspec
import trio

from voxrun.audio.frame import Samples
from voxrun.localagent.conversation import Conversation
from voxrun.localagent.ears import Heard, Recogniser
from voxrun.localagent.extra import load_extra
from voxrun.localagent.script import DEFAULT_SCRIPT, Script, load_script
from voxrun.localagent.voice import Voice
from voxrun.session.services import in_thread
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

CONVERSATION_PATH = "/v1/convai/conversation"
SIGNED_URL_PATHS = (f"{CONVERSATION_PATH}/get-signed-url", f"{CONVERSATION_PATH}/get_signed_url")
SIGNATURE = "conversation_signature"

Offload = Callable[..., Awaitable[object]]
"""Does blocking work, as `Services.offload`."""


class _Agent:
    """What all connections share."""

    def __init__(self, script: Script, voice: Voice, recogniser: Recogniser, offload: Offload) -> None:
        self._script = script
        self._voice = voice
        self._recogniser = recogniser
        self._offload = offload
        self._recognising = trio.Lock()
        self._signature = f"cvtkn_{secrets.token_hex(16)}"

    async def handle(self, request: Request) -> Reply | Upgrade:
        """Answer one request. A conversation needs no signature, but one that is given must be ours."""
        if request.method not in ("GET", "HEAD"):
            return _refuse(405, "only GET is answered here")
        if request.path in SIGNED_URL_PATHS:
            return self._sign(request)
        if request.path != CONVERSATION_PATH:
            return _refuse(404, "not found")
        if request.query.get(SIGNATURE, self._signature) != self._signature:
            return _refuse(403, "this signature is not valid")
        return Upgrade(self._talk)

    def _sign(self, request: Request) -> Reply:
        if not request.headers.get("xi-api-key"):
            return _refuse(401, "the header xi-api-key is missing")
        agent_id = request.query.get("agent_id")
        if not agent_id:
            return _refuse(422, "agent_id is missing")
        host = request.headers.get("host", "127.0.0.1")
        query = urlencode({"agent_id": agent_id, SIGNATURE: self._signature})
        url = f"ws://{host}{CONVERSATION_PATH}?{query}"
        return Reply(200, msgspec.json.encode({"signed_url": url}))

    async def _talk(self, socket: WebSocket) -> None:
        await Conversation(socket, self._script, self._say, self._recognise).run()

    async def _say(self, text: str) -> Samples:
        return cast(Samples, await self._offload(self._voice.say, text))

    async def _recognise(self, utterance: list[Samples]) -> Heard:
        async with self._recognising:  # there is one decoder
            return cast(Heard, await self._offload(self._decode, utterance))

    def _decode(self, utterance: list[Samples]) -> Heard:
        for piece in utterance:
            self._recogniser.feed(piece)
        return self._recogniser.result()


def _refuse(status: int, detail: str) -> Reply:
    return Reply(status, msgspec.json.encode({"detail": detail}))


async def serve_agent(
    network: Network,
    host: str,
    port: int,
    script: str = "",
    *,
    offload: Offload = in_thread,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve conversations until cancelled; `task_status.started` gets the port.

    `script` is a TOML file, or empty for the one that ships. ConfigurationError when it is wrong, when its phrases
    can not be recognised, or when the extra is missing.
    """
    loaded = load_script(script or DEFAULT_SCRIPT)
    load_extra("webrtcvad")  # a caller's ears need it, and by then it's too late to say so
    recogniser = cast(Recogniser, await offload(Recogniser, loaded.phrases))
    agent = _Agent(loaded, Voice(), recogniser, offload)
    await serve(network, host, port, agent.handle, task_status=task_status)
