"""Where the session meets an error of the user's code: find the user's own line and say what to do."""

import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from importlib.machinery import SourceFileLoader
from io import StringIO
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, ModuleType, TracebackType

import trio

from voxrun.absent import TWO_OF_ON, absent, absent_in_python
from voxrun.dsl.mistakes import told
from voxrun.errors import ConfigurationError, RemoteError, ScenarioError, VoxrunError, half_a_pair
from voxrun.media.target import EventTarget, is_for_scenarios
from voxrun.namespace import OWN
from voxrun.nearest import nearest

OWN_MODULES = "voxrun_scenario_"
"""How the names of all modules begin that belong to a scenario: its script, and the files beside it."""

_PACKAGE = re.compile(rf"\b{OWN_MODULES}\d+\.")
"""What each session puts before the names of its own modules, which is no business of people's."""

_NO_ASYNCIO = ("no running event loop", "trio.run received unrecognized yield message")
"""What asyncio says when it is asked for anything, and trio when what asyncio gave is awaited."""

_TWO_OF_ON = re.compile(r"(EventTarget\.)?on\(\) takes \d positional arguments? but")

_NO_DICT = re.compile(r"'(\w+Event|HttpRequestResult)' object is not subscriptable")
"""What Python says of `event["tone"]`."""

_NO_PROMISE = "can't be used in 'await' expression"
"""How Python ends what it says of an `await` before anything else than a promise."""

_ARGUMENTS = "; a handler is called with the event, a timer's function with nothing"
"""What to do when the scenario's function could not even be called."""

NOT_ITS_OWN = (trio.Cancelled, KeyboardInterrupt, GeneratorExit)
"""What passes through the scenario's code and is no mistake of its own. All else is, even `asyncio.CancelledError`."""


def explain(error: BaseException, scenario: Path, doing: str, callback: object = None) -> VoxrunError:
    """`error`, raised by the scenario's code while `doing` something, as an error a person can act on.

    A peer's or a configuration error keeps its class; anything else is the scenario's. When no line of the scenario's
    led there, as with a handler that takes no argument, the place is that of the function `callback`.
    """
    first = first_of(error)
    where, excerpt = _place(error, first, callback) or (short_path(str(scenario)), "")
    if isinstance(first, SyntaxError):
        return ScenarioError(f"{doing}: {first.msg}", where=where, excerpt=excerpt)
    if isinstance(first, RemoteError | ConfigurationError):
        return placed(first, (where, excerpt))
    if isinstance(first, ScenarioError):
        return ScenarioError(f"{doing}: {first.message}", where=where, excerpt=excerpt)
    if message := overwritten(first) or half_a_pair(first):
        return ScenarioError(f"{doing}: {message}", where=where, excerpt=excerpt)
    if scenario.suffix == ".vox":
        return ScenarioError(f"{doing}: {told(first)}", where=where, excerpt=excerpt)
    text = _PACKAGE.sub("", _text_of(first))
    name = type(first).__name__
    message = f"{doing}: {name}: {text}" if text else f"{doing}: {name}"
    was_called = any(_own(step.tb_frame) for step in _all_steps(error, first))
    advice = ""
    with suppress(Exception):  # the scenario's own classes are asked, and may fail as well
        advice = _advice(first) if was_called or not isinstance(first, TypeError) else _ARGUMENTS
    return ScenarioError(message.removesuffix(".") + advice if advice else message, where=where, excerpt=excerpt)


def overwritten(error: BaseException) -> str:
    """What to say if a function that the scenario gave another value, as in `call.id = 5`, has led to `error`.

    It is seen only here: to refuse the assignment would cost each of the runtime's own, in every tick.
    """
    if not isinstance(error, TypeError) or not _text_of(error).endswith("is not callable"):
        return ""
    places = [step.tb_frame.f_locals.values() for step in _steps(error.__traceback__)]
    units = [it for values in places for it in values if issubclass(type(it), EventTarget)]
    for unit, name, value in [(it, *member) for it in units for member in vars(it).items()]:
        if is_for_scenarios(name) and not callable(value) and callable(getattr(type(unit), name, None)):
            return f"{unit!r} was given another `{name}`, which is a function: call it, `{name}(…)`; {OWN}"
    return ""


def first_of(error: BaseException) -> BaseException:
    """The first error in a group of groups that is not just a cancellation: the others followed from it."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    firsts = [first_of(inner) for inner in error.exceptions]
    return next((first for first in firsts if not isinstance(first, trio.Cancelled)), firsts[0])


def calling_place() -> tuple[str, str] | None:
    """The scenario's line that runs now: ("file:line", its text); None when it is somebody else's turn."""
    return place_among(traceback.walk_stack(inspect.currentframe()))


def place_among(steps: Iterable[tuple[FrameType, int]]) -> tuple[str, str] | None:
    """The first line that is the scenario's of those that run in these frames, the innermost of them first."""
    for frame, line in steps:
        if _own(frame):
            return _line(frame.f_code, frame.f_globals, line, frame.f_lasti)
    return None


def located(message: str, place: tuple[str, str] | None) -> str:
    """`message` with its place before it and the line's text below."""
    return str(ScenarioError(message, where=place[0], excerpt=place[1])) if place else message


def placed(error: VoxrunError, place: tuple[str, str] | None) -> VoxrunError:
    """`error` with the line of the scenario that led to it."""
    if place is None:
        return error
    if isinstance(error, ScenarioError):
        return ScenarioError(error.message, where=place[0], excerpt=place[1])
    if isinstance(error, RemoteError):
        return RemoteError(located(str(error), place), code=error.code, reason=error.reason)
    return type(error)(located(str(error), place))


def _place(error: BaseException, first: BaseException, callback: object) -> tuple[str, str] | None:
    """The innermost line of the scenario's own files on the way to `first`, an error of the group `error`."""
    if isinstance(first, SyntaxError) and Path(first.filename or "").is_file():
        name, number = first.filename or "", first.lineno or 0
        column = f":{first.offset}" if first.offset else ""
        return f"{short_path(name)}:{number}{column}", (_nth(_saved(name), number) or first.text or "").strip()
    for step in reversed(_all_steps(error, first)):
        if _own(step.tb_frame):
            return _line(step.tb_frame.f_code, step.tb_frame.f_globals, step.tb_lineno, step.tb_lasti)
    code = getattr(callback, "__code__", None)
    if code is not None and str(callback.__module__).startswith(OWN_MODULES):
        return _line(code, getattr(callback, "__globals__", {}), code.co_firstlineno)
    return None


def traceback_of(error: BaseException) -> str:
    """All of it, as Python shows it, but with the scenario's lines as they were when they were loaded."""
    frames = [step.tb_frame for step in _all_steps(error, first_of(error)) if _own(step.tb_frame)]
    own = {frame.f_code.co_filename: _loaded(frame.f_code, frame.f_globals) for frame in frames}
    shown = {name: lines for name, lines in own.items() if lines}
    for name, lines in shown.items():
        linecache.cache[name] = (0, None, lines, name)  # without a time nobody looks whether there is a newer file
    text = "".join(traceback.format_exception(error))
    for name in shown:
        del linecache.cache[name]
    return _PACKAGE.sub("", text)


def _text_of(error: BaseException) -> str:
    """What `error` says; nothing if its class is the scenario's and can't say it."""
    with suppress(Exception):
        return str(error)
    return ""


def _own(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(OWN_MODULES)


def _all_steps(error: BaseException, first: BaseException) -> list[TracebackType]:
    return [*_steps(error.__traceback__), *_steps(first.__traceback__)]


def _steps(step: TracebackType | None) -> Iterator[TracebackType]:
    while step is not None:
        yield step
        step = step.tb_next


def _byte_of(code: CodeType, instruction: int | None) -> int | None:
    """Where in its line, in bytes from 0, what runs there stands, in a file whose code has all positions."""
    if instruction is None or not code.co_filename.endswith(".vox"):
        return None
    return next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)[2]


def _line(code: CodeType, names: Mapping[str, object], number: int, instruction: int | None = None) -> tuple[str, str]:
    """A line of the file that `code`, which runs with these global `names`, was compiled from."""
    filename, byte = code.co_filename, _byte_of(code, instruction)
    line = _nth(_loaded(code, names) or _saved(filename), number)
    column = "" if byte is None else f":{len(line.encode()[:byte].decode(errors='ignore')) + 1}"
    return f"{short_path(filename)}:{number}{column}", line.strip()


def _loaded(code: CodeType, names: Mapping[str, object]) -> list[str]:
    """The lines of its file as they were when its module was loaded; none of code that the scenario makes itself."""
    loader = names.get("__loader__")
    if isinstance(loader, SourceFileLoader) and loader.path == code.co_filename:
        return list(StringIO(loader.get_source(loader.name)))
    return []


def _saved(filename: str) -> list[str]:
    """The lines of a file as they are now; none if it is not in the encoding that it says it has."""
    linecache.checkcache(filename)
    with suppress(LookupError, UnicodeError):
        return linecache.getlines(filename)
    return []


def _nth(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def short_path(filename: str) -> str:
    """A path as people read it: from the current folder on, if it lies below."""
    path = Path(filename)
    with suppress(FileNotFoundError):  # the current folder may be gone
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)
    return filename


def _advice(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "; end a session with VoxEngine.terminate()"
    if isinstance(error, AttributeError) and error.name is not None:
        if inspect.iscoroutine(error.obj):
            error.obj.close()  # it is known now: no need for Python's own warning as well
            return "; the call that made it returns a promise: put `await` before it, in an `async def` handler"
        return _without(error.name, error.obj)
    if isinstance(error, ImportError) and error.name in sys.modules:
        missing = re.match(r"cannot import name '(\w+)'", error.msg)
        return _without(missing[1], sys.modules[error.name]) if missing else ""
    if isinstance(error, NameError) and error.name is not None:
        if error.name in dir(sys.modules["voxrun"]):
            return f"; write `from voxrun import {error.name}` at the top"
        return f"; {advice}" if (advice := absent_in_python(error.name)) else ""
    if isinstance(error, TypeError) and _text_of(error).endswith(_NO_PROMISE):
        return "; this returns no promise: leave `await` out"
    if isinstance(error, TimeoutError) and " did not fire within " in _text_of(error):
        return "; to go on without it, catch TimeoutError"
    if isinstance(error, TypeError) and _NO_DICT.fullmatch(_text_of(error)):
        return "; its fields are read with a dot"
    if isinstance(error, TypeError) and _TWO_OF_ON.match(_text_of(error)):
        return f"; {TWO_OF_ON}"
    if isinstance(error, RuntimeError | TypeError) and _text_of(error).startswith(_NO_ASYNCIO):
        return "; scenarios run on trio, not on asyncio: `import trio`, then `await trio.sleep(seconds)` for example"
    return ""


def _without(name: str, owner: object) -> str:
    """What to do without the name `name` that `owner` doesn't have."""
    instead = absent_in_python if isinstance(owner, ModuleType) else absent
    if isinstance(owner, ModuleType):
        home, names = owner.__name__, getattr(owner, "__all__", dir(owner))
    elif isinstance(owner, EventTarget):
        home, names = type(owner).__module__, [it for it in dir(owner) if is_for_scenarios(it)]
    else:
        home, names = (owner if isinstance(owner, type) else type(owner)).__module__, dir(owner)
    is_ours = home.partition(".")[0] == "voxrun"
    if is_ours and (advice := instead(name)):
        return f"; {advice}"
    if near := nearest(name, (it for it in names if name.startswith("_") or not it.startswith("_"))):
        return f"; did you mean '{near}'?"
    return f"; it has {', '.join(it.name for it in fields(owner))}" if is_ours and is_dataclass(owner) else ""
