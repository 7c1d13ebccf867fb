"""From a rule of the grammar to its node: `maker()` is lark's transformer for `scenario.lark`."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from lark import Transformer, ast_utils

from voxrun.dsl import nodes, sentences
from voxrun.dsl.diagnostic import Slip
from voxrun.dsl.nodes import Branch, Expression, Identifier, Index, Member, Name, Pair, Path, Span
from voxrun.dsl.operators import Group, bind
from voxrun.dsl.sentence_making import SENTENCE_FIELDS
from voxrun.dsl.tokens import Token
from voxrun.dsl.values import LARGEST

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}
_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, but for tabs, and those that make a text read otherwise than it is."""


class _Rules(Transformer[Any, Any]):
    """The rules that have no node of their own."""

    def expression(self, row: list[Any]) -> Expression | Group:
        alone: Expression | Group | None = row[0] if len(row) == 1 else None
        return alone or bind(row)

    def group(self, children: list[Any]) -> Group:
        return Group(_span(children), _bare(children[1]))

    def parameters(self, children: list[Any]) -> tuple[Identifier, ...]:
        return _identifiers(children)

    def shorthand(self, children: list[Any]) -> Pair:
        (token,) = children
        if token.type == "KEY":
            raise Slip(
                token.span,
                f"`{token.value}` is a word of the language and can't be a name",
                f"give it a value: `{{ {token.value}: value }}`",
            )
        return Pair(token.span, _identifier(token), Name(token.span, token.value))


def maker() -> Transformer[Any, Any]:
    """Makes nodes of the children that rules find. Nothing recurses: each is made when its rule is complete."""
    made: Transformer[Any, Any] = _Rules()
    for module in (nodes, sentences):
        made = ast_utils.create_transformer(module, made, _making)
    return made


def _making(*, inline: bool, meta: bool) -> Callable[[type[nodes.Node]], Callable[[Any, list[Any]], nodes.Node]]:
    """The decorator for `create_transformer`: a node spans its children, and `_FIELDS` says what it has of them."""

    def decorate(node: Callable[..., nodes.Node]) -> Callable[[Any, list[Any]], nodes.Node]:
        fields: Callable[[list[Any]], Iterable[Any]] = _FIELDS.get(node, _nodes)

        def make(_: object, children: list[Any]) -> nodes.Node:
            return node(_span(children), *fields([_bare(child) for child in children]))

        return make

    return decorate


def _span(children: list[Any]) -> Span:
    if not children:
        return Span(0, 0)
    first, last = children[0], children[-1]
    if first is None:
        first = next(child for child in children if child is not None)
    if last is None:
        last = next(child for child in reversed(children) if child is not None)
    return Span(
        first.start_pos if type(first) is Token else first.span[0],
        last.end_pos if type(last) is Token else last.span[1],
    )


def _bare(child: Any) -> Any:
    """Without its parentheses, which count for the span of what they stand in only."""
    return child.expression if type(child) is Group else child


def _identifier(token: Token) -> Identifier:
    return Identifier(token.span, token.value)


def _identifiers(children: list[Any]) -> tuple[Identifier, ...]:
    return tuple([_identifier(child) for child in children if type(child) is Token and child.type == "NAME"])


def _nodes(children: list[Any]) -> list[Any]:
    """A node for each field."""
    return [child for child in children if type(child) is not Token]


def _list(children: list[Any]) -> tuple[tuple[Any, ...]]:
    """One field that has them all."""
    return (tuple([child for child in children if child is not None and type(child) is not Token]),)


def _names(children: list[Any]) -> tuple[tuple[Identifier, ...]]:
    return (_identifiers(children),)


def _number(children: list[Any]) -> tuple[int | float]:
    return (_value(children[0], children[0].value),)


def _duration(children: list[Any]) -> tuple[int | float, str]:
    token = children[0]
    digits = token.value.rstrip("minsh")
    return _value(token, digits), token.value[len(digits) :]


def _value(token: Token, digits: str) -> int | float:
    whole, _, fraction = digits.partition(".")
    whole = whole.lstrip("0") or "0"
    if len(whole) > len(str(LARGEST)) or int(whole) > LARGEST:
        raise Slip(token.span, "this number is too large", f"numbers go up to {LARGEST}")
    return float(digits) if fraction else int(whole)


def _text(children: list[Any]) -> tuple[str]:
    return (_unescaped(children[0], 1),)


def _template(children: list[Any]) -> tuple[tuple[Any, ...]]:
    last = len(children) - 1
    parts = [
        _unescaped(part, 1 if index == last else 2) if type(part) is Token else part
        for index, part in enumerate(children)
    ]
    return (tuple(part for part in parts if part != ""),)


def _unescaped(token: Token, behind: int) -> str:
    written = token.value[1:-behind]
    if unseen := not written.isprintable() and _UNSEEN.search(token.value):
        place = token.start_pos + unseen.start()
        code = f"{ord(unseen[0]):04X}"
        raise Slip(Span(place, place + 1), f"there is an invisible character here: U+{code}", f"write `\\u{{{code}}}`")
    if "\\" not in written:
        return written

    def meant(found: re.Match[str]) -> str:
        place = token.start_pos + 1 + found.start()
        span = Span(place, place + len(found[0]))
        if found[1]:
            if int(found[1], 16) > 0x10FFFF or 0xD800 <= int(found[1], 16) < 0xE000:
                raise Slip(span, "there is no such character", "Unicode goes up to `\\u{10FFFF}`")
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPED:
            raise Slip(
                span,
                f"`{found[0]}` has no meaning in a text",
                'write `\\\\` for a backslash; others: \\n \\t \\r \\" \\$ \\u{1F600}',
            )
        return _ESCAPED[found[2]]

    return _ESCAPE.sub(meant, written)


def _call(children: list[Any]) -> tuple[Expression, tuple[Expression, ...]]:
    function, *arguments = children
    return function, *_list(arguments)


def _member(children: list[Any]) -> tuple[Expression, Identifier, bool]:
    target, sign, name = children
    return target, _identifier(name), sign.type == "OPTIONAL"


def _assignment(children: list[Any]) -> tuple[Name | Index | Member, str, Expression]:
    target, sign, value = children
    if not isinstance(target, Name | Index | Member) or (isinstance(target, Member) and target.optional):
        raise Slip(
            target.span, "this can't be assigned to", "on the left stands a name, `object.name` or `list[index]`"
        )
    return target, sign.value, value


def _unit_and_event(first: Path, second: Path | None) -> tuple[Path | None, Path]:
    return (first, second) if second else (None, first)


def _wait_for(children: list[Any]) -> tuple[Path | None, Path, Expression | None]:
    _, _, first, second, _, within = children
    return *_unit_and_event(first, second), within


def _if(children: list[Any]) -> tuple[tuple[Branch, ...], nodes.Block | None]:
    word, condition, body, _, otherwise = children
    branch = Branch(Span(word.start_pos, body.span.end), condition, body)
    if isinstance(otherwise, nodes.If):
        return (branch, *otherwise.branches), otherwise.otherwise
    return (branch,), otherwise


def _handler(children: list[Any]) -> tuple[Any, ...]:
    _, first, second, _, binding, _, condition, body = children
    bound = _identifier(binding) if type(binding) is Token else binding
    return *_unit_and_event(first, second), bound, condition, body


def _program(children: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    (parts,) = _list(children)
    tests = tuple([part for part in parts if type(part) is sentences.Test])
    return tuple([part for part in parts if type(part) is not sentences.Test]) if tests else parts, tests


_FIELDS: dict[Any, Callable[[list[Any]], Any]] = {
    nodes.Path: _names,
    nodes.Name: lambda children: (children[0].value,),
    nodes.Number: _number,
    nodes.Duration: _duration,
    nodes.Text: _text,
    nodes.Template: _template,
    nodes.Constant: lambda children: ({"true": True, "false": False, "null": None}[children[0].value],),
    nodes.List: _list,
    nodes.Pair: lambda children: (_key(children[0]), children[2]),
    nodes.Object: _list,
    nodes.Call: _call,
    nodes.Member: _member,
    nodes.WaitFor: _wait_for,
    nodes.Require: lambda children: (_identifier(children[1]),),
    nodes.Declaration: lambda children: (children[0].type == "CONST", _identifier(children[1]), children[3]),
    nodes.Assignment: _assignment,
    nodes.Route: lambda children: (children[0], children[1].type == "BOTH", children[2]),
    nodes.Stop: lambda children: (children[1], children[2].type == "BOTH", children[3]),
    nodes.Block: _list,
    nodes.If: _if,
    nodes.For: lambda children: (_identifier(children[1]), children[3], children[4]),
    nodes.Try: lambda children: (children[1], children[3] and _identifier(children[3]), children[4]),
    nodes.Function: lambda children: (_identifier(children[1]), children[2], children[3]),
    nodes.Fields: _names,
    nodes.Handler: _handler,
    nodes.Program: _program,
    **SENTENCE_FIELDS,
}


def _key(token: Token) -> Identifier:
    return Identifier(token.span, _unescaped(token, 1) if token.type == "TEXT" else token.value)
