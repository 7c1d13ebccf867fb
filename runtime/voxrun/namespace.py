"""The namespaces that scenarios see: `on_demand` fills them, the classes here keep those of the API as they are.

What stands behind a name is loaded when the name is asked for first: a run takes start-up time and memory for what its
scenario uses, and no more. All else is imported at the head of its file, but for what few runs need and what costs
something: that is imported by the function that needs it, with a comment that says so.
"""

import sys
from collections.abc import Callable, Mapping
from enum import EnumMeta
from importlib import import_module
from types import FunctionType, ModuleType


class Namespace(ModuleType):
    """A module whose names scenarios can't give another meaning: that would be one for all calls of the process."""

    def __setattr__(self, name: str, value: object) -> None:
        is_function = isinstance(getattr(self, name, None), FunctionType)
        raise AttributeError(fixed(name, f"it is a function, call it: `{name}(…)`" if is_function else OWN))

    def __delattr__(self, name: str) -> None:
        raise AttributeError(fixed(name, OWN))


class Constants(type):
    """The class of a class of constants: it stays as it is likewise."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(fixed(f"{cls.__name__}.{name}", OWN))

    def __delattr__(cls, name: str) -> None:
        raise AttributeError(fixed(f"{cls.__name__}.{name}", OWN))


class Enumeration(Constants, EnumMeta):
    """The class that an enumeration gets once it is made: until then it has to change."""


OWN = "keep what is your own in a variable"


def fixed(name: str, advice: str) -> str:
    """What to tell whoever would change the member `name` of the scenario API."""
    return f"`{name}`: the API stays as it is, for all calls of the process; {advice}"


def on_demand(namespace: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of the module `namespace` (PEP 562).

    `homes` says for each name where it is: `module:name`, or `module` for a whole one. Type checkers, which must not
    see these two lest they let any name pass, see plain imports instead.
    """

    def load(name: str) -> object:
        module = sys.modules[namespace]
        if name not in homes:
            raise AttributeError(f"module {namespace!r} has no attribute {name!r}", name=name, obj=module)
        home, _, inner = homes[name].partition(":")
        found: object = import_module(home)
        if inner:
            found = getattr(found, inner)
        if type(found) is ModuleType:
            found.__class__ = Namespace
        elif type(found) is EnumMeta:
            found.__class__ = Enumeration
        vars(module)[name] = found  # from now on Python finds it by itself
        return found

    def names() -> list[str]:
        for name in homes:  # whoever looks a namespace over, as `inspect` does, sees all of it
            load(name)
        return sorted(vars(sys.modules[namespace]))

    return load, names
