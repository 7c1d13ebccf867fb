"""`told`: an error of Python's that compiled code met, in the language's words."""

import re

from voxrun.errors import half_a_pair

_TOO_FEW = re.compile(r"(?:.*<locals>\.)?(.*)\(\) missing \d+ required positional")


def told(error: BaseException) -> str:
    """What went wrong, in the language's words where Python's are about its own things."""
    if isinstance(error, NameError | AttributeError) and error.name:
        owner = getattr(error, "obj", None)
        name = getattr(owner, "name", None) if error.name == "value" else error.name
        return f"{str(name or error.name).partition('#')[0]} is used before it is declared"
    if isinstance(error, TypeError) and (called := _TOO_FEW.match(str(error))):
        return f"{named(called[1])} has more parameters than it is given here"
    return half_a_pair(error) or str(error) or type(error).__name__


def named(function: str) -> str:
    """A compiled function's name as the scenario has it: what is behind the # only makes it the one of that name."""
    name = function.partition("#")[0]
    return "this function" if name == "fn" else name
