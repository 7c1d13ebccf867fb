"""`Line`: what goes to the client of one conversation: the messages that it asked for, and how the end comes."""

from collections.abc import Collection

from voxrun.protocol.elevenlabs.agents_server import AgentsServerProtocol, ServiceEvent
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ConversationMetadata,
    ErrorData,
    ErrorMessage,
    ServerMessage,
)
from voxrun.transports.websocket import WebSocket

ALWAYS_SENT = frozenset({"conversation_initiation_metadata", "client_tool_call", "error"})
"""What needs no asking for: without these no conversation could go on, or nobody knew why it ended."""


class Line:
    """Sends messages, counts the conversation's events, and closes."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._protocol = AgentsServerProtocol()
        self._wanted: Collection[str] = ()
        self.is_open = False
        """Whether the metadata was sent, before which nothing else may be."""
        self.event_id = 0
        """Of the latest thing that somebody said."""

    def open(self, metadata: ConversationMetadata, wanted: Collection[str]) -> None:
        """Begin with the metadata; from then on only messages of the types `wanted` are sent."""
        self._wanted = wanted
        self.is_open = True
        self.send(metadata)

    def receive(self, text: str | bytes) -> list[ServiceEvent]:
        """What the client sent."""
        return self._protocol.receive(text)

    def wants(self, kind: str) -> bool:
        """Whether messages of that type are sent."""
        return kind in self._wanted or kind in ALWAYS_SENT

    def new_event(self) -> int:
        """The id of what somebody says now."""
        self.event_id += 1
        return self.event_id

    def send(self, message: ServerMessage) -> None:
        """Send `message` if the client wants such."""
        if self.wants(str(message.__struct_config__.tag)):
            self._socket.send(self._protocol.send(message))

    def audio(self, event_id: int, audio: bytes) -> None:
        """Send speech in the output format, if the client wants any."""
        if self.wants("audio"):
            self._socket.send(self._protocol.audio(event_id, audio))

    def fail(self, code: int, error_type: str, message: str) -> None:
        """Say what went wrong, if anything may be said yet, and close (contract: ErrorType has the codes)."""
        if self.is_open:
            self.send(ErrorMessage(ErrorData(code, message, error_type)))
        self.close(code, message)

    def close(self, code: int, reason: str) -> None:
        """Close; of `reason` goes out what a closing frame holds."""
        self._socket.close(code, reason)
