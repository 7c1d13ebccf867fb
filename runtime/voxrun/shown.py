"""`shown`: a value in the text of an error, in the words of the language that the scenario is written in."""

from collections.abc import Callable
from contextvars import ContextVar
from types import BuiltinFunctionType, FunctionType, MethodType


def _in_python(value: object) -> str:
    if isinstance(value, FunctionType | MethodType | BuiltinFunctionType):
        return f"the function {value.__name__}"
    return repr(value)


language: ContextVar[Callable[[object], str]] = ContextVar("voxrun_language", default=_in_python)
"""How values are written in the language of the scenario that calls the API now: as in Python, if nobody says else."""


def shown(value: object) -> str:
    """`value`, as the scenario would write it."""
    return language.get()(value)
