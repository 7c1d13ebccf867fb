"""What Windows and macOS have another way; voxrun on Windows as far as `windows.py` can have it elsewhere."""

import errno
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from tests.agent_service import Conversation
from tests.cli.command import LoopbackAgent, Running, read_wav, records, run, voxrun_with, write_tone
from tests.kit import tone

from voxrun.cli import output, serve
from voxrun.cli.status import OK, WRONG_USE
from voxrun.media import sounds
from voxrun.media.sounds import AudioRequest
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is the real one here")

WINDOWS = [sys.executable, "-X", "warn_default_encoding", str(Path(__file__).with_name("windows.py"))]

SCENARIO = """
from pathlib import Path

from voxrun import AppEvents, CallEvents, ElevenLabs, Logger, VoxEngine
from voxrun.transports.sound_writer import open_writer


@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey="any", agentId="a", baseUrl=VoxEngine.getSecretValue("BASE_URL"),
        onWebSocketClose=lambda e: call.hangup())
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
    agent.sendMediaTo(VoxEngine.createRecorder(name="agent.flac"))
    try:
        open_writer(Path("call.wav"), 8000, 1)
    except OSError as error:
        Logger.write(error.strerror)
"""


async def converse(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)
    conversation.greet()
    conversation.speak(1, tone(16_000, 0.5), "Here → there")
    conversation.socket.close(1000, "goodbye")


def test_all_is_imported_and_a_new_project_passes_its_tests(tmp_path: Path) -> None:
    made = run([*WINDOWS, "new", "mycall", "--vox"], tmp_path)
    assert (made.status, made.err) == (OK, "")
    tested = run([*WINDOWS, "test", "mycall"], tmp_path)
    assert tested.status == OK, tested.text
    assert "passed" in tested.out


def test_a_call_is_recorded_and_told_in_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    scenario, caller = tmp_path / "scenario.py", write_tone(tmp_path / "caller.wav", 1.0)
    scenario.write_text(SCENARIO, encoding="utf-8")
    given = ("--call", str(caller), "--record", "call.wav", "--json")
    done = voxrun_with(LoopbackAgent(converse), scenario, *given, cwd=tmp_path, command=WINDOWS)
    assert (done.status, done.err) == (OK, ""), done.text
    assert "Here → there" in done.out
    (told,) = (record["message"] for record in records(done.out) if record["kind"] == "log")
    assert str(told).startswith("another recording is still being written into it")
    assert np.abs(read_wav(tmp_path / "call.wav")[:, 1]).max() > 5000
    assert soundfile.info(tmp_path / "agent.flac").duration > 0.2


def test_a_server_of_one_process_ends_by_ctrl_break(tmp_path: Path) -> None:
    (tmp_path / "scenario.vox").write_text("on AppEvents.CallAlerting as { call } { call.answer() }\n")
    options = ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--control-token", "any", "--drain", "1"]
    with Running("serve", "scenario.vox", *options, cwd=tmp_path, command=WINDOWS) as server:
        server.wait_for("calls are taken on http://127.0.0.1:")
        server.signal(signal.SIGQUIT)  # which stands in for SIGBREAK
        done = server.finish()
    assert (done.status, done.err) == (OK, "")
    assert "all calls are over" in done.out


def test_workers_are_refused(tmp_path: Path) -> None:
    done = run([*WINDOWS, "serve", "scenario.vox", "--workers", "2"], tmp_path)
    assert done.status == WRONG_USE
    assert done.err.startswith("voxrun: --workers can't be had on Windows")


def test_a_file_url_has_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "sys", SimpleNamespace(platform="win32"))
    assert AudioRequest("file:///C:/my%20music/hello.wav").path == Path("C:/my music/hello.wav")
    assert AudioRequest("C:/my music/hello.wav").path == Path("C:/my music/hello.wav")


def test_a_pipe_that_nobody_reads_any_more_is_told_from_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [OSError(number, "") for number in (errno.EPIPE, errno.EINVAL, errno.ENOSPC)]
    assert [output.is_left(error) for error in errors] == [True, False, False]
    monkeypatch.setattr(output, "sys", SimpleNamespace(platform="win32"))
    assert [output.is_left(error) for error in errors] == [True, True, False]


@pytest.mark.parametrize(
    ("system", "before", "wanted"),
    [
        ("linux", (1024, 524288), [(524288, 524288)]),
        ("linux", (524288, 524288), []),
        ("darwin", (256, 2**63 - 1), [(10240, 2**63 - 1)]),
        ("darwin", (256, 4096), [(4096, 4096)]),
        ("darwin", (65536, 2**63 - 1), []),
    ],
)
def test_a_server_takes_the_descriptors_that_it_can_have(
    monkeypatch: pytest.MonkeyPatch, system: str, before: tuple[int, int], wanted: list[tuple[int, int]]
) -> None:
    taken: list[tuple[int, int]] = []
    limits = SimpleNamespace(
        RLIMIT_NOFILE=7, getrlimit=lambda kind: before, setrlimit=lambda kind, wanted: taken.append(wanted)
    )
    monkeypatch.setattr(serve, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr(serve, "resource", limits)
    serve._allow_many_files()
    assert taken == wanted
