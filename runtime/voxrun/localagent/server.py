"""`serve_agent`: the local agent on a port: signed URLs and conversations, as the service offers them."""

import secrets

import msgspec
import trio

from voxrun.audio.frame import Samples
from voxrun.localagent.conversation import Conversation
from voxrun.localagent.ears import Heard, Recogniser
from voxrun.localagent.script import DEFAULT_SCRIPT, Script, load_script
from voxrun.localagent.voice import Voice
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

CONVERSATION_PATH = "/v1/convai/conversation"
SIGNED_URL_PATHS = (f"{CONVERSATION_PATH}/get-signed-url", f"{CONVERSATION_PATH}/get_signed_url")
SIGNATURE = "conversation_signature"


class _Agent:
    """What all connections share."""

    def __init__(self, script: Script, voice: Voice, recogniser: Recogniser) -> None:
        self._script = script
        self._voice = voice
        self._recogniser = recogniser
        self._recognising = trio.Lock()
        self._signatures: set[str] = set()

    async def handle(self, request: Request) -> Reply | Upgrade:
        """Answer one request. A conversation needs no signature, but one that is given must be ours."""
        if request.path in SIGNED_URL_PATHS:
            return self._sign(request)
        if request.path != CONVERSATION_PATH:
            return _refuse(404, "not found")
        signature = request.query.get(SIGNATURE)
        if signature is not None and signature not in self._signatures:
            return _refuse(403, "this signature is not valid")
        return Upgrade(self._talk)

    def _sign(self, request: Request) -> Reply:
        if not request.headers.get("xi-api-key"):
            return _refuse(401, "the header xi-api-key is missing")
        agent_id = request.query.get("agent_id")
        if not agent_id:
            return _refuse(422, "agent_id is missing")
        signature = f"cvtkn_{secrets.token_hex(16)}"
        self._signatures.add(signature)
        host = request.headers.get("host", "127.0.0.1")
        url = f"ws://{host}{CONVERSATION_PATH}?agent_id={agent_id}&{SIGNATURE}={signature}"
        return Reply(200, msgspec.json.encode({"signed_url": url}))

    async def _talk(self, socket: WebSocket) -> None:
        await Conversation(socket, self._script, self._voice, self._recognise).run()

    async def _recognise(self, utterance: list[Samples]) -> Heard:
        async with self._recognising:  # utterances don't influence each other, but go one at a time
            for piece in utterance:
                self._recogniser.feed(piece)
            return await trio.to_thread.run_sync(self._recogniser.result)


def _refuse(status: int, detail: str) -> Reply:
    return Reply(status, msgspec.json.encode({"detail": detail}))


async def serve_agent(
    network: Network,
    host: str,
    port: int,
    script: str = "",
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve conversations until cancelled; `task_status.started` gets the port.

    `script` is a TOML file, or empty for the one that ships. ConfigurationError when it is wrong, when its phrases
    can not be recognised, or when the extra is missing.
    """
    loaded = load_script(script or DEFAULT_SCRIPT)
    voice = Voice()
    recogniser = await trio.to_thread.run_sync(Recogniser, loaded.phrases)
    await serve(network, host, port, _Agent(loaded, voice, recogniser).handle, task_status=task_status)
