"""`collapsed`: one border of exception groups, for what runs tasks of its own inside."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio


@contextmanager
def collapsed() -> Iterator[None]:
    """Let the single error of an exception group out as itself; cancellations beside an error don't count."""
    try:
        yield
    except BaseExceptionGroup as group:
        errors = [leaf for leaf in _leaves(group) if not isinstance(leaf, trio.Cancelled)] or [next(_leaves(group))]
        if len(errors) > 1:
            raise
        error = errors[0]
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context  # raising it here would make it the consequence of its own group


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
