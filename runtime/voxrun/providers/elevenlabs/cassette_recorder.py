"""`CassetteRecorder`: takes down a session's conversations with agents, as `protocol.elevenlabs.cassette` has it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import numpy as np
import pybase64

from voxrun.errors import RemoteError
from voxrun.protocol.elevenlabs.cassette import AUDIO_FIELDS, FORMAT, NAMES, SCRUBBED, audio_holder
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat
from voxrun.transports.websocket import Closed, WebSocket

Line = dict[str, object]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class CassetteRecorder:
    """Hands each entry to `write` at once, a line without its end, so that a session that dies leaves a whole cassette.

    `scrub` takes the secrets out of a text.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        scrub: Callable[[str], str],
        *,
        scenario: str = "",
        keeps_audio: bool = True,
    ) -> None:
        self.keeps_audio = keeps_audio
        self._write = write
        self._scrub = scrub
        self._head: Line = {"cassette": FORMAT, "scenario": scenario, "audio": keeps_audio}
        self._connections = 0

    def connection(self, now: Callable[[], float]) -> "ConnectionRecorder":
        """For one more attempt to connect; `now` is the session's clock (s)."""
        return ConnectionRecorder(self, now)

    def new_number(self) -> int:
        """For a connection that is taken down from now on: they are counted in that order, whoever asked first."""
        if not self._connections:
            self.write(self._head)
        self._connections += 1
        return self._connections

    def write(self, line: Line) -> None:
        """Write a line."""
        self._write(_encode(line).decode())

    def scrubbed(self, value: Any) -> Any:
        """`value`, as JSON has it, without secrets."""
        if isinstance(value, str):
            return self._scrub(value)
        if isinstance(value, list):
            return [self.scrubbed(inner) for inner in value]
        if isinstance(value, dict):
            return {self._unless_secret(key, key): self.scrubbed(inner) for key, inner in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._unless_secret(str(value), value)
        return value

    def _unless_secret(self, text: str, value: Any) -> Any:
        """A name of the protocol's stays, even if part of it happens to be somebody's secret; so does a number."""
        return SCRUBBED if self._scrub(text) == SCRUBBED else value


class ConnectionRecorder:
    """Takes down one connection."""

    def __init__(self, cassette: CassetteRecorder, now: Callable[[], float]) -> None:
        self._cassette = cassette
        self._number = 0  # before its first entry
        self._now = now
        self._formats: dict[str, AudioFormat] = {}

    def opened(self, url: str) -> None:
        """The connection is there; `url` has no query."""
        self._put("opened", self._cassette.scrubbed(url))

    def refused(self, error: RemoteError) -> None:
        """It did not come about."""
        self._put("refused", {"status": error.code, "reason": self._cassette.scrubbed(error.reason or str(error))})

    def message(self, kind: str, text: str | bytes) -> None:
        """The scenario `sent` or `received` one."""
        message = None
        try:
            message = _decode(text)
            kept = self._without_secrets(kind, message)
        except (ValueError, RecursionError):
            kept = self._cassette.scrubbed(text if isinstance(text, str) else text.decode(errors="replace"))
        self._put(kind, kept)
        if kind == "received" and isinstance(message, dict):
            self._learn_formats(message.get("conversation_initiation_metadata_event"))

    def cleared(self, seconds: float) -> None:
        """The scenario dropped so many seconds of what the agent said."""
        self._put("cleared", round(seconds, 3))

    def closed(self, closed: Closed, by: str) -> None:
        """The connection is over, and who saw to that."""
        reason = self._cassette.scrubbed(closed.reason)
        self._put("closed", {"code": closed.code, "reason": reason, "clean": closed.was_clean, "by": by})

    def _put(self, kind: str, value: object) -> None:
        self._number = self._number or self._cassette.new_number()
        self._cassette.write({"t": round(self._now(), 4), "connection": self._number, kind: value})

    def _without_secrets(self, kind: str, message: Any) -> Any:
        """Base64 is left as it is: what looks like a secret there is none. ValueError for what is no base64 at all."""
        if not isinstance(message, dict):
            return self._cassette.scrubbed(message)
        holder, field = audio_holder(kind, message), AUDIO_FIELDS[kind]
        if holder is None:
            return self._scrubbed_but(message)
        audio, kept = holder[field], self._scrubbed_but(holder, field)
        if not isinstance(audio, str):
            raise ValueError("where a cassette has audio there is something else")
        if not self._cassette.keeps_audio:
            kept[field] = self._outline(kind, audio)
        rest = self._scrubbed_but(message, "audio_event")
        return kept if holder is message else {**rest, "audio_event": kept}

    def _scrubbed_but(self, fields: dict[str, Any], kept: str | None = None) -> dict[str, Any]:
        """`fields`, of which the one that is called `kept` stays as it is."""
        scrubs = {"type": self._name}
        return {
            self._name(key): value if key == kept else scrubs.get(key, self._cassette.scrubbed)(value)
            for key, value in fields.items()
        }

    def _name(self, value: Any) -> Any:
        """What the contract calls something stays, even if it, or a part of it, happens to be somebody's secret."""
        return value if isinstance(value, str) and value in NAMES else self._cassette.scrubbed(value)

    def _outline(self, kind: str, encoded: str) -> object:
        """What is kept of audio when it isn't."""
        try:
            audio = pybase64.b64decode(encoded, validate=True)
        except ValueError:
            return {"bytes": 0, "peak": 0}
        samples = self._formats.get(kind, FORMATS["pcm_16000"]).decode(audio)
        return {"bytes": len(audio), "peak": int(np.abs(samples.astype(np.int32)).max(initial=0))}

    def _learn_formats(self, metadata: object) -> None:
        if not isinstance(metadata, dict):
            return
        for kind, field in (("received", "agent_output_audio_format"), ("sent", "user_input_audio_format")):
            name = metadata.get(field)
            if isinstance(name, str) and name in FORMATS:
                self._formats[kind] = FORMATS[name]


@dataclass(slots=True)
class _Recorded:
    """A WebSocket whose every message is taken down on its way."""

    socket: WebSocket
    recorder: ConnectionRecorder
    is_closing: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.socket, name)

    def send(self, message: str | bytes) -> None:
        dropped = self.socket.dropped
        self.socket.send(message)
        if self.socket.dropped == dropped:
            self.recorder.message("sent", message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.is_closing = True
        self.socket.close(code, reason)

    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        def receive(message: str | bytes) -> None:
            self.recorder.message("received", message)
            on_message(message)

        closed = await self.socket.pump(receive)
        self.recorder.closed(closed, "scenario" if self.is_closing else "agent")
        return closed


def recorded(socket: WebSocket, recorder: ConnectionRecorder | None) -> WebSocket:
    """The same connection, taken down; without a recorder it is left as it is."""
    return socket if recorder is None else cast("WebSocket", _Recorded(socket, recorder))
