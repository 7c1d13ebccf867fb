"""`Census`: how much a scenario keeps, counted by walking over all that it can still reach."""

import sys
from collections.abc import Iterable, Mapping
from types import FrameType, FunctionType
from typing import Any
from weakref import WeakSet

from voxrun.dsl.budget import MEMORY
from voxrun.dsl.members import ITEM_BYTES
from voxrun.dsl.values import OBJECTS, PLAIN, Box, Promise


class Census:
    """What the variables in `namespace` hold, those of running and waiting functions, and of functions given away.

    A value costs what Python says, an item at least what `members` charges, so a walk is short.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.given: WeakSet[FunctionType] = WeakSet()
        """Functions that the API has: handlers and such."""
        self.waiting: set[FrameType] = set()
        """Where functions wait for something."""
        self._namespace = namespace

    def take(self) -> tuple[int, int]:
        """Bytes, and how many values were looked at; of far too much only so much as shows it."""
        size = looked_at = 0
        seen: set[int] = set()
        todo: list[Iterable[Any]] = [self._roots(), self.given, *map(self._locals, self.waiting)]
        todo += [self._locals(frame) for frame in self._running()]
        while todo and size < 2 * MEMORY:
            for value in todo.pop():
                looked_at += 1
                size += ITEM_BYTES
                kind = type(value)
                is_small = kind in PLAIN and (kind is not str or len(value) <= ITEM_BYTES)
                if is_small or id(value) in seen:
                    continue
                seen.add(id(value))
                size += sys.getsizeof(value) if kind is str else 0
                todo += _inside(value)
        return size, looked_at

    def _roots(self) -> Iterable[Any]:
        return [value for name, value in self._namespace.items() if not name.startswith("_")]

    def _locals(self, frame: FrameType) -> Iterable[Any]:
        return list(frame.f_locals.values()) if frame.f_globals is self._namespace else ()

    def _running(self) -> Iterable[FrameType]:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_globals is self._namespace and frame.f_locals is not self._namespace:
                yield frame
            frame = frame.f_back


def _inside(value: Any) -> list[Iterable[Any]]:
    kind = type(value)
    if kind is list:
        return [value]
    if kind in OBJECTS:
        return [value.keys(), value.values()]
    if kind is Box:
        return [[getattr(value, "value", None)]]
    if kind is FunctionType:
        return [_contents(value.__closure__ or ()), (value.__kwdefaults__ or {}).values()]
    if kind is Promise:
        frame = value.coroutine.cr_frame
        return [] if frame is None else [list(frame.f_locals.values())]
    return []


def _contents(cells: Iterable[Any]) -> list[Any]:
    contents = []
    for cell in cells:
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # its variable has no value yet
            continue
    return contents
