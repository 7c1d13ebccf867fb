"""`laid_out`: a sentence of a test as the formatter shows it."""

from collections.abc import Callable, Iterator

from voxrun.dsl import nodes
from voxrun.dsl.document import Document, Group, Indent
from voxrun.dsl.nodes import Node
from voxrun.dsl.sentences import Sentence
from voxrun.dsl.trivia import Trivia

_BEGINS_LINE = frozenset(("at", "by", "expecting", "from", "when", "within"))


def laid_out(
    node: Sentence, trivia: Trivia, line: Callable[[int], Document], show: Callable[[Node | int], Document]
) -> Document:
    """Its words in a row; what is expected, and when, may begin a line.

    `line` gives the end of a line before a token, `show` a node or a token.
    """
    inner = {it.span.start: it for it in _with_marks(node)}
    shown: list[Document] = [show(trivia.index(node.span.start))]
    is_broken = False
    while trivia.start(index := trivia.at + 1) < node.span.end:
        word = trivia.text(index)
        if word == ",":
            shown.append(show(index))
        elif word in _BEGINS_LINE and shown[-1] != "lasts":
            clause = Indent([line(index), show(index)])
            shown.append(Group(clause) if is_broken else clause)
            is_broken = True
        else:
            shown += [" ", show(inner.get(trivia.start(index), index))]
    return Group(shown)


def _with_marks(node: Node) -> Iterator[Node]:
    """The objects, lists and events in it, which have brackets and dots."""
    for name in node.__dataclass_fields__:
        part = getattr(node, name)
        if isinstance(part, nodes.Object | nodes.List | nodes.Path):
            yield part
        elif isinstance(part, Node):
            yield from _with_marks(part)
