"""A cassette: conversations with an agent, taken down message by message, as lines of JSON that a person can read.

The first line says what it is, `{"cassette":1,"scenario":"…","audio":true}`; each of the others is one `Entry`:
`{"t":…,"connection":…,KIND:…}` with the session's seconds, the connection's number from 1, and one of these kinds:

    opened    the address, without its query
    refused   {"status": HTTP status, 0 when nobody could be reached; "reason"}: this connection never came about
    sent      the scenario's message, as it went out
    received  the agent's message, as it came in; a text when it was no JSON
    cleared   the scenario called clearMediaBuffer; seconds of speech dropped: nothing of this is on the wire
    closed    {"code", "reason", "clean", "by": "scenario" or "agent"}; missing when the session was broken off

Secrets are `***`. Without audio, each piece of base64 is `{"bytes": how many it had, "peak": its loudest sample}`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from voxrun.errors import ConfigurationError
from voxrun.protocol.elevenlabs.agents_client_messages import AnyClientMessage, UserAudio
from voxrun.protocol.elevenlabs.agents_server_messages import AnyServerMessage, AudioEventData

FORMAT = 1
"""Of what is written, and the newest that is understood."""

SCRUBBED = "***"
"""Stands for a secret."""

KINDS = ("opened", "refused", "sent", "received", "cleared", "closed")

_LATEST = 1e9  # seconds, 30 years: a file that says more is damaged
_MOST = {"bytes": 16 * 1024 * 1024, "peak": 32768}  # no message is longer
_AUDIO = 'base64 nor {"bytes": …, "peak": …}'

AUDIO_FIELDS = {"sent": "user_audio_chunk", "received": "audio_base_64"}
"""Where a message of either direction holds its audio."""

_STRUCTS = (UserAudio, AudioEventData, *get_args(AnyClientMessage), *get_args(AnyServerMessage))

NAMES = frozenset({"type", *(name for it in _STRUCTS for name in (it.__struct_config__.tag, *it.__struct_fields__))})
"""What the contract calls messages, their outermost fields, and those around audio."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what happened on a connection, and when, in seconds of the session."""

    time: float
    kind: str
    value: Any

    @property
    def type(self) -> str:
        """The type of a message; "user_audio_chunk" for the caller's audio, which has none."""
        if not isinstance(self.value, dict):
            return ""
        chunk = AUDIO_FIELDS["sent"]
        return chunk if chunk in self.value else str(self.value.get("type", ""))

    @property
    def audio(self) -> Any:
        """Base64, or what is left of it without audio; None in a message that has none."""
        holder = audio_holder(self.kind, self.value)
        return None if holder is None else holder[AUDIO_FIELDS[self.kind]]


@dataclass(frozen=True, slots=True)
class Cassette:
    """What is on it: the entries of each connection, and where they were read."""

    name: str
    connections: tuple[tuple[Entry, ...], ...]


def audio_holder(kind: str, message: Any) -> dict[str, Any] | None:
    """The object within a message that holds its audio, if any."""
    holder = message.get("audio_event") if kind == "received" and isinstance(message, dict) else message
    return holder if isinstance(holder, dict) and AUDIO_FIELDS.get(kind) in holder else None


def read_cassette(lines: Iterable[str], name: str) -> Cassette:
    """What is in the lines of the file `name`. ConfigurationError names the line at fault.

    A last line without its end, as a killed process leaves it, is left out.
    """
    connections: list[list[Entry]] = []
    number = 0
    for number, line in enumerate(lines, start=1):
        try:
            fields = json.loads(line)
            wrong = _head_fault(fields) if number == 1 else _fault(fields, len(connections))
        except RecursionError:
            wrong = "goes too deep"
        except ValueError as error:
            if not line.endswith("\n") and number > 1:
                break
            wrong = "is no cassette" if number == 1 else f"is no JSON ({error})"
        if wrong:
            raise ConfigurationError(f"{name}, line {number}: {wrong}")
        if number > 1:
            _put(fields, connections)
    if not connections:
        what = "holds no conversation" if number else "is empty"
        raise ConfigurationError(f"{name} {what}: `voxrun SCENARIO --cassette {name}` records one")
    return Cassette(name, tuple(map(tuple, connections)))


def _put(fields: Mapping[str, Any], connections: list[list[Entry]]) -> None:
    if fields["connection"] > len(connections):
        connections.append([])
    kind = _kind(fields)
    connections[fields["connection"] - 1].append(Entry(float(fields["t"]), kind, fields[kind]))


def _kind(fields: Mapping[str, Any]) -> str:
    return next((kind for kind in KINDS if kind in fields), "")


def _head_fault(fields: Any) -> str:
    """What is wrong with the first line, as the end of a sentence; nothing when it is right."""
    version = fields.get("cassette") if isinstance(fields, dict) else None
    if not isinstance(version, int):
        return "is no beginning of a cassette"
    return f"has the format {version}; this voxrun knows {FORMAT}: a newer one may read it" if version > FORMAT else ""


def _fault(fields: Any, connections: int) -> str:
    """What is wrong with a later line, when there are so many connections above it."""
    if not isinstance(fields, dict):
        return "is no JSON object"
    if isinstance(fields.get("t"), bool) or not isinstance(fields.get("t"), int | float):
        return 'has no time "t"'
    if not abs(fields["t"]) < _LATEST:  # nor is it "not a number"
        return 'has a time "t" that can\'t be'
    kind, number = _kind(fields), fields.get("connection")
    if not kind:
        return f"says nothing: it has none of {', '.join(KINDS)}"
    if not isinstance(number, int) or not 1 <= number <= connections + (kind in ("opened", "refused")):
        return f"belongs to the connection {number!r}, which was not opened above it"
    must_be_object = {"refused": ("status", "reason"), "closed": ("code", "reason", "by")}.get(kind, ())
    if must_be_object and not (isinstance(fields[kind], dict) and all(name in fields[kind] for name in must_be_object)):
        return f'"{kind}" lacks one of {", ".join(must_be_object)}'
    holder = audio_holder(kind, fields[kind])
    return "" if holder is None or _is_audio(holder[AUDIO_FIELDS[kind]]) else f"has audio that is neither {_AUDIO}"


def _is_audio(value: Any) -> bool:
    """Whether it is base64, which may be wrong, or what is left of it without audio."""
    if not isinstance(value, dict):
        return isinstance(value, str)
    return all(type(value.get(name)) is int and 0 <= value[name] <= most for name, most in _MOST.items())
