"""`scenario_surface`: the scenario API as the language's checker and run-time gate see it, read off the API itself."""

import collections.abc
import enum
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import cache, partial
from importlib import import_module
from types import FunctionType, ModuleType, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from msgspec import NODEFAULT, Struct, UnsetType

import voxrun
from voxrun.dsl.bounds import Bound
from voxrun.dsl.surface import (
    ANYTHING,
    BOOLEAN,
    BYTES,
    EVENT,
    FUNCTION,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    PAYLOAD,
    SINK,
    TEXT,
    Event,
    Function,
    Lazy,
    Member,
    Parameter,
    Property,
    Surface,
    Type,
    Value,
)
from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.media.graph import Sink
from voxrun.media.target import EventTarget, is_for_scenarios
from voxrun.protocol.elevenlabs.agents_client_messages import AnyClientMessage
from voxrun.protocol.elevenlabs.agents_server_messages import BODY_FIELDS, AnyServerMessage
from voxrun.protocol.elevenlabs.tts_messages import SendText
from voxrun.session.session import Application

_MODULES = {"ElevenLabs": ("Events", "AgentsEvents")}
"""What is there after `require`, and which of its names it brings under their own."""

_NAMESPACES = (
    *("ConferenceDirection", "ConferenceMode", "ElevenLabs", "Logger", "Net", "VoxEngine"),
    *("WebSocketAudioEncoding", "WebSocketCloseCode", "WebSocketReadyState"),
)
"""Names of `voxrun` that the language has as well as functions and events. The others are classes."""

_PYTHON = ("voxrun", "voxrun.events", "voxrun.api.voxengine", "voxrun.api.elevenlabs", "voxrun.api.net")
"""Where a class can be found that an annotation names."""

_PLAIN: dict[object, str] = {
    str: TEXT,
    int: NUMBER,
    float: NUMBER,
    bool: BOOLEAN,
    NoneType: NULL,
    bytes: BYTES,
    dict: OBJECT,
    collections.abc.Mapping: OBJECT,
    EventName: EVENT,
    Sink: SINK,
}


@cache
def scenario_surface() -> Surface:
    """What there is; most of it is read when it is asked for."""
    return _Reader().surface()


class _Reader:
    """Knows how to make each type, by its name, of those that were met so far."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[], Type]] = {}
        self._names: dict[type, str] = {}
        self._types = Lazy(self._makers, lambda name: self._makers[name]())

    def surface(self) -> Surface:
        """All of it."""
        modules: dict[str, Mapping[str, Member]] = {}
        for module, short in _MODULES.items():
            modules[module] = Lazy((module, *short), partial(self._brought, module))
        names = [name for name in voxrun.__all__ if _is_value(name) or name in _NAMESPACES]
        names = [name for name in names if name not in _MODULES]
        return Surface(
            names=Lazy(dict.fromkeys(names), lambda name: self._member(name, voxrun)),
            modules=modules,
            types=self._types,
            type_of=self._type_of,
            python=Lazy(_PYTHON[:2], self._python),
        )

    def _brought(self, module: str, name: str) -> Member:
        return self._member(name, voxrun if name == module else getattr(voxrun, module))

    def _python(self, module: str) -> Mapping[str, str]:
        found = import_module(module)
        return Lazy(dict.fromkeys(found.__all__), lambda name: self._class(getattr(found, name)))

    def _class(self, thing: object) -> str:
        return self._named(thing) if isinstance(thing, type) else ""

    def _member(self, name: str, home: ModuleType) -> Member:
        thing = getattr(home, name)
        if isinstance(thing, FunctionType):
            return self._function(name, thing)
        if isinstance(thing, ModuleType):
            self._makers[name] = partial(self._namespace, name, thing)
            return Property(name, Value((name,)), doc=_doc(thing))
        return Property(name, Value((self._named(thing),)), doc=_doc(thing))

    def _named(self, kind: type) -> str:
        name = f"message {kind.__name__}" if issubclass(kind, Struct) else kind.__name__
        if kind not in self._names:
            self._names[kind] = name
            self._makers[name] = partial(self._type, name, kind)
        return name

    def _type_of(self, kind: type) -> Type | None:
        public = kind in self._names or any(getattr(import_module(it), kind.__name__, None) is kind for it in _PYTHON)
        return self._types[self._named(kind)] if public else None

    # Types.

    def _type(self, name: str, kind: type) -> Type:
        if issubclass(kind, Message):
            return Type(name, {}, open=True, doc=_doc(kind))
        if issubclass(kind, Struct):
            return Type(name, self._struct(kind), open=True, doc=_doc(kind))
        if issubclass(kind, enum.Enum):
            values: dict[str, Member] = {
                name: Property(name, Value((NUMBER if isinstance(choice, int) else TEXT,)))
                for name, choice in kind.__members__.items()
            }
            return Type(name, values, doc=_doc(kind))
        if events := _events(kind):
            return Type(name, Lazy(events, lambda constant: self._event(constant, events[constant])), doc=_doc(kind))
        if is_typeddict(kind) or is_dataclass(kind):
            return Type(name, self._properties(kind), reply=self._reply(kind), doc=_doc(kind))
        return self._unit(name, kind)

    def _unit(self, name: str, kind: type) -> Type:
        names = [n for n in dir(kind) if isinstance(getattr(kind, n), FunctionType | property)]
        names += vars(kind).get("__annotations__", ())  # what a scenario may set
        sent = tuple(map(self._named, vars(kind)["namespaces"])) if "namespaces" in vars(kind) else None
        return Type(
            name,
            Lazy(dict.fromkeys(filter(is_for_scenarios, names)), lambda member: self._of_unit(member, kind)),
            events=None if kind is EventTarget else sent,
            sends=hasattr(kind, "sendMediaTo"),
            takes=hasattr(kind, "inlet"),
            doc=_doc(kind),
        )

    def _of_unit(self, name: str, kind: type) -> Member:
        thing = getattr(kind, name)
        if isinstance(thing, FunctionType):
            return self._function(name, thing, bound=True)
        if isinstance(thing, property):
            return Property(name, self._value(get_type_hints(thing.fget)["return"]), doc=_doc(thing))
        return Property(name, self._value(_hints(kind)[name]))

    def _namespace(self, name: str, module: ModuleType) -> Type:
        public = _exports(module)
        events = tuple(map(self._named, Application.namespaces)) if "addEventListener" in public else None
        return Type(
            name,
            Lazy(dict.fromkeys(filter(_is_value, public)), lambda inner: self._member(inner, module)),
            events=events,
            classes=Lazy(
                dict.fromkeys(inner for inner in public if not _is_value(inner)),
                lambda inner: self._named(getattr(module, inner)),
            ),
            doc=_doc(module),
        )

    def _properties(self, kind: type) -> dict[str, Member]:
        required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
        return {
            name: Property(name, self._value(hint), name in required)
            for name, hint in _hints(kind).items()
            if get_origin(hint) is not ClassVar
        }

    def _reply(self, kind: type) -> Value | None:
        hint = _hints(kind).get("reply")
        return self._value(*get_args(hint)) if get_origin(hint) is ClassVar else None

    def _struct(self, kind: type[Struct]) -> dict[str, Member]:
        config = kind.__struct_config__
        hints = _hints(kind)
        defaults = dict(zip(reversed(kind.__struct_fields__), reversed(kind.__struct_defaults__), strict=False))
        members: dict[str, Member] = {}
        if (tag := config.tag_field) is not None:
            members[tag] = Property(tag, Value((TEXT,)))
        for name in kind.__struct_fields__:
            required = defaults.get(name, NODEFAULT) is NODEFAULT
            members[name] = Property(name, replace(self._value(hints[name]), open=True), required)
        return members

    # Events.

    def _event(self, name: str, constant: EventName[Any]) -> Event:
        payload = get_args(getattr(constant, "__orig_class__"))[0]  # noqa: B009 - no type checker knows of it
        hints = _hints(payload)
        message = _server_messages().get(name)
        carrier = next((field for field, hint in hints.items() if hint is Message), None)
        if message is None or carrier is None:
            return Event(name, str(constant), self._named(payload))
        narrowed = f"{payload.__name__} {name}"
        self._makers[narrowed] = partial(self._narrowed, narrowed, payload, carrier, message)
        return Event(name, str(constant), narrowed)

    def _narrowed(self, name: str, payload: type, carrier: str, message: type[Struct]) -> Type:
        """`payload` with what is known of the message that it carries."""
        flat = f"{self._named(message)} with payload"
        self._makers[flat] = partial(self._message_with_payload, flat, message)
        return Type(name, {**self._properties(payload), carrier: Property(carrier, Value((flat,)))}, doc=_doc(payload))

    def _message_with_payload(self, name: str, message: type[Struct]) -> Type:
        """A message as handlers see it: with a flat view of itself and its body."""
        own = self._struct(message)
        inner = own.get(BODY_FIELDS[str(message.__struct_config__.tag)])
        bodies = inner.value.kinds if isinstance(inner, Property) else ()
        flat = dict(own)
        for body in bodies:
            if body in self._makers:
                flat |= {key: it for key, it in self._types[body].members.items() if key not in own}
        view = f"{name}'s"
        self._makers[view] = partial(Type, view, flat, open=True)
        return Type(name, {**own, "payload": Property("payload", Value((view,)))}, open=True, doc=_doc(message))

    # Functions and their types.

    def _function(self, name: str, function: FunctionType, *, bound: bool = False) -> Function:
        hints = _hints(function)
        given = [it for it in inspect.signature(function).parameters.values() if it.kind <= it.POSITIONAL_OR_KEYWORD]
        takes_keywords = bool(function.__code__.co_flags & inspect.CO_VARKEYWORDS)
        parameters = []
        keywords = ""
        for it in given[bound:]:
            value = self._value(hints.get(it.name, Any))
            required = it.default is it.empty
            if bound and it.name == "parameters" and (message := _client_messages().get(_snake(name))):
                value = Value((self._named(message),))
            if takes_keywords and it is given[-1]:
                keywords = next((kind for kind in value.kinds if kind in self._makers), "") or self._named(Message)
                kind = self._types[keywords]
                if not kind.open:
                    required = any(getattr(key, "required", False) for key in kind.members.values())
            parameters.append(Parameter(it.name, value, required, it.kind is it.POSITIONAL_ONLY))
        result = self._value(hints.get("return", Any))
        promise = inspect.iscoroutinefunction(function)
        return Function(name, tuple(parameters), result, promise, keywords, _doc(function))

    def _value(self, hint: Any) -> Value:
        origin = get_origin(hint)
        kind = origin or hint
        if kind in (Union, UnionType):
            return _either([self._value(one) for one in get_args(hint) if one is not UnsetType])
        if kind in (Required, NotRequired):
            return self._value(*get_args(hint))
        if kind is Annotated:
            bounds = (it for it in hint.__metadata__ if isinstance(it, Bound))
            return replace(self._value(hint.__origin__), bound=next(bounds, None))
        if kind is Literal:
            return Value(tuple(dict.fromkeys(_PLAIN[type(choice)] for choice in get_args(hint))))
        if kind is collections.abc.Callable:
            takes, _ = get_args(hint)
            return Value((FUNCTION,), arguments=tuple(map(self._value, takes)))
        if kind in (list, Sequence):
            return Value((LIST,), item=self._value(get_args(hint)[0]))
        if isinstance(kind, TypeVar):
            return Value((PAYLOAD,))
        if kind in _PLAIN:
            return Value((_PLAIN[kind],))
        if kind in (Any, object):
            return ANYTHING
        return Value((TEXT,)) if issubclass(kind, enum.Enum) else Value((self._named(kind),))


class _Scope(dict[str, Any]):
    """The names of a module, and of the API's classes, which a module may import for type checkers alone."""

    def __init__(self, module: str) -> None:
        super().__init__(vars(import_module(module)))

    def __missing__(self, name: str) -> Any:
        for module in _PYTHON:
            if hasattr(found := import_module(module), name):
                return getattr(found, name)
        raise KeyError(name)


def _hints(thing: type | FunctionType) -> dict[str, Any]:
    return get_type_hints(thing, localns=_Scope(thing.__module__), include_extras=True)


def _exports(module: ModuleType) -> Sequence[str]:
    """The names in a module that are for scenarios."""
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
    return [name for name in getattr(module, "__all__", own) if is_for_scenarios(name)]


def _is_value(name: str) -> bool:
    """Whether it is a function or has events, and is no class that only annotations have a use for."""
    return name[0].islower() or name.endswith("Events")


def _events(kind: type) -> dict[str, EventName[Any]]:
    return {name: value for name, value in vars(kind).items() if isinstance(value, EventName)}


def _either(values: list[Value]) -> Value:
    if not all(value.kinds for value in values):
        return ANYTHING
    kinds = dict.fromkeys(kind for value in values for kind in value.kinds)
    items = {value.item for value in values if value.item}
    return Value(
        tuple(kinds),
        items.pop() if len(items) == 1 else None,
        next((value.arguments for value in values if value.arguments), None),
        next((value.bound for value in values if value.bound), None),
    )


@cache
def _server_messages() -> dict[str, type[Struct]]:
    """By the name of the constant: UserTranscript for `user_transcript`."""
    tags = {str(message.__struct_config__.tag): message for message in get_args(AnyServerMessage)}
    return {"".join(word.capitalize() for word in tag.split("_")): message for tag, message in tags.items()}


@cache
def _client_messages() -> dict[str, type[Struct]]:
    messages = {str(message.__struct_config__.tag): message for message in get_args(AnyClientMessage)}
    return {**messages, "send_text": SendText}


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _doc(thing: object) -> str:
    """The first sentence or so: the first paragraph, on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
