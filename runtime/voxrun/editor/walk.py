"""`all_nodes`: a tree's nodes in a row."""

from collections.abc import Iterator
from dataclasses import fields

from voxrun.dsl.nodes import Node


def all_nodes(root: Node) -> Iterator[Node]:
    """The node itself and all below it, as they stand in the text."""
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node):
            yield node
            waiting.extend(getattr(node, field.name) for field in reversed(fields(node)) if field.name != "span")
        elif isinstance(node, tuple):
            waiting.extend(reversed(node))
