"""`runtime_names`: what compiled code finds under the names that begin with an underscore."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol

from voxrun.dsl import values
from voxrun.dsl.budget import Budget
from voxrun.dsl.gate import CATCHABLE, Gate
from voxrun.dsl.values import ApiFunction, Box, Promise, describe, wrong
from voxrun.errors import ScenarioError

LOG_LIMIT = 10_000
"""Characters of a line in the log; the rest is cut off."""


class Waitable(Protocol):
    """A unit, or the session itself."""

    async def waitFor(self, event: Any, timeout: float | None = None) -> Any:
        """The event's payload. TimeoutError after `timeout` seconds."""


class Host(Protocol):
    """What the language needs of the API and the session, apart from the names that scenarios see."""

    @property
    def application(self) -> Waitable:
        """Who sends the events of the session."""

    def breakpoint(self) -> None:
        """Stop in the debugger, in the function that called this."""

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Wait."""

    def secret(self, name: str) -> str | None:
        """A secret by its name."""


def runtime_names(
    budget: Budget, gate: Gate, host: Host, functions: Mapping[str, Callable[..., Any]]
) -> dict[str, Any]:
    """`functions`: of the API: `log`, `listen`, `after`, `every`, `send_between`, `stop_between`."""
    api = {f"_{name}": ApiFunction(name, function, gate.call) for name, function in functions.items()}
    native: dict[str, Callable[..., Any]] = {
        "secret": host.secret,
        "text": partial(values.text, budget),
        "number": values.number_in,
        "round": values.rounded,
        "parse": partial(values.parsed, budget),
    }
    return {
        "__builtins__": {},
        "_CATCHABLE": CATCHABLE,
        "_Box": Box,
        "_budget": budget,
        "_application": host.application,
        "_breakpoint": host.breakpoint,
        "_caught": gate.caught,
        "_member": gate.member,
        "_optional": gate.optional,
        "_has": gate.has,
        "_index": gate.index,
        "_set_member": gate.set_member,
        "_set_index": gate.set_index,
        "_each": gate.each,
        "_call": gate.call,
        "_call_member": gate.call_member,
        "_awaited": gate.awaited,
        "_done": gate.done,
        "_truth": values.truth,
        "_add": partial(values.add, budget),
        "_subtract": values.subtract,
        "_multiply": values.multiply,
        "_divide": values.divide,
        "_remainder": values.remainder,
        "_negative": values.negative,
        "_equal": partial(values.equal, budget),
        "_less": partial(values.less, budget),
        "_less_or_equal": partial(values.less_or_equal, budget),
        "_greater": partial(values.greater, budget),
        "_greater_or_equal": partial(values.greater_or_equal, budget),
        "_template": partial(values.template, budget),
        **api,
        "_duration": duration,
        "_log": lambda value: gate.call(api["_log"], values.text(budget, value)[:LOG_LIMIT]),
        "_sleep": lambda value: Promise(host.sleep(duration(value) / 1000), "wait", own=False),
        "_wait_for": lambda *event: Promise(_wait_for(gate, host.application, *event), "wait for", own=True),
        **{name: ApiFunction(name, function, gate.call, is_native=True) for name, function in native.items()},
    }


def duration(value: Any) -> int | float:
    """Milliseconds. ScenarioError for what is none."""
    if type(value) not in values.NUMBERS:
        raise wrong(f"a duration is needed, such as 500ms or 30s, not {describe(value)}", value)
    if value < 0:
        raise ScenarioError("a duration can't be less than 0")
    return value  # type: ignore[no-any-return]


async def _wait_for(gate: Gate, application: Waitable, unit: Any, event: Any, within: Any) -> Any:
    """The payload of `event` when it fires next; null when it does not, within so many ms."""
    if type(event) is not str:
        raise wrong(f"`wait for` needs an event, such as CallEvents.Connected, not {describe(event)}", event)
    if within is not None:
        within = duration(within) / 1000
    if type(unit) in values.OBJECTS or (unit is not application and not gate.has(unit, "waitFor")):
        raise wrong(f"{describe(unit)} sends no events", unit)
    try:
        return await unit.waitFor(event, within)
    except TimeoutError:
        return None
