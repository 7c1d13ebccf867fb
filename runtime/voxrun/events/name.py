"""`EventName`: an event constant that knows the payload its handlers get."""

from typing import Generic, TypeVar

E = TypeVar("E")


class EventName(str, Generic[E]):
    """A VoxEngine event constant, such as `'Call.Connected'`, typed by its payload `E`.

    It is the plain string at run time, so it compares, prints and serialises as VoxEngine's does. The type
    lets mypy and pyright check the handler that `addEventListener(event, handler)` is given.
    """

    __slots__ = ("__orig_class__",)  # where typing leaves the payload's type: the language's checker reads it there


def constants(*namespaces: type) -> frozenset[str]:
    """Every event name that is a member of `namespaces`."""
    return frozenset(
        value for namespace in namespaces for value in vars(namespace).values() if isinstance(value, EventName)
    )
