"""When something happens in a simulated call: at a time of the session, or after a cue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeAlias, TypeVar

from voxrun.errors import ConfigurationError
from voxrun.testing.event_names import known, known_message
from voxrun.testing.given import Given, Only, is_number, is_whole

Action = TypeVar("Action", covariant=True)
A = TypeVar("A")


def _is_count(given: object) -> bool:
    return given is None or (is_whole(given) and given > 0)


@dataclass(frozen=True, slots=True)
class Cue(Given):
    """Something to wait for. `number` is which one of the session, from 1; without it, the next one counts."""

    kind: str
    name: str = ""
    number: Annotated[int | None, Only("which time it is, from 1 on", _is_count)] = None

    def __str__(self) -> str:
        """`agent stops`, `event Call.Connected 2 times`."""
        words = re.sub("[A-Z]", lambda capital: f" {capital[0].lower()}", self.kind)
        often = "" if self.number is None else f"{self.number} time{'s' * (self.number > 1)}"
        return " ".join(filter(None, (words, self.name, often)))


@dataclass(frozen=True, slots=True)
class At:
    """So many seconds after the session began."""

    seconds: float


@dataclass(frozen=True, slots=True)
class After:
    """So many seconds after a cue."""

    cue: Cue
    seconds: float


Moment: TypeAlias = At | After


@dataclass(frozen=True, slots=True)
class Step(Generic[Action]):
    """One line of a timeline."""

    moment: Moment
    action: Action


@dataclass(frozen=True, slots=True)
class Awaited:
    """A step of the timeline `of` that was not done, though those above it were, mostly as its cue never came."""

    of: str
    step: Step[object]
    why: str = ""
    """If it was not done for another reason, which."""

    @property
    def cue(self) -> str:
        """What it waited for, in words."""
        return str(self.step.moment.cue) if isinstance(self.step.moment, After) else ""

    def __str__(self) -> str:
        why = self.why or f"its cue never came ({self.cue})"
        return f"{self.of}= has {self.step.action!r}, which was not done: {why}"


def at(seconds: float, action: A) -> Step[A]:
    """Do it so many seconds after the session began. ConfigurationError for what is no number."""
    return Step(At(_number(seconds)), action)


def after(cue: Cue, seconds: float, action: A) -> Step[A]:
    """Do it so many seconds after a cue.

    Cues count from when the step above began, or if that says something, from when it was said; for the first step
    all count. ConfigurationError for what is no cue, or no number.
    """
    if not isinstance(cue, Cue):
        raise ConfigurationError(f'after(…) takes a cue, such as agentStops or event("Call.Connected"), not {cue!r}')
    return Step(After(cue, _number(seconds)), action)


def _number(seconds: object) -> float:
    if not is_number(seconds):
        raise ConfigurationError(f"when something is done is a number of seconds, not {seconds!r}")
    if seconds < 0:
        raise ConfigurationError(f"nothing is done before it can be: {seconds!r} s are less than none")
    return float(seconds)


def check_steps(name: str, steps: object, kind: type) -> None:
    """ConfigurationError for what is no timeline of such actions: no type check has seen the test."""
    if not isinstance(steps, Sequence) or not all(isinstance(step, Step) for step in steps):
        raise ConfigurationError(f"{name}= takes a list of steps, such as [at(2.0, …)], but was given {steps!r}")
    check_all(name, [step.action for step in steps], kind)


def check_end(steps: Sequence[Step[object]], ends: type | tuple[type, ...], told: str) -> None:
    """ConfigurationError for what can never be done, as a step of the kind `ends`, `told` so, is always before it."""
    ending = [(step.moment, index) for index, step in enumerate(steps) if isinstance(step.action, ends)]
    times = [(moment.seconds, index) for moment, index in ending if isinstance(moment, At)]
    for index, step in enumerate(steps):
        if isinstance(step.action, ends):
            continue
        if isinstance(step.moment, At):
            is_late = any(end < (step.moment.seconds, index) for end in times)
        else:
            is_late = any(end < index for _, end in ending)  # it waits for all above
        if is_late:
            raise ConfigurationError(f"{told} before, so this can never be done: {step.action!r}")


def check_all(name: str, given: object, kind: type) -> None:
    """ConfigurationError unless it is a list of these: others would be passed over in silence."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigurationError(f"{name}= takes a list, but was given {given!r}")
    for it in given:
        if not isinstance(it, kind):
            raise ConfigurationError(f"{name}= has {it!r}, which is no {kind.__name__}")


agentStarts = Cue("agentStarts")  # noqa: N816 - as it reads in a test
"""The caller hears something after silence."""

agentStops = Cue("agentStops")  # noqa: N816
"""The caller has heard the last of it: known after 300 ms of silence, counted from its beginning."""

callerStarts = Cue("callerStarts")  # noqa: N816
"""The caller begins to say something."""

callerStops = Cue("callerStops")  # noqa: N816
"""The caller has said it."""

previous = Cue("previous")
"""The step above is done."""


def event(name: str, number: int | None = None) -> Cue:
    """The session fires the event of that name: `event("Call.Connected")`. ConfigurationError if none has it."""
    return Cue("event", known(name), number)


def callerTurn(number: int | None = None) -> Cue:
    """The agent has heard the caller fall silent, for the n-th time on its connection."""
    return Cue("callerTurn", "", number)


def message(kind: str, number: int | None = None) -> Cue:
    """The scenario sends the agent a message of that type: `message("contextual_update")`. ConfigurationError if there
    is no such type.
    """
    return Cue("message", known_message(kind), number)


def toolResult(name: str, number: int | None = None) -> Cue:
    """The scenario has answered the agent's call of the tool `name`."""
    return Cue("toolResult", name, number)
