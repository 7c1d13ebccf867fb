"""`Knowledge`: what the agent was told in one conversation; it fills the placeholders of its texts."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

import msgspec

MEMORY = 100
"""How many contextual updates and how many ratings are kept; the oldest is forgotten first, and counted."""

LONGEST = 5000
"""Characters kept of an update, and of a text once it is filled: five minutes of speech."""

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")


class Knowledge:
    """Values by name: those given at the beginning, and what the client has told since."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.forgotten = 0
        self._given = given
        self._updates: dict[str | int, str] = {}
        self._ratings: dict[int, str] = {}
        self._file_id = ""
        self._serial = itertools.count()

    def update(self, text: str, context_id: str | None) -> None:
        """Note a contextual update; it replaces the one with the same id."""
        key = next(self._serial) if context_id is None else context_id
        self._updates.pop(key, None)
        self._updates[key] = text[:LONGEST]
        self._forget(self._updates)

    def rate(self, event_id: int, score: str | None) -> None:
        """Note what the client thinks of an event; None takes it back."""
        self._ratings.pop(event_id, None)
        if score is not None:
            self._ratings[event_id] = score
            self._forget(self._ratings)

    def see(self, file_id: str) -> None:
        """Note a file."""
        self._file_id = file_id

    def fill(self, text: str, result: str | None = None) -> str:
        """`text` with each `{name}` or `{{name}}` replaced by its value; `result` is what a tool returned."""
        values: dict[Any, object] = {
            **self._given,
            **self._updates,
            "context": " ".join(self._updates.values()),
            "feedback": next(reversed(self._ratings.values()), ""),
            "file": self._file_id,
            **(result_values(result) if result is not None else {}),
        }
        return filled(text, values)[:LONGEST]

    def _forget(self, memory: dict[Any, str]) -> None:
        if len(memory) > MEMORY:
            del memory[next(iter(memory))]
            self.forgotten += 1


def filled(text: str, values: Mapping[Any, object]) -> str:
    """`text` with each `{name}` or `{{name}}` replaced by its value; a name without a value becomes nothing."""
    return _PLACEHOLDER.sub(lambda match: str(values.get(match[1] or match[2], "")), text).strip()


def result_values(result: str) -> dict[str, object]:
    """What a tool's result gives to placeholders: `{result}` is all of it; a JSON object's keys go by their names."""
    try:
        decoded = msgspec.json.decode(result)
    except (ValueError, RecursionError):
        decoded = None
    return {**(decoded if isinstance(decoded, dict) else {}), "result": result}
