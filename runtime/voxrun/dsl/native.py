"""What the language has by itself: its functions, and the members of texts, lists and errors."""

from voxrun.dsl.surface import (
    ANYTHING,
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    TEXT,
    Function,
    Member,
    Parameter,
    Property,
    Type,
    Value,
)

_TEXT, _NUMBER, _BOOLEAN = (Value((kind,)) for kind in (TEXT, NUMBER, BOOLEAN))
_TEXTS = Value((LIST,), item=_TEXT)


def _function(name: str, result: Value, *required: str, optional: tuple[str, ...] = (), doc: str) -> Function:
    parameters = [Parameter(each, ANYTHING, each not in optional) for each in (*required, *optional)]
    return Function(name, tuple(parameters), result, doc=doc)


def _named(*members: Member) -> dict[str, Member]:
    return {member.name: member for member in members}


FUNCTIONS = _named(
    _function("secret", Value((TEXT, NULL)), "name", doc="The secret of that name, or null when nobody set it."),
    _function("text", _TEXT, "value", doc="The value as a text, as `${ }` prints it."),
    _function("number", Value((NUMBER, NULL)), "text", doc="The number that a text says, or null when it says none."),
    _function("round", _NUMBER, "number", doc="The nearest whole number; a half goes up."),
    _function("parse", ANYTHING, "text", doc="The value that a text in JSON says, or null when it says none."),
)
"""Functions that are always there."""

_MEMBERS = {
    "text": _named(
        Property("length", _NUMBER, doc="How many characters it has."),
        _function("includes", _BOOLEAN, "text", doc="Whether `text` is a part of it."),
        _function("startsWith", _BOOLEAN, "text", doc="Whether it begins with `text`."),
        _function("endsWith", _BOOLEAN, "text", doc="Whether it ends with `text`."),
        _function("indexOf", _NUMBER, "text", doc="Where `text` begins in it, counted from 0, or -1."),
        _function("slice", _TEXT, "start", optional=("end",), doc="The part from `start` to before `end`."),
        _function("split", _TEXTS, "separator", doc="The parts between the separators."),
        _function("trim", _TEXT, doc="It without the spaces around it."),
        _function("replace", _TEXT, "text", "by", doc="It with the first `text` replaced."),
        _function("toLowerCase", _TEXT, doc="It in small letters."),
        _function("toUpperCase", _TEXT, doc="It in capitals."),
    ),
    "list": _named(
        Property("length", _NUMBER, doc="How many items it has."),
        _function("push", _NUMBER, "item", doc="Put an item at the end; the new length."),
        _function("pop", ANYTHING, doc="Take the last item off; null when there is none."),
        _function("includes", _BOOLEAN, "item", doc="Whether `item` is in it."),
        _function("indexOf", _NUMBER, "item", doc="Where `item` is, counted from 0, or -1."),
        _function("join", _TEXT, optional=("separator",), doc="Its items as one text."),
        _function("slice", Value((LIST,)), optional=("start", "end"), doc="The part from `start` to before `end`."),
    ),
    "number": {},
    "boolean": {},
    "error": _named(Property("message", _TEXT, doc="What went wrong.")),
}

NATIVE = {name: Type(name, members) for name, members in _MEMBERS.items()}
"""By kind of value. Objects have the members that the scenario gave them."""
