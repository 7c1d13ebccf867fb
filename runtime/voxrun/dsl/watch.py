"""`Watch`: who wants to know what the checker makes of each place, as an editor does."""

from typing import Protocol

from voxrun.dsl.names import Binding, Scope
from voxrun.dsl.nodes import Object, Span
from voxrun.dsl.surface import Type
from voxrun.dsl.types import Known, Missing


class Watch(Protocol):
    """It is told while the checker walks, place after place."""

    def name(self, span: Span, scope: Scope, binding: Binding | None) -> None:
        """A name was read, where these names can be seen; None when it is unknown."""

    def member(self, span: Span, target: Known, found: Known | Missing) -> None:
        """A member of `target` was read; `span` is its name's."""

    def parameters(self, node: Object, shapes: tuple[Type, ...]) -> None:
        """An object of parameters, of one of these shapes."""

    def event(self, target: Known, span: Span) -> None:
        """An event of `target` is named."""
