"""The README is true: its commands run, its snippets type-check and run, its links lead somewhere."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.dsl.played import play
from tests.kit import ScriptedLeg, Setting, simulate, tone

import voxrun.testing
from voxrun.cli.main import main
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
VOX = re.findall(r"```vox\n(.*?)```", README, re.S)
WITH_MISTAKES = """\
// Answer every caller with an ElevenLabs agent.
require ElevenLabs

on AppEvents.CallAlerting as { call } {
    const agent = await ElevenLabs.createAgentsClient({
        xiApiKey: secret("ELEVENLABS_API_KEY"), agentId: "agent_1",
    })
    on agent AgentsEvents.UserTranscript as { data } {
        log "caller: ${data.user_transcription_event.user_transcrip}"
    }
    call.anwser()
    call <-> agent
}
"""
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)
SCENARIOS = [snippet for snippet in SNIPPETS if "def test_" not in snippet]
(SCENARIOS_TEST,) = (snippet for snippet in SNIPPETS if "def test_" in snippet)
(LANGUAGE_TEST,) = (block for block in VOX if block.startswith("test "))
(FAILURE,) = re.findall(r"```text\n(test_answer\.py:.*?)```", README, re.S)
MAIN_JOB, TESTS, *OTHERS = COMMANDS


def checkout(target: Path) -> Path:
    """The project's own files, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.mark.slow
def test_the_main_job_runs_as_written_in_an_empty_environment(tmp_path: Path) -> None:
    clone = checkout(tmp_path)
    done = subprocess.run(MAIN_JOB, shell=True, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agent     Thank you for calling Riverside Dental. Goodbye!" in done.stdout
    assert (clone / "call.wav").stat().st_size > 15 * 16_000 * 4


def test_the_test_command_is_what_ci_runs() -> None:
    assert TESTS in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
def test_the_other_commands_end_well_one_after_the_other(tmp_path: Path) -> None:
    clone = checkout(tmp_path)
    for command in OTHERS:
        run = serve_for_a_moment if command.startswith("voxrun agent") else run_to_the_end
        run(command, clone)


def run_to_the_end(command: str, clone: Path) -> None:
    done = subprocess.run(installed(command), cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert done.stdout


def serve_for_a_moment(command: str, clone: Path) -> None:
    with subprocess.Popen(installed(command), cwd=clone, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "http://127.0.0.1:" in server.stdout.readline()
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def installed(command: str) -> list[str]:
    """The command with the `voxrun` of the environment that runs the tests."""
    program, *arguments = shlex.split(command)
    return [str(Path(sys.executable).with_name(program)), *arguments]


@pytest.mark.parametrize("snippet", SCENARIOS)
def test_a_snippet_answers_a_call(snippet: str, tmp_path: Path) -> None:
    async def talk(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet()
        conversation.speak(1, tone(16_000, 1.0))
        conversation.socket.close(1008, "that is all")

    scenario = tmp_path / "scenario.py"
    scenario.write_text(snippet)
    leg = ScriptedLeg(says=tone(16_000, 1.0))
    setting = Setting(
        leg=leg, secrets={"ELEVENLABS_API_KEY": API_KEY}, background=AgentService(talk).start, stop_after=3.0
    )
    ran = simulate(scenario, setting)
    assert "Call.Connected" in ran.events
    assert "ElevenLabs.Agents.ConversationInitiationMetadata" in ran.events


def test_the_tests_pass_and_fail_as_shown(tmp_path: Path) -> None:
    scenario = tmp_path / "answer.py"
    scenario.write_text(SCENARIOS[0])
    (tmp_path / "test_answer.py").write_text(SCENARIOS_TEST)
    (tmp_path / "answer.vox").write_text(LANGUAGE_TEST)
    command = [sys.executable, "-m", "voxrun", "test", "."]
    passed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    assert "2 passed" in passed.stdout
    scenario.write_text(SCENARIOS[0].replace("lambda e: agent.clearMediaBuffer()", "lambda e: None"))
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert set(FAILURE.splitlines()) <= set(failed.stdout.splitlines())


@pytest.mark.parametrize("scenario", [block for block in VOX if not block.startswith("test ")])
def test_a_scenario_of_the_language_is_right_and_answers_a_call(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(scenario)
    assert main(["check", str(path)]) == 0
    assert main(["fmt", "--check", str(path)]) == 0
    ran = play(tmp_path, scenario, Setting(leg=ScriptedLeg(), stop_after=30.0))
    assert {"Call.Connected", "Call.Disconnected"} <= set(ran.events)


def test_the_findings_shown_are_those_of_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELEVENLABS_API_KEY", "given")
    Path("reception.vox").write_text(WITH_MISTAKES)
    assert main(["check", "reception.vox"]) == 1
    assert f"```text\n$ voxrun check reception.vox\n{capsys.readouterr().out}```" in README


@pytest.mark.slow
def test_the_snippets_are_strictly_typed(tmp_path: Path) -> None:
    paths = []
    for number, snippet in enumerate(SNIPPETS):
        paths.append(tmp_path / f"snippet_{number}.py")
        paths[-1].write_text(snippet)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", README))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()


def test_the_options_are_those_of_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "voxrun", "--help"], capture_output=True, text=True, check=True)
    in_help = set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help", "--version"}
    command_line = README[README.index("## Command line") : README.index("## Scenario API")]
    assert in_help - set(re.findall(r"--[a-z-]+", command_line)) == set()


def test_what_the_kit_is_said_to_have_can_be_imported() -> None:
    table = README[README.index("| part of `voxrun.testing`") : README.index("In a `.vox` file a test is")]
    parts = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    names = set(re.findall(r"`(\w+)\(", "".join(parts)))
    assert {"simulate", "turns", "interruptionToSilence"} <= names
    for name in sorted(names):
        assert callable(getattr(voxrun.testing, name)), name
