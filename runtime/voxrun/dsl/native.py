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
_PLACE = Value((NUMBER, NULL))
"""The place in a text or list where a part of it begins or ends."""

_TEXTS = Value((LIST,), item=_TEXT)


def _function(name: str, result: Value, /, *, doc: str, optional: tuple[str, ...] = (), **takes: Value) -> Function:
    parameters = [Parameter(each, value, each not in optional) for each, value in takes.items()]
    return Function(name, tuple(parameters), result, doc=doc)


def _named(*members: Member) -> dict[str, Member]:
    return {member.name: member for member in members}


FUNCTIONS = _named(
    _function("secret", Value((TEXT, NULL)), name=ANYTHING, doc="The secret of that name, or null when nobody set it."),
    _function("text", _TEXT, value=ANYTHING, doc="The value as a text, as `${ }` prints it."),
    _function(
        "number",
        Value((NUMBER, NULL)),
        text=Value((TEXT, NUMBER)),
        doc="The number that a text says, or null when it says none.",
    ),
    _function("round", _NUMBER, number=_NUMBER, doc="The nearest whole number; a half goes up."),
    _function("parse", ANYTHING, text=_TEXT, doc="The value that a text in JSON says, or null when it says none."),
)
"""Functions that are always there."""

_MEMBERS = {
    "text": _named(
        Property("length", _NUMBER, doc="How many characters it has."),
        _function("includes", _BOOLEAN, text=_TEXT, doc="Whether `text` is a part of it."),
        _function("startsWith", _BOOLEAN, text=_TEXT, doc="Whether it begins with `text`."),
        _function("endsWith", _BOOLEAN, text=_TEXT, doc="Whether it ends with `text`."),
        _function("indexOf", _NUMBER, text=_TEXT, doc="Where `text` begins in it, counted from 0, or -1."),
        _function(
            "slice",
            _TEXT,
            start=_PLACE,
            end=_PLACE,
            optional=("end",),
            doc="The part from `start` to before `end`.",
        ),
        _function("split", _TEXTS, separator=_TEXT, doc="The parts between the separators."),
        _function("trim", _TEXT, doc="It without the spaces around it."),
        _function("replace", _TEXT, text=_TEXT, by=_TEXT, doc="It with the first `text` replaced."),
        _function("toLowerCase", _TEXT, doc="It in small letters."),
        _function("toUpperCase", _TEXT, doc="It in capitals."),
    ),
    "list": _named(
        Property("length", _NUMBER, doc="How many items it has."),
        _function("push", _NUMBER, item=ANYTHING, doc="Put an item at the end; the new length."),
        _function("pop", ANYTHING, doc="Take the last item off; null when there is none."),
        _function("includes", _BOOLEAN, item=ANYTHING, doc="Whether `item` is in it."),
        _function("indexOf", _NUMBER, item=ANYTHING, doc="Where `item` is, counted from 0, or -1."),
        _function("join", _TEXT, separator=_TEXT, optional=("separator",), doc="Its items as one text."),
        _function(
            "slice",
            Value((LIST,)),
            start=_PLACE,
            end=_PLACE,
            optional=("start", "end"),
            doc="The part from `start` to before `end`.",
        ),
    ),
    "number": {},
    "boolean": {},
    "error": _named(Property("message", _TEXT, doc="What went wrong.")),
}

NATIVE = {name: Type(name, members) for name, members in _MEMBERS.items()}
"""By kind of value. Objects have the members that the scenario gave them."""
