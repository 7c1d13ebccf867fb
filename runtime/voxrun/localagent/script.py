"""`Script`: what the local agent says, expects to hear and asks its client for, read from one TOML file."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxrun.errors import ConfigurationError
from voxrun.localagent.ears import spoken

DEFAULT_SCRIPT = Path(__file__).with_name("receptionist.toml")
"""The script that ships with voxrun."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


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


@dataclass(frozen=True, slots=True)
class Script:
    """Everything the agent can do. Texts have `{name}` placeholders: see `filled`."""

    greeting: str
    not_understood: str
    tool_failed: str
    """Said instead of a turn's `says` when the tool reports an error or doesn't answer."""
    turns: tuple[Turn, ...]

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything a caller is expected to say."""
        return tuple(phrase for turn in self.turns for phrase in turn.expects)

    def answer_to(self, phrase: str) -> Turn | None:
        """The turn that expects `phrase`, whatever its case and punctuation, or None."""
        words = spoken(phrase)
        return next((turn for turn in self.turns if words in map(spoken, turn.expects)), None)


def filled(text: str, values: Mapping[str, object]) -> str:
    """`text` with each `{name}` replaced by its value; a name without a value becomes nothing."""
    return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), text).strip()


def result_values(result: str) -> dict[str, object]:
    """What a tool's result gives to placeholders: `{result}` is all of it; a JSON object's keys go by their names."""
    try:
        decoded = json.loads(result)
    except ValueError:
        decoded = None
    return {**(decoded if isinstance(decoded, dict) else {}), "result": result}


def load_script(path: str | Path = DEFAULT_SCRIPT) -> Script:
    """The script in the TOML file at `path`.

    Raises ConfigurationError, with the file, the key and what to do, when it can't be read or says something
    that a script can't.
    """
    reader = _Reader(str(path))
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"can't read the agent's script {path}: {error.strerror}") from error
    except ValueError as error:  # TOML and UTF-8 errors
        raise ConfigurationError(f"{path} is not a TOML file: {error}") from error
    return reader.script(table)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns TOML tables into a script; `path` is for the errors."""

    path: str

    def script(self, table: dict[str, Any]) -> Script:
        self._check_keys(table, "", ("greeting", "not_understood", "tool_failed", "turn"))
        turns = self._value(table, "", "turn", list, "add at least one [[turn]] table")
        if not turns:
            raise self._wrong("turn", "add at least one [[turn]] table")
        script = Script(
            self._text(table, "", "greeting"),
            self._text(table, "", "not_understood"),
            self._text(table, "", "tool_failed"),
            tuple(self._turn(turn, f"turn {number}") for number, turn in enumerate(turns, 1)),
        )
        self._check_phrases(script)
        return script

    def _turn(self, table: Any, where: str) -> Turn:
        if not isinstance(table, dict):
            raise self._wrong(where, "write each turn as a [[turn]] table")
        self._check_keys(table, where, ("expects", "says", "tool", "parameters", "ends"))
        expects = self._value(table, where, "expects", list, "give a list of phrases")
        if not expects or not all(isinstance(phrase, str) and spoken(phrase) for phrase in expects):
            raise self._wrong(f"{where}, expects", "give a list of phrases in words")
        ends = self._value(table, where, "ends", bool, "give true or false", default=False)
        return Turn(tuple(expects), self._text(table, where, "says"), self._tool(table, where), ends)

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

    def _wrong(self, what: str, advice: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: {what}: {advice}")
