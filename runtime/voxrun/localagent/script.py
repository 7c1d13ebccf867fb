"""`Script`: what the local agent says, expects to hear and asks its client for, read from one TOML file."""

import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import msgspec

from voxrun.errors import ConfigurationError
from voxrun.localagent.ears import spoken
from voxrun.localagent.line import ALWAYS_SENT
from voxrun.protocol.elevenlabs.agents_client_messages import ClientEvent
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AnyServerMessage,
    ConversationMetadata,
    ErrorMessage,
    MCPToolCall,
    MCPToolCallAwaitingApproval,
    ServerMessage,
)
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat

DEFAULT_SCRIPT = Path(__file__).with_name("receptionist.toml")
"""The script that ships with voxrun."""

DEFAULT_FORMAT = FORMATS["pcm_16000"]

# fmt: off
OVERRIDES = (
    "first_message", "language", "prompt", "llm", "native_mcp_server_ids", "voice_id", "stability", "speed",
    "similarity_boost", "keywords",
)
"""What a client may want to change about the agent (contract: ConversationConfigClientOverride)."""

DEFAULT_EVENTS = frozenset({
    "audio", "interruption", "agent_response", "user_transcript", "tentative_user_transcript",
    "conversation_initiation_metadata", "ping",
})
"""What is sent when nobody says otherwise (contract: ConversationConfigOverride)."""
# fmt: on

CLOSE_CODES = (1000, 1002, 1008, 1011)
"""What an error may close the connection with (contract: WebSocketCloseCode)."""

LONGEST_APPROVAL = 86_400
"""Seconds that an MCP tool call may wait for its approval: a day."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A client tool and what to call it with: JSON values; in texts placeholders are filled."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that the caller may say, and what the agent does about it."""

    expects: tuple[str, ...]
    says: str
    tool: ToolUse | None = None
    ends: bool = False
    """Whether the agent ends the conversation once it has said that."""
    sends: tuple[ServerMessage, ...] = ()
    """Messages of the service that go out before all that."""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the agent can do. Texts have `{name}` placeholders: see `Knowledge`."""

    greeting: str
    not_understood: str
    tool_failed: str
    """Said instead of a turn's `says` when the tool reports an error or doesn't answer."""
    turns: tuple[Turn, ...]
    output_format: AudioFormat = DEFAULT_FORMAT
    input_format: AudioFormat = DEFAULT_FORMAT
    allow_overrides: frozenset[str] = frozenset()
    required_variables: frozenset[str] = frozenset()
    client_events: frozenset[str] = DEFAULT_EVENTS
    max_seconds: float = math.inf
    """How long a conversation may last."""
    silence_seconds: float = math.inf
    """How long nobody may say anything before the agent hangs up."""
    agents: frozenset[str] = frozenset()
    """The agent ids there are; when empty, any."""
    api_keys: frozenset[str] = frozenset()
    """The keys that are valid; when empty, any."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything a caller is expected to say."""
        return tuple(phrase for turn in self.turns for phrase in turn.expects)

    def answer_to(self, phrase: str) -> Turn | None:
        """The turn that expects `phrase`, whatever its case and punctuation, or None."""
        words = spoken(phrase)
        return next((turn for turn in self.turns if words in map(spoken, turn.expects)), None)


def load_script(path: str | Path = DEFAULT_SCRIPT) -> Script:
    """The script in the TOML file at `path`.

    Raises ConfigurationError, with the file, the key and what to do, when it can't be read or says something
    that a script can't.
    """
    reader = _Reader(str(path))
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"can't read the agent's script {path}: {error.strerror}") from error
    except RecursionError:
        raise ConfigurationError(f"{path} is not a TOML file: it goes too deep") from None
    except ValueError as error:  # TOML and UTF-8 errors
        raise ConfigurationError(f"{path} is not a TOML file: {error}") from error
    return reader.script(table)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns TOML tables into a script; `path` is for the errors."""

    path: str

    def script(self, table: dict[str, Any]) -> Script:
        self._check_keys(table, "", ("greeting", "not_understood", "tool_failed", *_OPTIONS, "turn"))
        turns = self._value(table, "", "turn", list, "add at least one [[turn]] table")
        if not turns:
            raise self._wrong("turn", "add at least one [[turn]] table")
        options: dict[str, Any] = {key: read(self, table, key) for key, read in _OPTIONS.items() if key in table}
        script = Script(
            self._text(table, "", "greeting"),
            self._text(table, "", "not_understood"),
            self._text(table, "", "tool_failed"),
            tuple(self._turn(turn, f"turn {number}") for number, turn in enumerate(turns, 1)),
            **options,
        )
        self._check_phrases(script)
        self._check_sends(script)
        return script

    def _turn(self, table: Any, where: str) -> Turn:
        if not isinstance(table, dict):
            raise self._wrong(where, "write each turn as a [[turn]] table")
        self._check_keys(table, where, ("expects", "says", "tool", "parameters", "sends", "ends"))
        expects = self._value(table, where, "expects", list, "give a list of phrases")
        if not expects or not all(isinstance(phrase, str) and spoken(phrase) for phrase in expects):
            raise self._wrong(f"{where}, expects", "give a list of phrases in words")
        ends = self._value(table, where, "ends", bool, "give true or false", default=False)
        sends = self._value(table, where, "sends", list, "give a list of messages", default=[])
        says = self._text(table, where, "says") if "says" in table or not sends else ""
        messages = tuple(self._message(message, f"{where}, sends {number}") for number, message in enumerate(sends, 1))
        return Turn(tuple(expects), says, self._tool(table, where), ends, messages)

    def _message(self, table: Any, where: str) -> ServerMessage:
        try:
            message: ServerMessage = msgspec.convert(table, AnyServerMessage)
        except msgspec.ValidationError as error:
            raise self._wrong(where, f"no message of the service: {error}") from error
        if isinstance(message, ConversationMetadata):
            raise self._wrong(where, "delete it: the metadata goes out by itself, and once")
        if isinstance(message, ErrorMessage) and message.error_event.code not in CLOSE_CODES:
            raise self._wrong(f"{where}, code", f"give one of {', '.join(map(str, CLOSE_CODES))}")
        call = message.mcp_tool_call if isinstance(message, MCPToolCall) else None
        if isinstance(call, MCPToolCallAwaitingApproval) and not 0 <= call.approval_timeout_secs <= LONGEST_APPROVAL:
            raise self._wrong(f"{where}, approval_timeout_secs", f"give 0 to {LONGEST_APPROVAL} seconds")
        return message

    def _format(self, table: dict[str, Any], key: str) -> AudioFormat:
        name = self._value(table, "", key, str, f"give one of {', '.join(FORMATS)}")
        if name not in FORMATS:
            raise self._wrong(f"{key} is {name!r}", f"give one of {', '.join(FORMATS)}")
        return FORMATS[name]

    def _seconds(self, table: dict[str, Any], key: str) -> float:
        seconds = table[key]
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
            with suppress(OverflowError):  # of hundreds of digits
                return float(seconds)
        raise self._wrong(f"{key} is {seconds!r}", "give a number of seconds above 0")

    def _names(self, table: dict[str, Any], key: str) -> frozenset[str]:
        names = self._value(table, "", key, list, "give a list of texts")
        if not all(isinstance(name, str) and name for name in names):
            raise self._wrong(key, "give a list of texts")
        return frozenset(names)

    def _overrides(self, table: dict[str, Any], key: str) -> frozenset[str]:
        return self._known_names(table, key, OVERRIDES)

    def _events(self, table: dict[str, Any], key: str) -> frozenset[str]:
        return self._known_names(table, key, get_args(ClientEvent))

    def _known_names(self, table: dict[str, Any], key: str, known: Collection[str]) -> frozenset[str]:
        names = self._names(table, key)
        for name in sorted(names.difference(known)):
            raise self._wrong(f"{key}, {name!r}", f"no such: there are {', '.join(known)}")
        return names

    def _tool(self, table: dict[str, Any], where: str) -> ToolUse | None:
        parameters = self._value(table, where, "parameters", dict, "give a table", default={})
        if "tool" in table:
            return ToolUse(self._text(table, where, "tool"), parameters)
        if parameters:
            raise self._wrong(f"{where}, parameters", "name the `tool` they are for, or delete them")
        return None

    def _text(self, table: dict[str, Any], where: str, key: str) -> str:
        text = str(self._value(table, where, key, str, "give a text"))
        if not text.strip():
            raise self._wrong(f"{where}, {key}".removeprefix(", "), "give a text that isn't empty")
        return text

    def _value(self, table: dict[str, Any], where: str, key: str, kind: type, advice: str, default: Any = None) -> Any:
        value = table.get(key, default)
        if not isinstance(value, kind):
            state = f"is {value!r}" if key in table else "is missing"
            raise self._wrong(f"{where}, {key} {state}".removeprefix(", "), advice)
        return value

    def _check_keys(self, table: dict[str, Any], where: str, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(f"{where}, {key}".removeprefix(", "), f"no such key: there are {', '.join(known)}")

    def _check_phrases(self, script: Script) -> None:
        seen: dict[str, int] = {}
        for number, turn in enumerate(script.turns, 1):
            for phrase in turn.expects:
                if seen.setdefault(spoken(phrase), number) != number:
                    first = seen[spoken(phrase)]
                    raise self._wrong(f"turn {number}, expects {phrase!r}", f"turn {first} does already: keep one")

    def _check_sends(self, script: Script) -> None:
        for number, turn in enumerate(script.turns, 1):
            for message in turn.sends:
                kind = str(message.__struct_config__.tag)
                if kind not in script.client_events | ALWAYS_SENT:
                    raise self._wrong(f"turn {number}, sends {kind}", "add that type to `client_events`")

    def _wrong(self, what: str, advice: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: {what}: {advice}")


_OPTIONS: dict[str, Callable[[_Reader, dict[str, Any], str], object]] = {
    "output_format": _Reader._format,
    "input_format": _Reader._format,
    "allow_overrides": _Reader._overrides,
    "required_variables": _Reader._names,
    "client_events": _Reader._events,
    "max_seconds": _Reader._seconds,
    "silence_seconds": _Reader._seconds,
    "agents": _Reader._names,
    "api_keys": _Reader._names,
}
"""The keys that may be missing, and the reader's method for each."""
