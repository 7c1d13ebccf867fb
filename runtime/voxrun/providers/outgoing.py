"""`Outgoing`: one sender's stream on its way out of a `WebSocket`."""

from collections.abc import Callable, Mapping
from typing import Any

from voxrun.audio.frame import Samples
from voxrun.errors import LocalProtocolError, ScenarioError
from voxrun.media.graph import Inlet
from voxrun.protocol.voxengine_media import OutgoingStream, WebSocketAudioEncoding
from voxrun.shown import shown


class Outgoing:
    """Made as `parameters`, which are `SendMediaParameters`, say; `send` gets its messages of audio.

    ScenarioError for parameters that can't be; ConfigurationError when the library of an encoding is missing.
    """

    def __init__(self, parameters: Mapping[str, Any], send: Callable[[str], None]) -> None:
        self.parameters = parameters
        self.tag = str(parameters.get("tag") or "")  # the name of an event, which JSON does not know, is a text as well
        self.stream = _stream(self.tag, parameters)
        self.inlet = Inlet(self.stream.format.rate, self._hear)
        self._send = send

    def _hear(self, frame: Samples) -> None:
        self._send(self.stream.media(frame))


def _stream(tag: str, parameters: Mapping[str, Any]) -> OutgoingStream:
    wanted, custom = parameters.get("encoding") or WebSocketAudioEncoding.PCM8, parameters.get("customParameters")
    try:
        encoding = WebSocketAudioEncoding(wanted)
    except ValueError:
        known = ", ".join(WebSocketAudioEncoding)
        raise ScenarioError(
            f"a WebSocket knows no encoding {shown(wanted)}: WebSocketAudioEncoding has {known}"
        ) from None
    if not isinstance(custom, Mapping | None):
        raise ScenarioError(f"sendMediaTo needs its customParameters by name, but was given {shown(custom)}")
    try:
        return OutgoingStream(encoding, tag, custom)
    except LocalProtocolError as error:
        raise ScenarioError(str(error)) from error
