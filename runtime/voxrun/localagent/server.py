"""`serve_agent`: the local agent on a port: signed URLs and conversations, as the service offers them."""

import itertools
from contextlib import closing
from functools import partial
from typing import cast
from urllib.parse import urlencode

import msgspec
import numpy as np
import trio

from voxrun.audio.frame import Samples
from voxrun.localagent.conversation import Conversation
from voxrun.localagent.delivery import Delivery
from voxrun.localagent.ears import Heard, Recogniser
from voxrun.localagent.extra import load_extra
from voxrun.localagent.script import DEFAULT_SCRIPT, Script, load_script
from voxrun.localagent.signatures import Signatures
from voxrun.localagent.speech_server import Offload, serve_speech
from voxrun.localagent.speech_settings import SPEECH_PATH
from voxrun.localagent.voice import Voice
from voxrun.session.services import in_thread
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

CONVERSATION_PATH = "/v1/convai/conversation"
SIGNED_URL_PATHS = (f"{CONVERSATION_PATH}/get-signed-url", f"{CONVERSATION_PATH}/get_signed_url")
SIGNATURE = "conversation_signature"


class _Agent:
    """What all connections share."""

    def __init__(self, script: Script, recogniser: Recogniser, offload: Offload) -> None:
        self._script = script
        self._recogniser = recogniser
        self._offload = offload
        self._recognising = trio.Lock()
        self._signatures = Signatures()
        self._serial = itertools.count(1)

    async def handle(self, request: Request) -> Reply | Upgrade:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return _refuse(405, "only GET is answered here")
        if request.path in SIGNED_URL_PATHS:
            return self._sign(request)
        if SPEECH_PATH.fullmatch(request.path):
            return Upgrade(partial(serve_speech, self._script.api_keys, self._offload, request))
        if request.path != CONVERSATION_PATH:
            return _refuse(404, "not found")
        return self._admit(request)

    def _sign(self, request: Request) -> Reply:
        refusal = self._refuse_key(request) or self._refuse_agent(request)
        if refusal:
            return refusal
        conversation_id = self._new_conversation_id()
        query = {"agent_id": request.query["agent_id"], SIGNATURE: self._signatures.issue(conversation_id)}
        if request.query.get("include_conversation_id", "").lower() == "true":
            query["conversation_id"] = conversation_id
        host = request.headers.get("host", "127.0.0.1")
        url = f"ws://{host}{CONVERSATION_PATH}?{urlencode(query)}"
        return Reply(200, msgspec.json.encode({"signed_url": url}))

    def _admit(self, request: Request) -> Reply | Upgrade:
        """To a conversation: with a signature of ours, and without one unless the script lists keys."""
        if SIGNATURE not in request.query:
            refusal = self._refuse_agent(request) or (self._refuse_key(request) if self._script.api_keys else None)
            return refusal or Upgrade(partial(self._talk, self._new_conversation_id()))
        conversation_id = self._signatures.redeem(request.query[SIGNATURE])
        if conversation_id is None:
            return _refuse(403, "this signature is not valid")
        return Upgrade(partial(self._talk, conversation_id))

    def _refuse_key(self, request: Request) -> Reply | None:
        key = request.headers.get("xi-api-key")
        if not key:
            return _refuse(401, "the header xi-api-key is missing")
        return _refuse(401, "this key is not valid") if key not in (self._script.api_keys or {key}) else None

    def _refuse_agent(self, request: Request) -> Reply | None:
        agent_id = request.query.get("agent_id")
        if not agent_id:
            return _refuse(422, "agent_id is missing")
        return _refuse(404, "there is no such agent") if agent_id not in (self._script.agents or {agent_id}) else None

    def _new_conversation_id(self) -> str:
        return f"conv_{next(self._serial)}"

    async def _talk(self, conversation_id: str, socket: WebSocket) -> None:
        await Conversation(socket, self._script, self._speak, self._recognise, conversation_id).run()

    async def _speak(self, delivery: Delivery, text: str) -> bytes:
        return cast(bytes, await self._offload(delivery.speak, text))

    async def _recognise(self, utterance: list[Samples]) -> Heard:
        heard = None
        async with self._recognising:  # there is one decoder
            with closing(self._recogniser.hear(np.concatenate(utterance))) as steps:
                while heard is None:
                    heard = cast(Heard | None, await self._offload(next, steps))
        return heard


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
    path = script or str(DEFAULT_SCRIPT)
    loaded = load_script(path)
    load_extra("webrtcvad")  # a caller needs it, and the voice: by then it's too late to say that they are missing
    recogniser = cast(Recogniser, await offload(Recogniser, loaded.phrases, path))
    await offload(Voice().say, "")
    agent = _Agent(loaded, recogniser, offload)
    await serve(network, host, port, agent.handle, task_status=task_status)
