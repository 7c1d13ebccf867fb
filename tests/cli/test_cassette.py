"""`voxrun SCENARIO --cassette FILE` in a real process with the local agent, and the same conversation offline."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Running, voxrun
from tests.cli.conftest import Capture, Write
from tests.others import undisturbed

from voxrun.cli import main
from voxrun.cli.status import OK, UNREACHABLE, WRONG_USE
from voxrun.testing import fromCassette, simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NAMES = "ElevenLabs.Agents."
SAME = ("UserTranscript", "ClientToolCall", "AgentResponse", "Interruption", "AgentResponseCorrection")


def on(cassette: Path, kind: str, name: str) -> list[Any]:
    """The messages of one type."""
    lines = [json.loads(line) for line in cassette.read_text().splitlines()]
    return [line[kind] for line in lines if kind in line and line[kind].get("type") == name]


@pytest.mark.alone
@undisturbed()
def test_a_real_conversation_is_the_same_offline(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs the local-agent extra")
    cassette, trace = tmp_path / "call.cassette", tmp_path / "call.jsonl"
    call = ["--local-agent", "--call", str(SCENARIOS / "audio" / "caller.flac")]
    outputs = ["--trace", str(trace), "--cassette", str(cassette)]
    done = voxrun(SCENARIOS / "receptionist.py", *call, *outputs, cwd=tmp_path)
    assert (done.status, done.err) == (OK, "")
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    then = [record for record in records if record["kind"] == "event"]

    source = fromCassette(cassette)
    now = simulate(SCENARIOS / "receptionist.py", caller=source, agent=source).expectOk()
    live, offline = list[float](), list[float]()
    for name in SAME:
        before = [record for record in then if record["name"] == f"{NAMES}{name}"]
        again = now.events.named(f"{NAMES}{name}")
        assert before
        assert [event.payload.data for event in again] == [record["payload"]["data"] for record in before]
        live += [record["t"] for record in before]
        offline += [event.time for event in again]
    sent = [message.data for message in now.agent.received("client_tool_result")]
    assert sent == on(cassette, "sent", "client_tool_result")

    changed = tmp_path / "changed.py"
    source_code = (SCENARIOS / "receptionist.py").read_text()
    changed.write_text(source_code.replace("nine to five", "ten to six").replace("agent.clearMediaBuffer()", "None"))
    differences = simulate(changed, caller=source, agent=source).differences
    assert len(differences) == 2, differences
    result, cleared = differences
    assert "client_tool_result, differs in result" in result
    assert '"result": "nine to five"' in result
    assert '"result": "ten to six"' in result
    assert "clearMediaBuffer, did not come" in cleared

    assert offline == pytest.approx(live, abs=0.15)
    assert now.seconds == pytest.approx(records[-1]["t"], abs=0.3)


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_cassette_that_replays(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs the local-agent extra")
    cassette = tmp_path / "call.cassette"
    call = ["--local-agent", "--call", str(SCENARIOS / "audio" / "caller.flac"), "--json"]
    scenario = SCENARIOS / "receptionist.py"
    with Running(scenario, *call, "--cassette", cassette, "--no-cassette-audio", cwd=tmp_path) as process:
        process.wait_for("AgentResponse")
        process.wait_for("VadScore")
        process.signal(signal.SIGKILL)
    assert cassette.read_bytes().endswith(b"\n")
    replayed = simulate(scenario, caller=fromCassette(cassette), agent=fromCassette(cassette)).expectOk()
    assert len(replayed.events.named(f"{NAMES}AgentResponse")) == 1
    assert replayed.caller.heard.audible()
    assert cassette.stat().st_size < 100_000


def test_nothing_that_is_read_is_overwritten(scenario: Write, caller: Path, here: Path, capsys: Capture) -> None:
    path = scenario()
    assert here == path.parent
    assert main([path.name, "--call", caller.name, "--cassette", caller.name]) == WRONG_USE
    assert f"--cassette {caller.name} would overwrite the --call file" in capsys.readouterr().err
    assert main([path.name, "--call", caller.name, "--trace", "a", "--cassette", "a"]) == WRONG_USE
    assert "--cassette a would overwrite what --trace writes" in capsys.readouterr().err
    assert main([path.name, "--call", "none", "--cassette", "nowhere/a"]) == WRONG_USE
    assert "--cassette nowhere/a can't be written: No such file or directory" in capsys.readouterr().err


def test_a_full_disk_costs_the_cassette_and_not_the_call(scenario: Write, tmp_path: Path, capsys: Capture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a disk that is always full")
    path = scenario("""
    @VoxEngine.on(AppEvents.Started)
    async def f(event):
        try:
            await ElevenLabs.createAgentsClient(xiApiKey="k", agentId="a", baseUrl="ws://127.0.0.1:1")
        except Exception:
            Logger.write("refused")
    """)
    assert main([str(path), "--call", "none", "--idle-timeout", "0.1", "--cassette", "/dev/full"]) == UNREACHABLE
    out, err = capsys.readouterr()
    assert "refused" in out
    assert "--cassette /dev/full can't be written: No space left on device; what was written before is kept" in err
