"""Whatever goes wrong in a scenario: the message shows its own file and line, and says what to do."""

import gc
from pathlib import Path

import pytest
from tests.kit import Play, Ran, ScriptedLeg, Setting, simulate

import voxrun
from voxrun.errors import ConfigurationError, RemoteError, ScenarioError
from voxrun.session.failure import explain, first_of


def line_of(path: Path, text: str) -> int:
    """The number of the only line of a file with this text in it."""
    [number] = [number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line]
    return number


def assert_shows(ran: Ran, path: Path, text: str) -> str:
    """The run failed, and its error shows the line of `path` that holds `text`; returns the message."""
    error = ran.outcome.error
    assert isinstance(error, ScenarioError)
    place, column = f"{path}:{line_of(path, text)}", error.where.removeprefix(f"{path}:{line_of(path, text)}")
    assert error.where == place + column
    assert column == "" or column[0] == ":"
    assert text in error.excerpt
    assert str(error) == f"{error.where}: {error.message}\n    {error.excerpt}"
    return error.message


IN_A_HANDLER = "in a handler of Application.Started: "

CASES = {
    "syntax": ("def x(:  # here\n    pass\n", "# here", "while loading: invalid syntax"),
    "indentation": ("def x():\npass  # here\n", "# here", "while loading: expected an indented block"),
    "at import": ("1 / 0  # here\n", "# here", "while loading: ZeroDivisionError: division by zero"),
    "exit at import": (
        "import sys\nsys.exit(3)\n",
        "sys.exit",
        "while loading: SystemExit: 3; end a session with VoxEngine.terminate()",
    ),
    "no such module": ("import nonsuch\n", "nonsuch", "while loading: ModuleNotFoundError: No module named 'nonsuch'"),
    "in a sync handler": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            {}["key"]
        """,
        '{}["key"]',
        IN_A_HANDLER + "KeyError: 'key'",
    ),
    "in an async handler": (
        """
        import trio
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            await trio.sleep(1)
            raise ValueError("bad")
        """,
        "raise",
        IN_A_HANDLER + "ValueError: bad",
    ),
    "below a handler, in the library": (
        """
        import json
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            json.loads("{")
        """,
        "json.loads",
        IN_A_HANDLER + "JSONDecodeError",
    ),
    "in voxrun": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            VoxEngine.createURLPlayer("ftp://x/y.wav")
        """,
        "createURLPlayer",
        IN_A_HANDLER + "audio is played from files",
    ),
    "in a timeout": (
        "def later():\n    1 / 0\nsetTimeout(later, 10)\n",
        "1 / 0",
        "in a setTimeout callback: ZeroDivisionError",
    ),
    "in an interval": (
        "setInterval(lambda: 1 / 0, 100)\n",
        "1 / 0",
        "in a setInterval callback: ZeroDivisionError",
    ),
    "exit in a handler": (
        """
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            raise SystemExit
        """,
        "raise",
        IN_A_HANDLER + "SystemExit; end a session with VoxEngine.terminate()",
    ),
    "a generator": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            yield 1
        """,
        "@VoxEngine.on",
        IN_A_HANDLER + "a function with `yield` in it does nothing when it is called",
    ),
    "an asynchronous generator": (
        """
        async def later():
            yield 1
        setTimeout(later, 10)
        """,
        "async def later",
        "in a setTimeout callback: a function with `yield` in it",
    ),
    "cancelled by another library": (
        """
        import asyncio
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            raise asyncio.CancelledError("gone")
        """,
        "raise",
        IN_A_HANDLER + "CancelledError: gone",
    ),
    "no ordinary exception, without a wait": (
        """
        class Panic(BaseException):
            pass
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            raise Panic
        """,
        "raise Panic",
        IN_A_HANDLER + "Panic",
    ),
    "no ordinary exception, in a nursery": (
        """
        import asyncio, trio
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                raise asyncio.CancelledError
        """,
        "raise",
        IN_A_HANDLER + "CancelledError",
    ),
    "no ordinary exception, while loading": (
        "import asyncio\nraise asyncio.CancelledError\n",
        "raise",
        "while loading: CancelledError",
    ),
    "a handler that takes nothing": (
        """
        def go():  # here
            pass
        VoxEngine.addEventListener(AppEvents.Started, go)
        """,
        "# here",
        IN_A_HANDLER
        + "TypeError: go() takes 0 positional arguments but 1 was given; a handler is called with the event",
    ),
    "a timeout that wants an argument": (
        "setTimeout(lambda event: 1, 10)\n",
        "lambda",
        "in a setTimeout callback: TypeError: <lambda>() missing 1 required positional argument: 'event'",
    ),
    "a timer without a function": (
        "setTimeout(Logger.write('now'), 10)\n",
        "setTimeout",
        "while loading: setTimeout needs a function to call, but was given None",
    ),
    "syntax in what a handler evaluates": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            eval("1 +")
        """,
        "eval",
        IN_A_HANDLER + "invalid syntax",
    ),
    "in a nursery of a handler": (
        """
        import trio
        async def child():
            1 / 0
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child)
                nursery.start_soon(trio.sleep_forever)
        """,
        "1 / 0",
        IN_A_HANDLER + "ZeroDivisionError: division by zero",
    ),
    "a misspelt function": (
        "VoxEngine.terminat()\n",
        "terminat()",
        "while loading: AttributeError: module 'voxrun.api.voxengine' has no attribute 'terminat'; "
        "did you mean 'terminate'?",
    ),
    "a misspelt import": (
        "from voxrun import CallEvent\n",
        "import CallEvent",
        "while loading: ImportError: cannot import name 'CallEvent' from 'voxrun' "
        f"({voxrun.__file__}); did you mean 'CallEvents'?",
    ),
    "an import of what only VoxEngine has": (
        "from voxrun import Crypto\n",
        "import Crypto",
        "while loading: ImportError: cannot import name 'Crypto' from 'voxrun' "
        f"({voxrun.__file__}); use Python's hashlib and hmac",
    ),
    "a name that only VoxEngine has": (
        "require('elevenlabs')\n",
        "require(",
        "while loading: NameError: name 'require' is not defined; "
        "there is nothing to load: write `from voxrun import ElevenLabs` at the top",
    ),
    "an event that only VoxEngine has": (
        "VoxEngine.addEventListener(CallEvents.OnHold, print)\n",
        "CallEvents.OnHold",
        "while loading: AttributeError: type object 'CallEvents' has no attribute 'OnHold'; "
        "it needs SIP, which is not there yet: leave it out",
    ),
    "a member of one's own that is called as one of VoxEngine's": (
        "class Mine: pass\nMine().sendMessage()\n",
        "Mine().sendMessage",
        "while loading: AttributeError: 'Mine' object has no attribute 'sendMessage'",
    ),
    "a parameter that only VoxEngine has": (
        "VoxEngine.createRecorder(lossless=True)\n",
        "createRecorder",
        "while loading: createRecorder has no parameter 'lossless'; "
        "the end of `name` says the format: wav, flac, ogg or mp3",
    ),
    "a forgotten import": (
        "del Logger\nLogger.write('hello')\n",
        "Logger.write",
        "while loading: NameError: name 'Logger' is not defined; write `from voxrun import Logger` at the top",
    ),
    "asyncio": (
        """
        import asyncio
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            await asyncio.sleep(1)
        """,
        "await asyncio.sleep(1)",
        IN_A_HANDLER + "RuntimeError: no running event loop; scenarios run on trio, not on asyncio: `import trio`, "
        "then `await trio.sleep(seconds)` for example",
    ),
    "a handler where the event belongs": (
        """
        @VoxEngine.on
        def go(event):
            pass
        """,
        "@VoxEngine.on",
        "while loading: `on` needs an event: write `@call.on(CallEvents.Connected)`, not just `@call.on`",
    ),
    "a timer with its arguments the other way round": (
        "setTimeout(1000, VoxEngine.terminate)\n",
        "setTimeout",
        "while loading: setTimeout needs a function to call, but was given 1000",
    ),
    "no text to say": (
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            event.call.answer()
            event.call.say(42)
        """,
        "event.call.say(42)",
        "in a handler of Application.CallAlerting: call.say needs a text, but was given 42",
    ),
    "no text for a player": (
        "VoxEngine.createTTSPlayer(None)\n",
        "createTTSPlayer",
        "while loading: createTTSPlayer needs a text, but was given None",
    ),
    "parameters that are no object": (
        "VoxEngine.createTTSPlayer('hello', 'en-US')\n",
        "createTTSPlayer",
        "while loading: createTTSPlayer takes its parameters by name or as one dict, but was given 'en-US'",
    ),
    "a time that is a text": (
        "setTimeout(print, '2000')\n",
        "setTimeout",
        "while loading: setTimeout needs its time as a number of ms, but was given '2000'",
    ),
    "a misspelt parameter": (
        "VoxEngine.createRecorder(nam='x')\n",
        "createRecorder",
        "while loading: createRecorder has no parameter 'nam'; did you mean 'name'?",
    ),
    "a missing await": (
        """
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            agent = ElevenLabs.createAgentsClient(agentId="a", xiApiKey="key")
            agent.addEventListener(ElevenLabs.AgentsEvents.Ping, print)
        """,
        "agent.addEventListener",
        IN_A_HANDLER + "AttributeError: 'coroutine' object has no attribute 'addEventListener'; the call that made it "
        "returns a promise: put `await` before it, in an `async def` handler",
    ),
    "an await too many": (
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        async def go(event):
            await event.call.hangup()
        """,
        "await",
        "in a handler of Application.CallAlerting: TypeError: object NoneType can't be used in 'await' expression; "
        "this returns no promise: leave `await` out",
    ),
    "a wrong argument of one's own": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            len(5)
        """,
        "len(5)",
        IN_A_HANDLER + "TypeError: object of type 'int' has no len()",
    ),
    "a word of JavaScript's": (
        """
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            Logger.write(undefined)
        """,
        "undefined",
        IN_A_HANDLER + "NameError: name 'undefined' is not defined; in Python it is None",
    ),
    "waiting in vain": (
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        async def go(event):
            await event.call.waitFor(CallEvents.Connected, timeout=2)
        setTimeout(lambda: 1, 5_000)
        """,
        "await",
        "in a handler of Application.CallAlerting: TimeoutError: Call.Connected did not fire within 2 s",
    ),
}


@pytest.mark.parametrize(("source", "text", "message"), CASES.values(), ids=list(CASES))
def test_the_message_shows_the_scenarios_own_line(
    play: Play, tmp_path: Path, source: str, text: str, message: str
) -> None:
    ran = play(source, Setting(leg=ScriptedLeg()))
    assert assert_shows(ran, tmp_path / "scenario.py", text).startswith(message)
    assert ran.outcome.reason == "the scenario failed"
    gc.collect()  # a coroutine that nobody awaited would complain now


@pytest.mark.parametrize("what", ["'hello'", "None", "42", "{}"])
def test_a_handler_that_is_no_function_ends_the_scenario_when_its_event_fires(play: Play, what: str) -> None:
    ran = play(
        f"""
        VoxEngine.addEventListener(AppEvents.Started, {what})
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("not reached"))
        Logger.write("loaded")
        """
    )
    assert ran.logged == ["loaded"]
    message = f"in a handler of Application.Started: a handler must be a function, not {what}"
    assert message in str(ran.outcome.error)
    assert "scenario.py: " in str(ran.outcome.error)


def test_a_handler_that_is_no_function_does_no_harm_until_then(play: Play) -> None:
    ran = play("""
        VoxEngine.addEventListener(AppEvents.CallAlerting, 42)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("reached"))
        """)
    assert ran.logged == ["reached"]
    assert ran.outcome.error is None


@pytest.mark.parametrize(
    ("event", "warning"),
    [
        ("'Application.Startd'", "'Application.Startd' ever fires here; did you mean 'Application.Started'?"),
        ("'zzz'", "'zzz' ever fires here\n"),
        ("None", "None ever fires here\n"),
    ],
)
def test_an_unknown_event_warns_with_the_line_and_does_no_harm(
    play: Play, tmp_path: Path, event: str, warning: str
) -> None:
    ran = play(f"VoxEngine.addEventListener({event}, lambda e: 1)")
    [record] = ran.of_kind("warning")
    assert record["message"].startswith(f"{tmp_path}/scenario.py:2: no event named {warning}")
    assert record["message"].endswith(f"\n    VoxEngine.addEventListener({event}, lambda e: 1)")
    assert ran.outcome.error is None


def test_a_mistake_in_a_sibling_shows_the_siblings_line(play: Play, tmp_path: Path) -> None:
    ran = play("import helper\nhelper.fail()\n", helper="def fail():\n    1 / 0  # there\n")
    assert_shows(ran, tmp_path / "helper.py", "# there")
    ran = play("import broken\n", broken="x = (\n")
    assert_shows(ran, tmp_path / "broken.py", "x = (")


def test_only_the_scenarios_own_modules_are_its_lines(tmp_path: Path) -> None:
    # A scenario's folder may hold everything: voxrun itself, the library, in the end the whole disk.
    everything = Path(tmp_path.anchor) / "scenario.py"
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018 - no line of a scenario's
    assert str(explain(caught.value, everything, "here")) == f"{everything}: here: ZeroDivisionError: division by zero"


@pytest.mark.parametrize("source", [b"x = '\xff'\n", b"x = 1\0\n", b"# coding: nonsuch\n", b"\xff\xfe"])
def test_what_is_no_text_is_told_with_the_files_name(tmp_path: Path, source: bytes) -> None:
    path = tmp_path / "scenario.py"
    path.write_bytes(source)
    ran = simulate(path)
    assert isinstance(ran.outcome.error, ScenarioError)
    assert str(ran.outcome.error).startswith(str(path))
    assert "while loading: " in str(ran.outcome.error)


def test_a_scenario_below_the_current_folder_is_named_from_there(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    ran = play("1 / 0")
    assert str(ran.outcome.error).startswith(f"{tmp_path.name}/scenario.py:2: while loading")


@pytest.mark.parametrize("error", ["RemoteError('gone', code=1008, reason='why')", "ConfigurationError('no key')"])
def test_errors_of_peers_and_arguments_keep_their_class_and_get_the_line(
    play: Play, tmp_path: Path, error: str
) -> None:
    ran = play(f"""
        from voxrun.errors import ConfigurationError, RemoteError
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            raise {error}
        """)
    assert type(ran.outcome.error) in (RemoteError, ConfigurationError)
    text = "gone" if isinstance(ran.outcome.error, RemoteError) else "no key"
    assert str(ran.outcome.error) == f"{tmp_path}/scenario.py:5: {text}\n    raise {error}"
    if isinstance(ran.outcome.error, RemoteError):
        assert (ran.outcome.error.code, ran.outcome.error.reason) == (1008, "why")


def test_the_traceback_is_in_the_trace(play: Play) -> None:
    ran = play("@VoxEngine.on(AppEvents.Started)\ndef go(event):\n    1 / 0\n")
    [record] = ran.of_kind("traceback")
    assert "scenario.py" in record["text"]
    assert "ZeroDivisionError" in record["text"]


def test_the_first_error_of_nested_groups_counts() -> None:
    zero, first = OSError("zero"), KeyError("first")
    inner = ExceptionGroup("inner", [first, ValueError("second")])
    assert first_of(inner) is first
    assert first_of(ExceptionGroup("outer", [ExceptionGroup("middle", [zero]), inner])) is zero
    assert first_of(zero) is zero


def test_a_message_names_attributes_of_a_providers_message(play: Play) -> None:
    ran = play("""
        from voxrun.events.message import Message
        Message({"user_transcript": "hello"}).user_transcrip
        """)
    assert "did you mean 'user_transcript'?" in str(ran.outcome.error)


def test_an_error_while_a_handler_is_being_cancelled_is_the_scenarios(play: Play) -> None:
    ran = play("""
        import trio
        async def bad_end():
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("while ending")
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bad_end)
                nursery.start_soon(trio.sleep_forever)
                await trio.sleep(1)
                VoxEngine.terminate()
                await trio.sleep_forever()
        """)
    assert "ValueError: while ending" in str(ran.outcome.error)
    assert ran.events[-2:] == ["Application.Terminating", "Application.Terminated"]
