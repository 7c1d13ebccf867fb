"""`Message`: a provider's message as handlers see it, a dict whose keys also read as attributes."""

from collections.abc import Mapping
from typing import Any


class Message(dict[str, Any]):
    """A JSON object: `data["type"]` and `data.type` are the same; nested objects and lists of them too.

    A key that is a dict method's name (`items`, `get`) is only reachable with brackets. A missing key read as an
    attribute raises AttributeError that lists the keys there are.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__((key, _wrap(value)) for key, value in values.items())

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(
                f"this message has no field '{key}'; it has {', '.join(self) or 'none'}", name=key, obj=self
            ) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]


def _wrap(value: Any) -> Any:
    if isinstance(value, dict):
        return Message(value)
    if isinstance(value, list):
        return [_wrap(item) for item in value]
    return value
