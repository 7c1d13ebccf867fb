"""Binary L16: audio in binary messages, 16 bits little-endian, and JSON in text ones.

Vonage (developer.vonage.com, "WebSockets in the Voice API") greets with `websocket:connected` and a content type; it
takes 20 ms in each message, no more and no less.

jambonz greets with the call's attributes (docs.jambonz.org, the verb `listen`). It takes audio only if asked with
`bidirectionalAudio` that is `streaming` and has the verb's own `sampleRate`, all that the greeting tells; tones come
with `passDtmf`. It answers marks as played or cleared, `killAudio` clears them too, and a sample of -1 may pass for one
(github.com/jambonz/freeswitch-modules, mod_audio_fork: also why the bytes are in that order).
"""

import re
from typing import Any

import msgspec
from msgspec.json import Decoder, encode

from voxrun.protocol.mediastream.dialect import Dialect, parse_format
from voxrun.protocol.mediastream.news import Media, News, Played, Started, Stopped, Tone, UnsupportedError

_CONTENT_TYPE = re.compile(r"audio/l16;\s*rate=(\d{1,6})")
_GREETING = ("event", "content-type")
_JAMBONZ_ENCODING = {"l16": "pcm"}

_decoder = Decoder(dict[str, Any])


class L16(Dialect):
    """Speaks as whoever greeted: Vonage or jambonz."""

    name = "l16"

    def __init__(self) -> None:
        self._is_jambonz = False
        self._has_greeted = False

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        if isinstance(message, bytes):
            return Media(message)
        said = _decoder.decode(message)
        if not self._has_greeted:
            return self._greeted(said)
        match said:
            case {"event": "websocket:dtmf", "digit": str(digit)} | {"event": "dtmf", "dtmf": str(digit)}:
                return Tone(digit)
            case {"event": "websocket:notify", "payload": {"name": str(name)}}:
                return Played(name)
            case {"type": "mark", "data": {"name": str(name)}}:
                return Played(name)
            case {"event": "websocket:disconnected"}:
                return Stopped()
        return None

    def media(self, audio: bytes) -> bytes:
        """See `Dialect.media`."""
        return audio

    def mark(self, name: str) -> str:
        """See `Dialect.mark`."""
        quoted = encode(name).decode()
        if self._is_jambonz:
            return f'{{"type":"mark","data":{{"name":{quoted}}}}}'
        return f'{{"action":"notify","payload":{{"name":{quoted}}}}}'

    def clear(self) -> str:
        """See `Dialect.clear`."""
        return '{"type":"killAudio"}' if self._is_jambonz else '{"action":"clear"}'

    def hang_up(self) -> str | None:
        """See `Dialect.hang_up`."""
        return '{"type":"disconnect"}' if self._is_jambonz else None

    def _greeted(self, said: dict[str, Any]) -> Started:
        if said.get("event") == "websocket:connected":
            content_type = str(said.get("content-type"))
            found = _CONTENT_TYPE.fullmatch(content_type)
            if not found:
                raise UnsupportedError(f"no audio in {content_type[:40]!a}: send audio/l16;rate=16000")
            rate, parameters = int(found[1]), _texts(said, _GREETING)
        elif isinstance(said.get("sampleRate"), int):
            if said.get("mixType", "mono") != "mono":
                raise UnsupportedError("only one channel can be heard: leave mixType mono")
            self._is_jambonz = True
            rate, parameters = said["sampleRate"], _texts(said, ("sampleRate", "mixType"))
        else:
            raise ValueError("no greeting of Vonage's, and none of jambonz's")
        self._has_greeted = True
        call_id = parameters.get("callSid", parameters.get("uuid", ""))
        return Started(
            call_id,
            parse_format(_JAMBONZ_ENCODING, "l16", rate),
            call_id=call_id,
            callerid=parameters.get("from", ""),
            destination=parameters.get("to", ""),
            parameters=parameters,
        )


def _texts(said: dict[str, Any], without: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in said.items()
        if name not in without
    }
