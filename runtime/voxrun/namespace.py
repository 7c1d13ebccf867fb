"""`on_demand`: how the namespaces that scenarios see (`voxrun`, `voxrun.events`, `VoxEngine`, `ElevenLabs`) are filled.

What stands behind a name is loaded when the name is asked for first: a run takes start-up time and memory for what its
scenario uses, and no more. All else is imported at the head of its file, but for what few runs need and what costs
something: that is imported by the function that needs it, with a comment that says so.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


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
        setattr(module, name, found)  # from now on Python finds it by itself
        return found

    def names() -> list[str]:
        for name in homes:  # whoever looks a namespace over, as `inspect` does, sees all of it
            load(name)
        return sorted(vars(sys.modules[namespace]))

    return load, names
