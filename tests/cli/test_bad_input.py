"""All that can go wrong from outside: one clear message, the documented status, no traceback, no lost recording."""

import resource
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.agent_service import SIGNATURE, Conversation, Script
from tests.cli.command import COMMAND, Finished, LoopbackAgent, read_wav, records, run, voxrun, voxrun_with
from tests.cli.conftest import Capture, Write
from tests.kit import tone

from voxrun.cli import main
from voxrun.cli.status import OK, SCENARIO_FAILED, UNREACHABLE, WRONG_USE
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated
from voxrun.transports.server import Reply
from voxrun.transports.socket_websocket import SocketWebSocket

ECHO = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Connected, lambda e: setTimeout(call.hangup, 1500))
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    call.sendMediaTo(call)
"""

KEY = "xi-key-of-this-test-0123456789"

AGENT = """
@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.answer()
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a", baseUrl=VoxEngine.getSecretValue("BASE_URL"),
        onWebSocketClose=lambda e: call.hangup())
    VoxEngine.sendMediaBetween(call, agent)
    setTimeout(call.hangup, 2000)
"""


def check_calm(done: Finished) -> None:
    """No traceback, no group, no secret."""
    for unwanted in ("Traceback", "ExceptionGroup", "voxrun/", KEY, SIGNATURE):
        assert unwanted not in done.text


# The files.


def damaged(folder: Path, kind: str) -> Path:
    path = folder / "caller.flac"
    match kind:
        case "empty":
            path.touch()
        case "no audio":
            path.write_text("hello, I am a letter")
        case "a folder":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "No such file or directory"),
        ("empty", "empty"),
        ("no audio", "no audio file"),
        ("a folder", "Is a directory"),
    ],
)
def test_a_caller_that_is_no_audio_file(scenario: Write, tmp_path: Path, capsys: Capture, kind: str, said: str) -> None:
    path = damaged(tmp_path, kind)
    assert main([str(scenario(ECHO)), "--call", str(path)]) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("voxrun: ")
    assert str(path) in err
    assert said in err
    assert err.count("\n") == 1


def test_a_caller_that_may_not_be_read(scenario: Write, caller: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: Capture) -> None:  # fmt: skip
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = scenario(ECHO)
    monkeypatch.setattr(Path, "open", refuse)  # who runs the tests may be root, whom no file refuses
    assert main([str(path), "--call", str(caller)]) == WRONG_USE
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["", "sip://100@127.0.0.1", "https://example.com/a.wav"])
def test_a_caller_that_is_no_file_at_all(scenario: Write, capsys: Capture, call: str) -> None:
    assert main([str(scenario(ECHO)), "--call", call]) == WRONG_USE
    assert "--call takes an audio file, an rtp:// address, mic or none" in capsys.readouterr().err


# The scenario.


@pytest.mark.parametrize("arguments", [[], ["--call", "none"]])
def test_a_scenario_that_is_not_there(tmp_path: Path, capsys: Capture, arguments: list[str]) -> None:
    assert main([str(tmp_path / "nope.py"), *arguments]) == WRONG_USE
    assert f"voxrun: there is no scenario {tmp_path / 'nope.py'}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["menu.js", "menu.VOX"])
@pytest.mark.parametrize("command", [[], ["serve"], ["check"]])
def test_a_file_of_another_kind(here: Path, capsys: Capture, command: list[str], name: str) -> None:
    """What VoxEngine takes, first of all."""
    (here / name).write_text("VoxEngine.addEventListener(AppEvents.Started, (e) => { Logger.write('hello'); });")
    options = [] if command else ["--call", "none"]
    assert main([*command, name, *options]) == WRONG_USE
    shown = capsys.readouterr()
    assert f"{name} is no scenario: their names end with .vox or .py\n" in shown.out + shown.err


def test_a_folder_instead_of_a_scenario_leaves_an_old_recording_alone(
    tmp_path: Path, caller: Path, capsys: Capture
) -> None:
    record = tmp_path / "call.wav"
    record.write_bytes(b"an older one")
    assert main([str(tmp_path), "--call", str(caller), "--record", str(record)]) == WRONG_USE
    assert "is a folder: name the scenario file in it" in capsys.readouterr().err
    assert record.read_bytes() == b"an older one"


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("def f(:\n    pass", "2:7", "invalid syntax"),
        ("x = 1 / 0", "2", "ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name", "2", "ModuleNotFoundError"),
        ("VoxEngine.on(AppEvents.Started)(lambda e: e.nope)", "2", "AttributeError"),
        ("@VoxEngine.on(AppEvents.Started)\ndef f(e):\n    {}['x']", "4", "KeyError: 'x'"),
        (
            "@VoxEngine.on(AppEvents.Started)\nasync def f(e):\n    raise OSError(28, 'full')",
            "4",
            "OSError: [Errno 28]",
        ),
        ("@VoxEngine.on(AppEvents.Started)\ndef f():\n    pass", "2", "TypeError"),
        ("@VoxEngine.on(AppEvents.Started)\ndef f(e):\n    exit(0)", "4", "end a session with VoxEngine.terminate()"),
    ],
)
def test_an_error_of_the_scenarios_is_told_with_its_line(
    scenario: Write, capsys: Capture, monkeypatch: pytest.MonkeyPatch, source: str, line: str, said: str
) -> None:
    path = scenario(source)
    monkeypatch.chdir(path.parent)
    assert main([str(path), "--call", "none", "--idle-timeout", "0.1"]) == SCENARIO_FAILED
    err = capsys.readouterr().err
    assert f" error     scenario.py:{line}" in err
    assert said in err
    excerpt = path.read_text().splitlines()[int(line.partition(":")[0]) - 1].strip()
    assert err.splitlines()[1].strip() == excerpt
    assert "Traceback" not in err


def test_an_async_handler_that_fails_late_keeps_the_recording(scenario: Write, caller: Path, tmp_path: Path) -> None:
    path = scenario("""
        import trio
        @VoxEngine.on(AppEvents.CallAlerting)
        async def answer(event):
            event.call.answer()
            await trio.sleep(1.0)
            raise ValueError("too bad")
    """)
    done = voxrun(path, "--call", caller, "--record", "call.wav", cwd=tmp_path)
    assert done.status == SCENARIO_FAILED
    assert "scenario.py:7: in a handler of Application.CallAlerting: ValueError: too bad" in done.err
    check_calm(done)
    said = read_wav(tmp_path / "call.wav")[:, 0]
    assert 16_000 * 0.4 < len(said) < 16_000 * 2.0
    assert np.abs(said[-3200:]).max() > 5000


def test_a_handler_that_is_no_function(scenario: Write, capsys: Capture) -> None:
    path = scenario('VoxEngine.addEventListener(AppEvents.Started, "no function")')
    assert main([str(path), "--call", "none"]) == SCENARIO_FAILED
    out, err = capsys.readouterr()
    assert "scenario.py:2: 'no function' is no function" in out
    assert "a handler must be a function, not 'no function'" in err


def test_an_unknown_event_is_a_warning_with_the_nearest_name(scenario: Write, capsys: Capture) -> None:
    path = scenario('VoxEngine.addEventListener("Application.Startd", lambda e: None)')
    assert main([str(path), "--call", "none", "--idle-timeout", "0"]) == OK
    out, err = capsys.readouterr()
    assert "scenario.py:2: no event named 'Application.Startd'" in out
    assert "did you mean 'Application.Started'?" in out
    assert err == ""


# The agent.


async def greeted(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)
    conversation.greet()
    conversation.speak(1, tone(16_000, 0.5), "Hello")
    await trio.sleep(0.7)


async def close_with_a_reason(conversation: Conversation) -> None:
    await greeted(conversation)
    conversation.socket.close(1008, "Missing required dynamic variable: name")


async def vanish(conversation: Conversation) -> None:
    await greeted(conversation)
    raise trio.BrokenResourceError


async def send_20_mb(conversation: Conversation) -> None:
    await greeted(conversation)
    socket = conversation.socket
    assert isinstance(socket, SocketWebSocket)
    socket._put(socket._protocol.message("A" * 20_000_000), 0)  # larger than an outbox takes
    await trio.sleep_forever()


async def send_an_unknown_format(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)
    conversation.greet("opus_48000")
    await trio.sleep_forever()


async def send_junk(conversation: Conversation) -> None:
    await greeted(conversation)
    for junk in ("{", "[]", '{"type": 7}', '{"type":"ping"}', '{"type":"agent_response"}', "\x00" * 100):
        conversation.socket.send(junk)
    await trio.sleep_forever()


async def never_answer(conversation: Conversation) -> None:
    await trio.sleep_forever()


def call_agent(agent: LoopbackAgent, path: Path, caller: Path, command: Sequence[str] = COMMAND) -> Finished:
    arguments: list[str | Path] = [
        "--call",
        caller,
        "--record",
        "call.wav",
        "--trace",
        "call.jsonl",
        "--secret",
        f"KEY={KEY}",
    ]
    done = voxrun_with(agent, path, *arguments, cwd=path.parent, command=command)
    check_calm(done)
    trace = (path.parent / "call.jsonl").read_text()
    assert KEY not in trace
    assert SIGNATURE not in trace
    assert records(trace)[-1]["kind"] == "end"
    return done


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (close_with_a_reason, "code 1008: Missing required dynamic variable: name"),
        (vanish, "code 1006"),
        (send_20_mb, "code 1009"),
        (send_an_unknown_format, "opus_48000"),
    ],
)
def test_an_agent_that_breaks_the_conversation(scenario: Write, caller: Path, script: Script, said: str) -> None:
    path = scenario(AGENT)
    done = call_agent(LoopbackAgent(script), path, caller)
    assert done.status == UNREACHABLE
    assert done.err.count(" error ") == 1
    assert said in done.err
    heard = read_wav(path.parent / "call.wav")
    assert np.abs(heard[:, 0]).max() > 5000
    if script is not send_an_unknown_format:
        assert np.abs(heard[:, 1]).max() > 5000


IMPATIENT = """
import sys
from voxrun.providers.elevenlabs import agents_client
agents_client.METADATA_SECONDS = 0.3
from voxrun.cli import main
sys.exit(main())
"""


@pytest.mark.slow
def test_an_agent_that_never_answers(scenario: Write, caller: Path) -> None:
    path = scenario(AGENT)
    done = call_agent(LoopbackAgent(never_answer), path, caller, [sys.executable, "-c", IMPATIENT])
    assert done.status == UNREACHABLE
    assert "the agent did not answer the initiation within" in done.err
    assert np.abs(read_wav(path.parent / "call.wav")[:, 0]).max() > 5000


@pytest.mark.slow
def test_junk_is_one_warning(scenario: Write, caller: Path) -> None:
    path = scenario(AGENT)
    done = call_agent(LoopbackAgent(send_junk), path, caller)
    assert done.status == OK
    assert done.err == ""
    assert done.out.count(" warning ") == 1
    assert "sent what is not its protocol" in done.out


@pytest.mark.slow
@pytest.mark.parametrize(("status", "advice"), [(401, "check xiApiKey"), (404, "check agentId")])
def test_an_agent_that_refuses(scenario: Write, caller: Path, status: int, advice: str) -> None:
    path = scenario(AGENT)
    refusal = Reply(status, f'{{"detail":"\x1b[31mno entry for {KEY}"}}'.encode())
    done = call_agent(LoopbackAgent(greeted, refusal), path, caller)
    assert done.status == UNREACHABLE
    assert "scenario.py:6: 127.0.0.1:" in done.err
    assert f"with HTTP {status}: {advice}" in done.err
    assert "agent = await ElevenLabs.createAgentsClient(" in done.err
    assert "\x1b" not in done.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("http://127.0.0.1:1", UNREACHABLE, "127.0.0.1:1 refused the connection"),
        ("http://no-such-host.invalid", UNREACHABLE, "can't find the host of no-such-host.invalid:80"),
        ("ws://127.0.0.1:1", UNREACHABLE, "127.0.0.1:1 refused the connection"),
        ("gopher://127.0.0.1", WRONG_USE, "is no http, https, ws or wss address"),
    ],
)
def test_a_wrong_address(scenario: Write, caller: Path, tmp_path: Path, url: str, status: int, said: str) -> None:
    path = scenario(AGENT.replace('VoxEngine.getSecretValue("BASE_URL")', f'"{url}"'))
    done = voxrun(path, "--call", caller, "--record", "call.wav", "--secret", f"KEY={KEY}", cwd=tmp_path)
    assert done.status == status
    assert said in done.err
    check_calm(done)
    read_wav(tmp_path / "call.wav")


def test_a_missing_secret(scenario: Write, caller: Path, capsys: Capture) -> None:
    path = scenario(AGENT.replace('VoxEngine.getSecretValue("BASE_URL")', '"http://127.0.0.1:1"'))
    assert main([str(path), "--call", str(caller)]) == WRONG_USE
    err = capsys.readouterr().err
    assert "scenario.py:6: xiApiKey is missing" in err
    assert "--secret NAME=VALUE" in err


# Disks.


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.slow
def test_a_disk_that_fills_up_under_the_recording(scenario: Write, caller: Path, tmp_path: Path) -> None:
    done = voxrun(scenario(ECHO), "--call", caller, "--record", "call.wav", cwd=tmp_path,
                  prepare=partial(limit_files, 64_000))  # fmt: skip
    assert done.status == UNREACHABLE
    assert done.err.count(" error ") == 1
    assert "--record call.wav can't be written: File too large; what was recorded before is kept" in done.err
    assert "ended after 2 s" in done.out
    check_calm(done)
    seconds = len(read_wav(tmp_path / "call.wav")) / 16_000
    assert 0.5 < seconds <= 1.0


@pytest.mark.slow
def test_a_disk_that_fills_up_under_the_trace(scenario: Write, caller: Path, tmp_path: Path) -> None:
    chatty = ECHO + '    setInterval(lambda: Logger.write("x" * 20_000), 100)\n'
    done = voxrun(scenario(chatty), "--call", caller, "--trace", "call.jsonl", cwd=tmp_path,
                  prepare=partial(limit_files, 100_000))  # fmt: skip
    assert done.status == UNREACHABLE
    assert done.err.count(" error ") == 1
    assert "--trace call.jsonl can't be written: File too large; what was written before is kept" in done.err
    assert "ended after 2 s" in done.out
    check_calm(done)
    whole_lines = (tmp_path / "call.jsonl").read_text().rpartition("\n")[0]
    assert len(records(whole_lines)) > 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("option", ["--record", "--trace"])
def test_a_disk_that_is_full_already(scenario: Write, caller: Path, capsys: Capture, option: str) -> None:
    path = scenario(ECHO.replace("1500", "100"))
    status = main([str(path), "--call", str(caller), option, "/dev/full"])
    assert status == (WRONG_USE if option == "--record" else UNREACHABLE)
    err = capsys.readouterr().err
    assert err.count("No space left on device") == 1
    assert f"{option} /dev/full can't be written" in err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_is_full_is_told_and_the_call_goes_on(scenario: Write, caller: Path, tmp_path: Path) -> None:
    path = scenario(ECHO)
    shell = f"{shlex.join(COMMAND)} {path.name} --call {caller.name} --record call.wav > /dev/full"
    done = run(["sh", "-c", shell], tmp_path)
    assert done.status == UNREACHABLE
    told, trace = done.err.splitlines()
    assert told == "voxrun: the output can't be written: No space left on device; the call goes on"
    assert trace.startswith("voxrun: see what led to this: voxrun trace ")
    assert len(read_wav(tmp_path / "call.wav")) == pytest.approx(24_000, abs=4000)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_call_goes_on_where_errors_have_no_room_either(scenario: Write, caller: Path, tmp_path: Path) -> None:
    path = scenario(ECHO)
    shell = f"{shlex.join(COMMAND)} {path.name} --call {caller.name} --record call.wav > /dev/full 2>&1"
    assert run(["sh", "-c", shell], tmp_path).status == UNREACHABLE
    assert len(read_wav(tmp_path / "call.wav")) == pytest.approx(24_000, abs=4000)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("errors", ["/dev/full", ">(true)"])
def test_errors_that_can_not_be_told_change_nothing_else(scenario: Write, tmp_path: Path, errors: str) -> None:
    path = scenario("@VoxEngine.on(AppEvents.Started)\ndef f(e):\n    setTimeout(lambda: 1 / 0, 300)")
    begin = shlex.join(COMMAND)
    done = run(["bash", "-c", f"{begin} {path.name} --call none 2> {errors}"], tmp_path)
    assert (done.status, done.err) == (SCENARIO_FAILED, "")
    assert "over: the scenario failed" in done.out
    assert run(["bash", "-c", f"{begin} missing.py 2> {errors}"], tmp_path).status == WRONG_USE


# What this machine lacks.

BLOCKED = "import sys; sys.modules[{module!r}] = None; from voxrun.cli import main; sys.exit(main(sys.argv[1:]))"
NO_PORTAUDIO = """
import sys
class NoLibrary:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
sys.meta_path.insert(0, NoLibrary)
from voxrun.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["pocketsphinx", "webrtcvad", "espeakng_loader"])
@pytest.mark.parametrize("command", ["run", "agent"])
def test_a_missing_extra_is_named_with_its_remedy(
    scenario: Write, caller: Path, tmp_path: Path, command: str, module: str
) -> None:
    arguments = ["agent", "--port", "0"] if command == "agent" else [scenario(ECHO), "--local-agent", "--call", caller]
    done = run([sys.executable, "-c", BLOCKED.format(module=module), *map(str, arguments)], tmp_path)
    assert done.status == WRONG_USE
    assert done.out == ""
    assert f"the local agent needs {module}" in done.err
    assert "pip install 'voxrun[local-agent]'" in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_missing_portaudio_is_told_with_its_remedy(scenario: Write, tmp_path: Path) -> None:
    done = run([sys.executable, "-c", NO_PORTAUDIO, str(scenario(ECHO))], tmp_path)
    assert done.status == WRONG_USE
    assert "PortAudio library not found. Install PortAudio" in done.err
    assert "--call FILE" in done.err
    assert done.err.count("\n") == 1
