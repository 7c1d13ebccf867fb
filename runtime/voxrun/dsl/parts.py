"""`parted`: the statements of a program in portions, in the order in which they are to run."""

from collections.abc import Iterable, Iterator

from voxrun.dsl import nodes

_LONGEST = 16_384
"""Characters. Python compiles a portion in one go, for which all other threads wait: some 10 ms for this."""


def functions_first(statements: Iterable[nodes.Statement]) -> list[nodes.Statement]:
    """Functions can be called before the line that declares them."""
    return sorted(statements, key=lambda statement: type(statement) is not nodes.Function)


def parted(statements: Iterable[nodes.Statement]) -> Iterator[list[nodes.Statement]]:
    """At least one portion; a longer one than others only for a statement that is as long."""
    part: list[nodes.Statement] = []
    room = _LONGEST
    for statement in statements:
        length = statement.span[1] - statement.span[0]
        if part and length > room:
            yield part
            part, room = [], _LONGEST
        part.append(statement)
        room -= length
    yield part
