"""`voxrun SCENARIO` as a whole: the call, its recording and trace, what is printed, secrets, pipes."""

import json
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests.agent_service import SIGNATURE, Conversation
from tests.cli.command import COMMAND, LoopbackAgent, read_wav, records, run, voxrun, voxrun_with
from tests.cli.conftest import Capture, Write
from tests.kit import tone
from tests.others import Moment, undisturbed

from voxrun.cli import main
from voxrun.cli.run import LOCAL_KEY
from voxrun.cli.status import INTERRUPTED, OK, WRONG_USE
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated

ECHO = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    call.sendMediaTo(call)
    setTimeout(call.hangup, 600)
"""


def test_a_call_from_a_file_is_recorded_in_stereo_and_printed(
    scenario: Write, caller: Path, tmp_path: Path, capsys: Capture
) -> None:
    record, trace = tmp_path / "call.wav", tmp_path / "call.jsonl"
    assert main([str(scenario(ECHO)), "--call", str(caller), "--record", str(record), "--trace", str(trace)]) == OK
    out, err = capsys.readouterr()
    assert err == ""
    assert [line[8:].strip() for line in out.splitlines()] == [
        "call      rings: caller calls voxrun",
        "call      is answered",
        "call      ended after 1 s: Normal call clearing",
        "session   over: terminated by the scenario",
    ]
    assert all(re.match(r" {3}\d\.\d\d  \w", line) for line in out.splitlines())
    recorded = read_wav(record)
    times = {line["name"]: line["t"] for line in records(trace.read_text()) if line["kind"] == "event"}
    lasted = float(str(times["Call.Disconnected"])) - float(str(times["Application.CallAlerting"]))
    assert 0.5 <= len(recorded) / 16_000 <= lasted + 0.1
    assert np.abs(recorded[3200:]).max(axis=0).min() > 5000


def test_json_lines_and_the_trace_say_the_same(scenario: Write, caller: Path, tmp_path: Path, capsys: Capture) -> None:
    trace = tmp_path / "call.jsonl"
    status = main([str(scenario(ECHO)), "--call", str(caller), "--json", "--trace", str(trace)])
    assert status == OK
    out, err = capsys.readouterr()
    assert err == ""
    assert out == trace.read_text()
    printed = records(out)
    assert [record["kind"] for record in printed][-2:] == ["clock", "end"]
    times = [float(str(record["t"])) for record in printed]
    assert times == sorted(times)
    names = [record["name"] for record in printed if record["kind"] == "event"]
    assert names[0] == "Application.Started"
    assert names[-1] == "Application.Terminated"


def test_what_a_scenario_prints_is_no_line_of_json(scenario: Write, capsys: Capture) -> None:
    assert main([str(scenario("print('here I am')")), "--call", "none", "--idle-timeout", "0", "--json"]) == OK
    out, err = capsys.readouterr()
    assert records(out)[-1]["kind"] == "end"
    assert err == "here I am\n"


def test_a_handler_that_holds_up_the_audio_is_warned_with_its_line(
    scenario: Write, caller: Path, capsys: Capture
) -> None:
    path = scenario("""
import time
time.sleep(0.3)  # nobody calls yet

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    event.call.answer()
    setTimeout(VoxEngine.terminate, 900)
    time.sleep(0.5)
""")
    line = path.read_text().splitlines().index("    time.sleep(0.5)") + 1
    assert main([str(path), "--call", str(caller)]) == OK
    out = capsys.readouterr().out
    assert re.search(rf"{path.name}:{line}: this has held up all audio for \d\.\d s: wait with `await trio", out)
    assert "time.sleep(0.3)" not in out


def test_without_a_call_the_idle_time_ends_the_session(scenario: Write, capsys: Capture) -> None:
    path = scenario('@VoxEngine.on(AppEvents.Started)\ndef f(e):\n    Logger.write("started")')
    assert main([str(path), "--call", "none", "--idle-timeout", "0.1"]) == OK
    out = capsys.readouterr().out
    assert "scenario  started" in out
    assert "over: no call for 0.1 s" in out


def test_a_text_that_the_terminal_cannot_show_is_spelt_out(scenario: Write, tmp_path: Path) -> None:
    path = scenario('Logger.write("\\u4f60")')
    done = voxrun(path, "--call", "none", "--idle-timeout", "0", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii:strict"})
    assert done.status == OK
    assert r"\u4f60" in done.out


@pytest.mark.parametrize(
    "told",
    [
        ("--record", "caller.wav", "would overwrite the --call file"),
        ("--record", "./caller.wav", "would overwrite the --call file"),
        ("--record", "scenario.py", "would overwrite the scenario"),
        ("--trace", "caller.wav", "would overwrite the --call file"),
        ("--trace", "scenario.py", "would overwrite the scenario"),
        ("--trace", "agent.toml", "would overwrite the agent's script"),
        ("--trace", "secrets.env", "would overwrite the --env-file"),
        ("--trace", "call.wav", "would overwrite what --record writes"),
    ],
)
def test_nothing_that_is_read_is_overwritten(
    scenario: Write, caller: Path, here: Path, capsys: Capture, told: tuple[str, str, str]
) -> None:
    option, named, said = told
    script = here / "agent.toml"
    script.write_text("greeting = 'Hello'\n")
    secrets = here / "secrets.env"
    secrets.write_text("KEY=1\n")
    before = {file: file.read_bytes() for file in (scenario(ECHO), caller, script, secrets)}
    record = ["--record", "call.wav"] if option == "--trace" else []
    given = ["--call", "caller.wav", "--local-agent=agent.toml", "--env-file", "secrets.env"]
    arguments = ["scenario.py", *given, *record, option, named]
    assert main(arguments) == WRONG_USE
    assert f"voxrun: {option} {Path(named)} {said}: give another name" in capsys.readouterr().err
    assert before == {file: file.read_bytes() for file in before}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "nowhere/call.wav"], "--record nowhere/call.wav can't be written: No such file or directory"),
        (["--trace", "nowhere/call.jsonl"], "--trace nowhere/call.jsonl can't be written: No such file or directory"),
        (["--trace", "."], "--trace . can't be written: Is a directory"),
        (["--record", "call.MP3"], "--record call.MP3 would be a wav file: give a name that ends with .wav"),
        (["--record", "call.txt"], "--record call.txt would be a wav file: give a name that ends with .wav"),
        (["--call", "none", "--record", "call.wav"], "--record has nothing to record with --call none"),
    ],
)
def test_outputs_that_cannot_be(
    scenario: Write, caller: Path, here: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    path = scenario(ECHO)
    assert here == path.parent
    assert main([path.name, "--call", caller.name, *arguments]) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"voxrun: {said}\n"


# Secrets.

GIVEN, FILED, FOUND = "given-Sönder/1", 'filed "quoted" 2', "found-in-the-environment-3"
TELLTALE = """
for name in ("GIVEN", "FILED", "FOUND"):
    value = VoxEngine.getSecretValue(name)
    Logger.write(f"{name} is {value} or {value!r}")

@VoxEngine.on(AppEvents.Started)
def fail(event):
    raise ValueError(" ".join(VoxEngine.getSecretValue(name) for name in ("GIVEN", "FILED", "FOUND")))
"""


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_secrets_are_in_no_output_trace_or_error(
    scenario: Write, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, output: list[str]
) -> None:
    monkeypatch.setenv("FOUND", FOUND)
    (tmp_path / "secrets.env").write_text(f"FILED='{FILED}'\n")
    trace = tmp_path / "call.jsonl"
    path = scenario(TELLTALE)
    given = ["--secret", f"GIVEN={GIVEN}", "--env-file", str(tmp_path / "secrets.env")]
    assert main([str(path), "--call", "none", *given, "--trace", str(trace), *output]) == 1
    out, err = capsys.readouterr()
    assert "GIVEN is *** or '***'" in out
    for text in (out, err, trace.read_text()):
        for secret in (GIVEN, FILED, FOUND):
            for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
                assert form not in text


def test_the_local_agents_key_is_no_word_of_a_message() -> None:
    for told in ("--local-agent", "voxrun[local-agent]", "the local agent"):
        assert LOCAL_KEY not in told


CONVERSATION = """
@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    key = VoxEngine.getSecretValue("KEY")
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=key, agentId="a", baseUrl=VoxEngine.getSecretValue("BASE_URL"),
        onWebSocketClose=lambda e: call.hangup())
    agent.addEventListener(ElevenLabs.AgentsEvents.HTTPResponse, lambda e: Logger.write(e.data))
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
"""


async def converse(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)
    conversation.greet()
    conversation.speak(1, tone(16_000, 0.3), "Hello \x1b[2J there\n   0.00  session   over: hacked")
    conversation.socket.close(1000, "goodbye")


@pytest.mark.slow
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_a_conversation_with_an_agent(scenario: Write, caller: Path, tmp_path: Path, output: list[str]) -> None:
    key = "xi-key-0123456789"
    written = ["--trace", "call.jsonl", "--record", "call.wav", *output]
    path = scenario(CONVERSATION)
    done = voxrun_with(
        LoopbackAgent(converse), path, "--call", caller, "--secret", f"KEY={key}", *written, cwd=tmp_path
    )
    assert (done.status, done.err) == (OK, "")
    assert "\x1b" not in done.out
    assert "over: terminated by the scenario" in done.out or output
    assert not any(line.startswith("   0.00  session") for line in done.out.splitlines())
    for text in (done.out, (tmp_path / "call.jsonl").read_text()):
        assert key not in text
        assert SIGNATURE not in text
    assert np.abs(read_wav(tmp_path / "call.wav")[:, 1]).max() > 5000


# Pipes.


@pytest.mark.slow
@pytest.mark.parametrize("output", ["", "--json"])
def test_a_reader_that_leaves_ends_the_call_quietly(scenario: Write, caller: Path, tmp_path: Path, output: str) -> None:
    chatty = ECHO.replace("600", "60_000") + '    setInterval(lambda: Logger.write("tick"), 200)\n'
    command = f"{shlex.join(COMMAND)} {scenario(chatty)} --call {caller} --record call.wav {output}"
    done = run(["bash", "-c", f"set -o pipefail; {command} | head -1"], tmp_path)
    assert done.status == INTERRUPTED
    assert done.out.count("\n") == 1
    assert done.err == ""
    assert len(read_wav(tmp_path / "call.wav")) < 160_000


@pytest.mark.slow
def test_a_slow_reader_of_the_trace_misses_nothing(scenario: Write, tmp_path: Path) -> None:
    path = scenario("@VoxEngine.on(AppEvents.Started)\ndef f(e):\n    setTimeout(log, 300)\n"
                    "def log():\n    Logger.write('x' * 300_000)\n    VoxEngine.terminate()\n")  # fmt: skip
    command = f"{shlex.join(COMMAND)} {path} --call none --trace >(sleep 2; cat > kept.jsonl)"
    assert run(["bash", "-c", command], tmp_path).status == OK
    kept = records((tmp_path / "kept.jsonl").read_text())
    assert [record["message"] for record in kept if record["kind"] == "log"] == ["x" * 300_000]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_are_no_reason_to_stop(scenario: Write, caller: Path, tmp_path: Path, closed: str) -> None:
    began = Moment()
    command = f"{shlex.join(COMMAND)} {scenario(ECHO)} --call {caller} --record call.wav"
    done = run(["sh", "-c", f"{command} {closed}"], tmp_path)
    with undisturbed(began):
        assert len(read_wav(tmp_path / "call.wav")) / 16_000 == pytest.approx(0.6, abs=0.3)
    assert done.status == OK
    assert done.err == ""


def test_the_environment_is_left_as_it_was(scenario: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOUND", FOUND)
    before = dict(os.environ)
    main([str(scenario('VoxEngine.getSecretValue("FOUND")')), "--call", "none", "--idle-timeout", "0"])
    assert dict(os.environ) == before
