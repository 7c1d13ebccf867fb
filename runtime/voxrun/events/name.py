"""`EventName`: an event constant that knows the payload its handlers get; `Constants`: the class of a class of them."""

from typing import Generic, TypeVar

from voxrun.namespace import OWN, fixed

E = TypeVar("E")


class EventName(str, Generic[E]):
    """A VoxEngine event constant, such as `'Call.Connected'`, typed by its payload `E`.

    It is the plain string at run time, so it compares, prints and serialises as VoxEngine's does. The type
    lets mypy and pyright check the handler that `addEventListener(event, handler)` is given.
    """

    __slots__ = ("__orig_class__",)  # where typing leaves the payload's type: the language's checker reads it there


class Constants(type):
    """Its classes stay as they are: another value would be one for all calls of the process."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(fixed(f"{cls.__name__}.{name}", OWN))

    def __delattr__(cls, name: str) -> None:
        raise AttributeError(fixed(f"{cls.__name__}.{name}", OWN))


def constants(*namespaces: type) -> frozenset[str]:
    """Every event name that is a member of `namespaces`."""
    return frozenset(
        value for namespace in namespaces for value in vars(namespace).values() if isinstance(value, EventName)
    )
