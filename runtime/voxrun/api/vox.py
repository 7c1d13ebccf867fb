"""The scenario language at work: a `.vox` file is read, checked, compiled and given the call API, and nothing else."""

import enum
import sys
from collections.abc import Callable, Container, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from types import CodeType
from typing import Any

import trio

import voxrun
from voxrun.api import logger, timers, voxengine
from voxrun.api.surface import scenario_surface
from voxrun.dsl.budget import Budget
from voxrun.dsl.census import Census
from voxrun.dsl.checker import check
from voxrun.dsl.compiler import compile_program
from voxrun.dsl.diagnostic import decoded, render
from voxrun.dsl.gate import Gate
from voxrun.dsl.native import FUNCTIONS
from voxrun.dsl.parser import parse, uncollected
from voxrun.dsl.runtime import runtime_names
from voxrun.dsl.surface import Event, Function, Lazy, Member
from voxrun.dsl.values import ApiFunction, Namespace, written
from voxrun.errors import ScenarioError
from voxrun.session.current import current, current_session
from voxrun.session.failure import short_path
from voxrun.session.services import Reading
from voxrun.shown import language

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "log": logger.write,
    "listen": voxengine.addEventListener,
    "after": timers.setTimeout,
    "every": timers.setInterval,
    "send_between": voxengine.sendMediaBetween,
    "stop_between": voxengine.stopMediaBetween,
}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What sessions of one scenario share: its code, the names and the secrets in it, and what may be wrong."""

    parts: tuple[CodeType, ...]
    names: frozenset[str]
    warnings: tuple[str, ...]
    secrets: frozenset[str]


def vox_language(scenario: Path, source: bytes) -> Reading:
    """Read a `.vox` scenario for the calling session, or before there is any.

    ScenarioError with all that is wrong, if anything is; what only may be wrong are warnings of the session.
    """
    path, name = str(scenario), short_path(str(scenario))
    compiled = _compiled(source, path, name)
    session = current.get(None)
    known = compiled.secrets if session is None else session.services.secrets
    unset = frozenset(it for it in compiled.secrets if it not in known)
    return partial(_put, compiled, _warnings(source, name, unset) if unset else compiled.warnings)


def _put(compiled: _Compiled, warnings: tuple[str, ...], namespace: dict[str, Any]) -> tuple[CodeType, ...]:
    session = current_session()
    for warning in warnings:
        session.warn(warning)
    census = Census(namespace)
    budget = Budget(lambda: session.graph.position, census.take)
    gate = Gate(budget, census, _members)
    language.set(partial(written, budget))  # in the session's own task, and all that come from it
    namespace.update(runtime_names(budget, gate, _Host(), _FUNCTIONS))
    namespace.update(_api(gate, compiled.names))
    return compiled.parts


@lru_cache(maxsize=64)  # sessions of one scenario share its code, which nothing can change
def _compiled(source: bytes, path: str, name: str) -> _Compiled:
    text = decoded(name, source)
    surface = scenario_surface()
    secrets = _Secrets()
    with uncollected():
        program = parse(text)
        found = check(program, surface, known_secrets=secrets)
        mistakes = [render(text, it) for it in found if it.severity == "error"]
        if mistakes:
            raise ScenarioError("\n\n".join(mistakes))
        modules = {module: list(own) for module, own in surface.modules.items()}
        parts = compile_program(program, text, path, [*surface.names, *FUNCTIONS], modules)
        del program  # many small objects: a collection would look at all of them
    warnings = tuple(render(text, it) for it in found)
    return _Compiled(parts, frozenset(chain.from_iterable(map(_names_in, parts))), warnings, frozenset(secrets.asked))


@lru_cache(maxsize=64)
def _warnings(source: bytes, name: str, unset: frozenset[str]) -> tuple[str, ...]:
    text = decoded(name, source)
    found = check(parse(text), scenario_surface(), known_secrets=_Secrets(unset))
    return tuple(render(text, it) for it in found)


class _Secrets(Container[str]):
    """All names of secrets but `unset`, as if they were set; keeps those that the checker asks for."""

    def __init__(self, unset: Set[str] = frozenset()) -> None:
        self.asked: set[str] = set()
        self._unset = unset

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return name not in self._unset


class _Host:
    """The session, for the language."""

    def __init__(self) -> None:
        self.application = current_session().app

    @staticmethod
    def breakpoint() -> None:
        """Stop in the debugger when there is a person at the terminal and the scenario is theirs."""
        if sys.stdin is not None and sys.stdin.isatty() and not current_session().services.is_sandboxed:
            import pdb  # noqa: PLC0415 - only people who debug wait for it

            pdb.Pdb(nosigint=True).set_trace(sys._getframe(1))

    sleep = staticmethod(trio.sleep)
    secret = staticmethod(voxengine.getSecretValue)


def _members(kind: type) -> Mapping[str, object] | None:
    found = scenario_surface().type_of(kind)
    return None if found is None else found.members


def _names_in(code: CodeType) -> frozenset[str]:
    inner = [_names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)


def _api(gate: Gate, used: frozenset[str]) -> dict[str, Any]:
    """The names of the API that the scenario uses."""
    surface = scenario_surface()
    names = {}
    for name in used & surface.names.keys():
        names[name] = _value(gate, name, surface.names[name], getattr(voxrun, name))
    for module, own in surface.modules.items():
        for name in used & own.keys():
            inside = getattr(voxrun, module)
            names[name] = _value(gate, name, own[name], inside if name == module else getattr(inside, name))
    return names


def _value(gate: Gate, name: str, member: Member, thing: Any) -> Any:
    """A name of the API as the scenario has it."""
    if isinstance(member, Function):
        return ApiFunction(name, thing, gate.call)
    if isinstance(member, Event):
        return member.value
    if isinstance(thing, enum.Enum):
        return thing.value
    (kind,) = member.value.kinds
    members = scenario_surface().types[kind].members
    return Namespace(name, Lazy(members, lambda inner: _value(gate, inner, members[inner], getattr(thing, inner))))
