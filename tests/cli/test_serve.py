"""`voxrun serve` as a process of its own, called over real sockets."""

import json
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from select import select
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import httpx
import numpy as np
import pytest
import trio
from tests.cli.command import Running, read_wav, voxrun
from tests.kit import tone
from tests.serving.phone_caller import ECHO, TwilioCall

from voxrun.cli.serve_options import parse
from voxrun.cli.status import OK, SCENARIO_FAILED, WRONG_USE
from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.network import TcpNetwork
from voxrun.transports.websocket import open_websocket

TOKEN = "the-token-of-the-test"

STUCK = """from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    while True:
        pass
"""

GREEDY = """import sys
from pathlib import Path
had = {*sys.modules, __name__}
from voxrun import *
dir(VoxEngine), dir(ElevenLabs)
from voxrun.protocol.rtp.codecs import CODECS
for codec in CODECS.values():
    codec.new_encoder(), codec.new_decoder()
Path("late").write_text(" ".join({*sys.modules} - had) or "nothing")
"""

CHATTY = """from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda event: VoxEngine.terminate())
    event.call.answer()
    for _ in range(1000):
        print("what nobody reads" * 10)
"""

COMPUTING = """import time
from pathlib import Path
from threading import Thread
from voxrun import *
over = []
def compute():
    while not over:
        pass
@VoxEngine.on(AppEvents.CallAlerting)
def measure(event):
    took = []
    Thread(target=compute).start()
    for _ in range(5):
        began = time.monotonic()
        for _ in range(10):
            time.sleep(0)
        took.append(time.monotonic() - began)
    over.append(True)
    Path("took").write_text(f"{min(took)}")
    VoxEngine.terminate()
"""


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    path = tmp_path / "echo.py"
    path.write_text(ECHO)
    return path


def port_of(running: Running) -> int:
    running.wait_for("calls are taken on")
    found = re.search(r":(\d+)$", running.shown[-1].strip())
    assert found
    return int(found[1])


def call(port: int, talk: Callable[[TwilioCall], Awaitable[None]], query: str = f"?token={TOKEN}") -> None:
    """One call, and what the caller does in it; tried again while the server, on a busy machine, is overloaded."""

    async def main() -> None:
        url = f"ws://127.0.0.1:{port}/media/twilio{query}"
        async with open_websocket(TcpNetwork(), url) as socket, trio.open_nursery() as nursery:
            twilio = TwilioCall(socket)
            nursery.start_soon(twilio.listen)
            await talk(twilio)
            with trio.fail_after(10):
                await twilio.over()

    while True:
        try:
            return trio.run(main)
        except RemoteError as error:
            if error.code != 503:
                raise


@pytest.mark.slow
def test_a_call_over_real_sockets_is_answered_recorded_and_traced(echo: Path) -> None:
    folder = echo.parent

    async def talk(twilio: TwilioCall) -> None:
        twilio.start(callerid="+49301", destination="+1")
        await trio.sleep(0.3)
        await twilio.say(tone(8000, 2.0))
        assert np.abs(twilio.heard[8000:]).max() > 5000
        twilio.hang_up()

    arguments = ("serve", echo, "--listen", "127.0.0.1:0", "--token", TOKEN, "--record", "kept", "--trace", "kept")
    with Running(*arguments, cwd=folder) as running:
        call(port_of(running), talk)
        running.wait_for("over after")
        running.signal(SIGTERM)
        done = running.finish()
    assert done.status == OK
    assert done.err == ""
    assert "call from +49301 to +1 by twilio: echo.py" in done.out
    assert "all calls are over" in done.out
    assert TOKEN not in done.text
    (wav,) = folder.glob("kept/*.wav")
    assert len(read_wav(wav)) > 2 * 8000
    assert len(list(folder.glob("kept/*.jsonl"))) == 1


@pytest.mark.slow
def test_what_a_scenario_prints_holds_no_call_up_though_nobody_reads_it(tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text(CHATTY)
    with Running("serve", "chatty.py", "--listen", "127.0.0.1:0", "--trace", "kept", cwd=tmp_path) as running:

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()
            await trio.sleep(0.5)
            twilio.hang_up()

        call(port_of(running), talk, "")
        running.signal(SIGTERM)
        assert not running.is_alive(10)
    (trace,) = tmp_path.glob("kept/*.jsonl")
    last = json.loads(trace.read_text().splitlines()[-1])
    assert (last["reason"], last["error"]) == ("terminated by the scenario", None)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "1")], ids=["one process", "workers"])
def test_as_many_as_may_call_may_come_in_the_same_moment(echo: Path, options: tuple[str, ...]) -> None:
    arguments = ["--listen", "127.0.0.1:0", "--max-calls", "90", *options]
    with Running("serve", echo, *arguments, cwd=echo.parent) as running, ExitStack() as open_ones:
        address = ("127.0.0.1", port_of(running))
        callers = [open_ones.enter_context(socket.create_connection(address, 10)) for _ in range(90)]
        turned_away, _, _ = select(callers, [], [], 0.5)
        assert not turned_away
        for caller in callers:
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: calls.example.com\r\n\r\n")
        assert [caller.recv(15) for caller in callers] == [b"HTTP/1.1 200 OK"] * 90


@pytest.mark.slow
def test_the_first_signal_waits_and_the_second_does_not(echo: Path) -> None:
    with Running("serve", echo, "--listen", "127.0.0.1:0", "--record", "kept", cwd=echo.parent) as running:
        port = port_of(running)

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()
            await trio.sleep(0.3)
            await twilio.say(tone(8000, 0.5))
            running.signal(SIGINT)
            await twilio.say(tone(8000, 0.5))
            assert running.is_alive(0.0)
            running.signal(SIGINT)

        call(port, talk, "")
        done = running.finish()
    assert done.err == ""
    assert "1 go on for at most 60 s" in done.out
    (wav,) = echo.parent.glob("kept/*.wav")
    assert len(read_wav(wav)) >= 8000


@pytest.mark.slow
@pytest.mark.parametrize("signals", [(SIGHUP, SIGHUP), (SIGTERM, SIGHUP), (SIGHUP, SIGTERM)])
def test_a_call_is_not_cut_when_the_terminal_is_closed_or_the_user_logs_out(echo: Path, signals: list[Signals]) -> None:
    with Running("serve", echo, "--listen", "127.0.0.1:0", cwd=echo.parent) as running:
        port = port_of(running)

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()
            for number in signals:
                await twilio.say(tone(8000, 0.5))
                running.signal(number)
            await twilio.say(tone(8000, 0.5))
            assert running.is_alive(0.0)
            twilio.hang_up()

        call(port, talk, "")
        done = running.finish()
    assert (done.status, done.err) == (OK, "")
    assert done.out.count("1 go on for at most 60 s") == 1
    assert "all calls are over" in done.out


@pytest.mark.slow
def test_a_scenario_that_never_waits_is_broken_into_and_named(echo: Path, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck.py"
    stuck.write_text(STUCK)
    arguments = ("serve", echo, "--listen", "127.0.0.1:0", "--route", f"stuck={stuck}")
    with Running(*arguments, cwd=tmp_path) as running:
        port = port_of(running)

        async def talk(twilio: TwilioCall) -> None:
            twilio.start(destination="stuck")

        call(port, talk, "")
        running.signal(SIGTERM)
        done = running.finish()
    assert "stuck.py:4: in a handler of Application.CallAlerting: this has held up all calls for 2 s" in done.out
    assert done.status == OK


@pytest.mark.slow
def test_no_call_waits_until_another_has_loaded_what_it_uses(tmp_path: Path) -> None:
    late = tmp_path / "late"
    (tmp_path / "greedy.py").write_text(GREEDY)
    with Running("serve", "greedy.py", "--listen", "127.0.0.1:0", cwd=tmp_path) as running:

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()
            while not (late.exists() and late.stat().st_size):  # noqa: ASYNC110 - another process writes it
                await trio.sleep(0.01)
            twilio.hang_up()

        call(port_of(running), talk, "")
    assert late.read_text() == "nothing"


@pytest.mark.slow
def test_a_thread_that_computes_leaves_the_interpreter_to_the_calls(tmp_path: Path) -> None:
    (tmp_path / "computing.py").write_text(COMPUTING)
    with Running("serve", "computing.py", "--listen", "127.0.0.1:0", cwd=tmp_path) as running:

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()
            await twilio.over()

        call(port_of(running), talk, "")
    assert float((tmp_path / "took").read_text()) < 0.025  # ten times Python's 5 ms, or a little each


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
@pytest.mark.parametrize(
    ("name", "source", "mistake"),
    [
        ("wrong.py", "def answer(:", "voxrun: wrong.py:1:12: while loading: invalid syntax"),
        ("wrong.vox", "on call {", "voxrun: wrong.vox:1:9: error: this `{` is not closed"),
    ],
)
def test_a_scenario_that_can_never_run_is_not_served(
    tmp_path: Path, echo: Path, name: str, source: str, mistake: str, workers: list[str]
) -> None:
    (tmp_path / name).write_text(source)
    done = voxrun("serve", echo, "--route", f"1*={name}", "--listen", "127.0.0.1:0", *workers, cwd=tmp_path)
    assert done.status == SCENARIO_FAILED
    assert done.err.startswith(mistake)
    assert done.out == ""


@pytest.mark.slow
@pytest.mark.parametrize(("option", "logged"), [("", ["none", "***", "***"]), ("--sandbox", ["none", "none", "***"])])
def test_a_scenario_in_the_language_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, logged: list[str]
) -> None:
    """In the sandbox it has the secrets that it was given, and none of the environment's."""
    monkeypatch.setenv("OF_OTHERS", "of the environment")
    (tmp_path / "brief.vox").write_text("""on AppEvents.CallAlerting as { call } {
    for name in ["NOWHERE_SET", "OF_OTHERS", "OF_ITS_OWN"] { log secret(name) ?? "none" }
    call.answer()
    call.hangup()
}
""")
    options = ("--secret", "OF_ITS_OWN=of the option", "--trace", "traces", *filter(None, [option]))
    with Running("serve", "brief.vox", "--listen", "127.0.0.1:0", *options, cwd=tmp_path) as running:

        async def talk(twilio: TwilioCall) -> None:
            twilio.start()

        call(port_of(running), talk, "")
        running.wait_for("over after")
        running.signal(SIGTERM)
        done = running.finish()
    assert "voxrun by twilio: brief.vox" in done.out
    assert done.status == OK
    [trace] = (tmp_path / "traces").iterdir()
    records = map(json.loads, trace.read_text().splitlines())
    assert [record["message"] for record in records if record["kind"] == "log"] == logged


@pytest.mark.slow
def test_whoever_is_not_let_in_is_told_of_with_the_reason(echo: Path) -> None:
    with Running("serve", "echo.py", "--listen", "127.0.0.1:0", "--token", "sesame", cwd=echo.parent) as running:
        assert httpx.get(f"http://127.0.0.1:{port_of(running)}/media/twilio?token=sesam").status_code == 401
        running.wait_for("refused 1: their token is not the --token")


def test_others_are_let_in_only_by_a_token(echo: Path) -> None:
    done = voxrun("serve", echo, "--listen", "0.0.0.0:0", cwd=echo.parent)
    assert done.status == WRONG_USE
    assert "can be reached by others: give a --token" in done.err


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ([], "say which SCENARIO"),
        (["gone.py"], "there is no scenario gone.py"),
        (["echo.py", "--route", "x"], "--route takes PATTERN=FILE"),
        (["echo.py", "--route", "x=gone.py"], "there is no scenario gone.py"),
        (["echo.py", "--listen", "8080"], "--listen takes HOST:PORT"),
        (["echo.py", "--listen", "127.0.0.1:99999"], "--listen takes HOST:PORT"),
        (["echo.py", "--listen", ":8080"], "--listen takes HOST:PORT"),
        (["echo.py", "--listen", "example.com:80"], "can be reached by others"),
        (["echo.py", "--listen", "[::]:80"], "can be reached by others"),
        (["echo.py", "--public-url", "calls.example.com"], "--public-url takes an address"),
        (["echo.py", "--public-url", "https://"], "--public-url takes an address"),
        (["echo.py", "--public-url", "https://calls.example.com/?token=x"], "--public-url takes an address"),
        (["echo.py", "--token", ""], "--token is empty"),
        (["echo.py", "--control", "127.0.0.1:0", "--control-token="], "--control-token is empty"),
        (["echo.py", "--control-token", "a"], "of no use without --control HOST:PORT"),
        (["echo.py", "--control-url", "https://voice.example.com"], "of no use without --control HOST:PORT"),
        (["echo.py", "--token", "of-a-file\n"], "VOXRUN_TOKEN, or what was given instead, has a space or line end"),
        (["echo.py", "--secret", "TWILIO_AUTH_TOKEN=secret "], "TWILIO_AUTH_TOKEN, or what was given"),
        (["echo.py", "--control", "127.0.0.1:0", "--control-token", "ключ"], "VOXRUN_CONTROL_TOKEN, or what"),
        (["a" * 300], "can't be read: File name too long"),
        (["echo.py", "--sandbox"], "--sandbox is for .vox scenarios"),
        (["brief.vox", "--sandbox=nowhere"], "--sandbox nowhere is no folder"),
        (["echo.py", "--record", "echo.py"], "--record echo.py can't be used"),
        (["echo.py", "--trace", "/proc"], "--trace /proc can't be used"),
    ],
)
def test_wrong_use_is_told(echo: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], mistake: str) -> None:
    monkeypatch.chdir(echo.parent)
    Path("brief.vox").touch()
    with pytest.raises(ConfigurationError) as caught:
        parse(arguments)
    assert mistake in str(caught.value)


def test_what_was_said(echo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(echo.parent)
    monkeypatch.setenv("VOXRUN_TOKEN", "of-the-environment")
    arguments = [
        "echo.py",
        "--listen",
        "[::1]:0",
        "--route",
        "+49*=echo.py",
        "--max-calls",
        "7",
        "--secret",
        "TWILIO_AUTH_TOKEN=t",
    ]
    options = parse(arguments)
    assert (options.host, options.port, options.settings.max_calls) == ("::1", 0, 7)
    assert (options.keys.token, options.keys.twilio) == ("of-the-environment", "t")
    assert options.settings.routes.scenarios == (echo.absolute(),)
    assert parse(["echo.py", "--token", "given"]).keys.token == "given"
