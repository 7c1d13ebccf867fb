"""What a thing of the API or of the scenario is, in words."""

from voxrun.dsl.names import Binding, Role
from voxrun.dsl.surface import NULL, Event, Function, Member, Property, Value
from voxrun.dsl.types import Known, OwnFunction, OwnResult, Promise, Types

_ROLES = {Role.CONSTANT: "const ", Role.VARIABLE: "let "}


def kind_of(known: Known) -> str:
    """`Call`, `text or null`, `list of Endpoint`, `promise of AgentsClient`; empty when it can't be known."""
    match known:
        case Value(kinds=kinds, item=item) if kinds:
            return " or ".join(f"list of {kind_of(item)}" if it == "list" and item else _plain(it) for it in kinds)
        case Promise(value=value):
            return f"promise of {kind_of(value) or 'something'}"
        case OwnFunction() | Function():
            return "function"
        case OwnResult(function=function) if function.waits:
            return "promise of something"
        case Event(value=value):
            return f"event {value}"
    return ""


def signature(function: Function) -> str:
    """`hangup(parameters?: object): promise of …`."""
    given = [_typed(it.name + "?" * (not it.required), kind_of(it.value)) for it in function.parameters]
    result: Known = None if function.result.kinds == (NULL,) else function.result
    if function.promise:
        result = Promise(result, function.name)
    return _typed(f"{function.name}({', '.join(given)})", kind_of(result))


def described(name: str, known: Known, types: Types) -> tuple[str, str]:
    """How something is written, and what it does, in a sentence."""
    if isinstance(known, Function):
        return signature(known), known.doc
    if isinstance(known, OwnFunction):
        return f"fn {name} with {known.parameters} parameter{'s' * (known.parameters != 1)}", ""
    if isinstance(known, Event):
        payload = types.get(known.payload)
        fields = ", ".join(payload.members) if payload is not None else ""
        return f"{name}: {kind_of(known)}", f"Its payload has {fields}." if fields else ""
    kinds = [it for it in types.of(known) or () if it.doc] if isinstance(known, Value) else []
    return _typed(name, kind_of(known)), kinds[0].doc if len(kinds) == 1 else ""


def described_binding(binding: Binding, types: Types) -> tuple[str, str]:
    """The same of a name."""
    written, doc = described(binding.name, binding.known, types)
    return _ROLES.get(binding.role, "") + written, doc


def described_member(member: Member, types: Types) -> tuple[str, str]:
    """The same of a member, whose own sentence comes first."""
    if not isinstance(member, Property):
        return described(member.name, member, types)
    written, doc = described(member.name, member.value, types)
    return written, member.doc or doc


def _typed(name: str, kind: str) -> str:
    return f"{name}: {kind}" if kind not in ("", name) else name


def _plain(kind: str) -> str:
    """A type as people name it: a payload that is narrowed to one event has two words."""
    return NULL if kind == NULL else kind.removesuffix(" with payload").removesuffix("'s").split(" with ")[0]
